//! The operations of a model, with the places of their tensors.

use std::collections::BTreeMap;

use super::Slot;
use crate::{
    model::{LayerSpec, ModelSpec, Placed, Shape},
    weights::{Weights, WeightsError},
};

/// What a network does, and the order in which its tensors are saved.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) operations: Vec<Operation>,
    pub(super) order: Vec<Slot>,
}

/// Height and width of an image, and its channels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Image {
    pub(super) channels: usize,
    pub(super) height: usize,
    pub(super) width: usize,
}

/// A sequence: steps, and numbers at each.
#[derive(Clone, Copy, Debug)]
pub(super) struct Steps {
    pub(super) steps: usize,
    pub(super) features: usize,
}

/// A gain and an offset.
#[derive(Clone, Copy, Debug)]
pub(super) struct Affine {
    pub(super) weight: usize,
    pub(super) bias: usize,
}

/// Two products with weights and biases: of the input and of the state, or of the input and of the
/// result.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair {
    pub(super) first: Affine,
    pub(super) second: Affine,
}

/// One layer, ready to be run.
#[derive(Debug)]
pub(super) enum Operation {
    Dense {
        weight: usize,
        bias: Option<usize>,
        inputs: usize,
        units: usize,
    },
    Relu,
    Gelu,
    Tanh,
    Sigmoid,
    Conv {
        weight: usize,
        bias: Option<usize>,
        image: Image,
        stride: usize,
        padding: usize,
    },
    MaxPool {
        image: Image,
        size: usize,
        stride: usize,
        padding: usize,
    },
    AvgPool {
        image: Image,
        size: usize,
        stride: usize,
    },
    GlobalPool {
        image: Image,
    },
    GroupNorm {
        affine: Affine,
        image: Image,
        groups: usize,
    },
    LayerNorm {
        affine: Affine,
        features: usize,
    },
    Dropout {
        percent: u32,
        layer: u32,
    },
    /// The numbers stay as they are, whatever their shape.
    Keep,
    LastStep(Steps),
    Residual {
        layers: Vec<Operation>,
        shortcut: Vec<Operation>,
    },
    Embedding {
        weight: usize,
        steps: usize,
        units: usize,
    },
    Position {
        weight: usize,
    },
    Gru {
        pair: Pair,
        steps: Steps,
    },
    Lstm {
        pair: Pair,
        steps: Steps,
    },
    Attention {
        pair: Pair,
        steps: Steps,
        heads: usize,
        causal: bool,
    },
}

impl Plan {
    /// For a model with these weights. Fails unless they are this model's: burn would panic later.
    pub(super) fn new(spec: &ModelSpec, weights: &Weights) -> Result<Self, WeightsError> {
        let wrong = || {
            let expected = spec.parameter_count();
            WeightsError::Count { expected, found: weights.values().len() }
        };
        if weights.parameters() != spec.parameters() {
            return Err(wrong());
        }
        let (mut vectors, mut matrices, mut kernels) = (0.., 0.., 0..);
        let mut slots = BTreeMap::new();
        let mut order = Vec::with_capacity(weights.parameters().len());
        for parameter in weights.parameters() {
            let slot = match parameter.shape.len() {
                1 => vectors.next().map(Slot::Vector),
                2 => matrices.next().map(Slot::Matrix),
                _ => kernels.next().map(Slot::Kernel),
            };
            let slot = slot.ok_or_else(wrong)?;
            slots.insert(parameter.name.as_str(), slot);
            order.push(slot);
        }
        // A model that is not valid has no weights: whoever got them has checked it.
        let places = spec.places().map_err(|_| wrong())?;
        let mut planner = Planner { slots: &slots, dropouts: 0 };
        let operations = planner.list(&places.layers).ok_or_else(wrong)?;
        Ok(Self { operations, order })
    }
}

struct Planner<'a> {
    slots: &'a BTreeMap<&'a str, Slot>,
    dropouts: u32,
}

