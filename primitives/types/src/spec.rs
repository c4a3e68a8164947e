//! A task's specification: everything that participants must agree on before they stake anything.

use crate::{Balance, BlockNumber, Cid, Ppm, Seed};
use bounded_collections::{BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
#[cfg(feature = "std")]
use serde::{Deserialize, Serialize};

/// Hard limits of the protocol.
pub mod limits {
    use bounded_collections::ConstU32;

    /// Trainers drawn in one round, at most.
    pub const MAX_TRAINERS: u32 = 256;
    /// Seats of a committee, at most.
    pub const MAX_SEATS: u32 = 31;
    /// Bytes of a name or a license identifier, at most.
    pub const MAX_TEXT: u32 = 64;
    /// Updates that one call counts, at most.
    pub const TALLY_BATCH: u32 = 32;
    /// Phases of a round that end by a call.
    pub const PHASES: u32 = 6;
    /// Rounds of a task, at most.
    pub const MAX_ROUNDS: u32 = 10_000;
    /// Seats of a committee, at least: with fewer, one liar decides.
    pub const MIN_SEATS: u32 = 3;
    /// The largest magnitude of a score: a million nats, far above any utility's bound.
    pub const MAX_SCORE: i64 = 1_000_000_000_000;
    /// Bytes of one update, at most: 16 GiB.
    pub const MAX_UPDATE_BYTES: u64 = 16 << 30;
    /// Blocks of a round whose committee is drawn twice, at most, without those of its draws: a week of six-second blocks. Bonds stay
    /// slashable for longer than a round can last.
    pub const MAX_ROUND_BLOCKS: u32 = 100_800;
    /// Blocks in which the pay of a round can be claimed, at most: a week of six-second blocks.
    pub const MAX_CLAIMING_BLOCKS: u32 = 100_800;
    /// Hosts that a task may want each update at before its commitment, at most: a trainer uploads that often.
    pub const MAX_CUSTODY_HOSTS: u8 = 8;
    /// What an account weighs in a draw by bonds, at most.
    pub const MAX_WEIGHT: u8 = 16;
    /// Gold results of a round, at most.
    pub const MAX_GOLDS: u8 = 4;

    /// [`MAX_TRAINERS`] as a type.
    pub type MaxTrainers = ConstU32<MAX_TRAINERS>;
    /// [`MAX_SEATS`] as a type.
    pub type MaxSeats = ConstU32<MAX_SEATS>;
    /// [`MAX_GOLDS`] as a type.
    pub type MaxGolds = ConstU32<{ MAX_GOLDS as u32 }>;
}

/// Short UTF-8 text.
pub type Text = BoundedVec<u8, ConstU32<{ limits::MAX_TEXT }>>;

/// Millionths: `100_000` is 0.1.
pub type Millionths = u32;

/// One, in millionths and in parts per million.
pub const MILLION: u32 = 1_000_000;

macro_rules! data {
    ($(#[$meta:meta])* $vis:vis $kind:ident $name:ident $body:tt) => {
        $(#[$meta])*
        #[derive(
            Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
        )]
        #[cfg_attr(feature = "std", derive(Serialize, Deserialize))]
        #[cfg_attr(feature = "std", serde(rename_all = "snake_case", deny_unknown_fields))]
        $vis $kind $name $body
    };
}

mod aggregation;
mod encoding;
#[cfg(feature = "std")]
mod hex32;
#[cfg(feature = "std")]
mod text;
mod training;

pub use aggregation::{
    Adaptive, Aggregation, Before, COPY_COSINE, Counts, EQUAL_ONLY, Rule, ServerOptimizer,
};
pub use encoding::{Encoding, Rounding};
pub use training::{LocalTraining, Optimizer, Schedule, Work};

data! {
    /// Everything about a task that is fixed at its creation.
    pub struct TaskSpec {
        /// What people call it, UTF-8.
        #[cfg_attr(feature = "std", serde(with = "text"))]
        pub name: Text,
        /// SPDX identifier under which the models are released.
        #[cfg_attr(feature = "std", serde(with = "text"))]
        pub license: Text,
        /// The model's layers, as canonical JSON.
        pub model: Cid,
        /// Where round 1 starts.
        pub initial: InitialModel,
        /// What is learned, and from rows of which shape.
        pub objective: Objective,
        /// What each trainer does locally.
        pub training: LocalTraining,
        /// How accepted updates become the next model.
        pub aggregation: Aggregation,
        /// Updates on the wire.
        pub encoding: Encoding,
        /// Bytes of one update's file, at most; in sealed tasks of the plain one.
        pub max_update_bytes: u64,
        /// How an update is kept between its commitment and the end of its round.
        pub custody: Custody,
        /// Held-out rows that the committee scores on (CSV).
        pub validation_set: Cid,
        /// Bytes of the validation set, at most.
        pub max_validation_bytes: u64,
        /// Rounds to settle.
        pub rounds: u32,
        /// The task is completed early when the attested metric reaches this.
        pub target: Option<Ppm>,
        /// Rounds that may fail in a row before the task pauses. A task attempts `rounds × (1 + max_retries)` rounds in all.
        pub max_retries: u8,
        /// Trainers drawn for a round: fewer than `min` fail it, `max` are drawn where as many are enrolled.
        pub trainers: TrainerCount,
        /// The committee of a round.
        pub committee: Committee,
        /// How long each phase may take.
        pub deadlines: Deadlines,
        /// What is paid and what is at stake.
        pub terms: Terms,
    }
}

data! {
    /// Where the weights of round 1 come from.
    pub enum InitialModel {
        /// Initialized from this seed, bit-exact on every machine.
        Seed(#[cfg_attr(feature = "std", serde(with = "hex32"))] Seed),
        /// Weights that exist already.
        Weights(Cid),
    }
}

data! {
    /// What is learned.
    pub enum Objective {
        /// Rows of `features` numbers, each with one of `classes` labels; scored by accuracy. Of texts, rows of so many tokens, and
        /// the token after them.
        Classification {
            /// Numbers in a row.
            features: u32,
            /// Distinct labels.
            classes: u32,
        },
        /// Rows of `features` numbers, each with so many quantities to be predicted; scored by the share of their variance that is
        /// explained.
        Regression {
            /// Numbers in a row.
            features: u32,
            /// Numbers to be predicted for each.
            quantities: u32,
        },
    }
}

data! {
    /// How an update is kept between its commitment and the end of its round.
    #[derive(Default)]
    pub struct Custody {
        /// At the hosts of how many accounts an update must lie before its trainer sends the commitment; 0: its trainer's own
        /// store is enough. They are hosts that the sponsor and the enrolled evaluators have announced. Trainers' workers see to
        /// it: the chain cannot check who holds what, and refuses no commitment for it.
        #[cfg_attr(feature = "std", serde(default))]
        pub hosts: u8,
        /// Whether updates are encrypted, so that only the drawn committee can read them: their trainers hand the keys over
        /// once it is drawn.
        #[cfg_attr(feature = "std", serde(default))]
        pub sealed: bool,
    }
}

data! {
    /// How many trainers take part in a round.
    pub struct TrainerCount {
        /// Updates below which the round fails.
        pub min: u16,
        /// Trainers that are drawn, where as many are enrolled.
        pub max: u16,
    }
}

data! {
    /// The committee of a round.
    pub struct Committee {
        /// Seats that are drawn, where as many evaluators are enrolled.
        pub seats: u8,
        /// Seats that must open scores, and attest the same aggregate: at least two thirds of `seats`.
        pub quorum: u8,
    }
}

data! {
    /// How long things may take, in blocks.
    pub struct Deadlines {
        /// Round 1 starts when enough participants are enrolled, at the latest after this time if the minimum is.
        pub enrolling: BlockNumber,
        /// Phase [`crate::Phase::Training`].
        pub training: BlockNumber,
        /// Phase [`crate::Phase::Revealing`].
        pub revealing: BlockNumber,
        /// Phase [`crate::Phase::Scoring`].
        pub scoring: BlockNumber,
        /// Phase [`crate::Phase::Verdict`].
        pub verdict: BlockNumber,
        /// Phase [`crate::Phase::Aggregating`].
        pub aggregating: BlockNumber,
        /// How long after its round a reward can be claimed.
        pub claiming: BlockNumber,
        /// The task expires this long after its creation.
        pub lifetime: BlockNumber,
    }
}

data! {
    /// What rewards and fees are paid in.
    #[derive(Copy, Default, PartialOrd, Ord)]
    pub enum Asset {
        /// The chain's own token, in planck.
        #[default]
        Native,
        /// One of the chain's assets by its number, in the smallest unit of its own. Who has power over the asset has power over
        /// what is paid in it.
        Id(u32),
    }
}

data! {
    /// By what enrolled accounts are drawn.
    #[derive(Copy, Default)]
    pub enum Chances {
        /// Each has the same chance.
        #[default]
        Equal,
        /// By weight: who puts 2, 4, 8 or 16 times the bond at risk is as likely to be drawn as so many accounts, and has one
        /// place at most all the same.
        ByBond {
            /// The largest weight, one of 2, 4, 8 and 16.
            cap: u8,
        },
    }
}

data! {
    /// What is paid and what is at stake.
    pub struct Terms {
        /// What rewards and fees are paid in. Bonds, deposits and the price of free calls are native in every task.
        #[cfg_attr(feature = "std", serde(default))]
        pub asset: Asset,
        /// Divided among the accepted updates of one round, in the asset's smallest unit.
        pub reward_per_round: Balance,
        /// For each seat of a round that opened its scores, in the asset's smallest unit.
        pub fee_per_seat: Balance,
        /// What a trainer puts at risk in this task, in planck; where it weighs more than 1 in draws, so many times as much.
        pub trainer_bond: Balance,
        /// What an evaluator puts at risk in this task, in planck; where it weighs more than 1 in draws, so many times as much.
        pub evaluator_bond: Balance,
        /// The score that an account needs for its role when it enrolls, from 0 to 1,000. An account without a record has 500.
        #[cfg_attr(feature = "std", serde(default))]
        pub min_reputation: u16,
        /// By what trainers and seats are drawn.
        #[cfg_attr(feature = "std", serde(default))]
        pub draw: Chances,
        /// Gold results that the sponsor may announce in a round, at most: 0, or 2 to 4. Of these it knows what they are worth, and
        /// seats that are wrong about two of them lose a part of their bond. Each that is known to be bad and is found so earns its
        /// trainer what an update earns on the average.
        #[cfg_attr(feature = "std", serde(default))]
        pub golds: u8,
    }
}

impl Chances {
    /// The largest weight that an account can have.
    pub const fn cap(self) -> u8 {
        match self {
            Self::Equal => 1,
            Self::ByBond { cap } => cap,
        }
    }
}

impl Asset {
    /// Whether it is the chain's own token.
    pub const fn is_native(self) -> bool {
        matches!(self, Self::Native)
    }
}

impl Objective {
    /// Numbers in a row.
    pub const fn features(&self) -> u32 {
        match self {
            Self::Classification { features, .. } | Self::Regression { features, .. } => *features,
        }
    }
}

impl TaskSpec {
    /// What one round pays at most, in the task's asset: the reward, a fee for every seat, and what gold results earn. `None` where
    /// the sum does not fit.
    pub fn round_pay(&self) -> Option<Balance> {
        let fees = self.terms.fee_per_seat.checked_mul(self.committee.seats.into())?;
        self.terms.reward_per_round.checked_add(fees)?.checked_add(self.golds_pay())
    }

    /// What a trainer earns with an update that is known to be bad and is found so, in the task's asset: as much as with an accepted
    /// one where all that can be drawn are accepted with equal weights.
    pub fn gold_pay(&self) -> Balance {
        self.terms.reward_per_round / Balance::from(self.trainers.max.max(1))
    }

    /// What all gold results of a round earn at most, in the task's asset.
    pub fn golds_pay(&self) -> Balance {
        self.gold_pay().saturating_mul(self.terms.golds.into())
    }

    /// Rounds that may be attempted: each may fail [`TaskSpec::max_retries`] times.
    pub fn attempts(&self) -> u32 {
        self.rounds.saturating_mul(u32::from(self.max_retries).saturating_add(1))
    }

    /// Calls that cost their senders nothing, in one round at most: a trainer commits, reveals and claims, and in a sealed task
    /// hands its key over to either committee; a seat of either committee commits, opens, attests and claims; scores are counted
    /// for both committees; and each phase is advanced. What an asset could not pay when it was due is collected by one call more
    /// of everybody who is paid: each trainer, and each seat of the last committee. Gold results are concluded by one.
    pub fn free_calls(&self) -> u32 {
        let collects = u32::from(!self.terms.asset.is_native());
        let each = if self.custody.sealed { 3 + 2 } else { 3 };
        let trainers = u32::from(self.trainers.max).saturating_mul(each + collects);
        let seats = u32::from(self.committee.seats).saturating_mul(2 * 4 + collects);
        let counts =
            u32::from(self.trainers.max).div_ceil(limits::TALLY_BATCH).saturating_mul(2 * 2);
        let golds = u32::from(self.terms.golds > 0);
        let rest = counts.saturating_add(2 * limits::PHASES).saturating_add(golds);
        trainers.saturating_add(seats).saturating_add(rest)
    }

    /// What the chain charges for one attempt, in planck, given the price of a call. `None` where it does not fit.
    pub fn round_charge(&self, call_price: Balance) -> Option<Balance> {
        call_price.checked_mul(self.free_calls().into())
    }

    /// What the sponsor pays in advance for all rounds, in the task's asset. `None` where it does not fit.
    pub fn total_pay(&self) -> Option<Balance> {
        self.round_pay()?.checked_mul(self.rounds.into())
    }

    /// What the sponsor pays in advance for the free calls of all attempts, in planck. `None` where it does not fit.
    pub fn total_charges(&self, call_price: Balance) -> Option<Balance> {
        self.round_charge(call_price)?.checked_mul(self.attempts().into())
    }

    /// Rows that all attempts may leave in storage until they are settled.
    pub fn rows(&self) -> u64 {
        let golds = u64::from(self.terms.golds > 0);
        let round = u64::from(self.trainers.max) + 2 * u64::from(self.committee.seats) + golds;
        round.saturating_mul(self.attempts().into())
    }

    /// What an account of this weight puts at risk in this task.
    pub const fn stake(&self, role: crate::Role, weight: u8) -> Balance {
        self.bond(role).saturating_mul(weight as Balance)
    }

    /// What a role puts at risk in this task with a weight of 1: nothing where the role has no part in tasks.
    pub const fn bond(&self, role: crate::Role) -> Balance {
        match role {
            crate::Role::Trainer => self.terms.trainer_bond,
            crate::Role::Evaluator => self.terms.evaluator_bond,
            crate::Role::Validator => 0,
        }
    }
}
