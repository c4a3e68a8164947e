//! Other parameters: those that hold, with what is to change.

use crate::{
    exit::{Kind, OfKind, problem},
    units::Amount,
};
use clap::Args;
use color_eyre::Result;
use decentralml_protocol::{
    payoff::{self, Prices},
    slashing::FAULTS,
};
use decentralml_sdk::Properties;
use decentralml_types::{Balance, Fault, Parameters, Penalty};
use std::str::FromStr;

/// What is to change. The rest stays as it is when the motion is proposed.
#[derive(Args, Clone, Debug, Default)]
pub struct Change {
    /// What a trainer bonds at least.
    #[arg(long, value_name = "AMOUNT")]
    min_trainer_bond: Option<Amount>,
    /// What an evaluator bonds at least.
    #[arg(long, value_name = "AMOUNT")]
    min_evaluator_bond: Option<Amount>,
    /// What a validator bonds at least, and needs to make blocks.
    #[arg(long, value_name = "AMOUNT")]
    min_validator_bond: Option<Amount>,
    /// What an appeal puts at stake, at least, or all that was seized where that is less.
    #[arg(long, value_name = "AMOUNT")]
    appeal_bond: Option<Amount>,
    /// What an appeal puts at stake, in percent of what was seized.
    #[arg(long, value_name = "PERCENT")]
    appeal_percent: Option<u8>,
    /// What an accused gets whom the council frees.
    #[arg(long, value_name = "AMOUNT")]
    appeal_costs: Option<Amount>,
    /// What a challenge puts at stake.
    #[arg(long, value_name = "AMOUNT")]
    challenge_bond: Option<Amount>,
    /// What of it the treasury gets for an answer.
    #[arg(long, value_name = "AMOUNT")]
    answer_price: Option<Amount>,
    /// What a fault costs: in percent of the bond, and of that the parts of task and reporter, as `WrongAggregate=40/0/0`. May be repeated.
    #[arg(long = "penalty", value_name = "FAULT=PERCENT/TASK/REPORTER")]
    penalties: Vec<FaultPenalty>,
}

/// What one fault shall cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FaultPenalty(Fault, Penalty);

impl FromStr for FaultPenalty {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = FAULTS.map(|fault| format!("{fault:?}"));
        let wrong = || {
            format!(
                "`{text}` says of no fault what it costs; write it like `WrongAggregate=40/0/0`, with one of {}",
                names.join(", ")
            )
        };
        let (name, parts) = text.split_once('=').ok_or_else(wrong)?;
        let fault = FAULTS.into_iter().find(|fault| format!("{fault:?}") == name.trim());
        let parts: Result<Vec<u8>, _> = parts.split('/').map(|part| part.trim().parse()).collect();
        match (fault, parts.as_deref()) {
            (Some(fault), Ok(&[percent, to_task, to_reporter])) => {
                Ok(Self(fault, Penalty { percent, to_task, to_reporter }))
            }
            _ => Err(wrong()),
        }
    }
}

impl Change {
    /// The parameters after it. Refuses those that the chain would not take, as far as that does not depend on fees, which only the chain knows.
    pub fn apply(
        &self,
        now: &Parameters,
        call_price: Balance,
        token: &Properties,
    ) -> Result<Parameters> {
        let mut new = *now;
        for (given, field) in [
            (&self.min_trainer_bond, &mut new.min_trainer_bond),
            (&self.min_evaluator_bond, &mut new.min_evaluator_bond),
            (&self.min_validator_bond, &mut new.min_validator_bond),
            (&self.appeal_bond, &mut new.appeal_bond),
            (&self.appeal_costs, &mut new.appeal_costs),
            (&self.challenge_bond, &mut new.challenge_bond),
            (&self.answer_price, &mut new.answer_price),
        ] {
            if let Some(amount) = given {
                *field = amount.planck(token).of_kind(Kind::Usage)?;
            }
        }
        new.appeal_percent = self.appeal_percent.unwrap_or(new.appeal_percent);
        for FaultPenalty(fault, penalty) in &self.penalties {
            *new.penalties.of_mut(*fault) = *penalty;
        }
        if new == *now {
            return Err(problem(
                Kind::Usage,
                "nothing would change: `decentralml council parameters` shows what holds",
            ));
        }
        let prices = Prices { call: call_price, answer: 0, fee: 0 };
        payoff::check(&new, &prices).map_err(|violation| {
            problem(Kind::Refused, format!("the chain would not take it: {violation}"))
        })?;
        Ok(new)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use decentralml_protocol::slashing::TABLE;

    fn now() -> Parameters {
        Parameters {
            min_trainer_bond: 1_000,
            min_evaluator_bond: 1_000,
            min_validator_bond: 100_000,
            penalties: TABLE,
            appeal_bond: 500,
            appeal_percent: 10,
            appeal_costs: 100,
            challenge_bond: 5_000,
            answer_price: 1_500,
        }
    }

    fn apply(change: &Change) -> Result<Parameters> {
        let token = Properties { symbol: "DML".to_owned(), decimals: 3, ss58: 42 };
        change.apply(&now(), 1, &token)
    }

    #[test]
    fn what_is_not_named_stays() {
        let change = Change {
            min_trainer_bond: Some("2 DML".parse().unwrap()),
            penalties: vec!["WrongAggregate=40/0/0".parse().unwrap()],
            ..Change::default()
        };
        let mut expected = now();
        expected.min_trainer_bond = 2_000;
        expected.penalties.wrong_aggregate.percent = 40;
        assert_eq!(apply(&change).unwrap(), expected);
    }

    #[test]
    fn what_the_chain_would_not_take_is_refused_with_the_reason() {
        let change = Change { appeal_percent: Some(5), ..Change::default() };
        let error = apply(&change).unwrap_err();
        assert_eq!(crate::exit::kind(&error), Kind::Refused);
        assert!(error.to_string().contains("appeal_percent is at most 100"), "{error}");
        let error = apply(&Change::default()).unwrap_err();
        assert_eq!(crate::exit::kind(&error), Kind::Usage);
    }

    #[test]
    fn penalties_are_written_with_their_parts() {
        let penalty = Penalty { percent: 90, to_task: 20, to_reporter: 30 };
        let parsed: FaultPenalty = "Unanswered=90/20/30".parse().unwrap();
        assert_eq!(parsed, FaultPenalty(Fault::Unanswered, penalty));
        for wrong in ["Unanswered", "Unanswered=90", "Nothing=1/2/3", "Unanswered=300/0/0"] {
            let error = wrong.parse::<FaultPenalty>().unwrap_err();
            assert!(error.contains("`WrongAggregate=40/0/0`"), "{error}");
        }
    }
}
