//! # Gold results
//!
//! A sponsor measures its committees by updates of which it knows what they are worth.
//!
//! ```text
//!   Training                             … the round is over          within 10 blocks
//!   announce(seal) by the sponsor ─────────────────────────────────► reveal(trainer, label, secret)
//!   commit(hash) by the trainer,                                       │ deposit back; seats that were clearly wrong are noted
//!   salted with the mark                                               │
//!                                                                      └ not revealed in time: conclude, the deposit is lost
//! ```
//!
//! The sponsor, or somebody for it, takes part as a trainer. Seal and mark are two hashes of one secret (`GoldResult` in
//! `decentralml_types::commitment`): by the seal the sponsor has said what the update is worth before anybody could have seen it, and by
//! the mark its trainer has agreed. Until the secret is shown nobody can tell the update from others, nor how many there are: a seal may
//! be of a blank one. What is not revealed costs its deposit, so that nobody announces many and shows those that hit.
//!
//! A label counts where the committee's median clearly says the same (`decentralml_protocol::gold`). Then seats that clearly said the
//! opposite have missed it; who misses two of a round is accused when its seat is settled. A bad one that was found bad is paid for. While
//! gold results of a round may still be revealed, its rows cannot be settled.
//!
//! Example: in round 3 of its task the sponsor calls `announce(task, 3, seal)` twice; its two trainers commit, reveal and are judged like
//! all others; when the round has settled, it calls `reveal(task, 3, trainer, Bad, secret)` twice, and a seat that has called both good
//! loses half of its bond, unless the council frees it.
//!
//! # What it does not guarantee
//!
//! That lazy seats are found: who says that an update is worth nothing is never clearly wrong. Nor liars that say of one update that
//! they could not have it: lest an honest seat that could not is measured by what it did not see, such a seat is not measured in that
//! round. That who was found right is honest: a
//! sponsor may tell a seat which updates are gold. That a label is true: it is the sponsor's word, and counts only with the committee's,
//! so it proves nothing against half of the seats. A committee that is replaced, or whose round is cancelled, is not measured.

#![cfg_attr(not(feature = "std"), no_std)]

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod deposits;
mod revealing;
mod try_state;
pub mod types;
pub mod weights;

#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

#[cfg(feature = "runtime-benchmarks")]
pub use benchmarking::{BenchmarkHelper, Round};
pub use pallet::*;
pub use types::{Announced, Gold};
pub use weights::WeightInfo;

#[allow(clippy::expect_used, reason = "what the macro expands to")]
#[frame_support::pallet]
pub mod pallet {
    use super::*;
    use decentralml_traits::{Assay, Clock, Escrow, Salted};
    use decentralml_types::{Balance, BlockNumber, Hash, Label, RoundNumber, Salt, TaskId};
    use frame_support::{
        pallet_prelude::*,
        traits::fungible::{Inspect, hold},
    };
    use frame_system::pallet_prelude::*;
    use sp_runtime::traits::BlockNumberProvider;

    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    #[pallet::config]
    pub trait Config:
        frame_system::Config<RuntimeEvent: From<Event<Self>>, Hash: Into<Hash>>
    {
        /// The token that deposits are held in.
        type Currency: Inspect<Self::AccountId, Balance = Balance>
            + hold::Inspect<Self::AccountId, Reason = Self::RuntimeHoldReason>
            + hold::Mutate<Self::AccountId>;

        /// The runtime's hold reasons, ours among them.
        type RuntimeHoldReason: From<HoldReason>;

        /// What tells the time.
        type BlockNumberProvider: BlockNumberProvider<BlockNumber = BlockNumber>;

        /// The rounds and their phases.
        type Clock: Clock<Self::AccountId>;

        /// Keeps rounds from closing.
        type Escrow: Escrow<Self::AccountId>;

        /// The updates that are gold results.
        type Salted: Salted<Self::AccountId>;

        /// The committees that are measured.
        type Assay: Assay<Self::AccountId>;

        /// What an announcement takes, in planck.
        #[pallet::constant]
        type Deposit: Get<Balance>;

        /// Who receives the deposits of those that were not revealed.
        type Treasury: Get<Self::AccountId>;

        /// What the calls weigh.
        type WeightInfo: WeightInfo;

        /// What the benchmarks need of the other pallets.
        #[cfg(feature = "runtime-benchmarks")]
        type BenchmarkHelper: BenchmarkHelper<Self::AccountId>;
    }

    /// What is announced of a round and not revealed. Task ids and rounds are assigned by the chain, so cheap hashers are safe. The
    /// deposits pay for the row, which goes when all of it is revealed or concluded.
    #[pallet::storage]
    pub type Golds<T: Config> = StorageDoubleMap<
        _,
        Twox64Concat,
        TaskId,
        Twox64Concat,
        RoundNumber,
        Announced<T::AccountId>,
    >;

