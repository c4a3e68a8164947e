use alloc::vec::Vec;

use crate::{Distances, Error, MAX_TOTAL_WEIGHT, Order, fixed_point_mean};

/// A weighted sum of updates over one denominator: what most rules come down to.
///
/// The weights need not add up to the denominator: where they give less, the rest counts as the
/// update that changes nothing. Sums of 32-bit integers stay below 2^62, as the weights add up to at
/// most [`MAX_TOTAL_WEIGHT`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blend {
    weights: Vec<u32>,
    denominator: u64,
}

/// Weights of one, as a blend counts them where it is not told how many there are.
const ONE: u64 = 1 << 30;

/// The most steps of a rule that approaches its result.
pub const MAX_STEPS: u8 = 64;

/// Distances are taken with this many bits behind the point.
const ROOT_BITS: u32 = 8;

impl Blend {
    /// A blend with `weights` over `denominator`, `[updates]`.
    ///
    /// Fails with [`Error::Weights`] for a denominator of zero, or where it or the sum of the weights
    /// is above [`MAX_TOTAL_WEIGHT`].
    pub fn new(weights: Vec<u32>, denominator: u64) -> Result<Self, Error> {
        let total: u64 = weights.iter().map(|&weight| u64::from(weight)).sum();
        if (1..=MAX_TOTAL_WEIGHT).contains(&denominator) && total <= MAX_TOTAL_WEIGHT {
            Ok(Self { weights, denominator })
        } else {
            Err(Error::Weights)
        }
    }

    /// The plain mean of the `chosen` of `updates` updates. Fails with [`Error::Empty`].
    pub fn mean_of(updates: usize, chosen: &[usize]) -> Result<Self, Error> {
        if chosen.is_empty() {
            return Err(Error::Empty);
        }
        let weights = (0..updates).map(|index| u32::from(chosen.contains(&index))).collect();
        Self::new(weights, chosen.len() as u64)
    }

    /// FedNova: each update divided by its number of local steps, and the whole multiplied by the
    /// mean number of steps, so that whoever trains longer does not pull the model further (Wang et
    /// al. 2020, for plain SGD).
    ///
    /// `samples`: what each update counts, `steps`: its local steps, `[updates]`. The weight of update
    /// `i` is `p_i · Σ p_j τ_j / τ_i`, rounded down to a multiple of a power of two of at least 2^-30.
    /// Fails with [`Error::Weights`] for zeros, for samples above [`MAX_TOTAL_WEIGHT`] in all, and for
    /// other numbers of samples than steps.
    pub fn nova(samples: &[u32], steps: &[u32]) -> Result<Self, Error> {
        let total: u64 = samples.iter().map(|&count| u64::from(count)).sum();
        let zero = samples.contains(&0) || steps.contains(&0);
        if zero || total > MAX_TOTAL_WEIGHT || samples.len() != steps.len() || total == 0 {
            return Err(Error::Weights);
        }
        let pairs = || samples.iter().zip(steps).map(|(&n, &t)| (u128::from(n), u128::from(t)));
        // Below 2^63: samples add up to less than 2^31, and steps are below 2^32.
        let work: u128 = pairs().map(|(n, t)| n * t).sum();
        // The finest unit with which the weights still fit. Numerators stay below 2^(31 + 63 + 30).
        for bits in (0..=30).rev() {
            let weight = |(n, t): (u128, u128)| {
                u32::try_from(((n * work) << bits) / (u128::from(total).pow(2) * t)).ok()
            };
            let weights: Option<Vec<u32>> = pairs().map(weight).collect();
            let blend = weights.and_then(|weights| Self::new(weights, 1 << bits).ok());
            if let Some(blend) = blend {
                return Ok(blend);
            }
        }
        Err(Error::Weights)
    }

    /// What each update counts.
    pub fn weights(&self) -> &[u32] {
        &self.weights
    }

    /// What the weighted sum is divided by.
    pub fn denominator(&self) -> u64 {
        self.denominator
    }

    /// The blend of one chunk of every update, in units of `2^-(f + EXTRA_BITS)`.
    ///
    /// `chunk`: `[updates][chunk]`, `out`: `[chunk]`. Fails with [`Error::Length`].
    pub fn apply(&self, chunk: &[&[i32]], out: &mut [i64]) -> Result<(), Error> {
        crate::check_shape(chunk, self.weights.len(), out.len())?;
        out.fill(0);
        for (row, &weight) in chunk.iter().zip(&self.weights).filter(|(_, weight)| **weight > 0) {
            for (sum, &q) in out.iter_mut().zip(row.iter()) {
                *sum += i64::from(q) * i64::from(weight);
            }
        }
        out.iter_mut().for_each(|sum| *sum = fixed_point_mean(*sum, self.denominator));
        Ok(())
    }
}

