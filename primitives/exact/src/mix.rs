use alloc::{vec, vec::Vec};

use crate::{Distances, Error, MAX_UPDATES, Order, divide_half_even};

/// The most updates in a bucket.
pub const MAX_BUCKET: usize = 64;

/// New updates made of sums of the old ones, over one denominator: what happens before a rule.
///
/// # Bounds
///
/// The coefficients of a new update add up to the denominator, which is at most 2^12: sums of 32-bit
/// integers stay below 2^43.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mix {
    updates: usize,
    rows: Vec<Row>,
    denominator: u32,
    order: Order,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Row {
    /// The sum of these updates, each times the coefficient.
    Sum(Vec<u32>, u32),
    /// The sum of all updates but these.
    Without(Vec<u32>),
}

impl Mix {
    /// Replaces each update by the mean of the `n − hostile` updates nearest to it, itself included
    /// (nearest-neighbor mixing, Allouah et al. 2023). Ties go to the earlier one in the canonical
    /// [`Order`].
    ///
    /// Fails with [`Error::Hostile`] unless the hostile ones are fewer than half.
    pub fn nearest_neighbors(
        distances: &Distances,
        order: &Order,
        hostile: usize,
    ) -> Result<Self, Error> {
        let updates = distances.updates();
        crate::check_hostile(updates, hostile, 2, 1)?;
        let kept = updates - hostile;
        let rows = (0..updates).map(|i| {
            let mut others: Vec<usize> = (0..updates).collect();
            others.sort_unstable_by_key(|&j| (distances.squared(i, j), j != i, order.rank(j), j));
            let (near, far) = others.split_at(kept);
            let indices = |part: &[usize]| part.iter().map(|&j| j as u32).collect();
            if far.len() < near.len() {
                Row::Without(indices(far))
            } else {
                Row::Sum(indices(near), 1)
            }
        });
        let (rows, order) = (rows.collect(), order.clone());
        Ok(Self { updates, rows, denominator: kept as u32, order })
    }

    /// Replaces the updates by the means of buckets of `size` (Karimireddy et al. 2022). `permutation`
    /// has every number below the number of updates once: it says which updates of the canonical
    /// [`Order`] share a bucket. The last bucket may be smaller.
    ///
    /// Fails with [`Error::Bucket`] for a size of zero or above [`MAX_BUCKET`], and with
    /// [`Error::Permutation`].
    pub fn buckets(order: &Order, size: usize, permutation: &[u32]) -> Result<Self, Error> {
        let sequence = order.sequence();
        let updates = sequence.len();
        if size == 0 || size > MAX_BUCKET {
            return Err(Error::Bucket(size));
        }
        let mut free = vec![true; updates];
        let mut place = |&position: &u32| {
            let position = position as usize;
            let own = free.get_mut(position).filter(|own| **own).ok_or(Error::Permutation)?;
            *own = false;
            sequence.get(position).map(|&index| index as u32).ok_or(Error::Permutation)
        };
        let places: Vec<u32> = permutation.iter().map(&mut place).collect::<Result<_, _>>()?;
        if places.len() != updates {
            return Err(Error::Permutation);
        }
        // One denominator for buckets of two sizes: at most 64 · 63.
        let size = size.min(updates);
        let last = match updates % size {
            0 => size,
            rest => rest,
        };
        let denominator = size / gcd(size, last) * last;
        let rows = places
            .chunks(size)
            .map(|bucket| Row::Sum(bucket.to_vec(), (denominator / bucket.len()) as u32));
        let rows: Vec<Row> = rows.collect();
        let order = Order::known((0..rows.len()).map(|row| row as u32).collect());
        Ok(Self { updates, rows, denominator: denominator as u32, order })
    }

    /// The order of the mixed updates: for neighbors that of the updates they replace, for buckets
    /// that of the permutation of canonical places.
    pub(crate) fn order(&self) -> &Order {
        &self.order
    }

    /// How many updates come out.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether nothing comes out: never, as there is at least one update.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// What the sums have to be divided by.
    pub fn denominator(&self) -> u64 {
        u64::from(self.denominator)
    }

