//! Models as data: a list of layers that is stored in IPFS and named by its CID.

mod error;
mod layers;
mod layout;
mod ready;
mod rows;
mod shapes;

use serde::{Deserialize, Serialize};

pub use error::SpecError;
pub use layers::LayerSpec;
pub use layout::Layout;
pub use ready::{CHARACTERS, READY};
pub use rows::{Normalize, Number, RowSpec};
pub(crate) use shapes::{Draws, Placed, Places, Shape, Start};

/// The latest version of the format that this program reads and writes. A model is written in the
/// first version that has all that it uses.
pub const VERSION: u32 = 2;

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
    /// Version of this format: 1 if all layers are dense or activations, nothing is said about the
    /// rows, and the task is a classification; 2 elsewhere.
    pub version: u32,
    /// Shape of one row, for example `[64]` or `[3, 32, 32]`; in version 1, layers see it flattened.
    pub input: Vec<u32>,
    /// The layers, from the input to the logits.
    pub layers: Vec<LayerSpec>,
    /// What the model is trained for.
    #[serde(default, skip_serializing_if = "Task::is_classification")]
    pub task: Task,
    /// What a row means.
    #[serde(default, skip_serializing_if = "RowSpec::is_default")]
    pub rows: RowSpec,
}

/// What a model is trained for: its loss, its metrics, and what an update to it is worth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// One of several classes per row; cross-entropy.
    #[default]
    Classification,
    /// One or more quantities per row; mean squared error.
    Regression,
    /// The token after each of a row's tokens, the label being the one after the last; cross-entropy
    /// per token.
    NextToken,
}

impl Task {
    fn is_classification(&self) -> bool {
        *self == Self::Classification
    }

    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Classification => "classification",
            Self::Regression => "regression",
            Self::NextToken => "prediction of the next token",
        }
    }
}

/// A named tensor of a model and its shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// For example `layers.0.weight`, where 0 is the index in [`ModelSpec::layers`].
    pub name: String,
    /// For example `[inputs, units]` of a dense layer's weight; `docs/models.md` has the others.
    pub shape: Vec<usize>,
}

impl Parameter {
    /// How many numbers the tensor has.
    pub fn count(&self) -> usize {
        self.shape.iter().product()
    }
}

impl ModelSpec {
    /// A classification of rows of shape `input`, in the version that has all the layers.
    pub fn new(input: Vec<u32>, layers: Vec<LayerSpec>) -> Self {
        Self { version: 1, input, layers, task: Task::default(), rows: RowSpec::default() }
            .in_first_version()
    }

    /// The same layers for another task.
    pub fn with_task(self, task: Task) -> Self {
        Self { task, ..self }.in_first_version()
    }

    /// The same layers for rows that are to be understood otherwise.
    pub fn with_rows(self, rows: RowSpec) -> Self {
        Self { rows, ..self }.in_first_version()
    }

    /// A perceptron: dense layers of `hidden` units with ReLU between them, and `classes` logits.
    pub fn mlp(features: u32, hidden: &[u32], classes: u32) -> Self {
        let mut layers: Vec<LayerSpec> =
            hidden.iter().flat_map(|&units| [LayerSpec::dense(units), LayerSpec::Relu]).collect();
        layers.push(LayerSpec::dense(classes));
        Self::new(vec![features], layers)
    }

    fn in_first_version(self) -> Self {
        Self { version: self.first_version(), ..self }
    }

