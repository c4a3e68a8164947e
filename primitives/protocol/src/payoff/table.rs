//! What every role can do, and what it brings: the table in `docs/security.md`.

use super::{
    ACQUITTED_PERCENT, CONVICTED_PERCENT, MADE_UP_PERCENT, Prices, SURE_PERCENT, WORK_PERCENT,
    appeal, expected_mistakes, trainers_pay,
};
use crate::slashing::{FAULTS, Proof, amount, part, rule, split};
use alloc::{
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};
use decentralml_types::{Balance, Fault, Parameters, Penalties, Role, TaskSpec};

/// What is at stake for somebody in a round of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stakes {
    /// What a round pays for an accepted update, on the average.
    pub pay: Balance,
    /// What a round pays a seat.
    pub fee: Balance,
    /// What a trainer has at risk.
    pub trainer_bond: Balance,
    /// What an evaluator has at risk.
    pub evaluator_bond: Balance,
    /// Trainers that a round draws, at most.
    pub trainers: Balance,
    /// What a round costs the sponsor in pay.
    pub round: Balance,
    /// What a trainer and a seat lose by mistakes of others, on the average.
    pub mistakes: (Balance, Balance),
}

impl Stakes {
    /// Those of a task with these terms, under these penalties.
    pub fn of(spec: &TaskSpec, penalties: &Penalties) -> Self {
        let terms = &spec.terms;
        let fees = terms.fee_per_seat.saturating_mul(spec.committee.seats.into());
        let mistakes = |role| expected_mistakes(terms, penalties, role);
        Self {
            pay: trainers_pay(spec),
            fee: terms.fee_per_seat,
            trainer_bond: terms.trainer_bond,
            evaluator_bond: terms.evaluator_bond,
            trainers: spec.trainers.max.into(),
            round: terms.reward_per_round.saturating_add(fees),
            mistakes: (mistakes(Role::Trainer), mistakes(Role::Evaluator)),
        }
    }
}

/// Something that somebody can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Play {
    /// What.
    pub what: &'static str,
    /// What it brings, as a formula.
    pub formula: &'static str,
    /// The same in planck.
    pub payoff: i128,
    /// Whether the conditions keep it from bringing more than honest play.
    pub deterred: bool,
}

/// What somebody can do in one situation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Who, and where it stands.
    pub who: &'static str,
    /// What honest play is.
    pub honest: Play,
    /// What else there is.
    pub others: Vec<Play>,
}

impl Choice {
    fn new(who: &'static str, honest: Play, others: Vec<Play>) -> Self {
        Self { who, honest, others }
    }
}

const fn play(what: &'static str, formula: &'static str, payoff: i128) -> Play {
    Play { what, formula, payoff, deterred: true }
}

const fn open(what: &'static str, formula: &'static str, payoff: i128) -> Play {
    Play { what, formula, payoff, deterred: false }
}

fn plus(amount: Balance) -> i128 {
    i128::try_from(amount).unwrap_or(i128::MAX)
}

fn minus(amount: Balance) -> i128 {
    plus(amount).saturating_neg()
}

fn sum(parts: &[i128]) -> i128 {
    parts.iter().fold(0, |sum, part| sum.saturating_add(*part))
}

/// Everybody's choices.
pub fn choices(parameters: &Parameters, prices: &Prices, stakes: &Stakes) -> Vec<Choice> {
    let mut all = vec![
        trainer(parameters, stakes),
        challenged(parameters, stakes),
        seat(parameters, stakes),
        informed(parameters, prices, stakes),
        uninformed(parameters, prices),
        validator(parameters),
    ];
    for fault in FAULTS {
        let bond = match rule(fault).punished {
            Role::Trainer => stakes.trainer_bond,
            Role::Evaluator => stakes.evaluator_bond,
            Role::Validator => parameters.min_validator_bond,
        };
        let seized = amount(parameters.penalties.of(fault), bond);
        all.push(culprit(parameters, seized));
        all.push(innocent(parameters, prices, seized));
    }
    all.extend(sponsor(parameters, stakes));
    // Two faults that cost the same leave the accused the same choice.
    let mut distinct: Vec<Choice> = Vec::new();
    for choice in all {
        if !distinct.contains(&choice) {
            distinct.push(choice);
        }
    }
    distinct
}

