//! Who does what: enrollment in tasks, and the seeded draws of trainers and committees.
//!
//! ```text
//!             block b                 block b+1             block b+2
//!   tasks ── open_draw ──► draw:      its VRF output ──►    the seed is captured,
//!                          who is in  nobody chose it       everybody can tell its place
//! ```
//!
//! An enrolled account owns a *slot* of its task, role and class; slots are numbered without holes. A draw freezes how many slots
//! there are and, once its seed is known, maps each of them to a place by a keyed permutation
//! (`decentralml_protocol::draw`). The lowest places are drawn. Checking one account costs the same whatever the number of
//! enrolled ones, and no list of the drawn is stored.
//!
//! Where a task draws by bond, an account may enroll with a weight of 2, 4, 8 or 16, up to the task's cap: it puts so many times the
//! bond at risk, and is as likely to be drawn as so many accounts of weight 1. Accounts of one weight are a class; elsewhere all are of
//! the first. Every class has a permutation and a number of places of its own, so that a draw stays five counts.
//!
//! A leaver's slot goes to the account in the last slot, which keeps its old slot for the draw that is open: leaving cannot
//! disturb a draw, and enrolling and leaving many accounts leaves no empty slots that later draws would hit.
//!
//! An enrollment puts one bond at risk, times its weight, which stands for one round at a time: as long as something that the account did in a
//! round can cost it the bond, it cannot commit in another round of the task.
//!
//! # What it does not guarantee
//!
//! The author of the block after a draw can withhold that block and so try for another seed, at the price of its slot. A block
//! without VRF output leaves the draws that wait for it without a seed: nobody is drawn, and the phase ends at its deadline.
//! BABE must therefore be configured so that every block has one.

#![cfg_attr(not(feature = "std"), no_std)]

pub use pallet::*;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod draw;
mod enrollment;
#[cfg(test)]
mod mock;
mod roster;
#[cfg(test)]
mod tests;
mod try_state;
pub mod types;
pub mod weights;

#[cfg(feature = "runtime-benchmarks")]
pub use benchmarking::BenchmarkHelper;
pub use types::{Earlier, Enrollment, OpenDraw, PendingSeed, Population};
pub use weights::WeightInfo;

#[frame_support::pallet]
#[allow(clippy::expect_used, reason = "what the macro expands to")]
pub mod pallet {
    use super::*;
    use decentralml_traits::{Bonds, Clock, Draw, Keyring, Reputation};
    use decentralml_types::{Role, RoundNumber, TaskId};
    use frame_support::{pallet_prelude::*, traits::Randomness};
    use frame_system::pallet_prelude::*;

    #[pallet::pallet]
    pub struct Pallet<T>(_);

