//! All the other pallets.

use super::*;
use decentralml_protocol::slashing::TABLE;
use decentralml_traits::{
    Bonds, Challenged, Challenges, Charge, Clock, Draw, Escrow, Evidence, EvidenceCounts,
    EvidenceRow, Forfeited, Golds, Receivers, Reputation, Roster, RoundView, Scene, Tariff,
    Tribunal,
};
use decentralml_types::{
    CommitteeNumber, Conduct, Failure, Fault, Penalties, Phase, Role, TaskStatus,
};
use frame_support::{ensure, parameter_types};
use sp_runtime::{DispatchError, DispatchResult};
use std::collections::BTreeMap;

pub const NOT_DRAWN: DispatchError = DispatchError::Other("not drawn");
pub const NOT_COVERED: DispatchError = DispatchError::Other("not covered");
pub const NOT_PAYABLE: DispatchError = DispatchError::Other("not payable");
pub const STILL_AT_RISK: DispatchError = DispatchError::Other("still at risk");

/// The state of the other pallets.
#[derive(Clone)]
pub struct Around {
    /// Where the task stands; `None` where it is gone.
    pub status: Option<TaskStatus>,
    pub round: RoundNumber,
    pub phase: Phase,
    pub committee: CommitteeNumber,
    /// Rounds that settled before, with their last committees.
    pub earlier: BTreeMap<RoundNumber, CommitteeNumber>,
    pub failure: Option<Failure>,
    /// Whether the phase's deadline has passed.
    pub due: bool,
    pub claims_expired: bool,
    /// Whether gold results may still be revealed.
    pub pending: bool,
    pub quorum: u8,
    /// The committee at work.
    pub drawn: Vec<AccountId>,
    pub uncovered: Vec<AccountId>,
    /// Trainers in the order of their reveals.
    pub updates: Vec<AccountId>,
    pub evidence: BTreeMap<AccountId, EvidenceRow>,
    /// What accounts weigh in draws that weigh more than 1.
    pub weights: BTreeMap<AccountId, u8>,
    /// What is left of the bonds of those that have less than all tasks can ask.
    pub bonds: BTreeMap<AccountId, Balance>,
    /// Who was accused as what and of what, and what that took.
    pub accused: Vec<(AccountId, Role, Fault, Balance)>,
    pub paid: Vec<(AccountId, Balance)>,
    /// What was noted of whom.
    pub noted: Vec<(AccountId, Role, Conduct)>,
    /// Whether payments fail.
    pub broke: bool,
    /// Rows that are not settled.
    pub rows: i64,
    /// Places that are held, by role and account.
    pub held: BTreeMap<(bool, AccountId), i64>,
    /// The round for which a bond stands, by role and account.
    pub at_risk: BTreeMap<(bool, AccountId), RoundNumber>,
    pub acted: u32,
    /// What faults cost in the task.
    pub penalties: Penalties,
}

impl Default for Around {
    fn default() -> Self {
        Self {
            status: Some(TaskStatus::Running),
            round: ROUND,
            phase: Phase::Scoring,
            committee: 0,
            earlier: BTreeMap::new(),
            failure: None,
            due: false,
            claims_expired: false,
            pending: false,
            quorum: 2,
            drawn: Vec::new(),
            uncovered: Vec::new(),
            updates: Vec::new(),
            evidence: BTreeMap::new(),
            weights: BTreeMap::new(),
            bonds: BTreeMap::new(),
            accused: Vec::new(),
            paid: Vec::new(),
            noted: Vec::new(),
            broke: false,
            rows: 0,
            held: BTreeMap::new(),
            at_risk: BTreeMap::new(),
            acted: 0,
            penalties: TABLE,
        }
    }
}

parameter_types! {
    /// Where the challenges of updates stand; all others are met.
    pub static Standings: BTreeMap<AccountId, Challenged> = BTreeMap::new();
    /// Whose challenges were forgotten.
    pub static Forgotten: Vec<AccountId> = Vec::new();
    pub static World: Around = Around::default();
}

pub struct Others;

impl Golds for Others {
    fn are_pending(task: TaskId, _: RoundNumber) -> bool {
        task == TASK && World::get().pending
    }
}

