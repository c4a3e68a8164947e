//! Whether a task contradicts itself.

use crate::{draw, gold, reputation, slashing};
use core::fmt;
use decentralml_types::{
    Balance, TaskSpec,
    limits::{
        MAX_CLAIMING_BLOCKS, MAX_CUSTODY_HOSTS, MAX_GOLDS, MAX_ROUND_BLOCKS, MAX_ROUNDS, MAX_SEATS,
        MAX_TRAINERS, MAX_UPDATE_BYTES, MIN_SEATS,
    },
    spec::{Chances, MILLION, Objective},
};

mod example;
mod learning;

pub use example::example;

/// What is wrong with a specification, named by its field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpecError {
    /// `name` or `license` is empty or not UTF-8.
    Text,
    /// `objective`: at least one feature, and two classes or one quantity.
    Objective,
    /// `training`: epochs or steps, batch size and learning rate must be positive, momentum below 1.
    Training,
    /// `training.schedule`: its rounds must be positive, its factor above 0 and at most 1, its floor at most 1.
    Schedule,
    /// `training.weight_decay` must be 0 with AdamW, which has its own.
    WeightDecay,
    /// `training.clip_norm` must be positive where it is given.
    ClipNorm,
    /// `training.worker_momentum` must be below 1.
    WorkerMomentum,
    /// `aggregation.rule.trim` must be below one half.
    Trim,
    /// `aggregation.rule.hostile`: Krum and multi-Krum take `2 · hostile + 3` of the updates that reach them, of `trainers.min`.
    Krum,
    /// `aggregation.rule.kept`: at least one, and at most all but the hostile of the updates that reach multi-Krum, of `trainers.min`.
    Kept,
    /// `aggregation.rule.hostile`: Bulyan takes `4 · hostile + 3` of the updates that reach it, of `trainers.min`.
    Bulyan,
    /// `aggregation.rule.steps` must be between 1 and 64.
    Steps,
    /// `aggregation.rule.radius` must be at least one unit of the encoding, `2^-fraction_bits`.
    Radius,
    /// `aggregation.norm_bound` must be at least one unit of the encoding, `2^-fraction_bits`.
    NormBound,
    /// `aggregation.copy_cosine` must be between 500,000 and 1,000,000.
    CopyCosine,
    /// `aggregation.before.hostile` must be fewer than half of `trainers.min`.
    Mixing,
    /// `aggregation.before.size` must be between 1 and 64.
    Buckets,
    /// `aggregation.counts`: the cap must be between 1 and 8,388,607.
    Cap,
    /// `aggregation.counts`: only a mean with nothing before it counts updates differently.
    Counts,
    /// `aggregation.counts`: FedNova divides by how far steps of SGD go, and with FedProx that depends on the learning rate, which is the same
    /// on every machine with a constant schedule.
    Nova,
    /// `aggregation.server`: the rate and tau must be positive, momentum and betas below 1.
    Server,
    /// `training.optimizer.clients`: SCAFFOLD is for at least `trainers.max` clients.
    Clients,
    /// `training`: SCAFFOLD takes the gradient from the way that training went, which all seats know. It goes with `work` in steps, a
    /// constant schedule, without `clip_norm`, without `proximal` and without `worker_momentum`.
    Scaffold,
    /// SCAFFOLD goes with equal `aggregation.counts` and the server `fed_avg`, and with updates of all weights without error feedback.
    ScaffoldRound,
    /// `encoding.bits` must be 4, 8, 16 or 32.
    EncodingBits,
    /// `encoding.clip` must be positive and fit the bits, or 31 bits with stochastic rounding; `fraction_bits` at most 30.
    EncodingRange,
    /// `encoding.keep` must be a multiple of 100 between 100 and 1,000,000.
    Keep,
    /// `encoding.rounding`: 4 bits, `keep` and error feedback need stochastic rounding.
    Rounding,
    /// `max_update_bytes` or `max_validation_bytes` is zero or above the protocol's limit.
    Bytes,
    /// `custody.hosts` must be at most 8, and at most one more than the quorum: with no more evaluators a round may start, and the
    /// sponsor is the one more.
    Custody,
    /// `rounds` must be positive and within the protocol's limit.
    Rounds,
    /// `target` must be above 0 and at most 1,000,000.
    Target,
    /// `trainers`: 1 ≤ min ≤ max ≤ 256.
    Trainers,
    /// `committee`: between 3 and 31 seats, quorum at least two thirds of them and at most all.
    Committee,
    /// `deadlines`: every phase needs a block or more, the lifetime must hold one round, a round whose committee is drawn twice lasts
    /// at most 100,800 blocks, and claiming no longer.
    Deadlines,
    /// `terms`: the reward and the bonds must be positive, and the total must fit.
    Terms,
    /// `terms.min_reputation` must be at most 999: no score is higher.
    Reputation,
    /// `terms.draw`: the cap must be 2, 4, 8 or 16, and so many times a bond must fit.
    Draw,
    /// `terms.golds` must be 0, or 2 to 4 and at most `trainers.max`; then `deadlines.training`, `scoring` and `claiming` must be longer
    /// than 20 blocks: for 10 blocks after a round nobody is settled, and who has something at risk cannot act in the next.
    Golds,
}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "name and license must be non-empty UTF-8 text",
            Self::Objective => "objective: at least one feature is needed, and two classes or one quantity",
            Self::Training => {
                "training: epochs or steps, batch_size and learning_rate must be positive, momentum below 1000000"
            }
            Self::Schedule => {
                "training: a schedule's every or rounds must be positive, its factor above 0 and at most 1000000 (one), its \
                 floor at most 1000000"
            }
            Self::WeightDecay => "training: weight_decay must be 0 with adamw, which has its own",
            Self::ClipNorm => "training: clip_norm must be positive, or left out",
            Self::WorkerMomentum => "training: worker_momentum must be below 1000000 (one)",
            Self::Trim => "aggregation: trim must be below 500000 (one half)",
            Self::Krum => {
                "aggregation: hostile is too large: of trainers.min, 2 * hostile + 3 updates or buckets must reach (multi-)krum"
            }
            Self::Kept => {
                "aggregation: kept must be at least 1, and at most as many as reach multi-krum, of trainers.min, without the \
                 hostile"
            }
            Self::Bulyan => {
                "aggregation: hostile is too large: of trainers.min, 4 * hostile + 3 updates or buckets must reach bulyan"
            }
            Self::Steps => "aggregation: steps must be between 1 and 64",
            Self::Radius => {
                "aggregation: radius must be at least one unit of the encoding, 2^-fraction_bits"
            }
            Self::NormBound => {
                "aggregation: norm_bound must be at least one unit of the encoding, 2^-fraction_bits"
            }
            Self::CopyCosine => {
                "aggregation: copy_cosine must be between 500000 (one half) and 1000000 (only equal updates)"
            }
            Self::Mixing => {
                "aggregation: mixing must bear fewer hostile updates than half of trainers.min"
            }
            Self::Buckets => "aggregation: buckets must have between 1 and 64 updates",
            Self::Cap => "aggregation: the cap of counts must be between 1 and 8388607",
            Self::Counts => {
                "aggregation: counts other than equal are for the rule mean with nothing before it"
            }
            Self::Nova => {
                "aggregation: counts by fednova are for sgd, and with proximal for a constant schedule"
            }
            Self::Server => {
                "server: rate and tau must be positive, momentum, beta1 and beta2 below 1000000 (one)"
            }
            Self::Clients => "training: scaffold needs as many clients as trainers.max, or more",
            Self::Scaffold => {
                "training: scaffold goes with steps, a constant schedule, no clip_norm, no proximal and no worker_momentum"
            }
            Self::ScaffoldRound => {
                "training: scaffold goes with equal counts, the server fedavg, and updates of all weights without error_feedback"
            }
            Self::EncodingBits => "encoding: bits must be 4, 8, 16 or 32",
            Self::EncodingRange => {
                "encoding: clip must be positive and fit the bits (31 bits with stochastic rounding), fraction_bits at most 30"
            }
            Self::Keep => {
                "encoding: keep must be a multiple of 100 between 100 and 1000000 (parts per million)"
            }
            Self::Rounding => {
                "encoding: 4 bits, keep below all and error_feedback need rounding to be stochastic"
            }
            Self::Bytes => {
                "max_update_bytes and max_validation_bytes must be positive and at most 16 GiB"
            },
            Self::Custody => {
                "custody: hosts must be at most 8, and at most one more than the committee's quorum"
            }
            Self::Rounds => "rounds must be between 1 and 10000",
            Self::Target => "target must be between 1 and 1000000 (parts per million)",
            Self::Trainers => "trainers: 1 <= min <= max <= 256 is required",
            Self::Committee => {
                "committee: between 3 and 31 seats, and a quorum of at least two thirds of them"
            },
            Self::Deadlines => {
                "deadlines: every phase needs at least one block, lifetime must be longer than one round, and neither claiming nor \
                 training + revealing + 2 * (scoring + verdict + aggregating) may be longer than 100800 blocks"
            },
            Self::Terms => {
                "terms: reward_per_round, trainer_bond and evaluator_bond must be positive, and the total must fit"
            },
            Self::Reputation => {
                "terms: min_reputation must be at most 999, and a new account has 500"
            },
            Self::Draw => {
                "terms: the cap of a draw by bonds must be 2, 4, 8 or 16 (without weights it is \"equal\"), and so many times a bond \
                 must fit"
            }
            Self::Golds => {
                "terms: golds must be 0, or 2 to 4 and at most trainers.max; then the deadlines training, scoring and claiming must be longer than 20 blocks"
            }
        })
    }
}

