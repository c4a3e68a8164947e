//! The tables of a run file.

use std::path::PathBuf;

use decentralml_learning::{
    Before, Codec, Encoding as Exact, RowSpec, Rule, Seed, ServerOptimizer, data::ReadOptions,
};
use serde::{Deserialize, Serialize};

use crate::SimulateError;

/// How many clients take part in a round: a whole number of them, or a share such as `0.1`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a number of clients, or a share such as 0.1")]
pub enum Cohort {
    /// So many.
    Count(u32),
    /// So many of one.
    Share(f64),
}

impl Default for Cohort {
    /// All of them.
    fn default() -> Self {
        Self::Share(1.0)
    }
}

/// Which model: one by name, or one from a file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelFile {
    /// A ready model, such as `2nn`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Of a ready model: the shape of a row; that of the data if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Vec<u32>>,
    /// Of a ready model: classes, tokens or quantities; those of the data if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outputs: Option<u32>,
    /// A file of layers in TOML or JSON, from the folder of the run file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// Of a ready model: what a row means to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<RowSpec>,
}

/// Which rows. Files are meant from the folder of the run file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataFile {
    /// CSV, the first of an IDX or NPY pair, NPZ, a text; `digits` are the embedded digits.
    pub file: PathBuf,
    /// Labels of an IDX or NPY pair.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<PathBuf>,
    /// Rows for the evaluation, in a file of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<PathBuf>,
    /// Their labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_labels: Option<PathBuf>,
    /// Without a file for the evaluation: the share of the rows that is held out for it; a fifth if left
    /// out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_out: Option<f64>,
    /// So many rows to train on, at random; all if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u32>,
    /// Label column of a CSV file with a header; the last if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label_column: Option<String>,
    /// Column of a CSV file that says which rows belong together: of the partition `natural`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_column: Option<String>,
    /// Number of classes; one more than the largest label if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classes: Option<usize>,
    /// Names of the classes, where the labels of a CSV file are texts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub class_names: Vec<String>,
    /// Quantities to predict per row, in place of a label: the last columns of a CSV file.
    #[serde(default)]
    pub quantities: usize,
    /// Multiplies every feature; 1/255 for images and arrays of bytes and 1 for others if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<f32>,
    /// Characters per row of a text; 80 if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<usize>,
    /// The characters of a text; those that ASCII prints if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vocabulary: Option<String>,
    /// Rows that may be left out because they cannot be used.
    #[serde(default)]
    pub skip_rows: usize,
}

impl DataFile {
    /// What the library has to know to read the files.
    pub(crate) fn options(&self) -> ReadOptions {
        ReadOptions {
            label: self.label_column.clone(),
            scale: self.scale,
            classes: self.classes,
            names: self.class_names.clone(),
            quantities: self.quantities,
            group: self.group_column.clone(),
            steps: self.steps,
            vocabulary: self.vocabulary.clone(),
            skip: self.skip_rows,
            ..ReadOptions::default()
        }
    }
}

/// What the server makes of a round's updates.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Aggregating {
    /// Updates are first cut to this Euclidean norm, in the unit of the weights.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub norm_bound: Option<f64>,
    /// What happens to them before the rule.
    pub before: Mixing,
    /// How they become one.
    pub rule: Rule,
    /// What each counts; of the rule `mean`.
    pub count: Counting,
    /// What the server does with the change.
    pub server: ServerOptimizer,
}

impl Default for Aggregating {
    /// Federated averaging, everybody counting equally.
    fn default() -> Self {
        Self {
            norm_bound: None,
            before: Mixing::Nothing,
            rule: Rule::Mean,
            count: Counting::Equal,
            server: ServerOptimizer::FedAvg { rate: 1.0 },
        }
    }
}

/// What happens to updates before the rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Mixing {
    /// Nothing.
    Nothing,
    /// Each is replaced by the mean of those nearest to it.
    NearestNeighbors {
        /// Hostile updates to bear.
        hostile: usize,
    },
    /// They are replaced by the means of random buckets.
    Buckets {
        /// Updates per bucket.
        size: usize,
    },
}

impl Mixing {
    /// The library's form; `seed` decides who shares a bucket.
    pub(crate) fn before(self, seed: Seed) -> Before {
        match self {
            Self::Nothing => Before::Nothing,
            Self::NearestNeighbors { hostile } => Before::NearestNeighbors { hostile },
            Self::Buckets { size } => Before::Buckets { size, seed },
        }
    }
}

/// What each update counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Counting {
    /// All the same.
    Equal,
    /// As its client has rows.
    Samples {
        /// Rows beyond it do not count.
        #[serde(default = "everything")]
        cap: u32,
    },
    /// As its client has rows, divided by its number of steps (FedNova).
    Nova {
        /// Rows beyond it do not count.
        #[serde(default = "everything")]
        cap: u32,
    },
}

fn everything() -> u32 {
    u32::MAX
}

