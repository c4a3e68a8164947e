#![allow(clippy::unwrap_used)]

use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

proptest! {
    #[test]
    fn a_draw_is_a_permutation(seed: [u8; 32], population in 1u32..400) {
        let places: BTreeSet<u32> = (0..population).map(|slot| place_of(&seed, slot, population)).collect();
        prop_assert_eq!(places.len() as u32, population);
        prop_assert!(places.last() < Some(&population));
    }

    #[test]
    fn slots_and_places_are_inverse(seed: [u8; 32], population in 1u32.., slot: u32) {
        let slot = slot % population;
        prop_assert_eq!(slot_at(&seed, place_of(&seed, slot, population), population), slot);
    }
}

#[test]
fn every_slot_is_drawn_about_equally_often() {
    // 3 of 10 places, 4,000 draws: each slot is expected 1,200 times, with a standard deviation of 29.
    let mut drawn = [0u32; 10];
    for draw in 0u32..4_000 {
        let key = key(&[7; 32], &draw.to_le_bytes());
        for (slot, count) in drawn.iter_mut().enumerate() {
            *count += u32::from(place_of(&key, slot as u32, 10) < 3);
        }
    }
    assert!(drawn.iter().all(|&count| (1_055..1_345).contains(&count)), "{drawn:?}");
}

#[test]
fn different_purposes_give_different_draws() {
    let places = |purpose: &[u8]| -> Vec<u32> {
        let key = key(&[1; 32], purpose);
        (0..50).map(|slot| place_of(&key, slot, 50)).collect()
    };
    assert_ne!(places(b"trainers"), places(b"committee"));
}

/// Everybody of whom there is a slot, as class and slot.
fn everybody(population: Classes) -> impl Iterator<Item = (u8, u32)> {
    (0u8..).zip(population).flat_map(|(class, count)| (0..count).map(move |slot| (class, slot)))
}

#[test]
fn a_weight_is_a_power_of_two_up_to_sixteen() {
    let known: Vec<u8> = (0..=u8::MAX).filter(|weight| class_of(*weight).is_some()).collect();
    assert_eq!(known, [1, 2, 4, 8, 16]);
    assert!(known.iter().all(|weight| weight_of(class_of(*weight).unwrap()) == *weight));
    assert_eq!((weight_of(5), weight_of(u8::MAX)), (0, 0));
}

#[test]
fn a_draw_of_equals_is_the_permutation_of_its_key() {
    for (count, places) in [(0, 3), (1, 3), (20, 6), (20, 20), (7, 0)] {
        let seed = key(&[5; 32], &[count as u8]);
        let lots = Lots::new(seed, [count, 0, 0, 0, 0], places);
        assert_eq!(lots.given(), [places.min(count), 0, 0, 0, 0]);
        for slot in 0..count {
            let place = place_of(&seed, slot, count);
            assert_eq!(lots.rank(0, slot), Some(place));
            assert_eq!(lots.place(0, slot), Some(place).filter(|place| *place < places));
        }
        assert_eq!((lots.place(0, count), lots.place(1, 0), lots.place(5, 0)), (None, None, None));
    }
}

/// Greatest common divisor, for a period of `chance` that suits every way to round.
fn common(a: u128, b: u128) -> u128 {
    if b == 0 { a } else { common(b, a % b) }
}

/// Over all chances, each account is drawn as often as its weight says, or always.
fn expect_shares(population: Classes, places: u32) {
    // Whichever classes are drawn for certain, what is left weighs as much as so many of the lightest ones.
    let mut sum = 0;
    let period = (0..CLASSES).fold(1, |period, class| {
        sum += u128::from(population[class]) << class;
        if sum == 0 { period } else { period / common(period, sum) * sum }
    });
    let mut drawn = [0u128; CLASSES];
    for chance in 0..period {
        for (sum, given) in drawn.iter_mut().zip(allot(population, places, chance)) {
            *sum += u128::from(given);
        }
    }
    let all = population.map(|count| period * u128::from(count));
    let wanted = period * u128::from(places.min(population.iter().sum()));
    assert_eq!(drawn.iter().sum::<u128>(), wanted, "{population:?} {places}");
    for light in 0..CLASSES {
        for heavy in light + 1..CLASSES {
            if all[light] == 0 || all[heavy] == 0 {
                continue;
            }
            // Chances of one account of each, both times the same number: the heavy one's may be cut at 1.
            let [chance, heavy_chance] = [drawn[light] * all[heavy], drawn[heavy] * all[light]];
            let proportional = chance << (heavy - light);
            let certain = drawn[heavy] == all[heavy];
            assert!(
                heavy_chance == proportional || (certain && heavy_chance < proportional),
                "{population:?} {places}: {drawn:?}"
            );
        }
    }
}

