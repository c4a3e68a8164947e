//! Evidence: the updates of a round, committed to first and revealed afterwards.
//!
//! ```text
//!   Training                              Revealing
//!   commit(hash of chain, task, round, ─► reveal(CID, samples, salt) ─► numbered updates, which
//!          account, base, CID, …)                                       the committee scores
//! ```
//!
//! Updates are revealed only once all commitments are in, so nobody can answer to another's update. A commitment names its
//! account and round: one that is copied cannot be revealed by the copier, and none can be used twice.
//!
//! # What it does not guarantee
//!
//! That the bytes behind a CID exist or are an update: the committee says so in `validation`. That two trainers have different
//! updates: whoever shares its update before it commits can be copied.

#![cfg_attr(not(feature = "std"), no_std)]

pub use pallet::*;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod evidence;
#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;
mod try_state;
pub mod types;
mod updates;
pub mod weights;

#[cfg(feature = "runtime-benchmarks")]
pub use benchmarking::BenchmarkHelper;
pub use types::{Commitment, Rows, Update};
pub use weights::WeightInfo;

use frame_support::{
    dispatch::{Pays, PostDispatchInfo},
    weights::Weight,
};

/// A call that costs its sender nothing, and weighs `usual` unless it was the act that ended the phase.
fn free(ended: bool, usual: impl FnOnce() -> Weight) -> PostDispatchInfo {
    PostDispatchInfo { actual_weight: (!ended).then(usual), pays_fee: Pays::No }
}

#[frame_support::pallet]
#[allow(clippy::expect_used, reason = "what the macro expands to")]
pub mod pallet {
    use super::*;
    use decentralml_traits::{Bonds, Clock, Escrow, Roster};
    use decentralml_types::{Cid, Hash, RoundNumber, Salt, TaskId};
    use frame_support::pallet_prelude::*;
    use frame_system::pallet_prelude::*;

    #[pallet::pallet]
    pub struct Pallet<T>(_);

    #[pallet::config]
    pub trait Config:
        frame_system::Config<RuntimeEvent: From<Event<Self>>, Hash: Into<Hash>>
    {
        /// Where the bonds are kept that a commitment puts at risk.
        type Bonds: Bonds<Self::AccountId>;
        /// The rounds and their phases.
        type Clock: Clock<Self::AccountId>;
        /// Counts what is to be settled.
        type Escrow: Escrow<Self::AccountId>;
        /// Who is drawn.
        type Roster: Roster<Self::AccountId>;
        /// What the calls cost.
        type WeightInfo: WeightInfo;
        /// Prepares the other pallets for the benchmarks.
        #[cfg(feature = "runtime-benchmarks")]
        type BenchmarkHelper: BenchmarkHelper<Self::AccountId>;
    }

    /// Commitments by account. Task ids and rounds are assigned by the chain, so a cheap hasher is safe; accounts are chosen by
    /// their owners. The task's deposit pays for the row; it goes when it is settled.
    #[pallet::storage]
    pub type Commitments<T: Config> = StorageNMap<
        _,
        (
            NMapKey<Twox64Concat, TaskId>,
            NMapKey<Twox64Concat, RoundNumber>,
            NMapKey<Blake2_128Concat, T::AccountId>,
        ),
        Commitment,
    >;

    /// Whose update has which number, from 0 in the order of the reveals. Paid for and removed with the commitment.
    #[pallet::storage]
    pub type Reveals<T: Config> = StorageNMap<
        _,
        (
            NMapKey<Twox64Concat, TaskId>,
            NMapKey<Twox64Concat, RoundNumber>,
            NMapKey<Twox64Concat, u32>,
        ),
        T::AccountId,
    >;

