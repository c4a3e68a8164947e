//! A runtime with challenges; the round, its updates and the tribunal are what a test says they are.

#![allow(clippy::unwrap_used)]

use crate as pallet_challenges;
use decentralml_protocol::slashing::TABLE;
use decentralml_traits::{Charge, Clock, Draw, Revealed, Roster, RoundView, Tariff, Tribunal};
use decentralml_types::{
    Balance, BlockNumber, Cid, Codec, Penalties, Phase, Role, RoundNumber, TaskId, TaskSpec,
    TaskStatus,
};
use frame_support::{derive_impl, parameter_types, traits::ConstU8};
use sp_runtime::{BuildStorage, DispatchError, DispatchResult};
use std::collections::BTreeMap;

pub type AccountId = u64;
type Block = frame_system::mocking::MockBlockU32<Test>;

frame_support::construct_runtime!(
    pub enum Test {
        System: frame_system,
        Balances: pallet_balances,
        Challenges: pallet_challenges,
    }
);

pub const CHALLENGER: AccountId = 1;
pub const MALLORY: AccountId = 2;
pub const HOST: AccountId = 3;
pub const TRAINER: AccountId = 10;
pub const OTHER_TRAINER: AccountId = 11;
pub const TREASURY: AccountId = 99;
pub const FUNDS: Balance = 10_000;
pub const EXISTENTIAL_DEPOSIT: Balance = 10;
pub const BOND: Balance = 500;
pub const PRICE: Balance = 150;
pub const PERIOD: BlockNumber = 20;
pub const MAX_CHALLENGES: u8 = 3;

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
    pub static CurrentPhase: Phase = Phase::Scoring;
    /// Whether the task is still there.
    pub static Exists: bool = true;
    /// What trainers have revealed in the round.
    pub static Updates: BTreeMap<AccountId, Cid> = BTreeMap::new();
    /// What trainers weigh in draws.
    pub static Weight: u8 = 1;
    pub static Accused: Vec<Charge<AccountId>> = Vec::new();
    pub static ChallengeBond: Balance = BOND;
    pub static AnswerPrice: Balance = PRICE;
    pub static CurrentPenalties: Penalties = TABLE;
    pub const AnswerPeriod: BlockNumber = PERIOD;
    pub const Treasury: AccountId = TREASURY;
}

/// All the other pallets.
pub struct Others;

impl Clock<AccountId> for Others {
    fn spec(task: TaskId) -> Option<TaskSpec> {
        (task == TASK && Exists::get()).then(decentralml_protocol::spec::example)
    }

    fn sponsor(_: TaskId) -> Option<AccountId> {
        None
    }

    fn status(_: TaskId) -> Option<TaskStatus> {
        None
    }

    fn current(_: TaskId) -> Option<(RoundNumber, Phase)> {
        None
    }

    fn round(task: TaskId, round: RoundNumber) -> Option<RoundView> {
        (task == TASK && round == ROUND && Exists::get()).then(|| RoundView {
            phase: CurrentPhase::get(),
            base: None,
            sealed: false,
            committee: 0,
            failure: None,
            due: false,
            claims_expired: false,
            ended_at: None,
        })
    }

    fn acted(_: TaskId) -> bool {
        false
    }
}

impl Tariff for Others {
    fn penalties(task: TaskId) -> Option<Penalties> {
        (task == TASK && Exists::get()).then(CurrentPenalties::get)
    }
}

impl Revealed<AccountId> for Others {
    fn cid(task: TaskId, round: RoundNumber, who: &AccountId) -> Option<Cid> {
        (task == TASK && round == ROUND).then(|| Updates::get().get(who).copied()).flatten()
    }
}

impl Roster<AccountId> for Others {
    fn enrolled(_: TaskId, _: Role) -> u32 {
        0
    }

    fn is_enrolled(_: TaskId, _: Role, _: &AccountId) -> bool {
        true
    }

    fn engaged(task: TaskId, role: Role, _: &AccountId) -> Balance {
        Self::spec(task).map_or(0, |spec| spec.stake(role, Weight::get()))
    }

    fn open_draw(_: TaskId, _: RoundNumber, _: Draw, _: u32) -> u32 {
        0
    }

    fn place(_: TaskId, _: RoundNumber, _: Draw, _: &AccountId) -> Result<u32, DispatchError> {
        Ok(0)
    }

    fn ensure_drawn(_: TaskId, _: RoundNumber, _: Draw) -> DispatchResult {
        Ok(())
    }

    fn close_draw(_: TaskId, _: RoundNumber, _: Draw) {}

    fn hold_place(_: TaskId, _: RoundNumber, _: Role, _: &AccountId) -> DispatchResult {
        Ok(())
    }

    fn at_risk(_: TaskId, _: Role, _: &AccountId) -> Option<RoundNumber> {
        None
    }

