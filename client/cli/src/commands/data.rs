//! `decentralml data`: what the rows look like, and how to divide them.

mod inspect;
mod split;

pub use split::{Division, Parts, divide};

use crate::{
    config,
    exit::{Kind, problem},
    output::Out,
    units::Size,
};
use clap::{Args, Subcommand};
use color_eyre::Result;
use decentralml_learning::data::{Dataset, Limits, ReadOptions, digits, read_file};
use std::path::PathBuf;

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    Inspect(inspect::Opts),
    Split(split::Opts),
}

/// Does what was asked for.
pub fn run(command: Command, out: &mut Out<'_>) -> Result<()> {
    match command {
        Command::Inspect(opts) => inspect::run(opts, out),
        Command::Split(opts) => split::run(opts, out),
    }
}

/// Which rows, and how their file is to be understood.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Data")]
pub struct DataOpts {
    /// CSV (.csv, .csv.gz), or the images of an IDX pair; `digits` is the embedded UCI digits.
    #[arg(long, value_name = "FILE")]
    pub data: Option<PathBuf>,
    /// Labels of an IDX pair.
    #[arg(long, value_name = "FILE")]
    pub labels: Option<PathBuf>,
    /// Label column of a CSV file with a header [default: the last column].
    #[arg(long, value_name = "NAME")]
    pub label_column: Option<String>,
    /// Number of classes [default: one more than the largest label].
    #[arg(long, value_name = "N")]
    pub classes: Option<usize>,
    /// Multiplies every feature [default: 1 for CSV, 1/255 for IDX].
    #[arg(long, value_name = "FACTOR")]
    pub scale: Option<f32>,
    /// Rows that are read into memory at most [default: 10000000].
    #[arg(long, value_name = "N")]
    pub max_rows: Option<usize>,
    /// Bytes that are read into memory at most, after decompression [default: 2 GiB].
    #[arg(long, value_name = "SIZE")]
    pub max_bytes: Option<Size>,
}

impl DataOpts {
    /// What the flags leave open is taken from the configuration file.
    pub fn or_settings(self, settings: &config::Trainer) -> Self {
        // The file's description belongs to the file's data: other data have their own.
        if self.data.is_some() {
            return self;
        }
        Self {
            data: settings.data.clone(),
            labels: self.labels.or_else(|| settings.labels.clone()),
            label_column: self.label_column.or_else(|| settings.label_column.clone()),
            classes: self.classes.or(settings.classes),
            scale: self.scale.or(settings.scale),
            max_rows: self.max_rows.or(settings.max_rows),
            max_bytes: self.max_bytes.or(settings.max_bytes),
        }
    }

    /// Reads the rows. Errors say where in the file.
    pub fn read(&self) -> Result<Dataset> {
        let Some(path) = &self.data else {
            return Err(problem(Kind::Usage, "no data are named: give --data <FILE>"));
        };
        if path.as_os_str() == "digits" {
            return Ok(digits()?);
        }
        let default = Limits::default();
        let options = ReadOptions {
            label: self.label_column.clone(),
            scale: self.scale,
            classes: self.classes,
            limits: Limits {
                rows: self.max_rows.unwrap_or(default.rows),
                bytes: self.max_bytes.map_or(default.bytes, |size| size.0),
            },
            ..ReadOptions::default()
        };
        Ok(read_file(path, self.labels.as_deref(), &options)?)
    }
}