    /// How many have acted in a round. The row goes with the round's last commitment.
    #[pallet::storage]
    pub type Counts<T: Config> =
        StorageDoubleMap<_, Twox64Concat, TaskId, Twox64Concat, RoundNumber, Rows, ValueQuery>;

    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A trainer committed to an update.
        Committed {
            /// The task.
            task: TaskId,
            /// The round.
            round: RoundNumber,
            /// Who.
            who: T::AccountId,
            /// The commitment.
            hash: Hash,
        },
        /// A trainer revealed its update.
        Revealed {
            /// The task.
            task: TaskId,
            /// The round.
            round: RoundNumber,
            /// Who.
            who: T::AccountId,
            /// Its number among the round's updates.
            index: u32,
            /// The update's bytes.
            cid: Cid,
            /// Rows the trainer says it trained on.
            samples: u32,
        },
    }

    #[pallet::error]
    pub enum Error<T> {
        /// There is no such task, or it has no round yet.
        NoRound,
        /// The round named is not the task's current one.
        NotCurrentRound,
        /// The round is in another phase.
        WrongPhase,
        /// The phase's deadline has passed. Anybody may call `tasks.advance` now.
        TooLate,
        /// The account has committed in this round already.
        AlreadyCommitted,
        /// The account has not committed in this round.
        NotCommitted,
        /// The account has revealed its update already.
        AlreadyRevealed,
        /// The commitment is another one: CID, sample count, salt, base model or account differ from what was committed to.
        Mismatch,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        #[cfg(feature = "try-runtime")]
        fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Commits to an update: `hash` is that of `decentralml_types::commitment::UpdateCommitment`.
        ///
        /// By a drawn trainer whose bond is covered and does not stand for an earlier round, once in phase Training of the task's
        /// current round. Free when it succeeds. From now on the trainer's bond in the task can be slashed: for not revealing,
        /// and for bytes that the committee cannot have or read. Until its row is claimed, once the round is over, the trainer
        /// can neither leave the task nor commit in another round of it. The last trainer's commitment ends the phase.
        ///
        /// Errors: `NoRound`, `NotCurrentRound`, `WrongPhase`, `TooLate`, `AlreadyCommitted`; those of the draw (`NoSuchDraw`,
        /// `NotEnrolled`, `SeedUnknown`, `NotDrawn`); those of the bond (`NotBonded`, `NotCovered`: bond more); `StillAtRisk` where
        /// the trainer's row of an earlier round is not settled: call `validation.claim` for it, which is free and anybody may do,
        /// and commit again. Event: `Committed`.
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::commit_last().max(T::WeightInfo::commit()))]
        pub fn commit(
            origin: OriginFor<T>,
            task: TaskId,
            round: RoundNumber,
            hash: Hash,
        ) -> DispatchResultWithPostInfo {
            let who = ensure_signed(origin)?;
            Self::do_commit(&who, task, round, hash)?;
            Self::deposit_event(Event::Committed { task, round, who, hash });
            Ok(free(T::Clock::acted(task), T::WeightInfo::commit))
        }

        /// Reveals what was committed to.
        ///
        /// By a trainer that committed, once in phase Revealing of the task's current round. Free when it succeeds. The last
        /// reveal ends the phase and draws the committee; who has not revealed by then loses its bond in the task. The bond stays
        /// at risk until the trainer's row is claimed.
        ///
        /// Errors: `NoRound`, `NotCurrentRound`, `WrongPhase`, `TooLate`, `NotCommitted`, `AlreadyRevealed`, `Mismatch`. Event: `Revealed`.
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::reveal_last().max(T::WeightInfo::reveal()))]
        pub fn reveal(
            origin: OriginFor<T>,
            task: TaskId,
            round: RoundNumber,
            cid: Cid,
            samples: u32,
            salt: Salt,
        ) -> DispatchResultWithPostInfo {
            let who = ensure_signed(origin)?;
            let index = Self::do_reveal(&who, task, round, Update { cid, samples }, salt)?;
            Self::deposit_event(Event::Revealed { task, round, who, index, cid, samples });
            Ok(free(T::Clock::acted(task), T::WeightInfo::reveal))
        }
    }
}
