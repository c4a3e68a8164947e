//! Models as data: a list of layers that is stored in IPFS and named by its CID.

use serde::{Deserialize, Serialize};

/// The version of the format that this program reads and writes.
pub const VERSION: u32 = 1;

const MAX_LAYERS: usize = 64;
const MAX_UNITS: u32 = 1 << 16;
const MAX_PARAMETERS: usize = 1 << 26;

/// A model: what goes in, and the layers it goes through. The last layer gives the logits.
///
/// ```toml
/// version = 1
/// input = [64]
/// layers = [{ dense = { units = 32 } }, "relu", { dense = { units = 10 } }]
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelSpec {
    /// Version of this format: [`VERSION`].
    pub version: u32,
    /// Shape of one row, for example `[64]` or `[28, 28]`; a dense layer sees it flattened.
    pub input: Vec<u32>,
    /// The layers, from the input to the logits.
    pub layers: Vec<LayerSpec>,
}

/// One layer of a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum LayerSpec {
    /// `x · W + b` with `W` of shape `[inputs, units]`.
    Dense {
        /// Outputs of the layer.
        units: u32,
        /// Whether there is a `b`; true if not said.
        #[serde(default = "yes")]
        bias: bool,
    },
    /// `max(0, x)`.
    Relu,
    /// `x · Φ(x)`, with the exact error function.
    Gelu,
    /// The hyperbolic tangent.
    Tanh,
    /// `1 / (1 + e^-x)`.
    Sigmoid,
}

fn yes() -> bool {
    true
}

/// A named tensor of a model and its shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// For example `layers.0.weight`, where 0 is the index in [`ModelSpec::layers`].
    pub name: String,
    /// `[inputs, units]` of a weight, `[units]` of a bias.
    pub shape: Vec<usize>,
}

impl Parameter {
    /// How many numbers the tensor has.
    pub fn count(&self) -> usize {
        self.shape.iter().product()
    }
}

/// Why a model, or a pair of a model and data, is refused.
#[derive(Debug, thiserror::Error)]
pub enum SpecError {
    /// A version that this program does not know.
    #[error("model format version {0}: this program reads version {VERSION}")]
    Version(u32),
    /// An input shape that is empty, has a zero, more than four dimensions or too many numbers.
    #[error("input {0:?}: give one to four positive sizes, for example [64]")]
    Input(Vec<u32>),
    /// No layers, or too many.
    #[error("{0} layers: a model has 1 to {MAX_LAYERS}")]
    Layers(usize),
    /// A layer that contradicts itself or its place.
    #[error("layer {index}: {problem}")]
    Layer {
        /// Index in [`ModelSpec::layers`], from 0.
        index: usize,
        /// What is wrong and what to do.
        problem: String,
    },
    /// More parameters than the program handles.
    #[error("the model has more than {MAX_PARAMETERS} parameters")]
    TooLarge,
    /// Not the JSON of a model.
    #[error("not a model in JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// Not the TOML of a model.
    #[error("not a model in TOML: {0}")]
    Toml(#[from] toml::de::Error),
    /// A valid model, but not in the one byte form that a CID stands for.
    #[error("the model's JSON is not in canonical form: write it with `to_canonical_json`")]
    NotCanonical,
    /// The rows have another number of features than the model's input.
    #[error("the data has {found} features per row, the model takes {expected}")]
    Features {
        /// Numbers that the model takes.
        expected: usize,
        /// Features that the data has.
        found: usize,
    },
    /// The data has more classes than the model has logits.
    #[error("the data has {found} classes, the model tells {expected} apart")]
    Classes {
        /// Units of the last layer.
        expected: usize,
        /// Classes of the data.
        found: usize,
    },
}

impl ModelSpec {
    /// A perceptron: dense layers of `hidden` units with ReLU between them, and `classes` logits.
    pub fn mlp(features: u32, hidden: &[u32], classes: u32) -> Self {
        let dense = |units| LayerSpec::Dense { units, bias: true };
        let mut layers: Vec<LayerSpec> =
            hidden.iter().flat_map(|&units| [dense(units), LayerSpec::Relu]).collect();
        layers.push(dense(classes));
        Self { version: VERSION, input: vec![features], layers }
    }

