#![allow(clippy::unwrap_used)]

use super::*;
use decentralml_types::{BlockNumber, spec::*};

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
    for (quantities, wrong) in [(0, Some(SpecError::Objective)), (1, None)] {
        let objective = Objective::Regression { features: 64, quantities };
        assert_eq!(error(|s| s.objective = objective.clone()), wrong);
    }
    let empty = Objective::Regression { features: 0, quantities: 1 };
    assert_eq!(error(|s| s.objective = empty), Some(SpecError::Objective));
    assert_eq!(error(|s| s.training.learning_rate = 0), Some(SpecError::Training));
    assert_eq!(
        error(|s| s.training.optimizer = Optimizer::Sgd { momentum: 1_000_000 }),
        Some(SpecError::Training)
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
    assert_eq!(error(|s| s.terms.min_reputation = 1_000), Some(SpecError::Reputation));
    assert_eq!(error(|s| s.terms.min_reputation = 999), None);
}

#[test]
fn a_round_has_no_gold_results_or_as_many_as_can_be_missed_and_time_to_reveal_them() {
    for golds in 0..=u8::MAX {
        let expected = (![0, 2, 3, 4].contains(&golds)).then_some(SpecError::Golds);
        assert_eq!(error(|s| s.terms.golds = golds), expected, "{golds}");
    }
    let of = |golds, trainers, blocks: [u32; 3]| {
        error(|s| {
            s.terms.golds = golds;
            s.trainers = TrainerCount { min: 1, max: trainers };
            [s.deadlines.training, s.deadlines.scoring, s.deadlines.claiming] = blocks;
        })
    };
    assert_eq!(of(3, 3, [21; 3]), None);
    assert_eq!(of(4, 3, [21; 3]), Some(SpecError::Golds), "more gold than updates");
    for blocks in [[20, 21, 21], [21, 20, 21], [21, 21, 20]] {
        assert_eq!(of(3, 3, blocks), Some(SpecError::Golds), "{blocks:?}");
        assert_eq!(of(0, 3, blocks), None);
    }
}

#[test]
fn draws_by_bond_have_a_cap_that_is_a_weight_and_bonds_that_can_be_multiplied_by_it() {
    for cap in 0..=u8::MAX {
        let expected = (![2, 4, 8, 16].contains(&cap)).then_some(SpecError::Draw);
        assert_eq!(error(|s| s.terms.draw = Chances::ByBond { cap }), expected, "{cap}");
    }
    let of = |bond, draw| {
        error(|s| {
            s.terms.evaluator_bond = bond;
            s.terms.draw = draw;
        })
    };
    let most = u128::MAX / 4;
    assert_eq!(of(most, Chances::ByBond { cap: 4 }), None);
    assert_eq!(of(most + 1, Chances::ByBond { cap: 4 }), Some(SpecError::Draw));
    assert_eq!(of(most + 1, Chances::Equal), None);
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
    let cost = |spec: &TaskSpec| spec.total_charges(price).unwrap();
    assert_eq!(cost(&sealed) - cost(&open), attempts * u128::from(more) * price);
}

#[test]
fn tasks_that_pay_in_an_asset_pay_for_one_collection_more_of_everybody_who_earns() {
    let native = example();
    let mut other = example();
    other.terms.asset = Asset::Id(7);
    assert_eq!(check(&other), Ok(()), "whether the asset exists only the chain knows");
    let earners = u32::from(native.trainers.max) + u32::from(native.committee.seats);
    assert_eq!(other.free_calls(), native.free_calls() + earners);
    assert_eq!(other.total_pay(), native.total_pay());
}