impl Tariff for Others {
    fn penalties(task: TaskId) -> Option<Penalties> {
        <Self as Clock<AccountId>>::status(task).map(|_| World::get().penalties)
    }
}

impl Clock<AccountId> for Others {
    fn spec(task: TaskId) -> Option<TaskSpec> {
        Self::status(task).map(|_| spec(World::get().quorum))
    }

    fn sponsor(_: TaskId) -> Option<AccountId> {
        None
    }

    fn status(task: TaskId) -> Option<TaskStatus> {
        World::get().status.filter(|_| task == TASK)
    }

    fn current(task: TaskId) -> Option<(RoundNumber, Phase)> {
        let world = World::get();
        Self::status(task).map(|_| (world.round, world.phase))
    }

    fn round(task: TaskId, round: RoundNumber) -> Option<RoundView> {
        let world = World::get();
        let live = round == world.round;
        let committee = world.earlier.get(&round).copied().unwrap_or(world.committee);
        let known = live || world.earlier.contains_key(&round);
        Self::status(task).filter(|_| known).map(|_| RoundView {
            phase: if live { world.phase } else { Phase::Settled },
            base: None,
            sealed: false,
            committee,
            failure: world.failure,
            due: world.due,
            claims_expired: world.claims_expired,
            ended_at: None,
        })
    }

    fn acted(_: TaskId) -> bool {
        World::mutate(|world| world.acted += 1);
        false
    }
}

impl Roster<AccountId> for Others {
    fn enrolled(_: TaskId, _: Role) -> u32 {
        World::get().drawn.len() as u32
    }

    fn is_enrolled(_: TaskId, _: Role, _: &AccountId) -> bool {
        false
    }

    fn engaged(_: TaskId, role: Role, who: &AccountId) -> Balance {
        let world = World::get();
        let weight = world.weights.get(who).copied().unwrap_or(1);
        spec(world.quorum).stake(role, weight)
    }

    fn open_draw(_: TaskId, _: RoundNumber, _: Draw, places: u32) -> u32 {
        places
    }

    fn place(_: TaskId, _: RoundNumber, draw: Draw, who: &AccountId) -> Result<u32, DispatchError> {
        let world = World::get();
        ensure!(draw == Draw::Committee(world.committee), NOT_DRAWN);
        let place = world.drawn.iter().position(|drawn| drawn == who);
        place.map(|place| place as u32).ok_or(NOT_DRAWN)
    }

    fn ensure_drawn(_: TaskId, _: RoundNumber, _: Draw) -> DispatchResult {
        Ok(())
    }

    fn close_draw(_: TaskId, _: RoundNumber, _: Draw) {}

    fn hold_place(_: TaskId, round: RoundNumber, role: Role, who: &AccountId) -> DispatchResult {
        World::mutate(|world| {
            let place = (role == Role::Evaluator, *who);
            let at_risk = *world.at_risk.entry(place).or_insert(round);
            ensure!(at_risk == round, STILL_AT_RISK);
            *world.held.entry(place).or_default() += 1;
            Ok(())
        })
    }

    fn at_risk(_: TaskId, role: Role, who: &AccountId) -> Option<RoundNumber> {
        World::get().at_risk.get(&(role == Role::Evaluator, *who)).copied()
    }

    fn expose_place(_: TaskId, round: RoundNumber, role: Role, who: &AccountId) -> DispatchResult {
        World::mutate(|world| {
            let at_risk = world.at_risk.entry((role == Role::Evaluator, *who)).or_insert(round);
            ensure!(*at_risk == round, STILL_AT_RISK);
            Ok(())
        })
    }

    fn clear_place(_: TaskId, round: RoundNumber, role: Role, who: &AccountId) {
        World::mutate(|world| {
            let place = (role == Role::Evaluator, *who);
            if world.at_risk.get(&place) == Some(&round) {
                world.at_risk.remove(&place);
            }
        });
    }

    fn release_place(task: TaskId, round: RoundNumber, role: Role, who: &AccountId) {
        Self::clear_place(task, round, role, who);
        World::mutate(|world| {
            *world.held.entry((role == Role::Evaluator, *who)).or_default() -= 1;
        });
    }
}

impl Bonds<AccountId> for Others {
    fn engage(_: &AccountId, _: Role, _: Balance) -> DispatchResult {
        Ok(())
    }