    /// Reads and validates a model in JSON, in whatever layout. Errors name line and column.
    pub fn from_json(bytes: &[u8]) -> Result<Self, SpecError> {
        let spec: Self = serde_json::from_slice(bytes)?;
        spec.validate()?;
        Ok(spec)
    }

    /// Reads and validates a model in TOML. Errors name the line.
    pub fn from_toml(text: &str) -> Result<Self, SpecError> {
        let spec: Self = toml::from_str(text)?;
        spec.validate()?;
        Ok(spec)
    }

    /// Reads a model that came from IPFS: besides being valid it has to be canonical, so that one
    /// model has one CID.
    pub fn from_canonical_json(bytes: &[u8]) -> Result<Self, SpecError> {
        let spec = Self::from_json(bytes)?;
        if spec.to_canonical_json()? == bytes { Ok(spec) } else { Err(SpecError::NotCanonical) }
    }

    /// The bytes that are stored and named by their CID: JSON without white space, fields in the
    /// order of their declaration, defaults written out.
    pub fn to_canonical_json(&self) -> Result<Vec<u8>, SpecError> {
        Ok(serde_json::to_vec(self)?)
    }

    /// Checks that the layers fit together. Errors name the layer's index.
    pub fn validate(&self) -> Result<(), SpecError> {
        if self.version != VERSION {
            return Err(SpecError::Version(self.version));
        }
        let features = self.input.iter().try_fold(1_usize, |product, &size| {
            product.checked_mul(size as usize).filter(|&p| (1..=MAX_PARAMETERS).contains(&p))
        });
        if !(1..=4).contains(&self.input.len()) || features.is_none() {
            return Err(SpecError::Input(self.input.clone()));
        }
        if !(1..=MAX_LAYERS).contains(&self.layers.len()) {
            return Err(SpecError::Layers(self.layers.len()));
        }
        let wrong =
            |index, problem: &str| Err(SpecError::Layer { index, problem: problem.to_owned() });
        for (index, layer) in self.layers.iter().enumerate() {
            if let LayerSpec::Dense { units, .. } = *layer
                && !(1..=MAX_UNITS).contains(&units)
            {
                return wrong(index, &format!("{units} units: choose 1 to {MAX_UNITS}"));
            }
        }
        let last = self.layers.len() - 1;
        match self.layers.last() {
            Some(LayerSpec::Dense { units: 2.., .. }) => {}
            Some(LayerSpec::Dense { .. }) => {
                return wrong(last, "the last layer needs at least 2 units, one per class");
            }
            _ => {
                return wrong(
                    last,
                    "the last layer must be dense: it gives the logits, to which the loss applies \
                     its own softmax",
                );
            }
        }
        if self.parameter_count() > MAX_PARAMETERS {
            return Err(SpecError::TooLarge);
        }
        Ok(())
    }

    /// Numbers that one row has.
    pub fn features(&self) -> usize {
        self.input.iter().map(|&size| size as usize).product()
    }

    /// Classes that the model tells apart: the units of the last dense layer, 0 without one.
    pub fn classes(&self) -> usize {
        let units = self.layers.iter().rev().find_map(|layer| match layer {
            LayerSpec::Dense { units, .. } => Some(*units as usize),
            _ => None,
        });
        units.unwrap_or(0)
    }

    /// How many trainable numbers the model has.
    pub fn parameter_count(&self) -> usize {
        self.parameters().iter().map(Parameter::count).fold(0, usize::saturating_add)
    }

    /// The model's tensors, sorted by name as bytes: the order of every file and flat slice.
    pub fn parameters(&self) -> Vec<Parameter> {
        let mut parameters = Vec::new();
        let mut inputs = self.features();
        for (index, layer) in self.layers.iter().enumerate() {
            if let LayerSpec::Dense { units, bias } = *layer {
                let units = units as usize;
                if bias {
                    parameters.push(Parameter {
                        name: parameter_name(index, "bias"),
                        shape: vec![units],
                    });
                }
                let shape = vec![inputs, units];
                parameters.push(Parameter { name: parameter_name(index, "weight"), shape });
                inputs = units;
            }
        }
        parameters.sort_by(|a, b| a.name.cmp(&b.name));
        parameters
    }

