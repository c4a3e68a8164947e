#![allow(clippy::unwrap_used)]

use super::*;
use crate::EXTRA_BITS;
use proptest::prelude::*;

const ONE: i64 = 1 << EXTRA_BITS;
const WIDTH: usize = 4;

fn rules(hostile: usize, kept: usize) -> Vec<Rule> {
    vec![
        Rule::Mean,
        Rule::Median,
        Rule::TrimmedMean { k: hostile },
        Rule::Krum { hostile },
        Rule::MultiKrum { hostile, kept },
        Rule::Bulyan { hostile },
        Rule::GeometricMedian { steps: 8 },
        Rule::CenteredClipping { radius: 150, steps: 3 },
    ]
}

fn run(updates: &[Vec<i32>], rule: Rule, before: &Before) -> Result<Vec<i64>, Error> {
    let rows: Vec<&[i32]> = updates.iter().map(Vec::as_slice).collect();
    let mut out = vec![0; WIDTH];
    aggregate(&rows, rule, before, &mut out).map(|()| out)
}

fn befores(updates: usize, hostile: usize) -> Vec<Before> {
    // Any fixed permutation that is not the identity.
    let mut permutation: Vec<u32> = (0..updates as u32).collect();
    permutation.rotate_left(updates / 3);
    permutation.reverse();
    vec![
        Before::Nothing,
        Before::NearestNeighbors { hostile },
        Before::Buckets { size: 1, permutation: permutation.clone() },
        Before::Buckets { size: 2, permutation },
    ]
}

fn updates(
    range: core::ops::Range<i32>,
    count: core::ops::Range<usize>,
) -> impl Strategy<Value = Vec<Vec<i32>>> {
    prop::collection::vec(prop::collection::vec(range, WIDTH), count)
}

/// Values within ±100 in all but the last `hostile` updates, which are anything.
fn attacked(honest: usize, hostile: usize) -> impl Strategy<Value = Vec<Vec<i32>>> {
    let edge = || prop_oneof![Just(i32::MAX), Just(i32::MIN), any::<i32>(), -300..300_i32];
    let bad = prop::collection::vec(prop::collection::vec(edge(), WIDTH), hostile);
    (updates(-100..101, honest..honest + 1), bad).prop_map(|(mut good, bad)| {
        good.extend(bad);
        good
    })
}

fn within(out: &[i64], bound: f64) -> Result<(), TestCaseError> {
    for &value in out {
        let value = value as f64 / ONE as f64;
        prop_assert!(value.abs() <= bound, "{value} lies beyond {bound}");
    }
    Ok(())
}

/// The largest distance between two updates with values within ±100.
fn diameter() -> f64 {
    200.0 * (WIDTH as f64).sqrt()
}

