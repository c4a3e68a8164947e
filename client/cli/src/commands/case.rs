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
use decentralml_sdk::{Case, View};
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
fn standing(case: &Case, now: BlockNumber) -> String {
    let left = case.deadline.saturating_sub(now);
    match (case.appeal, left) {
        (_, 0) => "can be concluded".to_owned(),
        (None, left) => format!("{} to appeal", count(left, "block")),
        (Some(_), left) => {
            let (guilty, innocent) = votes(case);
            let left = count(left, "block");
            format!("{left} to judge, {guilty} guilty, {innocent} innocent")
        }
    }
}

/// Votes that find the accused guilty, and that do not.
fn votes(case: &Case) -> (usize, usize) {
    let guilty = case.votes.iter().filter(|(_, guilty)| *guilty).count();
    (guilty, case.votes.len() - guilty)
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

    #[test]
    fn a_case_says_where_the_fault_happened() {
        assert_eq!(place(&case(None, &[])), "round 2 of task 3");
        let of_validator = Case { task: None, round: None, session: Some(11), ..case(None, &[]) };
        assert_eq!(place(&of_validator), "session 11");
    }

    #[test]
    fn a_case_says_for_what_there_is_time() {
        assert_eq!(standing(&case(None, &[]), 99), "1 block to appeal");
        let judged = case(Some(1), &[true, false, true]);
        assert_eq!(standing(&judged, 90), "10 blocks to judge, 2 guilty, 1 innocent");
        assert_eq!(standing(&judged, 100), "can be concluded");
    }
}