fn trainer(parameters: &Parameters, stakes: &Stakes) -> Choice {
    let cost = |fault| minus(amount(parameters.penalties.of(fault), stakes.trainer_bond));
    let work = part(stakes.pay, WORK_PERCENT);
    let honest = sum(&[plus(stakes.pay), minus(work), minus(stakes.mistakes.0)]);
    Choice::new(
        "Trainer that is drawn",
        play("trains, reveals, answers for the update", "pay − work − mistakes", honest),
        vec![
            play("stays away", "0", 0),
            play(
                "sends what is empty, made up or another's",
                "10 % of pay",
                plus(part(stakes.pay, MADE_UP_PERCENT)),
            ),
            play("commits, and does not reveal", "− `NotRevealed`", cost(Fault::NotRevealed)),
            play("reveals, and has no bytes", "− `Unavailable`", cost(Fault::Unavailable)),
            play("reveals what is no update", "− `Malformed`", cost(Fault::Malformed)),
            play(
                "earns a standing, and sends next to nothing from then on",
                "10 % of pay",
                plus(part(stakes.pay, MADE_UP_PERCENT)),
            ),
        ],
    )
}

fn challenged(parameters: &Parameters, stakes: &Stakes) -> Choice {
    let Parameters { challenge_bond, answer_price, penalties, .. } = parameters;
    let slash = amount(penalties.unanswered, stakes.trainer_bond);
    let lost = split(penalties.unanswered, slash).to_treasury;
    let earned = challenge_bond.saturating_sub(*answer_price);
    Choice::new(
        "Trainer that is challenged",
        play("shows the block", "challenge bond − answer price", plus(earned)),
        vec![
            play("keeps silent", "− `Unanswered`", minus(slash)),
            play(
                "is the challenger and the sponsor itself, and keeps silent",
                "− the treasury's part of `Unanswered`",
                minus(lost),
            ),
        ],
    )
}

fn seat(parameters: &Parameters, stakes: &Stakes) -> Choice {
    let cost = |fault| minus(amount(parameters.penalties.of(fault), stakes.evaluator_bond));
    let work = part(stakes.fee, WORK_PERCENT);
    let honest = sum(&[plus(stakes.fee), minus(work), minus(stakes.mistakes.1)]);
    Choice::new(
        "Seat of a committee",
        play("scores, opens, computes the model", "fee − work − mistakes", honest),
        vec![
            play("stays away", "0", 0),
            play("commits, and does not open", "− `NotOpened`", cost(Fault::NotOpened)),
            play("attests another model", "− `WrongAggregate`", cost(Fault::WrongAggregate)),
            play(
                "approves what is known to be bad",
                "− `GoldMissed`, where two are in the round",
                cost(Fault::GoldMissed),
            ),
            play("attests nothing", "0, at most", 0),
            play(
                "makes scores up, and attests what others do",
                "10 % of fee",
                plus(part(stakes.fee, MADE_UP_PERCENT)),
            ),
        ],
    )
}

fn informed(parameters: &Parameters, prices: &Prices, stakes: &Stakes) -> Choice {
    let Parameters { challenge_bond, appeal_costs, penalties, .. } = parameters;
    let slash = amount(penalties.unanswered, stakes.trainer_bond);
    let reward = split(penalties.unanswered, slash).to_reporter;
    let risk = part(challenge_bond.saturating_add(*appeal_costs), 100 - SURE_PERCENT);
    let gain = sum(&[plus(part(reward, SURE_PERCENT)), minus(risk), minus(prices.fee)]);
    Choice::new(
        "Somebody who is sure that bytes are missing",
        play(
            "challenges",
            "98 % of the reporter's part − 2 % of (challenge bond + costs) − fee",
            gain,
        ),
        vec![play("says nothing", "0", 0)],
    )
}

fn uninformed(parameters: &Parameters, prices: &Prices) -> Choice {
    let Parameters { challenge_bond, answer_price, .. } = parameters;
    Choice::new(
        "Somebody who knows that bytes are there",
        play("leaves the trainer alone", "0", 0),
        vec![
            play(
                "challenges",
                "− challenge bond − fee",
                sum(&[minus(*challenge_bond), minus(prices.fee)]),
            ),
            play(
                "challenges an accomplice, to fill blocks",
                "fee of an answer − answer price − fee",
                sum(&[plus(prices.answer), minus(*answer_price), minus(prices.fee)]),
            ),
        ],
    )
}

