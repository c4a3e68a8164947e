//! # Tasks
//!
//! What is trained: specifications, the money for them, and the clock of their rounds.
//!
//! ```text
//!            enough enrolled            all rounds settled, or the target reached
//!  Enrolling ──────────────► Running ────────────────────────────────► Completed
//!      │  ▲ too few enrolled ─┘ ▲ │ pause, too many failures in a row, no funds, no attempts left
//!      │ pause           resume │ ▼
//!      └────────────────────► Paused
//!
//!  any of them ── cancel ──► Cancelled          any of them ── lifetime over ──► Expired
//! ```
//!
//! A running task has exactly one live round at a time; `decentralml-protocol` says when its phases end. Every protocol call
//! moves the clock where everybody has acted ([`Clock::acted`]); past a deadline anybody does, by [`Pallet::advance`]. A round
//! number is an attempt and never repeats; a task has as many as it has paid for (`TaskSpec::attempts`).
//!
//! Example: a sponsor calls `create(spec)`, which pays for all rounds at once. Six trainers and three evaluators enroll, which
//! starts round 1; fifteen rounds settle, each pays what it owes by claims; the sponsor gets the rest, and after the last claim
//! anybody calls `reap`, which returns the deposit.
//!
//! ## Money
//!
//! A task's funds lie in a sub-account of their own: what keeps it alive, and [`Money`]: `free` for rounds to come, `reserved` for
//! the live round, `unclaimed` for what settled rounds owe, `owed` for what was claimed and could not be paid: these in the asset
//! that the task pays in, the chain's token or another one; and `charges`, always in the chain's token. `try_state` proves it of
//! the chain's token.
//!
//! A payment that fails holds nobody up: the row is settled, the amount is noted in [`Owed`], [`Pallet::collect`] tries again, and
//! [`Pallet::write_off`] ends the waiting long after the task.
//!
//! Calls that are free for those who work in a round are paid for by the sponsor: when a round starts, the price of all that
//! there can be goes from `charges` to the treasury, whether the round settles or not. That price also buys the round's permanent
//! record, the model's version.
//!
//! ## What it does not guarantee
//!
//! That an asset other than the chain's token is there when it is due, or worth anything: its admin can take it out of a task's
//! account, its freezer can keep it there, its owner can destroy it. Nothing native depends on it.
//!
//! That a phase ends in the very block of its deadline: nobody can act in it from then on, but it ends only when somebody calls
//! `advance`. That anybody enrolls: until then the sponsor may cancel, and the lifetime ends every task. That whoever is enrolled
//! works: rounds that fail for it use up attempts, each at its charge.
//!
//! [`Clock::acted`]: decentralml_traits::Clock::acted

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
pub mod benchmarking;
mod clock;
mod debts;
mod escrow;
mod funding;
mod lifecycle;
mod rounds;
mod starting;
mod try_state;
mod types;
pub mod weights;

#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

pub use decentralml_protocol::clock::SEED_DELAY;
pub use pallet::*;
pub use types::{Debt, Money, PauseReason, Round, Task, TaskOf};
pub use weights::WeightInfo;

