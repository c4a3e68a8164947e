//! Runs side by side.

use serde::{Deserialize, Serialize};

use crate::{
    Report, SimulateError,
    page::{add, measure, table, whole},
    plot::{Curve, Picture},
};

/// A number over several runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    /// Its mean.
    pub mean: f64,
    /// Its standard deviation over the runs, with one less than their number below the line; 0 for one
    /// run.
    pub deviation: f64,
}

impl Summary {
    fn of(values: &[f64]) -> Self {
        let count = values.len();
        if count == 0 {
            return Self::default();
        }
        let mean = values.iter().sum::<f64>() / count as f64;
        let square: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let deviation = if count > 1 { (square / (count - 1) as f64).sqrt() } else { 0.0 };
        Self { mean, deviation }
    }
}

/// What runs that differ in their seeds alone have come to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Comparison {
    /// What people call it: the run's name, and what a sweep has put in.
    pub name: String,
    /// Seeds of its runs.
    pub seeds: Vec<u64>,
    /// The CIDs of the final models, in the order of the seeds.
    pub model_cids: Vec<String>,
    /// Accuracy of the final model on the held-out rows; 0 for a regression.
    pub accuracy: Summary,
    /// Its loss there.
    pub loss: Summary,
    /// Its measure for the tenth of the clients that fare worst, where it was looked at.
    pub worst_tenth: Option<Summary>,
    /// Rounds until the target; nothing where a run has not reached it.
    pub rounds_to_target: Option<Summary>,
    /// Rounds.
    pub rounds: Summary,
    /// Bytes sent by all clients.
    pub bytes_up: Summary,
    /// Changes that were cut.
    pub saturated: Summary,
    /// Seconds of all rounds.
    pub seconds: Summary,
}

/// Sums groups of runs up: a name, and the reports of runs that differ in their seeds.
pub fn compare(groups: &[(String, Vec<Report>)]) -> Vec<Comparison> {
    let of = |(name, reports): &(String, Vec<Report>)| {
        let over = |value: &dyn Fn(&Report) -> f64| {
            Summary::of(&reports.iter().map(value).collect::<Vec<_>>())
        };
        let worst: Option<Vec<f64>> = reports
            .iter()
            .map(|report| report.fairness.as_ref().map(|fairness| fairness.worst_tenth))
            .collect();
        let reached: Option<Vec<f64>> =
            reports.iter().map(|report| report.reached.map(f64::from)).collect();
        Comparison {
            name: name.clone(),
            seeds: reports.iter().map(|report| report.file.seed).collect(),
            model_cids: reports.iter().map(|report| report.model_cid.clone()).collect(),
            accuracy: over(&|report| report.metrics.accuracy),
            loss: over(&|report| report.metrics.loss),
            worst_tenth: worst.map(|worst| Summary::of(&worst)),
            rounds_to_target: reached.map(|reached| Summary::of(&reached)),
            rounds: over(&|report| report.rounds.len() as f64),
            bytes_up: over(&|report| report.bytes_up as f64),
            saturated: over(&|report| report.saturated as f64),
            seconds: over(&|report| report.seconds),
        }
    };
    groups.iter().map(of).collect()
}

/// The header of [`Comparison::cells`].
pub const HEADER: [&str; 9] = [
    "run",
    "seeds",
    "accuracy",
    "loss",
    "worst tenth",
    "rounds",
    "to target",
    "MB sent",
    "seconds",
];

impl Comparison {
    /// A line of a table, under [`HEADER`].
    pub fn cells(&self) -> Vec<String> {
        let dash = || "–".to_owned();
        vec![
            self.name.clone(),
            self.seeds.len().to_string(),
            told(self.accuracy, 100.0, 2, " %"),
            told(self.loss, 1.0, 4, ""),
            self.worst_tenth.map_or_else(dash, |worst| told(worst, 1.0, 4, "")),
            told(self.rounds, 1.0, 0, ""),
            self.rounds_to_target.map_or_else(dash, |rounds| told(rounds, 1.0, 1, "")),
            told(self.bytes_up, 1e-6, 2, ""),
            told(self.seconds, 1.0, 1, ""),
        ]
    }
}

