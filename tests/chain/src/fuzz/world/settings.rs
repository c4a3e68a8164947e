//! Parameters that the council may set, and some that it may not.

use crate::fuzz::step::Setting;
use decentralml_runtime::*;
use decentralml_types::{Parameters, Penalties, Penalty};

type Error = pallet_parameters::Error<Runtime>;

/// The parameters, and as what they are refused.
pub(super) fn of(setting: Setting) -> (Parameters, Option<Error>) {
    match setting {
        Setting::Initial => (initial(), None),
        Setting::Strict => (strict(), None),
        Setting::Lenient => (lenient(), None),
        Setting::Dear => (dear(), None),
        Setting::Unsound(condition) => {
            let (parameters, error) = unsound(condition);
            (parameters, Some(error))
        }
    }
}

fn initial() -> Parameters {
    <Runtime as pallet_parameters::Config>::Initial::get()
}

const fn penalty(percent: u8, to_task: u8, to_reporter: u8) -> Penalty {
    Penalty { percent, to_task, to_reporter }
}

fn strict() -> Parameters {
    Parameters {
        min_trainer_bond: 4 * UNIT,
        min_evaluator_bond: 3 * UNIT,
        min_validator_bond: 150 * UNIT,
        penalties: Penalties {
            // Nobody reports it, so that the treasury gets the reporter's part.
            not_revealed: penalty(90, 30, 10),
            not_opened: penalty(80, 60, 0),
            unavailable: penalty(70, 0, 0),
            malformed: penalty(60, 0, 0),
            // Of both, this one is the dearer.
            wrong_aggregate: penalty(65, 0, 0),
            gold_missed: penalty(30, 0, 0),
            unanswered: penalty(85, 10, 40),
            equivocated: penalty(100, 0, 20),
        },
        appeal_bond: 2 * UNIT,
        appeal_percent: 30,
        appeal_costs: 3 * UNIT / 2,
        challenge_bond: 8 * UNIT,
        answer_price: 3 * UNIT,
    }
}

fn lenient() -> Parameters {
    Parameters {
        min_trainer_bond: 2 * UNIT,
        min_evaluator_bond: 2 * UNIT,
        min_validator_bond: 90 * UNIT,
        penalties: Penalties {
            not_revealed: penalty(40, 20, 0),
            not_opened: penalty(60, 10, 0),
            unavailable: penalty(25, 0, 0),
            malformed: penalty(35, 0, 0),
            wrong_aggregate: penalty(20, 0, 0),
            gold_missed: penalty(45, 0, 0),
            unanswered: penalty(30, 0, 60),
            equivocated: penalty(100, 0, 5),
        },
        appeal_bond: UNIT / 4,
        appeal_percent: 8,
        appeal_costs: UNIT / 20,
        challenge_bond: 3 * UNIT,
        answer_price: 13 * UNIT / 10,
    }
}

fn dear() -> Parameters {
    Parameters {
        min_trainer_bond: 3 * UNIT,
        appeal_bond: 34 * UNIT,
        appeal_percent: 100,
        appeal_costs: 30 * UNIT,
        challenge_bond: 4 * UNIT,
        ..initial()
    }
}

/// Each breaks another condition of `payoff::check`, by as little as it can.
fn unsound(condition: u8) -> (Parameters, Error) {
    let mut parameters = initial();
    let penalties = &mut parameters.penalties;
    let error = match condition % 14 {
        0 => {
            penalties.not_revealed.percent = 101;
            Error::Share
        }
        1 => {
            penalties.unanswered = penalty(100, 16, 60);
            Error::Treasury
        }
        2 => {
            penalties.unavailable.to_task = 1;
            Error::FalseVerdict
        }
        3 => {
            penalties.not_revealed.percent = 99;
            Error::TrainersSilence
        }
        4 => {
            penalties.not_opened.percent = 49;
            Error::SeatsSilence
        }
        5 => {
            penalties.equivocated.percent = 99;
            Error::Equivocation
        }
        6 => {
            // Six free calls.
            parameters.min_trainer_bond = 54 * MILLIUNIT - 1;
            Error::FreeCalls
        }
        7 => {
            parameters.answer_price = 5 * UNIT / 4 - 1;
            Error::AnswerPrice
        }
        8 => {
            parameters.challenge_bond = parameters.answer_price + 5 * UNIT / 4 - 1;
            Error::AnswerReward
        }
        9 => {
            penalties.unanswered.to_reporter = 11;
            Error::Reporting
        }
        10 => {
            parameters.appeal_bond = 10 * MILLIUNIT - 1;
            Error::AppealBond
        }
        11 => {
            parameters.appeal_costs = parameters.appeal_bond + 1;
            Error::AppealCosts
        }
        12 => {
            parameters.appeal_percent = 5;
            Error::GuiltyAppeal
        }
        _ => {
            // Less than the fee of the appeal.
            parameters.min_validator_bond = MILLIUNIT;
            Error::InnocentAppeal
        }
    };
    (parameters, error)
}
