//! Golden vectors: the same values must have the same bytes natively and in WebAssembly, for what is hashed and what is stored
//! is their encoding.

use crate::{
    Asset, Cid, Codec, Failure, Fault, Label, NextModel, Opinion, Opinions, Outcome, Phase, Role,
    TaskSpec, TaskStatus,
    commitment::{GoldResult, ScoresCommitment, UpdateCommitment},
    spec::{
        Adaptive, Aggregation, Before, Chances, Committee, Counts, Custody, Deadlines, Encoding,
        InitialModel, LocalTraining, Objective, Optimizer, Rounding, Rule, Schedule,
        ServerOptimizer, Terms, Text, TrainerCount, Work,
    },
};
use alloc::vec::Vec;
use codec::{Decode, Encode};
use sp_crypto_hashing::blake2_256;

/// What [`digest`] returns on every machine. A change of it means that commitments made with two versions of the program do
/// not fit each other, or that stored specifications are read differently: it needs a migration, not a new constant. What is only added,
/// behind all that there was, changes it too.
pub const EXPECTED: [u8; 32] = [
    64, 215, 170, 92, 114, 94, 29, 95, 178, 9, 138, 91, 128, 29, 21, 23, 4, 165, 132, 42, 41, 217,
    90, 234, 139, 19, 250, 224, 95, 120, 18, 62,
];

/// A digest over the encodings of CIDs, specifications, opinions and states, and over the hashes of commitments.
pub fn digest() -> [u8; 32] {
    let mut bytes = Vec::new();
    for cid in cids() {
        cid.encode_to(&mut bytes);
    }
    for spec in specs() {
        let encoded = spec.encode();
        let same = TaskSpec::decode(&mut &encoded[..]).is_ok_and(|read| read == spec);
        bytes.extend_from_slice(&encoded);
        bytes.push(same.into());
    }
    for count in [0, 1, 2, 32, 256] {
        commitments(count, &mut bytes);
    }
    learning(&mut bytes);
    states(&mut bytes);
    later(&mut bytes);
    blake2_256(&bytes)
}

fn cids() -> [Cid; 3] {
    [
        Cid { codec: Codec::Raw, digest: [0; 32] },
        Cid { codec: Codec::DagPb, digest: [0xff; 32] },
        Cid { codec: Codec::Raw, digest: core::array::from_fn(|index| index as u8) },
    ]
}

/// Two specifications that differ in every enumeration, one of the smallest and one of the largest numbers.
fn specs() -> [TaskSpec; 2] {
    let [first, second, third] = cids();
    let small = TaskSpec {
        name: Text::default(),
        license: text(b"MIT"),
        model: first,
        initial: InitialModel::Seed([7; 32]),
        objective: Objective::Classification { features: 1, classes: 2 },
        training: LocalTraining {
            work: Work::Epochs(1),
            batch_size: 1,
            learning_rate: 1,
            schedule: Schedule::default(),
            optimizer: Optimizer::Sgd { momentum: 0 },
            weight_decay: 0,
            clip_norm: None,
            proximal: 0,
            worker_momentum: 0,
        },
        aggregation: Aggregation::default(),
        encoding: Encoding::plain(8, 0, 1),
        max_update_bytes: 1,
        custody: Custody { hosts: 0, sealed: false },
        validation_set: second,
        max_validation_bytes: 1,
        rounds: 1,
        target: None,
        max_retries: 0,
        trainers: TrainerCount { min: 1, max: 1 },
        committee: Committee { seats: 3, quorum: 2 },
        deadlines: deadlines(1),
        terms: terms(Asset::Native, 1),
    };
    let large = TaskSpec {
        name: text("Ziffern: 0 … 9".as_bytes()),
        license: text(b"Apache-2.0"),
        model: third,
        initial: InitialModel::Weights(second),
        objective: Objective::Classification { features: u32::MAX, classes: u32::MAX },
        training: LocalTraining {
            work: Work::Steps(u32::MAX),
            batch_size: u16::MAX,
            learning_rate: u32::MAX,
            schedule: Schedule::Cosine { warmup: u32::MAX, rounds: 1, floor: 2 },
            optimizer: Optimizer::AdamW { weight_decay: u32::MAX },
            weight_decay: u32::MAX,
            clip_norm: Some(u32::MAX),
            proximal: u32::MAX,
            worker_momentum: u32::MAX,
        },
        aggregation: Aggregation {
            norm_bound: Some(u32::MAX),
            before: Before::NearestNeighbors { hostile: u16::MAX },
            rule: Rule::TrimmedMean { trim: 499_999 },
            counts: Counts::Nova { cap: u32::MAX },
            server: ServerOptimizer::FedAdam(ADAPTIVE),
            copy_cosine: u32::MAX,
        },
        encoding: Encoding {
            bits: 32,
            fraction_bits: 31,
            clip: u32::MAX,
            rounding: Rounding::Stochastic,
            keep: 1,
            error_feedback: true,
        },
        max_update_bytes: u64::MAX,
        custody: Custody { hosts: u8::MAX, sealed: true },
        validation_set: first,
        max_validation_bytes: u64::MAX,
        rounds: u32::MAX,
        target: Some(1_000_000),
        max_retries: u8::MAX,
        trainers: TrainerCount { min: u16::MAX, max: u16::MAX },
        committee: Committee { seats: 31, quorum: 21 },
        deadlines: deadlines(u32::MAX),
        terms: terms(Asset::Id(u32::MAX - 1), u128::MAX),
    };
    [small, large]
}

