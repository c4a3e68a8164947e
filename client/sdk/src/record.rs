//! What is stored on chain, as the rest of the program sees it. Amounts are in planck, times in blocks.

mod assets;
mod data;
mod disputes;

pub use assets::{AssetRecord, AssetState};
pub use data::{Content, Grant, Listing};
pub use disputes::{Case, Challenge, ChallengeStage, Challenged};

use decentralml_protocol::reputation;
use decentralml_types::{
    Asset, Balance, BlockNumber, Cid, CommitteeNumber, Failure, Hash, NextModel, Outcome,
    Penalties, Phase, Ppm, Role, RoundNumber, Score, TaskId, TaskSpec, TaskStatus, Version,
    reputation::Record,
};
use serde::Serialize;

use crate::{
    AccountId,
    call::{self, Call},
};

/// A task.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Task {
    /// Its number.
    pub id: TaskId,
    /// Who created it, and gets back what is not earned.
    pub sponsor: AccountId,
    /// What was fixed at its creation.
    pub spec: TaskSpec,
    /// What faults cost in it, as governance had set it when it was created.
    pub penalties: Penalties,
    /// Where it stands.
    pub status: TaskStatus,
    /// What is in its account, beside one existential deposit.
    pub money: Money,
    /// What is held from the sponsor for storage.
    pub deposit: Balance,
    /// The block in which it was created.
    pub created_at: BlockNumber,
    /// The block in which it was over.
    pub ended_at: Option<BlockNumber>,
    /// The block from which the time to enroll counts.
    pub enrolling_since: BlockNumber,
    /// Rounds that produced a model.
    pub settled_rounds: u32,
    /// Rounds that failed since the last that did not.
    pub failed_in_a_row: u32,
    /// The latest model.
    pub model: Option<(Version, Cid)>,
    /// The latest model's metric, in parts per million.
    pub metric: Option<Ppm>,
    /// The state of the server's optimizer after it; `None` where the task's has none.
    pub state: Option<Cid>,
    /// The live or last round.
    pub current: Option<RoundNumber>,
}

/// What is in a task's account beside one existential deposit: in the smallest unit of what the task pays in, but for `charges`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Money {
    /// For rounds to come.
    pub free: Balance,
    /// For the live round.
    pub reserved: Balance,
    /// What settled rounds owe and nobody has claimed yet.
    pub unclaimed: Balance,
    /// What was claimed and could not be paid.
    pub owed: Balance,
    /// For the free calls of rounds to come, in planck.
    pub charges: Balance,
}

/// A round's record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Round {
    /// Its task.
    pub task: TaskId,
    /// Its number; every attempt has its own.
    pub number: RoundNumber,
    /// Its phase.
    pub phase: Phase,
    /// The block from which the phase can be ended; of a round that is over, the last in which rewards can be claimed.
    pub deadline: BlockNumber,
    /// The block in which it started.
    pub started_at: BlockNumber,
    /// The model it starts from; `None` where the weights come from the task's seed.
    pub base: Option<Cid>,
    /// The state of the server's optimizer that it starts from; `None` where the task's has none, and before the first model.
    pub state: Option<Cid>,
    /// Whether its updates are encrypted, and their keys handed over to the committee.
    pub sealed: bool,
    /// The committee at work, or the last one.
    pub committee: CommitteeNumber,
    /// Trainers that were drawn.
    pub places: u32,
    /// Seats of that committee.
    pub seats: u32,
    /// Updates that were revealed.
    pub updates: u32,
    /// Updates that were accepted.
    pub accepted: u32,
    /// What is reserved for it while it lives; what it still owes once it is settled.
    pub pot: Balance,
    /// Rows of participants that are not settled.
    pub open_rows: u32,
    /// The block in which it ended.
    pub ended_at: Option<BlockNumber>,
    /// Why it is void.
    pub failure: Option<Failure>,
    /// The version that it produced.
    pub model: Option<Version>,
}

