//! `decentralml case vote`.

use super::{CaseArg, left};
use crate::{
    commands::{council::insist_on_seat, submit},
    context::Context,
    exit::{Kind, problem},
    output::Out,
};
use clap::Args;
use color_eyre::Result;
use decentralml_sdk::{AccountId, Case, call};
use decentralml_types::BlockNumber;

/// Vote on an appeal. By a member of the council that is no party to the case, once.
#[derive(Args, Debug)]
pub struct Opts {
    #[command(flatten)]
    case: CaseArg,
    #[command(flatten)]
    vote: Vote,
}

#[derive(Args, Clone, Copy, Debug)]
#[group(required = true, multiple = false)]
struct Vote {
    /// The accused did it.
    #[arg(long)]
    guilty: bool,
    /// The accused did not.
    #[arg(long)]
    innocent: bool,
}

/// Waits until the vote is final.
pub async fn run(opts: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let chain = context.chain().await?;
    let view = chain.best().await?;
    let case = opts.case.find(&view).await?;
    let member = insist_on_seat(context, &view.council().await?)?;
    if let Some(why) = refused(&case, &member, view.number()) {
        return Err(problem(Kind::Refused, why));
    }
    let guilty = opts.vote.guilty && !opts.vote.innocent;
    submit(context, &chain, &call::judge(case.case, guilty), out, |_| {
        format!("voted {} in case {}", word(guilty), case.case)
    })
    .await
}

pub(super) fn word(guilty: bool) -> &'static str {
    if guilty { "guilty" } else { "innocent" }
}

/// Why the chain would refuse a member's vote in the next block, for a fee, as far as the case tells: who is enrolled in its task has
/// no vote either.
fn refused(case: &Case, member: &AccountId, now: BlockNumber) -> Option<String> {
    let number = case.case;
    if case.appeal.is_none() {
        return Some(format!(
            "nobody has appealed in case {number}, so there is nothing to vote on"
        ));
    }
    let parties = [Some(case.accused), case.reporter, case.sponsor];
    if parties.contains(&Some(*member)) {
        return Some(format!("{member} is a party to case {number}, and has no vote"));
    }
    if case.votes.iter().any(|(who, _)| who == member) {
        return Some(format!("{member} has voted in case {number} already"));
    }
    (left(case, now) == 0)
        .then(|| format!("the time to vote in case {number} was over at block {}", case.deadline))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::case::tests::case;

    #[test]
    fn parties_have_no_vote_and_nobody_has_two() {
        let why = |case: Case, member, now| {
            refused(&case, &AccountId([member; 32]), now).unwrap_or_default()
        };
        assert_eq!(why(case(Some(5), &[true]), 11, 98), "");
        assert!(why(case(Some(5), &[true]), 10, 98).contains("already"));
        assert!(why(case(Some(5), &[]), 1, 98).contains("a party"));
        assert!(why(case(Some(5), &[]), 9, 98).contains("a party"));
        assert!(why(case(Some(5), &[]), 11, 99).contains("over at block 100"));
        assert!(why(case(None, &[]), 11, 98).contains("nothing to vote on"));
    }
}
