//! `decentralml data inspect`.

use super::DataOpts;
use crate::{
    exit::{Kind, problem},
    output::{Out, pairs},
    task_file::read_model,
};
use clap::Args;
use color_eyre::Result;
use decentralml_learning::{
    Dataset, ModelSpec,
    data::{BadRows, Format, digits},
    model::READY,
};
use serde::Serialize;
use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
};

/// Bars of the histogram of values.
const BINS: usize = 10;
/// Characters of the longest bar.
const BAR: usize = 40;
/// Classes that people are shown; JSON has all.
const SHOWN: usize = 30;

/// Show what a data set has: format, shape, classes, a histogram of its values, and what would go wrong with it. Says where a file
/// is wrong.
#[derive(Args, Debug)]
pub struct Opts {
    /// The file or folder; the same as --data.
    #[arg(conflicts_with = "data")]
    path: Option<PathBuf>,
    /// Say whether the rows suit this model: a file of layers (TOML or JSON), or the name of a ready one.
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    #[command(flatten)]
    data: DataOpts,
}

#[derive(Serialize)]
struct Shape {
    /// None for the embedded rows.
    format: Option<Format>,
    rows: usize,
    features: usize,
    /// Of one row.
    shape: Vec<usize>,
    classes: usize,
    /// Empty where the classes are only numbered.
    class_names: Vec<String>,
    rows_per_class: Vec<usize>,
    /// To predict per row; 0 where rows have labels.
    quantities: usize,
    /// Which rows belong together: so many.
    groups: usize,
    smallest: f32,
    largest: f32,
    mean: f64,
    deviation: f64,
    histogram: Vec<Bin>,
    /// Rows that could not be used, and were left out.
    left_out: usize,
    left_out_first: Vec<String>,
    /// What would go wrong in training.
    problems: Vec<String>,
}

/// Values from `from` up to the next bin's, the last with its end.
#[derive(Serialize)]
struct Bin {
    from: f32,
    count: usize,
}

impl Shape {
    fn of(data: &Dataset, format: Option<Format>, bad: &BadRows) -> Self {
        let features = data.features();
        let count = features.len().max(1) as f64;
        let mean = features.iter().map(|&feature| f64::from(feature)).sum::<f64>() / count;
        let squares = features.iter().map(|&feature| (f64::from(feature) - mean).powi(2));
        let smallest = features.iter().copied().fold(f32::INFINITY, f32::min);
        let largest = features.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let groups: HashSet<u32> = data.groups().iter().copied().collect();
        Self {
            format,
            rows: data.rows(),
            features: data.columns(),
            shape: data.shape().to_vec(),
            classes: data.classes(),
            class_names: data.names().to_vec(),
            rows_per_class: data.class_counts(),
            quantities: data.quantities(),
            groups: groups.len(),
            smallest,
            largest,
            mean,
            deviation: (squares.sum::<f64>() / count).sqrt(),
            histogram: histogram(features, smallest, largest),
            left_out: bad.count(),
            left_out_first: bad.messages().to_vec(),
            problems: problems(data, largest.abs().max(smallest.abs()), format),
        }
    }

    fn class(&self, class: usize) -> String {
        self.class_names.get(class).map_or_else(|| class.to_string(), |name| format!("{name:?}"))
    }

    fn people(&self) -> String {
        let sizes: Vec<String> = self.shape.iter().map(usize::to_string).collect();
        let mut rows = vec![
            ("rows", self.rows.to_string()),
            ("features", format!("{} a row, of shape [{}]", self.features, sizes.join(", "))),
            (
                "values",
                format!(
                    "{} to {}, mean {:.4}, deviation {:.4}",
                    self.smallest, self.largest, self.mean, self.deviation
                ),
            ),
        ];
        if let Some(format) = self.format {
            rows.insert(0, ("format", format!("{format:?}").to_uppercase()));
        }
        match self.quantities {
            0 => rows.push(("classes", self.classes.to_string())),
            quantities => rows.push(("quantities", quantities.to_string())),
        }
        if self.groups > 0 {
            rows.push(("groups", self.groups.to_string()));
        }
        if self.left_out > 0 {
            rows.push(("left out", format!("{} rows", self.left_out)));
        }
        let mut text = pairs(&rows);
        let bins = self.histogram.iter().map(|bin| (format!("{:.4}", bin.from), bin.count));
        text += &bars("values from", bins.collect());
        if self.quantities == 0 {
            let classes = self.rows_per_class.iter().enumerate().take(SHOWN);
            text += &bars(
                "rows per class",
                classes.map(|(class, &count)| (self.class(class), count)).collect(),
            );
            if self.classes > SHOWN {
                text += &format!("\n… and {} classes more; --json has all", self.classes - SHOWN);
            }
        }
        for message in self.left_out_first.iter().take(5) {
            text += &format!("\nleft out: {message}");
        }
        for problem in &self.problems {
            text += &format!("\nproblem: {problem}");
        }
        text
    }
}

