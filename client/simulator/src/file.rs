//! The run file.

mod check;
mod parts;

use std::path::Path;

use decentralml_learning::{LocalTraining, data::Partition};
use serde::{Deserialize, Serialize};

use crate::SimulateError;
pub use parts::{
    Aggregating, Attack, Cohort, Counting, DataFile, Encoding, Hostile, Mixing, ModelFile, Rounding,
};

/// A run file with every field, commented.
pub const EXAMPLE: &str = include_str!("../examples/digits.toml");

/// Bytes that a run file may have.
const MAX_BYTES: u64 = 1 << 20;

/// What is simulated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunFile {
    /// What people call it; the file's name if left out.
    #[serde(default)]
    pub name: String,
    /// What all randomness of the run follows from.
    #[serde(default)]
    pub seed: u64,
    /// Virtual clients.
    pub clients: u32,
    /// How many of them take part in a round.
    #[serde(default)]
    pub clients_per_round: Cohort,
    /// Rounds at most.
    pub rounds: u32,
    /// The run ends when the accuracy on the held-out rows reaches it, in `0..=1`; of a regression, when
    /// the mean squared error falls to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<f64>,
    /// The model is evaluated after every so many rounds, and after the last.
    #[serde(default = "one")]
    pub evaluate_every: u32,
    /// A checkpoint is written after every so many rounds; 0 for none but when the run is stopped.
    #[serde(default = "ten")]
    pub checkpoint_every: u32,
    /// Clients, evenly chosen, on whose own rows the final model is evaluated; 0 for none.
    #[serde(default = "thousand")]
    pub fairness_clients: u32,
    /// How the rows are divided among the clients; `iid` if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition: Option<Partition>,
    /// In place of a partition: every client has so many rows, and clients share them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows_per_client: Option<u32>,
    /// The model.
    pub model: ModelFile,
    /// The rows.
    pub data: DataFile,
    /// What a client does in a round.
    pub training: LocalTraining,
    /// Clients and server keep control variates (SCAFFOLD); with the optimizer `sgd`.
    #[serde(default)]
    pub scaffold: bool,
    /// A client sends the mean of its changes, of which so much remains from round to round; 0 for none.
    #[serde(default)]
    pub worker_momentum: f64,
    /// What the server does.
    #[serde(default)]
    pub aggregation: Aggregating,
    /// How updates become integers and bytes.
    #[serde(default)]
    pub encoding: Encoding,
    /// What some clients do in place of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attack: Option<Attack>,
    /// Of a sweep: every combination is run with each of these seeds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seeds: Vec<u64>,
    /// Of a sweep: lists of values for dotted names of fields.
    #[serde(default, skip_serializing_if = "toml::Table::is_empty")]
    pub sweep: toml::Table,
}

fn one() -> u32 {
    1
}

fn ten() -> u32 {
    10
}

fn thousand() -> u32 {
    1_000
}

impl RunFile {
    /// Reads a run file and checks it. Errors name line and field.
    pub fn from_toml(text: &str) -> Result<Self, SimulateError> {
        let file: Self =
            toml::from_str(text).map_err(|error| SimulateError::Toml(error.to_string()))?;
        file.check()?;
        Ok(file)
    }

    /// The text of a run file; at most 1 MiB.
    pub fn text(path: &Path) -> Result<String, SimulateError> {
        let bytes = crate::folder::read_at_most(path, MAX_BYTES)?;
        String::from_utf8(bytes).map_err(|_| SimulateError::Broken {
            path: path.to_owned(),
            problem: "is no text; `decentralml simulate --example` prints a run file".to_owned(),
        })
    }

    /// The name of a run file that gives none: the file's own without its ending.
    pub fn named_after(mut self, path: &Path) -> Self {
        if self.name.is_empty() {
            let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
            self.name = stem.unwrap_or_else(|| "run".to_owned());
        }
        self
    }

    /// How many clients take part in a round.
    pub fn cohort(&self) -> u32 {
        let count = match self.clients_per_round {
            Cohort::Count(count) => count,
            // A share of a 32-bit number.
            Cohort::Share(share) => (share * f64::from(self.clients)).round() as u32,
        };
        count.clamp(1, self.clients.max(1))
    }

    /// How many clients are hostile.
    pub fn hostile(&self) -> u32 {
        let share = self.attack.as_ref().map_or(0.0, |attack| attack.share);
        (share * f64::from(self.clients)).round() as u32
    }
}

#[cfg(test)]
mod tests;
