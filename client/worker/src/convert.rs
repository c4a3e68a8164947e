//! From the numbers of a task's specification to those of the learning crate.

mod aggregation;

use decentralml_learning::{Codec, Encoding, LocalTraining, Optimizer, Schedule, Work};
use decentralml_types::{TaskSpec, spec};

use crate::model::ModelError;

pub use aggregation::{aggregation, norm_bound, server};

const MILLION: u32 = spec::MILLION;

/// The integers that are aggregated. Packed updates have a clip of their own: the fewest bits that hold it.
pub fn encoding(spec: &TaskSpec) -> Result<Encoding, ModelError> {
    let spec::Encoding { bits, fraction_bits, clip, .. } = spec.encoding;
    let clip = i32::try_from(clip)
        .map_err(|_| ModelError::Encoding(format!("a clip of {clip} is too large")))?;
    let bits = match spec.encoding.is_packed() {
        false => bits,
        true if clip <= i8::MAX.into() => 8,
        true if clip <= i16::MAX.into() => 16,
        true => 32,
    };
    Encoding::new(bits, fraction_bits, clip)
        .map_err(|error| ModelError::Encoding(error.to_string()))
}

/// How updates are packed; `None` where they are sent as they are.
pub fn codec(spec: &TaskSpec) -> Result<Option<Codec>, ModelError> {
    let encoding = &spec.encoding;
    if !encoding.is_packed() {
        return Ok(None);
    }
    // The codec counts in ten-thousandths, of which the specification has whole ones.
    let keep = (encoding.keep < MILLION).then_some(encoding.keep / 100);
    let keep = keep.map(|keep| u16::try_from(keep).unwrap_or(u16::MAX));
    let codec = Codec { bits: encoding.bits, keep, deflate: true };
    codec.check().map_err(|error| ModelError::Encoding(error.to_string()))?;
    Ok(Some(codec))
}

/// What a trainer does with a round's model, once so many rounds are settled.
pub fn training(spec: &TaskSpec, settled: u32) -> LocalTraining {
    let training = &spec.training;
    let work = match training.work {
        spec::Work::Epochs(epochs) => Work::Epochs(epochs.into()),
        spec::Work::Steps(steps) => Work::Steps(steps),
    };
    let schedule = match training.schedule {
        spec::Schedule::Constant { warmup } => Schedule::Constant { warmup },
        spec::Schedule::Step { warmup, every, factor } => {
            Schedule::Step { warmup, every, factor: fraction(factor) }
        }
        spec::Schedule::Exponential { warmup, factor } => {
            Schedule::Exponential { warmup, factor: fraction(factor) }
        }
        spec::Schedule::Cosine { warmup, rounds, floor } => {
            Schedule::Cosine { warmup, rounds, floor: fraction(floor) }
        }
    };
    let optimizer = match training.optimizer {
        spec::Optimizer::Sgd { momentum } => Optimizer::Sgd { momentum: fraction(momentum) },
        // What corrects its gradients is not known here: see `scaffold`.
        spec::Optimizer::Scaffold { .. } => Optimizer::Sgd { momentum: 0.0 },
        spec::Optimizer::Adam => Optimizer::Adam,
        spec::Optimizer::AdamW { weight_decay } => {
            Optimizer::AdamW { weight_decay: fraction(weight_decay) as f32 }
        }
    };
    let local = LocalTraining {
        work,
        batch_size: training.batch_size.into(),
        learning_rate: fraction(training.learning_rate),
        schedule,
        optimizer,
        weight_decay: fraction(training.weight_decay) as f32,
        clip_norm: training.clip_norm.map(fraction),
        proximal: fraction(training.proximal),
        // No task asks for a precision: that is each trainer's own.
        ..LocalTraining::new(work)
    };
    local.in_round(settled)
}

/// What worker momentum leaves of the mean of earlier changes; `None` where a trainer sends the last one alone.
pub fn worker_momentum(spec: &TaskSpec) -> Option<f64> {
    let momentum = spec.training.worker_momentum;
    (momentum > 0).then(|| fraction(momentum))
}

/// What SCAFFOLD's variates follow from, beside the updates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scaffold {
    /// K η: the steps of a round times its learning rate.
    pub way: f64,
    /// N: the trainers that the server's variate is the mean of.
    pub clients: usize,
}

