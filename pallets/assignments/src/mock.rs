//! A chain with this pallet alone; tasks, bonds and randomness are what a test says they are.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate as pallet_assignments;
use decentralml_traits::{Bonds, Clock, Forfeited, Keyring, Receivers, Reputation, RoundView};
use decentralml_types::{
    Balance, Cid, Codec, Conduct, Phase, PublicKey, Role, RoundNumber, TaskId, TaskSpec,
    TaskStatus,
    spec::{
        Aggregation, Chances, Committee, Custody, Deadlines, Encoding, InitialModel, LocalTraining,
        Objective, Optimizer, Schedule, Terms, TrainerCount, Work,
    },
};
use frame_support::{
    derive_impl, ensure, parameter_types,
    traits::{ConstU32, Hooks, Randomness},
};
use sp_runtime::{BuildStorage, DispatchError, DispatchResult};
use std::collections::HashMap;

pub type AccountId = u64;
type Hash = <Test as frame_system::Config>::Hash;
pub type Block = frame_system::mocking::MockBlockU32<Test>;

frame_support::construct_runtime!(
    pub enum Test {
        System: frame_system,
        Assignments: pallet_assignments,
    }
);

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = Block;
}

impl pallet_assignments::Config for Test {
    type Bonds = Purse;
    type Clock = Tasks;
    type Keyring = Keys;
    type Reputation = Records;
    type Randomness = Vrf;
    type MaxEnrolled = ConstU32<100>;
    type WeightInfo = ();
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = Scene;
}

/// Who created [`TASK`].
pub const SPONSOR: AccountId = 99;
pub const TASK: TaskId = 7;
pub const TRAINER_BOND: Balance = 100;
pub const EVALUATOR_BOND: Balance = 200;
/// The free bond of every account that a test says nothing about.
pub const FREE: Balance = 1_000;

parameter_types! {
    pub static Status: Option<TaskStatus> = Some(TaskStatus::Enrolling);
    /// Whether the task is sealed.
    pub static Sealed: bool = false;
    /// What the task asks for, and what every account has.
    pub static MinReputation: u16 = 0;
    pub static Score: u16 = 500;
    /// By what the task draws.
    pub static Draw: Chances = Chances::Equal;
    /// Who has an encryption key.
    pub static WithKey: Vec<AccountId> = Vec::new();
    /// What is left of an account's bond.
    pub static Bonded: HashMap<(AccountId, Role), Balance> = HashMap::new();
    /// Calls of `acted`.
    pub static Acted: Vec<TaskId> = Vec::new();
    /// The parent block's VRF output.
    pub static Output: Option<u8> = None;
    /// How often it was asked for.
    pub static Asked: u32 = 0;
}

pub struct Purse;

impl Bonds<AccountId> for Purse {
    fn engage(who: &AccountId, role: Role, amount: Balance) -> DispatchResult {
        Bonded::mutate(|bonded| {
            let free = bonded.entry((*who, role)).or_insert(FREE);
            ensure!(*free >= amount, DispatchError::Other("not covered"));
            *free -= amount;
            Ok(())
        })
    }

    fn disengage(who: &AccountId, role: Role, amount: Balance) {
        Bonded::mutate(|bonded| *bonded.entry((*who, role)).or_insert(FREE) += amount);
    }

    fn ensure_covered(_: &AccountId, _: Role) -> DispatchResult {
        Ok(())
    }

    fn seize(_: &AccountId, _: Role, _: Balance) -> Balance {
        0
    }

    fn give_back(_: &AccountId, _: Role, _: Balance) {}

    fn forfeit(_: &AccountId, _: Role, _: Balance, _: Receivers<AccountId>) -> Forfeited {
        Forfeited::default()
    }

    fn charge(_: &AccountId, _: Role, _: Balance, _: &AccountId) -> Balance {
        0
    }

    fn seized(_: &AccountId, _: Role) -> Balance {
        0
    }

    fn minimum(_: Role) -> Balance {
        1
    }
}

pub struct Keys;

impl Keyring<AccountId> for Keys {
    fn key(who: &AccountId) -> Option<PublicKey> {
        WithKey::get().contains(who).then_some([9; 32])
    }
}

pub struct Tasks;

impl Clock<AccountId> for Tasks {
    fn spec(task: TaskId) -> Option<TaskSpec> {
        Self::status(task).map(|_| spec())
    }

    fn sponsor(task: TaskId) -> Option<AccountId> {
        Self::status(task).map(|_| SPONSOR)
    }

    fn status(task: TaskId) -> Option<TaskStatus> {
        Status::get().filter(|_| task == TASK)
    }

