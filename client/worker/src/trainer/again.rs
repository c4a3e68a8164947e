//! Sending an update again after a round that was void.
//!
//! Such a round may have shown its updates to everybody, and the next attempt starts from the same model: whoever commits to one of them first
//! is its author, as far as the chain can tell. So a trainer keeps its last update, and commits to it as soon as it is drawn, before it
//! trains anything. Nothing in an update's bytes names its round. In a sealed task they are sealed anew, to another key: the seats
//! of the void round have the former one, and are no seats of this one.
//!
//! One record and one file for each task, until an update of a later round takes their place, or a round is settled. The rows that an update
//! was made from are in neither: of rows that were changed meanwhile only their number is noticed.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use codec::Encode;
use decentralml_protocol::draw;
use decentralml_sdk::{Round, Task, View};
use decentralml_storage::unixfs;
use decentralml_types::{Cid, Failure, Hash, Phase, RoundNumber, TaskId};
use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;

use super::{Conduct, Trainer, carried};
use crate::{
    error::WorkerError,
    state::{State, StateError, hex32},
    work::{Moment, Work},
};

/// The record's name, and that of the file with the plain bytes.
const NAME: &str = "again";
const BYTES: &str = "again.update";

/// The last update.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Last {
    /// The round that it was last prepared for.
    round: RoundNumber,
    /// What it was made from there: see [`Moment::origin`].
    #[serde(with = "hex32")]
    origin: Hash,
    /// See [`start`].
    #[serde(with = "hex32")]
    start: Hash,
    samples: u32,
    /// What the plain bytes are, or would be, stored as.
    cid: Cid,
    /// The files that it hands on to the next update.
    hands_on: Vec<String>,
}

/// Names what an update is made from beside the trainer's rows and the number of the attempt: the task as it was specified, how far its
/// learning rate has gone, and the model and the state that the round starts from.
fn start(genesis: &Hash, task: &Task, round: &Round) -> Hash {
    let from = (task.id, &task.spec, task.settled_rounds, round.base, round.state);
    draw::key(genesis, &(b"again", from).encode())
}

/// Whether what was sent in a round is worth being sent again. Where the committee rejected all of it, it would reject that once more,
/// and nobody earns anything by taking it.
fn is_worth_it(round: &Round) -> bool {
    round.phase == Phase::Void && round.failure != Some(Failure::NothingAccepted)
}

/// Whether a trainer's updates are its own, and what it has learned: of gold results, each round has its own.
fn sends_again(trainer: &Trainer) -> bool {
    trainer.conduct == Conduct::Honest && trainer.gold.is_none()
}

/// Keeps an update that was made for a round, with what it hands on there. Without it the next attempt is trained for, as if there had
/// been none, so that nothing fails where this does.
pub(super) async fn keep(
    trainer: &Trainer,
    work: &Work,
    moment: &Moment,
    bytes: Vec<u8>,
) -> Result<Vec<u8>, WorkerError> {
    if !sends_again(trainer) {
        return Ok(bytes);
    }
    let (task, round, origin) = (moment.task.id, moment.round.number, moment.origin(work));
    let path = work.state.file(task, BYTES);
    let keeping = spawn_blocking(move || {
        let cid = unixfs::canonical_cid(&bytes);
        (State::keep_file(&path, &bytes), cid, bytes)
    });
    let (kept, cid, bytes) = keeping.await.map_err(|_| WorkerError::Aborted)?;
    let last = Last {
        round,
        origin,
        start: start(&work.chain.genesis(), &moment.task, &moment.round),
        samples: trainer.samples(),
        cid,
        hands_on: carried::of(&work.state, task, round, &origin),
    };
    if let Err(error) = kept.and_then(|()| work.state.save(task, NAME, &last)) {
        tracing::warn!(task, round, %error, "the update is not kept: after a void round it is made anew");
    }
    Ok(bytes)
}

/// The last update, where it serves in this round as well; what it hands on is then this round's. `None` where one has to be made.
pub(super) async fn again(
    trainer: &Trainer,
    work: &Work,
    moment: &Moment,
) -> Result<Option<Vec<u8>>, WorkerError> {
    let (task, round, origin) = (moment.task.id, moment.round.number, moment.origin(work));
    let start = start(&work.chain.genesis(), &moment.task, &moment.round);
    let Some(last) = load(&work.state, task).filter(|last| {
        sends_again(trainer) && last.start == start && last.samples == trainer.samples()
    }) else {
        return Ok(None);
    };
    if last.round == round {
        // A process that was killed had prepared it, and nothing else.
        let mine = last.origin == origin;
        return Ok(if mine { read(&work.state, task, &last).await? } else { None });
    }
    let before = moment.view.round(task, last.round).await?;
    if last.round > round || !before.is_some_and(|before| is_worth_it(&before)) {
        return Ok(None);
    }
    let Some(bytes) = read(&work.state, task, &last).await? else { return Ok(None) };
    let now = (round, origin);
    if !hand_on(&work.state, task, &last, now).await? {
        tracing::warn!(task, round, "what the last update has handed on is lost: another is made");
        return Ok(None);
    }
    tracing::info!(
        task,
        round,
        of = last.round,
        "commits to the update of an earlier round, which was void: others may know it by now"
    );
    Ok(Some(bytes))
}

