#![allow(clippy::unwrap_used)]

use super::*;
use crate::{slashing::TABLE, spec::example};
use decentralml_types::{
    Penalty,
    spec::{Asset, Chances},
};
use proptest::prelude::*;

const UNIT: Balance = 1_000_000_000_000;
const PRICES: Prices = Prices { call: UNIT / 100, answer: UNIT, fee: UNIT / 1_000 };

/// Parameters that hold, with some room for each condition.
fn sound() -> Parameters {
    Parameters {
        min_trainer_bond: UNIT,
        min_evaluator_bond: UNIT,
        min_validator_bond: 100 * UNIT,
        penalties: TABLE,
        appeal_bond: UNIT / 2,
        appeal_percent: 10,
        appeal_costs: UNIT / 10,
        challenge_bond: 5 * UNIT,
        answer_price: 3 * UNIT / 2,
    }
}

fn violated(change: impl FnOnce(&mut Parameters)) -> Option<Violation> {
    let mut parameters = sound();
    change(&mut parameters);
    check(&parameters, &PRICES).err()
}

/// The condition that does not hold after a change.
fn broken(change: impl FnOnce(&mut Parameters)) -> Option<Condition> {
    violated(change).map(|violation| violation.condition)
}

fn terms_violated(change: impl FnOnce(&mut TaskSpec)) -> Option<TermsCondition> {
    let mut spec = example();
    change(&mut spec);
    check_terms(&spec, &TABLE).err().map(|violation| violation.condition)
}

#[test]
fn a_fault_costs_something_and_no_more_than_what_is_at_risk() {
    assert_eq!(broken(|_| ()), None);
    for fault in FAULTS {
        let of = |percent| broken(|p| p.penalties.of_mut(fault).percent = percent);
        assert_eq!(of(0), Some(Condition::Share), "{fault:?}");
        assert_eq!(of(101), Some(Condition::Share), "{fault:?}");
    }
    assert_eq!(broken(|p| p.penalties.not_revealed.percent = 100), None);
}

#[test]
fn who_is_accused_reporter_and_sponsor_in_one_loses_a_quarter_of_the_slash() {
    let of = |to_task, to_reporter| {
        broken(|p| p.penalties.unanswered = Penalty { percent: 100, to_task, to_reporter })
    };
    assert_eq!(of(50, 25), None);
    assert_eq!(of(51, 25), Some(Condition::Treasury));
    assert_eq!(of(0, 75), None);
    assert_eq!(of(0, 76), Some(Condition::Treasury));
    assert_eq!(of(255, 255), Some(Condition::Treasury));
}

#[test]
fn a_false_verdict_brings_nobody_anything() {
    for fault in [Fault::Unavailable, Fault::Malformed, Fault::WrongAggregate] {
        let of = |to_task, to_reporter| {
            broken(|p| {
                let penalty = p.penalties.of_mut(fault);
                (penalty.to_task, penalty.to_reporter) = (to_task, to_reporter);
            })
        };
        assert_eq!(of(0, 0), None);
        assert_eq!(of(1, 0), Some(Condition::FalseVerdict), "{fault:?}");
        assert_eq!(of(0, 1), Some(Condition::FalseVerdict), "{fault:?}");
    }
}

#[test]
fn silence_is_no_cheaper_than_what_can_be_withheld() {
    let trainers = |not_revealed, revealed| {
        broken(|p| {
            p.penalties.not_revealed.percent = not_revealed;
            p.penalties.unavailable.percent = revealed;
            p.penalties.malformed.percent = revealed;
            p.penalties.unanswered.percent = revealed;
        })
    };
    assert_eq!(trainers(70, 70), None);
    assert_eq!(trainers(69, 70), Some(Condition::TrainersSilence));
    let seats = |not_opened, attested| {
        broken(|p| {
            p.penalties.not_opened.percent = not_opened;
            p.penalties.wrong_aggregate.percent = attested;
        })
    };
    assert_eq!(seats(50, 50), None);
    assert_eq!(seats(49, 50), Some(Condition::SeatsSilence));
    let golds = |percent| broken(|p| p.penalties.gold_missed.percent = percent);
    assert_eq!((golds(100), golds(101)), (None, Some(Condition::Share)));
    let golds = broken(|p| {
        p.penalties.not_opened.percent = 60;
        p.penalties.gold_missed.percent = 61;
    });
    assert_eq!(golds, Some(Condition::SeatsSilence));
}

