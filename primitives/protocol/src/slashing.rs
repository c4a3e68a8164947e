//! Who is slashed, for what, how much, who gets it, and what a case about it comes to.
//!
//! `docs/protocol.md` has the same table; a test compares them cell by cell.

use crate::clock::{MAX_REDRAWS, SEED_DELAY};
use decentralml_types::{
    Balance, BlockNumber, Fault, Role, Ruling,
    limits::{MAX_CLAIMING_BLOCKS, MAX_ROUND_BLOCKS},
    spec::Deadlines,
};

/// Every fault, in the order of the table.
pub const FAULTS: [Fault; 6] = [
    Fault::NotRevealed,
    Fault::NotOpened,
    Fault::Unavailable,
    Fault::Malformed,
    Fault::WrongAggregate,
    Fault::Unanswered,
];

/// How a fault is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// By the chain's own records alone.
    Chain,
    /// By the majority or the quorum of a committee.
    Committee,
    /// By a challenge that was not met.
    Challenge,
}

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Whose fault it can be.
    pub punished: Role,
    /// What it costs, in percent of the task's bond for that role.
    pub percent: u8,
    /// How it is shown.
    pub proof: Proof,
    /// The part of the slash that the harmed task gets, in percent.
    pub task_percent: u8,
    /// The part of the slash that whoever has shown the fault gets, in percent.
    pub reporter_percent: u8,
}

impl Rule {
    const fn new(
        punished: Role,
        percent: u8,
        proof: Proof,
        task_percent: u8,
        reporter_percent: u8,
    ) -> Self {
        Self { punished, percent, proof, task_percent, reporter_percent }
    }

    /// The part of the slash that the treasury gets, in percent, where nobody else's falls to it.
    pub const fn treasury_percent(self) -> u8 {
        100 - self.task_percent - self.reporter_percent
    }
}

/// The rule for a fault.
///
/// A reveal can be withheld, so silence costs no less than the worst that revealing can. A wrong attestation costs half: a
/// machine that computes wrongly does it too, and whoever doubts its own result may stay silent for nothing.
///
/// What only a committee says brings the task nothing: the sponsor, who gets what a task does not spend, chooses the terms under
/// which committees judge, and must not gain from a false verdict. Nobody gets the whole of what another loses, lest accusing
/// pays.
pub const fn rule(fault: Fault) -> Rule {
    match fault {
        Fault::NotRevealed => Rule::new(Role::Trainer, 100, Proof::Chain, 50, 0),
        Fault::NotOpened => Rule::new(Role::Evaluator, 100, Proof::Chain, 50, 0),
        Fault::Unavailable | Fault::Malformed => {
            Rule::new(Role::Trainer, 100, Proof::Committee, 0, 0)
        }
        Fault::WrongAggregate => Rule::new(Role::Evaluator, 50, Proof::Committee, 0, 0),
        Fault::Unanswered => Rule::new(Role::Trainer, 100, Proof::Challenge, 25, 25),
    }
}

/// What a fault costs an account that has `bond` at risk in the task. Rounds down.
pub const fn amount(fault: Fault, bond: Balance) -> Balance {
    part(bond, rule(fault).percent)
}

/// Where slashed funds go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Split {
    /// To the task that was harmed.
    pub to_task: Balance,
    /// To whoever has shown the fault.
    pub to_reporter: Balance,
    /// To the treasury.
    pub to_treasury: Balance,
}

/// Splits what a fault has cost. The parts round down, and the treasury gets the rest.
pub const fn split(fault: Fault, amount: Balance) -> Split {
    let rule = rule(fault);
    let (to_task, to_reporter) =
        (part(amount, rule.task_percent), part(amount, rule.reporter_percent));
    Split { to_task, to_reporter, to_treasury: amount - to_task - to_reporter }
}

/// So many percent of an amount, rounded down.
const fn part(amount: Balance, percent: u8) -> Balance {
    let percent = percent as Balance;
    amount / 100 * percent + amount % 100 * percent / 100
}

/// Votes on an appeal, of those who are in the council now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Votes {
    /// That the accused is guilty.
    pub guilty: u32,
    /// That it is not.
    pub innocent: u32,
    /// Members of the council.
    pub council: u32,
}

/// What the council makes of an appeal: as soon as more than half of it agree, or, once the time to judge is over (`due`), by the
/// majority of those that have voted. `None` while that is open.
pub const fn ruling(votes: Votes, due: bool) -> Option<Ruling> {
    let Votes { guilty, innocent, council } = votes;
    let most = council / 2;
    match (guilty > most, innocent > most) {
        (true, _) => Some(Ruling::Guilty),
        (_, true) => Some(Ruling::Freed),
        _ if !due => None,
        _ if guilty > innocent => Some(Ruling::Guilty),
        _ if innocent > guilty => Some(Ruling::Freed),
        _ => Some(Ruling::Undecided),
    }
}

/// Whether a slash is executed. Without an appeal it is. Where the council has not decided, what the chain's records prove stands,
/// and what somebody has said falls.
pub const fn is_executed(fault: Fault, ruling: Option<Ruling>) -> bool {
    match ruling {
        None | Some(Ruling::Guilty) => true,
        Some(Ruling::Freed) => false,
        Some(Ruling::Undecided) => matches!(rule(fault).proof, Proof::Chain),
    }
}

/// Blocks of a round in which every phase takes its time and every committee is drawn that can be, without those of its draws.
pub fn round_blocks(deadlines: &Deadlines) -> u64 {
    let d = deadlines;
    let committee = [d.scoring, d.verdict, d.aggregating].map(u64::from).iter().sum::<u64>();
    u64::from(d.training) + u64::from(d.revealing) + committee * (1 + u64::from(MAX_REDRAWS))
}

/// Blocks from an act until nothing can be taken for it any more, at most, by the limits of a task and these times of a case: the
/// round, the time to claim its rows, then an appeal and its judgment, at whose end a reporter may have to pay the costs.
///
/// Counting scores has no deadline, as anybody may go on with it, and rows can be settled late. Neither lets a bond go: nobody
/// can leave a task in which a row of it is open.
pub const fn longest_liability(appeal_window: BlockNumber, judgment: BlockNumber) -> BlockNumber {
    let draws = SEED_DELAY.saturating_mul(2 + MAX_REDRAWS as BlockNumber);
    MAX_ROUND_BLOCKS
        .saturating_add(draws)
        .saturating_add(MAX_CLAIMING_BLOCKS)
        .saturating_add(appeal_window)
        .saturating_add(judgment)
}

#[cfg(test)]
mod tests;