fn text(bytes: &[u8]) -> Text {
    Text::truncate_from(bytes.to_vec())
}

/// Every deadline another, in the order in which they are encoded.
fn deadlines(first: u32) -> Deadlines {
    let time = |step: u32| first.wrapping_add(step);
    Deadlines {
        enrolling: time(0),
        training: time(1),
        revealing: time(2),
        scoring: time(3),
        verdict: time(4),
        aggregating: time(5),
        claiming: time(6),
        lifetime: time(7),
    }
}

fn terms(asset: Asset, first: u128) -> Terms {
    Terms {
        asset,
        reward_per_round: first,
        fee_per_seat: first.wrapping_add(1),
        trainer_bond: first.wrapping_add(2),
        evaluator_bond: first.wrapping_add(3),
        // Low bytes of a number of any size.
        min_reputation: first as u16,
        draw: match asset {
            Asset::Native => Chances::Equal,
            Asset::Id(_) => Chances::ByBond { cap: first as u8 },
        },
        golds: first as u8,
    }
}

/// Appends the hashes of commitments to `count` opinions, and to updates of as many rows.
fn commitments(count: u32, bytes: &mut Vec<u8>) {
    let opinions = (0..count).map(|index| match index % 5 {
        3 => Opinion::Unavailable,
        4 => Opinion::Malformed,
        _ => Opinion::Score((i64::from(index) - 100) * 1_234_567_890_123),
    });
    let opinions = Opinions::truncate_from(opinions.collect());
    opinions.encode_to(bytes);
    for (account, cid) in [[1_u8; 32], [2_u8; 32]].iter().zip(cids()) {
        for (base, plain_hash) in
            [(None, None), (Some(cid), None), (None, Some([6; 32])), (Some(cid), Some([6; 32]))]
        {
            let update = UpdateCommitment {
                genesis: [3; 32],
                task: 4,
                round: count,
                account,
                base,
                cid,
                plain_hash,
                samples: count,
                salt: [5; 32],
            };
            bytes.extend_from_slice(&update.hash());
        }
        let scores = ScoresCommitment {
            genesis: [3; 32],
            task: 4,
            round: count,
            committee: 1,
            account,
            opinions: &opinions,
            salt: [5; 32],
        };
        bytes.extend_from_slice(&scores.hash());
    }
}

/// Each number another.
const ADAPTIVE: Adaptive = Adaptive { rate: 1, beta1: 2, beta2: 3, tau: 4 };

