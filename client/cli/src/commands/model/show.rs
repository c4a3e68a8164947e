//! `decentralml model show`.

use super::{origin, status, version_or_last};
use crate::{
    context::Context,
    output::{Out, pairs},
    units::percent,
};
use clap::Args;
use color_eyre::Result;
use decentralml_types::{TaskId, Version};

/// Show a version of a task's model: where it comes from, how good it is, whether it is released.
#[derive(Args, Debug)]
pub struct Opts {
    /// Number of the task.
    task: TaskId,
    /// Version of its model [default: the latest].
    version: Option<Version>,
}

/// Reads the finalized state.
pub async fn run(opts: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let view = context.chain().await?.finalized().await?;
    let model = version_or_last(&view, opts.task, opts.version).await?;
    out.result(&model, |model| {
        pairs(&[
            ("task", model.task.to_string()),
            ("version", model.version.to_string()),
            ("made of", origin(model)),
            ("metric", format!("{}, attested by the committee", percent(model.metric))),
            ("license", model.license.clone()),
            ("status", status(&model.status)),
            ("CID", model.cid.to_string()),
        ])
    })
}
