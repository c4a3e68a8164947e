//! The parameters that hold, and who goes by which: read a second time from *Parameters* of `docs/protocol.md`.

use super::Ledger;
use crate::{chain::Chain, invariants::ensure};
use decentralml_runtime::*;
use decentralml_types::{Balance, Parameters, Role, TaskSpec};
use pallet_participants::Members;

/// What holds now, and what came of what held before.
pub(super) struct Settings {
    pub present: Parameters,
    /// What happened under parameters that others had replaced by then.
    seen: Vec<&'static str>,
}

impl Default for Settings {
    fn default() -> Self {
        let present = <Runtime as pallet_parameters::Config>::Initial::get();
        Self { present, seen: Vec::new() }
    }
}

impl Settings {
    pub(super) fn saw(&mut self, what: &'static str, happened: bool) {
        self.seen.extend(happened.then_some(what));
    }

    pub(super) fn compare(&self) -> Result<(), String> {
        let holds = pallet_parameters::Current::<Runtime>::get();
        ensure(holds == self.present, || {
            format!("parameters: {holds:?} hold, by all events it should be {:?}", self.present)
        })
    }

    /// What an appeal puts at stake against the loss of so much, and what its loser pays the winner, of a case that is opened now.
    pub(super) fn appeal(&self, seized: Balance) -> (Balance, Balance) {
        let Parameters { appeal_percent, appeal_bond, appeal_costs, .. } = self.present;
        let stake = (seized * Balance::from(appeal_percent) / 100).max(appeal_bond).min(seized);
        (stake, appeal_costs.min(stake * 9 / 10))
    }

    /// Whether a task may be created as it is.
    pub(super) fn allow(&self, spec: &TaskSpec) -> Result<(), String> {
        let Parameters { min_trainer_bond, min_evaluator_bond, penalties, .. } = &self.present;
        let terms = &spec.terms;
        let cap = Balance::from(terms.draw.cap());
        let of_trainers = [
            penalties.not_revealed,
            penalties.unavailable,
            penalties.malformed,
            penalties.unanswered,
        ];
        let of_seats = [penalties.not_opened, penalties.wrong_aggregate, penalties.gold_missed];
        let reward = terms.reward_per_round / Balance::from(spec.trainers.max);
        let sides = [
            (terms.trainer_bond, *min_trainer_bond, reward, &of_trainers[..]),
            (terms.evaluator_bond, *min_evaluator_bond, terms.fee_per_seat, &of_seats[..]),
        ];
        for (index, (bond, least, pay, penalties)) in sides.into_iter().enumerate() {
            ensure(bond >= least, || {
                format!("parameters: a task asks for {bond}, the least is {least}")
            })?;
            // Seats may be paid nothing.
            if !terms.asset.is_native() || index == 1 && pay == 0 {
                continue;
            }
            let worst = penalties.iter().map(|penalty| penalty.percent).max().unwrap_or(0);
            let loss = bond.saturating_mul(cap * Balance::from(worst)) / 100;
            ensure(pay * 2 / 5 >= loss / 1_000, || {
                format!("parameters: a task pays {pay} for the risk of {loss}")
            })?;
        }
        Ok(())
    }
}

impl Ledger {
    /// What happened since the last call under parameters that were replaced.
    pub fn seen(&mut self) -> Vec<&'static str> {
        std::mem::take(&mut self.settings.seen)
    }

    pub(super) fn set(&mut self, event: &pallet_parameters::Event<Runtime>) -> Result<(), String> {
        let pallet_parameters::Event::ParametersSet { old, new } = event else { return Ok(()) };
        ensure(**old == self.settings.present, || {
            format!("parameters: {old:?} are replaced, which did not hold")
        })?;
        let other = old != new;
        let lives = self.tasks.values().any(|task| !task.over);
        self.settings.saw("set while a task lives", other && lives);
        self.settings.saw("set while a case is open", other && self.has_cases());
        self.settings.saw("set while a challenge is open", other && self.has_challenges());
        self.settings.present = **new;
        Ok(())
    }

    /// Whether a bond that was put up, or of which a part was taken back, is enough for its role now.
    pub(super) fn bonded(
        &self,
        chain: &mut Chain,
        who: &AccountId,
        role: Role,
    ) -> Result<(), String> {
        let least = match role {
            Role::Trainer => self.settings.present.min_trainer_bond,
            Role::Evaluator => self.settings.present.min_evaluator_bond,
            Role::Validator => self.settings.present.min_validator_bond,
        };
        let bond = chain.read(|| Members::<Runtime>::get(role, who)).map_or(0, |row| row.bond);
        ensure(bond == 0 || bond >= least, || {
            format!("parameters: {who} has bonded {bond} as {role:?}, the least is {least}")
        })
    }
}
