//! `decentralml model export`.

use super::source;
use crate::{
    aside::write_aside,
    context::Context,
    exit::{Kind, OfKind},
    output::{Out, pairs},
};
use clap::{Args, ValueEnum};
use color_eyre::Result;
use decentralml_onnx::{export, import};
use decentralml_storage::unixfs::canonical_cid;
use decentralml_types::Cid;
use serde::Serialize;
use std::path::PathBuf;

/// Write a model for other programs: as ONNX, which any runtime evaluates, or as safetensors.
///
/// An ONNX file takes any number of rows, as the data have them; normalization is part of it. It gives logits, of which a softmax makes
/// probabilities. It carries task, layers and names of the classes, so that it can be inspected and imported without --layers.
#[derive(Args, Debug)]
pub struct Opts {
    /// The weights: a file (safetensors or ONNX), or a CID.
    #[arg(value_name = "FILE|CID")]
    model: String,
    /// The model's layers: a file (TOML or JSON), or the name of a ready model. An exported ONNX file has its own.
    #[arg(long, value_name = "FILE")]
    layers: Option<PathBuf>,
    /// What is written.
    #[arg(long, value_enum, default_value = "onnx")]
    format: Format,
    /// Where the file goes.
    #[arg(long, short, value_name = "FILE")]
    out: PathBuf,
    /// Replace a file that is there.
    #[arg(long)]
    force: bool,
}

#[derive(Clone, Copy, Debug, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
enum Format {
    /// ONNX, opset 17.
    Onnx,
    /// The canonical file, whose CID a task can name.
    Safetensors,
}

#[derive(Serialize)]
struct Exported {
    file: PathBuf,
    format: Format,
    bytes: usize,
    parameters: usize,
    /// Of the file that was written.
    cid: Cid,
}

/// The file appears when all of it is there.
pub async fn run(opts: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    source::check_out(&opts.out, opts.force)?;
    let (file, spec) = source::with_layers(context, &opts.model, opts.layers.as_deref()).await?;
    let weights = import(&file, &spec).of_kind(Kind::Data)?.weights;
    drop(file);
    let canonical = weights.to_bytes();
    let bytes = match opts.format {
        Format::Safetensors => canonical,
        Format::Onnx => {
            let about = [("weights", canonical_cid(&canonical).to_string())];
            drop(canonical);
            export(&spec, &weights, &about).of_kind(Kind::Data)?
        }
    };
    source::written(write_aside(&opts.out, opts.force, &bytes))?;
    let exported = Exported {
        file: opts.out,
        format: opts.format,
        bytes: bytes.len(),
        parameters: spec.parameter_count(),
        cid: canonical_cid(&bytes),
    };
    out.result(&exported, |exported| {
        pairs(&[
            ("file", exported.file.display().to_string()),
            ("bytes", exported.bytes.to_string()),
            ("parameters", exported.parameters.to_string()),
            ("CID", exported.cid.to_string()),
        ])
    })
}