    /// One chunk of every mixed update, before the division: `[mixed][chunk]`.
    ///
    /// `chunk`: `[updates][chunk]`. Fails with [`Error::Length`].
    pub fn apply(&self, chunk: &[&[i32]]) -> Result<Vec<Vec<i64>>, Error> {
        let length = crate::check_rows(chunk, self.updates)?;
        let mut total = vec![0_i64; length];
        if self.rows.iter().any(|row| matches!(row, Row::Without(_))) {
            chunk.iter().for_each(|row| accumulate(&mut total, row, 1));
        }
        let mixed = self.rows.iter().map(|row| {
            let (mut sum, indices, factor) = match row {
                Row::Sum(indices, factor) => (vec![0; length], indices, i64::from(*factor)),
                Row::Without(indices) => (total.clone(), indices, -1),
            };
            for row in indices.iter().filter_map(|&index| chunk.get(index as usize)) {
                accumulate(&mut sum, row, factor);
            }
            sum
        });
        Ok(mixed.collect())
    }

    /// The weights on the old updates that stand for `weights` on the mixed ones, over the product of
    /// both denominators.
    pub(crate) fn unmix(&self, weights: &[u32]) -> Vec<u64> {
        let mut all = 0;
        let mut own = vec![0_i64; self.updates];
        for (row, &weight) in self.rows.iter().zip(weights) {
            let (indices, factor) = match row {
                Row::Sum(indices, factor) => (indices, i64::from(weight) * i64::from(*factor)),
                Row::Without(indices) => {
                    all += i64::from(weight);
                    (indices, -i64::from(weight))
                }
            };
            for &index in indices {
                if let Some(own) = own.get_mut(index as usize) {
                    *own += factor;
                }
            }
        }
        own.into_iter().map(|weight| u64::try_from(weight + all).unwrap_or(0)).collect()
    }

    /// The distances between the mixed updates, and their norms, rounded half to even.
    ///
    /// For sums `Σ a_j x_j` and `Σ b_j x_j` whose coefficients add up to the same number, the squared
    /// distance is `a·D·b − ½ a·D·a − ½ b·D·b` with the squared distances `D` of the updates.
    ///
    /// # Bounds
    ///
    /// Coefficients add up to at most 2^12, distances are below 2^96: `a·D·b` is below 2^120.
    pub fn distances(&self, distances: &Distances) -> Result<Distances, Error> {
        let rows: Vec<(Vec<i128>, i128)> = self
            .rows
            .iter()
            .map(|row| {
                let columns = (0..self.updates)
                    .map(|l| self.combine(row, |j| distances.squared(j, l) as i128));
                let norms = self.combine(row, |j| distances.norm_squared(j) as i128);
                (columns.collect(), norms)
            })
            .collect();
        let form = |i: usize, k: usize| match (rows.get(i), self.rows.get(k)) {
            (Some((columns, _)), Some(row)) => {
                self.combine(row, |l| columns.get(l).copied().unwrap_or(0))
            }
            _ => 0,
        };
        let own: Vec<i128> = (0..rows.len()).map(|i| form(i, i)).collect();
        let of = |i: usize| own.get(i).copied().unwrap_or(0);
        let scale = 2 * self.denominator().pow(2);
        let divide = |twice: i128| divide_half_even(twice.max(0), scale) as u128;
        let whole = 2 * i128::from(self.denominator);
        // The update without a change is like a mixed one, with all of its coefficients on zero.
        let norms = rows.iter().zip(&own).map(|((_, norms), own)| divide(whole * norms - own));
        Distances::known(norms.collect(), |i, k| divide(2 * form(i, k) - of(i) - of(k)))
    }

    fn combine(&self, row: &Row, value: impl Fn(usize) -> i128) -> i128 {
        let sum = |indices: &[u32]| indices.iter().map(|&j| value(j as usize)).sum::<i128>();
        match row {
            Row::Sum(indices, factor) => sum(indices) * i128::from(*factor),
            Row::Without(indices) => (0..self.updates).map(&value).sum::<i128>() - sum(indices),
        }
    }
}

// Sums of all updates before some are taken out stay below 2^(31 + 12).
const _: () = assert!(MAX_UPDATES <= 1 << 12 && MAX_BUCKET * (MAX_BUCKET - 1) < 1 << 12);

