//! A runtime with data, and keys that a test sets.

#![allow(clippy::unwrap_used)]

use crate as pallet_data;
use decentralml_traits::Keyring;
use decentralml_types::{Balance, PublicKey};
use frame_support::{derive_impl, parameter_types, traits::ConstU128};
use sp_runtime::BuildStorage;

pub type AccountId = u64;
type Block = frame_system::mocking::MockBlockU32<Test>;

frame_support::construct_runtime!(
    pub enum Test {
        System: frame_system,
        Balances: pallet_balances,
        Data: pallet_data,
    }
);

pub const OWNER: AccountId = 1;
pub const MALLORY: AccountId = 2;
/// They have keys, and no funds.
pub const ALICE: AccountId = 10;
pub const BOB: AccountId = 11;
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
    /// Accounts with an encryption key.
    pub static WithKey: Vec<AccountId> = vec![ALICE, BOB];
    pub static ContentDeposit: Balance = 1_000;
    pub static GrantDeposit: Balance = 100;
}

pub struct Keys;

impl Keyring<AccountId> for Keys {
    fn key(who: &AccountId) -> Option<PublicKey> {
        WithKey::get().contains(who).then_some([7; 32])
    }
}

#[cfg(feature = "runtime-benchmarks")]
impl crate::BenchmarkHelper<AccountId> for Keys {
    fn with_key(index: u32) -> AccountId {
        let who = 100 + AccountId::from(index);
        WithKey::mutate(|accounts| accounts.push(who));
        who
    }
}

impl pallet_data::Config for Test {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type BlockNumberProvider = System;
    type Keyring = Keys;
    type ContentDeposit = ContentDeposit;
    type GrantDeposit = GrantDeposit;
    type WeightInfo = ();
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = Keys;
}

/// Genesis: the owner and Mallory have funds.
pub fn externalities() -> sp_io::TestExternalities {
    let balances = vec![(OWNER, FUNDS), (MALLORY, FUNDS)];
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
        Data::do_try_state().unwrap();
    });
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
