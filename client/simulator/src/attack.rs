//! What hostile clients send, here and in other programs that play attackers.

use std::{f64::consts::TAU, io};

use decentralml_learning::{
    DataError, Dataset, ModelSpec, Seed, Weights, WeightsError, updates::Updates,
};
use rayon::prelude::*;

use crate::{file::Hostile, random::Stream};

/// Weights that are looked at together, of all honest updates, at most.
const CHUNK: usize = 1 << 14;

/// Bytes that they may take: 64 MB.
const IN_MEMORY: usize = 64 << 20;

/// Updates whose distances to each other are looked at: pairs of them take 48 MB.
pub(crate) const MAX_CROWD: u32 = 2_048;

/// The base with a change that points away from the trained weights, `factor` times as long.
pub fn flipped(
    spec: &ModelSpec,
    base: &Weights,
    trained: &Weights,
    factor: f64,
) -> Result<Weights, WeightsError> {
    let pairs = base.values().iter().zip(trained.values());
    let values = pairs.map(|(&old, &new)| {
        let change = f64::from(new) - f64::from(old);
        (f64::from(old) - factor * change) as f32
    });
    Weights::new(spec, values.collect())
}

/// The base with normal noise of a standard deviation in the unit of the weights, drawn from `key`.
pub fn noisy(
    spec: &ModelSpec,
    base: &Weights,
    deviation: f64,
    key: Seed,
) -> Result<Weights, WeightsError> {
    let mut stream = Stream::new(key);
    let noise = |&old: &f32| (f64::from(old) + deviation * stream.normal()) as f32;
    Weights::new(spec, base.values().iter().map(noise).collect())
}

/// The same rows with label `classes − 1 − label` in place of each.
pub fn mislabeled(rows: &Dataset) -> Result<Dataset, DataError> {
    let last = rows.classes().saturating_sub(1) as u32;
    let labels = rows.labels().iter().map(|&label| last.saturating_sub(label)).collect();
    let features = rows.features().to_vec();
    Dataset::new(features, labels, rows.columns(), rows.classes())?
        .with_shape(rows.shape().to_vec())
}

/// What attackers see who know all honest updates of a round, in units of the encoding.
pub struct Sight {
    mean: Vec<f64>,
    deviation: Vec<f64>,
    least: Vec<i32>,
    most: Vec<i32>,
    /// How many standard deviations of all weights at once stay within the honest crowd.
    within: f64,
}

impl Sight {
    /// Looks at `length` weights of all updates, in their order; nothing where there are none. `crowd`:
    /// whether distances between updates are needed, which takes the square of their number.
    pub fn new(updates: &dyn Updates, length: usize, crowd: bool) -> io::Result<Option<Self>> {
        let count = updates.count();
        if count == 0 {
            return Ok(None);
        }
        let zeros = || Vec::with_capacity(length);
        let (mut mean, mut deviation) = (zeros(), zeros());
        let (mut least, mut most) = (Vec::with_capacity(length), Vec::with_capacity(length));
        let mut distances = Distances::new(if crowd { count } else { 0 });
        let chunk = chunk(count).min(length.max(1));
        let mut rows = vec![vec![0; chunk]; count];
        for start in (0..length).step_by(chunk) {
            let size = chunk.min(length - start);
            for (index, row) in rows.iter_mut().enumerate() {
                row.truncate(size);
                updates.read(index, start, row)?;
            }
            for weight in 0..size {
                let values = || rows.iter().filter_map(|row| row.get(weight).copied());
                let average = values().map(f64::from).sum::<f64>() / count as f64;
                let square = values().map(|q| (f64::from(q) - average).powi(2)).sum::<f64>();
                mean.push(average);
                deviation.push((square / count as f64).sqrt());
                least.push(values().min().unwrap_or(0));
                most.push(values().max().unwrap_or(0));
            }
            if let (Some(mean), Some(deviation), true) =
                (mean.get(start..), deviation.get(start..), crowd)
            {
                distances.add(&rows, mean, deviation);
            }
        }
        Ok(Some(Self { mean, deviation, least, most, within: distances.within() }))
    }

    /// The base with the change that one hostile client sends, of `hostile` among `clients` of the
    /// round, where its `kind` needs to see the honest ones; of any other kind it is what
    /// [`Hostile::Fang`] sends. `unit` is what an integer of the encoding stands for.
    pub fn craft(
        &self,
        spec: &ModelSpec,
        base: &Weights,
        unit: f64,
        kind: Hostile,
        [clients, hostile]: [usize; 2],
        key: Seed,
    ) -> Result<Weights, WeightsError> {
        let away = |deviations: f64| -> Vec<f64> {
            let pairs = self.mean.iter().zip(&self.deviation);
            pairs.map(|(mean, deviation)| mean - deviations * deviation).collect()
        };
        let change = match kind {
            Hostile::Alie { deviations } => {
                away(deviations.unwrap_or_else(|| hidden(clients, hostile)))
            }
            Hostile::MinMax => away(self.within),
            Hostile::InnerProduct { factor } => {
                self.mean.iter().map(|mean| -factor * mean).collect()
            }
            _ => self.beyond(&mut Stream::new(key)),
        };
        let pairs = base.values().iter().zip(&change);
        let values = pairs.map(|(&old, change)| (f64::from(old) + change * unit) as f32);
        Weights::new(spec, values.collect())
    }

