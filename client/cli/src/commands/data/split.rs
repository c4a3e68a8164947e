//! `decentralml data split`.

use super::{DataOpts, plot};
use crate::{
    exit::{Kind, problem},
    output::{Out, table},
    task_file::Hex,
    units::{Share, percent},
};
use clap::{Args, ValueEnum};
use color_eyre::{Result, eyre::WrapErr};
use decentralml_learning::{
    Dataset, Seed,
    data::{Partition, write_csv_file},
};
use serde::Serialize;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Divide rows for an experiment: a file for each trainer, one for validation, one for the final test.
///
/// The labels of the trainers' parts are skewed by a Dirichlet distribution if nothing else is asked for. Equal seeds give equal
/// files.
#[derive(Args, Debug)]
pub struct Opts {
    /// Parts for trainers.
    #[arg(long, default_value_t = 6, value_name = "N")]
    trainers: usize,
    /// How the rows are divided among the trainers.
    #[arg(long, value_enum, default_value_t = By::Dirichlet, value_name = "WAY")]
    by: By,
    /// Skew of the labels, of the two Dirichlet ways: 0.1 is strong, 0.5 usual, 100 hardly any.
    #[arg(long, default_value_t = 0.5)]
    alpha: f64,
    /// Rows that every trainer gets at least, by Dirichlet.
    #[arg(long, default_value_t = 20, value_name = "ROWS")]
    minimum: usize,
    /// Labels that every trainer has, pathological.
    #[arg(long, default_value_t = 2, value_name = "N")]
    labels_each: usize,
    /// Shards that every trainer has.
    #[arg(long, default_value_t = 2, value_name = "N")]
    shards_each: usize,
    /// A picture of the trainers' rows and labels (SVG).
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// Share of the rows for the evaluators.
    #[arg(long, default_value = "20 %", value_name = "SHARE")]
    validation: Share,
    /// Share of the rows that nobody sees before the end.
    #[arg(long, default_value = "20 %", value_name = "SHARE")]
    test: Share,
    /// What the division follows from: 64 hexadecimal digits.
    #[arg(long, default_value = ZEROS)]
    seed: Hex,
    /// Where the files go: trainer-1.csv …, validation.csv, test.csv.
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// Replace files of the same name.
    #[arg(long)]
    force: bool,
    // The last: what comes after it would stand under its heading in the help.
    #[command(flatten)]
    data: DataOpts,
}

/// How rows are divided among trainers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum By {
    /// At random, in equal parts.
    Iid,
    /// The shares of each label are drawn: labels and sizes differ.
    Dirichlet,
    /// Equal parts, the shares of the labels in each are drawn.
    InnerDirichlet,
    /// A few labels each.
    Pathological,
    /// Sorted by label, cut, and dealt.
    Shards,
    /// By the column that --group-column names.
    Natural,
    /// At random, sizes as 1, 2, 3.
    Linear,
    /// At random, sizes as 1, 4, 9.
    Square,
    /// At random, sizes as e, e², e³.
    Exponential,
}

impl Opts {
    fn partition(&self) -> Partition {
        let Self { alpha, minimum, labels_each: labels, shards_each: per_part, .. } = *self;
        match self.by {
            By::Iid => Partition::Iid,
            By::Dirichlet => Partition::Dirichlet { alpha, minimum },
            By::InnerDirichlet => Partition::InnerDirichlet { alpha },
            By::Pathological => Partition::Pathological { labels },
            By::Shards => Partition::Shards { per_part },
            By::Natural => Partition::Natural,
            By::Linear => Partition::Linear,
            By::Square => Partition::Square,
            By::Exponential => Partition::Exponential,
        }
    }
}

const ZEROS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// How rows are to be divided.
#[derive(Clone, Copy, Debug)]
pub struct Division {
    pub trainers: usize,
    pub alpha: f64,
    pub minimum: usize,
    pub validation: Share,
    pub test: Share,
    pub seed: Seed,
}

/// Rows, divided: every row is in exactly one part.
#[derive(Debug)]
pub struct Parts {
    pub trainers: Vec<Dataset>,
    pub validation: Dataset,
    pub test: Dataset,
}

/// Divides rows: first validation and test at random, then the rest by label.
pub fn divide(data: &Dataset, division: &Division) -> Result<Parts> {
    let Division { trainers, alpha, minimum, validation, test, seed } = *division;
    let (training, validation, test) = set_aside(data, validation, test, seed)?;
    let trainers = training.partition_dirichlet(trainers, alpha, minimum, seed)?;
    Ok(Parts { trainers, validation, test })
}

