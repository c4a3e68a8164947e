//! `report.json`, `rounds.json`, and the last lines.

use super::{
    baselines::Baselines,
    cast::{CONDUCTS, Cast},
    rounds::{RoundResult, never_accepted},
    settle::Settlement,
};
use crate::{
    exit::{Kind, problem},
    output::{Out, count},
    units::percent,
};
use color_eyre::Result;
use decentralml_learning::Metrics;
use decentralml_sdk::{AccountBalance, AccountId, ModelStatus, ModelVersion};
use decentralml_types::{Balance, Cid, Ppm, Version};
use decentralml_worker::trainer::Conduct;
use serde::Serialize;
use serde_json::Value;
use std::{
    fs::{self, File},
    io::{self, Read},
    path::Path,
};

/// The name of the report in the demo's folder.
pub const FILE: &str = "report.json";
/// Bytes that a report has at most; one has about a thousand.
const MAX_BYTES: u64 = 1 << 16;

/// Accuracy on the evaluators' rows that the demo promises.
const TARGET: Ppm = 950_000;

/// Everything that the demo has found out.
pub struct Outcome {
    /// Whether only the drawn evaluators could read the updates.
    pub sealed: bool,
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
    sealed: bool,
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
            sealed: outcome.sealed,
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
            "{:.1} % accuracy on unseen rows after {} in {:.0} seconds, model {}, released as version {}",
            accuracy * 100.0,
            count(self.accuracy.len() as u64, "round"),
            self.seconds.total,
            self.model_cid,
            self.released_version,
        )
    }
}

/// The promises of the demo that this run has not kept, one sentence each. Only a run that is not cut short promises something of the
/// model's accuracy.
fn broken(outcome: &Outcome, cast: &Cast, whole: bool) -> Vec<String> {
    let Outcome { rounds, settlement, released, .. } = outcome;
    let mut broken = Vec::new();
    if !settlement.adds_up() {
        broken.push("the balances do not add up".to_owned());
    }
    if whole && released.metric < TARGET {
        broken.push(format!(
            "the model has {} on the evaluators' rows, less than {}",
            percent(released.metric),
            percent(TARGET)
        ));
    }
    if !matches!(released.status, ModelStatus::Released { .. }) {
        broken.push(format!("version {} is not released", released.version));
    }
    let rejected = never_accepted(rounds);
    let misbehaving = cast.trainers.iter().zip(CONDUCTS);
    for (one, _) in misbehaving.filter(|(_, conduct)| *conduct != Conduct::Honest) {
        let (name, account) = (&one.name, one.account());
        let accepted = rounds.iter().find(|round| round.accepted.contains(&account));
        match accepted {
            Some(round) => broken.push(format!("{name} was accepted in round {}", round.round)),
            None if !rejected.contains(&account) => {
                broken.push(format!("{name} was never rejected"));
            }
            None => {}
        }
        let [before, after] = [&settlement.before, &settlement.after]
            .map(|snapshot| snapshot.accounts.get(&account.0).map_or(0, AccountBalance::total));
        if after > before {
            broken.push(format!("{name} has more than before"));
        }
    }
    broken
}

/// Fails where the demo has not shown what it promises; report, model and picture lie there all the same.
pub fn judge(outcome: &Outcome, cast: &Cast, whole: bool) -> Result<()> {
    match broken(outcome, cast, whole) {
        broken if broken.is_empty() => Ok(()),
        broken => Err(problem(
            Kind::Other,
            format!("not everything is as promised: {}", broken.join("; ")),
        )),
    }
}

/// Whether a file is the report of a demo.
pub fn is_report(path: &Path) -> bool {
    let read = || -> io::Result<Value> {
        let mut text = Vec::new();
        File::open(path)?.take(MAX_BYTES).read_to_end(&mut text)?;
        Ok(serde_json::from_slice(&text)?)
    };
    // A pipe in its place would be waited for.
    let report = if path.is_file() { read().unwrap_or_default() } else { Value::Null };
    ["accuracy", "balances_add_up", "model_cid", "released_version"]
        .iter()
        .all(|key| report.get(key).is_some())
}

