//! All the other pallets.

use super::*;
use decentralml_traits::{
    Bonds, Clock, Draw, Escrow, Forfeited, Receivers, Reputation, Roster, RoundView,
};
use decentralml_types::{Conduct, Phase, TaskSpec, TaskStatus};
use frame_support::traits::{fungible::Mutate, tokens::Preservation::Expendable};
use sp_runtime::{DispatchError, DispatchResult};
use std::collections::BTreeMap;

/// The state of the other pallets.
#[derive(Clone)]
pub struct Around {
    /// Where the task stands; `None` where it is gone.
    pub status: Option<TaskStatus>,
    /// Whether the task's sponsor is known, as it is while the task is there.
    pub sponsor: Option<AccountId>,
    pub enrolled: Vec<(Role, AccountId)>,
    pub bonds: BTreeMap<(AccountId, Role), Balance>,
    pub seized: BTreeMap<(AccountId, Role), Balance>,
    /// What the task was told of.
    pub recovered: Balance,
    /// What was noted of whom.
    pub noted: Vec<(AccountId, Role, Conduct)>,
}

impl Default for Around {
    fn default() -> Self {
        let roles = [Role::Trainer, Role::Evaluator];
        let bonds = [ACCUSED, REPORTER]
            .into_iter()
            .flat_map(|who| roles.map(|role| ((who, role), BOND)))
            .chain([((ACCUSED, Role::Validator), BOND)])
            .collect();
        Self {
            status: Some(TaskStatus::Running),
            sponsor: Some(SPONSOR),
            enrolled: Vec::new(),
            bonds,
            seized: BTreeMap::new(),
            recovered: 0,
            noted: Vec::new(),
        }
    }
}

parameter_types! {
    pub static World: Around = Around::default();
}

pub fn bond(who: AccountId, role: Role) -> Balance {
    World::get().bonds.get(&(who, role)).copied().unwrap_or(0)
}

pub struct Others;

/// Pays from the vault, all or nothing.
fn pay(to: AccountId, amount: Balance) -> Balance {
    Balances::transfer(&VAULT, &to, amount, Expendable).unwrap_or(0)
}

impl Bonds<AccountId> for Others {
    fn engage(_: &AccountId, _: Role, _: Balance) -> DispatchResult {
        Ok(())
    }

    fn disengage(_: &AccountId, _: Role, _: Balance) {}

    fn ensure_covered(_: &AccountId, _: Role) -> DispatchResult {
        Ok(())
    }

    fn seize(who: &AccountId, role: Role, amount: Balance) -> Balance {
        World::mutate(|world| {
            let bond = world.bonds.entry((*who, role)).or_default();
            let seized = amount.min(*bond);
            *bond -= seized;
            *world.seized.entry((*who, role)).or_default() += seized;
            seized
        })
    }

    fn give_back(who: &AccountId, role: Role, amount: Balance) {
        World::mutate(|world| {
            *world.seized.entry((*who, role)).or_default() -= amount;
            *world.bonds.entry((*who, role)).or_default() += amount;
        });
    }

    fn forfeit(
        who: &AccountId,
        role: Role,
        amount: Balance,
        receivers: Receivers<AccountId>,
    ) -> Forfeited {
        World::mutate(|world| *world.seized.entry((*who, role)).or_default() -= amount);
        let give =
            |receiver: Option<(AccountId, Balance)>| receiver.map_or(0, |(to, part)| pay(to, part));
        let to_harmed = give(receivers.harmed);
        let to_reporter = give(receivers.reporter);
        pay(THE_TREASURY, amount - to_harmed - to_reporter);
        Forfeited { to_harmed, to_reporter }
    }

    fn charge(who: &AccountId, role: Role, amount: Balance, to: &AccountId) -> Balance {
        World::mutate(|world| {
            let bond = world.bonds.entry((*who, role)).or_default();
            let paid = pay(*to, amount.min(*bond));
            *bond -= paid;
            paid
        })
    }

    fn seized(who: &AccountId, role: Role) -> Balance {
        World::get().seized.get(&(*who, role)).copied().unwrap_or(0)
    }

    fn minimum(_: Role) -> Balance {
        1
    }
}

impl Clock<AccountId> for Others {
    fn spec(_: TaskId) -> Option<TaskSpec> {
        None
    }

    fn sponsor(task: TaskId) -> Option<AccountId> {
        World::get().sponsor.filter(|_| task == TASK)
    }

    fn status(task: TaskId) -> Option<TaskStatus> {
        World::get().status.filter(|_| task == TASK)
    }

    fn current(_: TaskId) -> Option<(RoundNumber, Phase)> {
        None
    }

    fn round(_: TaskId, _: RoundNumber) -> Option<RoundView> {
        None
    }

    fn acted(_: TaskId) -> bool {
        false
    }
}

impl Escrow<AccountId> for Others {
    fn account(task: TaskId) -> AccountId {
        1_000_000 + u64::from(task)
    }

    fn row_opened(_: TaskId, _: RoundNumber) {}

    fn row_settled(_: TaskId, _: RoundNumber, _: &AccountId, _: Balance) -> DispatchResult {
        Ok(())
    }

    fn recovered(task: TaskId, amount: Balance) {
        assert_eq!(task, TASK);
        World::mutate(|world| world.recovered += amount);
    }
}

impl Roster<AccountId> for Others {
    fn enrolled(_: TaskId, _: Role) -> u32 {
        0
    }

    fn is_enrolled(task: TaskId, role: Role, who: &AccountId) -> bool {
        task == TASK && World::get().enrolled.contains(&(role, *who))
    }

    fn engaged(_: TaskId, _: Role, _: &AccountId) -> Balance {
        0
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

    fn expose_place(_: TaskId, _: RoundNumber, _: Role, _: &AccountId) -> DispatchResult {
        Ok(())
    }

    fn clear_place(_: TaskId, _: RoundNumber, _: Role, _: &AccountId) {}

    fn release_place(_: TaskId, _: RoundNumber, _: Role, _: &AccountId) {}
}

#[cfg(feature = "runtime-benchmarks")]
impl crate::BenchmarkHelper<AccountId> for Others {
    fn charge() -> Charge<AccountId> {
        let (accused, role, fault) = (ACCUSED, Role::Trainer, Fault::Unanswered);
        let (scene, reporter) = (Scene::Round { task: TASK, round: ROUND }, Some(REPORTER));
        let (penalty, amount) = (TABLE.of(fault), BOND);
        Charge { accused, role, fault, penalty, amount, scene, reporter }
    }

    fn end(_: &Charge<AccountId>) {
        World::mutate(|world| world.status = Some(TaskStatus::Cancelled));
    }

    fn leave_to(reporter: &AccountId, role: Role, amount: Balance) {
        World::mutate(|world| world.bonds.insert((*reporter, role), amount));
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