#[test]
fn an_equivocation_leaves_no_bond_and_harms_no_task() {
    let of = |percent, to_task, to_reporter| {
        broken(|p| p.penalties.equivocated = Penalty { percent, to_task, to_reporter })
    };
    assert_eq!(of(100, 0, 75), None);
    assert_eq!(of(99, 0, 10), Some(Condition::Equivocation));
    assert_eq!(of(100, 1, 10), Some(Condition::Equivocation));
}

#[test]
fn breaking_off_costs_more_than_the_calls_would_have() {
    // A seat loses half of the least bond for a wrong attestation; nine calls are 0.09 tokens, six are 0.06.
    let costs = 9 * PRICES.call;
    let evaluators = |bond| {
        broken(|p| {
            p.min_evaluator_bond = bond;
            p.penalties.wrong_aggregate.percent = 50;
            p.penalties.gold_missed.percent = 50;
        })
    };
    assert_eq!(evaluators(2 * costs), None);
    assert_eq!(evaluators(2 * costs - 1), Some(Condition::FreeCalls));
    assert_eq!(broken(|p| p.min_trainer_bond = 6 * PRICES.call - 1), Some(Condition::FreeCalls));
}

#[test]
fn an_answer_costs_its_fee_and_brings_another_one() {
    assert_eq!(broken(|p| p.answer_price = PRICES.answer), None);
    assert_eq!(broken(|p| p.answer_price = PRICES.answer - 1), Some(Condition::AnswerPrice));
    let least = 3 * UNIT / 2 + PRICES.answer;
    assert_eq!(broken(|p| p.challenge_bond = least), None);
    assert_eq!(broken(|p| p.challenge_bond = least - 1), Some(Condition::AnswerReward));
}

#[test]
fn a_reporter_that_is_sure_gains() {
    // 98 % of a quarter of the least bond pay for 2 % of the challenge's bond and the costs, and for a fee.
    let most = (98 * UNIT / 4 - 100 * PRICES.fee) / 2 - UNIT / 10;
    assert_eq!(broken(|p| p.challenge_bond = most), None);
    assert_eq!(broken(|p| p.challenge_bond = most + 50), Some(Condition::Reporting));
    assert_eq!(broken(|p| p.penalties.unanswered.to_reporter = 0), Some(Condition::Reporting));
}

#[test]
fn culprits_do_not_appeal() {
    let with = |percent| broken(|p| p.appeal_percent = percent);
    assert_eq!(with(7), None);
    assert_eq!(with(6), Some(Condition::GuiltyAppeal), "reporters of themselves do");
    assert_eq!(with(5), Some(Condition::GuiltyAppeal));
    assert_eq!(with(0), Some(Condition::GuiltyAppeal));
    assert_eq!(with(100), None);
    assert_eq!(with(101), Some(Condition::GuiltyAppeal));
}

#[test]
fn innocents_appeal() {
    // All that is seized of a small bond is at stake: 90 % of it have to pay for 10 % of it, and for a fee.
    let validators = |bond| {
        broken(|p| {
            p.min_validator_bond = bond;
            p.appeal_costs = 0;
        })
    };
    let least = PRICES.fee * 5 / 4;
    assert_eq!(validators(least), None);
    assert_eq!(validators(least - 10), Some(Condition::InnocentAppeal));
    assert_eq!(broken(|p| p.appeal_bond = 1_000 * UNIT), None, "no more than what was seized");
}

#[test]
fn an_appeal_is_not_for_nothing() {
    let with = |bond| {
        broken(|p| {
            p.appeal_bond = bond;
            p.appeal_costs = 0;
        })
    };
    assert_eq!(with(PRICES.fee), None);
    assert_eq!(with(PRICES.fee - 1), Some(Condition::AppealBond));
    assert_eq!(with(0), Some(Condition::AppealBond));
}