/// Mean ± deviation, without the latter where there is none.
fn told(summary: Summary, times: f64, digits: usize, unit: &str) -> String {
    let (mean, deviation) = (summary.mean * times, summary.deviation * times);
    match deviation > 0.0 {
        true => format!("{mean:.digits$} ± {deviation:.digits$}{unit}"),
        false => format!("{mean:.digits$}{unit}"),
    }
}

/// The page of a comparison: a table, and the curves of the first run of each group.
pub fn comparison_page(
    groups: &[(String, Vec<Report>)],
    compared: &[Comparison],
) -> Result<String, SimulateError> {
    let rows: Vec<Vec<String>> = compared.iter().map(Comparison::cells).collect();
    let mut body = format!("<h1>Comparison</h1>\n{}", table(&HEADER, &rows));
    let evaluated = |value: fn(&decentralml_learning::Metrics) -> f64| {
        move |report: &Report| {
            let found = report.evaluations();
            found.map(|(round, metrics)| (f64::from(round), value(metrics))).collect()
        }
    };
    let regression = groups
        .iter()
        .flat_map(|(_, reports)| reports)
        .any(|report| measure(report).0 == decentralml_learning::Task::Regression);
    if !regression {
        let curves = curves(groups, &evaluated(|metrics| metrics.accuracy));
        let title = "Accuracy on the held-out rows";
        add(&mut body, &Picture { title, x: "round", y: "accuracy", curves: &curves })?;
        let spent = |report: &Report| {
            let mut sum = 0.0;
            let mut points = Vec::new();
            for record in &report.rounds {
                sum += record.bytes_up as f64 / 1e6;
                points.extend(record.metrics.map(|metrics| (sum, metrics.accuracy)));
            }
            points
        };
        let (title, curves) = ("Accuracy for bytes", self::curves(groups, &spent));
        add(&mut body, &Picture { title, x: "MB sent", y: "accuracy", curves: &curves })?;
    }
    let curves_of_loss = curves(groups, &evaluated(|metrics| metrics.loss));
    let picture = Picture { title: "Loss", x: "round", y: "loss", curves: &curves_of_loss };
    add(&mut body, &picture)?;
    let fairness = |report: &Report| {
        let fairness = report.fairness.iter();
        let quantiles = fairness.flat_map(|fairness| fairness.quantiles.iter().enumerate());
        quantiles.map(|(step, &value)| (step as f64 * 5.0, value)).collect()
    };
    let curves_of_fairness = curves(groups, &fairness);
    let picture = Picture {
        title: "The final model on the clients' own rows",
        x: "% of the clients have at most",
        y: "measure",
        curves: &curves_of_fairness,
    };
    add(&mut body, &picture)?;
    Ok(whole("Comparison", &body))
}

/// A curve of the first run of each group.
fn curves(
    groups: &[(String, Vec<Report>)],
    points: &dyn Fn(&Report) -> Vec<(f64, f64)>,
) -> Vec<Curve> {
    let first = groups.iter().filter_map(|(name, reports)| Some((name, reports.first()?)));
    first.map(|(name, report)| Curve { name: name.clone(), points: points(report) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_has_mean_and_deviation() {
        let summary = Summary::of(&[1.0, 2.0, 3.0]);
        assert_eq!((summary.mean, summary.deviation), (2.0, 1.0));
        assert_eq!(told(summary, 1.0, 1, ""), "2.0 ± 1.0");
        assert_eq!(told(Summary::of(&[0.5]), 100.0, 2, " %"), "50.00 %");
        assert_eq!(Summary::of(&[]), Summary::default());
    }
}
