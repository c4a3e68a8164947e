//! What is stored of tasks and rounds.

use crate::Config;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use decentralml_types::{
    Balance, BlockNumber, Cid, CommitteeNumber, Failure, Penalties, Phase, Ppm, RoundNumber,
    TaskSpec, TaskStatus, Version,
};
use scale_info::TypeInfo;

/// A task of this runtime.
pub type TaskOf<T> = Task<<T as frame_system::Config>::AccountId>;

/// A task.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Task<AccountId> {
    /// Who created it, and gets back what is not earned.
    pub sponsor: AccountId,
    /// What everybody agreed on.
    pub spec: TaskSpec,
    /// What faults cost in it, as governance had set it when it was created.
    pub penalties: Penalties,
    /// Where it stands. A lifetime that is over counts from the moment it is: ask `Clock::status`.
    pub status: TaskStatus,
    /// What is in its account. Rewards and fees are in the asset of its terms.
    pub money: Money,
    /// What is held from the sponsor for storage, in planck.
    pub deposit: Balance,
    /// The block in which it was created.
    pub created_at: BlockNumber,
    /// The block in which it was over.
    pub ended_at: Option<BlockNumber>,
    /// The block in which the time to enroll began: `created_at`, or when too few were left for the next round.
    pub enrolling_since: BlockNumber,
    /// Rounds that produced a model.
    pub settled_rounds: u32,
    /// Rounds that failed since the last that did not, since the sponsor resumed, or since enrollment reopened.
    pub failed_in_a_row: u16,
    /// The latest model.
    pub model: Option<(Version, Cid)>,
    /// The latest model's metric, in parts per million.
    pub metric: Option<Ppm>,
    /// The state of the server's optimizer after it; `None` where the task's has none.
    pub state: Option<Cid>,
    /// The live or last round. Its number says how many were attempted.
    pub current: Option<RoundNumber>,
}

/// What is in a task's account beside one existential deposit and, where it pays in another asset, that asset's minimum balance.
/// All but `charges` is in the smallest unit of what the task pays in; `charges` stays apart even where that is native, too.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub struct Money {
    /// For rounds to come.
    pub free: Balance,
    /// For the live round.
    pub reserved: Balance,
    /// What settled rounds owe and nobody has claimed yet.
    pub unclaimed: Balance,
    /// What was claimed and could not be paid: the sum of the task's rows in `Owed`.
    pub owed: Balance,
    /// For the free calls of rounds to come, in planck.
    pub charges: Balance,
}

impl Money {
    /// All that rounds pay, have paid for or owe, without the charges.
    pub fn total(&self) -> Balance {
        self.free.saturating_add(self.committed())
    }

    /// What is not free.
    pub(crate) fn committed(&self) -> Balance {
        self.reserved.saturating_add(self.unclaimed).saturating_add(self.owed)
    }

    /// Takes the `charge` for a round out, which is to leave the account, and sets its `pay` aside; `None` where that much is not
    /// free.
    pub(crate) fn start_round(self, charge: Balance, pay: Balance) -> Option<Self> {
        Some(Self {
            charges: self.charges.checked_sub(charge)?,
            free: self.free.checked_sub(pay)?,
            reserved: self.reserved.saturating_add(pay),
            ..self
        })
    }

    /// A round that had `pot` reserved ends and owes `owed` of it.
    pub(crate) fn end_round(&mut self, pot: Balance, owed: Balance) {
        self.reserved = self.reserved.saturating_sub(pot);
        self.unclaimed = self.unclaimed.saturating_add(owed);
        self.free = self.free.saturating_add(pot.saturating_sub(owed));
    }

    /// `amount` that a round owed turns out to be owed to nobody.
    pub(crate) fn release(&mut self, amount: Balance) {
        self.unclaimed = self.unclaimed.saturating_sub(amount);
        self.free = self.free.saturating_add(amount);
    }
}

/// What a task owes to an account: it was claimed, and could not be paid.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub struct Debt {
    /// In the smallest unit of what the task pays in.
    pub amount: Balance,
    /// The block in which a part of it was added last.
    pub since: BlockNumber,
}

/// A round's one record.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Round {
    /// Its phase.
    pub phase: Phase,
    /// The block from which the phase can be ended, at the latest the one that ends the task's lifetime; of a round that is over,
    /// the last block in which rewards can be claimed.
    pub deadline: BlockNumber,
    /// The block in which it started.
    pub started_at: BlockNumber,
    /// The model it starts from; `None` where the weights come from the seed.
    pub base: Option<Cid>,
    /// The state of the server's optimizer that it starts from; `None` where the task's has none, and before the first model.
    pub state: Option<Cid>,
    /// Whether its task is sealed; kept here as well so that whoever reveals need not read the specification.
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
    /// What is reserved for it while it lives, what it still owes once settled, in the task's asset. Its charge is not in it.
    pub pot: Balance,
    /// Rows of participants that are not settled.
    pub open_rows: u32,
    /// The block in which it was settled or void.
    pub ended_at: Option<BlockNumber>,
    /// Why it is void.
    pub failure: Option<Failure>,
    /// The version that it produced.
    pub model: Option<Version>,
}

/// Why no further round starts.
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
)]
pub enum PauseReason {
    /// The sponsor wants it so.
    Sponsor,
    /// More rounds failed in a row than the task allows.
    RetriesExhausted,
    /// The free funds do not pay for another round, or for its free calls.
    OutOfFunds,
    /// The task's account cannot pay what it owes and another round: the asset is frozen or gone, or somebody with power over it
    /// has taken it out of the account.
    AssetUnavailable,
    /// The task has started as many rounds as it paid for. It cannot be resumed.
    AttemptsExhausted,
}

impl PauseReason {
    /// The same as an error, for the sponsor who wants to go on nevertheless.
    pub(crate) fn into_error<T: Config>(self) -> crate::Error<T> {
        match self {
            Self::OutOfFunds => crate::Error::OutOfFunds,
            Self::AssetUnavailable => crate::Error::AssetUnavailable,
            Self::AttemptsExhausted => crate::Error::AttemptsExhausted,
            Self::Sponsor | Self::RetriesExhausted => crate::Error::AlreadyPaused,
        }
    }
}