/// A line for each number, with a bar beside it.
fn bars(title: &str, rows: Vec<(String, usize)>) -> String {
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let most = rows.iter().map(|(_, count)| *count).max().unwrap_or(0).max(1);
    let lines = rows.iter().map(|(name, count)| {
        let bar = "#".repeat((count * BAR).div_ceil(most));
        format!("\n  {name:>width$}  {bar} {count}")
    });
    format!("\n{title}{}", lines.collect::<String>())
}

/// How many values are in each of equal ranges.
fn histogram(features: &[f32], smallest: f32, largest: f32) -> Vec<Bin> {
    let width = (f64::from(largest) - f64::from(smallest)) / BINS as f64;
    let mut counts = [0; BINS];
    for &feature in features {
        let bin = match width > 0.0 {
            true => ((f64::from(feature) - f64::from(smallest)) / width) as usize,
            false => 0,
        };
        counts[bin.min(BINS - 1)] += 1;
    }
    let from = |bin: usize| (f64::from(smallest) + width * bin as f64) as f32;
    counts.into_iter().enumerate().map(|(bin, count)| Bin { from: from(bin), count }).collect()
}

/// What training would suffer from, with what to do.
fn problems(data: &Dataset, extreme: f32, format: Option<Format>) -> Vec<String> {
    let mut found = Vec::new();
    let counts = data.class_counts();
    let missing = counts.iter().filter(|&&count| count == 0).count();
    if missing > 0 && format != Some(Format::Text) {
        found.push(format!(
            "{missing} of {} classes have no rows: a model cannot learn them from these data",
            counts.len()
        ));
    }
    if data.quantities() == 0 && data.classes() == 1 {
        found.push("there is one class only: nothing is to be told apart".to_owned());
    }
    let most = counts.iter().copied().max().unwrap_or(0);
    if data.classes() > 1 && most * 10 > data.rows() * 9 {
        let share = 100.0 * most as f64 / data.rows() as f64;
        found.push(format!(
            "{share:.1} % of the rows have one label: look at balanced accuracy and F1, not at accuracy"
        ));
    }
    if format == Some(Format::Text) {
        return found;
    }
    if extreme > 20.0 {
        found.push(format!(
            "values reach {extreme}: training goes better near ±1; give --scale, or `normalize` in the model's `rows`"
        ));
    }
    let first = data.row(0).map_or(&[][..], |(row, _)| row);
    let rows = || data.features().chunks_exact(data.columns());
    let constant = (0..first.len())
        .filter(|&column| rows().all(|row| row.get(column) == first.get(column)))
        .count();
    if constant == data.columns() {
        found.push("all rows are equal: there is nothing to learn from".to_owned());
    } else if constant > 0 {
        found.push(format!("{constant} of {} features never change", data.columns()));
    }
    // Of 64 bits: two different rows are hardly ever taken for equal.
    let different: HashSet<u64> = rows()
        .map(|row| {
            let mut hasher = DefaultHasher::new();
            row.iter().for_each(|feature| feature.to_bits().hash(&mut hasher));
            hasher.finish()
        })
        .collect();
    let repeated = data.rows() - different.len();
    if repeated > 0 && constant < data.columns() {
        found.push(format!(
            "{repeated} rows repeat the features of another: between training and test they would flatter a model"
        ));
    }
    found
}

/// A model of a file, or a ready one.
fn model(name: &Path) -> Result<ModelSpec> {
    match name.to_str().filter(|name| READY.contains(name)) {
        Some(name) => Ok(ModelSpec::named(name, None, None)?),
        None => read_model(name),
    }
}

