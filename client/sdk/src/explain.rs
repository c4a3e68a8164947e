//! Why an account was drawn or not, accepted or not, paid or slashed in a round: told from the chain's state and events alone,
//! also when the rows that it was decided by are gone.
//!
//! ```text
//!   history ── in which blocks something of the account, or the round's phase, changed ──► O(log) states for each
//!   steps ──── what the events of these blocks say of the account in the round
//!   numbers ── the draw, the verdict, the pay, computed again by the rules of `primitives/protocol` ──► checks
//!   money ──── each change of the balance by its cause ──► a sum that has to be the difference of the balance
//! ```
//!
//! It takes a node that still has the state of these blocks.

mod history;
mod money;
mod numbers;
mod snapshot;
mod steps;

use std::{cell::Cell, collections::BTreeMap};

use decentralml_types::{Asset, BlockNumber, Failure, Phase, RoundNumber, TaskId};
use serde::Serialize;

pub use money::{Amounts, Cause, Entry, Sums};
pub use numbers::{
    Check, DrawNumbers, FaultNumbers, GoldNumbers, JudgedNumbers, Numbers, PayNumbers, SeatNumbers,
    SeatOpinion,
};
pub use steps::Step;

use crate::{AccountId, Case, Chain, Draw, ReadError, Round, Task, View, event::hexadecimal};
use money::Ledger;
use snapshot::Snapshot;

/// Changes that are looked at: far more than a participant has in one round.
const MOST_CHANGES: usize = 4_096;

/// An account's part in a round.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// The task.
    pub task: TaskId,
    /// The round.
    pub round: RoundNumber,
    /// Whose part it is.
    pub account: AccountId,
    /// What the task pays in.
    pub asset: Asset,
    /// The block before the round.
    pub from: BlockNumber,
    /// The block of the last step; the best finalized one where steps may follow.
    pub until: BlockNumber,
    /// Whether nothing more can follow.
    pub over: bool,
    /// The round's phase at that block.
    pub phase: Phase,
    /// Why the round is void.
    pub failure: Option<Failure>,
    /// What happened, in order.
    pub steps: Vec<Step>,
    /// Each change of the account's balance between the two blocks.
    pub money: Vec<Entry>,
    /// Their sums, which have to be the difference of the balance.
    pub sums: Sums,
    /// What was computed again, beside what the chain says.
    pub checks: Vec<Check>,
}

impl Explanation {
    /// Whether all that was computed again is what the chain says, and the sum is the difference of the balance.
    pub fn holds(&self) -> bool {
        self.sums.missing().is_zero() && self.checks.iter().all(|check| check.holds)
    }
}

/// Why a round could not be explained.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// There never was such a task.
    #[error("there is no task {0}; `decentralml task list` shows those that there are")]
    NoTask(TaskId),
    /// The task has no such round yet.
    #[error("task {task} has no round {round}: {}", match last {
        Some(last) => format!("its last is {last}"),
        None => "none has started".to_owned(),
    })]
    NoRound {
        /// The task.
        task: TaskId,
        /// The round.
        round: RoundNumber,
        /// The last one that it has.
        last: Option<RoundNumber>,
    },
    /// The chain knows nothing of the account.
    #[error("the chain knows no account {0}")]
    NoAccount(AccountId),
    /// The node no longer has what is asked for.
    #[error(
        "the node no longer has the state of block {block}: ask one that keeps all of it, by `--chain`; such a node runs with \
         `--state-pruning archive` from its first block on"
    )]
    Forgotten {
        /// The block.
        block: BlockNumber,
        /// What the node said.
        source: ReadError,
    },
    /// More happened than is looked at.
    #[error(
        "more than {MOST_CHANGES} blocks changed the account's balance or its part in the round"
    )]
    TooMany,
    /// See [`ReadError`].
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl Chain {
    /// An account's part in a round, from finalized blocks. `on` is told how many states were read so far.
    pub async fn explain(
        &self,
        task: TaskId,
        round: RoundNumber,
        account: &AccountId,
        on: impl Fn(u64),
    ) -> Result<Explanation, ExplainError> {
        let head = self.finalized().await?;
        let history = History { chain: self, head: head.number(), on: &on, read: Cell::new(0) };
        let (task, round) = history.record(&head, task, round).await?;
        let part = Part { history, task, round, account: *account };
        part.explain(&head).await
    }
}

/// The states of earlier blocks.
struct History<'a> {
    chain: &'a Chain,
    head: BlockNumber,
    on: &'a dyn Fn(u64),
    read: Cell<u64>,
}

