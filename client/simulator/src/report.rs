//! What a run leaves to read.

use std::path::Path;

use decentralml_learning::Metrics;
use serde::{Deserialize, Serialize};

use crate::{Fairness, Folder, RunFile, SimulateError, folder::read_at_most};

/// Bytes that a report may have.
const MAX_BYTES: u64 = 1 << 29;

/// A round that is done.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoundRecord {
    /// Its number, from 1.
    pub round: u32,
    /// Clients that were drawn.
    pub clients: u32,
    /// How many of them were hostile.
    pub hostile: u32,
    /// How many have diverged, and sent nothing.
    pub diverged: u32,
    /// The mean loss over the clients that trained, in their last epoch; nothing where none did.
    pub loss: Option<f64>,
    /// The model after the round on the held-out rows, where it was evaluated.
    pub metrics: Option<Metrics>,
    /// Bytes that clients have sent.
    pub bytes_up: u64,
    /// Bytes that clients have fetched: the model.
    pub bytes_down: u64,
    /// Changes that were cut because they do not fit into the integers.
    pub saturated: u64,
    /// Updates that were cut to the norm bound.
    #[serde(default)]
    pub bounded: u32,
    /// Seconds that the round took, with its evaluation.
    pub seconds: f64,
}

/// What the numbers come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Versions {
    /// This crate.
    pub simulator: String,
    /// The kind of processor and the system.
    pub machine: String,
}

impl Default for Versions {
    fn default() -> Self {
        let (kind, system) = (std::env::consts::ARCH, std::env::consts::OS);
        Self {
            simulator: env!("CARGO_PKG_VERSION").to_owned(),
            machine: format!("{kind}-{system}"),
        }
    }
}

/// A run that has ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// What people call it.
    pub name: String,
    /// What names it: equal runs have equal ones.
    pub run: String,
    /// What was run.
    pub file: RunFile,
    /// The CID of the final model's canonical file.
    pub model_cid: String,
    /// Numbers that the model has.
    pub parameters: usize,
    /// Rows to train on, over all clients.
    pub rows: usize,
    /// Rows for the evaluation.
    pub test_rows: usize,
    /// Clients that are hostile.
    pub hostile: u32,
    /// The first round that reached the target.
    pub reached: Option<u32>,
    /// The final model on the held-out rows.
    pub metrics: Metrics,
    /// The final model on the clients' own rows.
    pub fairness: Option<Fairness>,
    /// Bytes sent by all clients, over all rounds.
    pub bytes_up: u64,
    /// Bytes fetched by all clients, over all rounds.
    pub bytes_down: u64,
    /// Changes that were cut, over all rounds.
    pub saturated: u64,
    /// Updates that were cut to the norm bound, over all rounds.
    #[serde(default)]
    pub bounded: u64,
    /// The rounds.
    pub rounds: Vec<RoundRecord>,
    /// Seconds of all rounds.
    pub seconds: f64,
    /// The devices on which clients trained, in the order in which they were chosen: more than one where the run was stopped, and went
    /// on elsewhere. Then it is no other's result, as devices round differently.
    #[serde(default)]
    pub devices: Vec<String>,
    /// Clients that trained at the same time, when it ended.
    pub threads: usize,
    /// What the numbers come from.
    pub versions: Versions,
}

impl Report {
    /// Reads a report.
    pub fn read(path: &Path) -> Result<Self, SimulateError> {
        let bytes = read_at_most(path, MAX_BYTES)?;
        serde_json::from_slice(&bytes).map_err(|error| SimulateError::Broken {
            path: path.to_owned(),
            problem: format!("is no report of this version ({error}); run it again with --restart"),
        })
    }

    /// The report of this very run, if it has ended in this folder and its model is still there. Fails
    /// with [`SimulateError::Changed`] for the report of another run.
    pub(crate) fn finished(folder: &Folder, run: &str) -> Result<Option<Self>, SimulateError> {
        if !folder.report().exists() {
            return Ok(None);
        }
        let report = Self::read(&folder.report())?;
        if report.run != run {
            let (path, round) = (folder.path().to_owned(), report.rounds.len() as u32);
            return Err(SimulateError::Changed { path, round });
        }
        Ok(folder.model().is_file().then_some(report))
    }

    /// Rounds and their evaluations, where there was one.
    pub fn evaluations(&self) -> impl Iterator<Item = (u32, &Metrics)> {
        self.rounds
            .iter()
            .filter_map(|record| record.metrics.as_ref().map(|metrics| (record.round, metrics)))
    }
}