    fn current(_: TaskId) -> Option<(RoundNumber, Phase)> {
        None
    }

    fn round(_: TaskId, _: RoundNumber) -> Option<RoundView> {
        None
    }

    fn acted(task: TaskId) -> bool {
        Acted::mutate(|acted| acted.push(task));
        false
    }
}

pub struct Records;

impl Reputation<AccountId> for Records {
    fn note(_: &AccountId, _: Role, _: Conduct) {}

    fn score(_: &AccountId, _: Role) -> u16 {
        Score::get()
    }
}

pub struct Vrf;

impl Randomness<Option<Hash>, u32> for Vrf {
    fn random(_: &[u8]) -> (Option<Hash>, u32) {
        Asked::mutate(|asked| *asked += 1);
        (Output::get().map(Hash::repeat_byte), System::block_number().saturating_sub(1))
    }
}

#[cfg(feature = "runtime-benchmarks")]
pub struct Scene;

#[cfg(feature = "runtime-benchmarks")]
impl crate::BenchmarkHelper<AccountId> for Scene {
    fn task() -> TaskId {
        Sealed::set(true);
        Draw::set(Chances::ByBond { cap: 16 });
        TASK
    }

    fn member(role: Role, index: u32) -> AccountId {
        let who = index.into();
        Bonded::mutate(|bonded| bonded.insert((who, role), 16 * EVALUATOR_BOND));
        WithKey::mutate(|keys| keys.push(who));
        who
    }

    fn end(_: TaskId) {
        Status::set(Some(TaskStatus::Completed));
    }

    fn set_randomness() {
        Output::set(Some(1));
    }
}

fn spec() -> TaskSpec {
    let cid = Cid { codec: Codec::Raw, digest: [1; 32] };
    TaskSpec {
        name: b"digits".to_vec().try_into().unwrap(),
        license: b"Apache-2.0".to_vec().try_into().unwrap(),
        model: cid,
        initial: InitialModel::Seed([0; 32]),
        objective: Objective::Classification { features: 64, classes: 10 },
        training: LocalTraining {
            work: Work::Epochs(1),
            batch_size: 16,
            learning_rate: 100_000,
            schedule: Schedule::default(),
            optimizer: Optimizer::Adam,
            weight_decay: 0,
            clip_norm: None,
            proximal: 0,
            worker_momentum: 0,
        },
        aggregation: Aggregation::default(),
        encoding: Encoding::plain(16, 12, 32_767),
        max_update_bytes: 1 << 20,
        custody: Custody { hosts: 0, sealed: Sealed::get() },
        validation_set: cid,
        max_validation_bytes: 1 << 20,
        rounds: 10,
        target: None,
        max_retries: 2,
        trainers: TrainerCount { min: 2, max: 6 },
        committee: Committee { seats: 3, quorum: 2 },
        deadlines: Deadlines {
            enrolling: 10,
            training: 10,
            revealing: 10,
            scoring: 10,
            verdict: 10,
            aggregating: 10,
            claiming: 100,
            lifetime: 10_000,
        },
        terms: Terms {
            asset: Default::default(),
            reward_per_round: 1_000,
            fee_per_seat: 10,
            trainer_bond: TRAINER_BOND,
            evaluator_bond: EVALUATOR_BOND,
            min_reputation: MinReputation::get(),
            golds: 0,
            draw: Draw::get(),
        },
    }
}

pub fn new_test_ext() -> sp_io::TestExternalities {
    let mut ext: sp_io::TestExternalities =
        frame_system::GenesisConfig::<Test>::default().build_storage().unwrap().into();
    ext.execute_with(|| System::set_block_number(1));
    ext
}

/// Runs a test on a fresh chain and checks afterwards that the pallet's state is sound.
pub fn build_and_execute(test: impl FnOnce()) {
    new_test_ext().execute_with(|| {
        test();
        Assignments::do_try_state().unwrap();
    });
}

/// Starts the next block; `output` is what the VRF gave in the one that ends.
pub fn next_block(output: Option<u8>) {
    Output::set(output);
    System::set_block_number(System::block_number() + 1);
    Assignments::on_initialize(System::block_number());
}

pub fn enroll(who: AccountId, role: Role) {
    weighing(who, role, 1);
}

/// Enrolls with a weight.
pub fn weighing(who: AccountId, role: Role, weight: u8) {
    Assignments::enroll(RuntimeOrigin::signed(who), TASK, role, weight).unwrap();
}

pub fn leave(who: AccountId, role: Role) {
    Assignments::leave(RuntimeOrigin::signed(who), TASK, role).unwrap();
}
