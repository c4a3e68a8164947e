//! `decentralml council propose`.

use crate::{
    commands::submit,
    context::Context,
    exit::{Kind, OfKind, problem},
    output::Out,
};
use clap::Subcommand;
use color_eyre::Result;
use decentralml_sdk::{Call, call};
use decentralml_types::{TaskId, Version};

/// Propose something to the council. By a member, whose own vote is still to be given.
#[derive(Debug, Subcommand)]
pub enum Motion {
    /// Release a version of a model: the council stands behind its use.
    Release {
        /// Number of the task.
        task: TaskId,
        /// Version of its model.
        version: Version,
    },
    /// Recall a released version.
    Recall {
        /// Number of the task.
        task: TaskId,
        /// Version of its model.
        version: Version,
        /// Why, in at most 64 bytes.
        reason: String,
    },
    /// Put an account on the list of validators; it validates from a later session on.
    AddValidator {
        /// An address, or the name of a key.
        #[arg(value_name = "ACCOUNT")]
        who: String,
    },
    /// Take an account off the list of validators.
    RemoveValidator {
        /// An address, or the name of a key.
        #[arg(value_name = "ACCOUNT")]
        who: String,
    },
}

impl Motion {
    fn call(&self, context: &Context) -> Result<Call> {
        Ok(match self {
            Self::Release { task, version } => call::release(*task, *version),
            Self::Recall { task, version, reason } => {
                call::recall(*task, *version, reason).of_kind(Kind::Usage)?
            }
            Self::AddValidator { who } => call::add_validator(&context.account(who)?),
            Self::RemoveValidator { who } => call::remove_validator(&context.account(who)?),
        })
    }

    /// Ayes that the chain asks for: more than half for models, two thirds for validators.
    fn threshold(&self, members: usize) -> u32 {
        match self {
            Self::Release { .. } | Self::Recall { .. } => majority(members),
            Self::AddValidator { .. } | Self::RemoveValidator { .. } => {
                u32::try_from((2 * members).div_ceil(3)).unwrap_or(u32::MAX)
            }
        }
    }
}

/// More than half.
pub fn majority(members: usize) -> u32 {
    u32::try_from(members / 2 + 1).unwrap_or(u32::MAX)
}

/// Waits until the motion is final.
pub async fn run(motion: Motion, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let proposed = motion.call(context)?;
    let chain = context.chain().await?;
    let view = chain.best().await?;
    let members = view.council().await?;
    if members.is_empty() {
        return Err(problem(Kind::Refused, "this chain's council has no members"));
    }
    if let Motion::Release { task, version } | Motion::Recall { task, version, .. } = motion {
        super::super::model::version(&view, task, version).await?;
    }
    let threshold = motion.threshold(members.len());
    submit(context, &chain, &call::propose(threshold, &proposed), out, |included| {
        match included.proposal() {
            Some((_, index)) => format!(
                "motion {index} is open: {proposed}, needs {threshold} of {} ayes; `decentralml council vote {index} --aye`",
                members.len()
            ),
            None => format!("{proposed} was executed at once"),
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_what_the_chain_asks_for() {
        let release = Motion::Release { task: 0, version: 1 };
        let add = Motion::AddValidator { who: String::new() };
        for (members, half, two_thirds) in [(1, 1, 1), (3, 2, 2), (4, 3, 3), (5, 3, 4), (9, 5, 6)] {
            assert_eq!(release.threshold(members), half, "{members}");
            assert_eq!(add.threshold(members), two_thirds, "{members}");
        }
    }
}
