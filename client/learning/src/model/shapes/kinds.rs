//! Layer by layer: what each gives, and which tensors it has.

use super::{Draws, Here, MAX_KERNEL, MAX_STEPS, Shape, Start, Started, Walk};
use crate::model::{LayerSpec, MAX_UNITS, Parameter, SpecError};

/// Output, tensors, and how many numbers more than its output a layer needs per row.
type Plain = Result<(Shape, Vec<Started>, usize), SpecError>;

impl Here<'_> {
    pub(super) fn wrong(&self, problem: impl Into<String>) -> SpecError {
        let problem = problem.into();
        SpecError::Layer { layer: self.path.clone(), kind: self.layer.kind(), problem }
    }

    fn bounded(&self, what: &str, size: u32, largest: u32) -> Result<usize, SpecError> {
        match (1..=largest).contains(&size) {
            true => Ok(size as usize),
            false => Err(self.wrong(format!("{size} {what}: choose 1 to {largest}"))),
        }
    }

    fn image(&self) -> Result<(usize, usize, usize), SpecError> {
        match self.input {
            Shape::Image { channels, height, width } => Ok((channels, height, width)),
            other => Err(self.wrong(format!(
                "it takes an image, [channels, height, width], and here comes {other}; give such an `input`, or put \
                 `reshape` before it"
            ))),
        }
    }

    fn sequence(&self) -> Result<(usize, usize), SpecError> {
        match self.input {
            Shape::Steps { steps, features } if steps <= MAX_STEPS => Ok((steps, features)),
            Shape::Steps { steps, .. } => {
                Err(self.wrong(format!("{steps} steps: at most {MAX_STEPS} are possible")))
            }
            other => Err(self.wrong(format!(
                "it takes a sequence, [steps, features], and here comes {other}; put `embedding` or `reshape` before it"
            ))),
        }
    }

    /// The size of an image after squares of `kernel` pixels were laid over it.
    fn squares(
        &self,
        (height, width): (usize, usize),
        kernel: u32,
        stride: u32,
        padding: u32,
    ) -> Result<(usize, usize), SpecError> {
        let kernel = self.bounded("pixels", kernel, MAX_KERNEL)?;
        let stride = self.bounded("pixels of stride", stride, MAX_KERNEL)?;
        let padding = padding as usize;
        if padding >= kernel {
            return Err(self.wrong(format!("a padding of {padding}: choose less than {kernel}")));
        }
        let size = |pixels: usize| {
            let span = pixels.saturating_add(2 * padding).checked_sub(kernel);
            span.map(|span| span / stride + 1).ok_or_else(|| {
                self.wrong(format!(
                    "squares of {kernel} pixels do not fit an image of {height} × {width} with a padding of {padding}"
                ))
            })
        };
        Ok((size(height)?, size(width)?))
    }
}

/// Uniform draws for a product of `inputs` with weights: in `±√(6 / inputs)` before a ReLU or GELU
/// (He et al. 2015), in `±√(6 / (inputs + outputs))` elsewhere (Glorot and Bengio 2010).
fn limit(inputs: usize, outputs: usize, before_relu: bool) -> f32 {
    let fan = if before_relu { inputs } else { inputs.saturating_add(outputs) };
    (6.0 / fan as f64).sqrt() as f32
}