    fn clear_place(_: TaskId, _: RoundNumber, _: Role, _: &AccountId) {}

    fn expose_place(_: TaskId, _: RoundNumber, _: Role, _: &AccountId) -> DispatchResult {
        Ok(())
    }

    fn release_place(_: TaskId, _: RoundNumber, _: Role, _: &AccountId) {}
}

impl Tribunal<AccountId> for Others {
    fn accuse(charge: Charge<AccountId>) -> Balance {
        let amount = charge.amount;
        Accused::mutate(|accused| accused.push(charge));
        amount
    }
}

#[cfg(feature = "runtime-benchmarks")]
impl crate::BenchmarkHelper<AccountId> for Others {
    fn revealed(cid: Cid) -> (TaskId, RoundNumber, AccountId) {
        Updates::mutate(|updates| updates.insert(TRAINER, cid));
        (TASK, ROUND, TRAINER)
    }

    fn pass(blocks: BlockNumber) {
        pass(blocks);
    }
}

impl pallet_challenges::Config for Test {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type BlockNumberProvider = System;
    type Clock = Others;
    type Tariff = Others;
    type Revealed = Others;
    type Roster = Others;
    type Tribunal = Others;
    type ChallengeBond = ChallengeBond;
    type AnswerPrice = AnswerPrice;
    type AnswerPeriod = AnswerPeriod;
    type MaxChallenges = ConstU8<MAX_CHALLENGES>;
    type Treasury = Treasury;
    type WeightInfo = ();
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = Others;
}

/// Genesis: everybody has funds, and two trainers have revealed what [`Tree`] has.
pub fn externalities() -> sp_io::TestExternalities {
    let balances = [CHALLENGER, MALLORY, HOST, TRAINER, OTHER_TRAINER, TREASURY]
        .map(|who| (who, FUNDS))
        .to_vec();
    let mut storage = frame_system::GenesisConfig::<Test>::default().build_storage().unwrap();
    pallet_balances::GenesisConfig::<Test> { balances, ..Default::default() }
        .assimilate_storage(&mut storage)
        .unwrap();
    let mut externalities = sp_io::TestExternalities::new(storage);
    externalities.execute_with(|| {
        System::set_block_number(1);
        CurrentPhase::set(Phase::Scoring);
        Exists::set(true);
        Weight::set(1);
        Accused::set(Vec::new());
        ChallengeBond::set(BOND);
        AnswerPrice::set(PRICE);
        CurrentPenalties::set(TABLE);
        let leaf = Cid { codec: Codec::Raw, digest: sp_io::hashing::sha2_256(b"small") };
        Updates::set([(TRAINER, Tree::new().root()), (OTHER_TRAINER, leaf)].into());
    });
    externalities
}

/// Runs a test, and proves afterwards that holds and records agree and that no money has come or gone.
pub fn build_and_execute(test: impl FnOnce()) {
    externalities().execute_with(|| {
        let before = pallet_balances::TotalIssuance::<Test>::get();
        test();
        Challenges::do_try_state().unwrap();
        assert_eq!(pallet_balances::TotalIssuance::<Test>::get(), before);
    });
}

pub fn pass(blocks: BlockNumber) {
    System::set_block_number(System::block_number() + blocks);
}

pub fn total(who: AccountId) -> Balance {
    let account = System::account(who).data;
    account.free + account.reserved
}

pub fn held(who: AccountId) -> Balance {
    System::account(who).data.reserved
}

/// An update of two nodes over two leaves each.
pub struct Tree {
    pub leaves: [Vec<u8>; 4],
    pub nodes: [Vec<u8>; 2],
    pub top: Vec<u8>,
}

impl Tree {
    pub fn new() -> Self {
        use decentralml_protocol::dag::sample::node;
        let cid = |codec, block: &[u8]| Cid { codec, digest: sp_io::hashing::sha2_256(block) };
        let leaves = [0u8, 1, 2, 3].map(|byte| vec![byte; 9]);
        let raw = |index: usize| cid(Codec::Raw, &leaves[index]);
        let nodes = [node(&[raw(0), raw(1)], 9), node(&[raw(2), raw(3)], 9)];
        let top = node(&[cid(Codec::DagPb, &nodes[0]), cid(Codec::DagPb, &nodes[1])], 18);
        Self { leaves, nodes, top }
    }

    pub fn root(&self) -> Cid {
        Cid { codec: Codec::DagPb, digest: sp_io::hashing::sha2_256(&self.top) }
    }

    /// The blocks along a path with two links.
    pub fn along(&self, first: u16, second: u16) -> [&[u8]; 3] {
        let leaf = usize::from(2 * first + second);
        [&self.top, &self.nodes[usize::from(first)], &self.leaves[leaf]]
    }
}
