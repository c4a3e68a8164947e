//! Holds what a committed file says of a pallet's calls against what its benchmarks have counted.

use crate::measure::{Accesses, Line};
use std::collections::{BTreeMap, BTreeSet};

/// What bounds the rows that a call touches, by their names.
pub type Bounds = BTreeMap<String, String>;

/// What a file says of a call, or its benchmark has counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Call {
    pub accesses: Accesses,
    pub bounds: Bounds,
}

type Calls = BTreeMap<String, Call>;

/// One line for each number that is not the same, and for each call that only one of both knows.
pub fn differences(pallet: &str, committed: &Calls, counted: &Calls) -> Vec<String> {
    let calls: BTreeSet<&String> = committed.keys().chain(counted.keys()).collect();
    let mut lines = Vec::new();
    for call in calls {
        let name = format!("{pallet}::{call}");
        match (committed.get(call), counted.get(call)) {
            (Some(committed), Some(counted)) => {
                let (file, here) = (&committed.accesses, &counted.accesses);
                compare(&name, "reads", &file.reads, &here.reads, &mut lines);
                compare(&name, "writes", &file.writes, &here.writes, &mut lines);
                rows(&name, &committed.bounds, &counted.bounds, &mut lines);
            }
            (Some(_), None) => lines.push(format!("{name}: it has no benchmark")),
            (None, _) => lines.push(format!("{name}: it is not in the file")),
        }
    }
    lines
}

fn compare(name: &str, access: &str, committed: &Line, counted: &Line, lines: &mut Vec<String>) {
    let mut note = |what: &str, file: u64, here: u64| {
        if file != here {
            lines.push(format!("{name}: {access}{what}: {file} in the file, {here} counted"));
        }
    };
    note("", committed.base, counted.base);
    let sizes: BTreeSet<&String> = committed.slopes.keys().chain(counted.slopes.keys()).collect();
    for size in sizes {
        let slope = |line: &Line| line.slopes.get(size).copied().unwrap_or(0);
        note(&format!(" for each {size}"), slope(committed), slope(counted));
    }
}

/// Rows that have become larger or smaller since, from which the proof is computed, and rows that only one of both knows.
fn rows(name: &str, committed: &Bounds, counted: &Bounds, lines: &mut Vec<String>) {
    let all: BTreeSet<&String> = committed.keys().chain(counted.keys()).collect();
    for row in all {
        let [file, here] = [committed, counted]
            .map(|bounds| bounds.get(row).map_or("not touched", |bound| bound.as_str()));
        if file != here {
            lines.push(format!("{name}: {row}: {file} in the file, {here} counted"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(reads: (u64, u64), writes: (u64, u64)) -> Call {
        let line = |(base, slope)| Line {
            base,
            slopes: if slope == 0 { BTreeMap::new() } else { [("n".to_owned(), slope)].into() },
        };
        let accesses = Accesses { reads: line(reads), writes: line(writes) };
        Call { accesses, bounds: Bounds::new() }
    }

    fn found(committed: &[(&str, Call)], counted: &[(&str, Call)]) -> Vec<String> {
        let calls = |calls: &[(&str, Call)]| {
            calls.iter().map(|(name, call)| ((*name).to_owned(), call.clone())).collect()
        };
        differences("pallet_tasks", &calls(committed), &calls(counted))
    }

    #[test]
    fn what_is_equal_is_no_difference() {
        let reap = call((6, 1), (5, 1));
        assert!(found(&[("reap", reap.clone())], &[("reap", reap)]).is_empty());
    }

    #[test]
    fn a_read_too_many_is_named_with_both_numbers() {
        assert_eq!(
            found(&[("fund", call((2, 0), (2, 0)))], &[("fund", call((3, 0), (2, 0)))]),
            ["pallet_tasks::fund: reads: 2 in the file, 3 counted"]
        );
    }

    #[test]
    fn a_size_that_costs_more_or_is_new_or_gone_is_named() {
        assert_eq!(
            found(&[("reap", call((6, 1), (5, 0)))], &[("reap", call((6, 2), (5, 1)))]),
            [
                "pallet_tasks::reap: reads for each n: 1 in the file, 2 counted",
                "pallet_tasks::reap: writes for each n: 0 in the file, 1 counted"
            ]
        );
        assert_eq!(
            found(&[("reap", call((6, 1), (5, 0)))], &[("reap", call((6, 0), (5, 0)))]),
            ["pallet_tasks::reap: reads for each n: 1 in the file, 0 counted"]
        );
    }

    #[test]
    fn a_row_that_has_grown_or_that_one_of_both_does_not_know_is_named() {
        let touches = |rows: &[(&str, u32)]| {
            let bound =
                |(row, size): &(&str, u32)| ((*row).to_owned(), format!("max_size: {size}"));
            Call { bounds: rows.iter().map(bound).collect(), ..call((1, 0), (1, 0)) }
        };
        let committed = touches(&[("Tasks::Tasks", 739), ("Tasks::Owed", 60)]);
        let counted = touches(&[("Tasks::Tasks", 745), ("Tasks::Rounds", 90)]);
        assert_eq!(
            found(&[("fund", committed.clone())], &[("fund", counted)]),
            [
                "pallet_tasks::fund: Tasks::Owed: max_size: 60 in the file, not touched counted",
                "pallet_tasks::fund: Tasks::Rounds: not touched in the file, max_size: 90 counted",
                "pallet_tasks::fund: Tasks::Tasks: max_size: 739 in the file, max_size: 745 counted",
            ]
        );
        assert!(found(&[("fund", committed.clone())], &[("fund", committed)]).is_empty());
    }

    #[test]
    fn a_call_without_a_benchmark_or_without_a_weight_is_named() {
        let same = call((1, 0), (1, 0));
        assert_eq!(
            found(&[("fund", same.clone())], &[("create", same)]),
            [
                "pallet_tasks::create: it is not in the file",
                "pallet_tasks::fund: it has no benchmark"
            ]
        );
    }
}