impl Walk {
    /// Any layer but a block.
    pub(super) fn plain(&mut self, here: &Here<'_>) -> Plain {
        let keep = |tensors: Vec<Started>| Ok((here.input, tensors, 0));
        match *here.layer {
            LayerSpec::Dense { units, bias } => self.dense(here, units, bias),
            LayerSpec::Conv2d { filters, kernel, stride, padding, bias } => {
                let (channels, height, width) = here.image()?;
                let (height, width) = here.squares((height, width), kernel, stride, padding)?;
                let filters = here.bounded("filters", filters, MAX_UNITS)?;
                let area = (kernel as usize) * (kernel as usize);
                let (inputs, outputs) =
                    (channels.saturating_mul(area), filters.saturating_mul(area));
                let side = kernel as usize;
                let start = self.uniform(limit(inputs, outputs, here.before_relu));
                let mut tensors =
                    vec![tensor(here, "weight", &[filters, channels, side, side], start)];
                if bias {
                    tensors.push(tensor(here, "bias", &[filters], Start::Zeros));
                }
                Ok((Shape::Image { channels: filters, height, width }, tensors, 0))
            }
            LayerSpec::MaxPool { size, stride, padding } => {
                if padding > size / 2 {
                    return Err(here
                        .wrong(format!("a padding of {padding}: choose at most half of {size}")));
                }
                self.pool(here, size, stride, padding)
            }
            LayerSpec::AvgPool { size, stride } => self.pool(here, size, stride, 0),
            LayerSpec::GlobalPool => Ok((Shape::Flat(here.image()?.0), Vec::new(), 0)),
            LayerSpec::GroupNorm { groups } => {
                let (channels, ..) = here.image()?;
                let groups = here.bounded("groups", groups, MAX_UNITS)?;
                if !channels.is_multiple_of(groups) {
                    return Err(here.wrong(format!(
                        "{channels} channels do not divide into {groups} equal groups"
                    )));
                }
                keep(gain_and_offset(here, channels))
            }
            LayerSpec::LayerNorm => match here.input {
                Shape::Flat(numbers) => keep(gain_and_offset(here, numbers)),
                Shape::Steps { features, .. } => keep(gain_and_offset(here, features)),
                Shape::Image { .. } => {
                    Err(here.wrong("it takes a row or a sequence; `group_norm` is for images"))
                }
            },
            LayerSpec::Dropout { percent } => match (1..100).contains(&percent) {
                true => keep(Vec::new()),
                false => Err(here.wrong(format!("{percent} percent: choose 1 to 99"))),
            },
            LayerSpec::Relu | LayerSpec::Gelu | LayerSpec::Tanh | LayerSpec::Sigmoid => {
                keep(Vec::new())
            }
            LayerSpec::Flatten => {
                let numbers = here.input.count().ok_or(SpecError::TooLarge)?;
                Ok((Shape::Flat(numbers), Vec::new(), 0))
            }
            LayerSpec::Reshape { ref shape } => {
                let output = Shape::of(shape).filter(|output| {
                    output.count().is_some() && output.count() == here.input.count()
                });
                let output = output.ok_or_else(|| {
                    here.wrong(format!(
                        "{} cannot become {shape:?}: give one to three sizes with the same product",
                        here.input
                    ))
                })?;
                Ok((output, Vec::new(), 0))
            }
            LayerSpec::LastStep => Ok((Shape::Flat(here.sequence()?.1), Vec::new(), 0)),
            LayerSpec::Embedding { vocabulary, units } => self.embedding(here, vocabulary, units),
            LayerSpec::Position => {
                let (steps, features) = here.sequence()?;
                let start = self.uniform(vector_limit(features));
                keep(vec![tensor(here, "weight", &[steps, features], start)])
            }
            LayerSpec::Gru { units } => self.recurrent(here, units, 3),
            LayerSpec::Lstm { units } => self.recurrent(here, units, 4),
            LayerSpec::Attention { heads, .. } => self.attention(here, heads),
            LayerSpec::Residual { .. } => keep(Vec::new()),
        }
    }

    fn dense(&mut self, here: &Here<'_>, units: u32, bias: bool) -> Plain {
        let units = here.bounded("units", units, MAX_UNITS)?;
        let (inputs, output) = match here.input {
            Shape::Flat(numbers) => (numbers, Shape::Flat(units)),
            Shape::Steps { steps, features } => (features, Shape::Steps { steps, features: units }),
            image @ Shape::Image { .. } => {
                return Err(here.wrong(format!(
                    "it takes a row or a sequence, and here comes an image of {image}; put `flatten` before it"
                )));
            }
        };
        let limit = limit(inputs, units, here.before_relu);
        let start = match here.path.parse() {
            Ok(layer) => Start::Uniform { limit, stream: Draws::Layer(layer) },
            Err(_) => self.uniform(limit),
        };
        let mut tensors = vec![tensor(here, "weight", &[inputs, units], start)];
        if bias {
            tensors.push(tensor(here, "bias", &[units], Start::Zeros));
        }
        Ok((output, tensors, 0))
    }

