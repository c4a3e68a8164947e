//! `decentralml council vote`.

use super::MotionArg;
use crate::{
    commands::submit,
    context::Context,
    exit::{Kind, problem},
    output::Out,
};
use clap::Args;
use color_eyre::Result;
use decentralml_sdk::{AccountId, Proposal, call};

/// Vote on a motion. By a member, who may change its vote while the motion is open.
#[derive(Args, Debug)]
pub struct Opts {
    #[command(flatten)]
    motion: MotionArg,
    #[command(flatten)]
    vote: Vote,
}

#[derive(Args, Clone, Copy, Debug)]
#[group(required = true, multiple = false)]
struct Vote {
    /// For it.
    #[arg(long)]
    aye: bool,
    /// Against it.
    #[arg(long)]
    nay: bool,
}

/// Waits until the vote is final.
pub async fn run(opts: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let chain = context.chain().await?;
    let view = chain.best().await?;
    let motion = opts.motion.find(&view).await?;
    let member = super::insist_on_seat(context, &view.council().await?)?;
    let aye = opts.vote.aye && !opts.vote.nay;
    insist_on_change(&motion, &member, aye)?;
    submit(context, &chain, &call::vote(motion.hash, motion.index, aye), out, |_| {
        format!("voted {} on motion {}: {}", name(aye), motion.index, motion.call)
    })
    .await
}

fn name(aye: bool) -> &'static str {
    if aye { "aye" } else { "nay" }
}

/// Refuses a vote that the member has given already: the chain would do so for a fee.
fn insist_on_change(motion: &Proposal, member: &AccountId, aye: bool) -> Result<()> {
    let same = if aye { &motion.ayes } else { &motion.nays };
    if !same.contains(member) {
        return Ok(());
    }
    Err(problem(
        Kind::Refused,
        format!(
            "{member} has voted {} on motion {} already; --{} would change that",
            name(aye),
            motion.index,
            name(!aye)
        ),
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_vote_is_changed_but_not_repeated() {
        let [one, two, three] = [1, 2, 3].map(|byte| AccountId([byte; 32]));
        let motion = Proposal {
            hash: [1; 32],
            index: 7,
            threshold: 2,
            ayes: vec![one],
            nays: vec![two],
            end: 100,
            call: String::new(),
        };
        for (member, aye) in [(one, false), (two, true), (three, true), (three, false)] {
            assert!(insist_on_change(&motion, &member, aye).is_ok(), "{member} {aye}");
        }
        for (member, aye, said) in [
            (one, true, "has voted aye on motion 7 already; --nay"),
            (two, false, "has voted nay on motion 7 already; --aye"),
        ] {
            let error = insist_on_change(&motion, &member, aye).unwrap_err();
            assert!(error.to_string().contains(said), "{error}");
            assert_eq!(crate::exit::kind(&error), Kind::Refused);
        }
    }
}