#[test]
fn every_contradiction_in_the_training_is_named() {
    let training = |change: fn(&mut LocalTraining)| error(|s| change(&mut s.training));
    assert_eq!(training(|t| t.work = Work::Steps(0)), Some(SpecError::Training));
    assert_eq!(training(|t| t.work = Work::Epochs(0)), Some(SpecError::Training));
    assert_eq!(training(|t| t.work = Work::Steps(u32::MAX)), None);
    for (schedule, wrong) in [
        (Schedule::Step { warmup: 0, every: 0, factor: 1 }, true),
        (Schedule::Step { warmup: 0, every: 1, factor: 0 }, true),
        (Schedule::Exponential { warmup: 0, factor: 1_000_001 }, true),
        (Schedule::Cosine { warmup: 0, rounds: 0, floor: 0 }, true),
        (Schedule::Cosine { warmup: 0, rounds: 1, floor: 1_000_001 }, true),
        (Schedule::Constant { warmup: 7 }, false),
        (Schedule::Step { warmup: 1, every: 2, factor: 500_000 }, false),
        (Schedule::Cosine { warmup: 1, rounds: 9, floor: 0 }, false),
    ] {
        let found = error(|s| s.training.schedule = schedule);
        assert_eq!(found, wrong.then_some(SpecError::Schedule), "{schedule:?}");
    }
    let decoupled = |t: &mut LocalTraining| t.optimizer = Optimizer::AdamW { weight_decay: 10_000 };
    assert_eq!(error(|s| decoupled(&mut s.training)), None);
    let twice = error(|s| {
        decoupled(&mut s.training);
        s.training.weight_decay = 1;
    });
    assert_eq!(twice, Some(SpecError::WeightDecay));
    assert_eq!(training(|t| t.clip_norm = Some(0)), Some(SpecError::ClipNorm));
    assert_eq!(training(|t| t.clip_norm = Some(1)), None);
    assert_eq!(training(|t| t.worker_momentum = MILLION), Some(SpecError::WorkerMomentum));
    assert_eq!(training(|t| t.worker_momentum = MILLION - 1), None);
}

#[test]
fn scaffold_goes_with_what_all_seats_know() {
    let scaffold = |change: fn(&mut TaskSpec)| {
        error(|s| {
            s.training.work = Work::Steps(20);
            s.training.optimizer = Optimizer::Scaffold { clients: s.trainers.max.into() };
            change(s);
        })
    };
    assert_eq!(scaffold(|_| ()), None);
    assert_eq!(scaffold(|s| s.aggregation.rule = Rule::Median), None);
    assert_eq!(scaffold(|s| s.training.schedule = Schedule::Constant { warmup: 3 }), None);
    let stochastic = |s: &mut TaskSpec| s.encoding.rounding = Rounding::Stochastic;
    assert_eq!(scaffold(stochastic), None);
    assert_eq!(scaffold(|s| s.trainers.max += 1), Some(SpecError::Clients));
    for change in [
        (|s| s.training.work = Work::Epochs(1)) as fn(&mut TaskSpec),
        |s| s.training.schedule = Schedule::Exponential { warmup: 0, factor: 900_000 },
        |s| s.training.clip_norm = Some(1_000_000),
        |s| s.training.proximal = 1,
        |s| s.training.worker_momentum = 1,
    ] {
        assert_eq!(scaffold(change), Some(SpecError::Scaffold));
    }
    for change in [
        (|s| s.aggregation.counts = Counts::Samples { cap: 9 }) as fn(&mut TaskSpec),
        |s| {
            s.aggregation.server = ServerOptimizer::FedAvgM { rate: MILLION, momentum: 900_000 };
        },
        |s| {
            s.encoding.rounding = Rounding::Stochastic;
            s.encoding.keep = 500_000;
        },
        |s| {
            s.encoding.rounding = Rounding::Stochastic;
            s.encoding.error_feedback = true;
        },
    ] {
        assert_eq!(scaffold(change), Some(SpecError::ScaffoldRound));
    }
}

/// What is wrong with a rule for this many updates, after what comes before it.
fn rule(min: u16, before: Before, rule: Rule) -> Option<SpecError> {
    error(|s| {
        s.trainers = TrainerCount { min, max: min };
        (s.aggregation.before, s.aggregation.rule) = (before, rule);
    })
}