    fn pool(&mut self, here: &Here<'_>, size: u32, stride: u32, padding: u32) -> Plain {
        let (channels, height, width) = here.image()?;
        let (height, width) = here.squares((height, width), size, stride, padding)?;
        Ok((Shape::Image { channels, height, width }, Vec::new(), 0))
    }

    fn embedding(&mut self, here: &Here<'_>, vocabulary: u32, units: u32) -> Plain {
        let vocabulary = here.bounded("tokens", vocabulary, MAX_UNITS)?;
        let units = here.bounded("units", units, MAX_UNITS)?;
        let steps = match (here.first, here.input) {
            (true, Shape::Flat(steps)) if steps <= MAX_STEPS => steps,
            (true, Shape::Flat(steps)) => {
                return Err(here.wrong(format!("{steps} steps: at most {MAX_STEPS} are possible")));
            }
            _ => {
                return Err(here.wrong(
                    "it takes the tokens themselves: make it the first layer, after an `input` of [steps]",
                ));
            }
        };
        let start = self.uniform(vector_limit(units));
        let table = tensor(here, "weight", &[vocabulary, units], start);
        Ok((Shape::Steps { steps, features: units }, vec![table], 0))
    }

    fn recurrent(&mut self, here: &Here<'_>, units: u32, gates: usize) -> Plain {
        let (steps, features) = here.sequence()?;
        let units = here.bounded("units", units, MAX_UNITS)?;
        let limit = (1.0 / units as f64).sqrt() as f32;
        let (input, hidden) = (self.uniform(limit), self.uniform(limit));
        let all = gates * units;
        let tensors = vec![
            tensor(here, "input_weight", &[features, all], input),
            tensor(here, "input_bias", &[all], Start::Zeros),
            tensor(here, "hidden_weight", &[units, all], hidden),
            tensor(here, "hidden_bias", &[all], Start::Zeros),
        ];
        let extra = steps.saturating_mul(2 * all);
        Ok((Shape::Steps { steps, features: units }, tensors, extra))
    }

    fn attention(&mut self, here: &Here<'_>, heads: u32) -> Plain {
        let (steps, features) = here.sequence()?;
        let heads = here.bounded("heads", heads, MAX_UNITS)?;
        if !features.is_multiple_of(heads) {
            return Err(
                here.wrong(format!("{features} features do not divide into {heads} equal heads"))
            );
        }
        let limit = limit(features, features, false);
        let (input, output) = (self.uniform(limit), self.uniform(limit));
        let tensors = vec![
            tensor(here, "input_weight", &[features, features.saturating_mul(3)], input),
            tensor(here, "input_bias", &[features.saturating_mul(3)], Start::Zeros),
            tensor(here, "output_weight", &[features, features], output),
            tensor(here, "output_bias", &[features], Start::Zeros),
        ];
        let scores = heads.saturating_mul(steps).saturating_mul(steps);
        let extra = scores.saturating_mul(2).saturating_add(features.saturating_mul(4 * steps));
        Ok((here.input, tensors, extra))
    }

    fn uniform(&mut self, limit: f32) -> Start {
        let stream = Draws::Tensor(self.tensors);
        self.tensors += 1;
        Start::Uniform { limit, stream }
    }
}

fn tensor(here: &Here<'_>, kind: &str, shape: &[usize], start: Start) -> Started {
    let name = format!("layers.{}.{kind}", here.path);
    Started { parameter: Parameter { name, shape: shape.to_vec() }, start }
}

fn gain_and_offset(here: &Here<'_>, numbers: usize) -> Vec<Started> {
    vec![
        tensor(here, "weight", &[numbers], Start::Ones),
        tensor(here, "bias", &[numbers], Start::Zeros),
    ]
}

/// Vectors of so many numbers have a length of about one.
fn vector_limit(numbers: usize) -> f32 {
    (3.0 / numbers as f64).sqrt() as f32
}
