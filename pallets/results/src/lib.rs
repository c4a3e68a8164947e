//! Evidence: the updates of a round, committed to first and revealed afterwards; sealed ones are handed over at last.
//!
//! ```text
//!   Training                              Revealing                     Scoring, in sealed tasks
//!   commit(hash of chain, task, round, ─► reveal(CID, hash of the ────► hand_over(committee, CID of
//!          account, base, CID, …)                plain, samples, salt)            the encrypted keys)
//!                                           │                             │
//!                                           ▼                             ▼
//!                                         numbered updates, which the committee scores
//! ```
//!
//! Updates are revealed only once all commitments are in, so nobody can answer to another's update. A commitment names its
//! account and round: one that is copied cannot be revealed by the copier, and none can be used twice.
//!
//! In a sealed task the bytes behind the CID are encrypted to a key that the trainer made for this update alone. The committee is
//! drawn after the last reveal. Once everybody can tell who its seats are, the trainer encrypts that key to theirs, and publishes
//! the CID of the result. The hash of the plain update is part of the commitment, so handing another key over cannot change the
//! update.
//!
//! Example: of six trainers in a sealed task each stores a ciphertext, commits, and calls `reveal(cid, Some(sha2_256(plain)),
//! samples, salt)`; two blocks after the last of them, each calls `hand_over(0, keys)`.
//!
//! # What it does not guarantee
//!
//! That the bytes behind a CID exist or are an update: the committee says so in `validation`. That two trainers have different
//! updates: whoever shares its update before it commits can be copied. Nor that sealed bytes are encrypted, that the keys which are
//! handed over open them, or that nobody else has them: a trainer may show its update to anybody, and a seat what it has read. And
//! whoever can guess a plain update can check the guess by its hash.

#![cfg_attr(not(feature = "std"), no_std)]

pub use pallet::*;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod evidence;
mod handover;
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
pub use types::{Commitment, Handover, Rows, Update};
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
    use decentralml_types::{Cid, CommitteeNumber, Hash, RoundNumber, Salt, TaskId};
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
            /// The update's bytes; in a sealed task the encrypted ones.
            cid: Cid,
            /// SHA2-256 of the plain update, in a sealed task.
            plain_hash: Option<Hash>,
            /// Rows the trainer says it trained on.
            samples: u32,
        },
        /// A trainer handed the key of its sealed update over to a committee.
        HandedOver {
            /// The task.
            task: TaskId,
            /// The round.
            round: RoundNumber,
            /// The committee.
            committee: CommitteeNumber,
            /// Who.
            who: T::AccountId,
            /// The number of its update among the round's.
            index: u32,
            /// A file with the key, encrypted to those of the seats.
            keys: Cid,
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
        /// The commitment is another one: CID, hash of the plain update, sample count, salt, base model or account differ from what
        /// was committed to.
        Mismatch,
        /// The task is sealed: the hash of the plain update is part of what is revealed.
        PlainHashMissing,
        /// The task is not sealed: the revealed bytes are the plain ones, so no other hash belongs to them, and no key is handed over.
        NotSealed,
        /// The account has not revealed its update, so there is nothing to hand over.
        NotRevealed,
        /// The committee named is not the one at work.
        WrongCommittee,
        /// The account has handed its key over to this committee already.
        AlreadyHandedOver,
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

        /// Reveals what was committed to. In a sealed task `cid` is that of the encrypted bytes, and `plain_hash` the SHA2-256 of the
        /// plain update; in any other it is `None`.
        ///
        /// By a trainer that committed, once in phase Revealing of the task's current round. Free when it succeeds. The last
        /// reveal ends the phase and draws the committee; who has not revealed by then loses its bond in the task. The bond stays
        /// at risk until the trainer's row is claimed; in a sealed task it pays as well for a key that is not handed over in time.
        ///
        /// Errors: `NoRound`, `NotCurrentRound`, `WrongPhase`, `TooLate`, `PlainHashMissing`, `NotSealed`, `NotCommitted`,
        /// `AlreadyRevealed`, `Mismatch`. Event: `Revealed`.
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::reveal_last().max(T::WeightInfo::reveal()))]
        pub fn reveal(
            origin: OriginFor<T>,
            task: TaskId,
            round: RoundNumber,
            cid: Cid,
            plain_hash: Option<Hash>,
            samples: u32,
            salt: Salt,
        ) -> DispatchResultWithPostInfo {
            let who = ensure_signed(origin)?;
            let update = Update { cid, plain_hash, samples, handover: None };
            let index = Self::do_reveal(&who, task, round, update, salt)?;
            let event = Event::Revealed { task, round, who, index, cid, plain_hash, samples };
            Self::deposit_event(event);
            Ok(free(T::Clock::acted(task), T::WeightInfo::reveal))
        }

        /// Hands the key of a sealed update over to the round's committee: `keys` is a file with it, encrypted to the keys that the
        /// drawn seats have registered.
        ///
        /// By a trainer that revealed, in phase Scoring of the task's current round, from the block on in which everybody can tell
        /// who is drawn, once for each committee. Free when it succeeds. It ends no phase: seats wait for the keys that they need.
        /// What a seat cannot read it reports, and by the majority of these reports the trainer's bond is slashed as for bytes that
        /// are missing or malformed.
        ///
        /// Errors: `NoRound`, `NotCurrentRound`, `WrongPhase`, `TooLate`, `NotSealed`, `WrongCommittee`, `NotCommitted`,
        /// `NotRevealed`, `AlreadyHandedOver`; those of the draw (`NoSuchDraw`, `SeedUnknown`: two blocks after the draw it is
        /// known). Event: `HandedOver`.
        #[pallet::call_index(2)]
        #[pallet::weight(T::WeightInfo::hand_over())]
        pub fn hand_over(
            origin: OriginFor<T>,
            task: TaskId,
            round: RoundNumber,
            committee: CommitteeNumber,
            keys: Cid,
        ) -> DispatchResultWithPostInfo {
            let who = ensure_signed(origin)?;
            let index = Self::do_hand_over(&who, task, round, Handover { committee, keys })?;
            let event = Event::HandedOver { task, round, committee, who, index, keys };
            Self::deposit_event(event);
            Ok(Pays::No.into())
        }
    }
}
