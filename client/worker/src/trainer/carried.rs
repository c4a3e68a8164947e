//! What this trainer's updates have left out, kept for the next one (error feedback).
//!
//! One file for each update that was made, named by its round and by what it was made from: a fork may ask for another update in the same
//! round. It is there before the update is committed to. An update goes on from the file of the last settled round in which this trainer's
//! was accepted: what went into an update that is in no model is learned anew, so what that one left out counts for nothing.

use std::{fs, io, path::PathBuf};

use decentralml_learning::{ModelSpec, Residual};
use decentralml_sdk::Round;
use decentralml_types::{Hash, Outcome, Phase, RoundNumber, TaskId};

use crate::{
    error::WorkerError,
    origin,
    state::State,
    work::{Moment, Work},
};

/// What the names of the files begin and end with.
const NAME: (&str, &str) = ("residual-", ".safetensors");

/// What the updates of settled rounds before this one have left out; nothing where there was none. What cannot be read back is begun
/// anew: no more is lost than what one update has left out.
pub(super) async fn before(
    work: &Work,
    moment: &Moment,
    model: &ModelSpec,
) -> Result<Residual, WorkerError> {
    let task = moment.task.id;
    let Some((round, path)) = last(work, moment).await? else {
        return Ok(Residual::zero(model));
    };
    let finalized = work.finalized.borrow().clone();
    let for_good = finalized.round(task, round).await?;
    if for_good.is_some_and(|found| found.phase == Phase::Settled) {
        forget(&work.state, task, round);
    }
    Ok(Residual::load(&path, model).unwrap_or_else(|error| {
        tracing::warn!(task, round, %error, "what the last update left out is lost");
        Residual::zero(model)
    }))
}

/// Keeps what an update leaves out. Once it returns, that survives a crash.
pub(super) fn keep(work: &Work, moment: &Moment, residual: &Residual) -> Result<(), WorkerError> {
    let name = name(moment.round.number, &moment.origin(work));
    Ok(work.state.keep_file(moment.task.id, &name, &residual.to_bytes())?)
}

/// Removes all of a task that is over.
pub(super) fn forget_all(state: &State, task: TaskId) {
    forget(state, task, RoundNumber::MAX);
}

/// The file of the last settled round of which there is one that is part of its model, as the moment's block tells.
async fn last(work: &Work, moment: &Moment) -> Result<Option<(RoundNumber, PathBuf)>, WorkerError> {
    let (state, task) = (&work.state, &moment.task);
    let mut rounds: Vec<RoundNumber> = files(state, task.id).into_iter().map(|(n, _)| n).collect();
    rounds.retain(|round| *round < moment.round.number);
    rounds.sort_unstable();
    rounds.dedup();
    for number in rounds.into_iter().rev() {
        let round = moment.view.round(task.id, number).await?;
        let Some(round) = round.filter(|round| round.phase == Phase::Settled) else { continue };
        let origin = origin::of_round(&work.chain.genesis(), task, &round);
        let path = state.file(task.id, &name(number, &origin));
        if path.exists() && was_accepted(work, task.id, &round).await {
            return Ok(Some((number, path)));
        }
    }
    Ok(None)
}

/// Whether this trainer's update is part of a settled round's model. The chain knew when the round ended; it forgets with the claim.
/// Where the node has forgotten that block, it counts as not: no more is lost than what one update has left out.
async fn was_accepted(work: &Work, task: TaskId, round: &Round) -> bool {
    let Some(ended_at) = round.ended_at else { return false };
    let verdict = async {
        let view = work.chain.at_height(ended_at.saturating_sub(1)).await?;
        view.verdict(task, round.number, &work.account()).await
    };
    match verdict.await {
        Ok(found) => {
            let outcome = found.and_then(|verdict| verdict.outcome);
            matches!(outcome, Some(Outcome::Accepted { .. }))
        }
        Err(error) => {
            tracing::debug!(task, round = round.number, %error, "no verdict can be read");
            false
        }
    }
}

/// Removes what rounds before this one have left.
fn forget(state: &State, task: TaskId, before: RoundNumber) {
    for (round, path) in files(state, task) {
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

/// All files of a task, with their rounds; also those that a crash left half written.
fn files(state: &State, task: TaskId) -> Vec<(RoundNumber, PathBuf)> {
    let round = |name: &str| {
        let (name, _) = name.strip_prefix(NAME.0)?.split_once(NAME.1)?;
        name.split_once('-')?.0.parse().ok()
    };
    let files = state.files(task).into_iter();
    files.filter_map(|(name, path)| Some((round(&name)?, path))).collect()
}

fn name(round: RoundNumber, origin: &Hash) -> String {
    let [a, b, c, d, e, f, g, h, ..] = *origin;
    let origin = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
    format!("{}{round}-{origin:016x}{}", NAME.0, NAME.1)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use decentralml_sdk::AccountId;
    use decentralml_types::Role;

    #[test]
    fn files_are_named_by_round_and_origin_and_go_when_a_later_one_is_settled() {
        let folder = tempfile::tempdir().unwrap();
        let account = AccountId::from([1; 32]);
        let state = State::open(folder.path(), account, Role::Trainer, [7; 32]).unwrap();
        assert!(files(&state, 3).is_empty());
        let model = ModelSpec::mlp(2, &[], 2);
        let bytes = Residual::zero(&model).to_bytes();
        for (round, origin) in [(1, [1; 32]), (2, [1; 32]), (2, [2; 32]), (11, [1; 32])] {
            state.keep_file(3, &name(round, &origin), &bytes).unwrap();
        }
        state.keep_file(4, &name(1, &[1; 32]), &bytes).unwrap();
        fs::write(folder.path().join("task-3/residual-9-00.safetensors.7.new"), b"torn").unwrap();
        let rounds = |task| {
            let mut rounds: Vec<_> = files(&state, task).into_iter().map(|(n, _)| n).collect();
            rounds.sort_unstable();
            rounds
        };
        assert_eq!(rounds(3), [1, 2, 2, 9, 11]);
        assert!(state.rounds(3).is_empty(), "they are no records that wait for a claim");
        let path = state.file(3, &name(11, &[1; 32]));
        assert_eq!(Residual::load(&path, &model).unwrap(), Residual::zero(&model));

        forget(&state, 3, 2);
        assert_eq!(rounds(3), [2, 2, 9, 11]);
        forget_all(&state, 3);
        assert_eq!((rounds(3), rounds(4)), (vec![], vec![1]));
    }
}
