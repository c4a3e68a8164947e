//! The demo's learning without its chain: does it hold on seeds that nobody chose?

use super::{
    baselines::{Baselines, Setting},
    cast::{CONDUCTS, Cast},
    setup,
};
use crate::{
    commands::data::Parts,
    context::spinner,
    output::{Out, number_table, or_dash},
    task_file::Stored,
};
use color_eyre::Result;
use decentralml_learning::{
    Evaluator, ModelSpec, Seed, ShapleyOptions, Update, Weights, score_updates, train,
};
use decentralml_protocol::{draw, verdict};
use decentralml_sdk::Properties;
use decentralml_storage::unixfs::canonical_cid;
use decentralml_types::{Outcome, Score, TaskSpec};
use decentralml_worker::{
    convert,
    step::{State, Step},
    trainer::Conduct,
};
use futures::{StreamExt, TryStreamExt, stream};
use serde::Serialize;
use std::{ops::ControlFlow, str::FromStr, thread::available_parallelism};
use tokio::task::spawn_blocking;

/// What the demo promises of the released model, on rows that nobody has seen.
const PROMISE: f64 = 0.95;

/// A range of seeds, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seeds {
    first: u64,
    last: u64,
}

impl FromStr for Seeds {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        match (first.parse(), last.parse()) {
            (Ok(first), Ok(last)) if first <= last => Ok(Self { first, last }),
            _ => Err("write it like 1-20".to_owned()),
        }
    }
}

/// What a demo with this seed would show. Accuracies are shares of the test part where nothing else is said.
#[derive(Clone, Debug, Serialize)]
struct Rehearsed {
    seed: u64,
    /// After each round that gave a model.
    accuracy: Vec<f64>,
    /// On the validation part, where the task's target is measured.
    validation_accuracy: Vec<f64>,
    /// The first round whose model keeps the promise.
    promise_kept_in: Option<usize>,
    alone_accuracy: Vec<f64>,
    central_accuracy: f64,
    /// Numbers of the trainers that were never accepted.
    rejected: Vec<usize>,
    /// Whether everything is as the demo promises.
    holds: bool,
}

/// Rehearses every seed and shows the table.
pub async fn run(seeds: Seeds, out: &mut Out<'_>) -> Result<()> {
    let bar = spinner("training …");
    let rehearsals = (seeds.first..=seeds.last).map(|seed| {
        let bar = bar.clone();
        async move {
            let rehearsed = spawn_blocking(move || rehearse(seed)).await??;
            bar.set_message(format!("seed {seed} is done …"));
            Ok::<_, color_eyre::Report>(rehearsed)
        }
    });
    let at_once = available_parallelism().map_or(1, usize::from);
    let rehearsed: Vec<Rehearsed> =
        stream::iter(rehearsals).buffered(at_once).try_collect().await?;
    bar.finish_and_clear();
    out.result(&rehearsed, |rehearsed| people(rehearsed))
}

fn people(rehearsed: &[Rehearsed]) -> String {
    let percent = |share: f64| format!("{:.1} %", share * 100.0);
    let rows = rehearsed.iter().map(|one| {
        let numbers: Vec<String> = one.rejected.iter().map(usize::to_string).collect();
        vec![
            one.seed.to_string(),
            one.accuracy.len().to_string(),
            percent(one.accuracy.last().copied().unwrap_or(0.0)),
            or_dash(one.promise_kept_in),
            percent(one.alone_accuracy.iter().copied().fold(0.0, f64::max)),
            percent(one.alone_accuracy.iter().copied().fold(1.0, f64::min)),
            percent(one.central_accuracy),
            numbers.join(", "),
            if one.holds { "yes" } else { "NO" }.to_owned(),
        ]
    });
    let header = [
        "seed",
        "rounds",
        "federated",
        "95 % in round",
        "best alone",
        "worst alone",
        "central",
        "rejected",
        "holds",
    ];
    let good = rehearsed.iter().filter(|one| one.holds).count();
    format!(
        "{}\n\nThe demo's promise (at least 95 %, better than anybody alone, 5 and 6 rejected and nobody else) holds for {good} \
         of {}.",
        number_table(header.map(str::to_owned).to_vec(), rows),
        match rehearsed.len() {
            1 => "1 seed".to_owned(),
            count => format!("{count} seeds"),
        }
    )
}