fn accumulate(sum: &mut [i64], row: &[i32], factor: i64) {
    for (sum, &q) in sum.iter_mut().zip(row) {
        *sum += i64::from(q) * factor;
    }
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn survey(updates: &[Vec<i32>]) -> (Distances, Order) {
        let rows: Vec<&[i32]> = updates.iter().map(Vec::as_slice).collect();
        let mut distances = Distances::new(rows.len()).unwrap();
        let mut order = Order::new(rows.len()).unwrap();
        distances.add(&rows).unwrap();
        order.refine(&rows).unwrap();
        (distances, order)
    }

    fn mixed(mix: &Mix, updates: &[Vec<i32>]) -> Vec<Vec<i64>> {
        let rows: Vec<&[i32]> = updates.iter().map(Vec::as_slice).collect();
        mix.apply(&rows).unwrap()
    }

    #[test]
    fn a_far_update_is_replaced_by_its_neighbors() {
        let updates = [vec![0], vec![2], vec![4], vec![1_000]];
        let (distances, order) = survey(&updates);
        let mix = Mix::nearest_neighbors(&distances, &order, 1).unwrap();
        assert_eq!(mix.denominator(), 3);
        assert_eq!(mixed(&mix, &updates), [[6], [6], [6], [1_006]]);
        let error = Error::Hostile { hostile: 2, updates: 4, needed: 5 };
        assert_eq!(Mix::nearest_neighbors(&distances, &order, 2), Err(error));
    }

    #[test]
    fn buckets_of_two_sizes_share_a_denominator() {
        let updates = [vec![30], vec![10], vec![20], vec![40], vec![50]];
        let (_, order) = survey(&updates);
        let mix = Mix::buckets(&order, 2, &[0, 1, 2, 3, 4]).unwrap();
        assert_eq!((mix.len(), mix.denominator()), (3, 2));
        assert_eq!(mixed(&mix, &updates), [[30], [70], [100]]);
        let three = Mix::buckets(&order, 3, &[4, 3, 2, 1, 0]).unwrap();
        assert_eq!(three.denominator(), 6);
        assert_eq!(mixed(&three, &updates), [[240], [90]]);
        assert_eq!(Mix::buckets(&order, 9, &[4, 3, 2, 1, 0]).unwrap().len(), 1);
    }

    #[test]
    fn what_is_no_permutation_is_refused() {
        let (_, order) = survey(&[vec![1], vec![2]]);
        for bad in [&[0][..], &[0, 0], &[0, 2], &[0, 1, 2], &[0, 1, 1]] {
            assert_eq!(Mix::buckets(&order, 1, bad), Err(Error::Permutation));
        }
        assert_eq!(Mix::buckets(&order, 0, &[0, 1]), Err(Error::Bucket(0)));
        assert_eq!(Mix::buckets(&order, 65, &[0, 1]), Err(Error::Bucket(65)));
    }

    proptest! {
        #[test]
        fn distances_of_mixed_updates_are_those_of_their_numbers(
            updates in prop::collection::vec(prop::collection::vec(-1_000..1_000_i32, 3), 3..9),
            size in 1..4_usize,
        ) {
            let (distances, order) = survey(&updates);
            let permutation: Vec<u32> = (0..updates.len() as u32).rev().collect();
            let mixes = [
                Mix::nearest_neighbors(&distances, &order, (updates.len() - 1) / 2).unwrap(),
                Mix::nearest_neighbors(&distances, &order, 1).unwrap(),
                Mix::buckets(&order, size, &permutation).unwrap(),
            ];
            for mix in mixes {
                let found = mix.distances(&distances).unwrap();
                let rows = mixed(&mix, &updates);
                let square = |x: i64| i128::from(x).pow(2);
                for (i, a) in rows.iter().enumerate() {
                    let norm: i128 = a.iter().map(|&x| square(x)).sum();
                    let expected = divide_half_even(norm, mix.denominator().pow(2));
                    prop_assert_eq!(found.norm_squared(i) as i128, expected);
                    for (k, b) in rows.iter().enumerate() {
                        let sum: i128 = a.iter().zip(b).map(|(x, y)| square(x - y)).sum();
                        let expected = divide_half_even(sum, mix.denominator().pow(2));
                        prop_assert_eq!(found.squared(i, k) as i128, expected);
                    }
                }
                let weights: Vec<u32> = (1..).take(rows.len()).collect();
                let old = mix.unmix(&weights);
                for column in 0..3 {
                    let one: i64 =
                        rows.iter().zip(&weights).map(|(r, &w)| r[column] * i64::from(w)).sum();
                    let two: i64 =
                        updates.iter().zip(&old).map(|(u, &w)| i64::from(u[column]) * w as i64).sum();
                    prop_assert_eq!(one, two);
                }
            }
        }
    }
}
