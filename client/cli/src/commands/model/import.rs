//! `decentralml model import`.

use super::source;
use crate::{
    aside::write_aside,
    context::Context,
    exit::{Kind, OfKind},
    output::{Out, pairs},
};
use clap::Args;
use color_eyre::Result;
use decentralml_onnx::{Matching, import};
use decentralml_storage::unixfs::canonical_cid;
use decentralml_types::Cid;
use serde::Serialize;
use std::path::PathBuf;

/// Read weights of another program into a declared model, as the file that can be a task's first model.
///
/// Tensors of an ONNX or a safetensors file are found by their names, or else by their shapes where only one way is possible; otherwise the
/// error lists what fits what. Floats of 16 bits are widened. To start a task with them, put the file into the store (`decentralml ipfs
/// add`), and give its CID as `weights` in the task file.
#[derive(Args, Debug)]
pub struct Opts {
    /// The weights: a file (safetensors or ONNX), or a CID.
    #[arg(value_name = "FILE|CID")]
    model: String,
    /// The model's layers: a file (TOML or JSON), or the name of a ready model. An exported ONNX file has its own.
    #[arg(long, value_name = "FILE")]
    layers: Option<PathBuf>,
    /// Where the file goes.
    #[arg(long, short, default_value = "model.safetensors", value_name = "FILE")]
    out: PathBuf,
    /// Replace a file that is there.
    #[arg(long)]
    force: bool,
}

#[derive(Serialize)]
struct Imported {
    cid: Cid,
    file: PathBuf,
    bytes: usize,
    parameters: usize,
    /// How the tensors were told apart.
    matching: Matching,
    /// Each tensor of the model with the file's.
    tensors: Vec<Pair>,
    /// Tensors of the file that are not part of the model.
    unused: Vec<String>,
}

#[derive(Serialize)]
struct Pair {
    model: String,
    file: String,
}

/// The file appears when all of it is there.
pub async fn run(opts: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    source::check_out(&opts.out, opts.force)?;
    let (file, spec) = source::with_layers(context, &opts.model, opts.layers.as_deref()).await?;
    let found = import(&file, &spec).of_kind(Kind::Data)?;
    drop(file);
    let bytes = found.weights.to_bytes();
    source::written(write_aside(&opts.out, opts.force, &bytes))?;
    let imported = Imported {
        cid: canonical_cid(&bytes),
        file: opts.out,
        bytes: bytes.len(),
        parameters: spec.parameter_count(),
        matching: found.matching,
        tensors: found.matched.into_iter().map(|(model, file)| Pair { model, file }).collect(),
        unused: found.unused,
    };
    out.result(&imported, people)
}

fn people(imported: &Imported) -> String {
    let mut rows = vec![
        ("CID", imported.cid.to_string()),
        ("file", imported.file.display().to_string()),
        ("bytes", imported.bytes.to_string()),
        ("parameters", imported.parameters.to_string()),
    ];
    if !imported.unused.is_empty() {
        rows.push(("left out", imported.unused.join(", ")));
    }
    let mut text = pairs(&rows);
    if imported.matching == Matching::Shapes {
        text += "\nThe names are others: the tensors were told apart by their shapes. Check that this is what you mean:";
        let lines =
            imported.tensors.iter().map(|pair| format!("\n  {}  from  {}", pair.model, pair.file));
        text.extend(lines);
    }
    text
}