impl core::error::Error for SpecError {}

/// Checks a specification against the protocol's limits and against itself; the first contradiction is returned.
pub fn check(spec: &TaskSpec) -> Result<(), SpecError> {
    require(is_text(&spec.name) && is_text(&spec.license), SpecError::Text)?;
    let learned = match spec.objective {
        Objective::Classification { classes, .. } => classes > 1,
        Objective::Regression { quantities, .. } => quantities > 0,
    };
    require(learned && spec.objective.features() > 0, SpecError::Objective)?;
    learning::training(&spec.training)?;
    learning::encoding(&spec.encoding)?;
    require((1..=MAX_UPDATE_BYTES).contains(&spec.max_update_bytes), SpecError::Bytes)?;
    require((1..=MAX_UPDATE_BYTES).contains(&spec.max_validation_bytes), SpecError::Bytes)?;
    require((1..=MAX_ROUNDS).contains(&spec.rounds), SpecError::Rounds)?;
    require(spec.target.is_none_or(|target| (1..=MILLION).contains(&target)), SpecError::Target)?;
    let trainers = &spec.trainers;
    require(
        trainers.min > 0 && trainers.min <= trainers.max && u32::from(trainers.max) <= MAX_TRAINERS,
        SpecError::Trainers,
    )?;
    learning::aggregation(spec)?;
    learning::scaffold(spec)?;
    check_committee(spec)?;
    let hosts = spec.custody.hosts;
    require(
        hosts <= MAX_CUSTODY_HOSTS && hosts <= spec.committee.quorum.saturating_add(1),
        SpecError::Custody,
    )?;
    check_deadlines(spec)?;
    check_terms(spec)
}