/// Writes the files and prints the summary, or the report where JSON is asked for.
pub fn write(outcome: &Outcome, cast: &Cast, folder: &Path, out: &mut Out<'_>) -> Result<()> {
    let report = Report::new(outcome, cast);
    fs::write(folder.join(FILE), serde_json::to_vec_pretty(&report)?)?;
    fs::write(folder.join("rounds.json"), serde_json::to_vec_pretty(&outcome.rounds)?)?;
    let alone: Vec<String> =
        report.alone_accuracy.iter().map(|share| format!("{:.1}", share * 100.0)).collect();
    out.line(&format!(
        "compare  on unseen rows: federated {:.1} %, trainers alone {} %, central {:.1} %",
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
    use crate::commands::demo::{cast::Person, ledger::Ledger};
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
            sealed: false,
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
            model: Metrics {
                accuracy: 0.96,
                loss: 0.1,
                utility: -0.1,
                rows: 300,
                ..Metrics::default()
            },
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
                "sealed",
                "seconds",
            ]
        );
        assert_eq!(report["alone_accuracy"], serde_json::json!([0.6, 0.7]));
        assert_eq!(report["central_accuracy"], 0.97);
        assert_eq!((&report["paid"], &report["refunded"]), (&40.into(), &60.into()));
        assert_eq!(report["rejected"].as_array().unwrap().len(), 1);
        assert_eq!(report["seconds"]["total"], 61.4);
    }

    /// As promised: both who misbehave are rejected, and nobody has gained or lost.
    fn kept(cast: &Cast) -> Outcome {
        let mut kept = outcome();
        kept.settlement = Settlement::default();
        for round in &mut kept.rounds {
            round.rejected = cast.trainers[4..].iter().map(Person::account).collect();
        }
        kept
    }

    #[test]
    fn a_broken_promise_is_told_and_fails() {
        let cast = Cast::new().unwrap();
        assert_eq!(broken(&kept(&cast), &cast, true), Vec::<String>::new());
        assert!(judge(&kept(&cast), &cast, true).is_ok());
        let hostile = cast.trainers[4].account();
        let told = |change: &dyn Fn(&mut Outcome)| {
            let mut outcome = kept(&cast);
            change(&mut outcome);
            let error = judge(&outcome, &cast, true).unwrap_err();
            assert_eq!(crate::exit::kind(&error), Kind::Other);
            broken(&outcome, &cast, true).join("; ")
        };
        let lost = |outcome: &mut Outcome| outcome.settlement.ledger.paid += 1;
        assert_eq!(told(&lost), "the balances do not add up");
        let low = |outcome: &mut Outcome| outcome.released.metric = 949_000;
        assert_eq!(told(&low), "the model has 94.9 % on the evaluators' rows, less than 95 %");
        let mut short = kept(&cast);
        low(&mut short);
        assert!(judge(&short, &cast, false).is_ok(), "a run that is cut short promises less");
        let candidate = |outcome: &mut Outcome| outcome.released.status = ModelStatus::Candidate;
        assert_eq!(told(&candidate), "version 2 is not released");
        let once = |outcome: &mut Outcome| outcome.rounds[1].accepted.push(hostile);
        assert_eq!(told(&once), "trainer 5 (hostile) was accepted in round 2");
        let unseen = |outcome: &mut Outcome| {
            outcome.rounds.iter_mut().for_each(|round| round.rejected.truncate(1));
        };
        assert_eq!(told(&unseen), "trainer 6 (free-rider) was never rejected");
        let paid = |outcome: &mut Outcome| {
            let richer = AccountBalance { free: 7, ..AccountBalance::default() };
            outcome.settlement.after.accounts.insert(hostile.0, richer);
            outcome.settlement.after.issuance = 7;
        };
        assert!(told(&paid).ends_with("trainer 5 (hostile) has more than before"));
    }

    #[test]
    fn the_last_line_says_it_all() {
        let folder = tempfile::tempdir().unwrap();
        let mut bytes = Vec::new();
        let cast = Cast::new().unwrap();
        write(&outcome(), &cast, folder.path(), &mut Out::new(&mut bytes, false)).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let last = text.lines().last().unwrap();
        for part in
            ["96.0 % accuracy on unseen rows", "2 rounds", "61 seconds", "bafkrei", "version 2"]
        {
            assert!(last.contains(part), "{last}");
        }
        assert!(is_report(&folder.path().join(FILE)));
        assert!(!is_report(&folder.path().join("rounds.json")));
        assert!(!is_report(folder.path()));
    }
}