/// An account's part in a round, which is to be explained.
struct Part<'a> {
    history: History<'a>,
    task: Task,
    round: Round,
    account: AccountId,
}

impl History<'_> {
    async fn at(&self, block: BlockNumber) -> Result<View, ExplainError> {
        self.read.set(self.read.get().saturating_add(1));
        (self.on)(self.read.get());
        self.chain.at_height(block).await.map_err(|error| missing(block, error))
    }

    /// The records of a task and of its round, also where the task was removed since.
    async fn record(
        &self,
        head: &View,
        id: TaskId,
        round: RoundNumber,
    ) -> Result<(Task, Round), ExplainError> {
        let mut task = head.task(id).await?;
        let mut found = head.round(id, round).await?;
        if task.is_none() && id < head.next_task().await? {
            let next = async |block| {
                let next = self.at(block).await?.next_task().await;
                Ok::<_, ExplainError>(next.map_err(|error| missing(block, error))? > id)
            };
            let created = history::first(0, self.head, next).await?;
            let gone = async |block| {
                let task = self.at(block).await?.task(id).await;
                Ok::<_, ExplainError>(task.map_err(|error| missing(block, error))?.is_none())
            };
            let gone = history::first(created.unwrap_or(0), self.head, gone).await?;
            if let Some(last) = gone.and_then(|gone| gone.checked_sub(1)) {
                task = self.at(last).await?.task(id).await?;
            }
        }
        // Rounds are removed before their task is, some at a time; all were there when it ended.
        if let (None, Some(ended)) = (&found, task.as_ref().and_then(|task| task.ended_at)) {
            found = self.at(ended).await?.round(id, round).await?;
        }
        let task = task.ok_or(ExplainError::NoTask(id))?;
        let last = task.current;
        let found = found.ok_or(ExplainError::NoRound { task: id, round, last })?;
        Ok((task, found))
    }
}