/// Training, validation and test, at random.
fn set_aside(
    data: &Dataset,
    validation: Share,
    test: Share,
    seed: Seed,
) -> Result<(Dataset, Dataset, Dataset)> {
    let Some(rest) = 1_000_000_u32.checked_sub(validation.0 + test.0).filter(|&rest| rest > 0)
    else {
        return Err(problem(
            Kind::Usage,
            format!(
                "{} for validation and {} for the test leave nothing to train on",
                percent(validation.0),
                percent(test.0)
            ),
        ));
    };
    let mut parts = data.split(&[rest, validation.0, test.0], seed).into_iter();
    // As many parts as shares, some of which is positive.
    let mut next = || parts.next().unwrap_or_else(|| data.subset(&[]));
    Ok((next(), next(), next()))
}

#[derive(Serialize)]
struct Part {
    file: PathBuf,
    rows: usize,
    rows_per_class: Vec<usize>,
}

/// Writes all the files or none, and replaces none; with --force, those of the same name are replaced one by one.
pub fn run(opts: Opts, out: &mut Out<'_>) -> Result<()> {
    let data = opts.data.read()?;
    let seed = opts.seed.0;
    let (training, validation, test) = set_aside(&data, opts.validation, opts.test, seed)?;
    let divided = training.partition(&opts.partition(), opts.trainers, seed)?;
    let trainers = divided.iter().map(|rows| training.subset(rows)).collect();
    let parts = Parts { trainers, validation, test };
    fs::create_dir_all(&opts.out)
        .wrap_err_with(|| format!("{} cannot be made", opts.out.display()))?;
    let others = [("validation.csv", &parts.validation), ("test.csv", &parts.test)]
        .into_iter()
        .filter(|(_, part)| part.rows() > 0)
        .map(|(name, part)| (opts.out.join(name), part));
    let targets: Vec<(PathBuf, &Dataset)> = (1..)
        .zip(&parts.trainers)
        .map(|(number, part)| (opts.out.join(format!("trainer-{number}.csv")), part))
        .chain(others)
        .collect();
    if !opts.force {
        are_free(&targets)?;
    }
    if let Some(picture) = &opts.plot {
        if !opts.force {
            is_free(picture)?;
        }
        plot::draw(&parts.trainers, &format!("Rows per trainer, {:?}", opts.by), picture)?;
    }
    let written = targets.iter().map(|(file, part)| write(file, part)).collect::<Result<Vec<_>>>();
    if written.is_err() && !opts.force {
        // All of them are this call's own: what is left of them would only stand in the way of the next one.
        let files = targets.iter().map(|(file, _)| file).chain(&opts.plot);
        files.for_each(|file| drop(fs::remove_file(file)));
    }
    let written = written?;
    out.result(&written, |written| {
        let rows = written.iter().map(|part| {
            let counts: Vec<String> = part.rows_per_class.iter().map(usize::to_string).collect();
            vec![part.file.display().to_string(), part.rows.to_string(), counts.join(" ")]
        });
        table(["file", "rows", "rows per class"].map(str::to_owned).to_vec(), rows)
    })
}

/// Refuses to replace what is there.
fn are_free(targets: &[(PathBuf, &Dataset)]) -> Result<()> {
    targets.iter().try_for_each(|(file, _)| is_free(file))
}

fn is_free(file: &Path) -> Result<()> {
    if file.symlink_metadata().is_err() {
        return Ok(());
    }
    Err(problem(
        Kind::Usage,
        format!(
            "{} is there already; replace it and its like with --force, or name another folder with --out",
            file.display()
        ),
    ))
}