/// Appends every variant of how a task learns: their order is part of the format.
fn learning(bytes: &mut Vec<u8>) {
    [Work::Epochs(1), Work::Steps(2)].encode_to(bytes);
    [Optimizer::Sgd { momentum: 1 }, Optimizer::Adam, Optimizer::AdamW { weight_decay: 2 }]
        .encode_to(bytes);
    [
        Schedule::Constant { warmup: 1 },
        Schedule::Step { warmup: 1, every: 2, factor: 3 },
        Schedule::Exponential { warmup: 1, factor: 2 },
        Schedule::Cosine { warmup: 1, rounds: 2, floor: 3 },
    ]
    .encode_to(bytes);
    [Before::Nothing, Before::NearestNeighbors { hostile: 1 }, Before::Buckets { size: 2 }]
        .encode_to(bytes);
    [
        Rule::Mean,
        Rule::TrimmedMean { trim: 1 },
        Rule::Median,
        Rule::Krum { hostile: 1 },
        Rule::MultiKrum { hostile: 1, kept: 2 },
        Rule::Bulyan { hostile: 1 },
        Rule::GeometricMedian { steps: 1 },
        Rule::CenteredClipping { radius: 1, steps: 2 },
    ]
    .encode_to(bytes);
    [Counts::Equal, Counts::Samples { cap: 1 }, Counts::Nova { cap: 2 }].encode_to(bytes);
    [
        ServerOptimizer::FedAvg { rate: 1 },
        ServerOptimizer::FedAvgM { rate: 1, momentum: 2 },
        ServerOptimizer::FedAdagrad(ADAPTIVE),
        ServerOptimizer::FedAdam(ADAPTIVE),
        ServerOptimizer::FedYogi(ADAPTIVE),
        ServerOptimizer::DiLoCo { rate: 1, momentum: 2 },
    ]
    .encode_to(bytes);
    [Rounding::Nearest, Rounding::Stochastic].encode_to(bytes);
    let [first, second, _] = cids();
    [NextModel::stateless(first), NextModel { cid: first, state: Some(second) }].encode_to(bytes);
}

/// Appends every variant of what is stored about tasks, rounds and updates: their order is part of the format.
fn states(bytes: &mut Vec<u8>) {
    use Phase::{Aggregating, Revealing, Scoring, Settled, Tallying, Training, Verdict, Void};
    [Role::Trainer, Role::Evaluator, Role::Validator].encode_to(bytes);
    [Training, Revealing, Scoring, Verdict, Tallying, Aggregating, Settled, Void].encode_to(bytes);
    [
        TaskStatus::Enrolling,
        TaskStatus::Running,
        TaskStatus::Paused,
        TaskStatus::Completed,
        TaskStatus::Cancelled,
        TaskStatus::Expired,
    ]
    .encode_to(bytes);
    [
        Failure::TooFewCommitments,
        Failure::TooFewReveals,
        Failure::TooFewScores,
        Failure::TooFewOpenings,
        Failure::NothingAccepted,
        Failure::NoAgreement,
        Failure::Cancelled,
        Failure::Expired,
    ]
    .encode_to(bytes);
    [Outcome::Accepted { weight: u64::MAX }, Outcome::Rejected].encode_to(bytes);
    [Fault::NotRevealed, Fault::NotOpened, Fault::Unavailable, Fault::Malformed]
        .map(Outcome::Faulty)
        .encode_to(bytes);
}

/// Appends what came after all above: nothing before it is encoded otherwise.
fn later(bytes: &mut Vec<u8>) {
    Objective::Regression { features: 1, quantities: 2 }.encode_to(bytes);
    Optimizer::Scaffold { clients: 3 }.encode_to(bytes);
    [Fault::WrongAggregate, Fault::Unanswered, Fault::Equivocated].encode_to(bytes);
    Opinion::Copied.encode_to(bytes);
    Outcome::Copied.encode_to(bytes);
    Fault::GoldMissed.encode_to(bytes);
    for label in [Label::Good, Label::Bad, Label::Blank] {
        let (trainer, secret) = (&[8; 32], [9; 32]);
        let gold = GoldResult { genesis: [1; 32], task: 2, round: 3, trainer, label, secret };
        (label, gold.seal(), gold.mark()).encode_to(bytes);
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn native_code_gives_the_golden_digest() {
        assert_eq!(super::digest(), super::EXPECTED);
    }
}