#[test]
fn who_wins_gets_no_more_than_who_loses_pays() {
    // Who has reported itself gets them back: 95 % less 500/10 % of the bond are left.
    assert_eq!(broken(|p| p.appeal_costs = p.appeal_bond * 45 / 100), None);
    let more = broken(|p| p.appeal_costs = p.appeal_bond * 45 / 100 + 1);
    assert_eq!(more, Some(Condition::GuiltyAppeal));
    assert_eq!(broken(|p| p.appeal_costs = p.appeal_bond + 1), Some(Condition::AppealCosts));
}

#[test]
fn a_violation_says_which_condition_and_both_sides() {
    let violation = violated(|p| p.answer_price = 7).unwrap();
    assert_eq!((violation.has, violation.needs), (7, PRICES.answer));
    let text = violation.to_string();
    assert!(
        text.starts_with("answer_price is no less than the fee of the longest answer"),
        "{text}"
    );
    assert!(text.ends_with(": 7 where 1000000000000 is needed"), "{text}");
}

#[test]
fn a_round_pays_for_the_risk_that_honest_work_bears() {
    assert_eq!(terms_violated(|_| ()), None);
    // 40 % of a sixth of 10 tokens are 0.667: a thousandth of 666 tokens.
    assert_eq!(terms_violated(|s| s.terms.trainer_bond = 666 * UNIT), None);
    let dear = |s: &mut TaskSpec| s.terms.trainer_bond = 667 * UNIT;
    assert_eq!(terms_violated(dear), Some(TermsCondition::TrainersPay));
    // 40 % of 0.5 tokens are 0.2: a thousandth of 200.
    assert_eq!(terms_violated(|s| s.terms.evaluator_bond = 200 * UNIT), None);
    let seats = |s: &mut TaskSpec| s.terms.evaluator_bond = 201 * UNIT;
    assert_eq!(terms_violated(seats), Some(TermsCondition::SeatsPay));
    assert_eq!(
        terms_violated(|s| {
            dear(s);
            s.terms.asset = Asset::Id(1);
        }),
        None,
        "nobody knows what an asset is worth"
    );
    assert_eq!(terms_violated(|s| s.terms.fee_per_seat = 0), None, "seats that ask for nothing");
}

#[test]
fn a_round_pays_for_the_risk_of_whoever_may_weigh_most() {
    let by_bond = |bond, cap| {
        terms_violated(|s| {
            s.terms.trainer_bond = bond;
            s.terms.draw = Chances::ByBond { cap };
        })
    };
    // As with bonds of 664 and 672 tokens.
    assert_eq!(by_bond(166 * UNIT, 4), None);
    assert_eq!(by_bond(84 * UNIT, 8), Some(TermsCondition::TrainersPay));
    let seats = terms_violated(|s| {
        s.terms.evaluator_bond = 13 * UNIT;
        s.terms.draw = Chances::ByBond { cap: 16 };
    });
    assert_eq!(seats, Some(TermsCondition::SeatsPay));
}

fn table(parameters: &Parameters, prices: &Prices, spec: &TaskSpec) -> Vec<Choice> {
    choices(parameters, prices, &Stakes::of(spec, &parameters.penalties))
}

#[test]
fn what_is_said_not_to_be_deterred_is_not() {
    let mut open = Vec::new();
    for choice in table(&sound(), &PRICES, &example()) {
        for play in choice.others.iter().filter(|play| !play.deterred) {
            assert!(play.payoff > choice.honest.payoff, "{choice:?}");
            open.push(play.what);
        }
    }
    assert_eq!(open.len(), 2, "{open:?}");
}

/// Whether a play that counts as deterred brings more than honest play.
fn dishonesty_pays(parameters: &Parameters, spec: &TaskSpec) -> bool {
    table(parameters, &PRICES, spec).iter().any(|choice| {
        let honest = choice.honest.payoff;
        choice.others.iter().any(|play| play.deterred && play.payoff > honest)
    })
}

