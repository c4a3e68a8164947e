//! What shape every layer takes and gives, which tensors it has, and how they start: the one place
//! that knows. Everything is bounded before anything is allocated.

mod kinds;

use std::fmt;

use super::{LayerSpec, MAX_LAYERS, MAX_PARAMETERS, ModelSpec, Parameter, SpecError, Task};

/// Numbers that one row may become on its way through the layers, all of them together.
const MAX_ACTIVATIONS: usize = 1 << 24;
/// Steps of a sequence.
const MAX_STEPS: usize = 4_096;
/// Height and width of a kernel, its stride and its padding, in pixels.
const MAX_KERNEL: u32 = 64;
/// Residual blocks within each other.
const MAX_DEPTH: usize = 4;
/// Layers in all, those within residual blocks included.
const MAX_ALL_LAYERS: usize = 512;

/// The shape of one row between two layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// `[numbers]`.
    Flat(usize),
    /// `[steps, features]`.
    Steps { steps: usize, features: usize },
    /// `[channels, height, width]`.
    Image { channels: usize, height: usize, width: usize },
}

impl Shape {
    /// The shape with these one to three sizes.
    fn of(sizes: &[u32]) -> Option<Self> {
        match *sizes {
            [numbers] => Some(Self::Flat(numbers as usize)),
            [steps, features] => {
                Some(Self::Steps { steps: steps as usize, features: features as usize })
            }
            [channels, height, width] => Some(Self::Image {
                channels: channels as usize,
                height: height as usize,
                width: width as usize,
            }),
            _ => None,
        }
    }

    /// Numbers of a row, or nothing if that is more than any model may have.
    pub(crate) fn count(self) -> Option<usize> {
        let product = |sizes: &[usize]| {
            sizes.iter().try_fold(1_usize, |product, &size| product.checked_mul(size))
        };
        match self {
            Self::Flat(numbers) => Some(numbers),
            Self::Steps { steps, features } => product(&[steps, features]),
            Self::Image { channels, height, width } => product(&[channels, height, width]),
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flat(numbers) => write!(f, "[{numbers}]"),
            Self::Steps { steps, features } => write!(f, "[{steps}, {features}]"),
            Self::Image { channels, height, width } => write!(f, "[{channels}, {height}, {width}]"),
        }
    }
}

/// How a tensor starts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Start {
    Zeros,
    Ones,
    /// Uniform in `±limit`, drawn from a stream of its own.
    Uniform {
        limit: f32,
        stream: Draws,
    },
}

/// Which stream of draws.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Draws {
    /// Of a dense layer that is not within a block: numbered by the layer, as in version 1.
    Layer(u32),
    /// Of any other tensor: numbered in the order of the layers.
    Tensor(u32),
}

/// A tensor of a layer.
#[derive(Clone, Debug)]
pub(crate) struct Started {
    pub(crate) parameter: Parameter,
    pub(crate) start: Start,
}

/// A layer in its place.
#[derive(Debug)]
pub(crate) struct Placed<'a> {
    pub(crate) layer: &'a LayerSpec,
    /// For example `layers.3.layers.0`: the first layer of the branch of the block in place 3.
    pub(crate) path: String,
    pub(crate) input: Shape,
    pub(crate) output: Shape,
    pub(crate) tensors: Vec<Started>,
    /// The two branches of a residual block.
    pub(crate) branch: Vec<Placed<'a>>,
    pub(crate) shortcut: Vec<Placed<'a>>,
}

/// All layers of a model in their places.
#[derive(Debug)]
pub(crate) struct Places<'a> {
    pub(crate) layers: Vec<Placed<'a>>,
    /// Numbers that one row becomes, over all layers.
    pub(crate) activations: usize,
}

/// Puts the layers in their places. The list is what was in order, even where an error follows.
pub(crate) fn place(spec: &ModelSpec) -> (Vec<Placed<'_>>, Result<(Shape, usize), SpecError>) {
    let mut layers = Vec::new();
    let mut walk = Walk {
        causal: spec.task == Task::NextToken,
        version: spec.version,
        parameters: 0,
        activations: 0,
        all_layers: 0,
        tensors: 0,
    };
    let result = input(spec).and_then(|shape| {
        let output = walk.list(&spec.layers, "", shape, 0, &mut layers)?;
        Ok((output, walk.activations))
    });
    (layers, result)
}

/// What the first layer sees.
fn input(spec: &ModelSpec) -> Result<Shape, SpecError> {
    let wrong = || SpecError::Input(spec.input.clone());
    let numbers = spec.input.iter().try_fold(1_usize, |product, &size| {
        product.checked_mul(size as usize).filter(|&p| (1..=MAX_PARAMETERS).contains(&p))
    });
    let numbers = numbers.filter(|_| (1..=4).contains(&spec.input.len())).ok_or_else(wrong)?;
    match spec.version {
        // Dense layers see any row flattened.
        1 => Ok(Shape::Flat(numbers)),
        _ => Shape::of(&spec.input).ok_or_else(wrong),
    }
}

