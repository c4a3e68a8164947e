//! Several runs from one file: lists of values, and seeds.

use std::{collections::BTreeSet, path::Path};

use sha2::{Digest, Sha256};
use toml::{Table, Value};

use crate::{RunFile, SimulateError, federation::hex};

/// Combinations of a sweep at most: more are a mistake in the file.
const MOST: usize = 10_000;

/// One run of a run file.
#[derive(Clone, Debug, PartialEq)]
pub struct Variant {
    /// What distinguishes it, but for the seed: `training.learning_rate=0.1`; empty without a sweep.
    pub label: String,
    /// The name of its folder within the run's; empty where there is one run only.
    pub folder: String,
    /// The file that it stands for, without lists.
    pub file: RunFile,
}

/// All runs of a run file: every combination of the values of `[sweep]` with every seed of `seeds`.
///
/// Fails as [`RunFile::from_toml`] does, and for a combination that makes no run.
pub fn variants(text: &str, path: &Path) -> Result<Vec<Variant>, SimulateError> {
    // Read as a whole first, as errors have lines then.
    let whole = RunFile::from_toml(text)?.named_after(path);
    let mut base: Table =
        text.parse().map_err(|error: toml::de::Error| SimulateError::Toml(error.to_string()))?;
    base.remove("sweep");
    base.remove("seeds");
    base.insert("name".to_owned(), Value::String(whole.name.clone()));
    let mut lists = Vec::new();
    collect(&whole.sweep, "", &mut lists)?;
    if lists.iter().any(|(name, _)| ["seed", "seeds", "name"].contains(&name.as_str())) {
        let problem = "seeds and names are no part of it: use `seeds = [1, 2, 3]` outside of it";
        return Err(SimulateError::field("sweep", problem));
    }
    if whole.seeds.iter().collect::<BTreeSet<_>>().len() < whole.seeds.len() {
        return Err(SimulateError::field("seeds", "one of them stands there twice"));
    }
    let mut count = whole.seeds.len().max(1);
    for (_, values) in &lists {
        count = count.saturating_mul(values.len());
    }
    if count > MOST {
        let problem = format!("{count} runs; at most {MOST} can be asked for at once");
        return Err(SimulateError::field("sweep", problem));
    }
    let mut combinations = vec![(String::new(), base)];
    for (name, values) in &lists {
        let mut longer = Vec::with_capacity(combinations.len() * values.len());
        for (label, table) in &combinations {
            for value in values {
                let mut table = table.clone();
                put(&mut table, name, value.clone())?;
                let space = if label.is_empty() { "" } else { " " };
                longer.push((format!("{label}{space}{name}={}", short(value)), table));
            }
        }
        combinations = longer;
    }
    let mut labels = BTreeSet::new();
    if let Some((label, _)) = combinations.iter().find(|(label, _)| !labels.insert(label)) {
        let problem = format!("the combination {label} comes twice: leave one value out");
        return Err(SimulateError::field("sweep", problem));
    }
    let seeds = if whole.seeds.is_empty() { vec![whole.seed] } else { whole.seeds.clone() };
    let mut all = Vec::with_capacity(count);
    for (label, table) in &combinations {
        let wrong =
            |problem: String| SimulateError::Combination { combination: label.clone(), problem };
        let file: RunFile = Value::Table(table.clone())
            .try_into()
            .map_err(|error: toml::de::Error| wrong(error.to_string()))?;
        for &seed in &seeds {
            let file = RunFile { seed, ..file.clone() };
            file.check().map_err(|error| wrong(error.to_string()))?;
            let folder = match (combinations.len(), seeds.len()) {
                (1, 1) => String::new(),
                (1, _) => format!("seed-{seed}"),
                (_, 1) => folder(label),
                _ => format!("{}-seed-{seed}", folder(label)),
            };
            all.push(Variant { label: label.clone(), folder, file });
        }
    }
    Ok(all)
}

/// The folder of a combination: its beginning, to be read, and a digest, so that it never is another's
/// when the lists change.
fn folder(label: &str) -> String {
    let plain = |letter: char| match letter.is_ascii_alphanumeric() || "._-".contains(letter) {
        true => letter,
        false => '-',
    };
    let start: String = label.chars().take(48).map(plain).collect();
    let digest = Sha256::digest(label.as_bytes());
    format!("{start}-{}", hex(digest.get(..4).unwrap_or_default()))
}

/// The lists of a table, under their dotted names.
fn collect(
    table: &Table,
    before: &str,
    lists: &mut Vec<(String, Vec<Value>)>,
) -> Result<(), SimulateError> {
    for (name, value) in table {
        let name = match before {
            "" => name.clone(),
            before => format!("{before}.{name}"),
        };
        match value {
            Value::Table(inner) => collect(inner, &name, lists)?,
            Value::Array(values) if !values.is_empty() => lists.push((name, values.clone())),
            _ => {
                let problem = format!("{name}: give a list of values, such as [0.1, 0.01]");
                return Err(SimulateError::field("sweep", problem));
            }
        }
    }
    Ok(())
}

