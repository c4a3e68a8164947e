//! `decentralml model list`.

use super::status;
use crate::{
    context::Context,
    output::{Out, or_dash, table},
    units::percent,
};
use clap::Args;
use color_eyre::Result;
use decentralml_sdk::ModelStatus;
use decentralml_types::TaskId;

/// List model versions: how good they are (accuracy, or R² of a regression), and what the council says of them.
#[derive(Args, Debug)]
pub struct Opts {
    /// Those of this task only.
    #[arg(long, value_name = "ID")]
    task: Option<TaskId>,
    /// Only those that are released.
    #[arg(long)]
    released: bool,
}

/// Reads the finalized state.
pub async fn run(opts: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let view = context.chain().await?.finalized().await?;
    let mut models = view.models(opts.task).await?;
    models.retain(|model| !opts.released || matches!(model.status, ModelStatus::Released { .. }));
    out.result(&models, |models| {
        if models.is_empty() {
            return "no models".to_owned();
        }
        let rows = models.iter().map(|model| {
            vec![
                model.task.to_string(),
                model.version.to_string(),
                or_dash(model.parent),
                percent(model.metric),
                model.updates.to_string(),
                model.license.clone(),
                status(&model.status),
                model.cid.to_string(),
            ]
        });
        let header = ["task", "version", "parent", "metric", "updates", "license", "status", "CID"];
        table(header.map(str::to_owned).to_vec(), rows)
    })
}