/// Reads all of it.
pub fn run(opts: Opts, out: &mut Out<'_>) -> Result<()> {
    let source = DataOpts { data: opts.path.or(opts.data.data), ..opts.data };
    if source.data.is_none() {
        return Err(problem(Kind::Usage, "name a file or a folder, or `digits`"));
    }
    let (data, format, bad) = match source.is_embedded() {
        true => (digits()?, None, BadRows::default()),
        false => {
            let read = source.read_file()?;
            (read.data, Some(read.format), read.bad)
        }
    };
    let mut shape = Shape::of(&data, format, &bad);
    if let Some(name) = &opts.model
        && let Err(error) = model(name)?.check_rows(&data)
    {
        shape.problems.push(format!("{}: {error}", name.display()));
    }
    out.result(&shape, Shape::people)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::exit::kind;
    use serde_json::Value;
    use std::fs;

    fn opts(path: &str) -> Opts {
        Opts { path: Some(path.into()), model: None, data: DataOpts::default() }
    }

    fn shown(opts: Opts, json: bool) -> Result<String> {
        let mut bytes = Vec::new();
        run(opts, &mut Out::new(&mut bytes, json))?;
        Ok(String::from_utf8(bytes)?)
    }

    fn inspect(path: &str) -> Result<Value> {
        Ok(serde_json::from_str(&shown(opts(path), true)?)?)
    }

    #[test]
    fn the_embedded_digits_have_their_shape() {
        let shape = inspect("digits").unwrap();
        assert_eq!((&shape["rows"], &shape["features"]), (&1_797.into(), &64.into()));
        assert_eq!(shape["rows_per_class"][0], 178);
        let counts = shape["histogram"].as_array().unwrap().iter();
        assert_eq!(counts.map(|bin| bin["count"].as_u64().unwrap()).sum::<u64>(), 1_797 * 64);
        // The corners of these pictures are always empty.
        assert_eq!(shape["problems"].as_array().unwrap().len(), 1);
        assert!(shape["problems"][0].as_str().unwrap().contains("of 64 features never change"));
        let data = DataOpts { data: Some("digits".into()), ..DataOpts::default() };
        let text = shown(Opts { path: None, data, model: None }, false).unwrap();
        assert!(text.contains("rows per class\n  0  ###") && text.contains("# 183"), "{text}");
        assert_eq!(kind(&inspect_nothing()), Kind::Usage);
    }

    fn inspect_nothing() -> color_eyre::Report {
        let nothing = Opts { path: None, data: DataOpts::default(), model: None };
        shown(nothing, true).unwrap_err()
    }

    #[test]
    fn a_broken_row_is_named_and_is_an_error_of_data() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.csv");
        fs::write(&path, "1,2,0\n1,2\n3,4,1\n").unwrap();
        let path = path.to_str().unwrap();
        let error = inspect(path).unwrap_err();
        assert_eq!(kind(&error), Kind::Data);
        assert!(error.to_string().contains("line 2"), "{error}");
        assert_eq!(kind(&inspect("/nowhere.csv").unwrap_err()), Kind::Data);
        let mut skipping = opts(path);
        skipping.data.skip_rows = 1;
        let shape: Value = serde_json::from_str(&shown(skipping, true).unwrap()).unwrap();
        assert_eq!((&shape["rows"], &shape["left_out"]), (&2.into(), &1.into()));
        assert!(shape["left_out_first"][0].as_str().unwrap().contains("line 2"));
    }

    #[test]
    fn what_would_go_wrong_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.csv");
        let mut text = "255,1,7,0\n".repeat(30);
        text += "0,2,7,2\n";
        fs::write(&path, text).unwrap();
        let mut opts = opts(path.to_str().unwrap());
        opts.model = Some("mcmahan-cnn".into());
        let shape: Value = serde_json::from_str(&shown(opts, true).unwrap()).unwrap();
        let problems: Vec<&str> =
            shape["problems"].as_array().unwrap().iter().map(|p| p.as_str().unwrap()).collect();
        for (problem, part) in problems.iter().zip([
            "1 of 3 classes have no rows",
            "96.8 % of the rows have one label",
            "values reach 255",
            "1 of 3 features never change",
            "29 rows repeat",
            "mcmahan-cnn: the data has 3 features per row, the model takes 784",
        ]) {
            assert!(problem.contains(part), "{problem}");
        }
        assert_eq!(problems.len(), 6);
    }

    #[test]
    fn a_text_shows_its_characters() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("verses.txt");
        fs::write(&path, "to be or not to be\n".repeat(20)).unwrap();
        let mut opts = opts(path.to_str().unwrap());
        opts.model = Some("gru-char".into());
        let text = shown(opts, false).unwrap();
        assert!(text.contains("format    TEXT") && text.contains("classes   96"), "{text}");
        assert!(!text.contains("problem"), "{text}");
    }
}