    #[pallet::config]
    pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
        /// Where the bonds are kept that an enrollment puts at risk.
        type Bonds: Bonds<Self::AccountId>;
        /// The tasks in which accounts enroll.
        type Clock: Clock<Self::AccountId>;
        /// Who can be encrypted to.
        type Keyring: Keyring<Self::AccountId>;
        /// How accounts have acted.
        type Reputation: Reputation<Self::AccountId>;
        /// The VRF output of the parent block; `None` where that block has none.
        type Randomness: Randomness<Option<Self::Hash>, BlockNumberFor<Self>>;
        /// Accounts that can be enrolled in one task and role.
        #[pallet::constant]
        type MaxEnrolled: Get<u32>;
        /// What the calls cost.
        type WeightInfo: WeightInfo;
        /// Prepares the other pallets for the benchmarks.
        #[cfg(feature = "runtime-benchmarks")]
        type BenchmarkHelper: BenchmarkHelper<Self::AccountId>;
    }

    /// Who owns a slot, numbered from 0 without holes in each class. Task ids, roles, classes and slots are assigned by the chain, so a
    /// cheap hasher is safe. The row stands for an enrollment, which the bond at risk pays for; it goes when its owner leaves.
    #[pallet::storage]
    pub type Slots<T: Config> = StorageNMap<
        _,
        (
            NMapKey<Twox64Concat, TaskId>,
            NMapKey<Twox64Concat, Role>,
            NMapKey<Twox64Concat, u8>,
            NMapKey<Twox64Concat, u32>,
        ),
        T::AccountId,
    >;

    /// Enrollments by account. Accounts are chosen by their owners, hence the cryptographic hasher. Paid for like [`Slots`].
    #[pallet::storage]
    pub type Places<T: Config> = StorageNMap<
        _,
        (
            NMapKey<Twox64Concat, TaskId>,
            NMapKey<Twox64Concat, Role>,
            NMapKey<Blake2_128Concat, T::AccountId>,
        ),
        Enrollment,
    >;

    /// How many are enrolled. The row goes with the last of them.
    #[pallet::storage]
    pub type Populations<T: Config> =
        StorageDoubleMap<_, Twox64Concat, TaskId, Twox64Concat, Role, Population>;

    /// The number of the next draw, counted over all tasks and never repeated.
    #[pallet::storage]
    pub type NextDraw<T: Config> = StorageValue<_, u64, ValueQuery>;

    /// Draws in use. The task's deposit pays for the row; it goes when the task closes the draw.
    #[pallet::storage]
    pub type Draws<T: Config> = StorageNMap<
        _,
        (
            NMapKey<Twox64Concat, TaskId>,
            NMapKey<Twox64Concat, RoundNumber>,
            NMapKey<Twox64Concat, Draw>,
        ),
        OpenDraw<BlockNumberFor<T>>,
    >;

    /// The seed that a block gave, kept while a draw uses it. One row serves all draws of a block.
    #[pallet::storage]
    pub type Seeds<T: Config> = StorageMap<_, Twox64Concat, BlockNumberFor<T>, PendingSeed>;

    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// An account takes part in a task.
        Enrolled {
            /// The task.
            task: TaskId,
            /// As what.
            role: Role,
            /// Who.
            who: T::AccountId,
            /// What it weighs in draws, and how many times the task's bond it has put at risk.
            weight: u8,
        },
        /// An account takes part in a task no more: it left or, once the task was over, was dismissed.
        Left {
            /// The task.
            task: TaskId,
            /// As what.
            role: Role,
            /// Who.
            who: T::AccountId,
        },
        /// A draw was opened; its seed comes from block `seed_block` and is known one block later.
        DrawOpened {
            /// The task.
            task: TaskId,
            /// The round.
            round: RoundNumber,
            /// What is drawn.
            draw: Draw,
            /// Slots among which it is drawn, of all classes.
            population: u32,
            /// Slots that are drawn.
            places: u32,
            /// The block whose VRF output is the seed.
            seed_block: BlockNumberFor<T>,
        },
    }

    #[pallet::error]
    pub enum Error<T> {
        /// There is no such task.
        UnknownTask,
        /// The task is over: nobody enrolls any more.
        TaskOver,
        /// A sponsor cannot take part in its own task.
        SponsorCannotEnroll,
        /// The account is enrolled in this role already.
        AlreadyEnrolled,
        /// The account is enrolled in the task's other role; an account has one role in a task.
        EnrolledInOtherRole,
        /// Validators have no part in tasks. Enroll as a trainer or as an evaluator.
        NoPartInTasks,
        /// The weight is not 1, 2, 4, 8 or 16, or is above the task's cap, which is 1 where it draws equally.
        WrongWeight,
        /// As many accounts as the chain allows are enrolled in this role.
        Full,
        /// The task is sealed, and the account has registered no key that updates could be encrypted to. It calls
        /// `participants.set_encryption_key` first.
        NoEncryptionKey,
        /// The account's score in this role is below the minimum that the task asks for. It rises with accepted updates and seats in
        /// other tasks, and what lowers it fades; an account without a record has 500.
        ReputationTooLow,
        /// The account is not enrolled in this role of the task.
        NotEnrolled,
        /// The account has commitments in this task that are not settled: claim them first.
        NotSettled,
        /// The account can still lose its bond for what it did in an earlier round of this task: claim its row there first,
        /// which is free and anybody may do.
        StillAtRisk,
        /// The task is not over: only the account itself can end its enrollment, by `leave`.
        TaskNotOver,
        /// There is no such draw, or it is closed.
        NoSuchDraw,
        /// The draw's seed is not known yet: try again two blocks after the draw.
        SeedUnknown,
        /// The account is not drawn.
        NotDrawn,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn on_initialize(now: BlockNumberFor<T>) -> Weight {
            Self::capture_seed(now)
        }

        fn integrity_test() {
            assert!(T::MaxEnrolled::get() > 0, "nobody could ever enroll");
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Takes part in a task. Puts the bond that the task asks of the role at risk until the account leaves, `weight` times.
        ///
        /// By a signed account other than the sponsor, with a free bond that covers it; in any phase of a task that is not
        /// over. The weight is 1, or where the task draws by bond 2, 4, 8 or 16, up to its cap: the account is as likely to be drawn as so
        /// many others, in one place at most, and a fault costs it so many times as much. To change it, the account leaves and enrolls
        /// again. It counts from the next draw on; while the task is enrolling, the enrollment that makes it complete starts a
        /// round. Costs the fee; holds nothing beyond the bond. The score of the account's record
        /// has to reach the task's minimum now; it is not asked for again. An evaluator of a sealed task needs an encryption key. If it
        /// removes that key later it stays enrolled, may be drawn, and can read no update: its opinions are then worth nothing.
        ///
        /// Errors: `UnknownTask`, `TaskOver`, `SponsorCannotEnroll`, `AlreadyEnrolled`, `EnrolledInOtherRole`, `NoPartInTasks`,
        /// `WrongWeight`, `Full`, `NoEncryptionKey`, `ReputationTooLow`, and what the bond's keeper answers where it does not suffice. Event: `Enrolled`.
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::enroll())]
        pub fn enroll(
            origin: OriginFor<T>,
            task: TaskId,
            role: Role,
            weight: u8,
        ) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_enroll(&who, task, role, weight)?;
            Self::deposit_event(Event::Enrolled { task, role, who, weight });
            T::Clock::acted(task);
            Ok(())
        }

        /// Takes part no more, and takes the bond out of risk.
        ///
        /// By an enrolled account, at any time, also once the task is over or gone, unless it has commitments that are not
        /// settled. A drawn account that leaves before it committed is not punished; its place stays empty in that round. Costs
        /// the fee.
        ///
        /// Errors: `NotEnrolled`, `NotSettled`. Event: `Left`.
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::leave())]
        pub fn leave(origin: OriginFor<T>, task: TaskId, role: Role) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_leave(&who, task, role)?;
            Self::deposit_event(Event::Left { task, role, who });
            Ok(())
        }

        /// Ends the enrollment of an account in a task that is over, and takes its bond out of risk.
        ///
        /// By anybody for anybody, once the task is completed, cancelled, expired or gone, unless the account has commitments
        /// that are not settled. Free when it succeeds: the enrollment has paid for it.
        ///
        /// Errors: `TaskNotOver`, `NotEnrolled`, `NotSettled`. Event: `Left`.
        #[pallet::call_index(2)]
        #[pallet::weight(T::WeightInfo::dismiss())]
        pub fn dismiss(
            origin: OriginFor<T>,
            task: TaskId,
            role: Role,
            who: T::AccountId,
        ) -> DispatchResultWithPostInfo {
            ensure_signed(origin)?;
            Self::do_dismiss(&who, task, role)?;
            Self::deposit_event(Event::Left { task, role, who });
            Ok(Pays::No.into())
        }
    }
}