fn rehearse(seed: u64) -> Result<Rehearsed> {
    let parts = setup::parts(seed)?;
    let file = setup::task_file(seed)?;
    let model = file.model_spec()?;
    let initial = setup::initial(&model, seed);
    let spec = spec(&file, &model)?;
    let federation = Federation::new(&model, &spec, &parts)?.run(initial.clone())?;
    let setting = Setting {
        model,
        initial,
        local: convert::training(&spec, 0),
        rounds: federation.accuracy.len(),
    };
    let baselines = setting.baselines(&parts.trainers, &parts.test)?;
    Ok(Rehearsed::new(seed, federation, &baselines))
}

/// The task as the chain would keep it. Names and amounts do not matter here, nor what is stored where.
fn spec(file: &crate::task_file::TaskFile, model: &ModelSpec) -> Result<TaskSpec> {
    let cid = canonical_cid(&model.to_canonical_json()?);
    let token = Properties { symbol: "DML".to_owned(), decimals: 12, ss58: 42 };
    file.spec(model, Stored { model: cid, validation_set: cid }, Seed::default(), &token, &token)
}

impl Rehearsed {
    fn new(seed: u64, federation: Outcomes, baselines: &Baselines) -> Self {
        let last = |curve: &Vec<f64>| curve.last().copied().unwrap_or(0.0);
        let alone: Vec<f64> = baselines.alone.iter().map(last).collect();
        let Outcomes { accuracy, validation_accuracy, rejected } = federation;
        let reached = last(&accuracy);
        let hostile =
            CONDUCTS.iter().enumerate().filter(|(_, conduct)| **conduct != Conduct::Honest);
        let hostile: Vec<usize> = hostile.map(|(index, _)| index + 1).collect();
        Self {
            seed,
            promise_kept_in: accuracy.iter().position(|&share| share >= PROMISE).map(|at| at + 1),
            holds: reached >= PROMISE
                && alone.iter().all(|&share| share < reached)
                && rejected == hostile,
            accuracy,
            validation_accuracy,
            alone_accuracy: alone,
            central_accuracy: last(&baselines.central),
            rejected,
        }
    }
}

/// What the rounds gave.
struct Outcomes {
    accuracy: Vec<f64>,
    validation_accuracy: Vec<f64>,
    rejected: Vec<usize>,
}

/// The rounds of a task, played by one process.
struct Federation<'a> {
    model: &'a ModelSpec,
    spec: &'a TaskSpec,
    parts: &'a Parts,
    validation: Evaluator,
    test: Evaluator,
    cast: Cast,
    /// Running scores.
    standings: [Score; CONDUCTS.len()],
    trend: Option<u64>,
    accepted_once: [bool; CONDUCTS.len()],
    /// What the server's optimizer remembers, and how many rounds are settled.
    state: Option<State>,
    settled: u32,
}

impl<'a> Federation<'a> {
    fn new(model: &'a ModelSpec, spec: &'a TaskSpec, parts: &'a Parts) -> Result<Self> {
        Ok(Self {
            model,
            spec,
            parts,
            validation: Evaluator::new(model, &parts.validation)?,
            test: Evaluator::new(model, &parts.test)?,
            cast: Cast::new()?,
            standings: Default::default(),
            trend: None,
            accepted_once: Default::default(),
            state: None,
            settled: 0,
        })
    }

    /// Rounds until the target, or as many as the task has; fewer where too many in a row accept nothing.
    fn run(mut self, mut weights: Weights) -> Result<Outcomes> {
        let (mut accuracy, mut validation_accuracy) = (Vec::new(), Vec::new());
        let (mut round, mut failed) = (0, 0);
        while accuracy.len() < self.spec.rounds as usize && failed <= self.spec.max_retries {
            round += 1;
            let Some(next) = self.round(round, &weights)? else {
                failed += 1;
                continue;
            };
            (weights, failed) = (next, 0);
            accuracy.push(self.test.evaluate(&weights)?.accuracy);
            let measured = self.validation.evaluate(&weights)?.accuracy;
            validation_accuracy.push(measured);
            let metric = convert::ppm(measured);
            if self.spec.target.is_some_and(|target| metric >= target) {
                break;
            }
        }
        let never = self.accepted_once.iter().enumerate().filter(|(_, accepted)| !**accepted);
        let rejected = never.map(|(index, _)| index + 1).collect();
        Ok(Outcomes { accuracy, validation_accuracy, rejected })
    }

