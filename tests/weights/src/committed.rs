//! What a committed file of weights says about reads and writes, and about the rows that are touched.

use crate::{
    compare::{Bounds, Call},
    measure::{Accesses, Line},
    proof::bound,
};
use anyhow::{Context, Result, anyhow, bail, ensure};
use std::{collections::BTreeMap, mem::take};

/// All that is said of each function of a file, by name.
pub fn calls(text: &str) -> Result<BTreeMap<String, Call>> {
    let mut bounds = bounds(text);
    let calls = accesses(text)?.into_iter().map(|(name, accesses)| {
        let bounds = bounds.remove(&name).unwrap_or_default();
        (name, Call { accesses, bounds })
    });
    Ok(calls.collect())
}

/// The rows that each function touches and their bounds, from the comments above it.
fn bounds(text: &str) -> BTreeMap<String, Bounds> {
    let mut functions = BTreeMap::new();
    let mut above = Bounds::new();
    for line in text.lines().map(str::trim) {
        if let Some(comment) = line.strip_prefix("//") {
            above.extend(bound(comment.trim()));
        } else if let Some((_, function)) = line.split_once("fn ") {
            let name = function.split('(').next().unwrap_or_default();
            functions.insert(name.trim().to_owned(), take(&mut above));
        }
    }
    functions
}

/// The accesses of each function of a file, by name. Lines break where rustfmt likes it, so only what is no space counts; and
/// whatever is not in the form that is written here is an error, not a zero.
pub fn accesses(text: &str) -> Result<BTreeMap<String, Accesses>> {
    let code: String = text
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .flat_map(|line| line.split_whitespace())
        .collect::<Vec<_>>()
        .join(" ");
    let mut functions = BTreeMap::new();
    for function in code.split("fn ").skip(1) {
        let (name, rest) = function.split_once('(').context("a function has no arguments")?;
        let name = name.trim().to_owned();
        let body: String = rest.split_whitespace().collect();
        let accesses = Accesses {
            reads: line(&body, "reads").with_context(|| format!("reads of {name}"))?,
            writes: line(&body, "writes").with_context(|| format!("writes of {name}"))?,
        };
        ensure!(functions.insert(name.clone(), accesses).is_none(), "{name} is there twice");
    }
    Ok(functions)
}

/// All `.reads(…)` of a function without spaces: `N`, or `N_u64.saturating_mul(SIZE.into())`.
fn line(body: &str, access: &str) -> Result<Line> {
    let mut line = Line::default();
    let mut base = None;
    ensure!(
        body.matches(&format!("{access}(")).count()
            == body.matches(&format!("T::DbWeight::get().{access}(")).count(),
        "an access that is not of T::DbWeight"
    );
    for argument in body.split(&format!("T::DbWeight::get().{access}(")).skip(1) {
        let argument = inside(argument)?;
        let unreadable = || anyhow!("{argument} is in no form that scripts/weights.sh writes");
        match argument.split_once("_u64.saturating_mul(") {
            None => {
                let number = argument.replace('_', "").parse().map_err(|_| unreadable())?;
                ensure!(base.replace(number).is_none(), "two numbers without a size");
            }
            Some((slope, size)) => {
                let slope = slope.replace('_', "").parse().map_err(|_| unreadable())?;
                let size = size.strip_suffix(".into())").ok_or_else(unreadable)?;
                ensure!(
                    line.slopes.insert(size.to_owned(), slope).is_none(),
                    "two numbers for each {size}"
                );
            }
        }
    }
    line.base = base.unwrap_or(0);
    line.slopes.retain(|_, slope| *slope != 0);
    Ok(line)
}

/// What stands before the parenthesis that closes one that was opened before.
fn inside(text: &str) -> Result<&str> {
    let mut open = 0_usize;
    for (at, sign) in text.char_indices() {
        match sign {
            '(' => open += 1,
            ')' if open == 0 => return Ok(&text[..at]),
            ')' => open -= 1,
            _ => {}
        }
    }
    bail!("a parenthesis is not closed")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn function(body: &str) -> Result<Accesses> {
        let text = format!(
            "impl A for B {{ /// Took 1 ns. fn reads(.\n fn call(n: u32) -> Weight {{ {body} }} }}"
        );
        accesses(&text).map(|mut all| all.remove("call").unwrap())
    }

    #[test]
    fn lines_may_break_anywhere_and_comments_say_nothing() {
        let read = function(
            "Weight::from_parts(1_000, 42) // .saturating_add(T::DbWeight::get().reads(9))
                .saturating_add(T::DbWeight::get()
                    .reads(1_024))
                .saturating_add(
                    T::DbWeight::get().reads(2_u64.saturating_mul(n.into())),
                )
                .saturating_add(T::DbWeight::get().writes(3_u64.saturating_mul(n.into())))",
        )
        .unwrap();
        let reads = Line { base: 1_024, slopes: [("n".to_owned(), 2)].into() };
        let writes = Line { base: 0, slopes: [("n".to_owned(), 3)].into() };
        assert_eq!(read, Accesses { reads, writes });
    }

    #[test]
    fn the_rows_of_a_function_stand_above_it() {
        let text = "// Storage: `A::B` (r:1 w:1)
            // Proof: `A::B` (`max_values`: None, `max_size`: Some(3), added: 4, mode: `MaxEncodedLen`)
            /// Took 1 ns at least.
            pub fn one(
                n: u32) -> Weight { // Proof: of nothing.
            }
            fn two() -> Weight {}";
        let calls = calls(text).unwrap();
        let bound = "`max_values`: None, `max_size`: Some(3), added: 4, mode: `MaxEncodedLen`";
        assert_eq!(calls["one"].bounds, [("A::B".to_owned(), bound.to_owned())].into());
        assert!(calls["two"].bounds.is_empty());
    }

    #[test]
    fn a_number_in_another_form_is_an_error_and_no_zero() {
        for body in [
            "T::DbWeight::get().reads(READS)",
            "T::DbWeight::get().reads(n.into())",
            "T::DbWeight::get().reads(1_u64.saturating_mul(n))",
            "T::DbWeight::get().reads(1",
            "T::DbWeight::get().reads(1).saturating_add(T::DbWeight::get().reads(2))",
            "RocksDbWeight::get().writes(1)",
            "T::DbWeight::get().reads_writes(1, 1)",
        ] {
            function(body).unwrap_err();
        }
    }
}
