//! A chain with this pallet alone; rounds, draws and bonds are what a test says they are.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate as pallet_results;
use decentralml_traits::{Bonds, Clock, Draw, Escrow, Forfeited, Receivers, Roster, RoundView};
use decentralml_types::{
    Balance, Cid, Codec, CommitteeNumber, Phase, Role, RoundNumber, TaskId, TaskSpec, TaskStatus,
    commitment::UpdateCommitment,
};
use frame_support::{derive_impl, ensure, parameter_types};
use sp_runtime::{BuildStorage, DispatchError, DispatchResult};

pub type AccountId = u64;
pub type Block = frame_system::mocking::MockBlockU32<Test>;

frame_support::construct_runtime!(
    pub enum Test {
        System: frame_system,
        Results: pallet_results,
    }
);

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = Block;
}

impl pallet_results::Config for Test {
    type Bonds = Others;
    type Clock = Others;
    type Escrow = Others;
    type Roster = Others;
    type WeightInfo = ();
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = Others;
}

pub const TASK: TaskId = 7;
pub const ROUND: RoundNumber = 3;
pub const NOT_DRAWN: DispatchError = DispatchError::Other("not drawn");
pub const NOT_COVERED: DispatchError = DispatchError::Other("not covered");
pub const STILL_AT_RISK: DispatchError = DispatchError::Other("still at risk");
pub const SEED_UNKNOWN: DispatchError = DispatchError::Other("seed unknown");

parameter_types! {
    pub static CurrentRound: RoundNumber = ROUND;
    pub static CurrentPhase: Phase = Phase::Training;
    /// Whether the phase's deadline has passed.
    pub static Due: bool = false;
    pub static Base: Option<Cid> = Some(cid(0));
    pub static Sealed: bool = false;
    /// The committee at work.
    pub static Committee: CommitteeNumber = 0;
    /// Whether the seed of its draw is known.
    pub static CommitteeDrawn: bool = true;
    pub static Drawn: Vec<AccountId> = vec![1, 2, 3];
    pub static Uncovered: Vec<AccountId> = Vec::new();
    /// Rows that `Escrow` was told of.
    pub static OpenedRows: Vec<(TaskId, RoundNumber)> = Vec::new();
    /// Places that `Roster` was told to hold.
    pub static Held: Vec<(TaskId, RoundNumber, Role, AccountId)> = Vec::new();
    /// Whose bond stands for another round.
    pub static StandsElsewhere: Vec<AccountId> = Vec::new();
    /// Places that `Roster` was told to clear or to release.
    pub static Freed: Vec<AccountId> = Vec::new();
    /// Calls of `acted`.
    pub static Acted: u32 = 0;
    /// Whether an act ends the phase.
    pub static Moves: bool = false;
}

/// All the other pallets.
pub struct Others;

impl Clock<AccountId> for Others {
    fn spec(_: TaskId) -> Option<TaskSpec> {
        None
    }

    fn sponsor(_: TaskId) -> Option<AccountId> {
        None
    }

    fn status(task: TaskId) -> Option<TaskStatus> {
        (task == TASK).then_some(TaskStatus::Running)
    }

    fn current(task: TaskId) -> Option<(RoundNumber, Phase)> {
        (task == TASK).then(|| (CurrentRound::get(), CurrentPhase::get()))
    }

    fn round(task: TaskId, round: RoundNumber) -> Option<RoundView> {
        (task == TASK && round <= CurrentRound::get()).then(|| RoundView {
            phase: if round == CurrentRound::get() { CurrentPhase::get() } else { Phase::Void },
            base: Base::get(),
            sealed: Sealed::get(),
            committee: Committee::get(),
            failure: None,
            due: Due::get(),
            claims_expired: false,
            ended_at: None,
        })
    }

    fn acted(_: TaskId) -> bool {
        Acted::mutate(|acted| *acted += 1);
        Moves::get()
    }
}

impl Roster<AccountId> for Others {
    fn enrolled(_: TaskId, _: Role) -> u32 {
        Drawn::get().len() as u32
    }

    fn is_enrolled(_: TaskId, _: Role, _: &AccountId) -> bool {
        false
    }

    fn engaged(_: TaskId, _: Role, _: &AccountId) -> Balance {
        0
    }

    fn open_draw(_: TaskId, _: RoundNumber, _: Draw, places: u32) -> u32 {
        places
    }

    fn place(_: TaskId, _: RoundNumber, draw: Draw, who: &AccountId) -> Result<u32, DispatchError> {
        ensure!(draw == Draw::Trainers, NOT_DRAWN);
        Drawn::get()
            .iter()
            .position(|drawn| drawn == who)
            .map(|place| place as u32)
            .ok_or(NOT_DRAWN)
    }

