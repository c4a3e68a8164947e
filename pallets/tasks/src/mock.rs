//! A runtime with tasks, and everything they ask of others as a test sets it.

#![allow(clippy::unwrap_used)]

use crate as pallet_tasks;
use decentralml_protocol::slashing::TABLE;
use decentralml_traits::{
    Bonds, Draw, Evidence, EvidenceCounts, EvidenceRow, Forfeited, Judgment, JudgmentProgress,
    NewModel, Receivers, Registry, Roster,
};
use decentralml_types::{
    Asset, Balance, BlockNumber, CommitteeNumber, Penalties, Role, RoundNumber, TaskId, Version,
};
use frame_support::{
    PalletId, derive_impl, parameter_types,
    storage::unhashed,
    traits::{
        AsEnsureOriginWithArg, ConstU128,
        fungible::{Inspect, UnionOf},
        fungibles,
    },
};
use frame_system::{EnsureRoot, EnsureSigned};
use sp_runtime::{
    BuildStorage, DispatchError, DispatchResult, Either,
    traits::{Convert, IdentityLookup},
};

/// Long enough for a sub-account per task.
pub type AccountId = u128;
type Block = frame_system::mocking::MockBlockU32<Test>;

frame_support::construct_runtime!(
    pub enum Test {
        System: frame_system,
        Balances: pallet_balances,
        Assets: pallet_assets,
        Tasks: pallet_tasks,
    }
);

pub const SPONSOR: AccountId = 1;
pub const OTHER: AccountId = 2;
pub const TRAINER: AccountId = 3;
pub const TREASURY: AccountId = 4;
pub const ISSUER: AccountId = 5;
pub const FUNDS: Balance = 1_000_000;
/// More than the charge for a round of the tests, so that a treasury without funds cannot receive one.
pub const EXISTENTIAL_DEPOSIT: Balance = 100;
pub const DEPOSIT_BASE: Balance = 100;
pub const DEPOSIT_PER_ROW: Balance = 2;
pub const MIN_TRAINER_BOND: Balance = 5;
pub const MIN_EVALUATOR_BOND: Balance = 7;

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = Block;
    type AccountId = AccountId;
    type Lookup = IdentityLookup<AccountId>;
    type AccountData = pallet_balances::AccountData<Balance>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
    type Balance = Balance;
    type AccountStore = System;
    type ExistentialDeposit = ConstU128<EXISTENTIAL_DEPOSIT>;
    type RuntimeHoldReason = RuntimeHoldReason;
}

#[derive_impl(pallet_assets::config_preludes::TestDefaultConfig)]
impl pallet_assets::Config for Test {
    type Balance = Balance;
    type Currency = Balances;
    type CreateOrigin = AsEnsureOriginWithArg<EnsureSigned<AccountId>>;
    type ForceOrigin = EnsureRoot<AccountId>;
    type Freezer = ();
    type Holder = ();
}

/// Which pallet keeps an asset.
pub struct Keeper;

impl Convert<Asset, Either<(), u32>> for Keeper {
    fn convert(asset: Asset) -> Either<(), u32> {
        match asset {
            Asset::Native => Either::Left(()),
            Asset::Id(id) => Either::Right(id),
        }
    }
}

pub type Funds = UnionOf<Balances, Assets, Keeper, Asset, AccountId>;

parameter_types! {
    pub const Id: PalletId = PalletId(*b"dml/task");
    pub static CallPrice: Balance = 1;
    /// What faults cost in tasks that are created now.
    pub static CurrentPenalties: Penalties = TABLE;
    pub static TreasuryAccount: AccountId = TREASURY;
    /// What a test says was burned.
    pub static Burned: Balance = 0;
    /// Whether somebody with power over the assets of a test has taken some out of a task's account.
    pub static Taken: bool = false;
    /// Enrolled in every task.
    pub static Trainers: u32 = 0;
    /// Enrolled in every task.
    pub static Evaluators: u32 = 0;
    /// Draws that are open.
    pub static OpenDraws: Vec<(TaskId, RoundNumber, Draw)> = vec![];
    /// Every draw that was opened, and how many places were asked for.
    pub static DrawLog: Vec<(TaskId, RoundNumber, Draw, u32)> = vec![];
    /// Of the round that started last.
    pub static Counts: EvidenceCounts = EvidenceCounts::default();
    /// Of the committee that was opened last.
    pub static Progress: JudgmentProgress = JudgmentProgress::default();
    /// Every committee that was opened: its seats and updates.
    pub static Committees: Vec<(TaskId, RoundNumber, CommitteeNumber, u32, u32)> = vec![];
    /// Updates that the count will accept.
    pub static Accepted: u32 = 0;
    /// Running scores that nobody has forgotten.
    pub static Standings: u32 = 0;
    /// Models that were recorded.
    pub static Recorded: Vec<NewModel> = vec![];
}

