//! A runtime with disputes; tasks, enrollment, the council and the bonds are what a test says they are. Bonds are real money all the
//! same: it lies in one account.

#![allow(clippy::unwrap_used, clippy::panic)]

mod others;

pub use others::*;

use crate as pallet_disputes;
use decentralml_protocol::slashing::{self, TABLE};
use decentralml_traits::{Charge, Scene, Tribunal};
use decentralml_types::{
    Balance, BlockNumber, CaseId, Fault, Role, RoundNumber, SessionNumber, TaskId,
};
use frame_support::{
    derive_impl, parameter_types,
    traits::{ConstU32, ConstU128, SortedMembers},
};
use sp_runtime::BuildStorage;

pub type AccountId = u64;
type Block = frame_system::mocking::MockBlockU32<Test>;

frame_support::construct_runtime!(
    pub enum Test {
        System: frame_system,
        Balances: pallet_balances,
        Disputes: pallet_disputes,
    }
);

pub const ACCUSED: AccountId = 1;
pub const REPORTER: AccountId = 2;
pub const SPONSOR: AccountId = 3;
pub const ANYBODY: AccountId = 4;
/// The members of the council.
pub const COUNCIL: [AccountId; 5] = [11, 12, 13, 14, 15];
/// Where the bonds lie.
pub const VAULT: AccountId = 100;
pub const THE_TREASURY: AccountId = 101;
/// Where the task's money lies.
pub const THE_TASK: AccountId = 1_000_007;
/// Does not exist.
pub const NOBODY: AccountId = 200;

pub const TASK: TaskId = 7;
pub const ROUND: RoundNumber = 3;
pub const SESSION: SessionNumber = 11;
pub const FUNDS: Balance = 10_000;
pub const EXISTENTIAL_DEPOSIT: Balance = 10;
/// The bond of the accused and of the reporter, as evaluators and as trainers each.
pub const BOND: Balance = 1_000;
pub const WINDOW: BlockNumber = 20;
pub const JUDGMENT: BlockNumber = 50;
/// More than the percentage of [`BOND`].
pub const APPEAL_BOND: Balance = 101;
pub const PERCENT: u8 = 10;
pub const COSTS: Balance = 40;

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
    pub static Members: Vec<AccountId> = COUNCIL.to_vec();
    pub static LeastStake: Balance = APPEAL_BOND;
    pub static AppealPercent: u8 = PERCENT;
    pub static AppealCosts: Balance = COSTS;
}

pub struct Council;

impl SortedMembers<AccountId> for Council {
    fn sorted_members() -> Vec<AccountId> {
        Members::get()
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn add(who: &AccountId) {
        Members::mutate(|members| {
            members.push(*who);
            members.sort_unstable();
            members.dedup();
        });
    }
}

impl pallet_disputes::Config for Test {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type BlockNumberProvider = System;
    type Bonds = Others;
    type Clock = Others;
    type Escrow = Others;
    type Reputation = Others;
    type Roster = Others;
    type Council = Council;
    type AppealWindow = ConstU32<WINDOW>;
    type JudgmentPeriod = ConstU32<JUDGMENT>;
    type AppealBond = LeastStake;
    type AppealPercent = AppealPercent;
    type AppealCosts = AppealCosts;
    type MaxVotes = ConstU32<5>;
    type Treasury = Treasury;
    type WeightInfo = ();
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = Others;
}

/// Everybody has funds, and the accused and the reporter have bonds.
pub fn externalities() -> sp_io::TestExternalities {
    World::set(Around::default());
    let rich = [ACCUSED, REPORTER, SPONSOR, ANYBODY, THE_TREASURY, THE_TASK];
    let vault = (VAULT, FUNDS + 5 * BOND);
    let balances = rich.map(|who| (who, FUNDS)).into_iter().chain([vault]).collect();
    let mut storage = frame_system::GenesisConfig::<Test>::default().build_storage().unwrap();
    pallet_balances::GenesisConfig::<Test> { balances, ..Default::default() }
        .assimilate_storage(&mut storage)
        .unwrap();
    let mut externalities = sp_io::TestExternalities::new(storage);
    externalities.execute_with(|| System::set_block_number(1));
    externalities
}

/// Runs a test, and proves afterwards that the records are sound and that no money has come or gone.
pub fn build_and_execute(test: impl FnOnce()) {
    externalities().execute_with(|| {
        let issuance = Balances::total_issuance();
        test();
        Disputes::do_try_state().unwrap();
        assert_eq!(Balances::total_issuance(), issuance);
    });
}

/// Opens a case about the whole bond for one role.
pub fn accuse(fault: Fault, reporter: Option<AccountId>) -> CaseId {
    let role = slashing::rule(fault).punished;
    accuse_of(fault, role, BOND, reporter);
    crate::NextCase::<Test>::get() - 1
}

pub fn accuse_of(
    fault: Fault,
    role: Role,
    amount: Balance,
    reporter: Option<AccountId>,
) -> Balance {
    let accused = ACCUSED;
    let scene = match role {
        Role::Validator => Scene::Session(SESSION),
        Role::Trainer | Role::Evaluator => Scene::Round { task: TASK, round: ROUND },
    };
    let penalty = TABLE.of(fault);
    Disputes::accuse(Charge { accused, role, fault, penalty, amount, scene, reporter })
}

pub fn go_to(block: BlockNumber) {
    System::set_block_number(block);
}

/// All funds of an account, held or not.
pub fn total(who: AccountId) -> Balance {
    let account = System::account(who).data;
    account.free + account.reserved
}

/// Funds that an account holds.
pub fn held(who: AccountId) -> Balance {
    System::account(who).data.reserved
}
