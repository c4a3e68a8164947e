//! Where every draw of a run comes from.

use decentralml_learning::Seed;
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};

/// What a draw is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Model = 1,
    HeldOut = 2,
    Partition = 3,
    Cohort = 4,
    Training = 5,
    Rounding = 6,
    Attack = 7,
    Hostile = 8,
    Buckets = 9,
    Limit = 10,
}

/// The key of one stream. Two keys differ wherever anything of run, purpose, round and client does, so
/// that the order in which clients train changes nothing.
pub(crate) fn key(run: u64, purpose: Purpose, round: u32, client: u32) -> Seed {
    let mut key = [0; 32];
    let parts = [run, purpose as u64, u64::from(round), u64::from(client)];
    for (bytes, part) in key.chunks_exact_mut(8).zip(parts) {
        bytes.copy_from_slice(&part.to_le_bytes());
    }
    key
}

/// Draws of the attackers, which the library has no need of.
pub(crate) struct Stream(ChaCha20Rng);

impl Stream {
    pub(crate) fn new(key: Seed) -> Self {
        Self(ChaCha20Rng::from_seed(key))
    }

    /// A number in `(0, 1)` with 53 bits.
    pub(crate) fn open_unit(&mut self) -> f64 {
        ((self.0.next_u64() >> 12) as f64 + 0.5) / (1_u64 << 52) as f64
    }

    /// A standard normal draw (Box and Muller 1958).
    pub(crate) fn normal(&mut self) -> f64 {
        let (radius, turn) = (self.open_unit(), self.open_unit());
        (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * turn).cos()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_a_key_counts() {
        let keys = [
            key(1, Purpose::Training, 2, 3),
            key(2, Purpose::Training, 2, 3),
            key(1, Purpose::Rounding, 2, 3),
            key(1, Purpose::Training, 3, 3),
            key(1, Purpose::Training, 2, 4),
            key(1, Purpose::Training, 3, 2),
        ];
        for (index, key) in keys.iter().enumerate() {
            assert!(!keys[..index].contains(key), "{index}");
        }
    }

    #[test]
    fn normal_draws_have_mean_zero_and_variance_one() {
        let mut stream = Stream::new(key(1, Purpose::Attack, 0, 0));
        let draws: Vec<f64> = (0..50_000).map(|_| stream.normal()).collect();
        let mean = draws.iter().sum::<f64>() / draws.len() as f64;
        let variance = draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / draws.len() as f64;
        assert!(mean.abs() < 0.02 && (variance - 1.0).abs() < 0.03, "{mean} {variance}");
    }
}
