#![allow(clippy::unwrap_used)]
use proptest::prelude::*;

use super::*;
use crate::testing::fold;

/// Rows whose only feature is their number.
fn rows(count: usize, classes: u32) -> Dataset {
    let features = (0..count).map(|row| row as f32).collect();
    let labels = (0..count as u32).map(|row| row % classes).collect();
    Dataset::new(features, labels, 1, classes as usize).unwrap()
}

fn covers(parts: &[Dataset], whole: &Dataset) -> bool {
    let mut all: Vec<f32> = parts.iter().flat_map(|part| part.features().to_vec()).collect();
    all.sort_by(f32::total_cmp);
    all == whole.features()
}

#[test]
fn a_smaller_alpha_gives_more_skew() {
    let whole = rows(5_000, 10);
    // The mean share of a part's most frequent class.
    let skew = |alpha| {
        let parts = whole.partition_dirichlet(5, alpha, 10, [3; 32]).unwrap();
        let shares = parts
            .iter()
            .map(|part| *part.class_counts().iter().max().unwrap() as f64 / part.rows() as f64);
        shares.sum::<f64>() / 5.0
    };
    assert!(skew(0.1) > skew(1.0) && skew(1.0) > skew(100.0));
    assert!(skew(1_000.0) < 0.12);
}

#[test]
fn impossible_requests_are_refused() {
    let whole = rows(10, 2);
    for (parts, minimum) in [(0, 1), (11, 0), (3, 4), (usize::MAX, 2)] {
        assert!(matches!(
            whole.partition_dirichlet(parts, 0.5, minimum, [0; 32]),
            Err(DataError::TooFewRows { .. })
        ));
    }
    for alpha in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(matches!(
            whole.partition_dirichlet(2, alpha, 1, [0; 32]),
            Err(DataError::Alpha(_))
        ));
    }
    assert!(whole.partition_iid(11, [0; 32]).is_err());
}

proptest! {
    #[test]
    fn every_row_is_in_exactly_one_part(
        count in 20..200_usize,
        classes in 1..6_u32,
        parts in 1..8_usize,
        alpha in prop_oneof![Just(1e-4), 0.01..5.0_f64],
        seed in any::<[u8; 32]>(),
    ) {
        let whole = rows(count, classes);
        let minimum = count / parts / 2;
        let skewed = whole.partition_dirichlet(parts, alpha, minimum, seed).unwrap();
        prop_assert_eq!(skewed.len(), parts);
        prop_assert!(covers(&skewed, &whole));
        prop_assert!(skewed.iter().all(|part| part.rows() >= minimum));
        prop_assert_eq!(
            &skewed,
            &whole.partition_dirichlet(parts, alpha, minimum, seed).unwrap()
        );
        let equal = whole.partition_iid(parts, seed).unwrap();
        prop_assert!(covers(&equal, &whole));
        prop_assert!(equal.iter().all(|part| part.rows().abs_diff(count / parts) <= 1));
    }
}

const WAYS: [Partition; 9] = [
    Partition::Iid,
    Partition::Dirichlet { alpha: 0.5, minimum: 2 },
    Partition::InnerDirichlet { alpha: 0.5 },
    Partition::Pathological { labels: 2 },
    Partition::Shards { per_part: 2 },
    Partition::Natural,
    Partition::Linear,
    Partition::Square,
    Partition::Exponential,
];

/// Rows with as many groups as there are parts, of different sizes.
fn grouped(count: usize, classes: u32, parts: usize) -> Dataset {
    let groups = (0..count).map(|row| (row * row / 3 + row) % parts);
    // Each group has a row at least.
    let groups =
        groups.enumerate().map(|(row, group)| if row < parts { row } else { group } as u32);
    rows(count, classes).with_groups(groups.collect()).unwrap()
}

fn labels_of(data: &Dataset, part: &[usize]) -> Vec<u32> {
    let mut labels: Vec<u32> = part.iter().map(|&row| data.labels()[row]).collect();
    labels.sort_unstable();
    labels.dedup();
    labels
}

fn lengths(parts: &[Vec<usize>]) -> Vec<usize> {
    parts.iter().map(Vec::len).collect()
}

proptest! {
    #[test]
    fn whatever_the_way_every_row_is_in_one_part_and_the_seed_decides(
        count in 60..300_usize,
        classes in 2..6_u32,
        parts in 3..10_usize,
        seed in any::<[u8; 32]>(),
    ) {
        let data = grouped(count, classes, parts);
        for way in WAYS {
            let divided = data.partition(&way, parts, seed).unwrap();
            prop_assert_eq!(divided.len(), parts);
            let mut all = divided.concat();
            all.sort_unstable();
            prop_assert_eq!(all, (0..count).collect::<Vec<_>>(), "{:?}", way);
            prop_assert!(divided.iter().all(|part| !part.is_empty()), "{:?}", way);
            prop_assert_eq!(&divided, &data.partition(&way, parts, seed).unwrap());
            let other = data.partition(&way, parts, [seed[0].wrapping_add(1); 32]).unwrap();
            prop_assert!(way == Partition::Natural || divided != other, "{:?}", way);
            match way {
                Partition::Iid | Partition::InnerDirichlet { .. } => {
                    prop_assert!(divided.iter().all(|part| part.len().abs_diff(count / parts) <= 1));
                }
                Partition::Pathological { labels } => {
                    prop_assert!(divided.iter().all(|part| labels_of(&data, part).len() == labels));
                }
                Partition::Shards { per_part } => {
                    let bound = per_part * (count / (parts * per_part) + 1);
                    prop_assert!(divided.iter().all(|part| part.len() <= bound));
                }
                Partition::Linear | Partition::Square | Partition::Exponential => {
                    prop_assert!(lengths(&divided).is_sorted());
                }
                Partition::Natural | Partition::Dirichlet { .. } => {}
            }
        }
    }
}

