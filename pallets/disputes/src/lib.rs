//! # Disputes
//!
//! A slash is a case that waits: the accused may appeal to the council, and only then is the slash executed or the accused freed.
//!
//! ```text
//!            accuse            no appeal within AppealWindow
//!   fault ──────────► open ─────────────────────────────────► executed ──► task, reporter, treasury
//!                      │                                          ▲
//!               appeal │ a stake is held                          │ guilty; undecided, and the chain proves the fault
//!                      ▼                                          │
//!                   appealed ── vote by the council ── conclude ──┤
//!                                                                 │ freed; undecided, and somebody's word against the accused's
//!                                                                 ▼
//!                                                               freed ───► the accused
//! ```
//!
//! With an accusation, what is at stake leaves the accused's bond, and stays held from it until the case is concluded. The council
//! decides as soon as more than half of it agree, or at the end of `JudgmentPeriod` by the majority of those that have voted. A
//! member that is a party to the case has no vote: the accused, the reporter, the task's sponsor, and whoever is enrolled in the
//! task; a fault of a validator has no task. Where nobody has voted, or as many for as against, a fault that the chain's records prove
//! stands, and any other falls.
//!
//! The loser pays: an appellant whom the majority finds guilty loses its stake, of which `AppealCosts` go to the reporter where there is
//! one, and the rest to the treasury; one whom the majority frees gets `AppealCosts` from the reporter's bond, and what that
//! does not cover, from the treasury; all of it from the treasury where the chain's records are the proof, as no reporter's word was
//! needed. Where the council does not decide, nobody pays. Where less was seized than `AppealBond`, all of it is what an appeal puts at
//! stake, and the costs are nine tenths of that at most: so innocents can gain by appealing whatever was left of their bond.
//!
//! Example: a committee finds a trainer's update missing. With the trainer's `claim`, its bond becomes case 7. The trainer calls
//! `appeal(7)` and shows the council where the bytes are; two of three members `vote(7, false)`, anybody calls `conclude(7)`,
//! and the trainer has its bond back, its appeal bond, and the costs.
//!
//! # What it does not guarantee
//!
//! That the council is right: whatever its majority says is done. Nor that a member is no party by another account, or was none
//! earlier: whoever has left the task may vote.

#![cfg_attr(not(feature = "std"), no_std)]

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod cases;
mod council;
mod money;
mod try_state;
mod types;
pub mod weights;

#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

#[cfg(feature = "runtime-benchmarks")]
pub use benchmarking::BenchmarkHelper;
pub use pallet::*;
pub use types::{Ballot, Case};
pub use weights::WeightInfo;

#[allow(clippy::expect_used, reason = "what the macro expands to")]
#[frame_support::pallet]
pub mod pallet {
    use super::*;
    use decentralml_traits::{Bonds, Clock, Escrow, Reputation, Roster};
    use decentralml_types::{
        Balance, BlockNumber, CaseId, Fault, Role, RoundNumber, Ruling, SessionNumber, TaskId,
    };
    use frame_support::{
        pallet_prelude::*,
        traits::{
            SortedMembers,
            fungible::{Balanced, BalancedHold, Inspect, Mutate, hold},
        },
    };
    use frame_system::pallet_prelude::*;
    use sp_runtime::traits::BlockNumberProvider;

    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    #[pallet::config]
    pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
        /// The token that appeal bonds are held in and costs are paid in.
        type Currency: Inspect<Self::AccountId, Balance = Balance>
            + Mutate<Self::AccountId>
            + Balanced<Self::AccountId>
            + hold::Inspect<Self::AccountId, Reason = Self::RuntimeHoldReason>
            + hold::Mutate<Self::AccountId>
            + BalancedHold<Self::AccountId>;

        /// The runtime's hold reasons, ours among them.
        type RuntimeHoldReason: From<HoldReason>;

        /// What tells the time.
        type BlockNumberProvider: BlockNumberProvider<BlockNumber = BlockNumber>;

        /// Where the bonds are kept that cases are about.
        type Bonds: Bonds<Self::AccountId>;
        /// The tasks and their sponsors.
        type Clock: Clock<Self::AccountId>;
        /// Where a harmed task's money is.
        type Escrow: Escrow<Self::AccountId>;
        /// Where executed slashes are remembered.
        type Reputation: Reputation<Self::AccountId>;
        /// Who is enrolled.
        type Roster: Roster<Self::AccountId>;
        /// Who judges.
        type Council: SortedMembers<Self::AccountId>;

