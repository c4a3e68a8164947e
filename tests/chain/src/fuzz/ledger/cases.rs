//! What cases and challenges move, by a second reading of the tables in `docs/protocol.md`.

use super::Ledger;
use crate::invariants::ensure;
use decentralml_runtime::*;
use decentralml_types::{Balance, CaseId, Fault, RoundNumber, TaskId};
use std::collections::BTreeMap;

/// What is known of cases and challenges that are open.
#[derive(Default)]
pub(super) struct Cases {
    open: BTreeMap<CaseId, Known>,
    challengers: BTreeMap<(TaskId, RoundNumber, AccountId), AccountId>,
    /// What reporters have paid since the last case ended.
    charged: Balance,
}

/// A case.
#[derive(Clone)]
struct Known {
    accused: AccountId,
    reporter: Option<AccountId>,
    fault: Fault,
    task: TaskId,
    amount: Balance,
}

pub(super) fn is_of_trainers(fault: Fault) -> bool {
    !matches!(
        fault,
        Fault::NotOpened | Fault::WrongAggregate | Fault::Equivocated | Fault::GoldMissed
    )
}

/// The parts of the task and of the reporter.
fn parts(fault: Fault, amount: Balance) -> (Balance, Balance) {
    match fault {
        Fault::NotRevealed | Fault::NotOpened => (amount / 2, 0),
        Fault::Unavailable | Fault::Malformed | Fault::WrongAggregate | Fault::GoldMissed => (0, 0),
        Fault::Unanswered => (amount / 4, amount / 4),
        Fault::Equivocated => (0, amount / 10),
    }
}

impl Ledger {
    /// What a fault costs an account, at most.
    pub(super) fn most(
        &self,
        task: TaskId,
        who: &AccountId,
        fault: Fault,
    ) -> Result<Balance, String> {
        let weight = self.heavy.get(&(task, who.clone(), is_of_trainers(fault)));
        let weight = weight.ok_or_else(|| format!("case: {who} never enrolled in task {task}"))?;
        let terms = &self.known(task)?.spec.terms;
        let bond = if is_of_trainers(fault) { terms.trainer_bond } else { terms.evaluator_bond };
        let engaged = bond * Balance::from(*weight);
        Ok(match fault {
            Fault::WrongAggregate | Fault::GoldMissed => engaged / 2,
            // Belongs to no task.
            Fault::Equivocated => 0,
            _ => engaged,
        })
    }

    pub(super) fn bond(
        &mut self,
        event: &pallet_participants::Event<Runtime>,
    ) -> Result<(), String> {
        use pallet_participants::Event::*;
        match event {
            // Who gets the other parts, the case says.
            Slashed { who, amount, to_harmed, to_reporter, .. } => {
                self.take(who, *amount)?;
                self.give_treasury(amount - to_harmed - to_reporter);
            }
            Charged { who, amount, to, .. } => {
                self.take(who, *amount)?;
                self.give(to, *amount);
                self.cases.charged += amount;
            }
            _ => {}
        }
        Ok(())
    }

    pub(super) fn case(&mut self, event: &pallet_disputes::Event<Runtime>) -> Result<(), String> {
        use pallet_disputes::Event::*;
        match event {
            Opened { case, accused, fault, task, amount, reporter, .. } => {
                let most = self.most(*task, accused, *fault)?;
                ensure((1..=most).contains(amount), || {
                    format!("case: {amount} are at stake for {fault:?}, {most} at most")
                })?;
                let (accused, reporter) = (accused.clone(), reporter.clone());
                let known =
                    Known { accused, reporter, fault: *fault, task: *task, amount: *amount };
                let first = self.cases.open.insert(*case, known).is_none();
                ensure(first, || format!("case: {case} was opened twice"))?;
            }
            Executed { case, amount, to_harmed, to_reporter, bond_lost, .. } => {
                let known = self.concluded(*case, *amount)?;
                let (task, reporter) = parts(known.fault, *amount);
                let reporter = known.reporter.as_ref().map_or(0, |_| reporter);
                ensure((*to_harmed, *to_reporter) == (task, reporter), || {
                    format!("case: {to_harmed} and {to_reporter} of {amount} for {:?}", known.fault)
                })?;
                self.give_harmed(known.task, *to_harmed)?;
                self.take(&known.accused, *bond_lost)?;
                let costs = <Runtime as pallet_parameters::Config>::Initial::get().appeal_costs;
                let costs = known.reporter.as_ref().map_or(0, |_| costs.min(*bond_lost * 9 / 10));
                if let Some(reporter) = &known.reporter {
                    self.give(reporter, to_reporter + costs);
                }
                self.give_treasury(bond_lost - costs);
            }
            Freed { case, amount, costs, .. } => {
                let known = self.concluded(*case, *amount)?;
                let charged = std::mem::take(&mut self.cases.charged);
                ensure(charged <= *costs, || {
                    format!("case: a reporter paid {charged} of {costs}")
                })?;
                self.give(&known.accused, costs - charged);
                self.take(&configs::TreasuryAccount::get(), costs - charged)?;
            }
            _ => {}
        }
        Ok(())
    }

    pub(super) fn challenge(
        &mut self,
        event: &pallet_challenges::Event<Runtime>,
    ) -> Result<(), String> {
        use pallet_challenges::Event::*;
        match event {
            Challenged { task, round, trainer, challenger, .. } => {
                let key = (*task, *round, trainer.clone());
                self.cases.challengers.insert(key, challenger.clone());
            }
            Answered { task, round, trainer, earned, .. } => {
                let key = (*task, *round, trainer.clone());
                let challenger = self.cases.challengers.remove(&key);
                let challenger = challenger.ok_or("challenge: an answer that nobody wanted")?;
                // Those of a new chain: nothing here sets others.
                let initial = <Runtime as pallet_parameters::Config>::Initial::get();
                let bond = initial.challenge_bond;
                ensure(*earned == bond - initial.answer_price, || {
                    format!("challenge: an answer brought {earned} of {bond}")
                })?;
                self.take(&challenger, bond)?;
                self.give(trainer, *earned);
                self.give_treasury(bond - earned);
            }
            Unanswered { task, round, trainer, challenger, .. }
            | Lapsed { task, round, trainer, challenger } => {
                let key = (*task, *round, trainer.clone());
                let known = self.cases.challengers.remove(&key);
                ensure(known.as_ref() == Some(challenger), || {
                    format!("challenge: {challenger} gets back what it never gave")
                })?;
            }
            _ => {}
        }
        Ok(())
    }

    /// A case that has ended about all that was at stake.
    fn concluded(&mut self, case: CaseId, amount: Balance) -> Result<Known, String> {
        let known = self.cases.open.remove(&case).ok_or("case: one that was never opened")?;
        ensure(known.amount == amount, || {
            format!("case: {amount} are decided on, {} were at stake", known.amount)
        })?;
        Ok(known)
    }

    /// Accounts of tasks are not followed; of a task that is gone, the sponsor gets its part.
    fn give_harmed(&mut self, task: TaskId, amount: Balance) -> Result<(), String> {
        let known = self.known(task)?;
        if known.reaped {
            self.give(&known.sponsor, amount);
        }
        Ok(())
    }
}