#[test]
fn without_the_conditions_dishonest_play_would_pay() {
    type Change = fn(&mut Parameters);
    let refused: [(Change, Condition); 5] = [
        (|p| p.penalties.malformed.to_task = 10, Condition::FalseVerdict),
        (|p| p.answer_price = PRICES.answer / 2, Condition::AnswerPrice),
        (|p| p.penalties.unanswered.to_reporter = 2, Condition::Reporting),
        (|p| p.appeal_percent = 1, Condition::GuiltyAppeal),
        (|p| (p.min_validator_bond, p.appeal_costs) = (PRICES.fee, 0), Condition::InnocentAppeal),
    ];
    let mut spec = example();
    for (change, condition) in refused {
        let mut parameters = sound();
        change(&mut parameters);
        assert_eq!(check(&parameters, &PRICES).unwrap_err().condition, condition);
        let least = |bond: &mut Balance| {
            *bond = match condition {
                // The larger, the likelier it pays.
                Condition::GuiltyAppeal => 100 * UNIT,
                _ => UNIT,
            }
        };
        least(&mut spec.terms.trainer_bond);
        least(&mut spec.terms.evaluator_bond);
        assert!(dishonesty_pays(&parameters, &spec), "{condition:?}");
        assert!(!dishonesty_pays(&sound(), &spec), "{condition:?}");
    }
    spec.terms.trainer_bond = 10_000 * UNIT;
    assert!(dishonesty_pays(&sound(), &spec), "honest trainers stay away");
    spec = example();
    spec.terms.evaluator_bond = 10_000 * UNIT;
    assert!(dishonesty_pays(&sound(), &spec), "honest seats stay away");
}

#[test]
fn the_table_shows_every_play() {
    let choices = table(&sound(), &PRICES, &example());
    let text = markdown(&choices, UNIT);
    let plays: usize = choices.iter().map(|choice| 1 + choice.others.len()).sum();
    assert_eq!(text.lines().count(), plays + 2);
    for part in ["| **trains, ", "| − `NotRevealed` | −5 |", "| 10 % of pay | 0.166 |"] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
}

/// Around what is sound: most of the bounds are in reach.
fn parameters() -> impl Strategy<Value = Parameters> {
    let percent = || prop_oneof![4 => Just(100u8), 4 => 40u8..=100, 1 => any::<u8>()];
    let rarely = || prop_oneof![8 => Just(0u8), 1 => any::<u8>()];
    let penalty = move || {
        (percent(), 0u8..=60, rarely()).prop_map(|(percent, to_task, to_reporter)| Penalty {
            percent,
            to_task,
            to_reporter,
        })
    };
    let committees = move || {
        (percent(), rarely(), rarely()).prop_map(|(percent, to_task, to_reporter)| Penalty {
            percent,
            to_task,
            to_reporter,
        })
    };
    let silence = prop_oneof![4 => Just(100u8), 1 => any::<u8>()];
    let penalties = (
        (silence.clone(), 0u8..=75),
        (silence, 0u8..=75),
        committees(),
        committees(),
        (committees(), committees()),
        (penalty(), 5u8..=60),
    )
        .prop_map(|(trainers, seats, unavailable, malformed, of_seats, last)| {
            let (wrong_aggregate, gold_missed) = of_seats;
            let silent = |(percent, to_task)| Penalty { percent, to_task, to_reporter: 0 };
            let (unanswered, to_reporter) = last;
            Penalties {
                not_revealed: silent(trainers),
                not_opened: silent(seats),
                unavailable,
                malformed,
                wrong_aggregate,
                unanswered: Penalty { to_reporter, ..unanswered },
                equivocated: TABLE.equivocated,
                gold_missed,
            }
        });
    let amount = |low: u64, high: u64| (low..=high).prop_map(Balance::from);
    let unit = UNIT as u64;
    (
        amount(unit / 20, 20 * unit),
        amount(unit / 20, 20 * unit),
        penalties,
        (amount(0, 5 * unit), 0u8..=60, amount(0, unit)),
        (amount(0, 9 * unit), amount(0, 3 * unit)),
    )
        .prop_map(|(min_trainer_bond, min_evaluator_bond, penalties, appeal, challenge)| {
            let (appeal_bond, appeal_percent, appeal_costs) = appeal;
            let (challenge_bond, answer_price) = challenge;
            Parameters {
                min_trainer_bond,
                min_evaluator_bond,
                min_validator_bond: 100 * min_evaluator_bond,
                penalties,
                appeal_bond,
                appeal_percent,
                appeal_costs,
                challenge_bond,
                answer_price,
            }
        })
}