proptest! {
    #[test]
    fn the_order_of_the_updates_does_not_matter(
        // Few different values: ties and equal updates are what is tested.
        (all, shuffled) in updates(-2..3, 7..13)
            .prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
    ) {
        for before in befores(all.len(), 1) {
            for rule in rules(1, 3) {
                let (a, b) = (run(&all, rule, &before), run(&shuffled, rule, &before));
                prop_assert_eq!(a, b, "{:?} after {:?}", rule, before);
            }
        }
    }

    #[test]
    fn chunks_of_any_size_give_what_whole_updates_give(
        all in updates(-50..50, 7..10),
        chunk in 1..WIDTH,
    ) {
        for before in befores(all.len(), 1) {
            for rule in rules(1, 2) {
                let rows = |start: usize| -> Vec<&[i32]> {
                    all.iter().map(|u| &u[start..(start + chunk).min(WIDTH)]).collect()
                };
                let mut survey = Survey::new(all.len()).unwrap();
                for start in (0..WIDTH).step_by(chunk) {
                    survey.add(&rows(start)).unwrap();
                }
                let expected = run(&all, rule, &before);
                let plan = Plan::new(rule, &before, &survey);
                prop_assert_eq!(plan.as_ref().err(), expected.as_ref().err());
                if let (Ok(plan), Ok(expected)) = (plan, expected) {
                    let mut found = vec![0; WIDTH];
                    for (index, out) in found.chunks_mut(chunk).enumerate() {
                        plan.apply(&rows(index * chunk), out).unwrap();
                    }
                    prop_assert_eq!(found, expected);
                }
            }
        }
    }

    #[test]
    fn moving_all_updates_moves_the_result_exactly(
        all in updates(-1_000..1_000, 7..12),
        shift in prop::collection::vec(-1_000_000..1_000_000_i32, WIDTH),
    ) {
        let moved: Vec<Vec<i32>> = all
            .iter()
            .map(|update| update.iter().zip(&shift).map(|(q, s)| q + s).collect())
            .collect();
        for before in befores(all.len(), 1) {
            for rule in rules(1, 3) {
                if matches!(rule, Rule::CenteredClipping { .. }) {
                    // It starts from no change, and that does not move.
                    continue;
                }
                let (here, there) = (run(&all, rule, &before), run(&moved, rule, &before));
                let expected = here.map(|out| {
                    out.iter().zip(&shift).map(|(m, &s)| m + i64::from(s) * ONE).collect::<Vec<_>>()
                });
                prop_assert_eq!(there, expected, "{:?} after {:?}", rule, before);
            }
        }
    }

    #[test]
    fn scaling_all_updates_scales_the_result_up_to_rounding(
        all in updates(-1_000..1_000, 7..12),
        factor in 1..1_000_i32,
    ) {
        let scaled: Vec<Vec<i32>> =
            all.iter().map(|update| update.iter().map(|q| q * factor).collect()).collect();
        let scale = f64::from(factor);
        for (rule, before) in rules(1, 3).into_iter().flat_map(|rule| {
            befores(all.len(), 1).into_iter().map(move |before| (rule, before))
        }) {
            let larger = match rule {
                Rule::CenteredClipping { radius, steps } => {
                    Rule::CenteredClipping { radius: radius * u64::from(factor.unsigned_abs()), steps }
                }
                rule => rule,
            };
            // Weights of blends depend on roots, which are rounded to 2^-8 of a unit.
            let tolerance = match rule {
                Rule::GeometricMedian { .. } | Rule::CenteredClipping { .. } => 1.0,
                _ => 1.0 / ONE as f64,
            };
            let (small, large) = (run(&all, rule, &before), run(&scaled, larger, &before));
            prop_assert_eq!(small.as_ref().err(), large.as_ref().err());
            for (small, large) in small.into_iter().flatten().zip(large.into_iter().flatten()) {
                let difference = (small as f64 * scale - large as f64).abs() / ONE as f64;
                prop_assert!(difference <= tolerance * scale, "{:?} after {:?}: {}", rule, before, difference);
            }
        }
    }

    #[test]
    fn equal_updates_are_their_own_aggregate(q in prop::collection::vec(-80..80_i32, WIDTH)) {
        let all = vec![q.clone(); 7];
        for before in befores(7, 1) {
            for rule in rules(1, 2) {
                // Four buckets are too few for Krum and Bulyan.
                let Ok(out) = run(&all, rule, &before) else { continue };
                for (out, q) in out.iter().zip(&q) {
                    // The shares of centered clipping are rounded down.
                    prop_assert!((out - i64::from(*q) * ONE).abs() <= 1, "{:?}", rule);
                }
            }
        }
    }

    #[test]
    fn median_and_trimmed_mean_stay_between_the_honest_values(all in attacked(6, 5)) {
        for rule in [Rule::Median, Rule::TrimmedMean { k: 5 }] {
            within(&run(&all, rule, &Before::Nothing).unwrap(), 100.0)?;
        }
    }

    #[test]
    fn krum_never_leaves_the_neighborhood_of_the_honest_updates(all in attacked(9, 3)) {
        // Nobody chosen has a larger score than the worst honest update, and each has honest
        // neighbors: 7 squared distances bound the way to the nearest of them.
        let bound = 100.0 + diameter() * 7_f64.sqrt();
        for kept in [1, 5, 9] {
            let rule = Rule::MultiKrum { hostile: 3, kept };
            within(&run(&all, rule, &Before::Nothing).unwrap(), bound)?;
        }
        within(&run(&all, Rule::Krum { hostile: 3 }, &Before::Nothing).unwrap(), bound)?;
    }

    #[test]
    fn krum_bears_as_many_as_it_may_be_told_of(all in attacked(7, 4)) {
        // Five squared distances here; one hostile update more, and the rule refuses.
        let bound = 100.0 + diameter() * 5_f64.sqrt();
        within(&run(&all, Rule::Krum { hostile: 4 }, &Before::Nothing).unwrap(), bound)?;
        let more = run(&all, Rule::Krum { hostile: 5 }, &Before::Nothing);
        prop_assert!(more.is_err());
    }

    #[test]
    fn bulyan_stays_within_one_range_of_the_honest_values(all in attacked(9, 2)) {
        within(&run(&all, Rule::Bulyan { hostile: 2 }, &Before::Nothing).unwrap(), 300.0)?;
    }

    #[test]
    fn the_geometric_median_bears_almost_half(all in attacked(6, 5)) {
        // The start lies within 2 (n − f) / (n − 2f) diameters of the honest updates, and the sum
        // of distances does not grow; twice that leaves room for smoothing.
        let bound = 100.0 + 4.0 * 6.0 * diameter();
        for steps in [1, 8, 64] {
            within(&run(&all, Rule::GeometricMedian { steps }, &Before::Nothing).unwrap(), bound)?;
        }
    }

    #[test]
    fn centered_clipping_moves_by_its_radius_at_most_in_a_step(all in attacked(1, 9)) {
        for steps in [1, 4] {
            let rule = Rule::CenteredClipping { radius: 10, steps };
            // One root is off by less than one, where an update lies at the estimate.
            within(&run(&all, rule, &Before::Nothing).unwrap(), 10.5 * f64::from(steps))?;
        }
    }

    #[test]
    fn neighbors_keep_a_rule_within_a_diameter_of_the_honest_values(all in attacked(6, 5)) {
        let before = Before::NearestNeighbors { hostile: 5 };
        within(&run(&all, Rule::Median, &before).unwrap(), 100.0 + diameter())?;
    }

    #[test]
    fn buckets_with_an_honest_majority_keep_the_median_between_the_honest_values(
        all in attacked(10, 2),
        order in Just((0..12).collect::<Vec<u32>>()).prop_shuffle(),
    ) {
        let before = Before::Buckets { size: 2, permutation: order };
        within(&run(&all, Rule::Median, &before).unwrap(), 100.0)?;
    }
}

