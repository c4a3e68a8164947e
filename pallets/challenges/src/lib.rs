//! # Challenges
//!
//! Availability: anybody may demand a block of a revealed update, at the price of a challenge's bond, and sees its trainer slashed where
//! nobody shows it.
//!
//! ```text
//!              challenge(path)          answer(blocks) in time: the bond pays for it
//!   a revealed ──────────────► open ──────────────────────────────────────────► answered ──► may be challenged again
//!   update                      │
//!                               ├─ conclude, after the deadline: the bond is given back ──► unanswered: accused, and unpaid
//!                               │
//!                               └─ the round is void: the bond is given back
//! ```
//!
//! The answer is the block with those on the way to it from the root. The chain follows the links itself and compares every hash, the
//! first with the CID that the trainer has revealed (`decentralml_protocol::dag`), so nobody is asked for an opinion, and it does not
//! matter who answers. A path that names no block is answered by the node that has no such link.
//!
//! Example: of a file of 3 MiB that was revealed as a node over three leaves, `challenge(task, round, trainer, [2])` demands the last
//! leaf, and `answer(task, round, trainer, [node, leaf])` shows it.
//!
//! # What it does not guarantee
//!
//! That all of an update can be had: a challenge is about one block, and each update meets but a few in a round. Nor that who can have
//! the bytes from the trainer's hosts: an answer shows that somebody has them. Nor anything about what the bytes are: that is for the
//! committee to say. Bytes that are answered with are public for ever; those of sealed updates are encrypted ones.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod bonds;
mod challenging;
mod standing;
mod try_state;
pub mod types;
pub mod weights;

#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

#[cfg(feature = "runtime-benchmarks")]
pub use benchmarking::BenchmarkHelper;
pub use pallet::*;
pub use types::{Blocks, Bytes, Challenge, Path, Record, Stage};
pub use weights::WeightInfo;

#[allow(clippy::expect_used, reason = "what the macro expands to")]
#[frame_support::pallet]
pub mod pallet {
    use super::*;
    use decentralml_traits::{Clock, Revealed, Roster, Tariff, Tribunal};
    use decentralml_types::{Balance, BlockNumber, RoundNumber, TaskId};
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
    pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
        /// The token that bonds are held in.
        type Currency: Inspect<Self::AccountId, Balance = Balance>
            + hold::Inspect<Self::AccountId, Reason = Self::RuntimeHoldReason>
            + hold::Mutate<Self::AccountId>;

        /// The runtime's hold reasons, ours among them.
        type RuntimeHoldReason: From<HoldReason>;

        /// What tells the time.
        type BlockNumberProvider: BlockNumberProvider<BlockNumber = BlockNumber>;

        /// The rounds and their phases.
        type Clock: Clock<Self::AccountId>;

        /// What silence costs.
        type Tariff: Tariff;

        /// The updates that are challenged.
        type Revealed: Revealed<Self::AccountId>;

        /// What trainers have put at risk.
        type Roster: Roster<Self::AccountId>;

        /// Where trainers are accused that nobody has answered for.
        type Tribunal: Tribunal<Self::AccountId>;

        /// What a challenge takes, in planck.
        type ChallengeBond: Get<Balance>;

        /// What of the bond the treasury gets for an answer, in planck: about the fee of the longest one, which its sender is given back.
        /// A challenge keeps the price of its day.
        type AnswerPrice: Get<Balance>;

        /// How long a challenge can be answered, in blocks.
        #[pallet::constant]
        type AnswerPeriod: Get<BlockNumber>;

        /// Challenges that an update meets in a round, at most.
        #[pallet::constant]
        type MaxChallenges: Get<u8>;

        /// Who receives the price of answers.
        type Treasury: Get<Self::AccountId>;

        /// What the calls weigh.
        type WeightInfo: WeightInfo;

