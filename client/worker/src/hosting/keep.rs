//! Lets go of what a host keeps, once no round needs it.

use std::collections::{BTreeMap, BTreeSet};

use decentralml_sdk::{ReadError, Task, View};
use decentralml_storage::{Store, StoreError, host::Keeper};
use decentralml_types::{Cid, RoundNumber, TaskId};
use tokio::sync::watch;

use super::{OwnShelf, admission::round_of};
use crate::{pins, tries::AGAIN};

/// How the names of the account's own pins begin.
const OWN: &str = "own:";
/// Rounds whose models stay besides the task's latest.
const ROUNDS: RoundNumber = 2;

/// What a model of the account's own, or a state beside it, is pinned as.
pub(super) fn own_name(task: TaskId, round: RoundNumber) -> String {
    format!("{OWN}{task}/{round}")
}

/// Looks through what is kept at once, as a process before this one may have left something, and then every so many finalized
/// blocks. Ends when there are no more blocks to come.
///
/// What that process had taken of uploads that were cut off goes with the second look, or with the next one that succeeds: who sent them
/// has had the time between both to go on with them.
pub(super) async fn tidy_for_ever(
    keeper: Keeper,
    shelf: OwnShelf,
    mut finalized: watch::Receiver<View>,
) {
    let (mut next, mut rest) = (0, Rest::Young);
    loop {
        let view = finalized.borrow_and_update().clone();
        if view.number() >= next {
            next = view.number().saturating_add(AGAIN);
            let is_done = tidy(&keeper, &shelf, &view, rest).await;
            rest = rest.after(is_done);
        }
        if finalized.changed().await.is_err() {
            // Whoever passes blocks on is about to end, and decides when this does.
            std::future::pending::<()>().await;
        }
    }
}

/// What is neither pinned nor on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rest {
    /// It may be of uploads that go on soon: it stays.
    Young,
    /// It is to go, whatever else there is to do.
    Due,
    /// There is none but of what is let go of.
    Gone,
}

impl Rest {
    /// After a look, and whether it came to its end.
    fn after(self, is_done: bool) -> Self {
        match self {
            Self::Due | Self::Gone if is_done => Self::Gone,
            _ => Self::Due,
        }
    }
}

/// Returns whether all that was to go is gone. A round or a task that cannot be read waits for the next look by itself.
async fn tidy(keeper: &Keeper, shelf: &OwnShelf, view: &View, rest: Rest) -> bool {
    let read = {
        let (keeper, shelf) = (keeper.clone(), shelf.clone());
        tokio::task::spawn_blocking(move || {
            Ok::<_, StoreError>((keeper.labels()?, own_models(&shelf)?))
        })
    };
    let (labels, models) = match read.await {
        Ok(Ok(read)) => read,
        Ok(Err(error)) => return failed(&error),
        Err(_) => return false,
    };
    let mut done = Vec::new();
    for label in labels {
        // What is called otherwise is from another program, or somebody's own.
        let Some((task, round)) = round_of(&label) else { continue };
        match is_over(view, task, round).await {
            Ok(true) => done.push(label),
            Ok(false) => {}
            Err(error) => tracing::debug!(task, round, %error, "the round could not be read"),
        }
    }
    let mut tasks = BTreeMap::new();
    for task in models.iter().map(|(_, task, _)| *task).collect::<BTreeSet<_>>() {
        match look_up(view, task).await {
            Ok(found) => drop(tasks.insert(task, found)),
            Err(error) => tracing::debug!(task, %error, "the task could not be read"),
        }
    }
    let mut old = Vec::new();
    for (cid, task, round) in models {
        let Some(standing) = tasks.get(&task) else { continue };
        match standing.needs(&cid, round) || standing.has_late_seats(view, &cid, round).await {
            true => {}
            false => old.push(cid),
        }
    }
    let (keeper, shelf) = (keeper.clone(), shelf.clone());
    let release = move || let_go(&keeper, &shelf.store, &done, &old, rest);
    match tokio::task::spawn_blocking(release).await {
        Ok(Ok(())) => true,
        Ok(Err(error)) => failed(&error),
        Err(_) => false,
    }
}

