//! # Models
//!
//! What came out: the versions of every task's model, their lineage, and which of them governance has released.
//!
//! ```text
//!   a round settles            release               recall
//!   ─────────────► Candidate ─────────► Released ─────────► Recalled
//!                      │ prune: its task is over, CandidatePeriod has passed, nothing descends from it
//!                      ▼
//!                   removed
//! ```
//!
//! A version is a CID with its parent, and candidates are pruned from the latest on, so whoever has a released model can follow
//! its lineage back to the first round.
//!
//! Example: the 12th round of task 3 settles, version 12 is a candidate, the council calls `release(3, 12)`.
//!
//! What it does not guarantee: that the bytes are still in IPFS. A CID says what the bytes are, not who keeps them.

#![cfg_attr(not(feature = "std"), no_std)]

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod registry;
mod types;
pub mod weights;

#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

pub use pallet::*;
pub use types::{ModelVersion, Release};
pub use weights::WeightInfo;

#[allow(clippy::expect_used, reason = "what the macro expands to")]
#[frame_support::pallet]
pub mod pallet {
    use super::*;
    use decentralml_traits::Clock;
    use decentralml_types::{BlockNumber, Cid, Ppm, RoundNumber, TaskId, Version, spec::Text};
    use frame_support::pallet_prelude::*;
    use frame_system::pallet_prelude::*;
    use sp_runtime::traits::BlockNumberProvider;

    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    #[pallet::config]
    pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
        /// Which tasks there are, and under which license their models go.
        type Clock: Clock<Self::AccountId>;

        /// What tells the time.
        type BlockNumberProvider: BlockNumberProvider<BlockNumber = BlockNumber>;

        /// Who releases and recalls: the council.
        type ReleaseOrigin: EnsureOrigin<Self::RuntimeOrigin>;

        /// How long governance has to decide before a candidate can be pruned, in blocks.
        #[pallet::constant]
        type CandidatePeriod: Get<BlockNumber>;

        /// What the calls weigh.
        type WeightInfo: WeightInfo;
    }

    /// The versions of each task's model.
    ///
    /// Task ids and versions are counted by the chain, so a cheap hasher is safe. No deposit stands for a version: its record is
    /// bought, for good, with what the task is charged for each round. Anybody may still prune candidates of tasks that are
    /// over, the latest first; what was released, and what it descends from, stays for ever.
    #[pallet::storage]
    pub type Versions<T: Config> =
        StorageDoubleMap<_, Twox64Concat, TaskId, Twox64Concat, Version, ModelVersion, OptionQuery>;

    /// The latest version of each task's model, pruned or not. Goes when the task's last version is pruned.
    #[pallet::storage]
    pub type LastVersion<T: Config> = StorageMap<_, Twox64Concat, TaskId, Version, OptionQuery>;

    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A round produced a version. It is a candidate for release.
        Recorded {
            /// The task that trained it.
            task: TaskId,
            /// Its number.
            version: Version,
            /// Its weights.
            cid: Cid,
            /// The version it was trained from.
            parent: Option<Version>,
            /// The round it comes from.
            round: RoundNumber,
            /// The metric that the committee attested, in parts per million.
            metric: Ppm,
        },
        /// Governance released a version.
        Released {
            /// The task that trained it.
            task: TaskId,
            /// Its number.
            version: Version,
            /// Its weights.
            cid: Cid,
        },
        /// Governance recalled a released version.
        Recalled {
            /// The task that trained it.
            task: TaskId,
            /// Its number.
            version: Version,
            /// Why, as UTF-8.
            reason: Text,
        },
        /// A candidate of a task that is over was removed.
        Pruned {
            /// The task that trained it.
            task: TaskId,
            /// Its number.
            version: Version,
        },
    }

    #[pallet::error]
    pub enum Error<T> {
        /// The task has no such version, or it was pruned.
        UnknownVersion,
        /// The version is not a candidate: it was released or recalled before.
        NotACandidate,
        /// The version is not released.
        NotReleased,
        /// The reason is empty or not UTF-8.
        InvalidReason,
        /// The task is not over. Its next rounds build on its candidates.
        TaskNotOver,
        /// Governance still has time to release the candidate. Try again after `CandidatePeriod`.
        TooEarly,
        /// Another version descends from this one, which may be released or was. Only a task's latest can be pruned.
        Lineage,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn integrity_test() {
            assert!(
                T::CandidatePeriod::get() > 0,
                "CandidatePeriod of 0 lets anybody remove a model before it can be voted on"
            );
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Releases a version: governance stands behind its use.
        ///
        /// - **Who, when:** `ReleaseOrigin`, for a candidate, whether its task still runs or not.
        /// - **Costs:** the fee of whoever submits it; nothing is held or slashed.
        /// - **Errors:** `UnknownVersion`, `NotACandidate`.
        /// - **Events:** `Released`.
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::release())]
        pub fn release(origin: OriginFor<T>, task: TaskId, version: Version) -> DispatchResult {
            T::ReleaseOrigin::ensure_origin(origin)?;
            Self::do_release(task, version)
        }

        /// Recalls a released version: governance no longer stands behind its use. The record stays, with the reason.
        ///
        /// - **Who, when:** `ReleaseOrigin`, for a released version, at any time.
        /// - **Costs:** the fee of whoever submits it; nothing is held or slashed.
        /// - **Errors:** `UnknownVersion`, `NotReleased`, `InvalidReason`.
        /// - **Events:** `Recalled`.
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::recall())]
        pub fn recall(
            origin: OriginFor<T>,
            task: TaskId,
            version: Version,
            reason: Text,
        ) -> DispatchResult {
            T::ReleaseOrigin::ensure_origin(origin)?;
            Self::do_recall(task, version, reason)
        }

        /// Removes a candidate that nobody released and whose task is over.
        ///
        /// - **Who, when:** any signed account, once the task is over, reaped or not, and `CandidatePeriod` has passed since the
        ///   version was recorded.
        /// - **Costs:** nothing where it succeeds; nothing is held or slashed.
        /// - **Errors:** `UnknownVersion`, `NotACandidate`, `TaskNotOver`, `TooEarly`; `Lineage` where another version descends
        ///   from it: the latest goes first.
        /// - **Events:** `Pruned`.
        #[pallet::call_index(2)]
        #[pallet::weight(T::WeightInfo::prune())]
        pub fn prune(
            origin: OriginFor<T>,
            task: TaskId,
            version: Version,
        ) -> DispatchResultWithPostInfo {
            ensure_signed(origin)?;
            Self::do_prune(task, version)?;
            Ok(Pays::No.into())
        }
    }
}
