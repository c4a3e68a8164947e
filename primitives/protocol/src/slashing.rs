//! Who is slashed, for what, how much, who gets it, and what a case about it comes to.
//!
//! `docs/protocol.md` has the same table; a test compares them cell by cell.

use crate::clock::{MAX_REDRAWS, SEED_DELAY};
use decentralml_types::{
    Balance, BlockNumber, Fault, Penalties, Penalty, Role, Ruling,
    limits::{MAX_CLAIMING_BLOCKS, MAX_ROUND_BLOCKS},
    spec::Deadlines,
};

/// Every fault, in the order of the table.
pub const FAULTS: [Fault; 8] = [
    Fault::NotRevealed,
    Fault::NotOpened,
    Fault::Unavailable,
    Fault::Malformed,
    Fault::WrongAggregate,
    Fault::Unanswered,
    Fault::Equivocated,
    Fault::GoldMissed,
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
    /// How it is shown.
    pub proof: Proof,
    /// What it costs, and who gets it, unless governance sets other percentages.
    pub penalty: Penalty,
}

impl Rule {
    const fn new(punished: Role, percent: u8, proof: Proof, to_task: u8, to_reporter: u8) -> Self {
        Self { punished, proof, penalty: Penalty { percent, to_task, to_reporter } }
    }
}

/// The rule for a fault.
///
/// A reveal can be withheld, so silence costs no less than the worst that revealing can. A wrong attestation costs half: a
/// machine that computes wrongly does it too, and whoever doubts its own result may stay silent for nothing. So does being wrong about
/// what is known: the sponsor's word alone costs nobody anything, the other seats must say the same.
///
/// What only a committee says brings the task nothing: the sponsor, who gets what a task does not spend, chooses the terms under
/// which committees judge, and must not gain from a false verdict. Nobody gets the whole of what another loses, lest accusing
/// pays. Two signatures for one slot are proof against whoever has the key, and cost the whole bond: only who has none left is out of
/// office until it bonds again. They harm no task. [`payoff::check`](crate::payoff::check) holds other percentages to the same.
pub const fn rule(fault: Fault) -> Rule {
    match fault {
        Fault::NotRevealed => Rule::new(Role::Trainer, 100, Proof::Chain, 50, 0),
        Fault::NotOpened => Rule::new(Role::Evaluator, 100, Proof::Chain, 50, 0),
        Fault::Unavailable | Fault::Malformed => {
            Rule::new(Role::Trainer, 100, Proof::Committee, 0, 0)
        }
        Fault::WrongAggregate | Fault::GoldMissed => {
            Rule::new(Role::Evaluator, 50, Proof::Committee, 0, 0)
        }
        Fault::Unanswered => Rule::new(Role::Trainer, 100, Proof::Challenge, 25, 25),
        Fault::Equivocated => Rule::new(Role::Validator, 100, Proof::Chain, 0, 10),
    }
}

/// What every fault costs unless governance says otherwise.
pub const TABLE: Penalties = Penalties {
    not_revealed: rule(Fault::NotRevealed).penalty,
    not_opened: rule(Fault::NotOpened).penalty,
    unavailable: rule(Fault::Unavailable).penalty,
    malformed: rule(Fault::Malformed).penalty,
    wrong_aggregate: rule(Fault::WrongAggregate).penalty,
    unanswered: rule(Fault::Unanswered).penalty,
    equivocated: rule(Fault::Equivocated).penalty,
    gold_missed: rule(Fault::GoldMissed).penalty,
};

/// What a fault costs an account that has `bond` at risk. Rounds down.
pub const fn amount(penalty: Penalty, bond: Balance) -> Balance {
    part(bond, penalty.percent)
}

/// What an appeal against the loss of `amount` puts at stake: so many percent of it, and `least` where that is more; never more than
/// was seized, lest an innocent who has lost little has nothing to gain.
pub const fn appeal_bond(amount: Balance, percent: u8, least: Balance) -> Balance {
    let bond = part(amount, percent);
    let bond = if bond > least { bond } else { least };
    if bond < amount { bond } else { amount }
}

/// What costs can be of what an appeal puts at stake, in percent, at most: where all that was seized is at stake, a culprit that has
/// reported itself has them back in 95 of 100 cases, and gains as much in 5.
const COSTS_PERCENT: u8 = 2 * crate::payoff::CONVICTED_PERCENT - 100;

/// What the loser of an appeal with so much at stake costs the winner, where governance says `costs`.
pub const fn appeal_costs(stake: Balance, costs: Balance) -> Balance {
    let most = part(stake, COSTS_PERCENT);
    if costs < most { costs } else { most }
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
pub const fn split(penalty: Penalty, amount: Balance) -> Split {
    let to_task = part(amount, penalty.to_task);
    let rest = amount - to_task;
    let reporter = part(amount, penalty.to_reporter);
    let to_reporter = if reporter > rest { rest } else { reporter };
    Split { to_task, to_reporter, to_treasury: rest - to_reporter }
}

/// So many percent of an amount, all of it at most, rounded down.
pub(crate) const fn part(amount: Balance, percent: u8) -> Balance {
    let percent = if percent > 100 { 100 } else { percent as Balance };
    amount / 100 * percent + amount % 100 * percent / 100
}

/// Whether a reporter pays the costs of an accused that the council frees. Where the chain's records are the proof, nobody's word is:
/// the report was made by whichever validator came first, and its program made it.
pub const fn reporter_answers(fault: Fault) -> bool {
    !matches!(rule(fault).proof, Proof::Chain)
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

/// Sessions for which an equivocation can be reported after the one in which it happened.
pub const REPORTED_SESSIONS: u32 = 24;

/// Blocks from when a validator unbonds until nothing can be taken any more for what it does in office, at most, with sessions of so
/// many slots: it stays until the end of the next session, what it does in the last slot can be reported in `REPORTED_SESSIONS` more,
/// and the session in which it unbonds counts as well. A slot has one block at most. What is seized by then waits for its case.
pub const fn longest_report(session: BlockNumber) -> BlockNumber {
    session.saturating_mul(REPORTED_SESSIONS + 3)
}

#[cfg(test)]
mod tests;