/// Of rounds that are done, of old models, and of the rest, unless it is young.
fn let_go(
    keeper: &Keeper,
    store: &Store,
    done: &[String],
    old: &[Cid],
    rest: Rest,
) -> Result<(), StoreError> {
    for label in done {
        let pins = keeper.release(label)?;
        tracing::info!(round = %label, pins, "the host lets go of a round's updates");
    }
    for cid in old {
        store.unpin(cid)?;
        tracing::info!(%cid, "the host lets go of a model");
    }
    match rest {
        Rest::Young => Ok(()),
        Rest::Gone if done.is_empty() && old.is_empty() => Ok(()),
        Rest::Due | Rest::Gone => store.gc(|_| {}).map(drop),
    }
}

/// That a look did not come to its end.
fn failed(error: &StoreError) -> bool {
    tracing::warn!(%error, "what the host keeps could not be looked through: tries again later");
    false
}

type OwnModel = (Cid, TaskId, RoundNumber);

fn own_models(shelf: &OwnShelf) -> Result<Vec<OwnModel>, StoreError> {
    let model = |(cid, name): (Cid, String)| {
        let (task, round) = round_of(name.strip_prefix(OWN)?)?;
        Some((cid, task, round))
    };
    Ok(shelf.pins()?.into_iter().filter_map(model).collect())
}

/// Whether nobody will ask for a round's updates any more, as the finalized chain tells.
async fn is_over(view: &View, task: TaskId, number: RoundNumber) -> Result<bool, ReadError> {
    let Some(found) = view.task(task).await? else {
        // A task that is not final yet is still to come.
        return Ok(task < view.next_task().await?);
    };
    let round = view.round(task, number).await?;
    Ok(match round {
        Some(round) => pins::is_done(&round, view.number()),
        None => found.current.is_some_and(|current| number <= current),
    })
}

/// What the finalized chain says of a task.
enum Standing {
    Coming,
    There(Box<Task>),
    Gone,
}

async fn look_up(view: &View, task: TaskId) -> Result<Standing, ReadError> {
    Ok(match view.task(task).await? {
        Some(task) => Standing::There(Box::new(task)),
        None if task < view.next_task().await? => Standing::Gone,
        None => Standing::Coming,
    })
}

impl Standing {
    /// Whether a model that was made in this round may be asked for.
    fn needs(&self, cid: &Cid, round: RoundNumber) -> bool {
        match self {
            Self::Coming => true,
            Self::There(task) => is_needed(task, cid, round),
            Self::Gone => false,
        }
    }

    /// Whether seats of a round that starts from a model of this one have not attested yet. What cannot be read now may be.
    async fn has_late_seats(&self, view: &View, cid: &Cid, made: RoundNumber) -> bool {
        let Self::There(task) = self else { return false };
        let last = task.current.unwrap_or_default();
        let read = pins::is_started_from(view, task.id, cid, made, last).await;
        read.unwrap_or_else(|error| {
            tracing::debug!(task = task.id, %error, "the rounds could not be read");
            true
        })
    }
}

