use alloc::vec::Vec;

use crate::Error;

/// The canonical order of a round's updates: by their integers, the first weight first.
///
/// A rule that has to prefer one of two updates prefers the earlier one. What it prefers then depends
/// on the updates alone and not on the order in which they are handed in: only equal updates share a
/// place, and between those it makes no difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Of each update: how many come before it for certain.
    ranks: Vec<u32>,
    /// How many different ranks there are.
    classes: usize,
}

impl Order {
    /// The order of `updates` updates of which nothing is known: all share the first place.
    ///
    /// Fails with [`Error::Empty`], or [`Error::Updates`] for more than [`MAX_UPDATES`](crate::MAX_UPDATES).
    pub fn new(updates: usize) -> Result<Self, Error> {
        crate::check_count(updates)?;
        Ok(Self { ranks: (0..updates).map(|_| 0).collect(), classes: 1 })
    }

    /// The order of things whose places are known and different.
    pub(crate) fn known(ranks: Vec<u32>) -> Self {
        let classes = ranks.len();
        Self { ranks, classes }
    }

    /// Takes the next chunk of every update into account; chunks come in the order of the weights.
    ///
    /// `chunk`: `[updates][chunk]`. Fails with [`Error::Length`].
    pub fn refine(&mut self, chunk: &[&[i32]]) -> Result<(), Error> {
        crate::check_rows(chunk, self.ranks.len())?;
        if self.is_total() {
            return Ok(());
        }
        let key = |index: &usize| (self.ranks.get(*index), chunk.get(*index));
        let mut sequence: Vec<usize> = (0..self.ranks.len()).collect();
        sequence.sort_by(|a, b| key(a).cmp(&key(b)));
        let mut ranks = self.ranks.clone();
        let (mut rank, mut classes) = (0, 0);
        for (position, index) in sequence.iter().enumerate() {
            let before = position.checked_sub(1).and_then(|before| sequence.get(before));
            if before.is_none_or(|before| key(before) != key(index)) {
                rank = position as u32;
                classes += 1;
            }
            if let Some(own) = ranks.get_mut(*index) {
                *own = rank;
            }
        }
        self.ranks = ranks;
        self.classes = classes;
        Ok(())
    }

    /// Whether all places are known: further chunks change nothing.
    pub fn is_total(&self) -> bool {
        self.classes == self.ranks.len()
    }

    /// An update's place; equal updates share one. Indices without an update come last.
    pub fn rank(&self, update: usize) -> u32 {
        self.ranks.get(update).copied().unwrap_or(u32::MAX)
    }

    /// The updates' indices from the first to the last.
    pub fn sequence(&self) -> Vec<usize> {
        let mut sequence: Vec<usize> = (0..self.ranks.len()).collect();
        sequence.sort_by_key(|&index| (self.rank(index), index));
        sequence
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use alloc::vec;
    use proptest::prelude::*;

    #[test]
    fn later_chunks_only_break_the_ties_of_earlier_ones() {
        let mut order = Order::new(4).unwrap();
        order.refine(&[&[2], &[1], &[2], &[1]]).unwrap();
        assert!(!order.is_total());
        order.refine(&[&[5], &[9], &[4], &[9]]).unwrap();
        assert_eq!(order.sequence(), [1, 3, 2, 0]);
        assert_eq!(order.rank(1), order.rank(3));
        order.refine(&[&[0], &[1], &[0], &[0]]).unwrap();
        assert!(order.is_total());
        assert_eq!(order.sequence(), [3, 1, 2, 0]);
    }

    #[test]
    fn rows_that_do_not_fit_are_refused() {
        assert_eq!(Order::new(0), Err(Error::Empty));
        let mut order = Order::new(2).unwrap();
        assert_eq!(order.refine(&[&[1]]), Err(Error::Length { expected: 2, found: 1 }));
        assert_eq!(order.refine(&[&[1], &[1, 2]]), Err(Error::Length { expected: 1, found: 2 }));
    }

    proptest! {
        #[test]
        fn the_order_is_the_lexicographic_one_in_chunks_of_any_size(
            updates in prop::collection::vec(prop::collection::vec(-2..2_i32, 6), 1..9),
            chunk in 1..7_usize,
        ) {
            let mut order = Order::new(updates.len()).unwrap();
            for start in (0..6).step_by(chunk) {
                let rows: Vec<&[i32]> =
                    updates.iter().map(|update| &update[start..(start + chunk).min(6)]).collect();
                order.refine(&rows).unwrap();
            }
            let mut expected = updates.clone();
            expected.sort();
            let found: Vec<Vec<i32>> =
                order.sequence().into_iter().map(|index| updates[index].clone()).collect();
            prop_assert_eq!(found, expected);
            let mut different = vec![];
            different.extend_from_slice(&updates);
            different.sort();
            different.dedup();
            prop_assert_eq!(order.is_total(), different.len() == updates.len());
        }
    }
}
