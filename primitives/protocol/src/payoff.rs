//! Which parameters governance may set: those with which honest play is the best reply of every role.
//!
//! A play's payoff is what it is expected to bring in planck, compared with not having been asked. [`check`] has one named condition for
//! each way in which a choice of parameters could make another play pay, [`check_terms`] those that depend on a task's terms, and
//! [`choices`] lists the plays of every role. A property test plays them all: with whatever the checks accept, none that counts as
//! deterred brings more than honest play does.
//!
//! What cannot be known on the chain is assumed, and named here. The assumptions are round numbers on the side that makes the conditions
//! stricter; nobody has measured them.

use crate::slashing::{self, FAULTS, Proof, amount, part, rule};
use core::fmt;
use decentralml_types::{Balance, Fault, Parameters, Penalties, Role, TaskSpec, spec::Terms};

mod table;

pub use table::{Choice, Play, Stakes, choices, markdown};

/// Assumed: what honest work costs, in percent of what a round pays for it, at most.
pub const WORK_PERCENT: u8 = 50;
/// Assumed: what an update that is made up, empty, next to nothing or somebody else's earns, and what scores that are made up do, in
/// percent of honest ones', at most.
pub const MADE_UP_PERCENT: u8 = 10;
/// Assumed: of a million rounds, those in which somebody honest is found faulty for good, at most.
pub const MISTAKES_PPM: u32 = 1_000;
/// Assumed: of a hundred challenges of which the challenger is sure, those that are justified, at least.
pub const SURE_PERCENT: u8 = 98;
/// Assumed: of a hundred culprits that appeal, those whom the council finds guilty, at least.
pub const CONVICTED_PERCENT: u8 = 95;
/// Assumed: of a hundred innocents that appeal, those whom the council frees, at least.
pub const ACQUITTED_PERCENT: u8 = 90;

/// What of a slash the treasury gets at least, in percent: what somebody loses that is accused, reporter and sponsor in one.
pub const TREASURY_PERCENT: u8 = 25;
/// Free calls that a round's charge pays for, for a trainer and for a seat, at most.
const TRAINER_CALLS: Balance = 6;
const SEAT_CALLS: Balance = 9;

/// What parameters are measured by, and governance does not set. In planck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prices {
    /// What a sponsor pays for a call that is free for its sender.
    pub call: Balance,
    /// The fee of the longest answer to a challenge, which is given back where it succeeds.
    pub answer: Balance,
    /// The fee of an ordinary call.
    pub fee: Balance,
}

/// What parameters have to meet. Each is an inequality of two numbers, of which the first must not be smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    /// `100 ≥ percent`, and `percent ≥ 1`: a fault costs something, and no more than the bond that the task put at risk.
    Share,
    /// `to_treasury ≥ 25 %` of every slash. Whoever is accused, reporter and sponsor in one gets `to_task` and `to_reporter` back: no
    /// more than three quarters, so nobody accuses itself for gain, and nobody gets the whole of what another loses.
    Treasury,
    /// `0 ≥ to_task + to_reporter` where only a committee shows the fault: the sponsor chooses the terms under which committees judge, and
    /// must not gain from a false verdict, and no seat from accusing.
    FalseVerdict,
    /// `NotRevealed ≥ Unavailable, Malformed, Unanswered`, in percent of the bond: withholding a reveal saves nothing of what revealing can
    /// cost.
    TrainersSilence,
    /// `NotOpened ≥ WrongAggregate, GoldMissed`, in percent of the bond: nor does withholding scores.
    SeatsSilence,
    /// `Equivocated ≥ 100`, in percent of the bond, and `0 ≥ to_task`: only a validator without a bond is left out of the next sets until
    /// it bonds again, and no task is harmed that could get a part.
    Equivocation,
    /// `percent × least bond ≥ calls × call price` for every fault: who uses a round's free calls and then breaks off pays more than it
    /// would have for calls that are not free. A trainer has up to 6 of them, a seat 9, a validator none.
    FreeCalls,
    /// `answer_price ≥ fee of the longest answer`: two accounts that challenge and answer each other pay for the blocks they fill.
    AnswerPrice,
    /// `challenge_bond ≥ answer_price + fee of the longest answer`: an answer brings its trainer as much as one try that fails costs it.
    AnswerReward,
    /// `98 % × to_reporter × Unanswered × least bond ≥ 2 % × (challenge_bond + appeal_costs) + fee`: whoever is sure that bytes are missing
    /// gains by a challenge, although one in fifty is answered, or its trainer freed at the reporter's cost.
    Reporting,
    /// `100 ≥ appeal_percent`, `(95 − 5) % × appeal_percent ≥ 5 %`, and `appeal_bond × (95 − 500 / appeal_percent) % ≥ appeal_costs`: culprits lose
    /// by appealing, whatever was seized, and be they their own reporters, who get `appeal_costs` of the stake back. They lose it in 95 of
    /// 100 cases, and gain what was seized and the costs in 5. The stake is `appeal_percent` of what was seized or `appeal_bond`, whichever is
    /// more, so the worst case is where the two are equal. Where less than `appeal_bond` was seized, the stake is all of it, and costs are 90 %
    /// of it at most, with which nobody gains either.
    GuiltyAppeal,
    /// `90 % × (amount + costs) ≥ 10 % × stake + fee` for the least amount that a fault can cost: innocents gain by appealing. Of a bond
    /// of which less was left the same holds down to a few fees, as the stake is never more than what was seized.
    InnocentAppeal,
    /// `appeal_bond ≥ fee`: no appeal is for nothing, but where nothing is at stake. The council's time is taken with it.
    AppealBond,
    /// `appeal_bond ≥ appeal_costs`: who wins does not get more than who loses would have paid.
    AppealCosts,
}

