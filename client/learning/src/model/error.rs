use super::{MAX_LAYERS, MAX_PARAMETERS, VERSION};

/// Why a model, or a pair of a model and data, is refused.
#[derive(Debug, thiserror::Error)]
pub enum SpecError {
    /// A version that this program does not know.
    #[error("model format version {0}: this program reads versions 1 to {VERSION}")]
    Version(u32),
    /// Another version than the first that has all that the model uses.
    #[error(
        "model format version {found}: this model is written in version {needed}, so that one model has one CID; set \
         `version = {needed}`"
    )]
    OtherVersion {
        /// The version that is given.
        found: u32,
        /// The version to give.
        needed: u32,
    },
    /// An input shape that is empty, has a zero, too many dimensions or too many numbers.
    #[error("input {0:?}: give one to three positive sizes, for example [64] or [3, 32, 32]")]
    Input(Vec<u32>),
    /// No layers, or too many.
    #[error("{0} layers: a model has 1 to {MAX_LAYERS}")]
    Layers(usize),
    /// A layer that contradicts itself or its place.
    #[error("layer {layer} ({kind}): {problem}")]
    Layer {
        /// Index in [`ModelSpec::layers`](super::ModelSpec::layers), from 0; within a residual block `3.layers.0`.
        layer: String,
        /// What the layer is called.
        kind: &'static str,
        /// What is wrong and what to do.
        problem: String,
    },
    /// A description of the rows that contradicts itself or the layers.
    #[error("rows: {0}")]
    Rows(String),
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
    /// A name that is none of the ready models.
    #[error("there is no ready model `{name}`; there are {}", .known.join(", "))]
    Unknown {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: &'static [&'static str],
    },
    /// Sizes that a ready model cannot have.
    #[error("`{name}` takes an input of {expected}, not {found:?}")]
    Ready {
        /// The model's name.
        name: &'static str,
        /// What its input looks like.
        expected: &'static str,
        /// What was asked for.
        found: Vec<u32>,
    },
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
    /// Labels for a regression, or quantities for a classification.
    #[error("the model is a {task}, the rows have {found}")]
    Targets {
        /// What the model is for.
        task: &'static str,
        /// What the rows have.
        found: String,
    },
    /// Another number of quantities than the model predicts.
    #[error("the data has {found} quantities per row, the model predicts {expected}")]
    Quantities {
        /// Units of the last layer.
        expected: usize,
        /// Quantities per row of the data.
        found: usize,
    },
    /// A class has another name in the data than in the model.
    #[error(
        "label {label} is {found:?} in the data and {expected:?} in the model: read the data with the model's names, in its \
         order (--class-names, or --vocabulary of a text)"
    )]
    Names {
        /// The first label that is called otherwise.
        label: usize,
        /// What the model calls it.
        expected: String,
        /// What the data call it.
        found: String,
    },
    /// A number that is no token of the model.
    #[error(
        "row {row}, number {position}: {value} is no token: tokens are whole numbers from 0 to {}",
        .vocabulary.saturating_sub(1)
    )]
    Token {
        /// Row, from 1.
        row: usize,
        /// Place in the row, from 1.
        position: usize,
        /// What is there.
        value: f32,
        /// Tokens that the model has.
        vocabulary: usize,
    },
}