/// Batches of scores that are left to count: in storage, so that they roll back with everything else.
pub struct Batches;

impl Batches {
    const KEY: &[u8] = b"batches";

    pub fn get() -> u32 {
        unhashed::get_or(Self::KEY, 1)
    }

    pub fn set(left: u32) {
        unhashed::put(Self::KEY, &left);
    }
}

pub struct Others;

impl Bonds<AccountId> for Others {
    fn engage(_: &AccountId, _: Role, _: Balance) -> DispatchResult {
        Ok(())
    }

    fn disengage(_: &AccountId, _: Role, _: Balance) {}

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

    fn minimum(role: Role) -> Balance {
        match role {
            Role::Trainer => MIN_TRAINER_BOND,
            Role::Evaluator => MIN_EVALUATOR_BOND,
            Role::Validator => 0,
        }
    }
}

impl Roster<AccountId> for Others {
    fn enrolled(_: TaskId, role: Role) -> u32 {
        match role {
            Role::Trainer => Trainers::get(),
            Role::Evaluator => Evaluators::get(),
            Role::Validator => 0,
        }
    }

    fn is_enrolled(_: TaskId, _: Role, _: &AccountId) -> bool {
        false
    }

    fn engaged(_: TaskId, _: Role, _: &AccountId) -> Balance {
        0
    }

    fn open_draw(task: TaskId, round: RoundNumber, draw: Draw, places: u32) -> u32 {
        OpenDraws::mutate(|draws| draws.push((task, round, draw)));
        DrawLog::mutate(|draws| draws.push((task, round, draw, places)));
        if draw == Draw::Trainers {
            Counts::set(EvidenceCounts::default());
        }
        places.min(Self::enrolled(task, draw.role()))
    }

    fn place(_: TaskId, _: RoundNumber, _: Draw, _: &AccountId) -> Result<u32, DispatchError> {
        Ok(0)
    }

    fn ensure_drawn(_: TaskId, _: RoundNumber, _: Draw) -> DispatchResult {
        Ok(())
    }

    fn close_draw(task: TaskId, round: RoundNumber, draw: Draw) {
        OpenDraws::mutate(|draws| draws.retain(|open| *open != (task, round, draw)));
    }

    fn hold_place(_: TaskId, _: RoundNumber, _: Role, _: &AccountId) -> DispatchResult {
        Ok(())
    }

    fn at_risk(_: TaskId, _: Role, _: &AccountId) -> Option<RoundNumber> {
        None
    }

    fn expose_place(_: TaskId, _: RoundNumber, _: Role, _: &AccountId) -> DispatchResult {
        Ok(())
    }

    fn clear_place(_: TaskId, _: RoundNumber, _: Role, _: &AccountId) {}

    fn release_place(_: TaskId, _: RoundNumber, _: Role, _: &AccountId) {}
}

impl Evidence<AccountId> for Others {
    fn counts(_: TaskId, _: RoundNumber) -> EvidenceCounts {
        Counts::get()
    }

    fn trainer(_: TaskId, _: RoundNumber, _: u32) -> Option<AccountId> {
        None
    }

    fn take(_: TaskId, _: RoundNumber, _: &AccountId) -> Option<EvidenceRow> {
        None
    }

    fn row(_: TaskId, _: RoundNumber, _: &AccountId) -> Option<EvidenceRow> {
        None
    }
}

impl Judgment for Others {
    fn open(
        task: TaskId,
        round: RoundNumber,
        committee: CommitteeNumber,
        seats: u32,
        updates: u32,
    ) {
        Committees::mutate(|open| open.push((task, round, committee, seats, updates)));
        Progress::set(JudgmentProgress::default());
    }

    fn progress(_: TaskId, _: RoundNumber, _: CommitteeNumber) -> JudgmentProgress {
        Progress::get()
    }

    fn tally(_: TaskId, _: RoundNumber, _: CommitteeNumber) -> Option<u32> {
        Batches::set(Batches::get().saturating_sub(1));
        (Batches::get() == 0).then(Accepted::get)
    }

    fn close(_: TaskId) -> bool {
        Standings::get() == 0
    }
}

impl Registry for Others {
    fn record(model: NewModel) -> Version {
        Recorded::mutate(|models| models.push(model));
        Recorded::get().iter().filter(|recorded| recorded.task == model.task).count() as Version
    }
}

#[cfg(feature = "runtime-benchmarks")]
impl crate::benchmarking::BenchmarkHelper<AccountId> for Others {
    fn asset(owner: &AccountId) -> Asset {
        let id = 1_000;
        Assets::force_create(RuntimeOrigin::root(), id, *owner, false, 1).unwrap();
        Assets::mint(RuntimeOrigin::signed(*owner), id, *owner, Balance::MAX / 4).unwrap();
        Asset::Id(id)
    }