#[test]
fn a_rule_bears_no_more_hostile_updates_than_the_fewest_allow() {
    use SpecError as E;
    for (min, asked, wrong) in [
        (7, Rule::Krum { hostile: 2 }, None),
        (6, Rule::Krum { hostile: 2 }, Some(E::Krum)),
        (2, Rule::Krum { hostile: 0 }, Some(E::Krum)),
        (7, Rule::MultiKrum { hostile: 2, kept: 5 }, None),
        (7, Rule::MultiKrum { hostile: 2, kept: 6 }, Some(E::Kept)),
        (7, Rule::MultiKrum { hostile: 2, kept: 0 }, Some(E::Kept)),
        (7, Rule::MultiKrum { hostile: 3, kept: 1 }, Some(E::Krum)),
        (7, Rule::Bulyan { hostile: 1 }, None),
        (6, Rule::Bulyan { hostile: 1 }, Some(E::Bulyan)),
        (3, Rule::TrimmedMean { trim: 499_999 }, None),
        (3, Rule::TrimmedMean { trim: 500_000 }, Some(E::Trim)),
        (1, Rule::GeometricMedian { steps: 64 }, None),
        (1, Rule::GeometricMedian { steps: 65 }, Some(E::Steps)),
        (1, Rule::CenteredClipping { radius: 1_000_000, steps: 0 }, Some(E::Steps)),
        (1, Rule::CenteredClipping { radius: 245, steps: 1 }, None),
        (1, Rule::CenteredClipping { radius: 244, steps: 1 }, Some(E::Radius)),
        (1, Rule::Krum { hostile: u16::MAX }, Some(E::Krum)),
    ] {
        assert_eq!(rule(min, Before::Nothing, asked), wrong, "{asked:?} of {min}");
    }
    let buckets = Before::Buckets { size: 2 };
    assert_eq!(rule(13, buckets, Rule::Krum { hostile: 2 }), None, "seven buckets");
    assert_eq!(rule(12, buckets, Rule::Krum { hostile: 2 }), Some(E::Krum));
    assert_eq!(rule(9, Before::Buckets { size: 0 }, Rule::Median), Some(E::Buckets));
    assert_eq!(rule(9, Before::Buckets { size: 65 }, Rule::Median), Some(E::Buckets));
    let mixing = |hostile| rule(9, Before::NearestNeighbors { hostile }, Rule::Median);
    assert_eq!((mixing(4), mixing(5)), (None, Some(E::Mixing)));
    let cosine = |cosine| error(|s| s.aggregation.copy_cosine = cosine);
    assert_eq!((cosine(500_000), cosine(1_000_000)), (None, None));
    assert_eq!([499_999, 1_000_001].map(cosine), [Some(E::CopyCosine); 2]);
    let bound = |bound| error(|s| s.aggregation.norm_bound = Some(bound));
    assert_eq!((bound(245), bound(244)), (None, Some(E::NormBound)));
}

#[test]
fn updates_count_differently_in_a_plain_mean_alone() {
    let counts = |counts, change: fn(&mut TaskSpec)| {
        error(|s| {
            s.aggregation.counts = counts;
            s.training.optimizer = Optimizer::Sgd { momentum: 0 };
            change(s);
        })
    };
    let samples = Counts::Samples { cap: 8_388_607 };
    assert_eq!(counts(samples, |_| ()), None);
    assert_eq!(counts(Counts::Samples { cap: 8_388_608 }, |_| ()), Some(SpecError::Cap));
    assert_eq!(counts(Counts::Nova { cap: 0 }, |_| ()), Some(SpecError::Cap));
    let median = |s: &mut TaskSpec| s.aggregation.rule = Rule::Median;
    assert_eq!(counts(samples, median), Some(SpecError::Counts));
    let mixed = |s: &mut TaskSpec| s.aggregation.before = Before::Buckets { size: 2 };
    assert_eq!(counts(samples, mixed), Some(SpecError::Counts));
    let nova = Counts::Nova { cap: 100 };
    assert_eq!(counts(nova, |_| ()), None);
    let momentum = |s: &mut TaskSpec| s.training.optimizer = Optimizer::Sgd { momentum: 900_000 };
    assert_eq!(counts(nova, momentum), None);
    assert_eq!(counts(nova, |s| s.training.worker_momentum = 500_000), None);
    assert_eq!(counts(nova, |s| s.training.optimizer = Optimizer::Adam), Some(SpecError::Nova));
}

#[test]
fn fednova_with_fedprox_needs_a_learning_rate_that_all_seats_compute_alike() {
    let of = |schedule, proximal| {
        error(|s| {
            s.aggregation.counts = Counts::Nova { cap: 100 };
            s.training.optimizer = Optimizer::Sgd { momentum: 900_000 };
            (s.training.schedule, s.training.proximal) = (schedule, proximal);
        })
    };
    for warmup in [0, 3] {
        assert_eq!(of(Schedule::Constant { warmup }, 10_000), None);
    }
    for schedule in [
        Schedule::Cosine { warmup: 0, rounds: 9, floor: 0 },
        Schedule::Exponential { warmup: 0, factor: 900_000 },
        Schedule::Step { warmup: 0, every: 2, factor: 500_000 },
    ] {
        assert_eq!(of(schedule, 10_000), Some(SpecError::Nova), "{schedule:?}");
        assert_eq!(of(schedule, 0), None, "{schedule:?}");
    }
}

