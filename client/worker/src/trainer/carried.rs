//! What this trainer carries from one of its updates to the next: what they have left out (error feedback), or its control variate
//! (SCAFFOLD).
//!
//! One file for each update that was made, named by its round and by what it was made from: a fork may ask for another update in the same
//! round. It is there before the update is committed to. An update goes on from the file of the last settled round in which this trainer's
//! was accepted: what went into an update that is in no model is learned anew, so what that one left out counts for nothing, and its
//! gradients are in no server's variate.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use decentralml_learning::{ControlVariate, ModelSpec, Residual, StateError};
use decentralml_sdk::Round;
use decentralml_types::{Hash, Outcome, Phase, RoundNumber, TaskId};
use tokio::task::spawn_blocking;

use crate::{
    error::WorkerError,
    origin,
    state::State,
    work::{Moment, Work},
};

/// What all names of files end with.
const ENDING: &str = ".safetensors";
/// What the names of files begin with.
const PREFIXES: [&str; 2] = [Residual::PREFIX, ControlVariate::PREFIX];

/// A model's worth of numbers that belongs to one trainer.
pub(super) trait Carried: Sized + Send + 'static {
    /// What the names of its files begin with.
    const PREFIX: &'static str;

    /// What there is before the first update.
    fn zero(model: &ModelSpec) -> Self;

    /// Reads a file; no file is what there is before the first update.
    fn load(path: &Path, model: &ModelSpec) -> Result<Self, StateError>;

    /// What is in the file.
    fn to_bytes(&self) -> Vec<u8>;
}

impl Carried for Residual {
    const PREFIX: &'static str = "residual-";

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

impl Carried for ControlVariate {
    const PREFIX: &'static str = "variate-";

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
/// back is begun anew: of error feedback no more is lost than what one update has left out. Of a variate more is: the server's has it in it
/// for good (`docs/protocol.md`).
pub(super) async fn before<C: Carried>(
    work: &Work,
    moment: &Moment,
    model: &ModelSpec,
) -> Result<C, WorkerError> {
    let task = moment.task.id;
    let chain = OnChain { work, moment };
    let Some((round, path)) = last::<C>(&work.state, task, moment.round.number, &chain).await?
    else {
        return Ok(C::zero(model));
    };
    let finalized = work.finalized.borrow().clone();
    let for_good = finalized.round(task, round).await?;
    if for_good.is_some_and(|found| found.phase == Phase::Settled) {
        forget(&work.state, task, round);
    }
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

/// Removes all of a task that is over.
pub(super) fn forget_all(state: &State, task: TaskId) {
    forget(state, task, RoundNumber::MAX);
}

/// What the chain says about earlier rounds.
trait Rounds: Sync {
    /// What a round that is settled was made from; `None` for any other.
    fn settled(
        &self,
        round: RoundNumber,
    ) -> impl Future<Output = Result<Option<Hash>, WorkerError>> + Send;

    /// Whether this trainer's update is part of a settled round's model.
    fn accepted(
        &self,
        round: RoundNumber,
    ) -> impl Future<Output = Result<bool, WorkerError>> + Send;
}

/// As the moment's block tells.
struct OnChain<'a> {
    work: &'a Work,
    moment: &'a Moment,
}

impl OnChain<'_> {
    async fn round(&self, number: RoundNumber) -> Result<Option<Round>, WorkerError> {
        let round = self.moment.view.round(self.moment.task.id, number).await?;
        Ok(round.filter(|round| round.phase == Phase::Settled))
    }
}

impl Rounds for OnChain<'_> {
    async fn settled(&self, number: RoundNumber) -> Result<Option<Hash>, WorkerError> {
        let of = |round| origin::of_round(&self.work.chain.genesis(), &self.moment.task, &round);
        Ok(self.round(number).await?.map(of))
    }

    /// The chain knew when the round ended; it forgets with the claim. Where the node has forgotten that block, or does not answer, it
    /// counts as accepted, as most are. Where it was not, what one update has handed on is wrong; the other way round, all that those
    /// before it did would be lost.
    async fn accepted(&self, number: RoundNumber) -> Result<bool, WorkerError> {
        let (work, task) = (self.work, self.moment.task.id);
        let ended_at = self.round(number).await?.and_then(|round| round.ended_at);
        let Some(ended_at) = ended_at else { return Ok(false) };
        let verdict = async {
            let view = work.chain.at_height(ended_at.saturating_sub(1)).await?;
            view.verdict(task, number, &work.account()).await
        };
        Ok(match verdict.await {
            Ok(found) => {
                let outcome = found.and_then(|verdict| verdict.outcome);
                matches!(outcome, Some(Outcome::Accepted { .. }))
            }
            Err(error) => {
                tracing::warn!(task, round = number, %error, "no verdict can be read: it counts as accepted");
                true
            }
        })
    }
}

/// The file of the last settled round before this one of which there is one that is part of its model.
async fn last<C: Carried>(
    state: &State,
    task: TaskId,
    before: RoundNumber,
    chain: &impl Rounds,
) -> Result<Option<(RoundNumber, PathBuf)>, WorkerError> {
    let mut rounds: Vec<RoundNumber> =
        files(state, task, &[C::PREFIX]).into_iter().map(|(round, _)| round).collect();
    rounds.retain(|round| *round < before);
    rounds.sort_unstable();
    rounds.dedup();
    for number in rounds.into_iter().rev() {
        let Some(origin) = chain.settled(number).await? else { continue };
        let path = state.file(task, &name::<C>(number, &origin));
        if path.exists() && chain.accepted(number).await? {
            return Ok(Some((number, path)));
        }
    }
    Ok(None)
}

/// Removes what rounds before this one have left.
fn forget(state: &State, task: TaskId, before: RoundNumber) {
    for (round, path) in files(state, task, &PREFIXES) {
        if round >= before {
            continue;
        }
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(task, round, %error, "{} is in the way", path.display());
            }
            _ => {}
        }
    }
}

/// All files of a task that begin so, with their rounds; also those that a crash left half written.
fn files(state: &State, task: TaskId, prefixes: &[&str]) -> Vec<(RoundNumber, PathBuf)> {
    let round = |name: &str| {
        let name = prefixes.iter().find_map(|prefix| name.strip_prefix(prefix))?;
        let (name, _) = name.split_once(ENDING)?;
        name.split_once('-')?.0.parse().ok()
    };
    let files = state.files(task).into_iter();
    files.filter_map(|(name, path)| Some((round(&name)?, path))).collect()
}

fn name<C: Carried>(round: RoundNumber, origin: &Hash) -> String {
    let [a, b, c, d, e, f, g, h, ..] = *origin;
    let origin = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
    format!("{}{round}-{origin:016x}{ENDING}", C::PREFIX)
}

#[cfg(test)]
mod tests;
