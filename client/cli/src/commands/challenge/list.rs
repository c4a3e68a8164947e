//! `decentralml challenge list`.

use crate::{
    context::Context,
    output::{Out, count, table},
};
use clap::Args;
use color_eyre::Result;
use decentralml_sdk::{ChallengeStage, Challenged};
use decentralml_types::{BlockNumber, TaskId};

/// List updates that were challenged and whose rows are not settled.
#[derive(Args, Debug)]
pub struct Opts {
    /// In this task only.
    #[arg(long, value_name = "ID")]
    task: Option<TaskId>,
}

/// Reads the best block.
pub async fn run(opts: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let view = context.chain().await?.best().await?;
    let all = view.all_challenged(opts.task).await?;
    out.result(&all, |all| {
        if all.is_empty() {
            return "no challenges".to_owned();
        }
        let rows = all.iter().map(|row| {
            vec![
                row.task.to_string(),
                row.round.to_string(),
                row.trainer.to_string(),
                row.made.to_string(),
                standing(row, view.number()),
            ]
        });
        let header = ["task", "round", "trainer", "challenges", "standing"];
        table(header.map(str::to_owned).to_vec(), rows)
    })
}

fn standing(row: &Challenged, now: BlockNumber) -> String {
    match &row.stage {
        ChallengeStage::Answered => "answered".to_owned(),
        ChallengeStage::Unanswered => "not answered, accused".to_owned(),
        ChallengeStage::Open(challenge) => {
            let block = super::path(&challenge.path);
            match challenge.deadline.saturating_sub(now) {
                0 => format!("block {block}: nobody answered, can be concluded"),
                left => format!("block {block}: {} to answer", count(left, "block")),
            }
        }
    }
}