    /// The first version that has all that the model uses.
    fn first_version(&self) -> u32 {
        let layers = self.layers.iter().map(LayerSpec::since).max().unwrap_or(1);
        match self.task.is_classification() && self.rows.is_default() {
            true => layers,
            false => VERSION,
        }
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
    /// order of their declaration, defaults of layers written out, those of the model left out.
    pub fn to_canonical_json(&self) -> Result<Vec<u8>, SpecError> {
        Ok(serde_json::to_vec(self)?)
    }

    /// Checks that the layers fit together and lead to what the task needs, within the bounds that
    /// `docs/models.md` states. Errors name the layer's index and kind.
    pub fn validate(&self) -> Result<(), SpecError> {
        self.places().map(|_| ())
    }

    /// All layers in their places, after every check.
    pub(crate) fn places(&self) -> Result<Places<'_>, SpecError> {
        if !(1..=VERSION).contains(&self.version) {
            return Err(SpecError::Version(self.version));
        }
        let needed = self.first_version();
        if self.version != needed {
            return Err(SpecError::OtherVersion { found: self.version, needed });
        }
        if !(1..=MAX_LAYERS).contains(&self.layers.len()) {
            return Err(SpecError::Layers(self.layers.len()));
        }
        let (layers, result) = shapes::place(self);
        let (output, activations) = result?;
        self.check_output(output)?;
        let classes = (self.task != Task::Regression).then(|| self.classes());
        self.rows.validate(self.features(), classes, self.tokens())?;
        Ok(Places { layers, activations })
    }

    /// Checks that the last layer gives what the task needs.
    fn check_output(&self, output: Shape) -> Result<(), SpecError> {
        let index = self.layers.len().saturating_sub(1);
        let Some(last) = self.layers.last() else { return Err(SpecError::Layers(0)) };
        let wrong = |problem: String| {
            Err(SpecError::Layer { layer: index.to_string(), kind: last.kind(), problem })
        };
        if !matches!(last, LayerSpec::Dense { .. }) {
            return wrong(
                "the last layer must be dense: it gives the logits, to which the loss applies its own softmax"
                    .to_owned(),
            );
        }
        match (self.task, output) {
            (Task::Classification, Shape::Flat(2..)) | (Task::Regression, Shape::Flat(_)) => Ok(()),
            (Task::Classification, Shape::Flat(_)) => {
                wrong("the last layer needs at least 2 units, one per class".to_owned())
            }
            (Task::NextToken, Shape::Steps { features, .. }) => match self.tokens() {
                Some(tokens) if tokens == features && tokens >= 2 => Ok(()),
                Some(tokens) => wrong(format!(
                    "{features} units for {tokens} tokens: give as many units as `embedding` has tokens, at least 2"
                )),
                None => wrong(
                    "the first layer must be `embedding`, which says how many tokens there are"
                        .to_owned(),
                ),
            },
            (Task::NextToken, other) => wrong(format!(
                "it gives {other}, but the next token is predicted at every step: start with `embedding`, and leave \
                 `last_step` and `flatten` out"
            )),
            (Task::Classification | Task::Regression, other) => wrong(format!(
                "it gives {other}, but a {} needs one row of numbers: put `last_step` or `flatten` before it",
                self.task.name()
            )),
        }
    }

    /// Numbers that one row has.
    pub fn features(&self) -> usize {
        self.input.iter().map(|&size| size as usize).fold(1, usize::saturating_mul)
    }

    /// What the last dense layer gives, per row or per step: classes, tokens or quantities; 0 without
    /// one.
    pub fn classes(&self) -> usize {
        let units = self.layers.iter().rev().find_map(|layer| match layer {
            LayerSpec::Dense { units, .. } => Some(*units as usize),
            _ => None,
        });
        units.unwrap_or(0)
    }

    /// How many tokens there are, where rows are sequences of them.
    pub fn tokens(&self) -> Option<usize> {
        match self.layers.first() {
            Some(LayerSpec::Embedding { vocabulary, .. }) => Some(*vocabulary as usize),
            _ => None,
        }
    }

    /// How many trainable numbers the model has.
    pub fn parameter_count(&self) -> usize {
        self.parameters().iter().map(Parameter::count).fold(0, usize::saturating_add)
    }

    /// The model's tensors, sorted by name as bytes: the order of every file and flat slice. Of a
    /// model that is not valid, those of the layers before the first mistake.
    pub fn parameters(&self) -> Vec<Parameter> {
        self.started().into_iter().map(|tensor| tensor.parameter).collect()
    }