#[allow(clippy::expect_used, reason = "what the macro expands to")]
#[frame_support::pallet]
pub mod pallet {
    use super::*;
    use alloc::boxed::Box;
    use decentralml_traits::{Bonds, Evidence, Judgment, Registry, Roster};
    use decentralml_types::{
        Asset, Balance, BlockNumber, Cid, CommitteeNumber, Failure, Penalties, Phase, Ppm,
        RoundNumber, TaskId, TaskSpec, TaskStatus, Version,
    };
    use frame_support::{
        PalletId,
        pallet_prelude::*,
        traits::{
            fungible::{Inspect, Mutate, hold},
            fungibles,
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
        /// The chain's own token, in which deposits are held and free calls are paid for.
        type Currency: Inspect<Self::AccountId, Balance = Balance>
            + Mutate<Self::AccountId>
            + hold::Inspect<Self::AccountId, Reason = Self::RuntimeHoldReason>
            + hold::Mutate<Self::AccountId>;

        /// Everything that rewards and fees can be paid in, the chain's own token among it.
        type Funds: fungibles::Inspect<Self::AccountId, AssetId = Asset, Balance = Balance>
            + fungibles::Mutate<Self::AccountId>;

        /// The runtime's hold reasons, ours among them.
        type RuntimeHoldReason: From<HoldReason>;

        /// What tells the time.
        type BlockNumberProvider: BlockNumberProvider<BlockNumber = BlockNumber>;

        /// What the sub-accounts of tasks derive from.
        #[pallet::constant]
        type PalletId: Get<PalletId>;

        /// Deposit for a task, in planck.
        #[pallet::constant]
        type DepositBase: Get<Balance>;

        /// Deposit for each row that a task's rounds may write, in planck.
        #[pallet::constant]
        type DepositPerRow: Get<Balance>;

        /// What a sponsor pays for each call that is free for others, in planck.
        #[pallet::constant]
        type CallPrice: Get<Balance>;

        /// Who receives what those calls cost. What it cannot receive is burned.
        type Treasury: Get<Self::AccountId>;

        /// What faults cost in a task that is created now.
        type Penalties: Get<Penalties>;

        /// The least that can be put at risk.
        type Bonds: Bonds<Self::AccountId>;

        /// Who is enrolled, and who is drawn.
        type Roster: Roster<Self::AccountId>;

        /// Which updates there are.
        type Evidence: Evidence<Self::AccountId>;

        /// What committees find.
        type Judgment: Judgment;

        /// Where models go.
        type Registry: Registry;

        /// What the calls weigh.
        type WeightInfo: WeightInfo;

        /// Fills the other pallets for a benchmark.
        #[cfg(feature = "runtime-benchmarks")]
        type BenchmarkHelper: benchmarking::BenchmarkHelper<Self::AccountId>;
    }

    /// The id of the next task.
    #[pallet::storage]
    pub type NextTask<T: Config> = StorageValue<_, TaskId, ValueQuery>;

    /// Tasks, each in a row of its own. The chain counts the ids, so a cheap hasher is safe; the sponsor's deposit pays.
    #[pallet::storage]
    pub type Tasks<T: Config> = StorageMap<_, Twox64Concat, TaskId, TaskOf<T>, OptionQuery>;

    /// Rounds: one record each until their task is reaped. The chain counts both keys; the sponsor's deposit pays.
    #[pallet::storage]
    pub type Rounds<T: Config> =
        StorageDoubleMap<_, Twox64Concat, TaskId, Twox64Concat, RoundNumber, Round, OptionQuery>;

    /// What was claimed and could not be paid. Anybody may choose an account, so its hash is a strong one. The deposit for the row
    /// that was settled pays for this one.
    #[pallet::storage]
    pub type Owed<T: Config> = StorageDoubleMap<
        _,
        Twox64Concat,
        TaskId,
        Blake2_128Concat,
        T::AccountId,
        Debt,
        OptionQuery,
    >;

    /// Why funds are held.
    #[pallet::composite_enum]
    pub enum HoldReason {
        /// A sponsor's deposit for the storage that a task takes.
        TaskDeposit,
    }

    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A task was created and paid for.
        TaskCreated {
            /// Its id.
            task: TaskId,
            /// Who created it.
            sponsor: T::AccountId,
            /// What it pays in.
            asset: Asset,
            /// For all its rounds, in the asset's smallest unit.
            pay: Balance,
            /// For the free calls of all its attempts, in planck.
            charges: Balance,
            /// Held for storage, in planck.
            deposit: Balance,
        },
        /// Somebody added to a task's funds.
        TaskFunded {
            /// The task.
            task: TaskId,
            /// Who.
            who: T::AccountId,
            /// What it pays in.
            asset: Asset,
            /// For rounds to come, in the asset's smallest unit.
            pay: Balance,
            /// For free calls, in planck.
            charges: Balance,
        },
        /// No further round starts until the sponsor resumes, which takes attempts that are left.
        TaskPaused {
            /// The task.
            task: TaskId,
            /// Why.
            reason: PauseReason,
        },
        /// Rounds start again.
        TaskResumed {
            /// The task.
            task: TaskId,
        },
        /// Too few are enrolled for the next round, which starts as round 1 did: at once when everybody who would be drawn is
        /// enrolled, or with the minimum once the time to enroll is over.
        EnrollmentReopened {
            /// The task.
            task: TaskId,
            /// The block from which the minimum suffices.
            deadline: BlockNumber,
        },
        /// A task is over.
        TaskEnded {
            /// The task.
            task: TaskId,
            /// How.
            status: TaskStatus,
            /// What the sponsor got back at once of what rounds would have paid, in the smallest unit of the task's asset.
            refunded: Balance,
            /// What the sponsor got back at once of the money for free calls, in planck.
            charges: Balance,
        },
        /// More came back to the sponsor of a task that is over.
        Refunded {
            /// The task.
            task: TaskId,
            /// Of what.
            asset: Asset,
            /// In the asset's smallest unit.
            amount: Balance,
        },
        /// A task that was over is gone from storage.
        TaskReaped {
            /// The task.
            task: TaskId,
            /// What the sponsor got back of the native token, deposit included, in planck.
            returned: Balance,
        },
        /// The calls that are free for others in a round were paid for, out of the task's charges. It is not returned.
        RoundCharged {
            /// The task.
            task: TaskId,
            /// The round that starts.
            round: RoundNumber,
            /// In planck.
            amount: Balance,
        },
        /// A round started, in phase `Training`.
        RoundStarted {
            /// The task.
            task: TaskId,
            /// Its number.
            round: RoundNumber,
            /// Trainers that are drawn.
            places: u32,
            /// The model to start from; `None` where the weights come from the seed.
            base: Option<Cid>,
            /// The block from which the phase can be ended.
            deadline: BlockNumber,
        },
        /// A round is in its next phase.
        PhaseEntered {
            /// The task.
            task: TaskId,
            /// The round.
            round: RoundNumber,
            /// Its phase from now on.
            phase: Phase,
            /// The block from which the phase can be ended.
            deadline: BlockNumber,
        },
        /// A committee failed, and another is drawn.
        CommitteeRedrawn {
            /// The task.
            task: TaskId,
            /// The round.
            round: RoundNumber,
            /// The new committee.
            committee: CommitteeNumber,
            /// What the old one failed at.
            failure: Failure,
        },
        /// A round produced the task's next model.
        RoundSettled {
            /// The task.
            task: TaskId,
            /// The round.
            round: RoundNumber,
            /// The version of the model.
            version: Version,
            /// Its weights.
            cid: Cid,
            /// The state of the server's optimizer after it, where the task's has one.
            state: Option<Cid>,
            /// The metric that the committee attested, in parts per million.
            metric: Ppm,
            /// Updates in it.
            accepted: u32,
        },
        /// A round ended without a model.
        RoundVoided {
            /// The task.
            task: TaskId,
            /// The round.
            round: RoundNumber,
            /// Why.
            failure: Failure,
        },
        /// Part of what a round owes was paid.
        Paid {
            /// The task.
            task: TaskId,
            /// The round.
            round: RoundNumber,
            /// To whom.
            who: T::AccountId,
            /// Of what.
            asset: Asset,
            /// In the asset's smallest unit.
            amount: Balance,
        },
        /// Part of what a round owes was due and could not be paid. It stays owed, and can be collected.
        PaymentOwed {
            /// The task.
            task: TaskId,
            /// The round.
            round: RoundNumber,
            /// To whom.
            who: T::AccountId,
            /// Of what.
            asset: Asset,
            /// In the asset's smallest unit.
            amount: Balance,
            /// Why it could not be paid.
            reason: DispatchError,
        },
        /// What was owed to an account was paid.
        Collected {
            /// The task.
            task: TaskId,
            /// To whom.
            who: T::AccountId,
            /// Of what.
            asset: Asset,
            /// In the asset's smallest unit.
            amount: Balance,
        },
        /// What was owed to an account is owed no longer: nobody could be paid in time.
        WrittenOff {
            /// The task.
            task: TaskId,
            /// To whom.
            who: T::AccountId,
            /// Of what.
            asset: Asset,
            /// In the asset's smallest unit.
            amount: Balance,
        },
        /// The last claim of a round was settled.
        RoundClosed {
            /// The task.
            task: TaskId,
            /// The round.
            round: RoundNumber,
            /// What it did not owe to anybody in the end, back to the task, in the smallest unit of the task's asset.
            returned: Balance,
        },
        /// Slashed funds reached the task, which pays for free calls with them.
        Recovered {
            /// The task.
            task: TaskId,
            /// In planck.
            amount: Balance,
        },
    }