fn is_needed(task: &Task, cid: &Cid, round: RoundNumber) -> bool {
    let latest = task.model.is_some_and(|(_, latest)| latest == *cid) || task.state == Some(*cid);
    latest || task.current.is_none_or(|current| round.saturating_add(ROUNDS) > current)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::advance::tests::task;
    use decentralml_storage::{
        StoreOptions,
        host::{Admission, Grant, Host, HostLimits, Refusal, Statement},
    };
    use decentralml_types::{Codec, TaskStatus};
    use std::sync::Arc;

    struct Nobody;

    impl Admission for Nobody {
        async fn admit(&self, _: &Statement, _: &[u8]) -> Result<Grant, Refusal> {
            Err(Refusal::Signature)
        }
    }

    #[tokio::test]
    async fn what_cut_uploads_have_left_goes_with_the_second_look_and_then_with_any_round() {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::open(folder.path().join("host")).unwrap());
        let local = "127.0.0.1:0".parse().unwrap();
        let host = Host::bind(store.clone(), local, Nobody, HostLimits::default()).await.unwrap();
        let (keeper, shelf) = (host.keeper(), OwnShelf { store: store.clone() });
        shelf.offer(3, 7, b"model".to_vec()).await;
        let left = |data: &[u8]| store.add(data, false).unwrap().cid;
        let rest = left(b"half of an upload");
        let_go(&keeper, &store, &["3/5".into()], &[], Rest::Young).unwrap();
        assert!(store.has(&rest), "who sent it may go on with it, whatever round is over");
        let_go(&keeper, &store, &[], &[], Rest::Due).unwrap();
        assert!(!store.has(&rest));
        let rest = left(b"half of another one");
        let_go(&keeper, &store, &[], &[], Rest::Gone).unwrap();
        assert!(store.has(&rest), "nothing was let go of that it could be of");
        let_go(&keeper, &store, &["3/6".into()], &[], Rest::Gone).unwrap();
        assert!(!store.has(&rest));
        let models = own_models(&shelf).unwrap();
        assert!(matches!(&models[..], [(_, 3, 7)]));
        let_go(&keeper, &store, &[], &[models[0].0], Rest::Gone).unwrap();
        assert_eq!(store.stat().unwrap().blocks, 0);
    }

    #[test]
    fn a_look_that_failed_is_made_up_for_by_the_next_one() {
        for first in [true, false] {
            assert_eq!(Rest::Young.after(first), Rest::Due, "the time has passed in any case");
        }
        assert_eq!(Rest::Due.after(false), Rest::Due);
        assert_eq!(Rest::Due.after(true), Rest::Gone);
        assert_eq!(Rest::Gone.after(true), Rest::Gone);
        assert_eq!(Rest::Gone.after(false), Rest::Due, "what was let go of is still there");
    }

    #[tokio::test]
    async fn a_model_is_offered_where_only_what_nobody_needs_is_in_its_way() {
        let folder = tempfile::tempdir().unwrap();
        let options = StoreOptions { max_bytes: Some(1000) };
        let store = Arc::new(Store::open_with(folder.path().join("host"), options).unwrap());
        let rest = store.add(&[1; 700][..], false).unwrap().cid;
        let shelf = OwnShelf { store: store.clone() };
        shelf.offer(3, 7, vec![2; 600]).await;
        assert_eq!(own_models(&shelf).unwrap().len(), 1);
        assert!(!store.has(&rest));
    }

    #[test]
    fn the_latest_model_stays_and_those_of_the_last_rounds() {
        let cid = |n: u8| Cid { codec: Codec::Raw, digest: [n; 32] };
        let task = Task { current: Some(5), model: Some((2, cid(2))), ..task(TaskStatus::Running) };
        assert!(is_needed(&task, &cid(2), 2), "the rounds since have failed");
        assert!(!is_needed(&task, &cid(3), 3));
        let stateful = Task { state: Some(cid(3)), ..task.clone() };
        assert!(is_needed(&stateful, &cid(3), 2), "what the next round starts from");
        for round in [4, 5, 6] {
            assert!(is_needed(&task, &cid(9), round));
        }
        let there = Standing::There(Box::new(task));
        assert!(!there.needs(&cid(1), 1));
        assert!(!Standing::Gone.needs(&cid(2), 2) && Standing::Coming.needs(&cid(2), 2));
    }

    #[test]
    fn a_model_of_the_accounts_own_is_told_from_what_was_handed_over() {
        let name = own_name(3, 7);
        assert_eq!(name.strip_prefix(OWN).and_then(round_of), Some((3, 7)));
        assert_eq!(round_of(&name), None);
        assert_eq!(round_of("upload:3/7"), None);
    }
}