/// The point with the smallest sum of distances to the updates, approached by `steps` of Weiszfeld's
/// method (Pillutla et al. 2022).
///
/// Every point on the way is a blend of the updates, so that distances to it follow from those between
/// the updates. It starts at the update with the smallest sum of distances, which lies within twice
/// the optimum, and no step makes the sum larger, up to rounding. Distances below a sixteenth of the
/// median distance from the start count as that much, so that no single update holds the point fast.
///
/// Fails with [`Error::Steps`] unless there are 1 to [`MAX_STEPS`] steps.
///
/// # Bounds
///
/// Weights add up to less than 2^31, squared distances are below 2^96: sums of their products stay
/// below 2^127. A root with eight more bits is below 2^56.
pub fn geometric_median(distances: &Distances, order: &Order, steps: u8) -> Result<Blend, Error> {
    check_steps(steps)?;
    let updates = distances.updates();
    let start = medoid(distances, order);
    let mut from_start: Vec<u128> =
        (0..updates).map(|i| root(distances.squared(start, i))).collect();
    from_start.sort_unstable();
    let smooth = (from_start.get(updates / 2).copied().unwrap_or(0) >> 4).max(1);
    let share = u128::from(MAX_TOTAL_WEIGHT) / updates as u128;
    let mut weights: Vec<u32> = (0..updates).map(|i| u32::from(i == start)).collect();
    for _ in 0..steps {
        let squared = |i, j| distances.squared(i, j);
        let lengths: Vec<u128> = distances_to_blend(&weights, squared)
            .into_iter()
            .map(|squared| root(squared).max(smooth))
            .collect();
        let nearest = lengths.iter().copied().min().unwrap_or(1);
        // At most `share` each, and exactly that for the nearest: the total is positive and fits.
        let weight = |length: u128| u32::try_from(share * nearest / length).unwrap_or(0);
        weights = lengths.into_iter().map(weight).collect();
    }
    let total = weights.iter().map(|&weight| u64::from(weight)).sum();
    Blend::new(weights, total)
}

/// The mean of updates that are cut to a `radius` around the last estimate, `steps` times, starting
/// from no change (Karimireddy et al. 2021).
///
/// `radius` is in units of `2^-f`. Fails with [`Error::Steps`] unless there are 1 to [`MAX_STEPS`] steps,
/// and with [`Error::Radius`] for a radius of zero.
///
/// # Bounds
///
/// Every estimate is a blend with weights that add up to 2^30 together with the share of no change;
/// for the sums see [`geometric_median`]. Weights are rounded down, so that no share becomes negative.
pub fn centered_clipping(distances: &Distances, radius: u64, steps: u8) -> Result<Blend, Error> {
    check_steps(steps)?;
    if radius == 0 {
        return Err(Error::Radius);
    }
    let updates = distances.updates();
    let radius = u128::from(radius) << ROOT_BITS;
    // No change is the point behind the last update: its distances are the norms.
    let squared = |i: usize, j: usize| match (i == updates, j == updates) {
        (true, _) => distances.norm_squared(j),
        (_, true) => distances.norm_squared(i),
        _ => distances.squared(i, j),
    };
    let whole = u128::from(ONE);
    let full = whole * updates as u128;
    let mut weights: Vec<u32> =
        (0..=updates).map(|i| if i == updates { ONE as u32 } else { 0 }).collect();
    for _ in 0..steps {
        let lengths = distances_to_blend(&weights, squared);
        let kept: Vec<u128> = lengths
            .into_iter()
            .take(updates)
            .map(|squared| {
                (radius * whole).checked_div(root(squared)).map_or(whole, |k| k.min(whole))
            })
            .collect();
        let rest = full - kept.iter().sum::<u128>();
        let moved = weights.iter().zip(&kept).map(|(&weight, kept)| {
            u32::try_from((u128::from(weight) * rest + kept * whole) / full).unwrap_or(0)
        });
        let mut next: Vec<u32> = moved.collect();
        let total: u64 = next.iter().map(|&weight| u64::from(weight)).sum();
        next.push(u32::try_from(ONE.saturating_sub(total)).unwrap_or(0));
        weights = next;
    }
    weights.truncate(updates);
    Blend::new(weights, ONE)
}

/// The squared distances of the points from their blend, up to one unit: with weights `a` that add up
/// to one, `|x_i − Σ a_j x_j|² = Σ_j a_j d_ij − ½ Σ_jk a_j a_k d_jk`.
fn distances_to_blend(weights: &[u32], squared: impl Fn(usize, usize) -> u128) -> Vec<u128> {
    let total = weights.iter().map(|&weight| u128::from(weight)).sum::<u128>().max(1);
    let mean = |i| {
        let terms = weights.iter().enumerate().filter(|(_, weight)| **weight > 0);
        terms.map(|(j, &weight)| u128::from(weight) * squared(i, j)).sum::<u128>() / total
    };
    let means: Vec<u128> = (0..weights.len()).map(mean).collect();
    let spread = means.iter().zip(weights).map(|(mean, &w)| mean * u128::from(w)).sum::<u128>();
    let half = spread / total / 2;
    means.into_iter().map(|mean| mean.saturating_sub(half)).collect()
}

/// The update with the smallest sum of distances to the others.
fn medoid(distances: &Distances, order: &Order) -> usize {
    let updates = distances.updates();
    let sum = |i: usize| (0..updates).map(|j| root(distances.squared(i, j))).sum::<u128>();
    (0..updates).min_by_key(|&i| (sum(i), order.rank(i))).unwrap_or(0)
}

