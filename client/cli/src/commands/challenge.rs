//! `decentralml challenge`: whether the bytes of an update can be had, block by block.

mod answer;
mod conclude;
mod list;
mod open;

use crate::{
    context::Context,
    exit::{Kind, problem},
    output::Out,
};
use clap::{Args, Subcommand};
use color_eyre::Result;
use decentralml_sdk::{AccountId, Challenge, View};
use decentralml_types::{RoundNumber, TaskId};

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    List(list::Opts),
    Open(open::Opts),
    Answer(answer::Opts),
    Conclude(conclude::Opts),
}

/// Does what was asked for.
pub async fn run(command: Command, context: &Context, out: &mut Out<'_>) -> Result<()> {
    match command {
        Command::List(opts) => list::run(opts, context, out).await,
        Command::Open(opts) => open::run(opts, context, out).await,
        Command::Answer(opts) => answer::run(opts, context, out).await,
        Command::Conclude(opts) => conclude::run(opts, context, out).await,
    }
}

/// Whose update of which round.
#[derive(Args, Clone, Debug)]
pub struct UpdateArg {
    /// The task.
    task: TaskId,
    /// The round.
    round: RoundNumber,
    /// Its trainer: an address or the name of a key.
    trainer: String,
}

impl UpdateArg {
    /// The open challenge of the update.
    async fn challenge(&self, view: &View, trainer: &AccountId) -> Result<Challenge> {
        let Self { task, round, .. } = self;
        let row = view.challenged(*task, *round, trainer).await?;
        row.and_then(|row| row.open().cloned()).ok_or_else(|| {
            let text = format!(
                "the update of {trainer} in round {round} of task {task} has no open challenge; `decentralml challenge list` \
                 shows those that there are"
            );
            problem(Kind::NotFound, text)
        })
    }
}

/// A path as it is given: `1,0`; the root's is empty.
fn path(path: &[u16]) -> String {
    match path {
        [] => "root".to_owned(),
        path => path.iter().map(u16::to_string).collect::<Vec<_>>().join(","),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_shown_as_it_is_given() {
        assert_eq!(
            (path(&[]), path(&[2]), path(&[1, 0])),
            ("root".into(), "2".into(), "1,0".into())
        );
    }
}
