use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};

/// What all randomness of this crate comes from: equal seeds give equal draws on every machine.
pub type Seed = [u8; 32];

/// Keeps the draws of one seed for different purposes apart.
#[derive(Clone, Copy)]
pub(crate) enum Purpose {
    Initialize = 1,
    Shuffle = 2,
    Split = 3,
    Partition = 4,
    Permutation = 5,
    Tensor = 6,
    Dropout = 7,
    Buckets = 8,
    Rounding = 9,
}

/// A stream of ChaCha20, keyed by a seed and numbered by purpose and index.
///
/// burn's own generator is one per process and would interleave the draws of several trainers.
pub(crate) struct Stream(ChaCha20Rng);

impl Stream {
    pub(crate) fn new(seed: &Seed, purpose: Purpose, index: u32) -> Self {
        let mut generator = ChaCha20Rng::from_seed(*seed);
        generator.set_stream((purpose as u64) << 32 | u64::from(index));
        Self(generator)
    }

    /// Jumps to the draws of one `step`: each has 2³⁶ of 32 bits.
    ///
    /// The stream is a counter: what a step draws does not depend on the steps before it.
    pub(crate) fn at_step(mut self, step: u32) -> Self {
        self.0.set_word_pos(u128::from(step) << 36);
        self
    }

    /// 32 random bits.
    pub(crate) fn bits(&mut self) -> u32 {
        self.0.next_u32()
    }

    /// A number in `[0, 1)` with 24 bits: every value is exact in `f32`.
    pub(crate) fn unit_f32(&mut self) -> f32 {
        (self.0.next_u32() >> 8) as f32 / (1_u32 << 24) as f32
    }

    /// A number in `(0, 1)` with 53 bits; never zero, so that its logarithm is finite.
    pub(crate) fn open_unit(&mut self) -> f64 {
        ((self.0.next_u64() >> 12) as f64 + 0.5) / (1_u64 << 52) as f64
    }

    /// An unbiased number below `bound`, which must be positive (Lemire 2019).
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let bound = bound.max(1) as u64;
        let threshold = bound.wrapping_neg() % bound;
        loop {
            let product = u128::from(self.0.next_u64()) * u128::from(bound);
            if product as u64 >= threshold {
                return (product >> 64) as usize;
            }
        }
    }

    /// Puts the items in a uniformly random order (Fisher and Yates).
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }

    /// The numbers `0..count` in a random order.
    pub(crate) fn permutation(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        self.shuffle(&mut order);
        order
    }

    /// A standard normal draw (Marsaglia's polar method).
    fn normal(&mut self) -> f64 {
        loop {
            let (x, y) = (2.0 * self.open_unit() - 1.0, 2.0 * self.open_unit() - 1.0);
            let square = x * x + y * y;
            if square > 0.0 && square < 1.0 {
                return x * (-2.0 * square.ln() / square).sqrt();
            }
        }
    }

    /// A Gamma(`shape`, 1) draw for a positive shape (Marsaglia and Tsang 2000).
    ///
    /// Uses the platform's logarithm: another C library may differ in the last bit.
    pub(crate) fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            return self.gamma(shape + 1.0) * (self.open_unit().ln() / shape).exp();
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let root = 1.0 + c * x;
            if root <= 0.0 {
                continue;
            }
            let v = root * root * root;
            if self.open_unit().ln() < 0.5 * x * x + d - d * v + d * v.ln() {
                return d * v;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEED: Seed = [7; 32];

    #[test]
    fn purposes_and_indices_give_different_draws() {
        let first = |purpose, index| Stream::new(&SEED, purpose, index).0.next_u64();
        let draws = [
            first(Purpose::Initialize, 0),
            first(Purpose::Initialize, 1),
            first(Purpose::Shuffle, 0),
        ];
        assert!(draws[0] != draws[1] && draws[0] != draws[2] && draws[1] != draws[2]);
        assert_eq!(draws[0], first(Purpose::Initialize, 0));
    }

    #[test]
    fn a_permutation_has_every_number_once() {
        let mut order = Stream::new(&SEED, Purpose::Shuffle, 0).permutation(1_000);
        assert_ne!(order, (0..1_000).collect::<Vec<_>>());
        order.sort_unstable();
        assert_eq!(order, (0..1_000).collect::<Vec<_>>());
    }

    #[test]
    fn bounded_numbers_are_uniform() {
        let mut stream = Stream::new(&SEED, Purpose::Shuffle, 0);
        let mut counts = [0_u32; 7];
        for _ in 0..70_000 {
            counts[stream.below(7)] += 1;
        }
        assert!(counts.iter().all(|count| (9_600..10_400).contains(count)), "{counts:?}");
    }

    #[test]
    fn gamma_draws_have_the_mean_and_the_variance_of_their_shape() {
        for shape in [0.1, 0.5, 1.0, 4.0] {
            let mut stream = Stream::new(&SEED, Purpose::Partition, 0);
            let draws: Vec<f64> = (0..50_000).map(|_| stream.gamma(shape)).collect();
            let mean = draws.iter().sum::<f64>() / draws.len() as f64;
            let variance =
                draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / draws.len() as f64;
            assert!((mean / shape - 1.0).abs() < 0.05, "shape {shape}: mean {mean}");
            assert!((variance / shape - 1.0).abs() < 0.1, "shape {shape}: variance {variance}");
        }
    }
}
