//! `decentralml council`: motions of the council.

mod close;
mod list;
mod parameters;
mod propose;
mod vote;

use crate::{
    context::Context,
    exit::{Kind, problem},
    output::Out,
};
use clap::{Args, Subcommand};
use color_eyre::Result;
use decentralml_sdk::{AccountId, Proposal, View};

pub use propose::majority;

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    List(list::Opts),
    Parameters(parameters::Opts),
    #[command(subcommand)]
    Propose(propose::Motion),
    Vote(vote::Opts),
    Close(close::Opts),
}

/// Does what was asked for.
pub async fn run(command: Command, context: &Context, out: &mut Out<'_>) -> Result<()> {
    match command {
        Command::List(opts) => list::run(opts, context, out).await,
        Command::Parameters(opts) => parameters::run(opts, context, out).await,
        Command::Propose(motion) => propose::run(motion, context, out).await,
        Command::Vote(opts) => vote::run(opts, context, out).await,
        Command::Close(opts) => close::run(opts, context, out).await,
    }
}

/// Which motion.
#[derive(Args, Clone, Debug)]
pub struct MotionArg {
    /// Number of the motion, or the hash of its call.
    motion: String,
}

impl MotionArg {
    /// The motion, which must be open.
    async fn find(&self, view: &View) -> Result<Proposal> {
        let motion = self.motion.to_lowercase();
        let matches = |proposal: &Proposal| {
            proposal.index.to_string() == motion || super::hex(&proposal.hash) == motion
        };
        view.proposals().await?.into_iter().find(matches).ok_or_else(|| {
            problem(
                Kind::NotFound,
                format!(
                    "there is no open motion {motion}; `decentralml council list` shows those that there are"
                ),
            )
        })
    }
}

/// Who signs. Refuses for whoever has no seat what the chain would refuse for a fee.
pub fn insist_on_seat(context: &Context, members: &[AccountId]) -> Result<AccountId> {
    let account = context.account_or_own(None)?;
    has_seat(&account, members)?;
    Ok(account)
}

fn has_seat(account: &AccountId, members: &[AccountId]) -> Result<()> {
    if members.contains(account) {
        return Ok(());
    }
    let members: Vec<String> = members.iter().map(ToString::to_string).collect();
    Err(problem(
        Kind::Refused,
        format!("{account} is no member of the council: {} are", members.join(", ")),
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn who_has_no_seat_is_told_who_has() {
        let [one, two, stranger] = [1, 2, 3].map(|byte| AccountId([byte; 32]));
        assert!(has_seat(&two, &[one, two]).is_ok());
        let error = has_seat(&stranger, &[one, two]).unwrap_err();
        assert_eq!(crate::exit::kind(&error), Kind::Refused);
        let expected = format!("{stranger} is no member of the council: {one}, {two} are");
        assert_eq!(error.to_string(), expected);
    }
}
