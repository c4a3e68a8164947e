//! A runtime with gold results; the round, its updates and what seats have said of them are what a test says they are.

#![allow(clippy::unwrap_used)]

use crate as pallet_golds;
use decentralml_traits::{Assay, Assayed, Clock, Escrow, RoundView, Salted};
use decentralml_types::{
    Balance, BlockNumber, Failure, Hash, Label, Phase, RoundNumber, Salt, TaskId, TaskSpec,
    TaskStatus, commitment::GoldResult,
};
use frame_support::{derive_impl, parameter_types};
use sp_runtime::{BuildStorage, DispatchResult};
use std::collections::BTreeMap;

pub type AccountId = u64;
type Block = frame_system::mocking::MockBlockU32<Test>;

frame_support::construct_runtime!(
    pub enum Test {
        System: frame_system,
        Balances: pallet_balances,
        Golds: pallet_golds,
    }
);

pub const SPONSOR: AccountId = 1;
pub const MALLORY: AccountId = 2;
pub const TRAINER: AccountId = 10;
pub const OTHER_TRAINER: AccountId = 11;
pub const TREASURY: AccountId = 99;
pub const FUNDS: Balance = 10_000;
pub const EXISTENTIAL_DEPOSIT: Balance = 10;
pub const DEPOSIT: Balance = 500;
/// Blocks to reveal in.
pub const REVEALING: BlockNumber = decentralml_protocol::gold::WINDOW;
pub const GOLDS: u8 = 3;

pub const TASK: TaskId = 7;
pub const ROUND: RoundNumber = 3;

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = Block;
    type AccountData = pallet_balances::AccountData<Balance>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
    type Balance = Balance;
    type AccountStore = System;
    type ExistentialDeposit = frame_support::traits::ConstU128<EXISTENTIAL_DEPOSIT>;
    type RuntimeHoldReason = RuntimeHoldReason;
}

parameter_types! {
    pub static CurrentPhase: Phase = Phase::Training;
    pub static Voided: Option<Failure> = None;
    pub static EndedAt: Option<BlockNumber> = None;
    /// Whether the phase's deadline has passed.
    pub static Due: bool = false;
    /// What trainers have salted the commitments with that they have revealed.
    pub static Salts: BTreeMap<AccountId, Salt> = BTreeMap::new();
    /// What was asked about whose update.
    pub static Assays: Vec<(AccountId, Label)> = Vec::new();
    /// What seats have said; `None` where nothing is counted.
    pub static Said: Option<Assayed> = None;
    /// Rows that are not settled.
    pub static Rows: i32 = 0;
    pub const Deposit: Balance = DEPOSIT;
    pub const Treasury: AccountId = TREASURY;
}

/// All the other pallets.
pub struct Others;

impl Clock<AccountId> for Others {
    fn spec(task: TaskId) -> Option<TaskSpec> {
        let mut spec = decentralml_protocol::spec::example();
        spec.terms.golds = GOLDS;
        (task == TASK).then_some(spec)
    }

    fn sponsor(task: TaskId) -> Option<AccountId> {
        (task == TASK).then_some(SPONSOR)
    }

    fn status(_: TaskId) -> Option<TaskStatus> {
        None
    }

    fn current(_: TaskId) -> Option<(RoundNumber, Phase)> {
        None
    }

    fn round(task: TaskId, round: RoundNumber) -> Option<RoundView> {
        (task == TASK && round == ROUND).then(|| RoundView {
            phase: CurrentPhase::get(),
            base: None,
            sealed: false,
            committee: 0,
            failure: Voided::get(),
            due: Due::get(),
            claims_expired: false,
            ended_at: EndedAt::get(),
        })
    }

    fn acted(_: TaskId) -> bool {
        false
    }
}

impl Escrow<AccountId> for Others {
    fn account(_: TaskId) -> AccountId {
        TREASURY
    }

    fn row_opened(_: TaskId, _: RoundNumber) {
        Rows::mutate(|rows| *rows += 1);
    }

    fn row_settled(_: TaskId, _: RoundNumber, _: &AccountId, amount: Balance) -> DispatchResult {
        assert_eq!(amount, 0);
        Rows::mutate(|rows| *rows -= 1);
        Ok(())
    }

    fn recovered(_: TaskId, _: Balance) {}
}

impl Salted<AccountId> for Others {
    fn is_salted(task: TaskId, round: RoundNumber, who: &AccountId, salt: Salt) -> Option<bool> {
        assert_eq!((task, round), (TASK, ROUND));
        Salts::get().get(who).map(|used| *used == salt)
    }
}

