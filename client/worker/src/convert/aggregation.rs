//! How accepted updates become the next model.

use decentralml_learning::{Adaptive, Aggregation, Before, Blend, Rule, Seed, ServerOptimizer};
use decentralml_protocol::robust;
use decentralml_types::{TaskSpec, spec};

use super::{fraction, training};
use crate::model::ModelError;

/// How accepted updates become one change.
///
/// `settled`: rounds before this one, on which the learning rate depends. `samples`: the rows that their trainers have revealed,
/// `[updates]`. `seed` decides who shares a bucket. Fails where the counts of a mean make no sense, which the protocol's checks exclude.
pub fn aggregation(
    spec: &TaskSpec,
    settled: u32,
    samples: &[u32],
    seed: Seed,
) -> Result<Aggregation, ModelError> {
    let asked = &spec.aggregation;
    let updates = u32::try_from(samples.len()).unwrap_or(u32::MAX);
    let entering = robust::entering(asked.before, updates);
    let before = match robust::before(asked.before, updates) {
        spec::Before::Nothing => Before::Nothing,
        spec::Before::NearestNeighbors { hostile } => {
            Before::NearestNeighbors { hostile: hostile.into() }
        }
        spec::Before::Buckets { size } => Before::Buckets { size: size.into(), seed },
    };
    let rule = match robust::rule(asked.rule, entering) {
        spec::Rule::Mean => Rule::Mean,
        spec::Rule::Median => Rule::Median,
        spec::Rule::TrimmedMean { trim } => {
            Rule::TrimmedMean { k: robust::trimmed(trim, entering) as usize }
        }
        spec::Rule::Krum { hostile } => Rule::Krum { hostile: hostile.into() },
        spec::Rule::MultiKrum { hostile, kept } => {
            Rule::MultiKrum { hostile: hostile.into(), kept: kept.into() }
        }
        spec::Rule::Bulyan { hostile } => Rule::Bulyan { hostile: hostile.into() },
        spec::Rule::GeometricMedian { steps } => Rule::GeometricMedian { steps },
        spec::Rule::CenteredClipping { radius, steps } => Rule::CenteredClipping {
            radius: robust::units(radius, spec.encoding.fraction_bits),
            steps,
        },
    };
    Ok(Aggregation { before, rule, counts: counts(spec, settled, samples)? })
}

/// The norm to which each update is cut, in units of `2^-fraction_bits`.
pub fn norm_bound(spec: &TaskSpec) -> Option<u64> {
    spec.aggregation.norm_bound.map(|bound| robust::units(bound, spec.encoding.fraction_bits))
}

/// The server's optimizer; `None` where the change is added as it is.
pub fn server(spec: &TaskSpec) -> Option<ServerOptimizer> {
    let numbers = |numbers: spec::Adaptive| Adaptive {
        rate: fraction(numbers.rate),
        beta1: fraction(numbers.beta1),
        beta2: fraction(numbers.beta2),
        tau: fraction(numbers.tau),
    };
    Some(match spec.aggregation.server {
        spec::ServerOptimizer::FedAvg { rate: spec::MILLION } => return None,
        spec::ServerOptimizer::FedAvg { rate } => ServerOptimizer::FedAvg { rate: fraction(rate) },
        spec::ServerOptimizer::FedAvgM { rate, momentum } => {
            ServerOptimizer::FedAvgM { rate: fraction(rate), momentum: fraction(momentum) }
        }
        spec::ServerOptimizer::FedAdagrad(all) => ServerOptimizer::FedAdagrad(numbers(all)),
        spec::ServerOptimizer::FedAdam(all) => ServerOptimizer::FedAdam(numbers(all)),
        spec::ServerOptimizer::FedYogi(all) => ServerOptimizer::FedYogi(numbers(all)),
        spec::ServerOptimizer::DiLoCo { rate, momentum } => {
            ServerOptimizer::DiLoCo { rate: fraction(rate), momentum: fraction(momentum) }
        }
    })
}

