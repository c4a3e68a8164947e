#![allow(clippy::unwrap_used)]
use super::*;
use decentralml_exact as exact;
use proptest::prelude::*;

/// One width against the rule of `decentralml-exact`.
fn check<C: Cell + TryFrom<i32>>(values: &[Vec<i32>]) -> Result<(), TestCaseError> {
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

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn vectors_agree_with_plain_code(
        rows in prop::collection::vec(prop::collection::vec(any::<i8>(), LANES), 1..128),
        tried in prop::collection::vec(any::<i8>(), LANES),
    ) {
        let Some(simd) = pulp::x86::V3::try_new() else { return Ok(()) };
        let rows: Vec<[i8; LANES]> = rows.into_iter().map(|row| row.try_into().unwrap()).collect();
        let tried = tried.try_into().unwrap();
        prop_assert_eq!(
            digits::count_vectors(simd, &rows, &tried),
            digits::count_plain(&rows, &tried)
        );
    }
}

#[test]
fn more_updates_than_a_byte_counts() {
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