impl Condition {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Share,
        Self::Treasury,
        Self::FalseVerdict,
        Self::TrainersSilence,
        Self::SeatsSilence,
        Self::Equivocation,
        Self::FreeCalls,
        Self::AnswerPrice,
        Self::AnswerReward,
        Self::Reporting,
        Self::GuiltyAppeal,
        Self::InnocentAppeal,
        Self::AppealBond,
        Self::AppealCosts,
    ];
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Share => "a fault costs between 1 and 100 percent of the bond",
            Self::Treasury => "the treasury gets at least 25 percent of every slash",
            Self::FalseVerdict => {
                "of what only a committee finds, neither the task nor a reporter gets anything"
            }
            Self::TrainersSilence => {
                "a reveal that is withheld costs no less than the worst that revealing can"
            }
            Self::SeatsSilence => "scores that are withheld cost no less than a wrong attestation, and than scores that are wrong about gold results",
            Self::Equivocation => {
                "an equivocation costs a validator its whole bond, of which no task gets a part"
            }
            Self::FreeCalls => {
                "a fault costs no less of the least bond than a round's free calls would have cost, in planck"
            }
            Self::AnswerPrice => {
                "answer_price is no less than the fee of the longest answer, in planck"
            }
            Self::AnswerReward => {
                "challenge_bond is no less than answer_price and the fee of the longest answer, in planck"
            }
            Self::Reporting => {
                "a reporter gets no less than a challenge costs that is wrong in one of fifty cases, in planck"
            }
            Self::GuiltyAppeal => {
                "appeal_percent is at most 100, and so much that culprits lose no less by appealing than they gain where the council errs in one of twenty cases: 6 or more; and appeal_bond × (95 − 500 / appeal_percent) % is no less than appeal_costs, which culprits get back that have reported themselves"
            }
            Self::InnocentAppeal => {
                "innocents gain no less by appealing than they lose where the council errs in one of ten cases; raise the least bond, or lower appeal_percent"
            }
            Self::AppealBond => "appeal_bond is no less than the fee of an ordinary call, in planck",
            Self::AppealCosts => "appeal_bond is no less than appeal_costs, in planck",
        })
    }
}

/// What a task's terms have to meet, with [`check_terms`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TermsCondition {
    /// `(50 − 10) % × reward / trainers.max ≥ 0.1 % × largest slash of the bond`: training honestly brings more than staying away, and than
    /// sending what is made up, although an honest trainer is found faulty in one of a thousand rounds. Of the bond times the cap, where
    /// draws are by bond.
    TrainersPay,
    /// `(50 − 10) % × fee ≥ 0.1 % × largest slash of the bond`: the same for a seat, where the task pays seats at all.
    SeatsPay,
}

