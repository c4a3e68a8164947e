//! The runs of a file, and one of them at work.

use super::{How, watch::Watch};
use crate::{
    daemon::{DaemonOpts, StopRequest},
    exit::{Kind, problem},
    output::Out,
};
use color_eyre::{Report as Failure, Result};
use decentralml_simulator::{
    Event, Federation, Folder, Options, Report, RoundRecord, RunFile, SimulateError, Variant,
    simulate, variants,
};
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::{sync::mpsc, task};

/// All runs of a file.
#[derive(Debug)]
pub struct Plan {
    /// At least one.
    pub runs: Vec<Run>,
}

/// One run.
#[derive(Debug)]
pub struct Run {
    /// What is run.
    pub variant: Variant,
    /// From where its files are meant.
    pub home: PathBuf,
}

/// What a run tells on its way, as another thread can have it.
#[derive(Debug)]
pub enum Told {
    /// It begins after these rounds.
    Started { done: Vec<RoundRecord>, rounds: u32 },
    /// A client of a round is ready.
    Client { round: u32, done: usize, of: usize },
    /// A round is over.
    Round(RoundRecord),
    /// It had ended before.
    Finished,
}

impl Plan {
    /// Reads a run file.
    pub fn read(path: &Path) -> Result<Self> {
        let text = RunFile::text(path).map_err(failure)?;
        let all = variants(&text, path).map_err(|error| match error {
            SimulateError::Toml(text) => {
                problem(Kind::Usage, format!("{}: {text}", path.display()))
            }
            other => failure(other),
        })?;
        let home = path.parent().map(Path::to_owned).unwrap_or_default();
        let runs = all.into_iter().map(|variant| Run { variant, home: home.clone() });
        Ok(Self { runs: runs.collect() })
    }

    /// What people call the file's runs.
    pub fn name(&self) -> &str {
        self.runs.first().map_or("run", |run| run.variant.file.name.as_str())
    }
}

impl Run {
    /// Runs it in a thread of its own, and shows how far it is. On SIGINT or SIGTERM it ends at the next batch, and leaves a
    /// checkpoint.
    pub async fn run(&self, folder: &Path, how: How, out: &mut Out<'_>) -> Result<Report> {
        let mut requested = StopRequest::listen(DaemonOpts::default())?;
        let stop = Arc::new(AtomicBool::new(false));
        let (sender, mut told) = mpsc::unbounded_channel();
        let mut work = {
            let (file, home) = (self.variant.file.clone(), self.home.clone());
            let (folder, stop) = (folder.to_owned(), stop.clone());
            task::spawn_blocking(move || work(&file, &home, &folder, how, &stop, &sender))
        };
        let mut watch = Watch::new(&self.variant, out.json());
        let done = loop {
            tokio::select! {
                event = told.recv() => match event {
                    Some(event) => watch.see(event, out)?,
                    None => break (&mut work).await,
                },
                () = requested.wait() => {
                    if stop.swap(true, Ordering::Relaxed) {
                        // Asked for twice: what the last checkpoint has is what is left.
                        return Err(problem(Kind::Interrupted, "interrupted"));
                    }
                    watch.stopping();
                }
            }
        };
        watch.end();
        done?.map_err(|error| match error {
            SimulateError::Stopped { round: 0 } => problem(
                Kind::Interrupted,
                "interrupted in the first round; nothing is kept, run it again to start anew",
            ),
            SimulateError::Stopped { round } => problem(
                Kind::Interrupted,
                format!(
                    "interrupted after round {round}; the checkpoint is kept in {}: run it again to go on",
                    folder.display()
                ),
            ),
            other => failure(other),
        })
    }
}

/// The run itself.
fn work(
    file: &RunFile,
    home: &Path,
    folder: &Path,
    how: How,
    stop: &AtomicBool,
    sender: &mpsc::UnboundedSender<Told>,
) -> Result<Report, SimulateError> {
    let federation = Federation::load(file, home)?;
    let folder = Folder::open(folder)?;
    let How { threads, clients_per_batch, restart } = how;
    let options = Options { threads, clients_per_batch, restart };
    let observe = |event: Event<'_>| {
        let told = match event {
            Event::Started { done, rounds } => Told::Started { done: done.to_vec(), rounds },
            Event::Client { round, done, of } => Told::Client { round, done, of },
            Event::Round(record) => Told::Round(record.clone()),
            Event::Finished => Told::Finished,
            Event::OneByOne { why } => {
                tracing::warn!("trains one client at a time: {why}");
                return;
            }
            Event::Saved { .. } => return,
        };
        // Nobody listens any more once it was interrupted twice.
        let _ = sender.send(told);
    };
    simulate(&federation, &folder, options, stop, &observe).map(|outcome| outcome.report)
}

/// A failure with the kind that its exit code tells.
pub fn failure(error: SimulateError) -> Failure {
    let kind = match &error {
        error if error.is_of_the_file() => Kind::Usage,
        SimulateError::Data(_) | SimulateError::Model(_) | SimulateError::Evaluate(_) => Kind::Data,
        SimulateError::Stopped { .. } => Kind::Interrupted,
        // What a full disk needs is told from the cause.
        SimulateError::File { .. } => return Failure::new(error),
        _ => Kind::Other,
    };
    problem(kind, error.to_string())
}
