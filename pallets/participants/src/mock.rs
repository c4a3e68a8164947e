//! A runtime with participants and nothing else.

#![allow(clippy::unwrap_used)]

use crate as pallet_participants;
use decentralml_types::{Balance, BlockNumber};
use frame_support::{
    derive_impl, parameter_types,
    traits::{ConstU32, ConstU128},
};
use sp_runtime::BuildStorage;

pub type AccountId = u64;
type Block = frame_system::mocking::MockBlockU32<Test>;

frame_support::construct_runtime!(
    pub enum Test {
        System: frame_system,
        Balances: pallet_balances,
        Participants: pallet_participants,
    }
);

pub const ALICE: AccountId = 1;
pub const BOB: AccountId = 2;
/// Exists from genesis.
pub const HARMED: AccountId = 10;
/// Exists from genesis as well.
pub const REPORTER: AccountId = 13;
/// Does not exist.
pub const NOBODY: AccountId = 11;
pub const THE_TREASURY: AccountId = 12;
pub const FUNDS: Balance = 10_000;
pub const EXISTENTIAL_DEPOSIT: Balance = 10;

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = Block;
    type AccountData = pallet_balances::AccountData<Balance>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
    type Balance = Balance;
    type AccountStore = System;
    type ExistentialDeposit = ConstU128<EXISTENTIAL_DEPOSIT>;
    type RuntimeHoldReason = RuntimeHoldReason;
}

parameter_types! {
    pub static Treasury: AccountId = THE_TREASURY;
    pub static Liability: BlockNumber = 49;
    pub static ReputationPeriod: BlockNumber = 10;
    pub static HostDepositBase: Balance = 100;
    pub static KeyDeposit: Balance = 300;
}

impl pallet_participants::Config for Test {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type BlockNumberProvider = System;
    type MinTrainerBond = ConstU128<100>;
    type MinEvaluatorBond = ConstU128<500>;
    type MinValidatorBond = ConstU128<1_000>;
    type UnbondingPeriod = ConstU32<50>;
    type Liability = Liability;
    type ReputationPeriod = ReputationPeriod;
    type HostDepositBase = HostDepositBase;
    type HostDepositPerByte = ConstU128<2>;
    type KeyDeposit = KeyDeposit;
    type Treasury = Treasury;
    type WeightInfo = ();
}

/// Genesis: Alice, Bob, the harmed account and the reporter have funds, the treasury exists.
pub fn externalities() -> sp_io::TestExternalities {
    let balances = [ALICE, BOB, HARMED, REPORTER, THE_TREASURY].map(|who| (who, FUNDS)).to_vec();
    let mut storage = frame_system::GenesisConfig::<Test>::default().build_storage().unwrap();
    pallet_balances::GenesisConfig::<Test> { balances, ..Default::default() }
        .assimilate_storage(&mut storage)
        .unwrap();
    let mut externalities = sp_io::TestExternalities::new(storage);
    externalities.execute_with(|| System::set_block_number(1));
    externalities
}

/// Runs a test, and proves afterwards that holds and records agree.
pub fn build_and_execute(test: impl FnOnce()) {
    externalities().execute_with(|| {
        test();
        Participants::do_try_state().unwrap();
    });
}

pub fn go_to(block: BlockNumber) {
    System::set_block_number(block);
}

/// All funds of an account, held or not.
pub fn total(who: AccountId) -> Balance {
    let account = System::account(who).data;
    account.free + account.reserved
}

/// Funds that an account holds, for whatever reason.
pub fn held(who: AccountId) -> Balance {
    System::account(who).data.reserved
}
