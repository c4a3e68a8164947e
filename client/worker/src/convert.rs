//! From the numbers of a task's specification to those of the learning crate.

use decentralml_learning::{Encoding, LocalTraining, Optimizer, Rule};
use decentralml_types::{TaskSpec, spec};

use crate::model::ModelError;

const MILLION: u32 = 1_000_000;

/// The integers on the wire.
pub fn encoding(spec: &TaskSpec) -> Result<Encoding, ModelError> {
    let spec::Encoding { bits, fraction_bits, clip } = spec.encoding;
    let clip = i32::try_from(clip)
        .map_err(|_| ModelError::Encoding(format!("a clip of {clip} is too large")))?;
    Encoding::new(bits, fraction_bits, clip)
        .map_err(|error| ModelError::Encoding(error.to_string()))
}

/// What a trainer does with a round's model.
pub fn training(spec: &TaskSpec) -> LocalTraining {
    let training = &spec.training;
    LocalTraining {
        batch_size: training.batch_size.into(),
        learning_rate: fraction(training.learning_rate),
        optimizer: match training.optimizer {
            spec::Optimizer::Sgd { momentum } => Optimizer::Sgd { momentum: fraction(momentum) },
            spec::Optimizer::Adam => Optimizer::Adam,
        },
        ..LocalTraining::epochs(training.epochs.into())
    }
}

/// How `updates` accepted updates become one.
pub fn rule(spec: &TaskSpec, updates: usize) -> Rule {
    match spec.aggregation {
        spec::Aggregation::Mean => Rule::Mean,
        spec::Aggregation::Median => Rule::Median,
        spec::Aggregation::TrimmedMean { trim } => {
            // Rounded down, and trim is below one half: fewer than all are dropped.
            let k = updates as u128 * u128::from(trim) / u128::from(MILLION);
            Rule::TrimmedMean { k: usize::try_from(k).unwrap_or(0) }
        }
    }
}

/// A share as parts per million, rounded to the nearest; between 0 and 1,000,000.
pub fn ppm(share: f64) -> u32 {
    // `as` saturates, and turns what is not a number into 0.
    ((share * f64::from(MILLION)).round() as u32).min(MILLION)
}

fn fraction(millionths: u32) -> f64 {
    f64::from(millionths) / f64::from(MILLION)
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use decentralml_types::{Cid, Codec};

    /// A small task that passes the protocol's checks.
    pub(crate) fn task_spec() -> TaskSpec {
        let cid = Cid { codec: Codec::Raw, digest: [0; 32] };
        TaskSpec {
            name: b"digits".to_vec().try_into().unwrap(),
            license: b"CC0-1.0".to_vec().try_into().unwrap(),
            model: cid,
            initial: spec::InitialModel::Seed([1; 32]),
            objective: spec::Objective::Classification { features: 4, classes: 3 },
            training: spec::LocalTraining {
                epochs: 2,
                batch_size: 8,
                learning_rate: 100_000,
                optimizer: spec::Optimizer::Sgd { momentum: 900_000 },
            },
            aggregation: spec::Aggregation::TrimmedMean { trim: 250_000 },
            encoding: spec::Encoding { bits: 16, fraction_bits: 12, clip: 32_767 },
            max_update_bytes: 1 << 20,
            custody: spec::Custody::default(),
            validation_set: cid,
            max_validation_bytes: 1 << 20,
            rounds: 3,
            target: None,
            max_retries: 1,
            trainers: spec::TrainerCount { min: 2, max: 4 },
            committee: spec::Committee { seats: 3, quorum: 2 },
            deadlines: spec::Deadlines {
                enrolling: 10,
                training: 20,
                revealing: 10,
                scoring: 20,
                verdict: 10,
                aggregating: 10,
                claiming: 100,
                lifetime: 1_000,
            },
            terms: spec::Terms {
                reward_per_round: 1_000,
                fee_per_seat: 10,
                trainer_bond: 500,
                evaluator_bond: 700,
            },
        }
    }

    #[test]
    fn numbers_of_a_task_are_those_of_its_training() {
        let spec = task_spec();
        decentralml_protocol::spec::check(&spec).unwrap();
        let local = training(&spec);
        assert_eq!(local.learning_rate, 0.1);
        assert_eq!(local.optimizer, Optimizer::Sgd { momentum: 0.9 });
        assert_eq!(encoding(&spec).unwrap().clip(), 32_767);
        assert!(
            encoding(&TaskSpec {
                encoding: spec::Encoding { clip: u32::MAX, ..spec.encoding },
                ..spec
            })
            .is_err()
        );
    }

    #[test]
    fn trimming_drops_fewer_than_all() {
        let spec = task_spec();
        for updates in 1..300 {
            let Rule::TrimmedMean { k } = rule(&spec, updates) else { unreachable!() };
            assert!(2 * k < updates);
        }
        assert_eq!(rule(&spec, 8), Rule::TrimmedMean { k: 2 });
    }

    #[test]
    fn shares_round_to_the_nearest_millionth() {
        assert_eq!(ppm(0.951_234_5), 951_235);
        assert_eq!(ppm(1.0), 1_000_000);
        assert_eq!(ppm(7.0), 1_000_000);
        assert_eq!(ppm(f64::NAN), 0);
    }
}