    /// Fang et al. 2020, section 3.3, with b = 2.
    fn beyond(&self, stream: &mut Stream) -> Vec<f64> {
        let extremes = self.least.iter().zip(&self.most);
        let change = self.mean.iter().zip(extremes).map(|(&mean, (&least, &most))| {
            let (near, far) = match (mean > 0.0, f64::from(least), f64::from(most)) {
                (true, least, _) if least > 0.0 => (least, least / 2.0),
                (true, least, _) => (least, least * 2.0),
                (false, _, most) if most > 0.0 => (most, most * 2.0),
                (false, _, most) => (most, most / 2.0),
            };
            near + (far - near) * stream.open_unit()
        });
        change.collect()
    }
}

/// How many weights of so many updates are looked at together.
fn chunk(updates: usize) -> usize {
    (IN_MEMORY / (size_of::<i32>() * updates.max(1))).clamp(1, CHUNK)
}

/// Sums over weights, for the largest step of all deviations at once that stays within the crowd.
struct Distances {
    /// The squared distance of each pair of updates.
    pairs: Vec<(usize, usize, f64)>,
    /// Of each update: its squared distance from the mean, and the product of that difference with the
    /// deviations.
    own: Vec<(f64, f64)>,
    /// The squared length of the deviations.
    direction: f64,
}

impl Distances {
    fn new(count: usize) -> Self {
        let pairs = (0..count).flat_map(|a| (0..a).map(move |b| (a, b, 0.0)));
        Self { pairs: pairs.collect(), own: vec![(0.0, 0.0); count], direction: 0.0 }
    }

    fn add(&mut self, rows: &[Vec<i32>], mean: &[f64], deviation: &[f64]) {
        let row = |index: usize| rows.get(index).map(Vec::as_slice).unwrap_or_default();
        // Each pair has its own sum, in the order of the weights: threads change nothing.
        self.pairs.par_iter_mut().for_each(|(a, b, sum)| {
            let both = row(*a).iter().zip(row(*b));
            *sum += both.map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2)).sum::<f64>();
        });
        for (index, (square, product)) in self.own.iter_mut().enumerate() {
            for ((&q, mean), deviation) in row(index).iter().zip(mean).zip(deviation) {
                let difference = mean - f64::from(q);
                *square += difference * difference;
                *product += difference * deviation;
            }
        }
        self.direction += deviation.iter().map(|deviation| deviation * deviation).sum::<f64>();
    }

    /// The largest γ with `|mean − γ · deviation − update| ≤` the largest distance of two updates, for
    /// every update: where the parabola in γ reaches that distance.
    fn within(&self) -> f64 {
        let largest = self.pairs.iter().map(|(_, _, square)| *square).fold(0.0, f64::max);
        let reach = |&(square, product): &(f64, f64)| {
            let root = (product * product + self.direction * (largest - square)).max(0.0).sqrt();
            (product + root) / self.direction
        };
        let least = self.own.iter().map(reach).fold(f64::INFINITY, f64::min);
        if least.is_finite() { least.max(0.0) } else { 0.0 }
    }
}

/// How many standard deviations `hostile` of `clients` can move so that a majority with the outermost
/// honest ones still seems to hold them (Baruch et al. 2019, algorithm 3); at least a tenth.
fn hidden(clients: usize, hostile: usize) -> f64 {
    let honest = clients.saturating_sub(hostile).max(1);
    let needed = (clients / 2 + 1).saturating_sub(hostile);
    let share = honest.saturating_sub(needed) as f64 / honest as f64;
    let (mut low, mut high) = (0.1, 8.0);
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if normal_below(middle) < share { low = middle } else { high = middle }
    }
    low
}