/// What each update counts in a mean; `None` where all count the same.
fn counts(spec: &TaskSpec, settled: u32, samples: &[u32]) -> Result<Option<Blend>, ModelError> {
    let capped =
        |cap: u32| -> Vec<u32> { samples.iter().map(|&rows| rows.clamp(1, cap.max(1))).collect() };
    let blend = match spec.aggregation.counts {
        spec::Counts::Equal => return Ok(None),
        spec::Counts::Samples { cap } => {
            let counts = capped(cap);
            let total = counts.iter().map(|&count| u64::from(count)).sum();
            Blend::new(counts, total)
        }
        spec::Counts::Nova { cap } => {
            // Steps are those of the capped rows: they multiply what all others count, and a claim is worth no more than the cap there either.
            let rows = capped(cap);
            let local = training(spec, settled);
            let steps = |&rows: &u32| local.nova_steps(local.steps_of(rows as usize));
            let steps: Vec<u32> = rows.iter().map(steps).collect();
            Blend::nova(&rows, &steps)
        }
    };
    blend.map(Some).map_err(|error| ModelError::Counts(error.to_string()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::convert::tests::task_spec;

    fn of(aggregation: spec::Aggregation) -> TaskSpec {
        TaskSpec { aggregation, ..task_spec() }
    }

    #[test]
    fn trimming_drops_fewer_than_all_of_what_reaches_it() {
        let mut spec = task_spec();
        let found = |spec: &TaskSpec, updates| {
            aggregation(spec, 0, &vec![1; updates], [0; 32]).unwrap().rule
        };
        for updates in 1..257 {
            let Rule::TrimmedMean { k } = found(&spec, updates) else { unreachable!() };
            assert!(2 * k < updates);
        }
        assert_eq!(found(&spec, 8), Rule::TrimmedMean { k: 2 });
        spec.aggregation.before = spec::Before::Buckets { size: 2 };
        assert_eq!(found(&spec, 8), Rule::TrimmedMean { k: 1 }, "of four buckets");
    }

    #[test]
    fn lengths_are_in_units_of_the_encoding_and_hostile_ones_fit() {
        let spec = of(spec::Aggregation {
            norm_bound: Some(2_000_000),
            before: spec::Before::NearestNeighbors { hostile: 2 },
            rule: spec::Rule::CenteredClipping { radius: 500_000, steps: 3 },
            ..Default::default()
        });
        assert_eq!(norm_bound(&spec), Some(8_192));
        let how = aggregation(&spec, 0, &[1; 4], [0; 32]).unwrap();
        assert_eq!(how.rule, Rule::CenteredClipping { radius: 2_048, steps: 3 });
        assert_eq!(how.before, Before::NearestNeighbors { hostile: 1 }, "of four");
        let krum = of(spec::Aggregation {
            rule: spec::Rule::MultiKrum { hostile: 2, kept: 5 },
            ..Default::default()
        });
        let rule = |updates| aggregation(&krum, 0, &vec![1; updates], [0; 32]).unwrap().rule;
        assert_eq!(rule(7), Rule::MultiKrum { hostile: 2, kept: 5 });
        assert_eq!(rule(5), Rule::MultiKrum { hostile: 1, kept: 4 });
        assert_eq!(rule(2), Rule::Mean);
    }

    #[test]
    fn counts_are_capped_and_fednova_divides_by_steps() {
        let mut spec = of(spec::Aggregation {
            counts: spec::Counts::Samples { cap: 30 },
            ..Default::default()
        });
        let weights = |spec: &TaskSpec| {
            let blend = aggregation(spec, 0, &[0, 16, 1_000], [0; 32]).unwrap().counts.unwrap();
            (blend.weights().to_vec(), blend.denominator())
        };
        assert_eq!(weights(&spec), (vec![1, 16, 30], 47));
        spec.training.optimizer = spec::Optimizer::Sgd { momentum: 0 };
        // Two epochs in batches of eight: 2, 4 and, of the rows that count, 8 steps.
        spec.aggregation.counts = spec::Counts::Nova { cap: 30 };
        let expected = Blend::nova(&[1, 16, 30], &[2, 4, 8]).unwrap();
        assert_eq!(weights(&spec), (expected.weights().to_vec(), expected.denominator()));
        spec.training.work = spec::Work::Steps(9);
        let expected = Blend::nova(&[1, 16, 30], &[9; 3]).unwrap();
        assert_eq!(weights(&spec).0, expected.weights());
    }

    #[test]
    fn fednova_divides_by_how_far_momentum_and_fedprox_let_steps_go() {
        let nova =
            spec::Aggregation { counts: spec::Counts::Nova { cap: 100 }, ..Default::default() };
        let mut spec = of(nova);
        let weights = |spec: &TaskSpec, settled| {
            let blend = aggregation(spec, settled, &[8, 40, 80], [0; 32]).unwrap().counts.unwrap();
            blend.weights().to_vec()
        };
        // Two epochs in batches of eight: 2, 10 and 20 steps.
        let steps = [2_i32, 10, 20];
        let expected = |far: &dyn Fn(i32) -> f64| {
            let sixteenths = steps.map(|steps| (far(steps) * 16.0).round() as u32);
            Blend::nova(&[8, 40, 80], &sixteenths).unwrap().weights().to_vec()
        };
        spec.training.optimizer = spec::Optimizer::Sgd { momentum: 900_000 };
        decentralml_protocol::spec::check(&spec).unwrap();
        let momentum = |tau: i32| (f64::from(tau) - 9.0 * (1.0 - 0.9_f64.powi(tau))) * 10.0;
        assert_eq!(weights(&spec, 0), expected(&momentum));

        // With FedProx it depends on the round's learning rate: in the first of two that warm up, a third of 0.1.
        spec.training.optimizer = spec::Optimizer::Sgd { momentum: 0 };
        (spec.training.proximal, spec.training.schedule) =
            (3_000_000, spec::Schedule::Constant { warmup: 2 });
        decentralml_protocol::spec::check(&spec).unwrap();
        for (settled, pull) in [(0, 0.1), (1, 0.2), (2, 0.3), (9, 0.3)] {
            let proximal = |tau: i32| (1.0 - (1.0_f64 - pull).powi(tau)) / pull;
            assert_eq!(weights(&spec, settled), expected(&proximal), "after {settled}");
        }
    }

    #[test]
    fn a_claim_of_rows_beyond_the_cap_is_worth_no_more_than_the_cap() {
        for counts in [spec::Counts::Samples { cap: 500 }, spec::Counts::Nova { cap: 500 }] {
            let spec = of(spec::Aggregation { counts, ..Default::default() });
            let claimed = |rows| aggregation(&spec, 0, &[300, 300, rows], [0; 32]).unwrap().counts;
            assert_eq!(claimed(u32::MAX), claimed(500), "{counts:?}");
        }
    }

    #[test]
    fn the_change_is_added_as_it_is_unless_the_task_says_otherwise() {
        assert_eq!(server(&task_spec()), None);
        let mut spec = task_spec();
        spec.aggregation.server = spec::ServerOptimizer::FedAvg { rate: 500_000 };
        assert_eq!(server(&spec), Some(ServerOptimizer::FedAvg { rate: 0.5 }));
        let adaptive = spec::Adaptive { rate: 10_000, beta1: 900_000, beta2: 990_000, tau: 1_000 };
        spec.aggregation.server = spec::ServerOptimizer::FedYogi(adaptive);
        let numbers = Adaptive { rate: 0.01, beta1: 0.9, beta2: 0.99, tau: 0.001 };
        assert_eq!(server(&spec), Some(ServerOptimizer::FedYogi(numbers)));
    }
}