impl fmt::Display for TermsCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TrainersPay => {
                "two fifths of what a round pays a trainer are no less than a thousandth of what its bond (times the cap of draws by bond) can lose, in planck; raise the reward, or lower the bond, the cap or trainers.max"
            }
            Self::SeatsPay => {
                "two fifths of a seat's fee are no less than a thousandth of what its bond (times the cap of draws by bond) can lose, in planck; raise fee_per_seat, or lower evaluator_bond or the cap"
            }
        })
    }
}

/// A condition that does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Violation<C = Condition> {
    /// Which.
    pub condition: C,
    /// What there is.
    pub has: Balance,
    /// What it would have to be, at least.
    pub needs: Balance,
}

impl<C: fmt::Display> fmt::Display for Violation<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { condition, has, needs } = self;
        write!(f, "{condition}: {has} where {needs} is needed")
    }
}

impl<C: fmt::Debug + fmt::Display> core::error::Error for Violation<C> {}

fn at_least<C>(condition: C, has: Balance, needs: Balance) -> Result<(), Violation<C>> {
    if has >= needs { Ok(()) } else { Err(Violation { condition, has, needs }) }
}

/// Whether governance may set these parameters; the first condition that does not hold is returned.
pub fn check(parameters: &Parameters, prices: &Prices) -> Result<(), Violation> {
    check_penalties(&parameters.penalties)?;
    for fault in FAULTS {
        check_least_slash(parameters, prices, fault)?;
    }
    check_challenges(parameters, prices)?;
    check_appeals(parameters, prices)
}

fn check_penalties(penalties: &Penalties) -> Result<(), Violation> {
    for fault in FAULTS {
        let penalty = penalties.of(fault);
        let percent = penalty.percent.into();
        at_least(Condition::Share, percent, 1)?;
        at_least(Condition::Share, 100, percent)?;
        at_least(Condition::Treasury, penalty.to_treasury().into(), TREASURY_PERCENT.into())?;
        if matches!(rule(fault).proof, Proof::Committee) {
            let given = Balance::from(penalty.to_task) + Balance::from(penalty.to_reporter);
            at_least(Condition::FalseVerdict, 0, given)?;
        }
    }
    let percent = |fault| Balance::from(penalties.of(fault).percent);
    for fault in [Fault::Unavailable, Fault::Malformed, Fault::Unanswered] {
        at_least(Condition::TrainersSilence, percent(Fault::NotRevealed), percent(fault))?;
    }
    for fault in [Fault::WrongAggregate, Fault::GoldMissed] {
        at_least(Condition::SeatsSilence, percent(Fault::NotOpened), percent(fault))?;
    }
    at_least(Condition::Equivocation, percent(Fault::Equivocated), 100)?;
    at_least(Condition::Equivocation, 0, penalties.equivocated.to_task.into())
}

/// What the fault costs at least, and whether that deters.
fn check_least_slash(
    parameters: &Parameters,
    prices: &Prices,
    fault: Fault,
) -> Result<(), Violation> {
    let calls = match rule(fault).punished {
        Role::Trainer => TRAINER_CALLS,
        Role::Evaluator => SEAT_CALLS,
        Role::Validator => 0,
    };
    let least = least_slash(parameters, fault);
    at_least(Condition::FreeCalls, least, prices.call.saturating_mul(calls))
}

fn check_challenges(parameters: &Parameters, prices: &Prices) -> Result<(), Violation> {
    let Parameters { challenge_bond, answer_price, appeal_costs, .. } = *parameters;
    at_least(Condition::AnswerPrice, answer_price, prices.answer)?;
    let needs = answer_price.saturating_add(prices.answer);
    at_least(Condition::AnswerReward, challenge_bond, needs)?;
    let slash = least_slash(parameters, Fault::Unanswered);
    let reward = slashing::split(parameters.penalties.unanswered, slash).to_reporter;
    let risk = part_up(challenge_bond.saturating_add(appeal_costs), 100 - SURE_PERCENT);
    let needs = risk.saturating_add(prices.fee);
    at_least(Condition::Reporting, part(reward, SURE_PERCENT), needs)
}

