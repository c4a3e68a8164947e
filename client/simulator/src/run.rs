//! A run from its first round, or from its checkpoint, to its report.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Instant,
};

use decentralml_learning::{Alone, ControlVariate, Evaluator, Metrics, Task, Weights};
use decentralml_storage::unixfs::canonical_cid;

use crate::{
    Cohort, Fairness, Federation, Folder, Report, RoundRecord, RunFile, SimulateError, Versions,
    checkpoint::Checkpoint,
    folder::{remove, write_whole},
    gather::clear_updates,
    page,
    round::{Rounds, Threads, Together},
    state::{States, clear_states},
};

/// How a run is done. Nothing of it changes a number of the model but `clients_per_batch`, as which devices do, by how it rounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Clients that train at the same time, each on one thread; 0 for as many as there are cores.
    pub threads: usize,
    /// Clients that one thread trains as one set of tensors, where the model allows it; 1 for none. 0 for 1 on the processor, and
    /// on a card for [`ON_A_CARD`](crate::ON_A_CARD), or fewer where the model is large.
    pub clients_per_batch: usize,
    /// Forgets what is in the folder: checkpoint, states, a finished report.
    pub restart: bool,
}

/// What a run tells while it goes on, from whatever thread.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// It starts, or goes on after this many rounds.
    Started {
        /// The rounds that are done.
        done: &'a [RoundRecord],
        /// Rounds at most.
        rounds: u32,
    },
    /// Clients are trained one by one, though a batch of them was asked for or is usual on this device.
    OneByOne {
        /// Why.
        why: Alone,
    },
    /// A client of a round is ready.
    Client {
        /// The round, from 1.
        round: u32,
        /// Clients of the round that are ready.
        done: usize,
        /// Clients of the round.
        of: usize,
    },
    /// A round is done.
    Round(&'a RoundRecord),
    /// A checkpoint stands.
    Saved {
        /// The last round that it has.
        round: u32,
    },
    /// It had ended before; this is its report.
    Finished,
}

/// A run that has ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The final model.
    pub model: Weights,
    /// What there is to say.
    pub report: Report,
}

