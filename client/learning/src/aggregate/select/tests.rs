#![allow(clippy::unwrap_used)]
use super::{lanes::plain, *};
use decentralml_exact as exact;
use proptest::prelude::*;

/// One width against the rule of `decentralml-exact`.
fn check<C: Select + TryFrom<i32>>(values: &[Vec<i32>]) -> Result<(), TestCaseError> {
    let cells =
        |row: &Vec<i32>| -> Vec<C> { row.iter().map(|&q| C::try_from(q).ok().unwrap()).collect() };
    let rows: Vec<Vec<C>> = values.iter().map(cells).collect();
    let rows: Vec<&[C]> = rows.iter().map(Vec::as_slice).collect();
    let slices: Vec<&[i32]> = values.iter().map(Vec::as_slice).collect();
    let mut expected = vec![0; values[0].len()];
    let mut found = vec![1.0; expected.len()];
    exact::median(&slices, &mut expected).unwrap();
    columns(&rows, Wanted::Median, &mut found);
    prop_assert_eq!(&found, &expected.iter().map(|&m| m as f64).collect::<Vec<_>>());
    for k in [0, (values.len() - 1) / 3, (values.len() - 1) / 2] {
        exact::trimmed_mean(&slices, k, &mut expected).unwrap();
        columns(&rows, Wanted::Trimmed(k), &mut found);
        prop_assert_eq!(&found, &expected.iter().map(|&m| m as f64).collect::<Vec<_>>());
    }
    Ok(())
}

fn table(range: std::ops::RangeInclusive<i32>) -> impl Strategy<Value = Vec<Vec<i32>>> {
    (1..140_usize, 1..14_usize).prop_flat_map(move |(weights, updates)| {
        let value = prop_oneof![range.clone(), Just(*range.start()), Just(*range.end()), Just(0)];
        prop::collection::vec(prop::collection::vec(value, weights), updates)
    })
}

proptest! {
    #[test]
    fn bytes_agree_with_sorting(values in table(-128..=127)) {
        check::<i8>(&values)?;
    }

    #[test]
    fn words_agree_with_sorting(values in table(-32_768..=32_767)) {
        check::<i16>(&values)?;
    }

    #[test]
    fn long_words_agree_with_sorting(values in table(i32::MIN..=i32::MAX)) {
        check::<i32>(&values)?;
    }

    #[test]
    fn vectors_agree_with_plain_code(
        tile in prop::collection::vec(prop::collection::vec(any::<i32>(), LANES), 1..40),
        at in any::<prop::sample::Index>(),
    ) {
        fn compare<T: Lane + std::fmt::Debug>(tile: &[Vec<i32>], rank: usize) {
            let tile: Vec<[T; LANES]> =
                tile.iter().map(|row| std::array::from_fn(|lane| T::cut(row[lane]))).collect();
            let bits = size_of::<T>() as u32 * 8 - 1;
            let other = (rank + 1).min(tile.len() - 1);
            for ranks in [[rank, 0], [0, rank], [rank, rank], [rank, other]] {
                let expected = ranks.map(|rank| plain(&tile, bits, rank));
                assert_eq!(T::search(&tile, bits, ranks), expected, "{ranks:?}");
            }
        }
        let rank = at.index(tile.len());
        compare::<i8>(&tile, rank);
        compare::<i16>(&tile, rank);
        compare::<i32>(&tile, rank);
    }
}

#[test]
fn many_updates_take_wider_lanes() {
    for count in [127, 128, 300] {
        let values: Vec<Vec<i32>> =
            (0..count).map(|i| vec![i * 7 % 255 - 127, -127, 127, i % 3 - 1]).collect();
        check::<i8>(&values).unwrap();
        check::<i16>(&values).unwrap();
    }
    let many: Vec<Vec<i32>> = (0..32_769).map(|i| vec![i % 256 - 128, 1]).collect();
    check::<i8>(&many).unwrap();
    check::<i16>(&many).unwrap();
}
