//! `decentralml model predict`.

use super::source;
use crate::{
    aside::Aside,
    context::Context,
    daemon::unless_stopped,
    exit::{Kind, OfKind, problem},
    output::{Out, count, pairs},
};
use clap::Args;
use color_eyre::{Result, eyre::WrapErr};
use decentralml_learning::{
    ModelSpec, Predictor, Task,
    data::{Beside, FeatureRows},
};
use decentralml_onnx::{Answer, answers, csv_header, csv_line, import, text_header, text_line};
use serde::Serialize;
use std::{io::Write, path::PathBuf};

/// Ask a model about rows whose labels nobody knows: classes with their probabilities, next tokens, or quantities.
///
/// Rows are read and answered a few at a time, however many there are. With --json the result is one list; where something fails in the
/// middle, that list has no end.
#[derive(Args, Debug)]
pub struct Opts {
    /// The weights: a file (safetensors or ONNX), or a CID.
    #[arg(value_name = "FILE|CID")]
    model: String,
    /// The model's layers: a file (TOML or JSON), or the name of a ready model. An exported ONNX file has its own.
    #[arg(long, value_name = "FILE")]
    layers: Option<PathBuf>,
    /// The rows: CSV (.csv, .csv.gz; a label in the last column is left out), an NPY array of shape [rows, …], or IDX images.
    #[arg(long, value_name = "FILE")]
    data: PathBuf,
    /// Column of the label, or of a single quantity, of a CSV file with a header, which is left out [default: the last column, if there
    /// is one more than features].
    #[arg(long, value_name = "NAME")]
    label_column: Option<String>,
    /// Multiplies every feature, as in training [default: 1/255 for images and arrays of bytes, 1 for others].
    #[arg(long, value_name = "FACTOR")]
    scale: Option<f32>,
    /// Write the answers to this file, as CSV.
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print the answers as CSV.
    #[arg(long, conflicts_with = "out")]
    csv: bool,
    /// Replace a file that is there.
    #[arg(long, requires = "out")]
    force: bool,
}

#[derive(Serialize)]
struct Written {
    file: PathBuf,
    rows: u64,
}

/// Where answers go.
enum Target<'a, 'b> {
    File(Aside),
    Csv(&'a mut Out<'b>),
    Json(&'a mut Out<'b>),
    People(&'a mut Out<'b>),
}

impl Target<'_, '_> {
    fn start(&mut self, spec: &ModelSpec) -> Result<()> {
        match self {
            Self::File(file) => writeln!(file, "{}", csv_header(spec)).wrap_err(UNWRITTEN),
            Self::Csv(out) => out.bytes(format!("{}\n", csv_header(spec)).as_bytes()),
            Self::Json(out) => out.bytes(b"["),
            Self::People(out) => out.line(text_header(spec)),
        }
    }

    /// `first` says whether these are the first.
    fn put(&mut self, answers: &[Answer], first: bool) -> Result<()> {
        let lines = |line: fn(&Answer) -> String| -> String {
            answers.iter().map(|answer| line(answer) + "\n").collect()
        };
        match self {
            Self::File(file) => file.write_all(lines(csv_line).as_bytes()).wrap_err(UNWRITTEN),
            Self::Csv(out) => out.bytes(lines(csv_line).as_bytes()),
            Self::Json(out) => {
                let mut text = String::new();
                for (index, answer) in answers.iter().enumerate() {
                    text += if first && index == 0 { "\n" } else { ",\n" };
                    text += &serde_json::to_string(answer)?;
                }
                out.bytes(text.as_bytes())
            }
            Self::People(out) => out.bytes(lines(text_line).as_bytes()),
        }
    }
}

const UNWRITTEN: &str = "the answers cannot be written";

/// What the words themselves say, before anything is read.
fn check(csv: bool, json: bool, scale: Option<f32>) -> Result<()> {
    let wrong = if csv && json {
        "answers are printed in one form: give --csv for lines or --json for a list, not both"
    } else if scale.is_some_and(|scale| !scale.is_finite()) {
        "--scale is a number; give the one of training, or leave it out"
    } else {
        return Ok(());
    };
    Err(problem(Kind::Usage, wrong))
}

