//! How rules that bear hostile updates fit the number of updates that a round has accepted.
//!
//! A specification says how many hostile updates a rule has to bear among `trainers.min`. A round may accept fewer: those that
//! the committee found faulty or harmful are gone, the hostile ones among them first of all. Then the rule bears as many as so few
//! updates allow, and seats agree on it, as they agree on the number.

use decentralml_types::{
    Ppm,
    spec::{Before, MILLION, Millionths, Rule},
};

/// How many updates reach the rule, of `updates` accepted ones.
pub fn entering(before: Before, updates: u32) -> u32 {
    match before {
        Before::Nothing | Before::NearestNeighbors { .. } => updates,
        Before::Buckets { size } => updates.div_ceil(u32::from(size).max(1)),
    }
}

/// What happens before the rule, for `updates` accepted updates: mixing bears fewer than half of them.
pub fn before(before: Before, updates: u32) -> Before {
    match before {
        Before::NearestNeighbors { hostile } => {
            Before::NearestNeighbors { hostile: at_most(hostile, updates.saturating_sub(1) / 2) }
        }
        other => other,
    }
}

/// The rule for as many updates as [`entering`] says: among fewer than three there is no majority, and the rules that look for one are
/// the mean.
pub fn rule(rule: Rule, entering: u32) -> Rule {
    let crowd = entering.saturating_sub(3);
    match rule {
        Rule::Krum { .. } | Rule::MultiKrum { .. } | Rule::Bulyan { .. } if entering < 3 => {
            Rule::Mean
        }
        Rule::Krum { hostile } => Rule::Krum { hostile: at_most(hostile, crowd / 2) },
        Rule::MultiKrum { hostile, kept } => {
            let hostile = at_most(hostile, crowd / 2);
            let honest = entering.saturating_sub(hostile.into());
            Rule::MultiKrum { hostile, kept: at_most(kept, honest) }
        }
        Rule::Bulyan { hostile } => Rule::Bulyan { hostile: at_most(hostile, crowd / 4) },
        Rule::Mean
        | Rule::TrimmedMean { .. }
        | Rule::Median
        | Rule::GeometricMedian { .. }
        | Rule::CenteredClipping { .. } => rule,
    }
}

/// How many values a trimmed mean drops at each end, of `values`: rounded down. Fewer than all are dropped, as `trim` is below one
/// half.
pub fn trimmed(trim: Ppm, values: u32) -> u32 {
    let dropped = u64::from(values) * u64::from(trim) / u64::from(MILLION);
    u32::try_from(dropped).unwrap_or(u32::MAX)
}

/// A length in millionths as a whole number of units of `2^-fraction_bits`, in which updates are counted: rounded down.
pub fn units(length: Millionths, fraction_bits: u8) -> u64 {
    // Below 2^(32 + 30): no specification has more bits than 30.
    (u64::from(length) << fraction_bits.min(30)) / u64::from(MILLION)
}

fn at_most(wanted: u16, bound: u32) -> u16 {
    wanted.min(u16::try_from(bound).unwrap_or(u16::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_a_rule_bears_always_fits_and_is_never_more_than_was_asked_for(
            updates in 1..300_u32, hostile: u16, kept in 1..u16::MAX,
        ) {
            match rule(Rule::Krum { hostile }, updates) {
                Rule::Krum { hostile: f } => {
                    prop_assert!(f <= hostile && updates >= 2 * u32::from(f) + 3);
                    prop_assert!(f == hostile || updates < 2 * u32::from(f) + 5, "it could bear more");
                }
                other => prop_assert!(other == Rule::Mean && updates < 3),
            }
            match rule(Rule::MultiKrum { hostile, kept }, updates) {
                Rule::MultiKrum { hostile: f, kept: k } => {
                    prop_assert!(f <= hostile && updates >= 2 * u32::from(f) + 3);
                    prop_assert!((1..=kept).contains(&k) && u32::from(f) + u32::from(k) <= updates);
                }
                other => prop_assert!(other == Rule::Mean && updates < 3),
            }
            match rule(Rule::Bulyan { hostile }, updates) {
                Rule::Bulyan { hostile: f } => {
                    prop_assert!(f <= hostile && updates >= 4 * u32::from(f) + 3);
                }
                other => prop_assert!(other == Rule::Mean && updates < 3),
            }
            let Before::NearestNeighbors { hostile: f } =
                before(Before::NearestNeighbors { hostile }, updates)
            else {
                unreachable!()
            };
            prop_assert!(f <= hostile && 2 * u32::from(f) < updates);
        }

        #[test]
        fn trimming_drops_fewer_than_all(values in 1..100_000_u32, trim in 0..MILLION / 2) {
            prop_assert!(2 * trimmed(trim, values) < values);
        }
    }

    #[test]
    fn lengths_are_counted_in_units_of_an_update() {
        assert_eq!(units(1_000_000, 12), 4_096);
        assert_eq!(units(244, 12), 0, "less than a unit");
        assert_eq!(units(245, 12), 1);
        assert_eq!(units(u32::MAX, 30), (u64::from(u32::MAX) << 30) / 1_000_000);
    }

    #[test]
    fn a_full_round_gets_what_was_asked_for() {
        let all = [
            Rule::Krum { hostile: 2 },
            Rule::MultiKrum { hostile: 2, kept: 5 },
            Rule::TrimmedMean { trim: 100_000 },
        ];
        assert_eq!(all.map(|asked| rule(asked, 7)), all);
        assert_eq!(rule(Rule::Bulyan { hostile: 1 }, 7), Rule::Bulyan { hostile: 1 });
        assert_eq!(entering(Before::Buckets { size: 2 }, 7), 4);
        assert_eq!(entering(Before::NearestNeighbors { hostile: 3 }, 7), 7);
    }
}