impl Assay<AccountId> for Others {
    fn assay(_: TaskId, _: RoundNumber, who: &AccountId, label: Label) -> Option<Assayed> {
        Assays::mutate(|assays| assays.push((*who, label)));
        Said::get()
    }
}

#[cfg(feature = "runtime-benchmarks")]
impl crate::BenchmarkHelper<AccountId> for Others {
    fn training() -> crate::benchmarking::Round<AccountId> {
        crate::benchmarking::Round { task: TASK, round: ROUND, sponsor: SPONSOR, trainer: TRAINER }
    }

    fn settle(_: &crate::benchmarking::Round<AccountId>, salt: Salt) {
        end(Phase::Settled, None);
        Salts::set([(TRAINER, salt)].into());
        Said::set(Some(Assayed { confirmed: true, missed: 1 }));
    }

    fn pass(blocks: BlockNumber) {
        pass(blocks);
    }
}

impl pallet_golds::Config for Test {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type BlockNumberProvider = System;
    type Clock = Others;
    type Escrow = Others;
    type Salted = Others;
    type Assay = Others;
    type Deposit = Deposit;
    type Treasury = Treasury;
    type WeightInfo = ();
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = Others;
}

/// Genesis: everybody has funds, and the round trains.
pub fn externalities() -> sp_io::TestExternalities {
    let balances = [SPONSOR, MALLORY, TRAINER, OTHER_TRAINER, TREASURY]
        .map(|who| (who, if who == MALLORY { DEPOSIT } else { FUNDS }))
        .to_vec();
    let mut storage = frame_system::GenesisConfig::<Test>::default().build_storage().unwrap();
    pallet_balances::GenesisConfig::<Test> { balances, ..Default::default() }
        .assimilate_storage(&mut storage)
        .unwrap();
    let mut externalities = sp_io::TestExternalities::new(storage);
    externalities.execute_with(|| {
        System::set_block_number(1);
        CurrentPhase::set(Phase::Training);
        Voided::set(None);
        EndedAt::set(None);
        Due::set(false);
        Salts::set(BTreeMap::new());
        Assays::set(Vec::new());
        Said::set(Some(Assayed { confirmed: true, missed: 2 }));
        Rows::set(0);
    });
    externalities
}

/// Runs a test, and proves afterwards that holds and rows agree and that no money has come or gone.
pub fn build_and_execute(test: impl FnOnce()) {
    externalities().execute_with(|| {
        let before = pallet_balances::TotalIssuance::<Test>::get();
        test();
        Golds::do_try_state().unwrap();
        assert_eq!(pallet_balances::TotalIssuance::<Test>::get(), before);
        let waiting = crate::Golds::<Test>::iter().count();
        assert_eq!(Rows::get(), waiting as i32, "the round cannot close, or closes too early");
    });
}

pub fn pass(blocks: BlockNumber) {
    System::set_block_number(System::block_number() + blocks);
}

/// Ends the round now.
pub fn end(phase: Phase, failure: Option<Failure>) {
    CurrentPhase::set(phase);
    Voided::set(failure);
    EndedAt::set(Some(System::block_number()));
}

pub fn held(who: AccountId) -> Balance {
    System::account(who).data.reserved
}

pub fn secret(byte: u8) -> Salt {
    [byte; 32]
}

pub fn result(trainer: &AccountId, label: Label, byte: u8) -> GoldResult<'_, AccountId> {
    let genesis = System::block_hash(0).into();
    GoldResult { genesis, task: TASK, round: ROUND, trainer, label, secret: secret(byte) }
}

pub fn seal(trainer: AccountId, label: Label, byte: u8) -> Hash {
    result(&trainer, label, byte).seal()
}

/// Announces an update, whose trainer agrees and reveals it.
pub fn announce(trainer: AccountId, label: Label, byte: u8) -> DispatchResult {
    let mark = result(&trainer, label, byte).mark();
    Salts::mutate(|salts| salts.insert(trainer, mark));
    Golds::announce(RuntimeOrigin::signed(SPONSOR), TASK, ROUND, seal(trainer, label, byte))
}

pub fn reveal(trainer: AccountId, label: Label, byte: u8) -> DispatchResult {
    Golds::reveal(RuntimeOrigin::signed(SPONSOR), TASK, ROUND, trainer, label, secret(byte))
}

pub fn conclude() -> DispatchResult {
    Golds::conclude(RuntimeOrigin::signed(MALLORY), TASK, ROUND).map(drop).map_err(|e| e.error)
}
