//! A runtime with models, and tasks that a test sets.

#![allow(clippy::unwrap_used)]

use crate as pallet_models;
use decentralml_traits::{Clock, RoundView};
use decentralml_types::{BlockNumber, Phase, RoundNumber, TaskId, TaskSpec, TaskStatus};
use frame_support::{derive_impl, parameter_types, traits::ConstU32};
use frame_system::EnsureRoot;
use sp_runtime::BuildStorage;

pub type AccountId = u64;
type Block = frame_system::mocking::MockBlockU32<Test>;

frame_support::construct_runtime!(
    pub enum Test {
        System: frame_system,
        Models: pallet_models,
    }
);

pub const CANDIDATE_PERIOD: BlockNumber = 100;

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = Block;
}

parameter_types! {
    /// Tasks that exist.
    pub static Existing: Vec<TaskId> = vec![1, 2];
    /// Where they stand.
    pub static Standing: TaskStatus = TaskStatus::Running;
}

pub struct Tasks;

impl Clock<AccountId> for Tasks {
    fn spec(task: TaskId) -> Option<TaskSpec> {
        Existing::get().contains(&task).then(decentralml_protocol::spec::example)
    }

    fn sponsor(_: TaskId) -> Option<AccountId> {
        None
    }

    fn status(task: TaskId) -> Option<TaskStatus> {
        Existing::get().contains(&task).then(Standing::get)
    }

    fn current(_: TaskId) -> Option<(RoundNumber, Phase)> {
        None
    }

    fn round(_: TaskId, _: RoundNumber) -> Option<RoundView> {
        None
    }

    fn acted(_: TaskId) -> bool {
        false
    }
}

impl pallet_models::Config for Test {
    type Clock = Tasks;
    type BlockNumberProvider = System;
    type ReleaseOrigin = EnsureRoot<AccountId>;
    type CandidatePeriod = ConstU32<CANDIDATE_PERIOD>;
    type WeightInfo = ();
}

pub fn externalities() -> sp_io::TestExternalities {
    let storage = frame_system::GenesisConfig::<Test>::default().build_storage().unwrap();
    let mut externalities = sp_io::TestExternalities::new(storage);
    externalities.execute_with(|| System::set_block_number(1));
    externalities
}

/// Runs a test, and proves afterwards that the records agree with each other.
pub fn build_and_execute(test: impl FnOnce()) {
    externalities().execute_with(|| {
        test();
        Models::do_try_state().unwrap();
    });
}
