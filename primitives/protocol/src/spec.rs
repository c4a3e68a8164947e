//! Whether a task contradicts itself.

use core::fmt;
use decentralml_types::{
    TaskSpec,
    limits::{MAX_CUSTODY_HOSTS, MAX_ROUNDS, MAX_SEATS, MAX_TRAINERS, MAX_UPDATE_BYTES, MIN_SEATS},
    spec::{Aggregation, Objective, Optimizer},
};

const MILLION: u32 = 1_000_000;

/// What is wrong with a specification, named by its field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpecError {
    /// `name` or `license` is empty or not UTF-8.
    Text,
    /// `objective`: at least one feature and two classes.
    Objective,
    /// `training`: epochs, batch size and learning rate must be positive, momentum below 1.
    Training,
    /// `aggregation.trim` must be below one half.
    Trim,
    /// `encoding.bits` must be 8, 16 or 32.
    EncodingBits,
    /// `encoding.clip` must be positive and fit the bits; `fraction_bits` at most 30.
    EncodingRange,
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
    /// `deadlines`: every phase needs a block or more, and the lifetime must hold one round.
    Deadlines,
    /// `terms`: the reward and the bonds must be positive, and the total must fit.
    Terms,
}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "name and license must be non-empty UTF-8 text",
            Self::Objective => "objective: at least one feature and two classes are needed",
            Self::Training => {
                "training: epochs, batch_size and learning_rate must be positive, momentum below 1000000"
            },
            Self::Trim => "aggregation: trim must be below 500000 (one half)",
            Self::EncodingBits => "encoding: bits must be 8, 16 or 32",
            Self::EncodingRange => {
                "encoding: clip must be positive and fit the bits, fraction_bits at most 30"
            },
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
                "deadlines: every phase needs at least one block, and lifetime must be longer than one round"
            },
            Self::Terms => {
                "terms: reward_per_round, trainer_bond and evaluator_bond must be positive, and the total must fit"
            },
        })
    }
}

impl core::error::Error for SpecError {}

/// Checks a specification against the protocol's limits and against itself; the first contradiction is returned.
pub fn check(spec: &TaskSpec) -> Result<(), SpecError> {
    require(is_text(&spec.name) && is_text(&spec.license), SpecError::Text)?;
    let Objective::Classification { features, classes } = spec.objective;
    require(features > 0 && classes > 1, SpecError::Objective)?;
    check_training(spec)?;
    if let Aggregation::TrimmedMean { trim } = spec.aggregation {
        require(trim < MILLION / 2, SpecError::Trim)?;
    }
    check_encoding(spec)?;
    require((1..=MAX_UPDATE_BYTES).contains(&spec.max_update_bytes), SpecError::Bytes)?;
    require((1..=MAX_UPDATE_BYTES).contains(&spec.max_validation_bytes), SpecError::Bytes)?;
    require((1..=MAX_ROUNDS).contains(&spec.rounds), SpecError::Rounds)?;
    require(spec.target.is_none_or(|target| (1..=MILLION).contains(&target)), SpecError::Target)?;
    let trainers = &spec.trainers;
    require(
        trainers.min > 0 && trainers.min <= trainers.max && u32::from(trainers.max) <= MAX_TRAINERS,
        SpecError::Trainers,
    )?;
    check_committee(spec)?;
    let hosts = spec.custody.hosts;
    require(
        hosts <= MAX_CUSTODY_HOSTS && hosts <= spec.committee.quorum.saturating_add(1),
        SpecError::Custody,
    )?;
    check_deadlines(spec)?;
    check_terms(spec)
}

fn check_training(spec: &TaskSpec) -> Result<(), SpecError> {
    let training = &spec.training;
    let positive = training.epochs > 0 && training.batch_size > 0 && training.learning_rate > 0;
    let optimizer = match training.optimizer {
        Optimizer::Sgd { momentum } => momentum < MILLION,
        Optimizer::Adam => true,
    };
    require(positive && optimizer, SpecError::Training)
}

fn check_encoding(spec: &TaskSpec) -> Result<(), SpecError> {
    let encoding = &spec.encoding;
    let largest = match encoding.bits {
        8 => i8::MAX as u32,
        16 => i16::MAX as u32,
        32 => i32::MAX as u32,
        _ => return Err(SpecError::EncodingBits),
    };
    require(
        (1..=largest).contains(&encoding.clip) && encoding.fraction_bits <= 30,
        SpecError::EncodingRange,
    )
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
    require(round.is_some_and(|round| d.lifetime > round), SpecError::Deadlines)
}

fn check_terms(spec: &TaskSpec) -> Result<(), SpecError> {
    let terms = &spec.terms;
    let positive = terms.reward_per_round > 0 && terms.trainer_bond > 0 && terms.evaluator_bond > 0;
    require(positive && spec.total_cost(0).is_some(), SpecError::Terms)
}

fn is_text(text: &[u8]) -> bool {
    !text.is_empty() && core::str::from_utf8(text).is_ok()
}

fn require(holds: bool, error: SpecError) -> Result<(), SpecError> {
    if holds { Ok(()) } else { Err(error) }
}

