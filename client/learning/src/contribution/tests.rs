#![allow(clippy::unwrap_used)]
use proptest::prelude::*;

use super::*;

const SEED: Seed = [9; 32];

fn values(players: usize, utility: impl FnMut(&[bool]) -> f64) -> Vec<i64> {
    values_with(players, &ShapleyOptions::default(), utility)
}

fn values_with(
    players: usize,
    options: &ShapleyOptions,
    mut utility: impl FnMut(&[bool]) -> f64,
) -> Vec<i64> {
    shapley(players, SEED, options, |members| Ok::<_, ContributionError>(utility(members))).unwrap()
}

/// The n-player game in which a coalition is worth the table's entry at its bit mask.
fn in_table(table: &[f64]) -> impl Fn(&[bool]) -> f64 {
    |members| {
        let bits = members.iter().enumerate().map(|(i, &member)| usize::from(member) << i);
        table[bits.sum::<usize>()]
    }
}

#[test]
fn the_glove_game_is_solved_as_in_the_textbook() {
    // Players 0 and 1 have a left glove, player 2 the right one; a pair is worth 1.
    let pair = |members: &[bool]| f64::from(members[2] && (members[0] || members[1]));
    assert_eq!(values(3, pair), [166_667, 166_667, 666_667]);
}

#[test]
fn nobody_and_one_player_are_games_too() {
    assert_eq!(values(0, |_| 1.0), [0_i64; 0]);
    assert_eq!(values(1, |members| if members[0] { 2.0 } else { -1.0 }), [3_000_000]);
}

#[test]
fn each_coalition_is_evaluated_once() {
    let mut evaluations = 0;
    values(6, |_| {
        evaluations += 1;
        0.0
    });
    assert_eq!(evaluations, 64);
}

#[test]
fn permutations_of_an_additive_game_give_its_exact_values() {
    let worth = |members: &[bool]| {
        members.iter().enumerate().map(|(i, &m)| if m { i as f64 - 3.0 } else { 0.0 }).sum()
    };
    let expected: Vec<i64> = (0..12).map(|i| (i - 3) * 1_000_000).collect();
    let options = ShapleyOptions { permutations: 20, tolerance: 0.0 };
    assert_eq!(values_with(12, &options, worth), expected);
}

#[test]
fn permutations_estimate_the_exact_values_of_a_game_with_diminishing_returns() {
    let worth = |members: &[bool]| {
        let sum: f64 = members.iter().enumerate().map(|(i, &m)| f64::from(m) * i as f64).sum();
        (1.0 + sum).ln()
    };
    let options = ShapleyOptions { permutations: 2_000, tolerance: 0.0 };
    // The same eight players, solved exactly and, with a ninth who never matters, by sampling.
    let exact = values(8, worth);
    let sampled = values_with(9, &options, |members| worth(&members[..8]));
    assert_eq!(sampled[8], 0);
    for (exact, sampled) in exact.iter().zip(&sampled) {
        assert!((exact - sampled).abs() < 20_000, "{exact} {sampled}");
    }
}

#[test]
fn truncation_saves_evaluations() {
    let count = |tolerance| {
        let mut evaluations = 0;
        values_with(10, &ShapleyOptions { permutations: 50, tolerance }, |members| {
            evaluations += 1;
            1.0 - 0.5_f64.powi(members.iter().filter(|m| **m).count() as i32)
        });
        evaluations
    };
    assert!(count(0.1) < count(0.0) / 2);
}

#[test]
fn the_seed_determines_the_estimate() {
    let worth = |members: &[bool]| f64::from(members[0] && members[5] && members[9]);
    let options = ShapleyOptions { permutations: 10, tolerance: 0.0 };
    let run = |seed| shapley(10, seed, &options, |m| Ok::<_, ContributionError>(worth(m))).unwrap();
    assert_eq!(run([1; 32]), run([1; 32]));
    assert_ne!(run([1; 32]), run([2; 32]));
}

#[test]
fn unusable_utilities_and_options_are_refused() {
    let nan = shapley(2, SEED, &ShapleyOptions::default(), |_| Ok(f64::NAN));
    assert!(matches!(nan, Err(ContributionError::Utility(_))));
    let options = ShapleyOptions { permutations: 0, tolerance: 0.0 };
    let none = shapley(9, SEED, &options, |_| Ok(0.0));
    assert!(matches!(none, Err(ContributionError::NoPermutations)));
}

proptest! {
    #[test]
    fn the_values_add_up_to_what_all_achieve(table in prop::collection::vec(-3.0..0.0_f64, 32)) {
        let values = values(5, in_table(&table));
        let gain = ((table[31] - table[0]) * 1e6).round() as i64;
        // Each of the five values is rounded by at most half a micro-nat.
        prop_assert!((values.iter().sum::<i64>() - gain).abs() <= 3);
    }

    #[test]
    fn a_player_who_changes_nothing_gets_exactly_nothing(
        table in prop::collection::vec(-3.0..0.0_f64, 16),
        idle in 0..5_usize,
    ) {
        let worth = |members: &[bool]| {
            let others: Vec<bool> = members
                .iter()
                .enumerate()
                .filter_map(|(i, &member)| (i != idle).then_some(member))
                .collect();
            in_table(&table)(&others)
        };
        prop_assert_eq!(values(5, worth)[idle], 0);
    }

    #[test]
    fn players_who_do_the_same_get_the_same(table in prop::collection::vec(-3.0..0.0_f64, 7)) {
        let by_size = |members: &[bool]| table[members.iter().filter(|m| **m).count()];
        let values = values(6, by_size);
        prop_assert!(values.iter().all(|value| *value == values[0]));
    }
}