/// Reads, asks and writes, batch by batch.
pub async fn run(opts: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    check(opts.csv, out.json(), opts.scale)?;
    if let Some(file) = &opts.out {
        source::check_out(file, opts.force)?;
    }
    let (file, spec) = source::with_layers(context, &opts.model, opts.layers.as_deref()).await?;
    let weights = import(&file, &spec).of_kind(Kind::Data)?.weights;
    drop(file);
    let predictor = Predictor::new(&spec, &weights)?;
    let columns = if spec.task == Task::Regression { spec.classes() } else { 1 };
    let beside = Beside { columns, label: opts.label_column, names: spec.rows.labels.clone() };
    let mut rows = FeatureRows::open(&opts.data, spec.features(), beside, opts.scale)?;
    let left = "nothing was written to a file";
    let Some(path) = opts.out else {
        let json = out.json();
        let mut target = match (opts.csv, json) {
            (true, _) => Target::Csv(&mut *out),
            (_, true) => Target::Json(&mut *out),
            _ => Target::People(&mut *out),
        };
        unless_stopped(all(&predictor, &mut rows, &mut target), left).await?;
        return if json { out.bytes(b"\n]\n") } else { Ok(()) };
    };
    let mut target = Target::File(source::written(Aside::create(&path, opts.force))?);
    let number = unless_stopped(all(&predictor, &mut rows, &mut target), left).await?;
    if let Target::File(file) = target {
        source::written(file.finish())?;
    }
    out.result(&Written { file: path, rows: number }, |written| {
        pairs(&[
            ("file", written.file.display().to_string()),
            ("answers", count(written.rows, "row")),
        ])
    })
}

/// All rows; returns how many there were.
async fn all(
    predictor: &Predictor,
    rows: &mut FeatureRows,
    target: &mut Target<'_, '_>,
) -> Result<u64> {
    target.start(predictor.spec())?;
    let mut done = 0;
    loop {
        let batch = rows.next(predictor.batch())?;
        if batch.is_empty() {
            return Ok(done);
        }
        let found = answers(predictor, &batch, done + 1)?;
        target.put(&found, done == 0)?;
        done += found.len() as u64;
        // So that a request to stop is heard.
        tokio::task::yield_now().await;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use decentralml_learning::Weights;

    #[test]
    fn words_that_contradict_each_other_are_refused() {
        let error = check(true, true, None).unwrap_err();
        assert_eq!(crate::exit::kind(&error), Kind::Usage);
        assert!(error.to_string().contains("--csv") && error.to_string().contains("--json"));
        let error = check(false, false, Some(f32::NAN)).unwrap_err().to_string();
        assert!(error.contains("--scale"), "{error}");
        assert!(check(true, false, Some(0.5)).is_ok() && check(false, true, None).is_ok());
    }

    #[tokio::test]
    async fn all_rows_are_answered_in_each_form() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.csv");
        std::fs::write(&path, "1,2,0\n3,4,1\n5,6,0\n").unwrap();
        let spec = ModelSpec::mlp(2, &[], 2);
        let predictor = Predictor::new(&spec, &Weights::init(&spec, [1; 32])).unwrap();
        let beside = Beside { columns: 1, ..Beside::default() };
        let rows = || FeatureRows::open(&path, 2, beside.clone(), None).unwrap();

        let mut bytes = Vec::new();
        let mut out = Out::new(&mut bytes, true);
        let mut target = Target::Json(&mut out);
        assert_eq!(all(&predictor, &mut rows(), &mut target).await.unwrap(), 3);
        out.bytes(b"\n]\n").unwrap();
        let json: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!((json.as_array().unwrap().len(), &json[2]["row"]), (3, &3.into()));

        let mut bytes = Vec::new();
        let mut out = Out::new(&mut bytes, false);
        all(&predictor, &mut rows(), &mut Target::Csv(&mut out)).await.unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert!(
            text.starts_with("row,label,name,probability,p0,p1\n1,") && text.lines().count() == 4,
            "{text}"
        );

        let file = folder.path().join("answers.csv");
        let mut target = Target::File(Aside::create(&file, false).unwrap());
        all(&predictor, &mut rows(), &mut target).await.unwrap();
        if let Target::File(aside) = target {
            aside.finish().unwrap();
        }
        assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    }
}