/// How updates become integers and bytes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Encoding {
    /// Bits of the integers that are aggregated: 4, 8, 16 or 32.
    pub bits: u8,
    /// How many of them are behind the binary point.
    pub fraction_bits: u8,
    /// The largest integer; that of the bits if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clip: Option<i32>,
    /// How changes are rounded.
    pub rounding: Rounding,
    /// With stochastic rounding: bits on the wire, under a scale per tensor; `bits` if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wire_bits: Option<u8>,
    /// With stochastic rounding: the share of the weights that is sent, those that have changed most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep: Option<f64>,
    /// With stochastic rounding: whether what is sent is deflated.
    pub deflate: bool,
    /// With stochastic rounding: whether a client adds what was not sent to its next update.
    pub error_feedback: bool,
}

/// How changes are rounded to integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    /// To the nearest, ties to even; sent as safetensors.
    Nearest,
    /// Up or down so that it is right on average; sent packed.
    Stochastic,
}

impl Default for Encoding {
    /// 32 bits, 24 of them behind the point: as good as 32-bit floating point.
    fn default() -> Self {
        Self {
            bits: 32,
            fraction_bits: 24,
            clip: None,
            rounding: Rounding::Nearest,
            wire_bits: None,
            keep: None,
            deflate: false,
            error_feedback: false,
        }
    }
}

impl Encoding {
    /// The library's encoding.
    pub(crate) fn exact(&self) -> Result<Exact, SimulateError> {
        let most = match self.bits {
            4 => 7,
            8 => i32::from(i8::MAX),
            16 => i32::from(i16::MAX),
            _ => i32::MAX,
        };
        Exact::new(self.bits, self.fraction_bits, self.clip.unwrap_or(most))
            .map_err(|error| SimulateError::field("encoding", error.to_string()))
    }

    /// The library's codec, where updates are packed.
    pub(crate) fn codec(&self) -> Result<Option<Codec>, SimulateError> {
        if self.rounding == Rounding::Nearest {
            let packed = [
                (self.wire_bits.is_some(), "encoding.wire_bits"),
                (self.keep.is_some(), "encoding.keep"),
                (self.deflate, "encoding.deflate"),
                (self.error_feedback, "encoding.error_feedback"),
            ];
            return match packed.into_iter().find(|(given, _)| *given) {
                Some((_, field)) => Err(SimulateError::field(
                    field,
                    "goes with `rounding = \"stochastic\"` only; set that, or leave this out",
                )),
                None => Ok(None),
            };
        }
        let keep = match self.keep {
            Some(share) if share > 0.0 && share <= 1.0 => Some((share * 1e4).ceil() as u16),
            Some(_) => {
                return Err(SimulateError::field("encoding.keep", "must be above 0, up to 1"));
            }
            None => None,
        };
        let codec =
            Codec { bits: self.wire_bits.unwrap_or(self.bits), keep, deflate: self.deflate };
        match codec.check() {
            Ok(()) => Ok(Some(codec)),
            Err(_) => Err(SimulateError::field("encoding.wire_bits", "must be 4, 8, 16 or 32")),
        }
    }
}

/// Hostile clients.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attack {
    /// The share of the clients that is hostile, in `0..=1`.
    pub share: f64,
    /// What they do.
    pub kind: Hostile,
}

/// What a hostile client does.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Hostile {
    /// Sends its change with the opposite sign.
    SignFlip {
        /// And so many times as large.
        #[serde(default = "unit")]
        factor: f64,
    },
    /// Sends normal noise in place of a change.
    Gaussian {
        /// Its standard deviation, in the unit of the weights.
        deviation: f64,
    },
    /// Trains with label `classes − 1 − label` in place of each label.
    LabelFlip,
    /// Sends the update that changes nothing, without training.
    FreeRider,
    /// "A little is enough": all send the honest mean minus so many standard deviations of each weight
    /// (Baruch et al. 2019).
    Alie {
        /// How many; as many as a majority can hide if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deviations: Option<f64>,
    },
    /// All send the honest mean with the opposite sign and so many times as long, so that the inner product of what is
    /// aggregated with it falls (Xie, Koyejo and Gupta 2020).
    InnerProduct {
        /// How many times; well below 1 it looks like a small update.
        #[serde(default = "unit")]
        factor: f64,
    },
    /// Beyond the honest extreme of each weight, against the honest direction (Fang et al. 2020, with
    /// full knowledge).
    Fang,
    /// All send the honest mean minus as many standard deviations as keep it within the largest distance
    /// between two honest updates (Shejwalkar and Houmansadr 2021).
    MinMax,
}

fn unit() -> f64 {
    1.0
}

impl Hostile {
    /// Whether it needs the honest updates of the round.
    pub(crate) fn is_informed(self) -> bool {
        matches!(self, Self::Alie { .. } | Self::InnerProduct { .. } | Self::Fang | Self::MinMax)
    }
}
