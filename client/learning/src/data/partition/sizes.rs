//! Ways in which parts differ in size only.

use crate::{
    data::DataError,
    random::{Purpose, Seed, Stream},
};

/// Number of the stream, beside those of the other ways.
const SIZES: u32 = 5;

/// Random rows in parts whose sizes are in proportion to the weights of the parts, from the smallest to
/// the largest; each has one row at least.
pub(super) fn skewed(
    rows: usize,
    parts: usize,
    weights: fn(usize) -> Vec<u64>,
    seed: Seed,
) -> Result<Vec<Vec<usize>>, DataError> {
    let order = Stream::new(&seed, Purpose::Partition, SIZES).permutation(rows);
    let mut rest = order.as_slice();
    let parts = sizes(rows, &weights(parts)).into_iter().map(|size| {
        let (part, after) = rest.split_at(size.min(rest.len()));
        rest = after;
        part.to_vec()
    });
    Ok(parts.collect())
}

/// Whole numbers that add up to `rows`, in proportion to weights that do not fall: rounded down, but to
/// one at least, and what is left over one by one to the last.
fn sizes(rows: usize, weights: &[u64]) -> Vec<usize> {
    let total: u128 = weights.iter().map(|&weight| u128::from(weight)).sum();
    let share = |&weight: &u64| (rows as u128 * u128::from(weight) / total.max(1)) as usize;
    let mut sizes: Vec<usize> = weights.iter().map(share).map(|size| size.max(1)).collect();
    let sum: usize = sizes.iter().sum();
    let count = sizes.len().max(1);
    if sum <= rows {
        // Fewer than there are parts, as each was rounded down by less than one.
        for size in sizes.iter_mut().rev().take(rows - sum) {
            *size += 1;
        }
        return sizes;
    }
    // Those that were raised to one row have to come from the largest, which stay the largest.
    let mut excess = sum - rows;
    while excess > 0 {
        let largest = sizes.iter().copied().max().unwrap_or(0);
        let first = sizes.iter().position(|&size| size == largest).unwrap_or(0);
        let below = first.checked_sub(1).and_then(|index| sizes.get(index).copied()).unwrap_or(0);
        let step = (largest - below).min(excess.div_ceil(count - first)).max(1);
        for size in sizes.iter_mut().skip(first) {
            let taken = step.min(excess);
            *size -= taken;
            excess -= taken;
        }
    }
    sizes
}

/// 1, 2, 3, …
pub(super) fn linear(parts: usize) -> Vec<u64> {
    (1..=parts as u64).collect()
}

/// 1, 4, 9, …
pub(super) fn square(parts: usize) -> Vec<u64> {
    // Parts are at most as many as rows, which are far below 2³².
    (1..=parts as u64).map(|part| part.saturating_mul(part)).collect()
}

/// e, e², e³, …, as shares of 2⁴⁰ for the last: divisions are exact on every machine, an exponential
/// function is not.
pub(super) fn exponential(parts: usize) -> Vec<u64> {
    let mut weight = 2_f64.powi(40);
    let mut weights = Vec::with_capacity(parts);
    for _ in 0..parts {
        weights.push(weight as u64);
        weight /= std::f64::consts::E;
    }
    weights.reverse();
    weights
}
