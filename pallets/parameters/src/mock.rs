//! A runtime with nothing but parameters.

#![allow(clippy::unwrap_used)]

use crate as pallet_parameters;
use decentralml_protocol::{payoff::Prices, slashing::TABLE};
use decentralml_types::{Balance, Parameters};
use frame_support::{derive_impl, parameter_types};
use frame_system::EnsureRoot;
use sp_runtime::BuildStorage;

pub type AccountId = u64;
type Block = frame_system::mocking::MockBlockU32<Test>;

frame_support::construct_runtime!(
    pub enum Test {
        System: frame_system,
        Settable: pallet_parameters,
    }
);

pub const UNIT: Balance = 1_000_000;
pub const INITIAL: Parameters = Parameters {
    min_trainer_bond: UNIT,
    min_evaluator_bond: UNIT,
    min_validator_bond: 100 * UNIT,
    penalties: TABLE,
    appeal_bond: UNIT / 2,
    appeal_percent: 10,
    appeal_costs: UNIT / 10,
    challenge_bond: 5 * UNIT,
    answer_price: 3 * UNIT / 2,
};
pub const PRICES: Prices = Prices { call: UNIT / 100, answer: UNIT, fee: UNIT / 1_000 };

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = Block;
}

parameter_types! {
    pub static Start: Parameters = INITIAL;
    pub const PricesNow: Prices = PRICES;
}

impl pallet_parameters::Config for Test {
    type SetOrigin = EnsureRoot<AccountId>;
    type Initial = Start;
    type Prices = PricesNow;
    type WeightInfo = ();
}

pub fn externalities() -> sp_io::TestExternalities {
    let storage = frame_system::GenesisConfig::<Test>::default().build_storage().unwrap();
    let mut externalities = sp_io::TestExternalities::new(storage);
    externalities.execute_with(|| System::set_block_number(1));
    externalities
}

/// Runs a test, and proves afterwards that what holds could be set again.
pub fn build_and_execute(test: impl FnOnce()) {
    externalities().execute_with(|| {
        test();
        Settable::do_try_state().unwrap();
    });
}