fn check_appeals(parameters: &Parameters, prices: &Prices) -> Result<(), Violation> {
    let Parameters { appeal_bond: least, appeal_percent, appeal_costs, .. } = *parameters;
    at_least(Condition::AppealBond, least, prices.fee)?;
    at_least(Condition::AppealCosts, least, appeal_costs)?;
    at_least(Condition::GuiltyAppeal, 100, appeal_percent.into())?;
    let errors = Balance::from(100 - CONVICTED_PERCENT);
    let has = Balance::from(appeal_percent) * (Balance::from(CONVICTED_PERCENT) - errors);
    at_least(Condition::GuiltyAppeal, has, errors * 100)?;
    let percent = Balance::from(appeal_percent);
    let lost = (Balance::from(CONVICTED_PERCENT) * percent).saturating_sub(errors * 100);
    let needs = appeal_costs.saturating_mul(100 * percent);
    at_least(Condition::GuiltyAppeal, least.saturating_mul(lost), needs)?;
    for fault in FAULTS {
        let seized = least_slash(parameters, fault);
        let (stake, costs) = appeal(parameters, seized);
        let gain = part(seized.saturating_add(costs), ACQUITTED_PERCENT);
        let risk = part_up(stake, 100 - ACQUITTED_PERCENT).saturating_add(prices.fee);
        at_least(Condition::InnocentAppeal, gain, risk)?;
    }
    Ok(())
}

/// Whether a task's terms make honest work worth its risk, by the penalties under which the task is created. Bonds are native, so
/// nothing can be said of a task that pays in another asset; nor of seats that are paid nothing, who have other reasons.
pub fn check_terms(
    spec: &TaskSpec,
    penalties: &Penalties,
) -> Result<(), Violation<TermsCondition>> {
    if !spec.terms.asset.is_native() {
        return Ok(());
    }
    // A place pays the same whoever has it, and who weighs most puts most at risk.
    let cap = spec.terms.draw.cap();
    let terms = &Terms {
        trainer_bond: spec.stake(Role::Trainer, cap),
        evaluator_bond: spec.stake(Role::Evaluator, cap),
        ..spec.terms.clone()
    };
    let pay = part(trainers_pay(spec), 100 - WORK_PERCENT - MADE_UP_PERCENT);
    at_least(TermsCondition::TrainersPay, pay, expected_mistakes(terms, penalties, Role::Trainer))?;
    if terms.fee_per_seat == 0 {
        return Ok(());
    }
    let fee = part(terms.fee_per_seat, 100 - WORK_PERCENT - MADE_UP_PERCENT);
    at_least(TermsCondition::SeatsPay, fee, expected_mistakes(terms, penalties, Role::Evaluator))
}

/// What a round pays a trainer where all that can be drawn are accepted with equal weights.
fn trainers_pay(spec: &TaskSpec) -> Balance {
    spec.terms.reward_per_round / Balance::from(spec.trainers.max.max(1))
}

/// What somebody honest is expected to lose in a round, as it can be found faulty by mistake.
fn expected_mistakes(terms: &Terms, penalties: &Penalties, role: Role) -> Balance {
    largest_slash(terms, penalties, role) / (1_000_000 / Balance::from(MISTAKES_PPM))
}

fn largest_slash(terms: &Terms, penalties: &Penalties, role: Role) -> Balance {
    let bond = match role {
        Role::Trainer => terms.trainer_bond,
        Role::Evaluator => terms.evaluator_bond,
        Role::Validator => 0,
    };
    let of_role = FAULTS.into_iter().filter(|fault| rule(*fault).punished == role);
    of_role.map(|fault| amount(penalties.of(fault), bond)).max().unwrap_or(0)
}

/// What a fault costs an account that has the least bond at risk.
fn least_slash(parameters: &Parameters, fault: Fault) -> Balance {
    let bond = parameters.min_bond(rule(fault).punished);
    amount(parameters.penalties.of(fault), bond)
}

/// What an appeal against the loss of `seized` puts at stake, and the costs of its loser.
fn appeal(parameters: &Parameters, seized: Balance) -> (Balance, Balance) {
    let Parameters { appeal_bond: least, appeal_percent, appeal_costs, .. } = *parameters;
    let stake = slashing::appeal_bond(seized, appeal_percent, least);
    (stake, slashing::appeal_costs(stake, appeal_costs))
}

/// So many percent of an amount, rounded up.
fn part_up(whole: Balance, percent: u8) -> Balance {
    whole - part(whole, 100 - percent.min(100))
}

#[cfg(test)]
mod tests;
