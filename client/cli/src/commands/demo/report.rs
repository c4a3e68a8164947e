//! `report.json`, `rounds.json`, and the last lines.

use super::{
    baselines::Baselines,
    cast::Cast,
    rounds::{RoundResult, never_accepted},
    settle::Settlement,
};
use crate::output::{Out, count};
use color_eyre::Result;
use decentralml_learning::Metrics;
use decentralml_sdk::{AccountId, ModelVersion};
use decentralml_types::{Balance, Cid, Version};
use serde::Serialize;
use std::{fs, path::Path};

/// Everything that the demo has found out.
pub struct Outcome {
    /// Accuracy on the test part after each round, between 0 and 1.
    pub federated: Vec<f64>,
    pub baselines: Baselines,
    pub rounds: Vec<RoundResult>,
    pub settlement: Settlement,
    pub released: ModelVersion,
    /// Of the released model on the test part.
    pub model: Metrics,
    pub seconds: Seconds,
}

/// How long things took.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Seconds {
    /// Before the demo, and not part of `total`.
    pub build: f64,
    /// Until chain and store answered and the first block was made.
    pub chain: f64,
    /// From the task's creation until it was completed.
    pub rounds: f64,
    /// All of the demo.
    pub total: f64,
}

/// The content of `report.json`. Accuracies are shares of the test part, which nobody sees before the end; amounts are in
/// planck.
#[derive(Clone, Debug, Serialize)]
struct Report {
    accuracy: Vec<f64>,
    central_accuracy: f64,
    alone_accuracy: Vec<f64>,
    model_cid: Cid,
    released_version: Version,
    rejected: Vec<AccountId>,
    paid: Balance,
    refunded: Balance,
    charged: Balance,
    balances_add_up: bool,
    seconds: Seconds,
}

impl Report {
    fn new(outcome: &Outcome, cast: &Cast) -> Self {
        let mut rejected = never_accepted(&outcome.rounds);
        rejected.sort_by(|a, b| cast.name(a).cmp(&cast.name(b)));
        let last = |curve: &Vec<f64>| curve.last().copied().unwrap_or(0.0);
        Self {
            accuracy: outcome.federated.clone(),
            central_accuracy: last(&outcome.baselines.central),
            alone_accuracy: outcome.baselines.alone.iter().map(last).collect(),
            model_cid: outcome.released.cid,
            released_version: outcome.released.version,
            rejected,
            paid: outcome.settlement.ledger.paid,
            refunded: outcome.settlement.ledger.refunded,
            charged: outcome.settlement.ledger.charged,
            balances_add_up: outcome.settlement.adds_up(),
            seconds: outcome.seconds,
        }
    }

    /// The last line of the demo.
    fn summary(&self, accuracy: f64) -> String {
        format!(
            "{:.1} % accuracy after {} in {:.0} seconds, model {}, released as version {}",
            accuracy * 100.0,
            count(self.accuracy.len() as u64, "round"),
            self.seconds.total,
            self.model_cid,
            self.released_version,
        )
    }
}

/// Writes the files and prints the summary, or the report where JSON is asked for.
pub fn write(outcome: &Outcome, cast: &Cast, folder: &Path, out: &mut Out<'_>) -> Result<()> {
    let report = Report::new(outcome, cast);
    fs::write(folder.join("report.json"), serde_json::to_vec_pretty(&report)?)?;
    fs::write(folder.join("rounds.json"), serde_json::to_vec_pretty(&outcome.rounds)?)?;
    let alone: Vec<String> =
        report.alone_accuracy.iter().map(|share| format!("{:.1}", share * 100.0)).collect();
    out.line(&format!(
        "compare  federated {:.1} %, trainers alone {} %, central {:.1} %",
        outcome.model.accuracy * 100.0,
        alone.join(", "),
        report.central_accuracy * 100.0,
    ))?;
    let rejected: Vec<&str> =
        report.rejected.iter().map(|account| cast.name(account).unwrap_or("a stranger")).collect();
    out.line(&format!("rejected {}", rejected.join(", ")))?;
    out.line(&format!("files    {}\n", folder.display()))?;
    out.result(&report, |report| report.summary(outcome.model.accuracy))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::commands::demo::ledger::Ledger;
    use decentralml_sdk::ModelStatus;
    use decentralml_types::Codec;

    fn outcome() -> Outcome {
        let rejected = AccountId([5; 32]);
        let round = |number: u32| RoundResult {
            round: number,
            state: "settled".to_owned(),
            version: Some(number),
            cid: None,
            metric: Some(950_000),
            accepted: vec![AccountId([1; 32])],
            rejected: vec![rejected],
            seconds: 10.0,
        };
        Outcome {
            federated: vec![0.9, 0.96],
            baselines: Baselines {
                central: vec![0.95, 0.97],
                alone: vec![vec![0.5, 0.6], vec![0.4, 0.7]],
            },
            rounds: vec![round(1), round(2)],
            settlement: Settlement {
                ledger: Ledger { paid: 40, refunded: 60, fees: 5, ..Ledger::default() },
                ..Settlement::default()
            },
            released: ModelVersion {
                task: 0,
                version: 2,
                cid: Cid { codec: Codec::Raw, digest: [7; 32] },
                parent: Some(1),
                round: 2,
                metric: 960_000,
                updates: 4,
                license: "Apache-2.0".to_owned(),
                recorded_at: 1,
                status: ModelStatus::Released { at: 1 },
            },
            model: Metrics { accuracy: 0.96, loss: 0.1, utility: -0.1, rows: 300 },
            seconds: Seconds { build: 1.0, chain: 2.0, rounds: 3.0, total: 61.4 },
        }
    }

    #[test]
    fn the_report_has_exactly_the_promised_keys() {
        let report = serde_json::to_value(Report::new(&outcome(), &Cast::new().unwrap())).unwrap();
        let mut keys: Vec<&str> = report.as_object().unwrap().keys().map(String::as_str).collect();
        keys.sort_unstable();
        assert_eq!(
            keys,
            [
                "accuracy",
                "alone_accuracy",
                "balances_add_up",
                "central_accuracy",
                "charged",
                "model_cid",
                "paid",
                "refunded",
                "rejected",
                "released_version",
                "seconds",
            ]
        );
        assert_eq!(report["alone_accuracy"], serde_json::json!([0.6, 0.7]));
        assert_eq!(report["central_accuracy"], 0.97);
        assert_eq!((&report["paid"], &report["refunded"]), (&40.into(), &60.into()));
        assert_eq!(report["rejected"].as_array().unwrap().len(), 1);
        assert_eq!(report["seconds"]["total"], 61.4);
    }

    #[test]
    fn the_last_line_says_it_all() {
        let folder = tempfile::tempdir().unwrap();
        let mut bytes = Vec::new();
        let cast = Cast::new().unwrap();
        write(&outcome(), &cast, folder.path(), &mut Out::new(&mut bytes, false)).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let last = text.lines().last().unwrap();
        for part in ["96.0 % accuracy", "2 rounds", "61 seconds", "bafkrei", "version 2"] {
            assert!(last.contains(part), "{last}");
        }
        assert!(folder.path().join("report.json").is_file());
    }
}