fn write(file: &Path, part: &Dataset) -> Result<Part> {
    write_csv_file(part, file)?;
    Ok(Part { file: file.to_owned(), rows: part.rows(), rows_per_class: part.class_counts() })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::exit::kind;

    fn opts(out: &Path) -> Opts {
        Opts {
            data: DataOpts { data: Some("digits".into()), ..DataOpts::default() },
            trainers: 6,
            alpha: 0.5,
            minimum: 20,
            validation: "20 %".parse().unwrap(),
            test: "10 %".parse().unwrap(),
            seed: Hex([7; 32]),
            out: out.to_owned(),
            force: false,
            by: By::Dirichlet,
            labels_each: 2,
            shards_each: 2,
            plot: None,
        }
    }

    #[test]
    fn every_row_is_in_exactly_one_file() {
        let folder = tempfile::tempdir().unwrap();
        let mut bytes = Vec::new();
        run(opts(folder.path()), &mut Out::new(&mut bytes, true)).unwrap();
        let parts: Vec<serde_json::Value> = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(parts.len(), 8);
        let rows: u64 = parts.iter().map(|part| part["rows"].as_u64().unwrap()).sum();
        assert_eq!(rows, 1_797);
        assert!(parts.iter().all(|part| part["rows"].as_u64().unwrap() >= 20));
        // The pixels identify a row: no two are equal in this data set.
        let mut lines: Vec<String> = fs::read_dir(folder.path())
            .unwrap()
            .flat_map(|file| {
                let text = fs::read_to_string(file.unwrap().path()).unwrap();
                text.lines().map(str::to_owned).collect::<Vec<_>>()
            })
            .collect();
        lines.sort();
        lines.dedup();
        assert_eq!(lines.len(), 1_797);
    }

    #[test]
    fn what_is_there_is_replaced_only_on_demand() {
        let folder = tempfile::tempdir().unwrap();
        let mut bytes = Vec::new();
        let mut out = Out::new(&mut bytes, true);
        let [own, first] = ["test.csv", "trainer-1.csv"].map(|name| folder.path().join(name));
        fs::write(&own, "mine").unwrap();
        let error = run(opts(folder.path()), &mut out).unwrap_err();
        assert_eq!(kind(&error), Kind::Usage);
        assert!(error.to_string().contains("test.csv") && error.to_string().contains("--force"));
        assert!(!first.exists(), "half a division");
        assert_eq!(fs::read_to_string(&own).unwrap(), "mine");
        run(Opts { force: true, ..opts(folder.path()) }, &mut out).unwrap();
        assert!(first.is_file() && fs::read_to_string(&own).unwrap() != "mine");
    }

    #[test]
    fn labels_are_skewed_and_a_seed_gives_the_same_parts_again() {
        let data = decentralml_learning::data::digits().unwrap();
        let division = Division {
            trainers: 6,
            alpha: 0.5,
            minimum: 20,
            validation: Share(200_000),
            test: Share(200_000),
            seed: [7; 32],
        };
        let parts = divide(&data, &division).unwrap();
        let skewed = |part: &Dataset| {
            let counts = part.class_counts();
            *counts.iter().max().unwrap() > 2 * part.rows() / 10
        };
        assert!(parts.trainers.iter().all(skewed));
        assert_eq!(divide(&data, &division).unwrap().test, parts.test);
        let other = Division { seed: [8; 32], ..division };
        assert_ne!(divide(&data, &other).unwrap().test, parts.test);
    }

    #[test]
    fn every_way_of_dividing_writes_its_files_and_its_picture() {
        for by in By::value_variants() {
            let folder = tempfile::tempdir().unwrap();
            let picture = folder.path().join("parts.svg");
            let opts = Opts { by: *by, plot: Some(picture.clone()), ..opts(folder.path()) };
            let mut bytes = Vec::new();
            let result = run(opts, &mut Out::new(&mut bytes, true));
            if *by == By::Natural {
                let error = result.unwrap_err();
                assert!(error.to_string().contains("--group-column"), "{error}");
                assert_eq!(kind(&error), Kind::Data);
                continue;
            }
            result.unwrap();
            let parts: Vec<serde_json::Value> = serde_json::from_slice(&bytes).unwrap();
            let rows: u64 = parts.iter().map(|part| part["rows"].as_u64().unwrap()).sum();
            assert_eq!((parts.len(), rows), (8, 1_797), "{by:?}");
            assert!(fs::read_to_string(&picture).unwrap().contains("<svg"));
        }
    }

    #[test]
    fn impossible_divisions_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let mut bytes = Vec::new();
        let mut out = Out::new(&mut bytes, true);
        let all = Opts { test: Share(800_000), ..opts(folder.path()) };
        assert_eq!(kind(&run(all, &mut out).unwrap_err()), Kind::Usage);
        let many = Opts { trainers: 2_000, ..opts(folder.path()) };
        assert_eq!(kind(&run(many, &mut out).unwrap_err()), Kind::Data);
    }
}