    /// Why funds are held.
    #[pallet::composite_enum]
    pub enum HoldReason {
        /// The deposits of gold results that are announced.
        Gold,
    }

    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A sponsor knows what an update of the round is worth, or says so.
        GoldAnnounced {
            /// The task.
            task: TaskId,
            /// The round.
            round: RoundNumber,
            /// Who.
            sponsor: T::AccountId,
            /// What binds it.
            seal: Hash,
            /// What is held for it.
            deposit: Balance,
        },
        /// A sponsor has shown what it knew.
        GoldRevealed {
            /// The task.
            task: TaskId,
            /// The round.
            round: RoundNumber,
            /// Who.
            sponsor: T::AccountId,
            /// Whose update it is.
            trainer: T::AccountId,
            /// What was known of it.
            label: Label,
            /// Whether the committee has clearly found the same.
            confirmed: bool,
            /// Seats that have clearly said the opposite, where it has.
            missed: u32,
        },
        /// Gold results can be revealed no longer.
        GoldsConcluded {
            /// The task.
            task: TaskId,
            /// The round.
            round: RoundNumber,
            /// Who had announced them.
            sponsor: T::AccountId,
            /// What was given back of the deposits, where the round could not be measured.
            returned: Balance,
            /// What went to the treasury.
            forfeited: Balance,
        },
    }

    #[pallet::error]
    pub enum Error<T> {
        /// There is no such task or round.
        NoRound,
        /// Only the task's sponsor announces gold results.
        NotSponsor,
        /// Gold results are announced in phase Training of the current round, and revealed once the round is over by a committee that
        /// has counted its scores.
        WrongPhase,
        /// The phase's deadline has passed, or the time to reveal.
        TooLate,
        /// As many are announced as the task's terms allow in a round, which may be none (`terms.golds`).
        TooMany,
        /// The same seal is announced already.
        AlreadyAnnounced,
        /// No seal of the round, or none that is not revealed, is of this trainer, label and secret.
        UnknownSeal,
        /// The account has revealed no update in this round.
        NoUpdate,
        /// The update's commitment is not salted with the mark, so its trainer has not agreed.
        NotMarked,
        /// The gold results of the round can still be revealed.
        TooEarly,
        /// No gold result of the round waits.
        NothingAnnounced,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn integrity_test() {
            assert!(T::Deposit::get() > 0, "silence about a gold result must cost something");
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Announces a gold result: `seal` is that of `decentralml_types::commitment::GoldResult`, which binds the chain, the task, the
        /// round, the trainer, the label and a secret.
        ///
        /// - **Who, when:** the task's sponsor, in phase Training of the current round, up to `terms.golds` times in a round.
        /// - **Costs:** the fee. `Deposit` is held (`Gold`), until the secret is shown.
        /// - **Errors:** `NoRound`, `NotSponsor`, `WrongPhase`, `TooLate`, `TooMany`, `AlreadyAnnounced`; the token's own where the free
        ///   balance does not cover the deposit.
        /// - **Events:** `GoldAnnounced`.
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::announce())]
        pub fn announce(
            origin: OriginFor<T>,
            task: TaskId,
            round: RoundNumber,
            seal: Hash,
        ) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_announce(who, task, round, seal)
        }

        /// Shows what was known of an update, gives the deposit back, and notes the seats that were wrong about it. A blank one names any
        /// account.
        ///
        /// - **Who, when:** whoever announced it, once the round has settled, or is void although a committee has counted its scores
        ///   (`NothingAccepted`, `NoAgreement`), for 10 blocks.
        /// - **Costs:** the fee.
        /// - **Errors:** `NoRound`, `NothingAnnounced`, `NotSponsor`, `WrongPhase`, `TooLate`, `UnknownSeal`, `NoUpdate`, `NotMarked`.
        /// - **Events:** `GoldRevealed`.
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::reveal())]
        pub fn reveal(
            origin: OriginFor<T>,
            task: TaskId,
            round: RoundNumber,
            trainer: T::AccountId,
            label: Label,
            secret: Salt,
        ) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_reveal(who, task, round, trainer, label, secret)
        }

        /// Ends the gold results of a round that were not revealed: their deposits go to the treasury or, where the round ended before
        /// its scores were counted or was cancelled, back to the sponsor.
        ///
        /// - **Who, when:** any signed account, once they cannot be revealed any more.
        /// - **Costs:** nothing when it succeeds.
        /// - **Errors:** `NothingAnnounced`, `NoRound`, `TooEarly`.
        /// - **Events:** `GoldsConcluded`.
        #[pallet::call_index(2)]
        #[pallet::weight(T::WeightInfo::conclude())]
        pub fn conclude(
            origin: OriginFor<T>,
            task: TaskId,
            round: RoundNumber,
        ) -> DispatchResultWithPostInfo {
            ensure_signed(origin)?;
            Self::do_conclude(task, round)?;
            Ok(Pays::No.into())
        }
    }
}
