//! What is seen of a run while it goes on.

use super::runs::Told;
use crate::output::Out;
use color_eyre::Result;
use decentralml_simulator::{RoundRecord, Variant, terminal::chart};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::io::{IsTerminal, stderr};

/// Cells of the chart.
const WIDTH: usize = 60;
const HEIGHT: usize = 6;

/// A bar under a chart where standard error is a terminal; a line for each round where it is not; JSON where that is asked for.
pub struct Watch {
    bar: ProgressBar,
    /// Whether a line tells of each round.
    lines: bool,
    /// What a sweep has put in, and the seed.
    label: String,
    seed: u64,
    rounds: u32,
    /// Clients in a round.
    cohort: u64,
    /// The measure of each evaluation.
    values: Vec<f64>,
}

/// A round, as JSON has it.
#[derive(Serialize)]
struct Round<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    combination: &'a str,
    seed: u64,
    record: &'a RoundRecord,
}

impl Watch {
    /// Nothing is seen yet.
    pub fn new(variant: &Variant, json: bool) -> Self {
        let shown = stderr().is_terminal() && !json;
        let bar = if shown { ProgressBar::new(0) } else { ProgressBar::hidden() };
        let template = "{msg}\n{prefix} {bar:30} {pos} of {len} clients, {per_sec}, {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self {
            bar,
            lines: !shown && !json,
            label: variant.label.clone(),
            seed: variant.file.seed,
            rounds: variant.file.rounds,
            cohort: u64::from(variant.file.cohort()),
            values: Vec::new(),
        }
    }

    /// Shows what the run tells.
    pub fn see(&mut self, told: Told, out: &mut Out<'_>) -> Result<()> {
        match told {
            Told::Started { done, rounds } => {
                self.bar.set_length(u64::from(rounds) * self.cohort);
                if !done.is_empty() {
                    out.line(&format!("goes on after round {} of {rounds}", done.len()))?;
                }
                done.iter().for_each(|record| self.add(record));
                self.bar.set_position(done.len() as u64 * self.cohort);
                self.bar.reset_eta();
                Ok(())
            }
            Told::Client { round, done, of } => {
                self.bar.set_prefix(format!("round {round}: {done} of {of} "));
                self.bar.set_position(u64::from(round - 1) * self.cohort + done as u64);
                Ok(())
            }
            Told::Round(record) => {
                self.add(&record);
                if out.json() {
                    let (combination, seed) = (self.label.as_str(), self.seed);
                    return super::line(&Round { combination, seed, record: &record }, out);
                }
                if self.lines {
                    return out.line(&said(&record, self.rounds));
                }
                Ok(())
            }
            Told::Finished => out.line("this run had ended before; --restart runs it again"),
        }
    }

    fn add(&mut self, record: &RoundRecord) {
        let Some(metrics) = &record.metrics else { return };
        self.values.push(metrics.mse.unwrap_or(metrics.accuracy));
        let measure = if metrics.mse.is_some() { "squared error" } else { "accuracy" };
        self.bar.set_message(format!("{measure}\n{}", chart(&self.values, WIDTH, HEIGHT)));
    }

    /// Says that it is about to stop.
    pub fn stopping(&self) {
        self.bar.set_prefix("stopping ");
    }

    /// Leaves the terminal as it was, with the chart.
    pub fn end(&self) {
        self.bar.finish_and_clear();
        if !self.bar.is_hidden() && !self.values.is_empty() {
            let text = self.bar.message();
            self.bar.suspend(|| eprintln!("{text}"));
        }
    }
}

/// A round on one line.
fn said(record: &RoundRecord, rounds: u32) -> String {
    let mut text = format!("round {} of {rounds}", record.round);
    if let Some(metrics) = &record.metrics {
        text += &match metrics.mse {
            Some(error) => format!(", squared error {error:.4}"),
            None => {
                format!(", accuracy {:.2} %, loss {:.4}", metrics.accuracy * 100.0, metrics.loss)
            }
        };
    }
    if record.diverged > 0 {
        text += &format!(", {} clients diverged", record.diverged);
    }
    text + &format!(", {:.1} s", record.seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_is_said_on_one_line() {
        let record = RoundRecord { round: 3, diverged: 2, seconds: 1.25, ..RoundRecord::default() };
        assert_eq!(said(&record, 9), "round 3 of 9, 2 clients diverged, 1.2 s");
    }
}