#[test]
fn the_mean_is_moved_by_one_update_and_so_shows_that_the_bounds_can_fail() {
    let mut all = vec![vec![1; WIDTH]; 10];
    all.push(vec![i32::MAX; WIDTH]);
    let out = run(&all, Rule::Mean, &Before::Nothing).unwrap();
    assert!(within(&out, 1_000.0).is_err());
}

#[test]
fn one_update_more_than_a_rule_bears_moves_it_as_far_as_it_likes() {
    let neighbors = Before::NearestNeighbors { hostile: 5 };
    // The largest updates, the last in their order, are in a bucket each.
    let permutation = (0..6).flat_map(|place| [place, place + 6]).collect();
    let buckets = Before::Buckets { size: 2, permutation };
    for (rule, before, updates, borne) in [
        (Rule::Mean, Before::Nothing, 11, 0),
        (Rule::Median, Before::Nothing, 11, 5),
        (Rule::TrimmedMean { k: 3 }, Before::Nothing, 11, 3),
        (Rule::TrimmedMean { k: 5 }, Before::Nothing, 11, 5),
        (Rule::GeometricMedian { steps: 8 }, Before::Nothing, 11, 5),
        (Rule::Median, neighbors, 11, 5),
        // Two of six buckets, and then three.
        (Rule::Median, buckets, 12, 2),
    ] {
        let out = |hostile: usize| {
            let honest = (0..updates - hostile).map(|index| vec![index as i32; WIDTH]);
            let all: Vec<_> = honest.chain(vec![vec![i32::MAX; WIDTH]; hostile]).collect();
            run(&all, rule, &before).unwrap()
        };
        assert!(within(&out(borne), 100.0).is_ok(), "{rule:?} after {before:?}");
        assert!(within(&out(borne + 1), 1e7).is_err(), "{rule:?} after {before:?}");
    }
}

#[test]
fn rules_that_look_at_whole_updates_need_a_survey() {
    for rule in rules(1, 1) {
        let blind = Plan::blind(rule, 7);
        assert_eq!(blind == Err(Error::Survey), needs_survey(rule, &Before::Nothing));
        assert!(needs_survey(rule, &Before::NearestNeighbors { hostile: 1 }));
    }
    assert_eq!(Plan::blind(Rule::Mean, 0), Err(Error::Empty));
    let six = vec![vec![0; WIDTH]; 6];
    let error = Error::Hostile { hostile: 1, updates: 6, needed: 7 };
    assert_eq!(run(&six, Rule::Bulyan { hostile: 1 }, &Before::Nothing), Err(error));
}

#[test]
fn the_largest_numbers_do_not_overflow() {
    let mut all = vec![vec![i32::MIN; WIDTH]; 6];
    all.extend(vec![vec![i32::MAX; WIDTH]; 6]);
    for before in befores(12, 1) {
        for rule in rules(1, 2) {
            if let Ok(out) = run(&all, rule, &before) {
                let range = i64::from(i32::MIN) * ONE..=i64::from(i32::MAX) * ONE;
                assert!(out.iter().all(|value| range.contains(value)), "{rule:?} {out:?}");
            }
        }
    }
}