/// Runs `federation` to its end, and leaves model and report in `folder`.
///
/// It goes on from the checkpoint in the folder, if there is one; what has already ended is only read. A
/// checkpoint or a report of another run ends it with [`SimulateError::Changed`], unless asked to restart.
/// When `stop` becomes true it ends at the next batch with [`SimulateError::Stopped`], after a checkpoint
/// of the last round that is done.
pub fn simulate(
    federation: &Federation,
    folder: &Folder,
    options: Options,
    stop: &AtomicBool,
    observe: &(dyn Fn(Event<'_>) + Sync),
) -> Result<Outcome, SimulateError> {
    let file = &federation.file;
    let (spec, optimizer) = (&federation.spec, &file.aggregation.server);
    if options.restart {
        remove(&folder.checkpoint())?;
        remove(&folder.report())?;
    } else if let Some(report) = Report::finished(folder, &federation.name())? {
        observe(Event::Finished);
        // A process may have ended between the report and this.
        remove(&folder.checkpoint())?;
        clear_states(&folder.state())?;
        let most = Weights::byte_length(spec) as u64;
        let bytes = crate::folder::read_at_most(&folder.model(), most)?;
        let model = Weights::from_bytes(&bytes, spec)
            .map_err(|source| SimulateError::Malformed { path: folder.model(), source })?;
        return Ok(Outcome { model, report });
    }
    let found = Checkpoint::read(&folder.checkpoint(), federation.digest, spec, optimizer)?;
    if found.is_none() {
        clear_states(&folder.state())?;
    }
    // What an earlier run has left does not belong to this one.
    for path in [folder.report(), folder.page(), folder.model()] {
        remove(&path)?;
    }
    clear_updates(&folder.updates())?;
    let mut at = match found {
        Some(checkpoint) => checkpoint,
        None => Checkpoint {
            digest: federation.digest,
            model: federation.first_model(),
            server: optimizer.start(spec)?,
            variate: file.scaffold.then(|| ControlVariate::zero(spec)),
            rounds: Vec::new(),
            reached: None,
            devices: Vec::new(),
        },
    };
    let together = Together::of(options.clients_per_batch, spec, &file.training);
    let device = together.told();
    if at.devices.last() != Some(&device) {
        at.devices.push(device);
    }
    observe(Event::Started { done: &at.rounds, rounds: file.rounds });
    if let Some(why) = together.refused {
        observe(Event::OneByOne { why });
    }

    let threads = Threads::new(options.threads)?;
    let mut saved = at.rounds.len() as u32;
    let states = States::open(&folder.state(), saved)?;
    let evaluator = Evaluator::new(spec, &federation.test)?;
    let evaluate = |model: &Weights| threads.together(|| evaluator.evaluate(model)).map(told);
    let rounds = Rounds {
        federation,
        folder,
        states: &states,
        threads: &threads,
        together: together.clients,
        stop,
        observe,
    };
    let save = |at: &Checkpoint| -> Result<u32, SimulateError> {
        let round = at.rounds.len() as u32;
        states.sync()?;
        at.write(&folder.checkpoint(), spec, optimizer)?;
        states.stands(round)?;
        observe(Event::Saved { round });
        Ok(round)
    };
    let stopped = |at: &Checkpoint, saved: u32| -> SimulateError {
        let round = at.rounds.len() as u32;
        match (round > saved).then(|| save(at)) {
            Some(Err(error)) => error,
            _ => SimulateError::Stopped { round },
        }
    };

    while at.reached.is_none() && (at.rounds.len() as u32) < file.rounds {
        if stop.load(Ordering::Relaxed) {
            return Err(stopped(&at, saved));
        }
        let start = Instant::now();
        let round = at.rounds.len() as u32 + 1;
        let turn = match rounds.round(&at.model, at.variate.as_ref(), round) {
            Err(SimulateError::Stopped { .. }) => return Err(stopped(&at, saved)),
            other => other?,
        };
        let mut record = turn.record;
        at.model = optimizer.apply(&at.model, &mut at.server, &turn.change)?;
        at.variate = turn.variate;
        if round.is_multiple_of(file.evaluate_every) || round == file.rounds {
            let metrics = evaluate(&at.model)?;
            let reached = file.target.is_some_and(|target| reaches(spec.task, &metrics, target));
            at.reached = reached.then_some(round);
            record.metrics = Some(metrics);
        }
        record.seconds = start.elapsed().as_secs_f64();
        states.completed(round)?;
        observe(Event::Round(&record));
        at.rounds.push(record);
        if file.checkpoint_every > 0 && round.is_multiple_of(file.checkpoint_every) {
            saved = save(&at)?;
        }
    }

    let metrics = match at.rounds.last().and_then(|record| record.metrics) {
        Some(metrics) => metrics,
        None => evaluate(&at.model)?,
    };
    let fairness = Fairness::measure(federation, &at.model, &threads)?;
    let bytes = at.model.to_bytes();
    let report = Report {
        name: file.name.clone(),
        run: federation.name(),
        // As a number: a share without a fraction is not told from one where JSON is read.
        file: RunFile { clients_per_round: Cohort::Count(file.cohort()), ..file.clone() },
        model_cid: canonical_cid(&bytes).to_string(),
        parameters: at.model.values().len(),
        rows: federation.rows.rows(),
        test_rows: federation.test.rows(),
        hostile: file.hostile(),
        reached: at.reached,
        metrics,
        fairness,
        bytes_up: at.rounds.iter().map(|record| record.bytes_up).sum(),
        bytes_down: at.rounds.iter().map(|record| record.bytes_down).sum(),
        saturated: at.rounds.iter().map(|record| record.saturated).sum(),
        bounded: at.rounds.iter().map(|record| u64::from(record.bounded)).sum(),
        seconds: at.rounds.iter().map(|record| record.seconds).sum(),
        rounds: at.rounds,
        devices: at.devices,
        threads: threads.count(),
        versions: Versions::default(),
    };
    write_whole(&folder.model(), &[&bytes])?;
    write_whole(&folder.page(), &[page(&report)?.as_bytes()])?;
    let json = serde_json::to_vec_pretty(&report)
        .map_err(|error| SimulateError::Other(error.to_string()))?;
    // The last: where it is, the run has ended.
    write_whole(&folder.report(), &[&json, b"\n"])?;
    remove(&folder.checkpoint())?;
    clear_states(&folder.state())?;
    Ok(Outcome { model: at.model, report })
}

/// Numbers that JSON can hold: a loss that is infinite becomes the largest number.
fn told(metrics: Metrics) -> Metrics {
    let finite = |number: f64| if number.is_finite() { number } else { f64::MAX };
    Metrics {
        loss: finite(metrics.loss),
        mse: metrics.mse.map(finite),
        perplexity: metrics.perplexity.map(finite),
        ..metrics
    }
}

/// Whether the target is reached.
fn reaches(task: Task, metrics: &Metrics, target: f64) -> bool {
    match task {
        Task::Regression => metrics.loss <= target,
        Task::Classification | Task::NextToken => metrics.accuracy >= target,
    }
}