#[test]
fn chances_are_as_weights_unless_an_account_is_drawn_for_certain() {
    for code in 0..4u32.pow(4) {
        let digit = |at: u32| code / 4u32.pow(at) % 4;
        // Three of the five classes and the heaviest one: few enough to go through all chances.
        for population in [
            [digit(0), digit(1), digit(2), 0, digit(3) % 2],
            [digit(0), 0, digit(1), digit(2) % 3, digit(3) % 2],
        ] {
            for places in 0..=population.iter().sum::<u32>() + 1 {
                expect_shares(population, places);
            }
        }
    }
    expect_shares([10, 5, 3, 2, 1], 3);
}

/// Counts of any size, with empty classes among them.
fn population() -> impl Strategy<Value = Classes> {
    let count = prop_oneof![Just(0), 0..4u32, 0..60u32, any::<u32>()];
    [count.clone(), count.clone(), count.clone(), count.clone(), count]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn all_places_are_given_and_to_accounts_that_there_are(
        population in population(), places in prop_oneof![0..=257u32, any::<u32>()], chance: u128,
    ) {
        let given = allot(population, places, chance);
        let sum = |counts: Classes| counts.into_iter().map(u64::from).sum::<u64>();
        prop_assert_eq!(sum(given), u64::from(places).min(sum(population)));
        prop_assert!(given.iter().zip(population).all(|(given, count)| *given <= count), "{given:?}");
    }
}

proptest! {
    #[test]
    fn every_place_has_one_owner_and_no_account_has_two(
        seed: [u8; 32], counts in [0..9u32, 0..9u32, 0..9u32, 0..9u32, 0..9u32], places in 0..40u32,
    ) {
        let lots = Lots::new(seed, counts, places);
        let drawn: Vec<_> = everybody(counts)
            .filter_map(|(class, slot)| Some((lots.place(class, slot)?, (class, slot))))
            .collect();
        let count = places.min(counts.iter().sum());
        let mut sorted: Vec<u32> = drawn.iter().map(|(place, _)| *place).collect();
        sorted.sort_unstable();
        prop_assert_eq!(sorted, (0..count).collect::<Vec<_>>());
        for (place, owner) in drawn {
            prop_assert_eq!(lots.owner(place), Some(owner));
        }
        prop_assert_eq!(lots.owner(count), None);
    }
}

#[test]
fn an_account_is_drawn_about_as_often_as_its_weight_says() {
    // Of weight 64 in all, 3 places, 4,000 draws: an account of weight 1 is expected 187.5 times, with a standard deviation of 13.4, and
    // one of weight 16 3,000 times, with one of 27.4.
    let counts = [10, 5, 3, 2, 1];
    let mut drawn = std::collections::BTreeMap::<(u8, u32), i64>::new();
    for draw in 0u32..4_000 {
        let lots = Lots::new(key(&[8; 32], &draw.to_le_bytes()), counts, 3);
        for place in 0..3 {
            *drawn.entry(lots.owner(place).unwrap()).or_default() += 1;
        }
    }
    for (class, slot) in everybody(counts) {
        let expected = 4_000.0 * 3.0 * f64::from(weight_of(class)) / 64.0;
        let deviation = (expected * (1.0 - expected / 4_000.0)).sqrt();
        let found = drawn[&(class, slot)] as f64;
        assert!(
            (found - expected).abs() < 4.0 * deviation,
            "{class} {slot}: {found} of {expected}"
        );
    }
}

#[test]
fn nothing_is_won_by_splitting_a_stake_into_accounts_of_less_weight() {
    // The same 16 bonds in one account, in two, or in sixteen, against 48 others: as many places in the mean, and with sixteen accounts
    // more than one at once.
    let shares = [[48, 0, 0, 0, 1], [48, 0, 0, 2, 0], [64, 0, 0, 0, 0]].map(|population| {
        let all = (0..64u128).map(|chance| allot(population, 4, chance));
        all.fold([0; CLASSES], |sum, given| {
            let mut sum = sum;
            sum.iter_mut().zip(given).for_each(|(sum, given)| *sum += given);
            sum
        })
    });
    assert_eq!(shares[0], [3 * 64, 0, 0, 0, 64]);
    assert_eq!(shares[1], [3 * 64, 0, 0, 64, 0]);
    // A quarter of the places of equals is theirs.
    assert_eq!(shares[2], [4 * 64, 0, 0, 0, 0]);
}
