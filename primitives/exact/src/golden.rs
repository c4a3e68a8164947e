//! Golden vectors: one digest over the results of this crate's functions on a fixed list of inputs.
//!
//! The same functions are compiled natively and to WebAssembly; both must return [`DIGEST`], and
//! [`ROBUST`] for the rules that look at updates as a whole, and [`SERVER`] for the server's optimizers. A change
//! of the digest means that two versions of the program disagree about the next model's bytes: it
//! needs a new protocol version, not a new constant.

use alloc::vec::Vec;

use crate::{
    Adaptive, Blend, Encoding, Sum, apply, clip_norm, mean, median, norm_squared,
    robust::{self, Before, Rule},
    server::{Second, adapted, averaged, with_momentum, with_nesterov},
    trimmed_mean,
};

/// What [`digest`] returns everywhere.
pub const DIGEST: [u8; 8] = [109, 114, 11, 224, 147, 154, 115, 102];

/// Runs encode, decode, every rule, the norm and its clip, and the step on fixed inputs and folds
/// the results, errors included, into eight bytes (FNV-1a, 64 bits, little endian).
pub fn digest() -> [u8; 8] {
    let mut fold = Fold(0xcbf2_9ce4_8422_2325);
    for (bits, fraction_bits, clip) in
        [(8, 5, 127), (16, 12, 8_191), (16, 0, 1), (32, 20, i32::MAX), (32, 30, 77), (9, 0, 1)]
    {
        match Encoding::new(bits, fraction_bits, clip) {
            Ok(encoding) => fold_encoding(&mut fold, encoding),
            Err(_) => fold.bytes(b"refused"),
        }
    }
    fold.0.to_le_bytes()
}

/// What [`robust`] returns everywhere.
pub const ROBUST: [u8; 8] = [181, 158, 201, 63, 40, 173, 41, 224];

/// The same for the rules of [`robust`](crate::robust) with all that may happen before them, and for
/// the weights of FedNova.
pub fn robust() -> [u8; 8] {
    let mut fold = Fold(0xcbf2_9ce4_8422_2325);
    let mut numbers = Numbers(5);
    for (bits, fraction_bits, clip) in [(4, 3, 7), (8, 5, 127), (16, 12, 8_191), (32, 20, i32::MAX)]
    {
        let Ok(encoding) = Encoding::new(bits, fraction_bits, clip) else {
            fold.bytes(b"refused");
            continue;
        };
        for count in [1, 4, 7, 12] {
            let updates: Vec<Vec<i32>> = (0..count).map(|_| numbers.update(encoding)).collect();
            fold_rules(&mut fold, &updates, clip);
        }
    }
    for (samples, steps) in [(&[3, 1, 9], &[10, 20, 1]), (&[1, 1, 1], &[1, u32::MAX, 7])] {
        if let Ok(blend) = Blend::nova(samples, steps) {
            blend.weights().iter().for_each(|weight| fold.bytes(&weight.to_le_bytes()));
            fold.bytes(&blend.denominator().to_le_bytes());
        }
    }
    fold.0.to_le_bytes()
}

/// What [`server`] returns everywhere.
pub const SERVER: [u8; 8] = [152, 134, 48, 247, 28, 94, 75, 42];

/// The same for the steps of [`server`](crate::server): models and moments over rounds whose changes are small, large, none, and equal to
/// what is remembered.
pub fn server() -> [u8; 8] {
    let mut fold = Fold(0xcbf2_9ce4_8422_2325);
    let mut inputs = Numbers(11);
    let usual = Adaptive { rate: 0.1, beta1: 0.9, beta2: 0.99, tau: 0.001 };
    let quick = Adaptive { rate: 1.0, beta1: 0.0, beta2: 0.5, tau: 0.5 };
    for kind in [Second::Adagrad, Second::Adam, Second::Yogi] {
        for numbers in [usual, quick] {
            fold_rounds(&mut fold, &mut inputs, numbers.tau, |w, change, first, second| {
                adapted(w, change, first, second, numbers, kind);
            });
        }
    }
    for (rate, momentum) in [(1.0, 0.0), (0.7, 0.9)] {
        fold_rounds(&mut fold, &mut inputs, 0.0, |w, change, _, _| averaged(w, change, rate));
        fold_rounds(&mut fold, &mut inputs, 0.0, |w, change, first, _| {
            with_momentum(w, change, first, rate, momentum);
        });
        fold_rounds(&mut fold, &mut inputs, 0.0, |w, change, first, _| {
            with_nesterov(w, change, first, rate, momentum);
        });
    }
    fold.0.to_le_bytes()
}

/// Rounds of a server's step, which gets weights, the change, first and second moments. The second moment of one weight is at first the
/// square of its change.
fn fold_rounds(
    fold: &mut Fold,
    inputs: &mut Numbers,
    tau: f64,
    step: impl Fn(&mut [f32], &[f64], &mut [f32], &mut [f32]),
) {
    let mut weights = [0.0; LENGTH].map(|_: f32| inputs.unit() as f32);
    let mut first = [0.0; LENGTH];
    let mut second = [(tau * tau) as f32; LENGTH];
    for scale in [1e-3, 1.0, 0.0, 1e12, 1e-20] {
        let mut change = [0.0; LENGTH].map(|_: f64| inputs.unit() * scale);
        if let Some(at_rest) = change.first_mut() {
            *at_rest = tau;
        }
        step(&mut weights, &change, &mut first, &mut second);
        for number in weights.iter().chain(&first).chain(&second) {
            fold.bytes(&number.to_bits().to_le_bytes());
        }
    }
}