/// What SCAFFOLD's variates follow from in a round that so many settled ones have preceded; `None` where the task has none.
pub fn scaffold(spec: &TaskSpec, settled: u32) -> Option<Scaffold> {
    let spec::Optimizer::Scaffold { clients } = spec.training.optimizer else { return None };
    // The protocol takes it with a number of steps only.
    let spec::Work::Steps(steps) = spec.training.work else { return None };
    let way = training(spec, settled).way(steps.into());
    Some(Scaffold { way, clients: usize::try_from(clients).unwrap_or(usize::MAX) })
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
                work: spec::Work::Epochs(2),
                batch_size: 8,
                learning_rate: 100_000,
                schedule: spec::Schedule::default(),
                optimizer: spec::Optimizer::Sgd { momentum: 900_000 },
                weight_decay: 0,
                clip_norm: None,
                proximal: 0,
                worker_momentum: 0,
            },
            aggregation: spec::Aggregation {
                rule: spec::Rule::TrimmedMean { trim: 250_000 },
                ..spec::Aggregation::default()
            },
            encoding: spec::Encoding::plain(16, 12, 32_767),
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
                asset: Default::default(),
                reward_per_round: 1_000,
                fee_per_seat: 10,
                trainer_bond: 500,
                evaluator_bond: 700,
                min_reputation: 0,
                golds: 0,
                draw: Default::default(),
            },
        }
    }

    /// Packed updates of 8 bits of the tenth of the weights that change most.
    pub(crate) fn packed() -> spec::Encoding {
        spec::Encoding {
            rounding: spec::Rounding::Stochastic,
            keep: 100_000,
            error_feedback: true,
            ..spec::Encoding::plain(8, 16, 1 << 20)
        }
    }

    #[test]
    fn numbers_of_a_task_are_those_of_its_training() {
        let mut spec = task_spec();
        spec.training.weight_decay = 10_000;
        decentralml_protocol::spec::check(&spec).unwrap();
        let local = training(&spec, 0);
        assert_eq!(local.learning_rate, 0.1);
        assert_eq!(local.optimizer, Optimizer::Sgd { momentum: 0.9 });
        assert_eq!(local.weight_decay, 0.01);
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
    fn all_settings_of_local_training_reach_the_trainer() {
        let mut spec = task_spec();
        spec.training = spec::LocalTraining {
            work: spec::Work::Steps(3),
            schedule: spec::Schedule::Step { warmup: 1, every: 2, factor: 250_000 },
            optimizer: spec::Optimizer::AdamW { weight_decay: 500_000 },
            clip_norm: Some(2_000_000),
            proximal: 125_000,
            ..spec.training
        };
        decentralml_protocol::spec::check(&spec).unwrap();
        let expected = LocalTraining {
            batch_size: 8,
            optimizer: Optimizer::AdamW { weight_decay: 0.5 },
            clip_norm: Some(2.0),
            proximal: 0.125,
            ..LocalTraining::steps(3)
        };
        // Half of the rate while it warms up, all of it for two rounds, then a quarter.
        for (settled, learning_rate) in [(0, 0.05), (1, 0.1), (2, 0.1), (3, 0.025), (5, 0.00625)] {
            let local = training(&spec, settled);
            local.validate().unwrap();
            assert_eq!(local, LocalTraining { learning_rate, ..expected });
        }
        let all = [
            spec::Schedule::Exponential { warmup: 0, factor: 500_000 },
            spec::Schedule::Cosine { warmup: 0, rounds: 2, floor: 500_000 },
        ];
        for (schedule, learning_rate) in all.into_iter().zip([0.025, 0.05]) {
            spec.training.schedule = schedule;
            assert_eq!(training(&spec, 2).learning_rate, learning_rate);
        }
    }

    #[test]
    fn scaffold_is_plain_sgd_with_a_way_that_warms_up() {
        let mut spec = task_spec();
        assert_eq!(scaffold(&spec, 0), None);
        spec.training.work = spec::Work::Steps(20);
        spec.training.optimizer = spec::Optimizer::Scaffold { clients: 8 };
        spec.training.schedule = spec::Schedule::Constant { warmup: 1 };
        decentralml_protocol::spec::check(&spec).unwrap();
        let local = training(&spec, 1);
        assert_eq!((local.optimizer, local.work), (LocalTraining::steps(20).optimizer, local.work));
        for (settled, way) in [(0, 1.0), (1, 2.0), (7, 2.0)] {
            assert_eq!(scaffold(&spec, settled), Some(Scaffold { way, clients: 8 }));
        }
    }

    #[test]
    fn packed_updates_are_integers_of_the_clip_and_plain_ones_of_the_wire() {
        let mut spec = TaskSpec { encoding: packed(), ..task_spec() };
        decentralml_protocol::spec::check(&spec).unwrap();
        let found = codec(&spec).unwrap().unwrap();
        assert_eq!((found.bits, found.keep, found.deflate), (8, Some(1_000), true));
        for (clip, bits) in [(127, 8), (128, 16), (32_767, 16), (32_768, 32)] {
            spec.encoding.clip = clip;
            assert_eq!(encoding(&spec).unwrap().bits(), bits);
        }
        spec.encoding.keep = MILLION;
        assert_eq!(codec(&spec).unwrap().unwrap().keep, None);
        assert_eq!(codec(&task_spec()).unwrap(), None);
        assert_eq!(encoding(&task_spec()).unwrap().bits(), 16);
    }

    #[test]
    fn shares_round_to_the_nearest_millionth() {
        assert_eq!(ppm(0.951_234_5), 951_235);
        assert_eq!(ppm(1.0), 1_000_000);
        assert_eq!(ppm(7.0), 1_000_000);
        assert_eq!(ppm(f64::NAN), 0);
    }
}
