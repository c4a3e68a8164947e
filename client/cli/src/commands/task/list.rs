//! `decentralml task list`.

use super::progress::task_status;
use crate::{
    context::Context,
    output::{Out, or_dash, table},
    units::{percent, tokens},
};
use clap::Args;
use color_eyre::Result;
use std::collections::{BTreeMap, btree_map::Entry};

/// List the tasks of the chain.
#[derive(Args, Debug)]
pub struct Opts {
    /// Leave out those that are over.
    #[arg(long)]
    open: bool,
}

/// Reads the best block.
pub async fn run(opts: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let chain = context.chain().await?;
    let view = chain.best().await?;
    let mut tasks = view.tasks().await?;
    tasks.retain(|task| !(opts.open && task.status.is_final()));
    let mut units = BTreeMap::new();
    for asset in tasks.iter().map(|task| task.spec.terms.asset) {
        if let Entry::Vacant(unit) = units.entry(asset) {
            unit.insert(view.unit(asset, chain.properties()).await?);
        }
    }
    out.result(&tasks, |tasks| {
        if tasks.is_empty() {
            return "no tasks; `decentralml task create` makes one".to_owned();
        }
        let rows = tasks.iter().map(|task| {
            vec![
                task.id.to_string(),
                String::from_utf8_lossy(&task.spec.name).into_owned(),
                task_status(task).to_owned(),
                format!("{} of {}", task.settled_rounds, task.spec.rounds),
                or_dash(task.metric.map(percent)),
                tokens(
                    task.spec.terms.reward_per_round,
                    units.get(&task.spec.terms.asset).unwrap_or(chain.properties()),
                ),
                task.sponsor.to_string(),
            ]
        });
        let header = ["task", "name", "status", "rounds", "metric", "reward a round", "sponsor"];
        table(header.map(str::to_owned).to_vec(), rows)
    })
}
