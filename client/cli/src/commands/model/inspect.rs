//! `decentralml model inspect`.

use super::source;
use crate::{
    context::Context,
    exit::{Kind, OfKind},
    output::{Out, number_table, pairs},
};
use clap::Args;
use color_eyre::Result;
use decentralml_learning::ModelSpec;
use decentralml_onnx::{
    Format, ImportError, Inspection, LayerInfo, TensorInfo, declared, import, inspect, layers,
};
use decentralml_storage::unixfs::canonical_cid;
use decentralml_types::Cid;
use serde::Serialize;
use std::path::PathBuf;

/// Show what a file of weights has: tensors, shapes, norms, numbers that are none, its CID; and whether it suits a model.
#[derive(Args, Debug)]
pub struct Opts {
    /// A file (safetensors or ONNX), or a CID.
    #[arg(value_name = "FILE|CID")]
    model: String,
    /// Show these layers, and whether the weights are theirs: a file (TOML or JSON), or the name of a ready model. An exported ONNX file
    /// has its own.
    #[arg(long, value_name = "FILE")]
    layers: Option<PathBuf>,
}

#[derive(Serialize)]
struct Inspected {
    cid: Cid,
    #[serde(flatten)]
    file: Inspection,
    /// Empty where nobody says which they are.
    layers: Vec<LayerInfo>,
    /// Trainable numbers of the layers.
    parameters: Option<usize>,
    /// Whether the file has the weights of the layers.
    fits: Option<bool>,
    /// Why it does not.
    problem: Option<String>,
}

impl Inspected {
    fn of(bytes: &[u8], spec: Option<&ModelSpec>) -> Result<Self> {
        let file = inspect(bytes).of_kind(Kind::Data)?;
        let fit = spec.map(|spec| import(bytes, spec).map(drop));
        Ok(Self {
            cid: canonical_cid(bytes),
            file,
            layers: spec.map(layers).transpose()?.unwrap_or_default(),
            parameters: spec.map(ModelSpec::parameter_count),
            fits: fit.as_ref().map(Result::is_ok),
            problem: fit.and_then(Result::err).map(|error: ImportError| error.to_string()),
        })
    }
}

/// Reads all of it.
pub async fn run(opts: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let given = opts.layers.as_deref().map(source::layers).transpose()?;
    // A file that is not of this model is shown too.
    let file = source::read(context, &opts.model, None).await?;
    let spec = given.or_else(|| declared(&file));
    let inspected = Inspected::of(&file, spec.as_ref())?;
    out.result(&inspected, people)
}

fn shape(sizes: &[usize]) -> String {
    format!("{sizes:?}")
}

fn people(inspected: &Inspected) -> String {
    let file = &inspected.file;
    let format = match (file.format, file.opset) {
        (Format::Safetensors, _) => "safetensors".to_owned(),
        (Format::Onnx, Some(opset)) => format!("ONNX, opset {opset}"),
        (Format::Onnx, None) => "ONNX".to_owned(),
    };
    let mut rows = vec![
        ("CID", inspected.cid.to_string()),
        ("format", format),
        ("bytes", file.bytes.to_string()),
        ("numbers", file.numbers.to_string()),
        ("norm", format!("{:.6}", file.norm)),
        ("NaN", file.nan.to_string()),
        ("infinite", file.infinite.to_string()),
    ];
    rows.extend(file.producer.clone().map(|producer| ("written by", producer)));
    if !file.operators.is_empty() {
        let all = file.operators.iter().map(|(name, count)| format!("{name} × {count}"));
        rows.push(("operators", all.collect::<Vec<String>>().join(", ")));
    }
    if let Some(parameters) = inspected.parameters {
        rows.push(("parameters", parameters.to_string()));
    }
    let mut text = pairs(&rows);
    if !inspected.layers.is_empty() {
        let row = |layer: &LayerInfo| {
            let (input, output) = (shape(&layer.input), shape(&layer.output));
            vec![
                layer.path.clone(),
                layer.kind.to_owned(),
                input,
                output,
                layer.parameters.to_string(),
            ]
        };
        let header = ["layer", "kind", "takes", "gives", "parameters"].map(str::to_owned).to_vec();
        text += &format!("\n\n{}", number_table(header, inspected.layers.iter().map(row)));
    }
    let header =
        ["tensor", "type", "shape", "numbers", "norm", "smallest", "largest", "NaN", "infinite"];
    let rows = file.tensors.iter().map(tensor);
    text += &format!("\n\n{}", number_table(header.map(str::to_owned).to_vec(), rows));
    if let Some(problem) = &inspected.problem {
        text += &format!("\n\nproblem: {problem}");
    }
    text
}

fn tensor(tensor: &TensorInfo) -> Vec<String> {
    let number =
        |number: Option<f64>| number.map_or_else(|| "-".to_owned(), |one| format!("{one:.5}"));
    vec![
        tensor.name.clone(),
        tensor.dtype.to_string(),
        shape(&tensor.shape),
        tensor.numbers.to_string(),
        number(tensor.norm),
        number(tensor.smallest.map(f64::from)),
        number(tensor.largest.map(f64::from)),
        tensor.nan.to_string(),
        tensor.infinite.to_string(),
    ]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use decentralml_learning::Weights;

    #[test]
    fn a_file_is_shown_with_its_layers_and_what_does_not_fit() {
        let spec = ModelSpec::mlp(3, &[4], 2);
        let bytes = Weights::init(&spec, [1; 32]).to_bytes();
        let right = Inspected::of(&bytes, Some(&spec)).unwrap();
        assert_eq!((right.fits, right.parameters), (Some(true), Some(26)));
        let text = people(&right);
        assert!(text.contains("layers.0.weight") && text.contains("[3, 4]"), "{text}");
        let wrong = Inspected::of(&bytes, Some(&ModelSpec::mlp(3, &[5], 2))).unwrap();
        assert_eq!(wrong.fits, Some(false));
        assert!(people(&wrong).contains("problem: tensor"));
        let json = serde_json::to_value(Inspected::of(&bytes, None).unwrap()).unwrap();
        assert_eq!((&json["format"], &json["numbers"]), (&"safetensors".into(), &26.into()));
        assert_eq!(json["tensors"][0]["dtype"], "f32");
        let error = Inspected::of(b"PK", None).err().unwrap();
        assert_eq!(crate::exit::kind(&error), Kind::Data);
    }
}