    #[pallet::error]
    pub enum Error<T> {
        /// There is no such task, or it was reaped.
        UnknownTask,
        /// There is no such round of the task.
        UnknownRound,
        /// Only the task's sponsor may do this.
        NotSponsor,
        /// The specification contradicts itself or the protocol's limits. A client's check says where.
        InvalidSpec,
        /// No more tasks can be created on this chain.
        TooManyTasks,
        /// The task is over.
        TaskOver,
        /// The task is not over. Cancel it, or let its rounds and lifetime end.
        TaskNotOver,
        /// The task is paused already.
        AlreadyPaused,
        /// The task is not paused.
        NotPaused,
        /// A bond that the specification asks for is below the chain's minimum for the role. Ask for more.
        BondTooLow,
        /// What a round pays a trainer is not worth the risk of its bond, even for honest work. Raise the reward, or lower the bond or
        /// `trainers.max`.
        RewardTooLow,
        /// A seat's fee is not worth the risk of its bond, even for honest work. Raise the fee or lower the bond.
        FeeTooLow,
        /// The task's free funds do not pay for another round, or for its free calls. Fund it.
        OutOfFunds,
        /// The task's account cannot pay what it owes and another round in its asset: that is frozen or gone, or was taken out.
        /// Have it thawed, or transfer what is missing to the account.
        AssetUnavailable,
        /// The task has started as many rounds as it paid for. Cancel it, and create another.
        AttemptsExhausted,
        /// Everybody still has time: nothing moves now.
        NothingToAdvance,
        /// Participants have not settled everything yet. Claim for them, or wait until claims have expired and do so then.
        UnsettledRows,
        /// Running scores of the task's trainers are left. Forget them first, by `validation.forget`.
        StandingsLeft,
        /// Every row of the round is settled already.
        NothingToSettle,
        /// More was to be paid than the round owes.
        Overdrawn,
        /// An amount of zero was given.
        ZeroAmount,
        /// The asset reported a transfer and did not credit it.
        NotReceived,
        /// The task owes nothing to this account.
        NothingOwed,
        /// Accounts are still owed something. Collect it for them, or write it off once it is time.
        DebtsLeft,
        /// What is owed has to be left for as long as claims have, after the end of the task and after it could not be paid last.
        TooEarly,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn integrity_test() {
            assert!(
                T::DepositBase::get() > 0,
                "the deposit keeps the sponsor's account alive, so that refunds arrive"
            );
            assert!(
                T::CallPrice::get() > 0,
                "free calls that nobody pays for cost nothing to fill blocks with"
            );
            assert!(
                funding::account_is_unique::<T>(),
                "accounts are too short for one sub-account per task"
            );
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Creates a task and pays for all its rounds.
        ///
        /// - **Who, when:** any signed account, which becomes the sponsor.
        /// - **Costs:** the fee. Transferred to the task in what it pays in: `rounds × (reward_per_round + seats × fee_per_seat)` and,
        ///   of an asset that is not native, its minimum balance; in native tokens the price of what is free for others,
        ///   `attempts × CallPrice × (3 × trainers.max + 2 × trainers.max in sealed tasks + 8 × seats + 4 × ⌈trainers.max / 32⌉ + 12)`,
        ///   with `trainers.max + seats` more in the brackets where it pays in another asset, and
        ///   `attempts` = `rounds × (1 + max_retries)`; and one existential deposit. Held (`TaskDeposit`): a deposit of
        ///   `DepositBase + DepositPerRow × attempts × (trainers.max + 2 × seats)`. The price of an attempt goes to the treasury
        ///   when it starts; all else that is not earned comes back. Nothing can be slashed.
        /// - **Errors:** `InvalidSpec`, `BondTooLow`, `RewardTooLow`, `FeeTooLow`, `TooManyTasks`; the token's own where the free balance
        ///   does not suffice, or where there is no such asset.
        /// - **Events:** `TaskCreated`.
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::create())]
        pub fn create(origin: OriginFor<T>, spec: Box<TaskSpec>) -> DispatchResult {
            let sponsor = ensure_signed(origin)?;
            Self::do_create(sponsor, *spec)
        }

