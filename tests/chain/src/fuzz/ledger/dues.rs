//! What settling somebody's part in a round came to, compared with what it was due.

use super::{Known, Ledger, cases, rounds::Due};
use crate::{chain::Chain, invariants::ensure};
use decentralml_runtime::*;
use decentralml_types::{Balance, BlockNumber, Outcome as Verdict, Role, RoundNumber, TaskId};

impl Ledger {
    /// Whether everybody is paid or accused who should be, and of what, and nobody else is.
    pub(super) fn settled(
        &self,
        call: &RuntimeCall,
        event: &pallet_validation::Event<Runtime>,
        now: BlockNumber,
    ) -> Result<(), String> {
        use pallet_validation::{Call, Event::*};
        let (task, round, who, role, is) = match event {
            Rewarded { task, round, who, role, .. } => (task, round, who, role, Due::Pay),
            Closed { task, round, who, role } => (task, round, who, role, Due::Nothing),
            Accused { task, round, who, role, fault, .. } => {
                (task, round, who, role, Due::Accused(*fault))
            }
            _ => return Ok(()),
        };
        let key = (*task, *round);
        let Known { spec, penalties, .. } = self.known(*task)?;
        let should = match (role, call) {
            (Role::Trainer, _) => self.rounds.due_to_trainer(key, &spec, who, now)?,
            (_, RuntimeCall::Validation(Call::claim_seat { committee, .. })) => {
                self.rounds.due_to_seat(key, *committee, (&spec, &penalties), who, now)?
            }
            _ => return Err(format!("settled: a seat of {who} by another call")),
        };
        // Who is to be paid nothing is told so.
        let should = match should {
            Due::Pay if self.share(*task, *round, who, *role)? == 0 => Due::Nothing,
            should => should,
        };
        ensure(is == should, || {
            format!("settled: {who} as {role:?} in {task}/{round}: {is:?}, and {should:?} is due")
        })
    }

    pub(super) fn opened(&mut self, call: &RuntimeCall, event: &pallet_validation::Event<Runtime>) {
        if let (
            RuntimeCall::Validation(pallet_validation::Call::open_scores { opinions, .. }),
            pallet_validation::Event::ScoresOpened { task, round, committee, who },
        ) = (call, event)
        {
            self.fees.opened((*task, *round), who, opinions);
            self.rounds.opened((*task, *round), *committee, who, opinions);
        }
    }

    /// Checks what a verdict led to; returns what was rewarded.
    pub(super) fn verdict(
        &mut self,
        chain: &mut Chain,
        event: &pallet_validation::Event<Runtime>,
    ) -> Result<Balance, String> {
        use pallet_validation::Event::*;
        match event {
            Judged { task, round, trainer, score, outcome, .. } => {
                self.fees.counted((*task, *round), trainer, *score);
                let weights = self.weights.entry((*task, *round)).or_default();
                weights.remove(trainer);
                if let Verdict::Accepted { weight } = outcome {
                    weights.insert(trainer.clone(), *weight);
                }
            }
            Rewarded { task, round, who, role, amount } => {
                let trains = *role == Role::Trainer;
                let first = self.paid.insert((*task, *round, who.clone(), trains));
                ensure(first, || {
                    format!("pay: {who} was paid twice as {role:?} in {task}/{round}")
                })?;
                let should = self.share(*task, *round, who, *role)?;
                ensure(*amount == should, || {
                    format!(
                        "pay: {who} got {amount} as {role:?} in {task}/{round}, {should} is its share"
                    )
                })?;
                return Ok(*amount);
            }
            Accused { task, round, who, role, fault, amount } => {
                self.taken(chain, *task, who, *fault, *amount)?;
                let trains = *role == Role::Trainer;
                ensure(trains == cases::is_of_trainers(*fault), || {
                    format!("slash: {who} is accused as {role:?} of {fault:?}")
                })?;
                let times = self.accused.entry((*task, *round, who.clone(), trains)).or_default();
                *times += 1;
                // A round has two committees at most, and an account may fail in both.
                let often = if trains { 1 } else { 2 };
                ensure(*times <= often, || format!("slash: {who} is accused {times} times"))?;
            }
            _ => {}
        }
        Ok(0)
    }

    /// What somebody is to get, worked out anew: ⌊reward × weight / sum of weights⌋, or a part of the fee.
    fn share(
        &self,
        task: TaskId,
        round: RoundNumber,
        who: &AccountId,
        role: Role,
    ) -> Result<Balance, String> {
        let terms = self.known(task)?.spec.terms;
        if role == Role::Evaluator {
            let due = self.fees.due((task, round), who, terms.fee_per_seat);
            return due.ok_or_else(|| format!("pay: {who} has opened no scores of {task}/{round}"));
        }
        let weights = self.weights.get(&(task, round)).ok_or("pay: nothing was accepted")?;
        if !weights.contains_key(who) && self.golds.contains(&(task, round, who.clone())) {
            return Ok(terms.reward_per_round / Balance::from(self.known(task)?.spec.trainers.max));
        }
        let weight = Balance::from(*weights.get(who).ok_or("pay: the update was not accepted")?);
        let sum: Balance = weights.values().map(|weight| Balance::from(*weight)).sum();
        let product =
            terms.reward_per_round.checked_mul(weight).ok_or("pay: a reward beyond u128")?;
        // Where nothing that was accepted is worth anything in its round, nobody is paid.
        Ok(product.checked_div(sum).unwrap_or(0))
    }
}
