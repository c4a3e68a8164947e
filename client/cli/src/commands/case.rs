//! `decentralml case`: slashes that wait, and what becomes of them.

mod appeal;
mod conclude;
mod list;
mod show;
mod vote;

use crate::{
    context::Context,
    exit::{Kind, problem},
    output::{Out, count, or_dash},
};
use clap::{Args, Subcommand};
use color_eyre::Result;
use decentralml_protocol::slashing::{self, Votes};
use decentralml_sdk::{AccountId, Case, View};
use decentralml_types::{BlockNumber, CaseId};

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    List(list::Opts),
    Show(show::Opts),
    Appeal(appeal::Opts),
    Vote(vote::Opts),
    Conclude(conclude::Opts),
}

/// Does what was asked for.
pub async fn run(command: Command, context: &Context, out: &mut Out<'_>) -> Result<()> {
    match command {
        Command::List(opts) => list::run(opts, context, out).await,
        Command::Show(opts) => show::run(opts, context, out).await,
        Command::Appeal(opts) => appeal::run(opts, context, out).await,
        Command::Vote(opts) => vote::run(opts, context, out).await,
        Command::Conclude(opts) => conclude::run(opts, context, out).await,
    }
}

/// Which case.
#[derive(Args, Clone, Copy, Debug)]
pub struct CaseArg {
    /// Number of the case.
    case: CaseId,
}

impl CaseArg {
    /// The case, which must be open.
    async fn find(self, view: &View) -> Result<Case> {
        let Self { case } = self;
        view.case(case).await?.ok_or_else(|| {
            let text = format!(
                "there is no open case {case}; `decentralml case list` shows those that there are"
            );
            problem(Kind::NotFound, text)
        })
    }
}

/// Where the fault happened, in words.
fn place(case: &Case) -> String {
    match (case.task, case.round, case.session) {
        (Some(task), Some(round), _) => format!("round {round} of task {task}"),
        (_, _, session) => format!("session {}", or_dash(session)),
    }
}

/// Where a case stands after a block, in words.
fn standing(case: &Case, council: &[AccountId], now: BlockNumber) -> String {
    let left = count(left(case, now), "block");
    let Votes { guilty, innocent, .. } = votes(case, council);
    match case.appeal {
        _ if is_decided(case, council, now) => "can be concluded".to_owned(),
        None => format!("{left} to appeal"),
        Some(_) => format!("{left} to judge, {guilty} guilty, {innocent} innocent"),
    }
}

/// How many of the blocks after this one are in time for an appeal or a vote.
fn left(case: &Case, now: BlockNumber) -> BlockNumber {
    case.deadline.saturating_sub(now.saturating_add(1))
}

/// Whether the case can be concluded in the next block.
fn is_decided(case: &Case, council: &[AccountId], now: BlockNumber) -> bool {
    let due = left(case, now) == 0;
    match case.appeal {
        None => due,
        Some(_) => slashing::ruling(votes(case, council), due).is_some(),
    }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// The votes of those that are members of the council now, as the chain counts them.
fn votes(case: &Case, council: &[AccountId]) -> Votes {
    let say = |verdict: bool| {
        let votes = case.votes.iter();
        let present = votes.filter(|(who, said)| *said == verdict && council.contains(who));
        number(present.count())
    };
    Votes { guilty: say(true), innocent: say(false), council: number(council.len()) }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use decentralml_sdk::AccountId;
    use decentralml_types::{Fault, Role};

    pub(crate) fn case(appeal: Option<u128>, votes: &[bool]) -> Case {
        let account = |byte| AccountId([byte; 32]);
        Case {
            case: 7,
            accused: account(1),
            role: Role::Trainer,
            fault: Fault::Unavailable,
            amount: 5,
            task: Some(3),
            round: Some(2),
            session: None,
            reporter: None,
            sponsor: Some(account(9)),
            appeal,
            deadline: 100,
            votes: (10..).map(account).zip(votes.iter().copied()).collect(),
        }
    }

    /// So many members, in the order of the votes.
    pub(crate) fn council(members: u8) -> Vec<AccountId> {
        (10..10 + members).map(|byte| AccountId([byte; 32])).collect()
    }

    #[test]
    fn a_case_says_where_the_fault_happened() {
        assert_eq!(place(&case(None, &[])), "round 2 of task 3");
        let of_validator = Case { task: None, round: None, session: Some(11), ..case(None, &[]) };
        assert_eq!(place(&of_validator), "session 11");
    }

    #[test]
    fn a_case_says_for_what_there_is_time() {
        let council = council(5);
        let said = |case: &Case, now| standing(case, &council, now);
        let waits = case(None, &[]);
        assert_eq!(said(&waits, 90), "9 blocks to appeal");
        // As `case appeal` has it: in block 99 the chain still takes it, in block 100 not.
        assert_eq!(said(&waits, 98), "1 block to appeal");
        assert_eq!(said(&waits, 99), "can be concluded");
        let judged = case(Some(1), &[true, false, true]);
        assert_eq!(said(&judged, 90), "9 blocks to judge, 2 guilty, 1 innocent");
        assert_eq!(said(&judged, 99), "can be concluded");
        let agreed = case(Some(1), &[true, true, true]);
        assert_eq!(said(&agreed, 10), "can be concluded");
    }

    #[test]
    fn the_votes_of_those_that_have_left_do_not_count() {
        let judged = case(Some(1), &[true, true, false]);
        assert_eq!(standing(&judged, &council(3), 10), "can be concluded");
        let two = [12, 13].map(|byte| AccountId([byte; 32]));
        assert_eq!(standing(&judged, &two, 90), "9 blocks to judge, 0 guilty, 1 innocent");
    }
}