/// The share of a standard normal distribution below `z`, by its Taylor series (Marsaglia 2004).
fn normal_below(z: f64) -> f64 {
    let (mut term, mut sum, mut odd) = (z, z, 1.0);
    while term.abs() > 1e-18 {
        odd += 2.0;
        term *= z * z / odd;
        sum += term;
    }
    0.5 + sum * (-z * z / 2.0).exp() / TAU.sqrt()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::random::{Purpose, key};
    use decentralml_learning::{Encoding, Update};

    fn sight(crowd: bool) -> (ModelSpec, Weights, Vec<Update>, Sight) {
        let spec = ModelSpec::mlp(8, &[6], 3);
        let base = Weights::new(&spec, vec![0.0; spec.parameter_count()]).unwrap();
        let encoding = Encoding::new(32, 20, i32::MAX).unwrap();
        let updates: Vec<Update> = (1..=6)
            .map(|seed| {
                let trained = Weights::init(&spec, [seed; 32]);
                Update::from_delta(&base, &trained, encoding).unwrap()
            })
            .collect();
        let all: Vec<&Update> = updates.iter().collect();
        let sight = Sight::new(&all, spec.parameter_count(), crowd).unwrap().unwrap();
        (spec, base, updates, sight)
    }

    fn distance(a: &[f64], b: &[f64]) -> f64 {
        a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
    }

    fn reals(update: &Update) -> Vec<f64> {
        update.values().iter().map(|&q| f64::from(q) / f64::from(1 << 20)).collect()
    }

    #[test]
    fn what_attackers_look_at_together_stays_within_its_memory() {
        for updates in [1, 1_000, 1_025, 100_000, 10_000_000] {
            let chunk = chunk(updates);
            assert!((1..=CHUNK).contains(&chunk));
            assert!(updates * chunk * 4 <= IN_MEMORY, "{updates}");
        }
    }

    #[test]
    fn the_normal_distribution_is_right() {
        for (z, expected) in [(0.0, 0.5), (1.0, 0.841_344_746_068_543), (3.0, 0.998_650_101_968_37)]
        {
            assert!((normal_below(z) - expected).abs() < 1e-12, "{z}");
        }
    }

    #[test]
    fn alie_hides_more_deviations_among_fewer_needed_supporters() {
        // 50 clients, 24 hostile: 2 of 26 honest ones are needed, hence 24/26 of them lie below.
        assert!((normal_below(hidden(50, 24)) - 24.0 / 26.0).abs() < 1e-9);
        assert!(hidden(100, 20) < hidden(100, 40));
        assert_eq!(hidden(10, 1), 0.1);
    }

    #[test]
    fn min_max_goes_as_far_as_the_honest_lie_apart() {
        let (spec, base, updates, sight) = sight(true);
        let unit = 1.0 / f64::from(1 << 20);
        let crafted = sight.craft(&spec, &base, unit, Hostile::MinMax, [8, 2], [0; 32]).unwrap();
        let crafted: Vec<f64> = crafted.values().iter().map(|&w| f64::from(w)).collect();
        let honest: Vec<Vec<f64>> = updates.iter().map(reals).collect();
        let apart = |a: &Vec<f64>| honest.iter().map(|b| distance(a, b)).fold(0.0, f64::max);
        let largest = honest.iter().map(apart).fold(0.0, f64::max);
        assert!((apart(&crafted) / largest - 1.0).abs() < 1e-4, "{} {largest}", apart(&crafted));
        assert!(sight.within > 0.1);
    }

    #[test]
    fn an_inner_product_attack_is_the_honest_mean_turned_around() {
        let (spec, base, updates, sight) = sight(false);
        let unit = 1.0 / f64::from(1 << 20);
        let kind = Hostile::InnerProduct { factor: 0.5 };
        let crafted = sight.craft(&spec, &base, unit, kind, [8, 2], [0; 32]).unwrap();
        let honest: Vec<Vec<f64>> = updates.iter().map(reals).collect();
        for (weight, &value) in crafted.values().iter().enumerate() {
            let mean = honest.iter().map(|update| update[weight]).sum::<f64>() / 6.0;
            assert!((f64::from(value) + 0.5 * mean).abs() < 1e-6);
        }
    }

    #[test]
    fn fang_lies_beyond_every_honest_value_against_their_direction() {
        let (spec, base, updates, sight) = sight(false);
        let unit = 1.0 / f64::from(1 << 20);
        let crafted = sight.craft(&spec, &base, unit, Hostile::Fang, [8, 2], [0; 32]).unwrap();
        for (weight, &value) in crafted.values().iter().enumerate() {
            let all = updates.iter().map(|update| f64::from(update.values()[weight]) * unit);
            let (least, most) = all.fold((f64::MAX, f64::MIN), |(a, b), x| (a.min(x), b.max(x)));
            let value = f64::from(value);
            match sight.mean[weight] > 0.0 {
                true => assert!(value <= least + 1e-6),
                false => assert!(value >= most - 1e-6),
            }
        }
    }

    #[test]
    fn flips_noise_and_labels_are_what_they_are_called() {
        let spec = ModelSpec::mlp(4, &[], 2);
        let (base, trained) = (Weights::init(&spec, [1; 32]), Weights::init(&spec, [2; 32]));
        let flipped = flipped(&spec, &base, &trained, 2.0).unwrap();
        for ((old, new), sent) in base.values().iter().zip(trained.values()).zip(flipped.values()) {
            assert!((sent - (old - 2.0 * (new - old))).abs() < 1e-5);
        }
        let one = noisy(&spec, &base, 0.1, key(1, Purpose::Attack, 1, 1)).unwrap();
        let other = noisy(&spec, &base, 0.1, key(1, Purpose::Attack, 1, 2)).unwrap();
        assert_ne!(one, other);
        let digits = decentralml_learning::data::digits().unwrap();
        let wrong = mislabeled(&digits).unwrap();
        let pairs = digits.labels().iter().zip(wrong.labels());
        assert!(pairs.into_iter().all(|(a, b)| a + b == 9));
        assert_eq!(wrong.features(), digits.features());
    }
}