#[test]
fn numbers_of_the_servers_optimizer_make_sense() {
    let server = |server| error(|s| s.aggregation.server = server);
    let fine = Adaptive { rate: 10_000, beta1: 900_000, beta2: 990_000, tau: 1_000 };
    for make in [ServerOptimizer::FedAdagrad, ServerOptimizer::FedAdam, ServerOptimizer::FedYogi] {
        assert_eq!(server(make(fine)), None);
        for wrong in [
            Adaptive { rate: 0, ..fine },
            Adaptive { beta1: 1_000_000, ..fine },
            Adaptive { beta2: 1_000_000, ..fine },
            Adaptive { tau: 0, ..fine },
        ] {
            assert_eq!(server(make(wrong)), Some(SpecError::Server), "{wrong:?}");
        }
    }
    assert_eq!(server(ServerOptimizer::FedAvg { rate: 0 }), Some(SpecError::Server));
    let nesterov = |momentum| server(ServerOptimizer::DiLoCo { rate: 700_000, momentum });
    assert_eq!((nesterov(900_000), nesterov(1_000_000)), (None, Some(SpecError::Server)));
}

#[test]
fn an_encoding_is_plain_or_packed_and_says_so() {
    let of = |encoding| error(|s| s.encoding = encoding);
    for (bits, clip, wrong) in [
        (8, 127, None),
        (8, 128, Some(SpecError::EncodingRange)),
        (16, 32_768, Some(SpecError::EncodingRange)),
        (32, i32::MAX as u32, None),
        (32, 1 << 31, Some(SpecError::EncodingRange)),
        (8, 0, Some(SpecError::EncodingRange)),
        (12, 1, Some(SpecError::EncodingBits)),
        (4, 1, Some(SpecError::Rounding)),
    ] {
        assert_eq!(of(Encoding::plain(bits, 4, clip)), wrong, "{bits} bits, {clip}");
    }
    let packed = Encoding {
        rounding: Rounding::Stochastic,
        keep: 10_000,
        error_feedback: true,
        ..Encoding::plain(4, 16, i32::MAX as u32)
    };
    assert_eq!(of(packed), None);
    assert_eq!(of(Encoding { clip: 1 << 31, ..packed }), Some(SpecError::EncodingRange));
    assert_eq!(of(Encoding { fraction_bits: 31, ..packed }), Some(SpecError::EncodingRange));
    for keep in [0, 99, 150, 1_000_100] {
        assert_eq!(of(Encoding { keep, ..packed }), Some(SpecError::Keep), "{keep}");
    }
    let plain = Encoding::plain(8, 4, 127);
    for wrong in [Encoding { keep: 10_000, ..plain }, Encoding { error_feedback: true, ..plain }] {
        assert_eq!(of(wrong), Some(SpecError::Rounding), "{wrong:?}");
    }
}

#[test]
fn no_task_keeps_a_bond_at_risk_for_longer_than_the_protocol_says() {
    let with = |change: fn(&mut decentralml_types::spec::Deadlines)| {
        let mut spec = example();
        spec.deadlines.lifetime = BlockNumber::MAX;
        change(&mut spec.deadlines);
        check(&spec)
    };
    // The other phases take 30 + 2 · (60 + 30 + 30) blocks.
    assert_eq!(with(|d| d.training = MAX_ROUND_BLOCKS - 270), Ok(()));
    assert_eq!(with(|d| d.training = MAX_ROUND_BLOCKS - 269), Err(SpecError::Deadlines));
    // The committee may be drawn twice, so its phases count twice.
    assert_eq!(with(|d| d.scoring = MAX_ROUND_BLOCKS / 2), Err(SpecError::Deadlines));
    assert_eq!(with(|d| d.scoring = BlockNumber::MAX / 4), Err(SpecError::Deadlines));
    assert_eq!(with(|d| d.claiming = MAX_CLAIMING_BLOCKS), Ok(()));
    assert_eq!(with(|d| d.claiming = MAX_CLAIMING_BLOCKS + 1), Err(SpecError::Deadlines));
}