/// An account's part in a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Enrollment {
    /// What it weighs in draws.
    pub weight: u8,
    /// The slot that it owns among accounts of its weight.
    pub slot: u32,
    /// What is at risk: the task's bond times the weight.
    pub engaged: Balance,
    /// Commitments that are not settled; it cannot leave before they are.
    pub open_rows: u32,
}

/// What is drawn in a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, codec::Encode, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Draw {
    /// The trainers of the round.
    Trainers,
    /// A committee of the round.
    Committee(CommitteeNumber),
}

impl Draw {
    /// From whom it is drawn.
    pub const fn role(self) -> Role {
        match self {
            Draw::Trainers => Role::Trainer,
            Draw::Committee(_) => Role::Evaluator,
        }
    }
}

/// An account in a draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// There is no such draw, or it is over.
    NotOpen,
    /// The draw's seed is not known yet; it is two blocks after the draw was opened.
    SeedUnknown,
    /// The account is not enrolled, enrolled too late, or not drawn.
    NotDrawn,
    /// The account is drawn, at this place from 0.
    Drawn(u32),
}

/// A trainer's row in a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Commitment {
    /// What it committed to.
    pub hash: Hash,
    /// Its number among the round's commitments, from 0.
    pub number: u32,
    /// What it revealed.
    pub revealed: Option<Revealed>,
}

/// A revealed update.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Revealed {
    /// Its number among the round's updates, from 0.
    pub index: u32,
    /// Its bytes; in a sealed task the encrypted ones.
    pub cid: Cid,
    /// SHA2-256 of the plain update; in sealed tasks only.
    pub plain_hash: Option<Hash>,
    /// Rows the trainer says it trained on.
    pub samples: u32,
    /// The key that opens it, as it was handed over last; in sealed tasks only.
    pub handover: Option<Handover>,
}

/// A revealed update and whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Reveal {
    /// Its number among the round's updates, from 0.
    pub index: u32,
    /// Its commitment's number among those of the round, from 0: of two equal updates the one with the lower number counts.
    pub committed: u32,
    /// Whose it is.
    pub account: AccountId,
    /// Its bytes; in a sealed task the encrypted ones.
    pub cid: Cid,
    /// SHA2-256 of the plain update; in sealed tasks only.
    pub plain_hash: Option<Hash>,
    /// Rows the trainer says it trained on.
    pub samples: u32,
    /// The key that opens it, as it was handed over last; in sealed tasks only.
    pub handover: Option<Handover>,
}

/// The key of a sealed update, in the hands of a committee.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Handover {
    /// To which committee of the round.
    pub committee: CommitteeNumber,
    /// A file with the key, encrypted to those of the committee's seats.
    pub keys: Cid,
}

/// A committee of a round.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Committee {
    /// Seats that were drawn.
    pub seats: u32,
    /// Updates that it judges.
    pub updates: u32,
    /// Seats that committed to scores.
    pub committed: u32,
    /// Seats that opened them.
    pub opened: Vec<AccountId>,
    /// Next models that seats stand behind.
    pub attestations: Vec<Attestation>,
    /// Updates that it accepted, so far while it is not tallied.
    pub accepted: u32,
}

/// A next model that seats stand behind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attestation {
    /// Its weights, and the state of the server's optimizer after it.
    pub next: NextModel,
    /// The metric each of the seats attested, in parts per million.
    pub metrics: Vec<Ppm>,
}

/// A seat of a committee.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Seat {
    /// What it committed to.
    pub commitment: Hash,
    /// Whether it opened its scores.
    pub opened: bool,
    /// The next model it attested.
    pub attested: Option<NextModel>,
}

/// What a committee found about an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// The median of its scores in micro-nats; 0 for a fault.
    pub score: Score,
    /// What became of it, once all updates are counted.
    pub outcome: Option<Outcome>,
    /// Whether its sponsor knew it to be bad, and it was found so.
    pub gold: bool,
}