    fn disengage(_: &AccountId, _: Role, _: Balance) {}

    fn ensure_covered(who: &AccountId, _: Role) -> DispatchResult {
        ensure!(!World::get().uncovered.contains(who), NOT_COVERED);
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

impl Tribunal<AccountId> for Others {
    fn accuse(charge: Charge<AccountId>) -> Balance {
        assert_eq!(charge.reporter, None);
        World::mutate(|world| {
            assert_eq!(charge.scene, Scene::Round { task: TASK, round: world.round });
            let left = world.bonds.entry(charge.accused).or_insert(Balance::MAX);
            let seized = charge.amount.min(*left);
            *left -= seized;
            world.accused.push((charge.accused, charge.role, charge.fault, seized));
            seized
        })
    }
}

impl Escrow<AccountId> for Others {
    fn account(task: TaskId) -> AccountId {
        1_000_000 + u64::from(task)
    }

    fn row_opened(_: TaskId, _: RoundNumber) {
        World::mutate(|world| world.rows += 1);
    }

    fn row_settled(_: TaskId, _: RoundNumber, who: &AccountId, amount: Balance) -> DispatchResult {
        World::mutate(|world| {
            ensure!(amount == 0 || !world.broke, NOT_PAYABLE);
            world.rows -= 1;
            if amount > 0 {
                world.paid.push((*who, amount));
            }
            Ok(())
        })
    }

    fn recovered(_: TaskId, _: Balance) {}
}

impl Challenges<AccountId> for Others {
    fn standing(task: TaskId, round: RoundNumber, who: &AccountId) -> Challenged {
        let is_current = (task, round) == (TASK, World::get().round);
        let standing = is_current.then(|| Standings::get().get(who).copied()).flatten();
        standing.unwrap_or(Challenged::Met)
    }

    fn forget(_: TaskId, _: RoundNumber, who: &AccountId) {
        assert!(
            World::get().evidence.contains_key(who),
            "the update is gone before its challenges"
        );
        Standings::mutate(|standings| standings.remove(who));
        Forgotten::mutate(|forgotten| forgotten.push(*who));
    }
}

impl Evidence<AccountId> for Others {
    fn counts(_: TaskId, _: RoundNumber) -> EvidenceCounts {
        let world = World::get();
        EvidenceCounts {
            committed: world.evidence.len() as u32,
            revealed: world.updates.len() as u32,
        }
    }

    fn trainer(_: TaskId, _: RoundNumber, index: u32) -> Option<AccountId> {
        World::get().updates.get(index as usize).copied()
    }

    fn take(_: TaskId, _: RoundNumber, who: &AccountId) -> Option<EvidenceRow> {
        World::mutate(|world| world.evidence.remove(who))
    }

    fn row(_: TaskId, _: RoundNumber, who: &AccountId) -> Option<EvidenceRow> {
        World::get().evidence.get(who).copied()
    }
}

#[cfg(feature = "runtime-benchmarks")]
impl crate::BenchmarkHelper<AccountId> for Others {
    fn scoring(trainers: u32, seats: u32) -> crate::Scene<AccountId> {
        let trainers: Vec<AccountId> = (1..=u64::from(trainers)).collect();
        let seats: Vec<AccountId> = (1_001..=1_000 + u64::from(seats)).collect();
        start(&trainers, &seats);
        crate::Scene { task: TASK, round: ROUND, trainers, seats }
    }

    fn unrevealed() -> (TaskId, RoundNumber, AccountId) {
        World::mutate(|world| {
            world.evidence.insert(1, EvidenceRow::Committed);
            world.rows = 1;
        });
        void(Failure::TooFewReveals);
        Self::end(TASK);
        (TASK, ROUND, 1)
    }

    fn enter(_: TaskId, _: RoundNumber, phase: Phase) {
        World::mutate(|world| world.phase = phase);
    }

    fn end(_: TaskId) {
        World::mutate(|world| world.status = Some(TaskStatus::Completed));
    }
}

impl Reputation<AccountId> for Others {
    fn note(who: &AccountId, role: Role, conduct: Conduct) {
        World::mutate(|world| world.noted.push((*who, role, conduct)));
    }

    fn score(_: &AccountId, _: Role) -> u16 {
        500
    }
}