/// A task that may be created under these parameters.
fn task(parameters: &Parameters, more: (Balance, Balance), pay: (Balance, Balance)) -> TaskSpec {
    let mut spec = example();
    spec.terms.trainer_bond = parameters.min_trainer_bond + more.0;
    spec.terms.evaluator_bond = parameters.min_evaluator_bond + more.1;
    (spec.terms.reward_per_round, spec.terms.fee_per_seat) = (pay.0.max(1), pay.1.max(1));
    spec
}

/// Nothing that is rounded down twice is more than this many planck off.
const ROUNDING: i128 = 4;

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, max_global_rejects: 1_000_000, ..ProptestConfig::default() })]

    #[test]
    fn with_whatever_is_accepted_honest_play_is_the_best_reply(
        parameters in parameters(),
        more in (0..1_000 * UNIT, 0..1_000 * UNIT),
        pay in (1..20 * UNIT, 1..2 * UNIT),
        (cap, weight) in (0u8..=4).prop_flat_map(|cap| (Just(1 << cap), (0..=cap).prop_map(|class| 1u8 << class))),
    ) {
        prop_assume!(check(&parameters, &PRICES).is_ok());
        let mut spec = task(&parameters, more, pay);
        spec.terms.draw = if cap > 1 { Chances::ByBond { cap } } else { Chances::Equal };
        prop_assume!(check_terms(&spec, &parameters.penalties).is_ok());
        // Who weighs so much is paid as in a task that asks everybody for such a bond.
        spec.terms.trainer_bond = spec.stake(Role::Trainer, weight);
        spec.terms.evaluator_bond = spec.stake(Role::Evaluator, weight);
        for choice in table(&parameters, &PRICES, &spec) {
            for play in choice.others.iter().filter(|play| play.deterred) {
                prop_assert!(
                    play.payoff <= choice.honest.payoff.saturating_add(ROUNDING),
                    "{}: {play:?} against {:?}", choice.who, choice.honest
                );
            }
        }
    }

    #[test]
    fn no_culprit_gains_and_no_innocent_loses_by_an_appeal_however_little_was_seized(
        parameters in parameters(),
        seized in prop_oneof![0..1_000u128, 0..2 * UNIT, 0..1_000 * UNIT],
    ) {
        prop_assume!(check(&parameters, &PRICES).is_ok());
        let (stake, costs) = appeal(&parameters, seized);
        let lost = Balance::from(CONVICTED_PERCENT) * (stake - costs);
        let gained = Balance::from(100 - CONVICTED_PERCENT) * (seized + costs);
        prop_assert!(gained <= lost + 100 * ROUNDING.unsigned_abs(), "{stake}, {costs}");
        let lost = Balance::from(100 - ACQUITTED_PERCENT) * stake;
        let gained = Balance::from(ACQUITTED_PERCENT) * (seized + costs);
        prop_assert!(gained >= lost, "{stake}, {costs}");
    }

    #[test]
    fn no_numbers_overflow(amounts: [Balance; 11], percents: [u8; 22], trainers: u16) {
        let [a, b, c, d, e, f, g, h, i, j, k] = amounts;
        let mut penalties = TABLE;
        for (fault, parts) in FAULTS.into_iter().zip(percents[1..].chunks(3)) {
            *penalties.of_mut(fault) =
                Penalty { percent: parts[0], to_task: parts[1], to_reporter: parts[2] };
        }
        let parameters = Parameters {
            min_trainer_bond: a,
            min_evaluator_bond: b,
            min_validator_bond: k,
            penalties,
            appeal_bond: c,
            appeal_percent: percents[0],
            appeal_costs: d,
            challenge_bond: e,
            answer_price: f,
        };
        let prices = Prices { call: g, answer: h, fee: i };
        let _ = check(&parameters, &prices);
        let mut spec = example();
        (spec.terms.trainer_bond, spec.terms.evaluator_bond) = (a, b);
        (spec.terms.reward_per_round, spec.terms.fee_per_seat) = (i, j);
        spec.trainers.max = trainers;
        let _ = check_terms(&spec, &penalties);
        let _ = markdown(&table(&parameters, &prices, &spec), 1);
    }
}
