//! What this trainer carries from one of its updates to the next: what they have left out (error feedback), the mean of its changes (worker
//! momentum), or its control variate (SCAFFOLD).
//!
//! One file for each update that was made, named by its round and by what it was made from: a fork may ask for another update in the same
//! round. It is there before the update is committed to. An update goes on from the file of the last settled round in which this trainer's
//! was accepted: what went into an update that is in no model is learned anew, so what that one left out counts for nothing, and its
//! gradients are in no server's variate. A file goes once it is final that it is not the one to go on from; where nobody knows that now, it
//! stays until a later update is accepted. Those of an update that may be sent [`again`] stay as long as it does.

mod rounds;

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

use decentralml_learning::{ControlVariate, ModelSpec, Residual, StateError, WorkerMomentum};
use decentralml_sdk::{Row, View};
use decentralml_types::{Hash, RoundNumber, TaskId};
use tokio::task::spawn_blocking;

use self::rounds::{Fate, OnChain, Rounds, Standing};
use super::again;
use crate::{
    error::WorkerError,
    state::State,
    work::{Moment, Work},
};

/// What all names of files end with.
const ENDING: &str = ".safetensors";
/// What the names of files begin with.
const PREFIXES: [&str; 3] = [Residual::PREFIX, WorkerMomentum::PREFIX, ControlVariate::PREFIX];
/// Files of a kind that are kept beside the one that updates go on from, as long as the chain may come back to them.
const SPARE: usize = 4;

/// A model's worth of numbers that belongs to one trainer.
pub(super) trait Carried: Sized + Send + 'static {
    /// What the names of its files begin with.
    const PREFIX: &'static str;
    /// Whether an update counts as accepted of which nobody knows what became of it. Where it does not, the next one begins anew.
    const TRUSTS: bool;

    /// What there is before the first update.
    fn zero(model: &ModelSpec) -> Self;

    /// Reads a file; no file is what there is before the first update.
    fn load(path: &Path, model: &ModelSpec) -> Result<Self, StateError>;

    /// What is in the file.
    fn to_bytes(&self) -> Vec<u8>;
}

impl Carried for Residual {
    const PREFIX: &'static str = "residual-";
    // What those before it had left out went into the update: to go on from them would bring that once more if it was accepted, and to go on
    // from its own would bring a part of what the committee refused if it was not. To begin anew loses what one update leaves out, no more.
    const TRUSTS: bool = false;

    fn zero(model: &ModelSpec) -> Self {
        Self::zero(model)
    }

    fn load(path: &Path, model: &ModelSpec) -> Result<Self, StateError> {
        Self::load(path, model)
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.to_bytes()
    }
}

impl Carried for WorkerMomentum {
    const PREFIX: &'static str = "momentum-";
    // It is a mean of what this trainer has learned from its own rows: none of it is brought twice, whatever became of the update. To begin
    // anew would lose all earlier rounds, and with them the little noise that a robust rule is to see.
    const TRUSTS: bool = true;

    fn zero(_: &ModelSpec) -> Self {
        Self::default()
    }

    fn load(path: &Path, model: &ModelSpec) -> Result<Self, StateError> {
        Self::load(path, model)
    }

    fn to_bytes(&self) -> Vec<u8> {
        // There is one after every update; before the first, nothing is kept.
        self.to_bytes().unwrap_or_default()
    }
}

impl Carried for ControlVariate {
    const PREFIX: &'static str = "variate-";
    // If this is wrong, the server's variate is off for good by the N-th part of what the update has changed in this one; if the one before
    // is taken wrongly, by as much; if the trainer begins anew, by the N-th part of a whole gradient. Most updates that were sent are
    // accepted, and those that were not do not count here.
    const TRUSTS: bool = true;

    fn zero(model: &ModelSpec) -> Self {
        Self::zero(model)
    }

    fn load(path: &Path, model: &ModelSpec) -> Result<Self, StateError> {
        Self::load(path, model)
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.to_bytes()
    }
}