fn check_committee(spec: &TaskSpec) -> Result<(), SpecError> {
    let (seats, quorum) = (u32::from(spec.committee.seats), u32::from(spec.committee.quorum));
    require(
        (MIN_SEATS..=MAX_SEATS).contains(&seats) && quorum <= seats && quorum * 3 >= seats * 2,
        SpecError::Committee,
    )
}

fn check_deadlines(spec: &TaskSpec) -> Result<(), SpecError> {
    let d = &spec.deadlines;
    let phases = [d.training, d.revealing, d.scoring, d.verdict, d.aggregating];
    require(phases.iter().all(|&blocks| blocks > 0), SpecError::Deadlines)?;
    require(d.enrolling > 0 && d.claiming > 0, SpecError::Deadlines)?;
    let round = phases.iter().try_fold(d.enrolling, |sum, &blocks| sum.checked_add(blocks));
    require(round.is_some_and(|round| d.lifetime > round), SpecError::Deadlines)?;
    let blocks = slashing::round_blocks(d);
    require(
        blocks <= u64::from(MAX_ROUND_BLOCKS) && d.claiming <= MAX_CLAIMING_BLOCKS,
        SpecError::Deadlines,
    )
}

fn check_terms(spec: &TaskSpec) -> Result<(), SpecError> {
    let terms = &spec.terms;
    let positive = terms.reward_per_round > 0 && terms.trainer_bond > 0 && terms.evaluator_bond > 0;
    require(positive && spec.total_pay().is_some(), SpecError::Terms)?;
    require(terms.min_reputation < reputation::MAX_SCORE, SpecError::Reputation)?;
    let cap = terms.draw.cap();
    let fits = |bond: Balance| bond.checked_mul(cap.into()).is_some();
    let known = match terms.draw {
        Chances::Equal => true,
        Chances::ByBond { .. } => cap > 1 && draw::class_of(cap).is_some(),
    };
    require(known && fits(terms.trainer_bond) && fits(terms.evaluator_bond), SpecError::Draw)?;
    require(terms.golds == 0 || golds_fit(spec), SpecError::Golds)
}

fn golds_fit(spec: &TaskSpec) -> bool {
    let (golds, deadlines) = (spec.terms.golds, &spec.deadlines);
    (gold::MISSES..=MAX_GOLDS).contains(&golds)
        && u16::from(golds) <= spec.trainers.max
        && [deadlines.training, deadlines.scoring, deadlines.claiming]
            .iter()
            .all(|blocks| *blocks > 2 * gold::WINDOW)
}

fn is_text(text: &[u8]) -> bool {
    !text.is_empty() && core::str::from_utf8(text).is_ok()
}

fn require(holds: bool, error: SpecError) -> Result<(), SpecError> {
    if holds { Ok(()) } else { Err(error) }
}

#[cfg(test)]
mod tests;