impl Planner<'_> {
    fn list(&mut self, layers: &[Placed<'_>]) -> Option<Vec<Operation>> {
        layers.iter().map(|layer| self.operation(layer)).collect()
    }

    fn operation(&mut self, place: &Placed<'_>) -> Option<Operation> {
        Some(match *place.layer {
            LayerSpec::Dense { bias, .. } => Operation::Dense {
                weight: self.matrix(place, "weight")?,
                bias: if bias { Some(self.vector(place, "bias")?) } else { None },
                inputs: width(place.input),
                units: width(place.output),
            },
            LayerSpec::Relu => Operation::Relu,
            LayerSpec::Gelu => Operation::Gelu,
            LayerSpec::Tanh => Operation::Tanh,
            LayerSpec::Sigmoid => Operation::Sigmoid,
            LayerSpec::Conv2d { stride, padding, bias, .. } => Operation::Conv {
                weight: match self.slot(place, "weight")? {
                    Slot::Kernel(slot) => slot,
                    _ => return None,
                },
                bias: if bias { Some(self.vector(place, "bias")?) } else { None },
                image: image(place.input)?,
                stride: stride as usize,
                padding: padding as usize,
            },
            LayerSpec::MaxPool { size, stride, padding } => Operation::MaxPool {
                image: image(place.input)?,
                size: size as usize,
                stride: stride as usize,
                padding: padding as usize,
            },
            LayerSpec::AvgPool { size, stride } => Operation::AvgPool {
                image: image(place.input)?,
                size: size as usize,
                stride: stride as usize,
            },
            LayerSpec::GlobalPool => Operation::GlobalPool { image: image(place.input)? },
            LayerSpec::GroupNorm { groups } => Operation::GroupNorm {
                affine: self.affine(place, "")?,
                image: image(place.input)?,
                groups: groups as usize,
            },
            LayerSpec::LayerNorm => Operation::LayerNorm {
                affine: self.affine(place, "")?,
                features: width(place.input),
            },
            LayerSpec::Dropout { percent } => {
                let layer = self.dropouts;
                self.dropouts += 1;
                Operation::Dropout { percent, layer }
            }
            LayerSpec::Flatten | LayerSpec::Reshape { .. } => Operation::Keep,
            LayerSpec::LastStep => Operation::LastStep(steps(place.input)?),
            LayerSpec::Residual { .. } => Operation::Residual {
                layers: self.list(&place.branch)?,
                shortcut: self.list(&place.shortcut)?,
            },
            LayerSpec::Embedding { .. } => {
                let Steps { steps, features } = steps(place.output)?;
                Operation::Embedding {
                    weight: self.matrix(place, "weight")?,
                    steps,
                    units: features,
                }
            }
            LayerSpec::Position => Operation::Position { weight: self.matrix(place, "weight")? },
            LayerSpec::Gru { .. } => Operation::Gru {
                pair: self.pair(place, "input_", "hidden_")?,
                steps: steps(place.input)?,
            },
            LayerSpec::Lstm { .. } => Operation::Lstm {
                pair: self.pair(place, "input_", "hidden_")?,
                steps: steps(place.input)?,
            },
            LayerSpec::Attention { heads, causal } => Operation::Attention {
                pair: self.pair(place, "input_", "output_")?,
                steps: steps(place.input)?,
                heads: heads as usize,
                causal,
            },
        })
    }

    fn slot(&self, place: &Placed<'_>, kind: &str) -> Option<Slot> {
        self.slots.get(format!("{}.{kind}", place.path).as_str()).copied()
    }

    fn matrix(&self, place: &Placed<'_>, kind: &str) -> Option<usize> {
        match self.slot(place, kind)? {
            Slot::Matrix(slot) => Some(slot),
            _ => None,
        }
    }

    fn vector(&self, place: &Placed<'_>, kind: &str) -> Option<usize> {
        match self.slot(place, kind)? {
            Slot::Vector(slot) => Some(slot),
            _ => None,
        }
    }

    /// The gain and the offset of a norm.
    fn affine(&self, place: &Placed<'_>, prefix: &str) -> Option<Affine> {
        let weight = self.vector(place, &format!("{prefix}weight"))?;
        Some(Affine { weight, bias: self.vector(place, &format!("{prefix}bias"))? })
    }

    fn product(&self, place: &Placed<'_>, prefix: &str) -> Option<Affine> {
        let weight = self.matrix(place, &format!("{prefix}weight"))?;
        Some(Affine { weight, bias: self.vector(place, &format!("{prefix}bias"))? })
    }

    fn pair(&self, place: &Placed<'_>, first: &str, second: &str) -> Option<Pair> {
        Some(Pair { first: self.product(place, first)?, second: self.product(place, second)? })
    }
}

/// Numbers of a row, or of each step of a sequence.
fn width(shape: Shape) -> usize {
    match shape {
        Shape::Flat(numbers) => numbers,
        Shape::Steps { features, .. } => features,
        Shape::Image { channels, height, width } => channels * height * width,
    }
}

fn image(shape: Shape) -> Option<Image> {
    match shape {
        Shape::Image { channels, height, width } => Some(Image { channels, height, width }),
        _ => None,
    }
}

fn steps(shape: Shape) -> Option<Steps> {
    match shape {
        Shape::Steps { steps, features } => Some(Steps { steps, features }),
        _ => None,
    }
}
