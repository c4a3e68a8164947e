use alloc::{vec, vec::Vec};

use crate::Error;

/// The most updates that a rule with distances takes: their distances then need at most 34 MB.
pub const MAX_UPDATES: usize = 1 << 11;

/// The most weights of an update, for the rules with distances.
pub const MAX_LENGTH: u64 = 1 << 32;

/// The squared Euclidean distances between all updates, and their squared norms, in units of `2^-2f`.
///
/// They cannot overflow: two 32-bit integers differ by less than 2^32, so a squared difference is
/// below 2^64, and a sum of at most [`MAX_LENGTH`] of them below 2^96 ([`BOUND`](Self::BOUND)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distances {
    updates: usize,
    /// Weights that were taken in.
    length: u64,
    /// `[j · (j − 1) / 2 + i]` for `i < j`.
    squared: Vec<u128>,
    norms: Vec<u128>,
}

impl Distances {
    /// Every squared distance and squared norm is below this number.
    pub const BOUND: u128 = 1 << 96;

    /// The distances of `updates` updates of which no weight was taken in yet.
    ///
    /// Fails with [`Error::Empty`], or [`Error::Updates`] for more than [`MAX_UPDATES`].
    pub fn new(updates: usize) -> Result<Self, Error> {
        crate::check_count(updates)?;
        let pairs = updates * (updates - 1) / 2;
        Ok(Self { updates, length: 0, squared: vec![0; pairs], norms: vec![0; updates] })
    }

    /// Distances from scalar products: `products` gives that of updates `i ≤ j`, each of `length`
    /// weights.
    ///
    /// Fails like [`new`](Self::new), with [`Error::Weights`] for products that no updates have, and with
    /// [`Error::Long`].
    pub fn from_products(
        updates: usize,
        length: u64,
        products: impl Fn(usize, usize) -> i128,
    ) -> Result<Self, Error> {
        let mut distances = Self::new(updates)?;
        distances.grow(length)?;
        let norm = |i| {
            let norm = u128::try_from(products(i, i)).ok();
            norm.filter(|&norm| norm < Self::BOUND).ok_or(Error::Weights)
        };
        distances.norms = (0..updates).map(norm).collect::<Result<_, _>>()?;
        let pairs = (0..updates).flat_map(|j| (0..j).map(move |i| (i, j)));
        for (squared, (i, j)) in distances.squared.iter_mut().zip(pairs) {
            let norms = norm(i)? as i128 + norm(j)? as i128;
            let twice = products(i, j).checked_mul(2).ok_or(Error::Weights)?;
            let distance = norms.checked_sub(twice).and_then(|d| u128::try_from(d).ok());
            *squared = distance.filter(|&d| d < Self::BOUND).ok_or(Error::Weights)?;
        }
        Ok(distances)
    }

    /// Takes in one chunk of every update.
    ///
    /// `chunk`: `[updates][chunk]`. Fails with [`Error::Length`] or [`Error::Long`].
    pub fn add(&mut self, chunk: &[&[i32]]) -> Result<(), Error> {
        let length = crate::check_rows(chunk, self.updates)?;
        self.grow(length as u64)?;
        for (norm, row) in self.norms.iter_mut().zip(chunk) {
            *norm += crate::norm_squared(row);
        }
        let pairs =
            chunk.iter().enumerate().flat_map(|(j, b)| chunk.iter().take(j).map(move |a| (a, b)));
        for (squared, (a, b)) in self.squared.iter_mut().zip(pairs) {
            let square = |(&a, &b): (&i32, &i32)| {
                u128::from((i64::from(a) - i64::from(b)).unsigned_abs().pow(2))
            };
            *squared += a.iter().zip(b.iter()).map(square).sum::<u128>();
        }
        Ok(())
    }

    fn grow(&mut self, length: u64) -> Result<(), Error> {
        let length = self.length.saturating_add(length);
        if length > MAX_LENGTH {
            return Err(Error::Long(length));
        }
        self.length = length;
        Ok(())
    }