    /// The next model; `None` where no update is accepted.
    fn round(&mut self, round: u32, base: &Weights) -> Result<Option<Weights>> {
        let updates: Vec<Update> = (0..CONDUCTS.len())
            .map(|index| self.update(index, round, base))
            .collect::<Result<_>>()?;
        let updates: Vec<&Update> = updates.iter().collect();
        let options = ShapleyOptions::default();
        let scores =
            score_updates(&self.validation, base, &updates, shuffle(round, &[]), &options)?;
        let accepted = self.judge(&scores);
        let indices: Vec<usize> = (0..CONDUCTS.len()).filter(|&index| accepted[index]).collect();
        let accepted: Vec<&Update> = updates
            .iter()
            .zip(accepted)
            .filter(|(_, accepted)| *accepted)
            .map(|(u, _)| *u)
            .collect();
        if accepted.is_empty() {
            return Ok(None);
        }
        let rows = |index: usize| u32::try_from(self.parts.trainers[index].rows());
        let samples: Vec<u32> = indices.into_iter().map(rows).collect::<Result<_, _>>()?;
        let step = Step::of(self.spec, self.settled, &samples, shuffle(round, &[]))?;
        let state = match self.state.take() {
            Some(state) => state,
            None => step.start(self.model)?,
        };
        let (next, state) = step.take(base, &accepted, state)?;
        self.state = Some(state);
        self.settled += 1;
        Ok(Some(next))
    }

    /// What this trainer sends.
    fn update(&self, index: usize, round: u32, base: &Weights) -> Result<Update> {
        let encoding = convert::encoding(self.spec)?;
        let conduct = CONDUCTS[index];
        if conduct == Conduct::FreeRide {
            return Ok(Update::zero(self.model, encoding));
        }
        let local = convert::training(self.spec, self.settled);
        let seed = shuffle(round, &self.cast.trainers[index].account().0);
        let go_on = |_| ControlFlow::Continue(());
        let rows = &self.parts.trainers[index];
        let trained = train(self.model, base, rows, &local, seed, go_on)?;
        let update = Update::from_delta(base, &trained.weights, encoding)?;
        Ok(match conduct {
            Conduct::SignFlip => update.negated(),
            _ => update,
        })
    }

    /// Whose updates enter. Three honest seats measure the same, so that one measurement is their median.
    fn judge(&mut self, scores: &[Score]) -> Vec<bool> {
        let total = scores.iter().copied().map(verdict::worth).sum();
        let trend = verdict::trend(self.trend, total);
        self.trend = Some(trend);
        let standings = self.standings.iter_mut().zip(&mut self.accepted_once);
        scores
            .iter()
            .zip(standings)
            .map(|(&score, (standing, once))| {
                *standing = verdict::running(*standing, score, trend);
                let outcome = verdict::outcome(*standing, score, total);
                // What all seats find worth nothing is rejected, whatever its trainer has earned.
                let accepted = score != 0 && matches!(outcome, Outcome::Accepted { .. });
                *once |= accepted;
                accepted
            })
            .collect()
    }
}

/// What is drawn in a round, for somebody: as on a chain whose first block has the hash zero.
fn shuffle(round: u32, whose: &[u8]) -> Seed {
    let task = 0_u32.to_le_bytes();
    draw::key(&Seed::default(), &[&task, &round.to_le_bytes(), whose].concat())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_range_of_seeds_includes_both_ends() {
        assert_eq!("3-5".parse(), Ok(Seeds { first: 3, last: 5 }));
        assert_eq!("7".parse(), Ok(Seeds { first: 7, last: 7 }));
        for text in ["", "5-3", "1..20", "-3", "a-b"] {
            assert!(text.parse::<Seeds>().is_err(), "{text}");
        }
    }
}
