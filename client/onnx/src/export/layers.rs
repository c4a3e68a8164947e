//! Layer by layer; those of sequences are next door.

use decentralml_learning::{LayerSpec, Layout};

use super::graph::{Builder, float, int, ints};

/// Keeps the quotient of a norm finite where all numbers are equal, as in training.
const EPSILON: f32 = 1e-5;

impl Builder {
    /// The layers one after the other.
    pub(super) fn list(&mut self, layers: &[Layout<'_>], x: String) -> String {
        layers.iter().fold(x, |x, layer| self.layer(layer, x))
    }

    fn layer(&mut self, place: &Layout<'_>, x: String) -> String {
        let path = place.path.as_str();
        let square = |size: u32| [i64::from(size); 2];
        match *place.layer {
            LayerSpec::Dense { bias, .. } => {
                let bias = bias.then_some("bias");
                self.product(path, &x, "weight", bias, place.input.len() == 1)
            }
            LayerSpec::Relu => self.plain(path, "Relu", &x),
            LayerSpec::Tanh => self.plain(path, "Tanh", &x),
            LayerSpec::Sigmoid => self.plain(path, "Sigmoid", &x),
            LayerSpec::Gelu => self.gelu(path, &x),
            LayerSpec::Conv2d { kernel, stride, padding, bias, .. } => {
                let (weight, offset) = (format!("{path}.weight"), format!("{path}.bias"));
                let mut inputs = vec![x.as_str(), &weight];
                if bias {
                    inputs.push(&offset);
                }
                let attributes = vec![
                    ints("kernel_shape", &square(kernel)),
                    ints("strides", &square(stride)),
                    ints("pads", &[i64::from(padding); 4]),
                ];
                self.node(path, "Conv", &inputs, attributes)
            }
            LayerSpec::MaxPool { size, stride, padding } => {
                let attributes = vec![
                    ints("kernel_shape", &square(size)),
                    ints("strides", &square(stride)),
                    ints("pads", &[i64::from(padding); 4]),
                ];
                self.node(path, "MaxPool", &[&x], attributes)
            }
            LayerSpec::AvgPool { size, stride } => {
                let attributes =
                    vec![ints("kernel_shape", &square(size)), ints("strides", &square(stride))];
                self.node(path, "AveragePool", &[&x], attributes)
            }
            LayerSpec::GlobalPool => {
                let x = self.plain(path, "GlobalAveragePool", &x);
                self.node(path, "Flatten", &[&x], vec![int("axis", 1)])
            }
            LayerSpec::GroupNorm { groups } => {
                self.group_norm(path, &x, &place.input, groups as usize)
            }
            LayerSpec::LayerNorm => {
                let (gain, offset) = (format!("{path}.weight"), format!("{path}.bias"));
                let attributes = vec![int("axis", -1), float("epsilon", EPSILON)];
                self.node(path, "LayerNormalization", &[&x, &gain, &offset], attributes)
            }
            // It does nothing but in training.
            LayerSpec::Dropout { .. } => x,
            LayerSpec::Flatten => self.node(path, "Flatten", &[&x], vec![int("axis", 1)]),
            LayerSpec::Reshape { .. } => self.reshape(path, &x, &place.output),
            LayerSpec::Residual { .. } => {
                let [layers, shortcut] = &place.branches;
                let beside = self.list(shortcut, x.clone());
                let x = self.list(layers, x);
                self.node(path, "Add", &[&x, &beside], Vec::new())
            }
            LayerSpec::Embedding { .. } => {
                let weight = format!("{path}.weight");
                self.node(path, "Gather", &[&weight, &x], vec![int("axis", 0)])
            }
            LayerSpec::Position => {
                let weight = format!("{path}.weight");
                self.node(path, "Add", &[&x, &weight], Vec::new())
            }
            LayerSpec::Gru { units } => self.gru(path, &x, units),
            LayerSpec::Lstm { units } => self.lstm(path, &x, units),
            LayerSpec::Attention { heads, causal } => {
                self.attention(path, &x, &place.input, heads as usize, causal)
            }
            LayerSpec::LastStep => {
                let last = place.input.first().map_or(0, |&steps| steps as i64 - 1);
                let (from, to) = (self.integers("from", &[last]), self.integers("to", &[last + 1]));
                let axis = self.integers("axis", &[1]);
                let x = self.node(path, "Slice", &[&x, &from, &to, &axis], Vec::new());
                self.node(path, "Squeeze", &[&x, &axis], Vec::new())
            }
        }
    }

    fn plain(&mut self, path: &str, op: &str, x: &str) -> String {
        self.node(path, op, &[x], Vec::new())
    }

    /// `x · W + b`; `W` is of shape `[inputs, units]`, as the operators take it.
    pub(super) fn product(
        &mut self,
        path: &str,
        x: &str,
        weight: &str,
        bias: Option<&str>,
        is_matrix: bool,
    ) -> String {
        let weight = format!("{path}.{weight}");
        let Some(bias) = bias.map(|bias| format!("{path}.{bias}")) else {
            return self.node(path, "MatMul", &[x, &weight], Vec::new());
        };
        if is_matrix {
            return self.node(path, "Gemm", &[x, &weight, &bias], Vec::new());
        }
        let x = self.node(path, "MatMul", &[x, &weight], Vec::new());
        self.node(path, "Add", &[&x, &bias], Vec::new())
    }

    /// `x · (1 + erf(x / √2)) / 2`: opset 20 has it as one operator.
    fn gelu(&mut self, path: &str, x: &str) -> String {
        let root = self.constant("root_half", &[1], || vec![std::f32::consts::FRAC_1_SQRT_2]);
        let one = self.constant("one", &[1], || vec![1.0]);
        let half = self.constant("half", &[1], || vec![0.5]);
        let share = self.node(path, "Mul", &[x, &root], Vec::new());
        let share = self.plain(path, "Erf", &share);
        let share = self.node(path, "Add", &[&share, &one], Vec::new());
        let x = self.node(path, "Mul", &[x, &half], Vec::new());
        self.node(path, "Mul", &[&x, &share], Vec::new())
    }

    /// Each group of channels as one instance, then a gain and an offset per channel. The operator of
    /// that name is of opset 21; that of opset 18 has a gain per group.
    fn group_norm(&mut self, path: &str, x: &str, image: &[usize], groups: usize) -> String {
        let channels = image.first().copied().unwrap_or(1);
        let width = image.iter().product::<usize>() / groups.max(1);
        let cut = self.reshape(path, x, &[groups, width]);
        let ones = self.constant("ones", &[groups], || vec![1.0; groups]);
        let zeros = self.constant("zeros", &[groups], || vec![0.0; groups]);
        let attributes = vec![float("epsilon", EPSILON)];
        let x = self.node(path, "InstanceNormalization", &[&cut, &ones, &zeros], attributes);
        let x = self.reshape(path, &x, image);
        let shape = self.integers("per_channel", &[channels as i64, 1, 1]);
        let mut per_channel = |kind: &str| {
            let tensor = format!("{path}.{kind}");
            self.node(path, "Reshape", &[&tensor, &shape], Vec::new())
        };
        let (gain, offset) = (per_channel("weight"), per_channel("bias"));
        let x = self.node(path, "Mul", &[&x, &gain], Vec::new());
        self.node(path, "Add", &[&x, &offset], Vec::new())
    }
}
