//! `decentralml data inspect`.

use super::DataOpts;
use crate::output::{Out, pairs};
use clap::Args;
use color_eyre::Result;
use decentralml_learning::Dataset;
use serde::Serialize;

/// Show what a data set has: rows, features, labels. Says where a file is wrong.
#[derive(Args, Debug)]
pub struct Opts {
    #[command(flatten)]
    data: DataOpts,
}

#[derive(Serialize)]
struct Shape {
    rows: usize,
    features: usize,
    classes: usize,
    rows_per_class: Vec<usize>,
    smallest: f32,
    largest: f32,
    mean: f64,
}

impl Shape {
    fn of(data: &Dataset) -> Self {
        let features = data.features();
        let sum: f64 = features.iter().map(|&feature| f64::from(feature)).sum();
        Self {
            rows: data.rows(),
            features: data.columns(),
            classes: data.classes(),
            rows_per_class: data.class_counts(),
            smallest: features.iter().copied().fold(f32::INFINITY, f32::min),
            largest: features.iter().copied().fold(f32::NEG_INFINITY, f32::max),
            mean: sum / features.len().max(1) as f64,
        }
    }
}

/// Reads all of it.
pub fn run(opts: Opts, out: &mut Out<'_>) -> Result<()> {
    let shape = Shape::of(&opts.data.read()?);
    out.result(&shape, |shape| {
        let counts: Vec<String> = shape
            .rows_per_class
            .iter()
            .enumerate()
            .map(|(class, count)| format!("{class}: {count}"))
            .collect();
        pairs(&[
            ("rows", shape.rows.to_string()),
            ("features", shape.features.to_string()),
            ("classes", shape.classes.to_string()),
            ("rows per class", counts.join(", ")),
            ("values", format!("{} to {}, mean {:.4}", shape.smallest, shape.largest, shape.mean)),
        ])
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::exit::{Kind, kind};

    fn inspect(data: &str) -> Result<serde_json::Value> {
        let data = DataOpts { data: Some(data.into()), ..DataOpts::default() };
        let mut bytes = Vec::new();
        run(Opts { data }, &mut Out::new(&mut bytes, true))?;
        Ok(serde_json::from_slice(&bytes)?)
    }

    #[test]
    fn the_embedded_digits_have_their_shape() {
        let shape = inspect("digits").unwrap();
        assert_eq!((&shape["rows"], &shape["features"]), (&1_797.into(), &64.into()));
        assert_eq!(shape["rows_per_class"][0], 178);
    }

    #[test]
    fn a_broken_row_is_named_and_is_an_error_of_data() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.csv");
        std::fs::write(&path, "1,2,0\n1,2\n").unwrap();
        let error = inspect(path.to_str().unwrap()).unwrap_err();
        assert_eq!(kind(&error), Kind::Data);
        assert!(error.to_string().contains("line 2"), "{error}");
        assert_eq!(kind(&inspect("/nowhere.csv").unwrap_err()), Kind::Data);
    }
}