    fn ensure_drawn(_: TaskId, _: RoundNumber, draw: Draw) -> DispatchResult {
        let drawn = draw == Draw::Committee(Committee::get()) && CommitteeDrawn::get();
        ensure!(drawn, SEED_UNKNOWN);
        Ok(())
    }

    fn close_draw(_: TaskId, _: RoundNumber, _: Draw) {}

    fn hold_place(task: TaskId, round: RoundNumber, role: Role, who: &AccountId) -> DispatchResult {
        ensure!(!StandsElsewhere::get().contains(who), STILL_AT_RISK);
        Held::mutate(|held| held.push((task, round, role, *who)));
        Ok(())
    }

    fn at_risk(_: TaskId, _: Role, _: &AccountId) -> Option<RoundNumber> {
        None
    }

    fn expose_place(_: TaskId, _: RoundNumber, _: Role, _: &AccountId) -> DispatchResult {
        Ok(())
    }

    fn clear_place(_: TaskId, _: RoundNumber, _: Role, who: &AccountId) {
        Freed::mutate(|freed| freed.push(*who));
    }

    fn release_place(_: TaskId, _: RoundNumber, _: Role, who: &AccountId) {
        Freed::mutate(|freed| freed.push(*who));
    }
}

impl Bonds<AccountId> for Others {
    fn engage(_: &AccountId, _: Role, _: Balance) -> DispatchResult {
        Ok(())
    }

    fn disengage(_: &AccountId, _: Role, _: Balance) {}

    fn ensure_covered(who: &AccountId, role: Role) -> DispatchResult {
        ensure!(role == Role::Trainer && !Uncovered::get().contains(who), NOT_COVERED);
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

    fn minimum(_: Role) -> Balance {
        1
    }
}

impl Escrow<AccountId> for Others {
    fn account(_: TaskId) -> AccountId {
        0
    }

    fn row_opened(task: TaskId, round: RoundNumber) {
        OpenedRows::mutate(|rows| rows.push((task, round)));
    }

    fn row_settled(_: TaskId, _: RoundNumber, _: &AccountId, _: Balance) -> DispatchResult {
        Ok(())
    }

    fn recovered(_: TaskId, _: Balance) {}
}

#[cfg(feature = "runtime-benchmarks")]
impl crate::BenchmarkHelper<AccountId> for Others {
    fn training(trainers: u32) -> (TaskId, RoundNumber, Vec<AccountId>) {
        Sealed::set(true);
        (TASK, ROUND, (1..=trainers.into()).collect())
    }

    fn enter(_: TaskId, _: RoundNumber, phase: Phase) {
        CurrentPhase::set(phase);
    }

    fn draw() {
        CommitteeDrawn::set(true);
    }
}

pub fn new_test_ext() -> sp_io::TestExternalities {
    let mut ext: sp_io::TestExternalities =
        frame_system::GenesisConfig::<Test>::default().build_storage().unwrap().into();
    ext.execute_with(|| System::set_block_number(1));
    ext
}

/// Runs a test on a fresh chain and checks afterwards that the pallet's state is sound.
pub fn build_and_execute(test: impl FnOnce()) {
    new_test_ext().execute_with(|| {
        test();
        Results::do_try_state().unwrap();
    });
}

pub fn cid(byte: u8) -> Cid {
    Cid { codec: Codec::Raw, digest: [byte; 32] }
}

/// What `account` commits to in the tests: an update, a sample count and a salt of its own.
pub fn update_of(account: &AccountId) -> UpdateCommitment<'_, AccountId> {
    UpdateCommitment {
        genesis: System::block_hash(0).into(),
        task: TASK,
        round: ROUND,
        account,
        base: Base::get(),
        cid: cid(*account as u8),
        plain_hash: Sealed::get().then_some([*account as u8; 32]),
        samples: 100,
        salt: [*account as u8; 32],
    }
}

pub fn commit(who: AccountId) {
    let hash = update_of(&who).hash();
    Results::commit(RuntimeOrigin::signed(who), TASK, ROUND, hash).unwrap();
}

/// Reveals with the parts of `update`, whoever's it is.
pub fn try_reveal(
    who: AccountId,
    update: &UpdateCommitment<'_, AccountId>,
) -> frame_support::dispatch::DispatchResultWithPostInfo {
    let UpdateCommitment { round, cid, plain_hash, samples, salt, .. } = *update;
    Results::reveal(RuntimeOrigin::signed(who), TASK, round, cid, plain_hash, samples, salt)
}

pub fn reveal(who: AccountId) {
    try_reveal(who, &update_of(&who)).unwrap();
}