/// A specification that holds together, for tests and documents: digits, an MLP, 15 rounds.
pub fn example() -> TaskSpec {
    use decentralml_types::{Cid, Codec, spec::*};
    let cid = |byte| Cid { codec: Codec::Raw, digest: [byte; 32] };
    TaskSpec {
        name: Text::truncate_from(b"digits".to_vec()),
        license: Text::truncate_from(b"Apache-2.0".to_vec()),
        model: cid(1),
        initial: InitialModel::Seed([2; 32]),
        objective: Objective::Classification { features: 64, classes: 10 },
        training: LocalTraining {
            epochs: 5,
            batch_size: 16,
            learning_rate: 100_000,
            optimizer: Optimizer::Sgd { momentum: 900_000 },
        },
        aggregation: Aggregation::Mean,
        encoding: Encoding { bits: 16, fraction_bits: 12, clip: 32_767 },
        max_update_bytes: 1 << 20,
        custody: Custody { hosts: 0, sealed: false },
        validation_set: cid(3),
        max_validation_bytes: 1 << 24,
        rounds: 15,
        target: Some(950_000),
        max_retries: 3,
        trainers: TrainerCount { min: 3, max: 6 },
        committee: Committee { seats: 3, quorum: 2 },
        deadlines: Deadlines {
            enrolling: 60,
            training: 60,
            revealing: 30,
            scoring: 60,
            verdict: 30,
            aggregating: 30,
            claiming: 10_000,
            lifetime: 100_000,
        },
        terms: Terms {
            reward_per_round: 10_000_000_000_000,
            fee_per_seat: 500_000_000_000,
            trainer_bond: 5_000_000_000_000,
            evaluator_bond: 5_000_000_000_000,
        },
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use decentralml_types::spec::*;

    fn error(change: impl FnOnce(&mut TaskSpec)) -> Option<SpecError> {
        let mut spec = example();
        change(&mut spec);
        check(&spec).err()
    }

    #[test]
    fn the_example_holds_together() {
        assert_eq!(error(|_| ()), None);
    }

    #[test]
    fn every_contradiction_is_named() {
        assert_eq!(error(|s| s.name = Text::default()), Some(SpecError::Text));
        assert_eq!(
            error(|s| s.objective = Objective::Classification { features: 64, classes: 1 }),
            Some(SpecError::Objective)
        );
        assert_eq!(error(|s| s.training.learning_rate = 0), Some(SpecError::Training));
        assert_eq!(
            error(|s| s.training.optimizer = Optimizer::Sgd { momentum: 1_000_000 }),
            Some(SpecError::Training)
        );
        assert_eq!(
            error(|s| s.aggregation = Aggregation::TrimmedMean { trim: 500_000 }),
            Some(SpecError::Trim)
        );
        assert_eq!(error(|s| s.encoding.bits = 12), Some(SpecError::EncodingBits));
        assert_eq!(
            error(|s| s.encoding = Encoding { bits: 8, fraction_bits: 4, clip: 128 }),
            Some(SpecError::EncodingRange)
        );
        assert_eq!(error(|s| s.max_update_bytes = 0), Some(SpecError::Bytes));
        assert_eq!(error(|s| s.rounds = 0), Some(SpecError::Rounds));
        assert_eq!(error(|s| s.target = Some(1_000_001)), Some(SpecError::Target));
        assert_eq!(error(|s| s.trainers.max = 257), Some(SpecError::Trainers));
        assert_eq!(error(|s| s.trainers.min = 7), Some(SpecError::Trainers));
        assert_eq!(
            error(|s| s.committee = Committee { seats: 3, quorum: 1 }),
            Some(SpecError::Committee)
        );
        assert_eq!(
            error(|s| s.committee = Committee { seats: 2, quorum: 2 }),
            Some(SpecError::Committee)
        );
        assert_eq!(error(|s| s.custody.hosts = 4), Some(SpecError::Custody), "a quorum of two");
        assert_eq!(error(|s| s.deadlines.verdict = 0), Some(SpecError::Deadlines));
        assert_eq!(error(|s| s.deadlines.lifetime = 100), Some(SpecError::Deadlines));
        assert_eq!(error(|s| s.terms.trainer_bond = 0), Some(SpecError::Terms));
        assert_eq!(error(|s| s.terms.reward_per_round = u128::MAX), Some(SpecError::Terms));
    }

    #[test]
    fn as_many_hosts_are_asked_for_as_there_can_be() {
        assert_eq!(error(|s| s.custody.hosts = 3), None, "two evaluators and the sponsor");
        let of = |hosts| {
            error(|s| {
                s.committee = Committee { seats: 31, quorum: 21 };
                s.custody = Custody { hosts, sealed: true };
            })
        };
        assert_eq!((of(8), of(9)), (None, Some(SpecError::Custody)));
    }

    #[test]
    fn sealed_tasks_pay_for_two_calls_more_of_each_trainer() {
        let open = example();
        let sealed = TaskSpec { custody: Custody { hosts: 0, sealed: true }, ..example() };
        let more = 2 * u32::from(open.trainers.max);
        assert_eq!(sealed.free_calls(), open.free_calls() + more);
        let price = 7;
        let attempts = u128::from(open.attempts());
        let cost = |spec: &TaskSpec| spec.total_cost(price).unwrap();
        assert_eq!(cost(&sealed) - cost(&open), attempts * u128::from(more) * price);
    }
}
