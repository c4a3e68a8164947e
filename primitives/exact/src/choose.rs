use alloc::vec::Vec;

use crate::{Distances, Error, Order};

/// The `count` updates with the smallest Krum scores, in the canonical order of their scores: 1 is
/// Krum, more is multi-Krum (Blanchard et al. 2017).
///
/// An update's score is the sum of its squared distances to the `n − hostile − 2` nearest others; of
/// equal scores, the earlier update in the canonical [`Order`] wins.
///
/// Fails with [`Error::Hostile`] unless `n ≥ 2 · hostile + 3`, and with [`Error::Choose`] unless `count`
/// is in `1..=n − hostile`.
///
/// # Bounds
///
/// A score is a sum of at most 2^12 squared distances, each below 2^96.
pub fn krum(
    distances: &Distances,
    order: &Order,
    hostile: usize,
    count: usize,
) -> Result<Vec<usize>, Error> {
    let updates = distances.updates();
    crate::check_hostile(updates, hostile, 2, 3)?;
    if count == 0 || count > updates - hostile {
        return Err(Error::Choose { count, max: updates - hostile });
    }
    let neighbors = updates - hostile - 2;
    let score = |i: usize| {
        let others = (0..updates).filter(|&j| j != i);
        let mut squared: Vec<u128> = others.map(|j| distances.squared(i, j)).collect();
        if neighbors < squared.len() {
            squared.select_nth_unstable(neighbors);
        }
        squared.into_iter().take(neighbors).sum::<u128>()
    };
    let mut scores: Vec<(u128, u32, usize)> =
        (0..updates).map(|i| (score(i), order.rank(i), i)).collect();
    scores.sort_unstable();
    Ok(scores.into_iter().take(count).map(|(_, _, index)| index).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn choose(updates: &[&[i32]], hostile: usize, count: usize) -> Result<Vec<usize>, Error> {
        let mut distances = Distances::new(updates.len())?;
        let mut order = Order::new(updates.len())?;
        distances.add(updates)?;
        order.refine(updates)?;
        krum(&distances, &order, hostile, count)
    }

    #[test]
    fn krum_takes_the_update_in_the_middle_of_the_crowd() {
        let updates: [&[i32]; 6] = [&[900], &[10], &[13], &[11], &[15], &[-500]];
        // Three neighbors each: 11 has 1 + 4 + 16, 13 has 4 + 4 + 9.
        assert_eq!(choose(&updates, 1, 1), Ok([2].to_vec()));
        assert_eq!(choose(&updates, 1, 4), Ok([2, 3, 1, 4].to_vec()));
    }

    #[test]
    fn the_earlier_update_wins_a_tie_wherever_it_is_handed_in() {
        assert_eq!(choose(&[&[8], &[0], &[4], &[4], &[20]], 1, 1), Ok([2].to_vec()));
        // Both 1 and 5 have the score 17.
        assert_eq!(choose(&[&[0], &[1], &[5], &[6], &[99]], 1, 1), Ok([1].to_vec()));
        assert_eq!(choose(&[&[99], &[6], &[5], &[1], &[0]], 1, 1), Ok([3].to_vec()));
    }

    #[test]
    fn more_hostile_updates_than_the_rule_bears_are_refused() {
        let error = Error::Hostile { hostile: 1, updates: 4, needed: 5 };
        assert_eq!(choose(&[&[1], &[2], &[3], &[4]], 1, 1), Err(error));
        let five: [&[i32]; 5] = [&[1], &[2], &[3], &[4], &[5]];
        assert_eq!(choose(&five, 1, 5), Err(Error::Choose { count: 5, max: 4 }));
        assert_eq!(choose(&five, 1, 0), Err(Error::Choose { count: 0, max: 4 }));
        assert!(choose(&five, usize::MAX, 1).is_err());
    }
}