/// Has the update, sent in a later round, hand on there what it did in an earlier one. Says whether all of that was there. Once it returns,
/// that survives a crash.
async fn hand_on(
    state: &State,
    task: TaskId,
    last: &Last,
    (round, origin): (RoundNumber, Hash),
) -> Result<bool, WorkerError> {
    let mut moves = Vec::new();
    let mut hands_on = Vec::new();
    for name in &last.hands_on {
        let Some(next) = carried::renamed(name, round, &origin) else { return Ok(false) };
        moves.push((state.file(task, name), state.file(task, &next)));
        hands_on.push(next);
    }
    let copied = spawn_blocking(move || moves.iter().all(|(from, to)| copy(from, to)));
    if !copied.await.map_err(|_| WorkerError::Aborted)? {
        return Ok(false);
    }
    state.save(task, NAME, &Last { round, origin, hands_on, ..last.clone() })?;
    Ok(true)
}

fn copy(from: &Path, to: &Path) -> bool {
    let copied = fs::read(from)
        .map_err(|error| error.to_string())
        .and_then(|bytes| State::keep_file(to, &bytes).map_err(|error| error.to_string()));
    copied.map_err(|error| tracing::warn!(%error, "{}", from.display())).is_ok()
}

/// The files of a task that an update hands on if it is sent again.
pub(super) fn held(state: &State, task: TaskId) -> BTreeSet<PathBuf> {
    let names = load(state, task).map(|last| last.hands_on).unwrap_or_default();
    names.iter().map(|name| state.file(task, name)).collect()
}

/// Removes the update once a round is settled for good: all that follow start from another model.
pub(super) async fn tidy(
    work: &Work,
    finalized: &View,
    task: TaskId,
    round: RoundNumber,
) -> Result<(), WorkerError> {
    let Some(last) = load(&work.state, task) else { return Ok(()) };
    let settled = finalized.round(task, round).await?;
    if last.round <= round && settled.is_some_and(|round| round.phase == Phase::Settled) {
        forget(&work.state, task)?;
    }
    Ok(())
}

fn forget(state: &State, task: TaskId) -> Result<(), StateError> {
    // In this order: no record is without its file.
    state.remove(task, NAME)?;
    let path = state.file(task, BYTES);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(task, %error, "{} is in the way", path.display());
        }
        _ => {}
    }
    Ok(())
}

/// `None` also for one that cannot be read, which then is as good as none.
fn load(state: &State, task: TaskId) -> Option<Last> {
    state.load(task, NAME).unwrap_or_else(|error| {
        tracing::warn!(task, %error, "the last update is of no use any more");
        None
    })
}