    /// How many updates there are.
    pub fn updates(&self) -> usize {
        self.updates
    }

    /// The squared distance between two updates; 0 where one of them does not exist.
    pub fn squared(&self, i: usize, j: usize) -> u128 {
        let (low, high) = (i.min(j), i.max(j));
        if low == high || high >= self.updates {
            return 0;
        }
        self.squared.get(high * (high - 1) / 2 + low).copied().unwrap_or(0)
    }

    /// An update's squared norm; 0 for one that does not exist.
    pub fn norm_squared(&self, update: usize) -> u128 {
        self.norms.get(update).copied().unwrap_or(0)
    }

    /// Distances and norms that are known: the caller has checked their number.
    pub(crate) fn known(
        norms: Vec<u128>,
        squared: impl Fn(usize, usize) -> u128,
    ) -> Result<Self, Error> {
        let updates = norms.len();
        crate::check_count(updates)?;
        let pairs = (0..updates).flat_map(|j| (0..j).map(move |i| (i, j)));
        let squared = pairs.map(|(i, j)| squared(i, j)).collect();
        Ok(Self { updates, length: 0, squared, norms })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn distances_that_can_be_checked_by_hand() {
        let mut distances = Distances::new(3).unwrap();
        distances.add(&[&[0, 0], &[3, 4], &[0, -1]]).unwrap();
        distances.add(&[&[0], &[0], &[2]]).unwrap();
        assert_eq!(distances.squared(0, 1), 25);
        assert_eq!(distances.squared(1, 0), 25);
        assert_eq!(distances.squared(2, 1), 9 + 25 + 4);
        assert_eq!(distances.squared(2, 2), 0);
        assert_eq!(distances.norm_squared(2), 5);
        assert_eq!((distances.squared(0, 3), distances.norm_squared(3)), (0, 0));
    }

    #[test]
    fn the_largest_distance_keeps_the_bound() {
        let mut distances = Distances::new(2).unwrap();
        distances.add(&[&[i32::MIN; 3], &[i32::MAX; 3]]).unwrap();
        let one = u128::from(u32::MAX).pow(2);
        assert_eq!(distances.squared(0, 1), 3 * one);
        assert!(one * u128::from(MAX_LENGTH) < Distances::BOUND);
        assert_eq!(distances.grow(MAX_LENGTH), Err(Error::Long(MAX_LENGTH + 3)));
    }

    #[test]
    fn too_many_updates_and_impossible_products_are_refused() {
        let error = Error::Updates { found: MAX_UPDATES + 1, max: MAX_UPDATES };
        assert_eq!(Distances::new(MAX_UPDATES + 1), Err(error));
        assert_eq!(Distances::new(0), Err(Error::Empty));
        // A product above what the norms allow: the distance would be negative.
        let products = |i: usize, j: usize| if i == j { 4 } else { 5 };
        assert_eq!(Distances::from_products(2, 1, products), Err(Error::Weights));
        assert_eq!(Distances::from_products(1, 1, |_, _| -1), Err(Error::Weights));
        assert_eq!(Distances::from_products(1, 1, |_, _| 1 << 96), Err(Error::Weights));
    }

    proptest! {
        #[test]
        fn scalar_products_and_differences_give_the_same(
            updates in prop::collection::vec(prop::collection::vec(any::<i32>(), 4), 1..7),
        ) {
            let rows: Vec<&[i32]> = updates.iter().map(Vec::as_slice).collect();
            let mut direct = Distances::new(rows.len()).unwrap();
            direct.add(&rows).unwrap();
            let product = |i: usize, j: usize| {
                let pairs = updates[i].iter().zip(&updates[j]);
                pairs.map(|(&a, &b)| i128::from(a) * i128::from(b)).sum()
            };
            let products = Distances::from_products(rows.len(), 4, product).unwrap();
            prop_assert_eq!(direct, products);
        }
    }
}