        /// Blocks in which the accused may appeal.
        #[pallet::constant]
        type AppealWindow: Get<BlockNumber>;

        /// Blocks in which the council may judge an appeal.
        #[pallet::constant]
        type JudgmentPeriod: Get<BlockNumber>;

        /// What an appeal puts at stake, in planck, at least, or all that was seized where that is less.
        type AppealBond: Get<Balance>;

        /// What an appeal puts at stake, in percent of what was seized.
        type AppealPercent: Get<u8>;

        /// What an accused gets whom the council frees, in planck; at most `AppealBond`, and in a case nine tenths of what its appeal
        /// has put at stake.
        type AppealCosts: Get<Balance>;

        /// Votes that one case can have; at least as many as the council can have members.
        #[pallet::constant]
        type MaxVotes: Get<u32>;

        /// Who receives what nobody else gets, and pays the costs of a case that nobody has reported.
        #[pallet::constant]
        type Treasury: Get<Self::AccountId>;

        /// What the calls weigh.
        type WeightInfo: WeightInfo;

        /// What the benchmarks need of the other pallets.
        #[cfg(feature = "runtime-benchmarks")]
        type BenchmarkHelper: BenchmarkHelper<Self::AccountId>;
    }

    /// The number of the next case.
    #[pallet::storage]
    pub type NextCase<T> = StorageValue<_, CaseId, ValueQuery>;

    /// Cases that are not concluded.
    ///
    /// The chain numbers them, so a cheap hasher is safe. What was seized stands for the row, which goes when the case is concluded. It may be less
    /// than a row is worth, where less was left of a bond; each takes a fault in a round that somebody has paid for.
    #[pallet::storage]
    pub type Cases<T: Config> =
        StorageMap<_, Twox64Concat, CaseId, crate::Case<T::AccountId>, OptionQuery>;

    /// Votes on appeals, in the order in which they came.
    ///
    /// Hashed as [`Cases`] are. The appeal bond stands for the row, which goes with its case.
    #[pallet::storage]
    pub type Ballots<T: Config> = StorageMap<
        _,
        Twox64Concat,
        CaseId,
        BoundedVec<crate::Ballot<T::AccountId>, T::MaxVotes>,
        ValueQuery,
    >;

    /// Why funds are held.
    #[pallet::composite_enum]
    pub enum HoldReason {
        /// What an appeal puts at stake.
        AppealBond,
    }

    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// An account is accused of a fault in a round, and what is at stake was taken out of its bond.
        Opened {
            /// The case.
            case: CaseId,
            /// Who.
            accused: T::AccountId,
            /// Which of its bonds.
            role: Role,
            /// Of what.
            fault: Fault,
            /// In which task.
            task: TaskId,
            /// In which round.
            round: RoundNumber,
            /// What was taken, in planck.
            amount: Balance,
            /// Who has shown the fault, where somebody has.
            reporter: Option<T::AccountId>,
            /// The first block in which it is too late to appeal.
            deadline: BlockNumber,
        },
        /// An account is accused of a fault in a session of the validators, and what is at stake was taken out of its bond.
        OpenedInSession {
            /// The case.
            case: CaseId,
            /// Who.
            accused: T::AccountId,
            /// Which of its bonds.
            role: Role,
            /// Of what.
            fault: Fault,
            /// In which session.
            session: SessionNumber,
            /// What was taken, in planck.
            amount: Balance,
            /// In whose block the report was, where that is known and not the accused.
            reporter: Option<T::AccountId>,
            /// The first block in which it is too late to appeal.
            deadline: BlockNumber,
        },
        /// The accused appealed to the council.
        Appealed {
            /// The case.
            case: CaseId,
            /// What is held for the appeal, in planck.
            bond: Balance,
            /// The first block in which it is too late to vote.
            deadline: BlockNumber,
        },
        /// A member of the council voted.
        Voted {
            /// The case.
            case: CaseId,
            /// Who.
            who: T::AccountId,
            /// Whether it finds the accused guilty.
            guilty: bool,
        },
        /// A slash was executed.
        Executed {
            /// The case.
            case: CaseId,
            /// Who was slashed.
            accused: T::AccountId,
            /// What the council has made of the appeal; `None` where there was none.
            ruling: Option<Ruling>,
            /// What was slashed, in planck.
            amount: Balance,
            /// The part of it that went to the task or, where that is gone, to its sponsor.
            to_harmed: Balance,
            /// The part of it that went to the reporter. The rest went to the treasury.
            to_reporter: Balance,
            /// What the accused lost of its appeal bond on top, in planck.
            bond_lost: Balance,
        },
        /// An accused was freed, and has back what was taken.
        Freed {
            /// The case.
            case: CaseId,
            /// Who.
            accused: T::AccountId,
            /// What the council has made of the appeal.
            ruling: Option<Ruling>,
            /// What was given back, without the appeal bond, in planck.
            amount: Balance,
            /// What the accused got for its costs, in planck.
            costs: Balance,
        },
    }

    #[pallet::error]
    pub enum Error<T> {
        /// There is no such case, or it is concluded.
        UnknownCase,
        /// Only the accused may appeal.
        NotAccused,
        /// The accused has appealed already.
        AlreadyAppealed,
        /// The time to appeal, or to judge, is over. Anybody may call `conclude` now.
        TooLate,
        /// Only members of the council vote.
        NotCouncilor,
        /// A party to the case has no vote: the accused, the reporter, the task's sponsor, and whoever is enrolled in the task.
        PartyToTheCase,
        /// The accused has not appealed, so there is nothing to vote on.
        NotAppealed,
        /// The account has voted on this case already.
        AlreadyVoted,
        /// The case has as many votes as it can have. Wait for its deadline, and call `conclude`.
        TooManyVotes,
        /// The accused may still appeal, or the council has not decided and still may. Wait for the deadline of the case.
        TooEarly,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn integrity_test() {
            assert!(
                T::AppealWindow::get() > 0 && T::JudgmentPeriod::get() > 0,
                "without time to appeal and to judge, an accusation is a verdict"
            );
            assert!(
                T::AppealBond::get() > 0,
                "appeals that cost nothing would be made in every case"
            );
            assert!(
                T::AppealCosts::get() <= T::AppealBond::get(),
                "who wins must not get more than who loses would have paid"
            );
            assert!(T::MaxVotes::get() > 0, "a council without votes decides nothing");
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Appeals to the council against an accusation.
        ///
        /// - **Who, when:** the accused, once, from the accusation until `AppealWindow` blocks later.
        /// - **Costs:** the fee. `AppealPercent` of what was seized, and `AppealBond` at least, but no more than was seized, is held
        ///   (`AppealBond`) until the case is concluded, and lost where the council's majority finds the accused guilty. The case keeps what
        ///   these were when it was opened.
        /// - **Errors:** `UnknownCase`, `NotAccused`, `AlreadyAppealed`, `TooLate`; the token's own where the free balance does not
        ///   cover the bond.
        /// - **Events:** `Appealed`.
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::appeal())]
        pub fn appeal(origin: OriginFor<T>, case: CaseId) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_appeal(who, case)
        }

        /// Votes on an appeal.
        ///
        /// - **Who, when:** members of the council that are no party to the case, once each, from the appeal until `JudgmentPeriod`
        ///   blocks later. The vote counts where its sender is a member when the case is concluded as well.
        /// - **Costs:** the fee.
        /// - **Errors:** `UnknownCase`, `NotCouncilor`, `PartyToTheCase`, `NotAppealed`, `TooLate`, `AlreadyVoted`, `TooManyVotes`.
        /// - **Events:** `Voted`.
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::vote())]
        pub fn vote(origin: OriginFor<T>, case: CaseId, guilty: bool) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_vote(who, case, guilty)
        }

        /// Ends a case: the slash is executed, or the accused freed.
        ///
        /// - **Who, when:** anybody; without an appeal, once the time to appeal is over; after one, as soon as more than half of the
        ///   council agree, or once the time to judge is over.
        /// - **Costs:** nothing when it succeeds; otherwise the fee. What was seized is given back or goes to the task, the reporter and
        ///   the treasury. An appellant found guilty loses its stake, to the treasury but for the reporter's costs; one that is freed gets its
        ///   costs from the reporter or the treasury. See the pallet's description.
        /// - **Errors:** `UnknownCase`, `TooEarly`.
        /// - **Events:** `Executed` or `Freed`.
        #[pallet::call_index(2)]
        #[pallet::weight(T::WeightInfo::conclude_guilty().max(T::WeightInfo::conclude_freed()))]
        pub fn conclude(origin: OriginFor<T>, case: CaseId) -> DispatchResultWithPostInfo {
            ensure_signed(origin)?;
            Self::do_conclude(case)?;
            Ok(Pays::No.into())
        }
    }
}