fn fold_rules(fold: &mut Fold, updates: &[Vec<i32>], clip: i32) {
    let rules = [
        Rule::Mean,
        Rule::Median,
        Rule::TrimmedMean { k: 1 },
        Rule::Krum { hostile: 1 },
        Rule::MultiKrum { hostile: 1, kept: 3 },
        Rule::Bulyan { hostile: 1 },
        Rule::GeometricMedian { steps: 9 },
        Rule::CenteredClipping { radius: clip.unsigned_abs().into(), steps: 3 },
    ];
    let permutation: Vec<u32> = (0..).take(updates.len()).collect();
    let before = [
        Before::Nothing,
        Before::NearestNeighbors { hostile: 1 },
        Before::NearestNeighbors { hostile: 3 },
        Before::Buckets { size: 2, permutation: permutation.iter().rev().copied().collect() },
        Before::Buckets { size: 5, permutation },
    ];
    let slices: Vec<&[i32]> = updates.iter().map(Vec::as_slice).collect();
    for before in &before {
        for rule in rules {
            let mut out = [0; LENGTH];
            let result = robust::aggregate(&slices, rule, before, &mut out);
            fold.bytes(&[u8::from(result.is_ok())]);
            out.iter().for_each(|value| fold.bytes(&value.to_le_bytes()));
        }
    }
}

const EDGES: [f64; 14] = [
    0.0,
    -0.0,
    0.5,
    -0.5,
    1.5,
    0.031_25 * 0.5,
    -0.031_25 * 1.5,
    f64::MIN_POSITIVE,
    f64::MAX,
    -f64::MAX,
    f64::NAN,
    f64::INFINITY,
    f64::EPSILON,
    1.0e-45,
];

fn fold_encoding(fold: &mut Fold, encoding: Encoding) {
    let mut numbers = Numbers(u64::from(encoding.bits()));
    for edge in EDGES {
        match encoding.encode(edge) {
            Ok(q) => fold.bytes(&q.to_le_bytes()),
            Err(_) => fold.bytes(b"refused"),
        }
    }
    for updates in [1, 2, 5, 8] {
        let updates: Vec<Vec<i32>> = (0..updates).map(|_| numbers.update(encoding)).collect();
        fold_updates(fold, encoding, &updates, &mut numbers);
    }
}

fn fold_updates(fold: &mut Fold, encoding: Encoding, updates: &[Vec<i32>], numbers: &mut Numbers) {
    let slices: Vec<&[i32]> = updates.iter().map(Vec::as_slice).collect();
    let weights: Vec<u32> = (1..).take(slices.len()).collect();
    let mut out = [0; LENGTH];
    let mut rule = |result: Result<(), crate::Error>, out: &[i64; LENGTH], base: f32| {
        fold.bytes(&[u8::from(result.is_ok())]);
        for &aggregate in out {
            fold.bytes(&aggregate.to_le_bytes());
            let next = apply(base, aggregate, encoding.fraction_bits());
            fold.bytes(&next.to_bits().to_le_bytes());
        }
    };
    for base in [0.0, 1.0, -0.1, numbers.unit() as f32] {
        rule(mean(&slices, None, &mut out), &out, base);
        rule(mean(&slices, Some(&weights), &mut out), &out, base);
        rule(median(&slices, &mut out), &out, base);
        rule(trimmed_mean(&slices, 1, &mut out), &out, base);
    }
    let mut sum = Sum::new(LENGTH);
    for update in updates {
        let added = sum.add(update, 1);
        fold.bytes(&[u8::from(added.is_ok())]);
        fold.bytes(&norm_squared(update).to_le_bytes());
        let mut clipped = update.clone();
        let clipping = clip_norm(&mut clipped, 1_000);
        fold.bytes(&[u8::from(clipping.is_ok())]);
        for (q, whole) in clipped.iter().zip(update) {
            fold.bytes(&q.to_le_bytes());
            fold.bytes(&encoding.decode(*whole).to_bits().to_le_bytes());
        }
    }
    for value in sum.values() {
        fold.bytes(&value.to_le_bytes());
    }
}

const LENGTH: usize = 7;

/// FNV-1a: not a cryptographic hash, but any difference shows.
struct Fold(u64);

impl Fold {
    fn bytes(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}

/// Steele and Vigna's SplitMix64, for inputs that need no dependency.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number in `[-1, 1)` with 53 bits.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }

    fn update(&mut self, encoding: Encoding) -> Vec<i32> {
        // A change of up to twice the clip, so that some of them saturate.
        let range = 2.0 * encoding.decode(encoding.clip());
        (0..LENGTH).map(|_| encoding.encode(self.unit() * range).unwrap_or(0)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_the_golden_one() {
        assert_eq!(digest(), DIGEST);
        assert_eq!(robust(), ROBUST);
        assert_eq!(server(), SERVER);
    }
}