/// The plain bytes, if they are those that the record is about.
async fn read(state: &State, task: TaskId, last: &Last) -> Result<Option<Vec<u8>>, WorkerError> {
    let (path, cid) = (state.file(task, BYTES), last.cid);
    let read = move || fs::read(path).ok().filter(|bytes| unixfs::canonical_cid(bytes) == cid);
    let bytes = spawn_blocking(read).await.map_err(|_| WorkerError::Aborted)?;
    if bytes.is_none() {
        tracing::warn!(task, round = last.round, "the last update is not there any more");
    }
    Ok(bytes)
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{advance::tests::task, claim::tests::round, convert::tests::task_spec};
    use decentralml_sdk::AccountId;
    use decentralml_types::{Codec, Role, TaskSpec, TaskStatus, spec::InitialModel};

    fn state(folder: &Path) -> State {
        State::open(folder, AccountId::from([1; 32]), Role::Trainer, [7; 32]).unwrap()
    }

    fn last(bytes: &[u8], hands_on: &[&str]) -> Last {
        Last {
            round: 4,
            origin: [4; 32],
            start: [9; 32],
            samples: 7,
            cid: unixfs::canonical_cid(bytes),
            hands_on: hands_on.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    /// Has the files that an update hands on stay.
    pub(in crate::trainer) fn hold(state: &State, hands_on: Vec<String>) {
        kept(state, &Last { hands_on, ..last(b"learned", &[]) }, b"learned");
    }

    /// As [`keep`] leaves it.
    fn kept(state: &State, last: &Last, bytes: &[u8]) {
        State::keep_file(&state.file(3, BYTES), bytes).unwrap();
        state.save(3, NAME, last).unwrap();
    }

    #[test]
    fn an_attempt_has_the_start_of_the_one_before_and_whatever_was_learned_since_has_another() {
        let (task, first) = (task(TaskStatus::Running), round(Phase::Training, 50));
        let one = start(&[1; 32], &task, &first);
        let next = Round { number: 2, deadline: 90, ..first.clone() };
        assert_eq!(one, start(&[1; 32], &Task { failed_in_a_row: 1, ..task.clone() }, &next));

        let spec = TaskSpec { initial: InitialModel::Seed([2; 32]), ..task_spec() };
        let base = Some(Cid { codec: Codec::Raw, digest: [7; 32] });
        for other in [
            start(&[2; 32], &task, &first),
            start(&[1; 32], &Task { spec, ..task.clone() }, &first),
            start(&[1; 32], &Task { id: 1, ..task.clone() }, &first),
            // The learning rate may be another one.
            start(&[1; 32], &Task { settled_rounds: 1, ..task.clone() }, &first),
            start(&[1; 32], &task, &Round { base, ..first.clone() }),
            start(&[1; 32], &task, &Round { state: base, ..first.clone() }),
        ] {
            assert_ne!(one, other);
        }
    }

    #[test]
    fn what_a_void_round_left_is_sent_again_but_where_all_of_it_was_rejected() {
        let ended = |phase, failure| is_worth_it(&Round { failure, ..round(phase, 50) });
        for failure in [
            Failure::TooFewCommitments,
            Failure::TooFewReveals,
            Failure::TooFewScores,
            Failure::TooFewOpenings,
            Failure::NoAgreement,
        ] {
            assert!(ended(Phase::Void, Some(failure)), "{failure:?}");
        }
        assert!(!ended(Phase::Void, Some(Failure::NothingAccepted)));
        assert!(!ended(Phase::Settled, None));
    }

    #[tokio::test]
    async fn an_update_hands_on_in_a_later_round_what_it_did_in_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let state = state(folder.path());
        let own =
            ["residual-4-0404040404040404.safetensors", "momentum-4-0404040404040404.safetensors"];
        for name in own {
            State::keep_file(&state.file(3, name), name.as_bytes()).unwrap();
        }
        assert_eq!(carried::of(&state, 3, 4, &[4; 32]), own);
        assert!(carried::of(&state, 3, 4, &[5; 32]).is_empty(), "of another fork");
        let last = last(b"learned", &own);
        kept(&state, &last, b"learned");
        assert!(hand_on(&state, 3, &last, (6, [6; 32])).await.unwrap());

        let next = load(&state, 3).unwrap();
        assert_eq!((next.round, next.origin, next.cid), (6, [6; 32], last.cid));
        assert_eq!(next.hands_on, carried::of(&state, 3, 6, &[6; 32]));
        for (from, to) in own.iter().zip(&next.hands_on) {
            assert_eq!(fs::read(state.file(3, to)).unwrap(), from.as_bytes());
        }
        // What is not there cannot be gone on from: the update would bring it twice.
        fs::remove_file(state.file(3, &next.hands_on[0])).unwrap();
        assert!(!hand_on(&state, 3, &next, (7, [7; 32])).await.unwrap());
        assert_eq!(load(&state, 3), Some(next));
    }

    #[tokio::test]
    async fn bytes_that_are_not_those_of_the_record_are_not_sent() {
        let folder = tempfile::tempdir().unwrap();
        let state = state(folder.path());
        assert_eq!(load(&state, 3), None);
        let last = last(b"learned", &[]);
        kept(&state, &last, b"learned");
        assert_eq!(load(&state, 3), Some(last.clone()));
        assert_eq!(read(&state, 3, &last).await.unwrap().unwrap(), b"learned");
        // A process that was killed had written the next one.
        State::keep_file(&state.file(3, BYTES), b"another").unwrap();
        assert_eq!(read(&state, 3, &last).await.unwrap(), None);
        assert!(state.rounds(3).is_empty(), "it waits for no claim");
        fs::write(folder.path().join("task-3/again.json"), b"{").unwrap();
        assert_eq!(load(&state, 3), None, "no reason to stop working");
        forget(&state, 3).unwrap();
        assert!(state.files(3).is_empty());
        forget(&state, 3).unwrap();
    }
}