        /// Adds to a task's funds: `pay` for rounds, in the smallest unit of what it pays in, and `charges` for free calls, in planck. It
        /// is a gift: what is not earned goes to the sponsor in the end.
        ///
        /// - **Who, when:** any signed account, until the task is over.
        /// - **Costs:** the fee, `pay` and `charges`. One of them may be 0.
        /// - **Errors:** `UnknownTask`, `TaskOver`, `ZeroAmount`; the token's own.
        /// - **Events:** `TaskFunded`.
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::fund())]
        pub fn fund(
            origin: OriginFor<T>,
            task: TaskId,
            pay: Balance,
            charges: Balance,
        ) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_fund(who, task, pay, charges)
        }

        /// Lets the live round end, and no further one start.
        ///
        /// - **Who, when:** the sponsor, while the task enrolls or runs.
        /// - **Costs:** the fee.
        /// - **Errors:** `UnknownTask`, `NotSponsor`, `TaskOver`, `AlreadyPaused`.
        /// - **Events:** `TaskPaused`.
        #[pallet::call_index(2)]
        #[pallet::weight(T::WeightInfo::pause())]
        pub fn pause(origin: OriginFor<T>, task: TaskId) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_pause(who, task)
        }

        /// Lets rounds start again, and forgives earlier failures. Where none is live, the next one starts at once with whoever is
        /// enrolled, round 1 only once it is ready; where too few are, the time to enroll begins anew.
        ///
        /// - **Who, when:** the sponsor, while the task is paused, for whatever reason.
        /// - **Costs:** the fee; where a round starts, its charge, out of the task's funds.
        /// - **Errors:** `UnknownTask`, `NotSponsor`, `TaskOver`, `NotPaused`; `OutOfFunds`, `AssetUnavailable` and `AttemptsExhausted`
        ///   where no round can start.
        /// - **Events:** `TaskResumed`, and `RoundCharged` and `RoundStarted`, or `EnrollmentReopened`.
        #[pallet::call_index(3)]
        #[pallet::weight(T::WeightInfo::resume())]
        pub fn resume(origin: OriginFor<T>, task: TaskId) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_resume(who, task)
        }

        /// Ends a task. The live round is void, its charge gone; what settled rounds owe can still be claimed; the rest goes back
        /// at once, or once the asset allows it.
        ///
        /// - **Who, when:** the sponsor, in every phase, until the task is over.
        /// - **Costs:** the fee.
        /// - **Errors:** `UnknownTask`, `NotSponsor`, `TaskOver`.
        /// - **Events:** `RoundVoided` where a round was live, `TaskEnded`.
        #[pallet::call_index(4)]
        #[pallet::weight(T::WeightInfo::cancel())]
        pub fn cancel(origin: OriginFor<T>, task: TaskId) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_cancel(who, task)
        }

        /// Moves a task on by one step: ends a phase that is complete or past its deadline, counts a batch of scores, starts a
        /// round, or ends a task whose lifetime is over.
        ///
        /// - **Who, when:** any signed account, in every phase.
        /// - **Costs:** nothing where something moves, the fee otherwise.
        /// - **Errors:** `UnknownTask`, `NothingToAdvance`.
        /// - **Events:** those of what moved: `RoundCharged`, `RoundStarted`, `PhaseEntered`, `CommitteeRedrawn`, `RoundSettled`,
        ///   `RoundVoided`, `EnrollmentReopened`, `TaskPaused`, `TaskEnded`.
        #[pallet::call_index(5)]
        #[pallet::weight(weights::advance::<T::WeightInfo>())]
        pub fn advance(origin: OriginFor<T>, task: TaskId) -> DispatchResultWithPostInfo {
            ensure_signed(origin)?;
            Self::do_advance(task)?;
            Ok(Pays::No.into())
        }

        /// Removes up to `limit` round records of a task that is over and, with the last of them, the task: everything left in its
        /// account and the deposit go to the sponsor.
        ///
        /// - **Who, when:** any signed account, once the task is over. It stops at the first round, in the storage's order, of which
        ///   a participant's row is not settled; and the last records stay until all running scores are forgotten, and nothing is owed.
        ///   An asset that cannot be given back holds it up for `deadlines.claiming` blocks after the end of the task, and is lost then.
        /// - **Costs:** the fee, for the records that it removed.
        /// - **Errors:** `UnknownTask`, `TaskNotOver`; `UnsettledRows` where nothing could be removed; `StandingsLeft`; `DebtsLeft`; the
        ///   token's own.
        /// - **Events:** `TaskReaped` where the task is gone, `Refunded` before it where some of another asset was left.
        #[pallet::call_index(6)]
        #[pallet::weight(T::WeightInfo::reap(*limit))]
        pub fn reap(origin: OriginFor<T>, task: TaskId, limit: u32) -> DispatchResultWithPostInfo {
            ensure_signed(origin)?;
            let removed = Self::do_reap(task, limit)?;
            Ok(Some(T::WeightInfo::reap(removed)).into())
        }

        /// Pays what a task owes to an account because it could not be paid when it was claimed; of a task that is over, also what its
        /// sponsor did not get back.
        ///
        /// - **Who, when:** any signed account for any account, until the task is reaped.
        /// - **Costs:** nothing where it is paid, the fee otherwise.
        /// - **Errors:** `UnknownTask`, `NothingOwed`, `NotReceived`; the token's own where it still cannot be paid.
        /// - **Events:** `Collected`, or `Refunded` for the sponsor.
        #[pallet::call_index(7)]
        #[pallet::weight(T::WeightInfo::collect())]
        pub fn collect(
            origin: OriginFor<T>,
            task: TaskId,
            account: T::AccountId,
        ) -> DispatchResultWithPostInfo {
            ensure_signed(origin)?;
            Self::do_collect(task, account)?;
            Ok(Pays::No.into())
        }

        /// Gives up what a task owes to an account, so that the task can be reaped. It becomes free, and goes to the sponsor where it
        /// can.
        ///
        /// - **Who, when:** any signed account, once the task is over and `deadlines.claiming` more blocks have passed since then and
        ///   since the last part of it could not be paid.
        /// - **Costs:** the fee.
        /// - **Errors:** `UnknownTask`, `TaskNotOver`, `NothingOwed`, `TooEarly`.
        /// - **Events:** `WrittenOff`, `Refunded` where the sponsor got something.
        #[pallet::call_index(8)]
        #[pallet::weight(T::WeightInfo::write_off())]
        pub fn write_off(
            origin: OriginFor<T>,
            task: TaskId,
            account: T::AccountId,
        ) -> DispatchResult {
            ensure_signed(origin)?;
            Self::do_write_off(task, account)
        }
    }
}