    /// The tensors in the order of [`parameters`](Self::parameters), with how they start.
    pub(crate) fn started(&self) -> Vec<shapes::Started> {
        fn collect(layers: Vec<Placed<'_>>, tensors: &mut Vec<shapes::Started>) {
            for layer in layers {
                tensors.extend(layer.tensors);
                collect(layer.branch, tensors);
                collect(layer.shortcut, tensors);
            }
        }
        let mut tensors = Vec::new();
        collect(shapes::place(self).0, &mut tensors);
        tensors.sort_by(|a, b| a.parameter.name.cmp(&b.parameter.name));
        tensors
    }

    /// The utility that a model gets whose numbers have left the range of `f32`: that of a blind
    /// guess. See [`Metrics::utility`](crate::Metrics::utility).
    pub fn blind_utility(&self) -> f64 {
        match self.task {
            Task::Classification => -(self.classes() as f64).ln(),
            Task::Regression | Task::NextToken => 0.0,
        }
    }

    /// Checks that rows of `features` numbers and labels below `classes` suit the model.
    pub fn check_data(&self, features: usize, classes: usize) -> Result<(), SpecError> {
        if self.task == Task::Regression {
            let found = format!("labels of {classes} classes");
            return Err(SpecError::Targets { task: self.task.name(), found });
        }
        self.check_features(features)?;
        if classes > self.classes() {
            return Err(SpecError::Classes { expected: self.classes(), found: classes });
        }
        Ok(())
    }

    /// Checks that rows of `features` numbers with so many quantities to be predicted suit the model.
    pub fn check_quantities(&self, features: usize, quantities: usize) -> Result<(), SpecError> {
        if self.task != Task::Regression {
            return Err(self.other_targets(quantities));
        }
        self.check_features(features)?;
        match self.classes() {
            expected if expected == quantities => Ok(()),
            expected => Err(SpecError::Quantities { expected, found: quantities }),
        }
    }

    fn other_targets(&self, quantities: usize) -> SpecError {
        let found = match quantities {
            0 => "labels".to_owned(),
            quantities => format!("{quantities} quantities each"),
        };
        SpecError::Targets { task: self.task.name(), found }
    }

    fn check_features(&self, found: usize) -> Result<(), SpecError> {
        let expected = self.features();
        if found == expected { Ok(()) } else { Err(SpecError::Features { expected, found }) }
    }

    /// Checks that all the rows suit the model, tokens and the names of classes included.
    pub fn check_rows(&self, data: &crate::data::Dataset) -> Result<(), SpecError> {
        match (self.task, data.quantities()) {
            (Task::Regression, 0) => return Err(self.other_targets(0)),
            (_, 0) => self.check_data(data.columns(), data.classes())?,
            (_, quantities) => self.check_quantities(data.columns(), quantities)?,
        }
        self.rows.check_names(self.task, data.names())?;
        self.check_tokens(data)
    }

    fn check_tokens(&self, data: &crate::data::Dataset) -> Result<(), SpecError> {
        self.check_token_rows(data.features())
    }

    /// Checks that whole rows, one after the other, have tokens only, where the model takes tokens.
    pub(crate) fn check_token_rows(&self, rows: &[f32]) -> Result<(), SpecError> {
        let Some(vocabulary) = self.tokens() else { return Ok(()) };
        let columns = self.features().max(1);
        let is_token = |x: f32| x >= 0.0 && x < vocabulary as f32 && x.fract() == 0.0;
        match rows.iter().position(|&x| !is_token(x)) {
            None => Ok(()),
            Some(index) => Err(SpecError::Token {
                row: index / columns + 1,
                position: index % columns + 1,
                value: rows.get(index).copied().unwrap_or(f32::NAN),
                vocabulary,
            }),
        }
    }
}

#[cfg(test)]
#[path = "model/tests.rs"]
mod tests;

#[cfg(test)]
#[path = "model/tests/ready.rs"]
mod ready_tests;