#[test]
fn sizes_grow_as_they_are_said_to() {
    let data = rows(10_000, 10);
    let sizes = |way| lengths(&data.partition(&way, 4, [1; 32]).unwrap());
    assert_eq!(sizes(Partition::Linear), [1_000, 2_000, 3_000, 4_000]);
    assert_eq!(sizes(Partition::Square), [333, 1_333, 3_000, 5_334]);
    // e^i / Σ e^j = .03206, .08714, .23688, .64391; what is left over goes to the last.
    assert_eq!(sizes(Partition::Exponential), [320, 871, 2_369, 6_440]);
    let many = lengths(&data.partition(&Partition::Exponential, 2_000, [1; 32]).unwrap());
    assert!(many.iter().take(1_900).all(|&rows| rows == 1) && many.is_sorted());
}

#[test]
fn an_inner_dirichlet_skews_the_labels_and_not_the_sizes() {
    let data = rows(6_000, 10);
    let skew = |alpha| {
        let parts = data.partition(&Partition::InnerDirichlet { alpha }, 6, [3; 32]).unwrap();
        let share = |part: &Vec<usize>| {
            let counts = data.subset(part).class_counts();
            *counts.iter().max().unwrap() as f64 / part.len() as f64
        };
        parts.iter().map(share).sum::<f64>() / 6.0
    };
    assert!(skew(0.1) > skew(1.0) && skew(1.0) > skew(100.0), "{} {}", skew(0.1), skew(100.0));
    assert!(skew(1_000.0) < 0.13);
}

#[test]
fn shards_leave_few_labels_to_a_part() {
    let data = rows(1_000, 10);
    let parts = data.partition(&Partition::Shards { per_part: 2 }, 10, [5; 32]).unwrap();
    assert!(parts.iter().all(|part| part.len() == 100 && labels_of(&data, part).len() <= 2));
}

#[test]
fn groups_stay_together_and_fill_fewer_parts_evenly() {
    let groups = [0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 3];
    let data = rows(11, 2).with_groups(groups.to_vec()).unwrap();
    let two = data.partition(&Partition::Natural, 2, [0; 32]).unwrap();
    assert_eq!(two, [vec![0, 1, 2, 3, 4, 10], vec![5, 6, 7, 8, 9]]);
    let refused = |data: &Dataset, parts| {
        data.partition(&Partition::Natural, parts, [0; 32]).unwrap_err().to_string()
    };
    assert!(refused(&data, 5).contains("4 groups cannot be divided into 5 parts"));
    assert!(refused(&rows(9, 3), 3).contains("--group-column"));
}

#[test]
fn settings_that_the_rows_cannot_meet_are_refused() {
    let data = rows(100, 10);
    let refused = |way, parts| data.partition(&way, parts, [0; 32]).unwrap_err().to_string();
    assert!(
        refused(Partition::Pathological { labels: 2 }, 4)
            .contains("4 parts with 2 labels each cannot have all 10")
    );
    assert!(refused(Partition::Pathological { labels: 11 }, 4).contains("choose 1 to 10 labels"));
    assert!(refused(Partition::Pathological { labels: 0 }, 4).contains("choose 1 to 10 labels"));
    assert!(refused(Partition::Shards { per_part: 0 }, 4).contains("at least one shard"));
    assert!(refused(Partition::Shards { per_part: 26 }, 4).contains("104 shards"));
    assert!(refused(Partition::Shards { per_part: usize::MAX }, 4).contains("shards"));
    assert!(refused(Partition::InnerDirichlet { alpha: 0.0 }, 4).contains("alpha is 0"));
    for way in WAYS {
        for parts in [0, 101, usize::MAX] {
            assert!(data.partition(&way, parts, [0; 32]).is_err(), "{way:?} {parts}");
        }
    }
}

/// A guard against a change of any draw.
#[test]
fn parts_are_the_golden_ones() {
    let data = grouped(200, 5, 7);
    let digest = |way: &Partition| {
        let parts = data.partition(way, 7, [9; 32]).unwrap();
        let numbers = parts.iter().flat_map(|part| [&[part.len()][..], part].concat());
        fold(&numbers.flat_map(usize::to_le_bytes).collect::<Vec<_>>())
    };
    let digests: Vec<u64> = WAYS.iter().map(digest).collect();
    assert_eq!(digests, GOLDEN);
}

const GOLDEN: [u64; 9] = [
    341_477_368_394_685_561,
    2_110_487_944_848_354_477,
    14_882_493_215_069_236_857,
    16_862_605_844_193_224_831,
    187_596_521_436_039_707,
    12_848_298_728_887_671_351,
    14_121_969_921_400_158_137,
    7_747_545_196_972_036_557,
    15_097_321_604_012_434_017,
];