/// With the least bond. Its blocks earn nothing: it is appointed, and has its reasons.
fn validator(parameters: &Parameters) -> Choice {
    let penalty = parameters.penalties.equivocated;
    let slash = amount(penalty, parameters.min_validator_bond);
    let kept = split(penalty, slash).to_reporter;
    Choice::new(
        "Validator",
        play("signs one block for a slot, one vote in a round", "0", 0),
        vec![
            play("signs two", "− `Equivocated`", minus(slash)),
            play(
                "signs two, and reports itself from another account",
                "the reporter's part − `Equivocated`",
                sum(&[plus(kept), minus(slash)]),
            ),
        ],
    )
}

fn culprit(parameters: &Parameters, seized: Balance) -> Choice {
    let (stake, costs) = appeal(parameters, seized);
    let gain = part(seized.saturating_add(costs), 100 - CONVICTED_PERCENT);
    Choice::new(
        "Accused that is guilty",
        play("lets the case pass", "0", 0),
        vec![
            play(
                "appeals",
                "5 % of (seized + costs) − 95 % of the stake",
                sum(&[plus(gain), minus(part(stake, CONVICTED_PERCENT))]),
            ),
            play(
                "has reported itself from another account, and appeals",
                "5 % of (seized + costs) − 95 % of (stake − costs)",
                sum(&[plus(gain), minus(part(stake.saturating_sub(costs), CONVICTED_PERCENT))]),
            ),
        ],
    )
}

fn innocent(parameters: &Parameters, prices: &Prices, seized: Balance) -> Choice {
    let (stake, costs) = appeal(parameters, seized);
    let gain = part(seized.saturating_add(costs), ACQUITTED_PERCENT);
    let risk = minus(part(stake, 100 - ACQUITTED_PERCENT));
    Choice::new(
        "Accused that is innocent",
        play(
            "appeals",
            "90 % of (seized + costs) − 10 % of the stake − fee",
            sum(&[plus(gain), risk, minus(prices.fee)]),
        ),
        vec![play("lets the case pass", "0", 0)],
    )
}

fn sponsor(parameters: &Parameters, stakes: &Stakes) -> [Choice; 2] {
    let part_of = |fault| {
        let penalty = parameters.penalties.of(fault);
        plus(split(penalty, amount(penalty, stakes.trainer_bond)).to_task)
    };
    let of_committees = FAULTS.into_iter().filter(|fault| {
        matches!(rule(*fault).proof, Proof::Committee) && rule(*fault).punished == Role::Trainer
    });
    let false_verdict = of_committees.map(part_of).max().unwrap_or(0);
    let trap = part_of(Fault::NotRevealed).saturating_mul(plus(stakes.trainers));
    [
        Choice::new(
            "Sponsor that writes a specification",
            play("sets terms that can be met", "0", 0),
            vec![
                play(
                    "has a committee find somebody honest faulty",
                    "the task's part of `Unavailable`, `Malformed`",
                    false_verdict,
                ),
                open(
                    "sets a time to reveal that nobody can keep",
                    "trainers × the task's part of `NotRevealed`",
                    trap,
                ),
            ],
        ),
        Choice::new(
            "Sponsor whose round is nearly over",
            play("lets it settle", "the model's worth − its price", 0),
            vec![open(
                "cancels, with the updates in its hands",
                "the round's price, saved",
                plus(stakes.round),
            )],
        ),
    ]
}

/// The choices as a table in Markdown, in tokens of so many planck.
pub fn markdown(choices: &[Choice], unit: Balance) -> String {
    let mut lines = vec![
        "| Who | Play | Brings | Tokens |".to_string(),
        "| --- | --- | --- | --- |".to_string(),
    ];
    for Choice { who, honest, others } in choices {
        let tokens = tokens(honest.payoff, unit);
        lines.push(format!("| {who} | **{}** | {} | {tokens} |", honest.what, honest.formula));
        for Play { what, formula, payoff, deterred } in others {
            let note = if *deterred { "" } else { ", not deterred" };
            let tokens = self::tokens(*payoff, unit);
            lines.push(format!("| | {what} | {formula} | {tokens}{note} |"));
        }
    }
    lines.join("\n")
}

/// An amount in tokens, to a thousandth, rounded toward zero.
fn tokens(amount: i128, unit: Balance) -> String {
    let thousandths = amount.unsigned_abs() / (unit / 1_000).max(1);
    let (whole, rest) = (thousandths / 1_000, thousandths % 1_000);
    let sign = if amount < 0 && thousandths > 0 { "−" } else { "" };
    if rest == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{rest:03}") }
}