struct Walk {
    causal: bool,
    version: u32,
    parameters: usize,
    activations: usize,
    all_layers: usize,
    tensors: u32,
}

/// Where a layer stands.
struct Here<'a> {
    layer: &'a LayerSpec,
    /// For example `3` or `3.layers.0`.
    path: String,
    input: Shape,
    depth: usize,
    first: bool,
    before_relu: bool,
}

impl Walk {
    fn list<'a>(
        &mut self,
        layers: &'a [LayerSpec],
        prefix: &str,
        mut shape: Shape,
        depth: usize,
        placed: &mut Vec<Placed<'a>>,
    ) -> Result<Shape, SpecError> {
        for (index, layer) in layers.iter().enumerate() {
            let rest = layers.get(index + 1..).unwrap_or_default();
            let here = Here {
                layer,
                path: format!("{prefix}{index}"),
                input: shape,
                depth,
                first: depth == 0 && index == 0,
                before_relu: before_relu(rest),
            };
            let layer = self.layer(&here)?;
            shape = layer.output;
            placed.push(layer);
        }
        Ok(shape)
    }

    fn layer<'a>(&mut self, here: &Here<'a>) -> Result<Placed<'a>, SpecError> {
        self.all_layers += 1;
        if self.all_layers > MAX_ALL_LAYERS {
            return Err(here.wrong(format!("more than {MAX_ALL_LAYERS} layers, blocks included")));
        }
        if self.causal && mixes_steps(here.layer) {
            return Err(here.wrong(
                "a step would see those after it, which it is to predict; of attention give `causal = true`, and leave \
                 other layers that mix the steps out",
            ));
        }
        let (mut branch, mut shortcut) = (Vec::new(), Vec::new());
        let (output, tensors, extra) = match here.layer {
            LayerSpec::Residual { layers, shortcut: beside } => {
                let output = self.residual(here, layers, beside, &mut branch, &mut shortcut)?;
                (output, Vec::new(), 0)
            }
            _ => self.plain(here)?,
        };
        let numbers = output.count().and_then(|numbers| numbers.checked_add(extra));
        let sum = numbers.and_then(|numbers| self.activations.checked_add(numbers));
        // Version 1 had no such bound: its models are bounded by their layers' units.
        self.activations = sum
            .filter(|&sum| self.version == 1 || sum <= MAX_ACTIVATIONS)
            .ok_or_else(|| {
                here.wrong(format!(
                    "with it, a row becomes more than {MAX_ACTIVATIONS} numbers: choose smaller sizes"
                ))
            })?;
        for Started { parameter, .. } in &tensors {
            let count =
                parameter.shape.iter().try_fold(1_usize, |all, &size| all.checked_mul(size));
            let sum = count.and_then(|count| self.parameters.checked_add(count));
            self.parameters =
                sum.filter(|&sum| sum <= MAX_PARAMETERS).ok_or(SpecError::TooLarge)?;
        }
        let path = format!("layers.{}", here.path);
        Ok(Placed { layer: here.layer, path, input: here.input, output, tensors, branch, shortcut })
    }

    fn residual<'a>(
        &mut self,
        here: &Here<'a>,
        layers: &'a [LayerSpec],
        beside: &'a [LayerSpec],
        branch: &mut Vec<Placed<'a>>,
        shortcut: &mut Vec<Placed<'a>>,
    ) -> Result<Shape, SpecError> {
        if here.depth == MAX_DEPTH {
            return Err(here.wrong(format!("more than {MAX_DEPTH} blocks within each other")));
        }
        if layers.is_empty() || layers.len().max(beside.len()) > MAX_LAYERS {
            return Err(here.wrong(format!("a block has 1 to {MAX_LAYERS} layers")));
        }
        let (path, depth) = (&here.path, here.depth + 1);
        let output = self.list(layers, &format!("{path}.layers."), here.input, depth, branch)?;
        let other = self.list(beside, &format!("{path}.shortcut."), here.input, depth, shortcut)?;
        match output == other {
            true => Ok(output),
            false => Err(here.wrong(format!(
                "its layers give {output}, its shortcut {other}: they are added, so make them equal"
            ))),
        }
    }
}

/// Whether a ReLU or GELU follows, with nothing but norms, pools and the like between.
fn before_relu(rest: &[LayerSpec]) -> bool {
    let next = rest.iter().find(|layer| {
        !matches!(
            layer,
            LayerSpec::GroupNorm { .. }
                | LayerSpec::LayerNorm
                | LayerSpec::MaxPool { .. }
                | LayerSpec::AvgPool { .. }
                | LayerSpec::GlobalPool
                | LayerSpec::Dropout { .. }
                | LayerSpec::Flatten
                | LayerSpec::Reshape { .. }
        )
    });
    matches!(next, Some(LayerSpec::Relu | LayerSpec::Gelu))
}

/// Whether what comes out at a step depends on the steps after it.
fn mixes_steps(layer: &LayerSpec) -> bool {
    match layer {
        LayerSpec::Attention { causal, .. } => !causal,
        LayerSpec::Flatten | LayerSpec::Reshape { .. } | LayerSpec::LastStep => true,
        _ => false,
    }
}