    fn enroll(_: TaskId, trainers: u32, evaluators: u32) {
        Trainers::set(trainers);
        Evaluators::set(evaluators);
    }

    fn judge(
        _: TaskId,
        _: RoundNumber,
        _: CommitteeNumber,
        updates: u32,
        seats: u32,
        accepted: bool,
    ) {
        Counts::set(EvidenceCounts { committed: updates, revealed: updates });
        Progress::mutate(|progress| (progress.committed, progress.opened) = (seats, seats));
        Batches::set(updates.div_ceil(decentralml_types::limits::TALLY_BATCH));
        Accepted::set(if accepted { updates } else { 0 });
    }

    fn attest(_: TaskId, _: RoundNumber, _: CommitteeNumber, seats: u32) {
        let cid = decentralml_types::Cid { codec: decentralml_types::Codec::Raw, digest: [1; 32] };
        Progress::mutate(|progress| {
            (progress.attested, progress.agreeing) = (seats, seats);
            progress.leading = Some((decentralml_types::NextModel::stateless(cid), 900_000));
        });
    }
}

impl pallet_tasks::Config for Test {
    type Currency = Balances;
    type Funds = Funds;
    type RuntimeHoldReason = RuntimeHoldReason;
    type BlockNumberProvider = System;
    type PalletId = Id;
    type DepositBase = ConstU128<DEPOSIT_BASE>;
    type DepositPerRow = ConstU128<DEPOSIT_PER_ROW>;
    type CallPrice = CallPrice;
    type Penalties = CurrentPenalties;
    type Treasury = TreasuryAccount;
    type Bonds = Others;
    type Roster = Others;
    type Evidence = Others;
    type Judgment = Others;
    type Registry = Others;
    type WeightInfo = ();
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = Others;
}

pub fn externalities() -> sp_io::TestExternalities {
    let balances = [SPONSOR, OTHER, TRAINER, ISSUER].map(|who| (who, FUNDS));
    let balances = balances.into_iter().chain([(TREASURY, EXISTENTIAL_DEPOSIT)]).collect();
    let mut storage = frame_system::GenesisConfig::<Test>::default().build_storage().unwrap();
    pallet_balances::GenesisConfig::<Test> { balances, ..Default::default() }
        .assimilate_storage(&mut storage)
        .unwrap();
    CallPrice::set(1);
    CurrentPenalties::set(TABLE);
    TreasuryAccount::set(TREASURY);
    Burned::set(0);
    Taken::set(false);
    Standings::set(0);
    Trainers::set(0);
    Evaluators::set(0);
    OpenDraws::set(vec![]);
    DrawLog::set(vec![]);
    Counts::set(EvidenceCounts::default());
    Progress::set(JudgmentProgress::default());
    Committees::set(vec![]);
    Accepted::set(0);
    Recorded::set(vec![]);
    let mut externalities = sp_io::TestExternalities::new(storage);
    externalities.execute_with(|| System::set_block_number(1));
    externalities
}

/// Runs a test. Afterwards records, holds and balances agree to the last planck, and to the last unit of an asset that the test
/// does not say was taken; nothing was minted or lost that the test does not say was burned, and no draw is left open by a round that does not need it.
pub fn build_and_execute(test: impl FnOnce()) {
    externalities().execute_with(|| {
        let issuance = Balances::total_issuance();
        test();
        Tasks::do_try_state().unwrap();
        for (id, task) in crate::Tasks::<Test>::iter() {
            let account = Tasks::account_of(id);
            let (pay, charges) = (task.money.total(), task.money.charges);
            let native = match task.spec.terms.asset {
                Asset::Native => pay,
                Asset::Id(asset) => {
                    let least = <Assets as fungibles::Inspect<_>>::minimum_balance(asset);
                    let held = Assets::balance(asset, account);
                    assert!(held == least + pay || Taken::get(), "task {id}: {held}");
                    0
                }
            };
            let balance = Balances::balance(&account);
            assert_eq!(balance, EXISTENTIAL_DEPOSIT + charges + native, "task {id}");
        }
        assert_eq!(Balances::total_issuance() + Burned::get(), issuance);
        for (task, round, draw) in OpenDraws::get() {
            let phase = crate::Rounds::<Test>::get(task, round).unwrap().phase;
            assert!(!phase.is_final(), "{draw:?} of a round that is over");
        }
    });
}

pub fn go_by(blocks: BlockNumber) {
    System::set_block_number(System::block_number() + blocks);
}

/// All funds of an account, held or not.
pub fn total(who: AccountId) -> Balance {
    let account = System::account(who).data;
    account.free + account.reserved
}