impl Part<'_> {
    async fn explain(&self, head: &View) -> Result<Explanation, ExplainError> {
        let from = self.round.started_at.saturating_sub(1);
        let (until, over) = self.end(head).await?;
        let snapshots = std::cell::RefCell::new(BTreeMap::new());
        let blocks = history::changes(from, until, MOST_CHANGES, async |block| {
            let view = self.history.at(block).await?;
            let snapshot = Snapshot::read(&view, self).await.map_err(|e| missing(block, e))?;
            snapshots.borrow_mut().insert(block, snapshot.clone());
            Ok::<_, ExplainError>(snapshot)
        });
        let blocks = blocks.await?.ok_or(ExplainError::TooMany)?;
        let snapshots = snapshots.into_inner();
        let owned =
            |block: BlockNumber| snapshots.get(&block).map(Snapshot::amounts).unwrap_or_default();
        let (first, last) = (snapshots.get(&from), snapshots.get(&until));
        if first.is_none_or(Snapshot::is_empty) && last.is_none_or(Snapshot::is_empty) {
            return Err(ExplainError::NoAccount(self.account));
        }

        let mut ledger = self.ledger(head).await?;
        let (mut money, mut told) = (Vec::new(), steps::Told::default());
        self.enrolled(&mut told).await?;
        for block in blocks {
            let view = self.history.at(block).await?;
            let events = view.events_by_origin().await.map_err(|e| missing(block, e))?;
            let difference = owned(block) - owned(block.saturating_sub(1));
            money.extend(ledger.enter(block, &events, difference));
            self.tell(&view, &ledger, &events, &mut told).await?;
        }
        let sums = Sums::of(&money, owned(until) - owned(from));
        let standing = self.history.at(until).await?;
        let round = standing.round(self.task.id, self.round.number).await?;
        let round = round.as_ref().unwrap_or(&self.round);
        Ok(Explanation {
            task: self.task.id,
            round: self.round.number,
            account: self.account,
            asset: self.task.spec.terms.asset,
            from,
            until,
            over,
            phase: round.phase,
            failure: round.failure,
            steps: told.steps,
            money,
            sums,
            checks: told.checks,
        })
    }

    /// The block of the last step, and whether there can be none after it.
    async fn end(&self, head: &View) -> Result<(BlockNumber, bool), ExplainError> {
        let Some(ended) = self.round.ended_at.filter(|_| self.round.phase.is_final()) else {
            return Ok((head.number(), false));
        };
        // Once a round has ended, no row of it is new, and a case is opened in the block in which what it comes from goes.
        let settled = async |block| {
            let view = self.history.at(block).await?;
            self.is_settled(&view).await.map_err(|error| missing(block, error))
        };
        let end = history::first(ended, head.number(), settled).await?;
        Ok(end.map_or((head.number(), false), |end| (end, true)))
    }

    /// Whether nothing of the account in the round is open: no row, no case, no challenge.
    async fn is_settled(&self, view: &View) -> Result<bool, ReadError> {
        let (task, round) = (self.task.id, self.round.number);
        if view.commitment(task, round, &self.account).await?.is_some()
            || !view.own_seats(task, &self.round, &self.account).await?.is_empty()
        {
            return Ok(false);
        }
        if !self.cases(view).await?.is_empty() {
            return Ok(false);
        }
        let challenges = view.all_challenged(Some(task)).await?;
        Ok(!challenges.iter().any(|challenged| {
            let open = challenged.open();
            challenged.round == round && open.is_some_and(|open| open.challenger == self.account)
        }))
    }

    /// The cases of the round in which the account has a part.
    async fn cases(&self, view: &View) -> Result<Vec<Case>, ReadError> {
        let mut cases = view.cases().await?;
        cases.retain(|case| {
            let parties = [Some(case.accused), case.reporter, case.sponsor];
            case.task == Some(self.task.id)
                && case.round == Some(self.round.number)
                && parties.contains(&Some(self.account))
        });
        Ok(cases)
    }

    async fn ledger(&self, head: &View) -> Result<Ledger, ExplainError> {
        let payers = [head.task_account(self.task.id).await?, head.treasury().await?];
        Ok(Ledger {
            who: hexadecimal(&self.account.0),
            task: self.task.id,
            round: self.round.number,
            asset: self.asset(),
            is_sponsor: self.task.sponsor == self.account,
            payers: payers.iter().map(|payer| hexadecimal(&payer.0)).collect(),
            cases: Default::default(),
            harmed: Default::default(),
            challenged: Default::default(),
        })
    }

    /// What the task pays in, where that is not the native token.
    fn asset(&self) -> Option<u32> {
        match self.task.spec.terms.asset {
            Asset::Native => None,
            Asset::Id(id) => Some(id),
        }
    }

    /// When the account had enrolled that was enrolled before the round.
    async fn enrolled(&self, told: &mut steps::Told) -> Result<(), ExplainError> {
        let before = self.round.started_at.saturating_sub(1);
        let view = self.history.at(before).await?;
        for draw in [Draw::Trainers, Draw::Committee(0)] {
            let role = draw.role();
            let enrolled = view.enrollment(self.task.id, role, &self.account).await?;
            let Some(enrolled) = enrolled else { continue };
            // Of one that had left before and came back, this finds one of its enrollments.
            let is_enrolled = async |block| {
                let row = self.history.at(block).await?;
                let row = row.enrollment(self.task.id, role, &self.account).await;
                Ok::<_, ExplainError>(row.map_err(|error| missing(block, error))?.is_some())
            };
            if let Some(block) = history::first(self.task.created_at, before, is_enrolled).await? {
                told.enrolled(block, role, &enrolled);
            }
        }
        Ok(())
    }
}

/// An error about an earlier block: most nodes keep the state of the last few hundred only.
fn missing(block: BlockNumber, source: ReadError) -> ExplainError {
    let text = format!("{source:?}");
    if ["discarded", "UnknownBlock", "Unknown block", "pruned"]
        .iter()
        .any(|sign| text.contains(sign))
    {
        ExplainError::Forgotten { block, source }
    } else {
        ExplainError::Read(source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_that_has_forgotten_is_told_apart_and_the_error_says_which_one_has_not() {
        let said = "Client error: UnknownBlock: State already discarded for 0xa6";
        let error = missing(7, ReadError::Unexpected(said.to_owned()));
        assert!(matches!(error, ExplainError::Forgotten { block: 7, .. }), "{error:?}");
        assert!(error.to_string().contains("--state-pruning archive"), "{error}");
        let other = missing(7, ReadError::Ended);
        assert!(matches!(other, ExplainError::Read(_)), "{other:?}");
    }

    #[test]
    fn a_round_that_there_is_not_yet_is_told_with_the_last_one() {
        let none = ExplainError::NoRound { task: 3, round: 1, last: None };
        assert_eq!(none.to_string(), "task 3 has no round 1: none has started");
    }
}
