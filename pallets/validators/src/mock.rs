//! A runtime with validators and nothing else: bonds, sessions and cases are variables.

#![allow(clippy::unwrap_used)]

use crate as pallet_validators;
use decentralml_protocol::slashing::TABLE;
use decentralml_traits::{Charge, Stakes, Tribunal};
use decentralml_types::{Balance, BlockNumber, Penalties, Role, SessionNumber};
use frame_support::{
    derive_impl, parameter_types,
    traits::{ConstU32, SortedMembers},
};
use sp_runtime::BuildStorage;
use std::collections::{BTreeMap, BTreeSet};

pub type AccountId = u64;
type Block = frame_system::mocking::MockBlockU32<Test>;

frame_support::construct_runtime!(
    pub enum Test {
        System: frame_system,
        Validators: pallet_validators,
    }
);

pub const ALICE: AccountId = 1;
pub const BOB: AccountId = 2;
pub const CHARLIE: AccountId = 3;
/// Is not appointed.
pub const MALLORY: AccountId = 9;
pub const LEAST: Balance = 100;

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = Block;
}

parameter_types! {
    pub static Appointed: Vec<AccountId> = vec![ALICE, BOB, CHARLIE];
    pub static Bonds: BTreeMap<AccountId, Balance> = BTreeMap::new();
    pub static Unbonding: BTreeMap<AccountId, Balance> = BTreeMap::new();
    pub static Keyless: BTreeSet<AccountId> = BTreeSet::new();
    pub static InOffice: Vec<AccountId> = Vec::new();
    pub static Session: SessionNumber = 0;
    pub static Disabled: Vec<(SessionNumber, AccountId)> = Vec::new();
    pub static Remembered: SessionNumber = 0;
    pub static Accused: Vec<Charge<AccountId>> = Vec::new();
    pub static CurrentPenalties: Penalties = TABLE;
    pub static UnbondingPeriod: BlockNumber = 271;
}

pub struct Others;

impl SortedMembers<AccountId> for Others {
    fn sorted_members() -> Vec<AccountId> {
        Appointed::get()
    }
}

impl Stakes<AccountId> for Others {
    fn bonded(who: &AccountId, role: Role) -> Balance {
        assert_eq!(role, Role::Validator);
        Bonds::get().get(who).copied().unwrap_or(0)
    }

    fn slashable(who: &AccountId, role: Role) -> Balance {
        Self::bonded(who, role) + Unbonding::get().get(who).copied().unwrap_or(0)
    }

    fn least(_: Role) -> Balance {
        LEAST
    }
}

impl Tribunal<AccountId> for Others {
    fn accuse(charge: Charge<AccountId>) -> Balance {
        let bonded = Bonds::mutate(|bonds| bonds.remove(&charge.accused)).unwrap_or(0);
        let unbonding = Unbonding::mutate(|amounts| amounts.remove(&charge.accused)).unwrap_or(0);
        let seized = charge.amount.min(bonded + unbonding);
        Accused::mutate(|accused| accused.push(charge));
        seized
    }
}

impl pallet_validators::Sessions<AccountId> for Others {
    fn current() -> SessionNumber {
        Session::get()
    }

    fn in_office() -> Vec<AccountId> {
        InOffice::get()
    }

    fn has_keys(who: &AccountId) -> bool {
        !Keyless::get().contains(who)
    }

    fn disable(who: &AccountId) {
        Disabled::mutate(|disabled| disabled.push((Session::get(), *who)));
    }

    fn forget_before(session: SessionNumber) {
        Remembered::set(session);
    }
}

impl pallet_validators::Config for Test {
    type Appointed = Others;
    type Stakes = Others;
    type Tribunal = Others;
    type Sessions = Others;
    type Penalties = CurrentPenalties;
    type MaxValidators = ConstU32<4>;
    type LongestSession = ConstU32<10>;
    type UnbondingPeriod = UnbondingPeriod;
}

/// Everybody who is appointed has the least bond.
pub fn build_and_execute(test: impl FnOnce()) {
    let storage = frame_system::GenesisConfig::<Test>::default().build_storage().unwrap();
    sp_io::TestExternalities::new(storage).execute_with(|| {
        System::set_block_number(1);
        for who in Appointed::get() {
            bond(who, LEAST);
        }
        test();
        Validators::do_try_state().unwrap();
    });
}

pub fn bond(who: AccountId, amount: Balance) {
    Bonds::mutate(|bonds| bonds.insert(who, amount));
}