/// What the accepted updates of settled rounds before this one hand on; that of a first update where there was none. What cannot be read
/// back is begun anew: of error feedback no more is lost than what one update has left out, of worker momentum the mean of earlier rounds. Of a
/// variate more is: the server's has it in it for good (`docs/protocol.md`).
pub(super) async fn before<C: Carried>(
    work: &Work,
    moment: &Moment,
    model: &ModelSpec,
) -> Result<C, WorkerError> {
    let task = moment.task.id;
    let chain = OnChain { work, view: &moment.view, task: &moment.task };
    let Found { last, .. } = look::<C>(&work.state, task, moment.round.number, &chain).await?;
    bound::<C>(&work.state, task, last.as_ref().map(|(_, path)| path));
    let Some((round, path)) = last else { return Ok(C::zero(model)) };
    let of = model.clone();
    let found = spawn_blocking(move || C::load(&path, &of));
    Ok(found.await.map_err(|_| WorkerError::Aborted)?.unwrap_or_else(|error| {
        tracing::error!(task, round, %error, "what the last update has handed on is lost");
        C::zero(model)
    }))
}

/// Keeps what an update hands on. Once it returns, that survives a crash.
pub(super) async fn keep<C: Carried>(
    work: &Work,
    moment: &Moment,
    carried: C,
) -> Result<(), WorkerError> {
    let name = name::<C>(moment.round.number, &moment.origin(work));
    let path = work.state.file(moment.task.id, &name);
    let kept = spawn_blocking(move || State::keep_file(&path, &carried.to_bytes()));
    Ok(kept.await.map_err(|_| WorkerError::Aborted)??)
}

/// Notes that an update that hands something on may be on chain from now on. Once it returns, that survives a crash.
pub(super) fn sent(
    work: &Work,
    task: TaskId,
    round: RoundNumber,
    origin: &Hash,
) -> Result<(), WorkerError> {
    let hands_on = |(found, _): &(RoundNumber, PathBuf)| *found == round;
    if !files(&work.state, task, &PREFIXES).iter().any(hands_on) {
        return Ok(());
    }
    Ok(rounds::note_sent(&work.state, task, round, origin)?)
}

/// Notes what became of an update that hands something on, before the claim that is due at a block has the chain forget it.
pub(super) async fn note(work: &Work, view: &View, row: &Row) -> Result<(), WorkerError> {
    let hands_on = |(round, _): &(RoundNumber, PathBuf)| *round == row.round;
    if !files(&work.state, row.task, &PREFIXES).iter().any(hands_on) {
        return Ok(());
    }
    rounds::note(work, view, row.task, row.round).await
}

/// Removes what no update will go on from, as the finalized chain tells.
pub(super) async fn tidy(work: &Work, finalized: &View, task: TaskId) -> Result<(), WorkerError> {
    let Some(task) = finalized.task(task).await? else { return Ok(()) };
    clear(&work.state, task.id, &OnChain { work, view: finalized, task: &task }).await
}

/// Removes what no update will go on from where all that is said of these rounds is final.
async fn clear(state: &State, task: TaskId, chain: &impl Rounds) -> Result<(), WorkerError> {
    let residuals = look::<Residual>(state, task, RoundNumber::MAX, chain).await?;
    let momenta = look::<WorkerMomentum>(state, task, RoundNumber::MAX, chain).await?;
    let variates = look::<ControlVariate>(state, task, RoundNumber::MAX, chain).await?;
    // Of a void round, whose update may be sent again.
    let held = again::held(state, task);
    for found in [residuals, momenta, variates] {
        found.spent.iter().filter(|path| !held.contains(*path)).for_each(|path| remove(path));
    }
    let left: BTreeSet<RoundNumber> =
        files(state, task, &PREFIXES).into_iter().map(|(round, _)| round).collect();
    for (round, name) in rounds::noted(state, task) {
        if !left.contains(&round) {
            rounds::forget(state, task, &name);
        }
    }
    Ok(())
}

/// The files of one kind.
#[derive(Debug, Default)]
struct Found {
    /// What an update goes on from, with the round that it is of.
    last: Option<(RoundNumber, PathBuf)>,
    /// Of rounds that are over, what no update goes on from, whatever is found out yet.
    spent: Vec<PathBuf>,
}

