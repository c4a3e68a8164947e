#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;
use crate::testing::fold;

fn spec() -> ModelSpec {
    ModelSpec::mlp(2, &[], 2)
}

const COUNT: usize = 6;

const NUMBERS: Adaptive = Adaptive { rate: 0.1, beta1: 0.9, beta2: 0.99, tau: 0.001 };

const ALL: [ServerOptimizer; 6] = [
    ServerOptimizer::FedAvg { rate: 1.0 },
    ServerOptimizer::FedAvgM { rate: 0.5, momentum: 0.9 },
    ServerOptimizer::FedAdagrad(NUMBERS),
    ServerOptimizer::FedAdam(NUMBERS),
    ServerOptimizer::FedYogi(NUMBERS),
    ServerOptimizer::DiLoCo { rate: 0.7, momentum: 0.9 },
];

/// The papers' formulas for one weight, all in `f64`.
struct Reference {
    w: f64,
    m: f64,
    v: f64,
}

impl Reference {
    fn step(&mut self, optimizer: &ServerOptimizer, change: f64) {
        let (square, v) = (change * change, self.v);
        let mut adaptive = |n: &Adaptive, v: f64| {
            self.m = n.beta1 * self.m + (1.0 - n.beta1) * change;
            self.v = v;
            self.w += n.rate * self.m / (v.sqrt() + n.tau);
        };
        match optimizer {
            ServerOptimizer::FedAvg { rate } => self.w += rate * change,
            ServerOptimizer::FedAvgM { rate, momentum } => {
                self.m = momentum * self.m + change;
                self.w += rate * self.m;
            }
            ServerOptimizer::DiLoCo { rate, momentum } => {
                self.m = momentum * self.m + change;
                self.w += rate * (change + momentum * self.m);
            }
            ServerOptimizer::FedAdagrad(n) => adaptive(n, v + square),
            ServerOptimizer::FedAdam(n) => adaptive(n, n.beta2 * v + (1.0 - n.beta2) * square),
            ServerOptimizer::FedYogi(n) => {
                let sign = if v == square { 0.0 } else { (v - square).signum() };
                adaptive(n, v - (1.0 - n.beta2) * square * sign);
            }
        }
    }
}

#[test]
fn models_and_states_are_the_golden_ones() {
    let mut folds = Vec::new();
    for optimizer in ALL {
        let mut model = Weights::init(&spec(), [1; 32]);
        let mut state = optimizer.start(&spec()).unwrap();
        for round in 1..=5 {
            let change: Vec<f64> =
                (0..COUNT).map(|i| f64::from(round * i as i32 % 7 - 3) / 64.0).collect();
            model = optimizer.apply(&model, &mut state, &change).unwrap();
        }
        let mut bytes = model.to_bytes();
        bytes.extend(state.to_bytes(&optimizer, &spec()).unwrap());
        folds.push(fold(&bytes));
    }
    assert_eq!(folds, GOLDEN, "two versions would disagree about the next model");
}

const GOLDEN: [u64; 6] = [
    14_599_690_634_392_030_159,
    547_430_000_127_625_716,
    15_191_491_563_954_933_055,
    7_727_028_278_348_518_740,
    200_936_642_963_315_723,
    651_779_898_898_630_435,
];

#[test]
fn averaging_at_a_rate_of_one_adds_the_change() {
    let model = Weights::init(&spec(), [1; 32]);
    let optimizer = ServerOptimizer::FedAvg { rate: 1.0 };
    let mut state = optimizer.start(&spec()).unwrap();
    let next = optimizer.apply(&model, &mut state, &[0.25; COUNT]).unwrap();
    for (w, next) in model.values().iter().zip(next.values()) {
        assert_eq!((f64::from(*w) + 0.25) as f32, *next);
    }
    assert!(state.moments.is_empty());
}