/// Puts a value at a dotted name, in tables that are made where they are missing.
fn put(table: &mut Table, name: &str, value: Value) -> Result<(), SimulateError> {
    match name.split_once('.') {
        None => {
            table.insert(name.to_owned(), value);
            Ok(())
        }
        Some((first, rest)) => {
            let inner = table.entry(first).or_insert_with(|| Value::Table(Table::new()));
            match inner {
                Value::Table(inner) => put(inner, rest, value),
                _ => Err(SimulateError::field("sweep", format!("{name}: `{first}` is no table"))),
            }
        }
    }
}

/// A value on one line.
fn short(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Table(table) => {
            let inner = table.iter().map(|(name, value)| format!("{name}={}", short(value)));
            format!("{{{}}}", inner.collect::<Vec<_>>().join(","))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const BASE: &str = "clients = 10\nrounds = 2\nseed = 5\n";
    const REST: &str = "[model]\nname = \"mlp\"\n[data]\nfile = \"digits\"\n[training]\nepochs = 1\n\
                        batch_size = 16\nlearning_rate = 0.1\noptimizer = \"sgd\"\n";

    fn all(more: &str, sweep: &str) -> Result<Vec<Variant>, SimulateError> {
        variants(&format!("{BASE}{more}{REST}{sweep}"), Path::new("here/try.toml"))
    }

    #[test]
    fn a_file_without_lists_is_one_run() {
        let one = all("", "").unwrap();
        assert_eq!(one.len(), 1);
        assert_eq!((one[0].label.as_str(), one[0].folder.as_str()), ("", ""));
        assert_eq!((one[0].file.seed, one[0].file.name.as_str()), (5, "try"));
    }

    #[test]
    fn lists_and_seeds_give_every_combination() {
        let sweep = "[sweep]\ntraining.learning_rate = [0.1, 0.01]\n\"aggregation.rule\" = \
                     [\"mean\", { trimmed_mean = { k = 1 } }]\n";
        let found = all("seeds = [1, 2, 3]\n", sweep).unwrap();
        assert_eq!(found.len(), 12);
        let mut folders: Vec<&str> = found.iter().map(|variant| variant.folder.as_str()).collect();
        folders.sort_unstable();
        folders.dedup();
        assert_eq!(folders.len(), 12);
        assert!(found.iter().all(|variant| variant.file.sweep.is_empty()));
        let last = found
            .iter()
            .find(|variant| {
                variant.label.contains("trimmed_mean={k=1}")
                    && variant.label.contains("training.learning_rate=0.01")
                    && variant.file.seed == 3
            })
            .unwrap();
        assert_eq!(last.file.training.learning_rate, 0.01);
        let rule = decentralml_learning::Rule::TrimmedMean { k: 1 };
        assert_eq!(last.file.aggregation.rule, rule);
    }

    #[test]
    fn a_combination_keeps_its_folder_when_the_lists_change() {
        let one = all("", "[sweep]\ntraining.learning_rate = [0.1, 0.01]\n").unwrap();
        let other = all("", "[sweep]\ntraining.learning_rate = [0.05, 0.01]\n").unwrap();
        assert_eq!(one[1].folder, other[1].folder);
        assert_ne!(one[0].folder, other[0].folder);
        assert!(one[1].folder.starts_with("training.learning_rate-0.01-"), "{}", one[1].folder);
    }

    #[test]
    fn seeds_names_and_what_comes_twice_are_refused() {
        for (more, sweep, expected) in [
            ("", "[sweep]\nseed = [1, 2]\n", "use `seeds = [1, 2, 3]`"),
            ("", "[sweep]\nseeds = [[1], [2]]\n", "use `seeds = [1, 2, 3]`"),
            ("", "[sweep]\nname = [\"a\", \"b\"]\n", "names are no part of it"),
            ("", "[sweep]\nrounds = [1, 2, 1]\n", "rounds=1 comes twice"),
            ("seeds = [1, 1]\n", "", "`seeds`"),
        ] {
            let error = all(more, sweep).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn combinations_that_make_no_run_are_named() {
        let error = all("", "[sweep]\nclients_per_round = [5, 50]\n").unwrap_err().to_string();
        assert!(error.contains("clients_per_round=50") && error.contains("50 of 10"), "{error}");
        let error = all("", "[sweep]\ntraining.rate = [1]\n").unwrap_err().to_string();
        assert!(error.contains("training.rate=1") && error.contains("unknown field"), "{error}");
        let error = all("", "[sweep]\nrounds = 3\n").unwrap_err().to_string();
        assert!(error.contains("give a list"), "{error}");
    }
}
