//! A specification for tests and documents.

use decentralml_types::{Cid, Codec, TaskSpec, spec::*};

/// A specification that holds together, for tests and documents: digits, an MLP, 15 rounds.
pub fn example() -> TaskSpec {
    let cid = |byte| Cid { codec: Codec::Raw, digest: [byte; 32] };
    TaskSpec {
        name: Text::truncate_from(b"digits".to_vec()),
        license: Text::truncate_from(b"Apache-2.0".to_vec()),
        model: cid(1),
        initial: InitialModel::Seed([2; 32]),
        objective: Objective::Classification { features: 64, classes: 10 },
        training: LocalTraining {
            work: Work::Epochs(5),
            batch_size: 16,
            learning_rate: 100_000,
            schedule: Schedule::default(),
            optimizer: Optimizer::Sgd { momentum: 900_000 },
            weight_decay: 0,
            clip_norm: None,
            proximal: 0,
            worker_momentum: 0,
        },
        aggregation: Aggregation::default(),
        encoding: Encoding::plain(16, 12, 32_767),
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
            asset: Asset::Native,
            reward_per_round: 10_000_000_000_000,
            fee_per_seat: 500_000_000_000,
            trainer_bond: 5_000_000_000_000,
            evaluator_bond: 5_000_000_000_000,
            min_reputation: 0,
            golds: 0,
            draw: Chances::Equal,
        },
    }
}
