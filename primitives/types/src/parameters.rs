//! What governance may set: the least bonds, what faults cost, what appeals and challenges put at stake.
//!
//! Which values it may choose, `decentralml_protocol::payoff` says.

use crate::{Balance, Fault, Role};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// What a fault costs, and who gets it. What neither the task nor a reporter gets, the treasury does.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
    Serialize,
    Deserialize,
)]
pub struct Penalty {
    /// What is slashed, in percent of the task's bond for the role; of a validator's whole bond, as it belongs to no task.
    pub percent: u8,
    /// The part of the slash that the harmed task gets, in percent.
    pub to_task: u8,
    /// The part of the slash that whoever has shown the fault gets, in percent.
    pub to_reporter: u8,
}

impl Penalty {
    /// The part of the slash that the treasury gets, in percent, where nobody else's falls to it.
    pub const fn to_treasury(self) -> u8 {
        100u8.saturating_sub(self.to_task).saturating_sub(self.to_reporter)
    }
}

/// What every fault costs. A task keeps those under which it was created; what has no task costs what holds when it is reported.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
    Serialize,
    Deserialize,
)]
pub struct Penalties {
    /// Of [`Fault::NotRevealed`].
    pub not_revealed: Penalty,
    /// Of [`Fault::NotOpened`].
    pub not_opened: Penalty,
    /// Of [`Fault::Unavailable`].
    pub unavailable: Penalty,
    /// Of [`Fault::Malformed`].
    pub malformed: Penalty,
    /// Of [`Fault::WrongAggregate`].
    pub wrong_aggregate: Penalty,
    /// Of [`Fault::Unanswered`].
    pub unanswered: Penalty,
    /// Of [`Fault::Equivocated`].
    pub equivocated: Penalty,
    /// Of [`Fault::GoldMissed`].
    pub gold_missed: Penalty,
}

impl Penalties {
    /// What a fault costs.
    pub const fn of(&self, fault: Fault) -> Penalty {
        match fault {
            Fault::NotRevealed => self.not_revealed,
            Fault::NotOpened => self.not_opened,
            Fault::Unavailable => self.unavailable,
            Fault::Malformed => self.malformed,
            Fault::WrongAggregate => self.wrong_aggregate,
            Fault::Unanswered => self.unanswered,
            Fault::Equivocated => self.equivocated,
            Fault::GoldMissed => self.gold_missed,
        }
    }

    /// The same, to be changed.
    pub const fn of_mut(&mut self, fault: Fault) -> &mut Penalty {
        match fault {
            Fault::NotRevealed => &mut self.not_revealed,
            Fault::NotOpened => &mut self.not_opened,
            Fault::Unavailable => &mut self.unavailable,
            Fault::Malformed => &mut self.malformed,
            Fault::WrongAggregate => &mut self.wrong_aggregate,
            Fault::Unanswered => &mut self.unanswered,
            Fault::Equivocated => &mut self.equivocated,
            Fault::GoldMissed => &mut self.gold_missed,
        }
    }
}

/// All that governance may set. Amounts in planck.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
    Serialize,
    Deserialize,
)]
pub struct Parameters {
    /// What a trainer bonds at least, and what a task asks of each at least.
    pub min_trainer_bond: Balance,
    /// What an evaluator bonds at least, and what a task asks of each at least.
    pub min_evaluator_bond: Balance,
    /// What a validator bonds at least, and needs to make blocks.
    pub min_validator_bond: Balance,
    /// What every fault costs.
    pub penalties: Penalties,
    /// What an appeal puts at stake, at least, or all that was seized where that is less.
    pub appeal_bond: Balance,
    /// What an appeal puts at stake, in percent of what was seized; `appeal_bond` where that is more.
    pub appeal_percent: u8,
    /// What an accused gets whom the council frees; at most nine tenths of what its appeal put at stake.
    pub appeal_costs: Balance,
    /// What a challenge puts at stake.
    pub challenge_bond: Balance,
    /// What of it the treasury gets for an answer. The trainer gets the rest.
    pub answer_price: Balance,
}

impl Parameters {
    /// The least bond for a role.
    pub const fn min_bond(&self, role: Role) -> Balance {
        match role {
            Role::Trainer => self.min_trainer_bond,
            Role::Evaluator => self.min_evaluator_bond,
            Role::Validator => self.min_validator_bond,
        }
    }
}