/// A version of a task's model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ModelVersion {
    /// The task that trained it.
    pub task: TaskId,
    /// Its number, from 1.
    pub version: Version,
    /// Its weights.
    pub cid: Cid,
    /// The version it was trained from.
    pub parent: Option<Version>,
    /// The round it comes from.
    pub round: RoundNumber,
    /// The metric that the committee attested, in parts per million.
    pub metric: Ppm,
    /// Updates in it.
    pub updates: u32,
    /// SPDX identifier of its license.
    pub license: String,
    /// The block in which it was recorded.
    pub recorded_at: BlockNumber,
    /// What the council has said of it.
    pub status: ModelStatus,
}

/// What the council has said of a version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelStatus {
    /// Nothing yet.
    Candidate,
    /// It may be used.
    Released {
        /// The block of the decision.
        at: BlockNumber,
    },
    /// It may no longer be used.
    Recalled {
        /// The block of the decision.
        at: BlockNumber,
        /// Why.
        reason: String,
    },
}

/// An account in a role.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Member {
    /// What is bonded.
    pub bond: Balance,
    /// What tasks have put at risk.
    pub engaged: Balance,
    /// What leaves the bond, and the block from which it can be withdrawn.
    pub unbonding: Vec<(Balance, BlockNumber)>,
    /// What was seized for faults on which nothing is decided yet; it covers nothing.
    pub disputed: Balance,
    /// Faults so far, open cases included, but for those of which it was freed.
    pub faults: u32,
    /// How it has acted, as it was remembered when that last changed.
    pub record: Record,
}

impl Member {
    /// What the record amounts to in a period ([`View::reputation_period`]), from 0 to 1,000.
    ///
    /// [`View::reputation_period`]: crate::View::reputation_period
    pub fn score(&self, period: u32) -> u16 {
        reputation::score(self.record, period)
    }

    /// The part of the bond that is not at risk.
    pub fn unengaged(&self) -> Balance {
        self.bond.saturating_sub(self.engaged)
    }
}

/// What an account has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AccountBalance {
    /// What it can spend or bond, down to the existential deposit.
    pub free: Balance,
    /// What is held or reserved.
    pub reserved: Balance,
    /// The part of `free` that is locked.
    pub frozen: Balance,
    /// What is held, and for what: `Pallet::Reason`.
    pub holds: Vec<(String, Balance)>,
}

impl AccountBalance {
    /// Everything it has.
    pub fn total(&self) -> Balance {
        self.free.saturating_add(self.reserved)
    }
}

/// A motion of the council.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Proposal {
    /// The hash of the proposed call.
    pub hash: Hash,
    /// Its number.
    pub index: u32,
    /// Ayes that it needs.
    pub threshold: u32,
    /// Who is for it.
    pub ayes: Vec<AccountId>,
    /// Who is against it.
    pub nays: Vec<AccountId>,
    /// The block from which it can be closed whatever the votes.
    pub end: BlockNumber,
    /// The proposed call, for people.
    pub call: String,
}

/// What an account has to get from a task.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Claims {
    /// What claims would pay.
    pub claims: Vec<Claim>,
    /// What the task pays in.
    pub asset: Asset,
    /// What was claimed and could not be paid, in the asset's smallest unit.
    pub owed: Balance,
}

/// What an account would be paid by a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Claim {
    /// The row that it settles.
    pub row: Row,
    /// What is paid, in the smallest unit of what the task pays in.
    pub amount: Balance,
}

/// Something of an account in a round that a claim settles: with pay, with a slash, or with neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The task.
    pub task: TaskId,
    /// The round.
    pub round: RoundNumber,
    /// Whose it is.
    pub account: AccountId,
    /// The committee of a seat; `None` for a trainer's update.
    pub committee: Option<CommitteeNumber>,
}

impl Row {
    /// The call that settles it.
    pub fn claim(&self) -> Call {
        match self.committee {
            Some(committee) => call::claim_seat(self.task, self.round, committee, &self.account),
            None => call::claim(self.task, self.round, &self.account),
        }
    }
}