        /// What the benchmarks need of the other pallets.
        #[cfg(feature = "runtime-benchmarks")]
        type BenchmarkHelper: BenchmarkHelper<Self::AccountId>;
    }

    /// Updates that were challenged, by task, round and trainer.
    ///
    /// Task ids and rounds are assigned by the chain, so a cheap hasher is safe; accounts are chosen by their owners. The bond of the
    /// first challenge pays for the row, which goes when the trainer's row of the round is settled.
    #[pallet::storage]
    pub type Records<T: Config> = StorageNMap<
        _,
        (
            NMapKey<Twox64Concat, TaskId>,
            NMapKey<Twox64Concat, RoundNumber>,
            NMapKey<Blake2_128Concat, T::AccountId>,
        ),
        crate::Record<T::AccountId>,
    >;

    /// Why funds are held.
    #[pallet::composite_enum]
    pub enum HoldReason {
        /// The bonds of challenges that are open.
        Challenge,
    }

    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// Somebody demands a block of an update.
        Challenged {
            /// The task.
            task: TaskId,
            /// The round.
            round: RoundNumber,
            /// Whose update it is.
            trainer: T::AccountId,
            /// Who demands it.
            challenger: T::AccountId,
            /// Which block: the links to follow from the root.
            path: Path,
            /// The last block in which it can be answered.
            deadline: BlockNumber,
        },
        /// A challenge was answered.
        Answered {
            /// The task.
            task: TaskId,
            /// The round.
            round: RoundNumber,
            /// Whose update it is.
            trainer: T::AccountId,
            /// Who has answered.
            by: T::AccountId,
            /// Whether the block was shown; otherwise, that there is none of this path.
            exists: bool,
            /// What the trainer has got of the challenger's bond.
            earned: Balance,
        },
        /// Nobody has answered in time. The challenger has its bond back, and the trainer is accused.
        Unanswered {
            /// The task.
            task: TaskId,
            /// The round.
            round: RoundNumber,
            /// Whose update it is.
            trainer: T::AccountId,
            /// Who had challenged it.
            challenger: T::AccountId,
            /// What was taken out of the trainer's bond.
            taken: Balance,
        },
        /// The round is void, so a challenge has become pointless. The challenger has its bond back.
        Lapsed {
            /// The task.
            task: TaskId,
            /// The round.
            round: RoundNumber,
            /// Whose update it is.
            trainer: T::AccountId,
            /// Who had challenged it.
            challenger: T::AccountId,
        },
    }

    #[pallet::error]
    pub enum Error<T> {
        /// There is no such task or round.
        NoRound,
        /// Updates can be challenged from the end of phase Revealing until the round is over.
        WrongPhase,
        /// The account has revealed no update in this round, or its row is settled.
        NoUpdate,
        /// Nobody challenges its own update.
        OwnUpdate,
        /// The update is a single leaf, as its CID says: only the empty path names a block.
        NoSuchBlock,
        /// The update waits for an answer already. Wait for it, or for its deadline.
        AlreadyChallenged,
        /// Nobody has answered a challenge of this update: its trainer is accused already.
        AlreadyUnanswered,
        /// The update has met as many challenges as it has to in a round.
        TooManyChallenges,
        /// The update has no open challenge.
        NoChallenge,
        /// The time to answer is over. Anybody may call `conclude` now.
        TooLate,
        /// The challenge can still be answered.
        TooEarly,
        /// The blocks end before the path does. Add those that follow.
        TooFewBlocks,
        /// There are more blocks than it takes. Leave out those behind the last one of the path.
        TooManyBlocks,
        /// A node is longer than any that the canonical form has.
        BlockTooLong,
        /// A block does not hash to the CID by which it is named. Send the blocks of this path, the root first.
        OtherBlock,
        /// A node on the way is not in the canonical form, so its links cannot be told.
        MalformedNode,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn integrity_test() {
            assert!(
                T::ChallengeBond::get() > T::AnswerPrice::get(),
                "an answer must earn its trainer something"
            );
            assert!(
                T::AnswerPeriod::get() > 0 && T::MaxChallenges::get() > 0,
                "challenges must be possible, and answers to them"
            );
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Demands a block of an update: `path` are the numbers of the links to follow from its root, from 0. A leaf can be demanded,
        /// and any node; the empty path names the root.
        ///
        /// - **Who, when:** any signed account but the trainer, from the end of phase Revealing until the round is over, for an update
        ///   that has no open challenge, at most `MaxChallenges` times for each.
        /// - **Costs:** the fee. `ChallengeBond` is held (`Challenge`). An answer within `AnswerPeriod` blocks costs all of it: the
        ///   trainer gets it, less `AnswerPrice` for the treasury. Without one, and where the round becomes void, it is given back.
        /// - **Meanwhile** the trainer's row of the round cannot be settled, unless the round is void.
        /// - **Errors:** `OwnUpdate`, `NoRound`, `WrongPhase`, `NoUpdate`, `NoSuchBlock`, `AlreadyChallenged`, `AlreadyUnanswered`,
        ///   `TooManyChallenges`; the token's own where the free balance does not cover the bond.
        /// - **Events:** `Challenged`.
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::challenge())]
        pub fn challenge(
            origin: OriginFor<T>,
            task: TaskId,
            round: RoundNumber,
            trainer: T::AccountId,
            path: Path,
        ) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_challenge(who, task, round, trainer, path)
        }

        /// Answers a challenge: with the block that it demands, behind those on the way to it from the root; or, where the path names
        /// none, with the blocks on the way up to the node that shows it: one with fewer links, or whose link leads to a leaf with more
        /// of the path to follow.
        ///
        /// - **Who, when:** any signed account, for any trainer, until the challenge's deadline, be the round over or not.
        /// - **Costs:** nothing when it succeeds; the fee, which the length makes up, is taken in advance and given back. The
        ///   challenger's bond goes to the trainer, less `AnswerPrice`.
        /// - **Errors:** `NoChallenge`, `TooLate`, `NoUpdate`, `TooFewBlocks`, `TooManyBlocks`, `BlockTooLong`, `OtherBlock`,
        ///   `MalformedNode`. What is wrong changes nothing, and can be tried again.
        /// - **Events:** `Answered`.
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::answer(
            blocks.iter().fold(0u32, |sum, block| sum.saturating_add(block.len() as u32))
        ))]
        pub fn answer(
            origin: OriginFor<T>,
            task: TaskId,
            round: RoundNumber,
            trainer: T::AccountId,
            blocks: Blocks,
        ) -> DispatchResultWithPostInfo {
            let who = ensure_signed(origin)?;
            Self::do_answer(who, task, round, trainer, &blocks)?;
            Ok(Pays::No.into())
        }

        /// Ends a challenge that nobody has answered: gives the bond back, and accuses the trainer of `Unanswered`, which costs its bond
        /// in the task; the challenger gets its part of it. The trainer is not paid for the update any more. Where the round is void,
        /// the bond is given back, and nobody is accused.
        ///
        /// - **Who, when:** any signed account, after the challenge's deadline; at any time in a round that is void.
        /// - **Costs:** nothing when it succeeds.
        /// - **Errors:** `NoChallenge`, `TooEarly`.
        /// - **Events:** `Unanswered` or `Lapsed`.
        #[pallet::call_index(2)]
        #[pallet::weight(T::WeightInfo::conclude())]
        pub fn conclude(
            origin: OriginFor<T>,
            task: TaskId,
            round: RoundNumber,
            trainer: T::AccountId,
        ) -> DispatchResultWithPostInfo {
            ensure_signed(origin)?;
            Self::do_conclude(task, round, trainer)?;
            Ok(Pays::No.into())
        }
    }
}