#[test]
fn states_survive_their_bytes_and_nothing_else_is_read() {
    for optimizer in ALL {
        let model = Weights::init(&spec(), [1; 32]);
        let mut state = optimizer.start(&spec()).unwrap();
        optimizer.apply(&model, &mut state, &[0.5, -0.5, 0.0, 1.0, -1.0, 0.1]).unwrap();
        let bytes = state.to_bytes(&optimizer, &spec()).unwrap();
        assert_eq!(bytes.len(), ServerState::byte_length(&optimizer, &spec()));
        let read = |bytes: &[u8]| ServerState::from_bytes(bytes, &optimizer, &spec());
        assert_eq!(read(&bytes).unwrap(), state);
        assert!(read(&bytes[..bytes.len() - 1]).is_err());
        assert!(read(&[bytes.as_slice(), &[0]].concat()).is_err());
        if !state.moments.is_empty() {
            let mut nan = bytes.clone();
            let end = nan.len();
            nan[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
            assert!(matches!(read(&nan), Err(Malformed::NotFinite { index: 3, .. })));
        }
        if optimizer.moments() == 2 {
            let mut negative = bytes.clone();
            let end = negative.len();
            negative[end - 4..].copy_from_slice(&(-1_f32).to_le_bytes());
            assert!(read(&negative).is_err());
        }
    }
    let one = ALL[1].start(&spec()).unwrap();
    assert!(matches!(one.to_bytes(&ALL[2], &spec()), Err(ServerError::Length { .. })));
}

#[test]
fn what_is_not_finite_is_refused_and_leaves_the_state_alone() {
    let model = Weights::init(&spec(), [1; 32]);
    for optimizer in ALL {
        let mut state = optimizer.start(&spec()).unwrap();
        let before = state.clone();
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let change = [0.0, 0.0, bad, 0.0, 0.0, 0.0];
            let error = optimizer.apply(&model, &mut state, &change).unwrap_err();
            assert!(matches!(error, ServerError::Change(2)), "{error}");
        }
        let huge = [0.0, 1e300, 0.0, 0.0, 0.0, 0.0];
        assert!(optimizer.apply(&model, &mut state, &huge).is_err());
        assert!(optimizer.apply(&model, &mut state, &[0.0; 5]).is_err());
        assert_eq!(state, before);
    }
}

#[test]
fn numbers_that_make_no_sense_are_refused() {
    let with = |change: fn(&mut Adaptive)| {
        let mut numbers = NUMBERS;
        change(&mut numbers);
        ServerOptimizer::FedAdam(numbers).check()
    };
    assert!(with(|_| ()).is_ok());
    assert!(with(|n| n.rate = 0.0).is_err());
    assert!(with(|n| n.rate = f64::NAN).is_err());
    assert!(with(|n| n.beta1 = 1.0).is_err());
    assert!(with(|n| n.beta2 = -0.1).is_err());
    assert!(with(|n| n.tau = 0.0).is_err());
    assert!(with(|n| n.tau = 1e-30).is_err());
    assert!(ServerOptimizer::FedAvgM { rate: 1.0, momentum: 1.5 }.start(&spec()).is_err());
    let text = serde_json::to_string(&ALL[3]).unwrap();
    assert_eq!(serde_json::from_str::<ServerOptimizer>(&text).unwrap(), ALL[3]);
}

proptest! {
    #[test]
    fn steps_follow_the_papers_formulas(
        changes in prop::collection::vec(prop::collection::vec(-1.0..1.0_f64, COUNT), 1..20),
    ) {
        for optimizer in ALL {
            let mut model = Weights::init(&spec(), [2; 32]);
            let mut state = optimizer.start(&spec()).unwrap();
            let tau = NUMBERS.tau;
            let mut references: Vec<Reference> = model
                .values()
                .iter()
                .map(|&w| Reference { w: f64::from(w), m: 0.0, v: tau * tau })
                .collect();
            for change in &changes {
                model = optimizer.apply(&model, &mut state, change).unwrap();
                for (reference, &change) in references.iter_mut().zip(change) {
                    reference.step(&optimizer, change);
                }
            }
            for (w, reference) in model.values().iter().zip(&references) {
                // Moments are rounded to 24 bits in each of 20 rounds, and steps sum to below 200.
                let error = (f64::from(*w) - reference.w).abs();
                prop_assert!(error <= 1e-3, "{:?}: {} is off by {}", optimizer, w, error);
            }
        }
    }
}