/// Looks through the files of rounds before this one: the last settled one in which this trainer's update was accepted counts.
async fn look<C: Carried>(
    state: &State,
    task: TaskId,
    before: RoundNumber,
    chain: &impl Rounds,
) -> Result<Found, WorkerError> {
    let mut by_round: BTreeMap<RoundNumber, Vec<PathBuf>> = BTreeMap::new();
    for (round, path) in files(state, task, &[C::PREFIX]) {
        by_round.entry(round).or_default().push(path);
    }
    let (mut found, mut is_decided, mut is_open) = (Found::default(), false, false);
    for (round, mut paths) in by_round.into_iter().rev().filter(|(round, _)| *round < before) {
        let standing = chain.standing(round).await?;
        if standing == Standing::Open {
            continue;
        }
        if let (Standing::Settled(origin), false) = (standing, is_decided) {
            let path = state.file(task, &name::<C>(round, &origin));
            if let Some(at) = paths.iter().position(|found| *found == path) {
                match chain.fate(round).await? {
                    Fate::Accepted => {
                        is_decided = true;
                        found.last = Some((round, paths.swap_remove(at)));
                    }
                    Fate::Unknown if rounds::was_sent(state, task, round, &origin) => {
                        is_open = true;
                        let path = paths.swap_remove(at);
                        found.last = C::TRUSTS.then_some((round, path));
                    }
                    Fate::Unknown | Fate::Rejected => {}
                }
            }
        }
        found.spent.append(&mut paths);
        // Another node may know more: this one or one before it may be the one to go on from.
        if is_open {
            break;
        }
    }
    Ok(found)
}

/// Removes all files of a kind but the one that an update goes on from and the latest of the others, to which a fork may come back: so many
/// there are at most, even where no block becomes final.
fn bound<C: Carried>(state: &State, task: TaskId, last: Option<&PathBuf>) {
    let mut others = files(state, task, &[C::PREFIX]);
    others.retain(|(_, path)| Some(path) != last);
    others.sort_unstable_by_key(|(round, _)| Reverse(*round));
    others.iter().skip(SPARE).for_each(|(_, path)| remove(path));
}

fn remove(path: &Path) {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(%error, "{} is in the way", path.display());
        }
        _ => {}
    }
}

/// All files of a task that begin so, with their rounds; also those that a crash left half written.
fn files(state: &State, task: TaskId, prefixes: &[&str]) -> Vec<(RoundNumber, PathBuf)> {
    let round = |name: &str| {
        // What a killed process has left of one goes with it.
        let name = name.strip_prefix('.').unwrap_or(name);
        let name = prefixes.iter().find_map(|prefix| name.strip_prefix(prefix))?;
        let (name, _) = name.split_once(ENDING)?;
        name.split_once('-')?.0.parse().ok()
    };
    let files = state.files(task).into_iter();
    files.filter_map(|(name, path)| Some((round(&name)?, path))).collect()
}

/// The names of the files that are there of an update.
pub(super) fn of(state: &State, task: TaskId, round: RoundNumber, origin: &Hash) -> Vec<String> {
    let names = PREFIXES.iter().map(|prefix| format!("{prefix}{}{ENDING}", one_of(round, origin)));
    names.filter(|name| state.file(task, name).is_file()).collect()
}

/// What a file is called that hands on the same in another round.
pub(super) fn renamed(name: &str, round: RoundNumber, origin: &Hash) -> Option<String> {
    let prefix = PREFIXES.iter().find(|prefix| name.starts_with(**prefix))?;
    Some(format!("{prefix}{}{ENDING}", one_of(round, origin)))
}

fn name<C: Carried>(round: RoundNumber, origin: &Hash) -> String {
    format!("{}{}{ENDING}", C::PREFIX, one_of(round, origin))
}

/// Tells apart what was made in a round in several forks.
fn one_of(round: RoundNumber, origin: &Hash) -> String {
    let [a, b, c, d, e, f, g, h, ..] = *origin;
    let origin = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
    format!("{round}-{origin:016x}")
}

#[cfg(test)]
mod tests;
