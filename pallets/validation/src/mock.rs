//! A chain with this pallet alone; rounds, draws, updates, bonds and escrow are what a test says they are.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod others;
mod steps;

pub use others::*;
pub use steps::*;

use crate as pallet_validation;
use decentralml_types::{
    Balance, Cid, Codec, RoundNumber, TaskId, TaskSpec,
    spec::{
        Aggregation, Chances, Committee, Custody, Deadlines, Encoding, InitialModel, LocalTraining,
        Objective, Optimizer, Schedule, Terms, TrainerCount, Work,
    },
};
use frame_support::derive_impl;
use sp_runtime::BuildStorage;

pub type AccountId = u64;
pub type Block = frame_system::mocking::MockBlockU32<Test>;

frame_support::construct_runtime!(
    pub enum Test {
        System: frame_system,
        Validation: pallet_validation,
    }
);

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = Block;
}

impl pallet_validation::Config for Test {
    type Bonds = Others;
    type Challenges = Others;
    type Clock = Others;
    type Escrow = Others;
    type Evidence = Others;
    type Golds = Others;
    type Reputation = Others;
    type Roster = Others;
    type Tariff = Others;
    type Tribunal = Others;
    type WeightInfo = ();
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = Others;
}

pub const TASK: TaskId = 7;
pub const ROUND: RoundNumber = 1;
pub const REWARD: Balance = 1_000_000;
pub const FEE: Balance = 10;
pub const TRAINER_BOND: Balance = 100;
pub const EVALUATOR_BOND: Balance = 200;

pub fn cid(byte: u8) -> Cid {
    Cid { codec: Codec::Raw, digest: [byte; 32] }
}

pub fn spec(quorum: u8) -> TaskSpec {
    TaskSpec {
        name: b"digits".to_vec().try_into().unwrap(),
        license: b"Apache-2.0".to_vec().try_into().unwrap(),
        model: cid(0),
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
        custody: Custody { hosts: 0, sealed: false },
        validation_set: cid(1),
        max_validation_bytes: 1 << 20,
        rounds: 10,
        target: None,
        max_retries: 2,
        trainers: TrainerCount { min: 1, max: 256 },
        committee: Committee { seats: 31, quorum },
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
            reward_per_round: REWARD,
            fee_per_seat: FEE,
            trainer_bond: TRAINER_BOND,
            evaluator_bond: EVALUATOR_BOND,
            min_reputation: 0,
            golds: 0,
            draw: Chances::ByBond { cap: 16 },
        },
    }
}

/// A fresh chain, and nothing remembered of an earlier one.
pub fn new_test_ext() -> sp_io::TestExternalities {
    World::set(Around::default());
    let mut ext: sp_io::TestExternalities =
        frame_system::GenesisConfig::<Test>::default().build_storage().unwrap().into();
    ext.execute_with(|| System::set_block_number(1));
    ext
}

/// Runs a test on a fresh chain and checks afterwards that the pallet's state is sound.
pub fn build_and_execute<R>(test: impl FnOnce() -> R) -> R {
    new_test_ext().execute_with(|| {
        let result = test();
        Validation::do_try_state().unwrap();
        result
    })
}
