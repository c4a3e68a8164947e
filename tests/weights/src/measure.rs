//! What a benchmark is run with, and what its runs come to.

use crate::runtime::{Benchmark, Point, Runtime};
use anyhow::{Context, Result, ensure};
use frame_benchmarking::{
    Analysis, BenchmarkParameter, BenchmarkResult, BenchmarkSelector as Selector,
};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// How thoroughly times are taken.
pub struct Effort {
    pub steps: u32,
    /// Runs at each point, of which there are more until the time is over.
    pub repeat: u32,
    pub at_least: Duration,
}

/// A number that grows with what varies. A slope of zero has no entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    pub base: u64,
    pub slopes: BTreeMap<String, u64>,
}

/// How often a call reads and writes rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accesses {
    pub reads: Line,
    pub writes: Line,
}

/// Picoseconds, and what is said about them.
pub struct Time {
    pub line: Line,
    /// The standard errors of the slopes.
    pub errors: BTreeMap<String, u64>,
    /// Nanoseconds of the quickest run.
    pub least: u64,
}

impl Line {
    /// The line through what a benchmark has counted, and above all of it: a slope below one for each unit is rounded, and worst cases
    /// must not be.
    pub fn above(results: &[BenchmarkResult], selector: Selector) -> Result<Self> {
        let mut line = Self::through(&analysis(results, selector)?)?;
        let missing = results
            .iter()
            .map(|result| value(result, selector).saturating_sub(line.at(&result.components)))
            .max();
        line.base = line.base.saturating_add(missing.unwrap_or(0));
        Ok(line)
    }

    /// The line that fits best.
    pub fn through(analysis: &Analysis) -> Result<Self> {
        let slopes = analysis.names.iter().zip(&analysis.slopes).filter(|(_, slope)| **slope != 0);
        Ok(Self {
            base: number(analysis.base)?,
            slopes: slopes
                .map(|(name, slope)| Ok((name.clone(), number(*slope)?)))
                .collect::<Result<_>>()?,
        })
    }

    fn at(&self, point: &[(BenchmarkParameter, u32)]) -> u64 {
        point.iter().fold(self.base, |sum, (name, size)| {
            let slope = self.slopes.get(&name.to_string()).copied().unwrap_or(0);
            sum.saturating_add(slope.saturating_mul(u64::from(*size)))
        })
    }
}

impl Accesses {
    pub fn counted(results: &[BenchmarkResult]) -> Result<Self> {
        Ok(Self {
            reads: Line::above(results, Selector::Reads)?,
            writes: Line::above(results, Selector::Writes)?,
        })
    }
}

impl Time {
    pub fn taken(results: &[BenchmarkResult]) -> Result<Self> {
        let analysis = analysis(results, Selector::ExtrinsicTime)?;
        let errors = analysis.errors.clone().unwrap_or_default();
        Ok(Self {
            line: Line::through(&analysis)?,
            errors: analysis
                .names
                .iter()
                .zip(errors)
                .map(|(name, error)| Ok((name.clone(), number(error)?)))
                .collect::<Result<_>>()?,
            least: number(analysis.minimum)?,
        })
    }
}

/// Verifies a benchmark and counts what it reads and writes, at each point.
pub fn count(runtime: &Runtime, benchmark: &Benchmark, steps: u32) -> Result<Vec<BenchmarkResult>> {
    let mut results = Vec::new();
    for point in points(&benchmark.ranges, steps) {
        runtime.verify(benchmark, &point)?;
        results.extend(runtime.count(benchmark, &point)?);
    }
    ensure!(!results.is_empty(), "it is skipped, and nothing is known of it");
    Ok(results)
}

/// Takes the time of a benchmark.
pub fn time(
    runtime: &Runtime,
    benchmark: &Benchmark,
    effort: &Effort,
) -> Result<Vec<BenchmarkResult>> {
    let points = points(&benchmark.ranges, effort.steps);
    let start = Instant::now();
    let mut results = Vec::new();
    loop {
        for point in &points {
            results.extend(runtime.time(benchmark, point, effort.repeat)?);
        }
        if start.elapsed() >= effort.at_least {
            return Ok(results);
        }
    }
}

/// Each size from its least to its largest value, where all others are at their largest.
fn points(ranges: &[(BenchmarkParameter, u32, u32)], steps: u32) -> Vec<Point> {
    if ranges.is_empty() {
        return vec![Point::new()];
    }
    let last = u64::from(steps.max(2)) - 1;
    let mut points = Vec::new();
    for (varied, low, high) in ranges {
        for step in 0..=last {
            let above = u64::from(high.saturating_sub(*low)) * step / last;
            let value = low.saturating_add(u32::try_from(above).unwrap_or(u32::MAX));
            let size = |(name, _, high): &(BenchmarkParameter, u32, u32)| {
                (*name, if name == varied { value } else { *high })
            };
            points.push(ranges.iter().map(size).collect());
        }
    }
    // A range shorter than the steps has values more than once.
    points.dedup();
    points
}

/// Least squares, as the SDK's own tools use them.
pub fn analysis(results: &[BenchmarkResult], selector: Selector) -> Result<Analysis> {
    Analysis::min_squares_iqr(&results.to_vec(), selector).context("no line fits what was measured")
}

fn value(result: &BenchmarkResult, selector: Selector) -> u64 {
    match selector {
        Selector::Reads => result.reads.into(),
        Selector::Writes => result.writes.into(),
        Selector::ProofSize => result.proof_size.into(),
        Selector::ExtrinsicTime => u64::try_from(result.extrinsic_time).unwrap_or(u64::MAX),
        Selector::StorageRootTime => u64::try_from(result.storage_root_time).unwrap_or(u64::MAX),
    }
}

fn number(value: u128) -> Result<u64> {
    u64::try_from(value).context("a measured number is too large")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use BenchmarkParameter::{n, s};

    fn result(size: u32, reads: u32) -> BenchmarkResult {
        BenchmarkResult { components: vec![(n, size)], reads, ..Default::default() }
    }

    #[test]
    fn each_size_goes_from_end_to_end_while_the_others_are_at_their_largest() {
        assert_eq!(points(&[], 50), [vec![]]);
        assert_eq!(
            points(&[(n, 1, 9), (s, 0, 2)], 3),
            [[1, 2], [5, 2], [9, 2], [9, 0], [9, 1], [9, 2]].map(|[a, b]| vec![(n, a), (s, b)])
        );
        assert_eq!(points(&[(n, 0, 1)], 50), [vec![(n, 0)], vec![(n, 1)]]);
        assert_eq!(points(&[(n, 0, u32::MAX)], 2).len(), 2);
    }

    #[test]
    fn a_straight_count_is_its_own_line() {
        let results: Vec<_> = (1..=50).map(|size| result(size, 6 + 3 * size)).collect();
        let line = Line::above(&results, Selector::Reads).unwrap();
        assert_eq!(line, Line { base: 6, slopes: [("n".to_owned(), 3)].into() });
        let line = Line::above(&[result(0, 7), result(1, 7)], Selector::Reads).unwrap();
        assert_eq!(line, Line { base: 7, slopes: BTreeMap::new() });
    }

    #[test]
    fn no_count_is_above_its_line_where_the_slope_is_rounded_away() {
        let results: Vec<_> = (0..=40).map(|size| result(size, size.div_ceil(4))).collect();
        let line = Line::above(&results, Selector::Reads).unwrap();
        assert_eq!(line, Line { base: 10, slopes: BTreeMap::new() });
    }
}
