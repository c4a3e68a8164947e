//! `decentralml council close`.

use super::MotionArg;
use crate::{
    commands::submit,
    context::Context,
    exit::{Kind, problem},
    output::{Out, count},
};
use clap::Args;
use color_eyre::Result;
use decentralml_sdk::{Proposal, call};
use decentralml_types::BlockNumber;

/// Close a motion that is decided, and execute it where it is approved. By anybody.
#[derive(Args, Debug)]
pub struct Opts {
    #[command(flatten)]
    motion: MotionArg,
}

/// Waits until it is final; fails when the motion was disapproved or could not be executed.
pub async fn run(opts: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let chain = context.chain().await?;
    let view = chain.best().await?;
    let motion = opts.motion.find(&view).await?;
    if let Some(why) = undecided(&motion, view.council().await?.len(), view.number()) {
        return Err(problem(Kind::Refused, why));
    }
    let mut failure = None;
    submit(
        context,
        &chain,
        &call::close(motion.hash, motion.index),
        out,
        |included| match included.motion_result() {
            Some(Ok(())) => format!("motion {} is carried out: {}", motion.index, motion.call),
            Some(Err(error)) => {
                failure = Some(error);
                format!("motion {} is closed", motion.index)
            }
            None => {
                failure = Some("the chain does not say how it ended".to_owned());
                format!("motion {} is closed", motion.index)
            }
        },
    )
    .await?;
    match failure {
        None => Ok(()),
        Some(error) => Err(problem(
            Kind::Refused,
            format!("motion {} was not carried out: {error}", motion.index),
        )),
    }
}

/// Why a motion cannot be closed in the block after this one, where it cannot: the chain would refuse that for a fee.
fn undecided(motion: &Proposal, members: usize, block: BlockNumber) -> Option<String> {
    let (ayes, nays) = (motion.ayes.len(), motion.nays.len());
    let threshold = motion.threshold as usize;
    let decided = ayes >= threshold || members.saturating_sub(nays) < threshold;
    if decided || block.saturating_add(1) >= motion.end {
        return None;
    }
    let missing = match threshold - ayes {
        1 => "one more member has".to_owned(),
        more => format!("{} have", count(more as u64, "more member")),
    };
    Some(format!(
        "motion {} is not decided: {ayes} of {threshold} ayes so far; {missing} to vote for it, or wait until block {}",
        motion.index, motion.end
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use decentralml_sdk::AccountId;

    fn motion(threshold: u32, ayes: u8, nays: u8) -> Proposal {
        let accounts = |number: u8| (0..number).map(|byte| AccountId([byte; 32])).collect();
        Proposal {
            hash: [1; 32],
            index: 7,
            threshold,
            ayes: accounts(ayes),
            nays: accounts(nays),
            end: 100,
            call: String::new(),
        }
    }

    #[test]
    fn a_motion_is_closed_when_it_is_decided_or_its_time_is_over() {
        let why = |threshold, ayes, nays, block| {
            undecided(&motion(threshold, ayes, nays), 3, block).unwrap_or_default()
        };
        let early = "motion 7 is not decided: 1 of 2 ayes so far; one more member has to vote for it, or wait until block 100";
        assert_eq!(why(2, 1, 0, 10), early);
        assert_eq!(why(2, 1, 1, 98), early);
        assert!(why(2, 0, 0, 10).contains("0 of 2 ayes so far; 2 more members have to vote"));
        assert_eq!(why(2, 2, 0, 10), "", "enough for it");
        assert_eq!(why(2, 0, 2, 10), "", "enough against it");
        assert_eq!(why(2, 1, 0, 99), "", "the next block is its last");
    }
}