    /// Checks that rows of `features` numbers and labels below `classes` suit the model.
    pub fn check_data(&self, features: usize, classes: usize) -> Result<(), SpecError> {
        if features != self.features() {
            return Err(SpecError::Features { expected: self.features(), found: features });
        }
        if classes > self.classes() {
            return Err(SpecError::Classes { expected: self.classes(), found: classes });
        }
        Ok(())
    }
}

/// The name of a layer's tensor; `kind` is `weight` or `bias`.
pub(crate) fn parameter_name(layer: usize, kind: &str) -> String {
    format!("layers.{layer}.{kind}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn toml_and_json_describe_the_same_model() {
        let toml = r#"
            version = 1
            input = [64]
            layers = [{ dense = { units = 32 } }, "relu", { dense = { units = 10 } }]
        "#;
        let spec = ModelSpec::from_toml(toml).unwrap();
        assert_eq!(spec, ModelSpec::mlp(64, &[32], 10));
        let canonical = spec.to_canonical_json().unwrap();
        let expected = r#"{"version":1,"input":[64],"layers":[{"dense":{"units":32,"bias":true}},"relu",{"dense":{"units":10,"bias":true}}]}"#;
        assert_eq!(String::from_utf8(canonical.clone()).unwrap(), expected);
        assert_eq!(ModelSpec::from_canonical_json(&canonical).unwrap(), spec);
    }

    #[test]
    fn another_layout_of_the_same_json_is_not_canonical() {
        let spaced = br#"{"version":1,"input":[2],"layers":[{"dense":{"units":2}}]}"#;
        assert!(ModelSpec::from_json(spaced).is_ok());
        assert!(matches!(ModelSpec::from_canonical_json(spaced), Err(SpecError::NotCanonical)));
    }

    #[test]
    fn parameters_are_sorted_by_name() {
        let spec = ModelSpec::mlp(3, &[2; 5], 4);
        let names: Vec<String> = spec.parameters().into_iter().map(|p| p.name).collect();
        assert!(names.is_sorted());
        assert_eq!(names.first().unwrap(), "layers.0.bias");
        // As bytes, "10" comes before "2".
        assert_eq!(names[3], "layers.10.weight");
        assert_eq!(ModelSpec::mlp(64, &[32], 10).parameter_count(), 64 * 32 + 32 + 32 * 10 + 10);
    }

    #[test]
    fn errors_name_the_layer() {
        let mut spec = ModelSpec::mlp(4, &[8], 3);
        spec.layers[0] = LayerSpec::Dense { units: 0, bias: true };
        assert!(spec.validate().unwrap_err().to_string().starts_with("layer 0: 0 units"));
        spec.layers[0] = LayerSpec::Tanh;
        assert!(spec.validate().is_ok());
        spec.layers.push(LayerSpec::Sigmoid);
        assert!(spec.validate().unwrap_err().to_string().starts_with("layer 3: the last layer"));
        spec.layers = vec![LayerSpec::Dense { units: 1, bias: false }];
        assert!(spec.validate().unwrap_err().to_string().contains("at least 2"));
    }

    #[test]
    fn contradictions_are_refused() {
        let refused = |change: fn(&mut ModelSpec)| {
            let mut spec = ModelSpec::mlp(4, &[8], 3);
            change(&mut spec);
            spec.validate().unwrap_err()
        };
        assert!(matches!(refused(|s| s.version = 2), SpecError::Version(2)));
        assert!(matches!(refused(|s| s.input = vec![]), SpecError::Input(_)));
        assert!(matches!(refused(|s| s.input = vec![4, 0]), SpecError::Input(_)));
        assert!(matches!(refused(|s| s.input = vec![u32::MAX; 4]), SpecError::Input(_)));
        assert!(matches!(refused(|s| s.layers = vec![]), SpecError::Layers(0)));
        assert!(matches!(
            refused(|s| *s = ModelSpec::mlp(65_536, &[65_536], 2)),
            SpecError::TooLarge
        ));
        for unknown in [
            r#"{"version":1,"input":[4],"layers":[{"dense":{"units":2,"unit":3}}]}"#,
            r#"{"version":1,"input":[4],"layers":["softmax"]}"#,
            r#"{"version":1,"input":[4],"layers":[{"dense":{"units":-1}}]}"#,
        ] {
            assert!(matches!(ModelSpec::from_json(unknown.as_bytes()), Err(SpecError::Json(_))));
        }
    }
}