/// A square root with [`ROOT_BITS`] bits behind the point, rounded down.
fn root(squared: u128) -> u128 {
    (squared << (2 * ROOT_BITS)).isqrt()
}

fn check_steps(steps: u8) -> Result<(), Error> {
    if (1..=MAX_STEPS).contains(&steps) { Ok(()) } else { Err(Error::Steps(steps)) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::EXTRA_BITS;
    use alloc::vec;

    #[test]
    fn a_blend_divides_by_its_denominator_and_not_by_its_weights() {
        let blend = Blend::new(vec![1, 0, 2], 4).unwrap();
        let mut out = [9; 2];
        blend.apply(&[&[4, 8], &[100, 100], &[6, -4]], &mut out).unwrap();
        assert_eq!(out, [4 << EXTRA_BITS, 0]);
        let error = Error::Length { expected: 3, found: 1 };
        assert_eq!(blend.apply(&[&[1, 1]], &mut out), Err(error));
    }

    #[test]
    fn weights_that_could_overflow_are_refused() {
        assert!(Blend::new(vec![MAX_TOTAL_WEIGHT as u32], MAX_TOTAL_WEIGHT).is_ok());
        assert_eq!(Blend::new(vec![1], 0), Err(Error::Weights));
        assert_eq!(Blend::new(vec![1], MAX_TOTAL_WEIGHT + 1), Err(Error::Weights));
        assert_eq!(Blend::new(vec![MAX_TOTAL_WEIGHT as u32, 1], 1), Err(Error::Weights));
        assert_eq!(Blend::mean_of(3, &[]), Err(Error::Empty));
        let mut out = [0];
        let heavy = Blend::new(vec![MAX_TOTAL_WEIGHT as u32], 1).unwrap();
        heavy.apply(&[&[i32::MIN]], &mut out).unwrap();
        assert_eq!(out, [i64::MIN]);
    }

    #[test]
    fn equal_numbers_of_steps_make_fednova_the_weighted_mean() {
        let blend = Blend::nova(&[1, 3], &[7, 7]).unwrap();
        assert_eq!(blend.denominator(), 1 << 30);
        assert_eq!(blend.weights(), [1 << 28, 3 << 28]);
    }

    #[test]
    fn fednova_weighs_by_steps_as_in_the_paper() {
        // Equal samples, 10 and 30 steps: 20 steps on average, so 20/10/2 and 20/30/2.
        let blend = Blend::nova(&[5, 5], &[10, 30]).unwrap();
        let weights: Vec<f64> =
            blend.weights().iter().map(|&w| f64::from(w) / blend.denominator() as f64).collect();
        assert!((weights[0] - 1.0).abs() < 1e-8 && (weights[1] - 1.0 / 3.0).abs() < 1e-8);
        // Extreme ratios take a coarser unit instead of overflowing.
        let extreme = Blend::nova(&[1, MAX_TOTAL_WEIGHT as u32 - 1], &[1, u32::MAX]).unwrap();
        assert!(extreme.denominator() < 1 << 30);
        for (samples, steps) in [(&[0, 1][..], &[1, 1][..]), (&[1, 1], &[0, 1]), (&[1], &[1, 1])] {
            assert_eq!(Blend::nova(samples, steps), Err(Error::Weights));
        }
    }

    #[test]
    fn clipping_without_an_effect_is_the_mean_and_a_tiny_radius_moves_by_the_radius() {
        let updates: [&[i32]; 2] = [&[3, 4], &[5, 0]];
        let mut distances = Distances::new(2).unwrap();
        distances.add(&updates).unwrap();
        let mean = centered_clipping(&distances, 1_000, 1).unwrap();
        assert_eq!(mean.weights(), [1 << 29, 1 << 29]);
        // Both have the norm 5 and are cut to 1.
        let cut = centered_clipping(&distances, 1, 1).unwrap();
        assert_eq!(cut.weights(), [(1 << 30) / 10, (1 << 30) / 10]);
        assert_eq!(centered_clipping(&distances, 0, 1), Err(Error::Radius));
        assert_eq!(centered_clipping(&distances, 1, 65), Err(Error::Steps(65)));
    }

    #[test]
    fn the_geometric_median_of_a_square_with_a_far_point_stays_in_the_square() {
        let updates: [&[i32]; 5] =
            [&[0, 0], &[1_000, 0], &[0, 1_000], &[1_000, 1_000], &[i32::MAX, 0]];
        let mut distances = Distances::new(5).unwrap();
        let mut order = Order::new(5).unwrap();
        distances.add(&updates).unwrap();
        order.refine(&updates).unwrap();
        let blend = geometric_median(&distances, &order, 32).unwrap();
        let mut out = [0; 2];
        blend.apply(&updates, &mut out).unwrap();
        let [x, y] = out.map(|value| value >> EXTRA_BITS);
        // The optimum, pulled towards the far point by one of five unit forces.
        assert!((500..1_000).contains(&x) && (450..=550).contains(&y), "{x}, {y}");
    }
}
