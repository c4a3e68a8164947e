//! The form of the files under `runtime/src/weights/`.

use crate::{
    measure::{Accesses, Line, Time},
    proof::Proof,
    runtime::Benchmark,
};
use std::fmt::{self, Write};

/// Pallets of the SDK without a trait for weights that fits: `runtime/src/configs/` takes these functions one by one.
const WITHOUT_TRAIT: [&str; 2] = ["pallet_babe", "pallet_grandpa"];

/// All that is known of a call.
pub struct Weight {
    pub benchmark: Benchmark,
    pub time: Time,
    pub accesses: Accesses,
    pub proof: Proof,
}

/// The file of a pallet; rustfmt has not seen it. `how` says when, where and how thoroughly it was measured.
pub fn file(pallet: &str, how: &str, weights: &[Weight]) -> Result<String, fmt::Error> {
    let mut out = String::new();
    let (of, visibility) = match WITHOUT_TRAIT.contains(&pallet) {
        true => (String::new(), "pub "),
        false => (format!("::{pallet}::WeightInfo for "), ""),
    };
    writeln!(
        out,
        "//! What the benchmarks of `{pallet}` have measured. Made by `scripts/weights.sh`: changes by hand will be lost.
//!
//! {how}.

#![allow(unused_imports, reason = \"where no benchmark touches a row\")]

use core::marker::PhantomData;
use frame_support::{{traits::Get, weights::Weight}};

/// Measured weights, counted with the costs of the runtime's database.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> {of}WeightInfo<T> {{"
    )?;
    for weight in weights {
        function(&mut out, visibility, weight)?;
    }
    writeln!(out, "}}")?;
    Ok(out)
}

fn function(out: &mut String, visibility: &str, weight: &Weight) -> fmt::Result {
    let Weight { benchmark, time, accesses, proof } = weight;
    for comment in &proof.comments {
        writeln!(out, "    // {comment}")?;
    }
    for (name, low, high) in &benchmark.ranges {
        writeln!(out, "    /// `{name}` is {low} to {high}.")?;
    }
    let lines = [&time.line, &accesses.reads, &accesses.writes, &proof.size];
    let arguments = benchmark.ranges.iter().map(|(name, ..)| {
        let name = name.to_string();
        let used = lines.iter().any(|line| line.slopes.contains_key(&name));
        format!("{}{name}: u32", if used { "" } else { "_" })
    });
    let arguments = arguments.collect::<Vec<_>>().join(", ");
    writeln!(out, "    /// Took {} ns at least.", digits(time.least))?;
    writeln!(out, "    {visibility}fn {}({arguments}) -> Weight {{", benchmark.name)?;
    writeln!(out, "Weight::from_parts({}, {})", digits(time.line.base), proof.size.base)?;
    for (name, slope) in &time.line.slopes {
        let error = time.errors.get(name).copied().unwrap_or(0);
        writeln!(out, "// Standard error: {}.", digits(error))?;
        writeln!(out, ".saturating_add({})", grows(&format!("{}, 0", digits(*slope)), name))?;
    }
    for (access, line) in [("reads", &accesses.reads), ("writes", &accesses.writes)] {
        accessed(out, access, line)?;
    }
    for (name, slope) in &proof.size.slopes {
        writeln!(out, ".saturating_add({})", grows(&format!("0, {slope}"), name))?;
    }
    writeln!(out, "    }}")
}

/// What [`crate::committed`] reads again.
fn accessed(out: &mut String, access: &str, line: &Line) -> fmt::Result {
    if line.base != 0 {
        writeln!(out, ".saturating_add(T::DbWeight::get().{access}({}))", line.base)?;
    }
    for (name, slope) in &line.slopes {
        writeln!(
            out,
            ".saturating_add(T::DbWeight::get().{access}({slope}_u64.saturating_mul({name}.into())))"
        )?;
    }
    Ok(())
}

fn grows(parts: &str, name: &str) -> String {
    format!("Weight::from_parts({parts}).saturating_mul({name}.into())")
}

/// In groups of three, as Rust writes large numbers.
fn digits(number: u64) -> String {
    let plain = number.to_string();
    let mut out = String::new();
    for (at, digit) in plain.char_indices() {
        if at > 0 && (plain.len() - at).is_multiple_of(3) {
            out.push('_');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::committed;
    use frame_benchmarking::BenchmarkParameter;

    fn line(base: u64, slope: u64) -> Line {
        Line { base, slopes: [("n".to_owned(), slope)].into() }
    }

    fn weight(name: &str, accesses: Accesses) -> Weight {
        Weight {
            benchmark: Benchmark {
                pallet: "pallet_tasks".to_owned(),
                instance: String::new(),
                name: name.to_owned(),
                ranges: vec![(BenchmarkParameter::n, 1, 256)],
            },
            time: Time { line: line(1_234_567, 89), errors: [].into(), least: 1_234 },
            accesses,
            proof: Proof {
                comments: vec!["Storage: `A::B` (r:1 w:1)".to_owned()],
                size: line(3, 4),
            },
        }
    }

    #[test]
    fn what_is_written_can_be_read_again() {
        let both = Accesses { reads: line(6_000, 1), writes: line(0, 2) };
        let none = Accesses::default();
        let weights = [weight("reap", both.clone()), weight("fund", none.clone())];
        for pallet in ["pallet_tasks", "pallet_babe"] {
            let text = file(pallet, "today", &weights).unwrap();
            let read = committed::accesses(&text).unwrap();
            assert_eq!(read["reap"], both);
            assert_eq!(read["fund"], none);
            assert_eq!(read.len(), 2);
        }
    }

    #[test]
    fn a_size_that_nothing_depends_on_is_not_used() {
        let used = weight("fund", Accesses::default());
        assert!(file("pallet_tasks", "", &[used]).unwrap().contains("(n: u32)"));
        let mut unused = weight("fund", Accesses::default());
        unused.time.line.slopes.clear();
        unused.proof.size.slopes.clear();
        assert!(file("pallet_tasks", "", &[unused]).unwrap().contains("(_n: u32)"));
    }

    #[test]
    fn digits_stand_in_groups_of_three() {
        assert_eq!([1, 999, 1_000, 1_234_567].map(digits), ["1", "999", "1_000", "1_234_567"]);
    }
}
