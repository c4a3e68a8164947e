//! A model as an ONNX file.

mod graph;
mod layers;
mod sequence;

use decentralml_learning::{ModelSpec, SpecError, Task, Weights};
use prost::Message;

use crate::proto::{self, data_type};
use graph::{Builder, int};

/// Version of ONNX's operators that are used.
pub const OPSET: i64 = 17;
/// What the graph's input is called.
pub const INPUT: &str = "input";
/// What the graph's output is called.
pub const OUTPUT: &str = "output";
/// Bytes that a message of protocol buffers may have: lengths are signed 32-bit numbers to its readers.
const MAX_BYTES: usize = i32::MAX as usize;

/// Why a model cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The layers contradict themselves.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// The weights are those of other layers.
    #[error(
        "the weights belong to another model: {found} numbers, these layers have {expected}; give the layers that they were trained \
         with"
    )]
    Weights {
        /// Numbers that the layers have.
        expected: usize,
        /// Numbers that the weights have.
        found: usize,
    },
    /// Too long for one file.
    #[error(
        "the ONNX file would have {found} bytes, protocol buffers end at {MAX_BYTES}: export the model as safetensors instead"
    )]
    TooLarge {
        /// Bytes of the file.
        found: usize,
    },
    /// Names of classes that are no JSON.
    #[error("the description of the model cannot be written: {0}")]
    Json(#[from] serde_json::Error),
}

/// Writes a model as ONNX.
///
/// The input is called [`INPUT`], of shape `[batch, …the model's input]`: `f32` features as data sets
/// have them, normalized within the graph where the model says so, or `i64` tokens. The output is called
/// [`OUTPUT`]: logits (no softmax) of shape `[batch, classes]` or `[batch, steps, tokens]`, or quantities.
/// The batch may have any size. Initializers are called as [`ModelSpec::parameters`] calls them and have
/// their shapes; others start with `constant`. Equal models give equal bytes.
///
/// `about` are further entries of the file's metadata, beside the model's task, layers and names.
pub fn export(
    spec: &ModelSpec,
    weights: &Weights,
    about: &[(&str, String)],
) -> Result<Vec<u8>, ExportError> {
    let layers = spec.layout()?;
    if weights.parameters() != spec.parameters() {
        let (expected, found) = (spec.parameter_count(), weights.values().len());
        return Err(ExportError::Weights { expected, found });
    }
    let mut builder = Builder::default();
    for (parameter, numbers) in weights.tensors() {
        builder.parameter(parameter, numbers);
    }
    let mut x = builder.normalized(spec, INPUT.to_owned());
    if spec.version == 1 && spec.input.len() > 1 {
        x = builder.node("row", "Flatten", &[&x], vec![int("axis", 1)]);
    }
    let x = builder.list(&layers, x);
    builder.rename(&x, OUTPUT);

    let input_type = if spec.tokens().is_some() { data_type::INT64 } else { data_type::FLOAT };
    let input: Vec<usize> = spec.input.iter().map(|&size| size as usize).collect();
    let output = layers.last().map(|layer| layer.output.clone()).unwrap_or_default();
    let graph = proto::Graph {
        name: "decentralml".to_owned(),
        input: vec![value(INPUT, input_type, &input, meaning_of_input(spec))],
        output: vec![value(OUTPUT, data_type::FLOAT, &output, meaning_of_output(spec))],
        ..builder.finish()
    };
    let model = proto::Model {
        ir_version: proto::IR_VERSION,
        producer_name: "decentralml".to_owned(),
        producer_version: env!("CARGO_PKG_VERSION").to_owned(),
        doc_string: format!(
            "A model for {} with {} parameters. {} {}",
            spec.task.name(),
            spec.parameter_count(),
            meaning_of_input(spec),
            meaning_of_output(spec)
        ),
        graph: Some(graph),
        opset_import: vec![proto::OperatorSet { domain: String::new(), version: OPSET }],
        metadata_props: metadata(spec, about)?,
        ..proto::Model::default()
    };
    check_length(model.encoded_len())?;
    Ok(model.encode_to_vec())
}

fn check_length(found: usize) -> Result<(), ExportError> {
    if found > MAX_BYTES { Err(ExportError::TooLarge { found }) } else { Ok(()) }
}

/// A tensor of any number of rows of this shape.
fn value(name: &str, elem_type: i32, row: &[usize], doc_string: &str) -> proto::ValueInfo {
    let batch = proto::Dimension { dim_param: Some("batch".to_owned()), dim_value: None };
    let sizes =
        row.iter().map(|&size| proto::Dimension { dim_value: Some(size as i64), dim_param: None });
    let shape = proto::Shape { dim: std::iter::once(batch).chain(sizes).collect() };
    let tensor_type = Some(proto::TensorType { elem_type, shape: Some(shape) });
    let doc_string = doc_string.to_owned();
    proto::ValueInfo {
        name: name.to_owned(),
        r#type: Some(proto::Type { tensor_type }),
        doc_string,
    }
}

fn meaning_of_input(spec: &ModelSpec) -> &'static str {
    match (spec.tokens(), &spec.rows.normalize) {
        (Some(_), _) => "The input are tokens, numbered from 0.",
        (None, Some(_)) => {
            "The input are features as the data have them: the graph normalizes them."
        }
        (None, None) => "The input are features as the data have them.",
    }
}

fn meaning_of_output(spec: &ModelSpec) -> &'static str {
    match spec.task {
        Task::Classification => "The output are logits: apply a softmax for probabilities.",
        Task::NextToken => "The output are the logits of the token after each step.",
        Task::Regression => "The output are the predicted quantities.",
    }
}

/// What the layers alone do not tell.
fn metadata(
    spec: &ModelSpec,
    about: &[(&str, String)],
) -> Result<Vec<proto::Entry>, serde_json::Error> {
    let task = match spec.task {
        Task::Classification => "classification",
        Task::NextToken => "next_token",
        Task::Regression => "regression",
    };
    let mut entries = vec![
        ("task", task.to_owned()),
        ("outputs", spec.classes().to_string()),
        ("layers", serde_json::to_string(spec)?),
    ];
    if !spec.rows.labels.is_empty() {
        entries.push(("labels", serde_json::to_string(&spec.rows.labels)?));
    }
    entries.extend(spec.rows.vocabulary.clone().map(|characters| ("vocabulary", characters)));
    entries.extend(about.iter().map(|(key, value)| (*key, value.clone())));
    let entry = |(key, value)| proto::Entry { key: format!("decentralml.{key}"), value };
    Ok(entries.into_iter().map(entry).collect())
}

#[cfg(test)]
mod tests;
