//! What this account pins, and lets go of once nothing needs it: nothing else would ever leave its own store, and the shared one
//! would fill with what nobody asks for.

use std::collections::BTreeSet;

use decentralml_sdk::{ModelStatus, ModelVersion, ReadError, Round, View};
use decentralml_storage::{Storage, unixfs};
use decentralml_types::{BlockNumber, Cid, Phase, RoundNumber, TaskId};
use tokio::sync::Mutex;

use crate::{
    error::WorkerError,
    hosting::OwnShelf,
    state::{Kept, Needed, Place, State, What, surplus},
    work::Work,
};

/// The stores in which this account pins.
pub(crate) struct Pins {
    /// The shared store, before which the own one stands, if there is one.
    storage: Storage,
    /// The host of this account, which gives others the models that were made here.
    host: Option<OwnShelf>,
    /// Held while the record of what was pinned is changed.
    alone: Mutex<()>,
}

/// For what something is pinned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Purpose {
    pub(crate) task: TaskId,
    pub(crate) round: RoundNumber,
    pub(crate) what: What,
}

impl Pins {
    pub(crate) fn new(storage: Storage) -> Self {
        Self { storage, host: None, alone: Mutex::new(()) }
    }

    /// With a host that gives others the models that are made here.
    pub(crate) fn with_host(self, host: Option<OwnShelf>) -> Self {
        Self { host, ..self }
    }

    /// Stores and pins bytes of this account.
    pub(crate) async fn add(
        &self,
        state: &State,
        purpose: Purpose,
        bytes: Vec<u8>,
    ) -> Result<Cid, WorkerError> {
        let cid = unixfs::canonical_cid(&bytes);
        let new = self.is_new(&cid).await?;
        self.note(state, purpose, cid, new).await?;
        if let (Some(host), What::Model | What::State) = (&self.host, purpose.what) {
            host.offer(purpose.task, purpose.round, bytes.clone()).await;
        }
        Ok(self.storage.add(bytes).await?.cid)
    }

    /// Whether the shared store does not have something: a pin of it is this account's alone then, to be taken away when it is
    /// needed no more. To be asked before it is fetched.
    pub(crate) async fn is_new(&self, cid: &Cid) -> Result<bool, WorkerError> {
        Ok(!self.storage.has(cid).await?)
    }

    /// Pins what others have stored. `new` is what [`Pins::is_new`] said of it.
    pub(crate) async fn pin(
        &self,
        state: &State,
        purpose: Purpose,
        cid: Cid,
        new: bool,
    ) -> Result<(), WorkerError> {
        self.note(state, purpose, cid, new).await?;
        Ok(self.storage.pin(&cid).await?)
    }

    async fn note(
        &self,
        state: &State,
        Purpose { task, round, what }: Purpose,
        cid: Cid,
        new: bool,
    ) -> Result<(), WorkerError> {
        let _alone = self.alone.lock().await;
        let mut ledger = state.ledger()?;
        let noted = Kept { task, round, what, cid, own: true, shared: new };
        match ledger.iter_mut().find(|kept| kept.is_same(&noted)) {
            // Whose pin it is was found out the first time: now it may be there by that one.
            Some(kept) => kept.own = true,
            None => ledger.push(noted),
        }
        Ok(state.keep_ledger(&ledger)?)
    }

    /// Lets go of what is needed no more. What a store refuses now is tried again the next time.
    async fn let_go(&self, state: &State, standing: &Standing) -> Result<(), WorkerError> {
        let _alone = self.alone.lock().await;
        let before = state.ledger()?;
        let mut ledger = before.clone();
        for (at, place) in surplus(&mut ledger, |kept| standing.needs(kept)) {
            let Some(kept) = ledger.get_mut(at) else { continue };
            let unpinned = match place {
                Place::Own => self.storage.unpin_own(&kept.cid).await,
                Place::Shared => self.storage.unpin(&kept.cid).await,
            };
            if let Err(error) = unpinned {
                tracing::warn!(cid = %kept.cid, %error, "not unpinned: tries again later");
                // The others would only wait for the same store.
                break;
            }
            *kept.pinned(place) = false;
            tracing::debug!(cid = %kept.cid, ?place, "lets go");
        }
        ledger.retain(|kept| {
            let need = standing.needs(kept);
            let matters = kept.own || kept.shared || need.own || need.shared;
            matters && !standing.leaves(kept)
        });
        if ledger != before {
            state.keep_ledger(&ledger)?;
        }
        Ok(())
    }
}

/// Lets go of what was pinned for a task and is needed no more. `open` are the rounds that are not settled for this account; `over`
/// says that the task is over and nothing of the account is left in it.
pub(crate) async fn tidy(
    work: &Work,
    task: TaskId,
    open: &BTreeSet<RoundNumber>,
    finalized: &View,
    over: bool,
) -> Result<(), WorkerError> {
    let mut ledger = work.state.ledger()?;
    ledger.retain(|kept| kept.task == task);
    if ledger.is_empty() {
        return Ok(());
    }
    let versions = if over { finalized.models(Some(task)).await? } else { Vec::new() };
    let row = finalized.task(task).await?;
    let latest = match &row {
        Some(row) => row.model.map(|(_, cid)| cid),
        None => versions.last().map(|version| version.cid),
    };
    let mut states: BTreeSet<Cid> = row.iter().filter_map(|row| row.state).collect();
    let last = row.and_then(|row| row.current).unwrap_or_default();
    for kept in ledger.iter().filter(|kept| kept.what == What::State && !over) {
        // What the task itself starts from is needed anyway.
        if !states.contains(&kept.cid)
            && is_started_from(finalized, task, &kept.cid, kept.round, last).await?
        {
            states.insert(kept.cid);
        }
    }
    let updates = ledger.iter().filter(|kept| kept.what == What::Update);
    let rounds: BTreeSet<RoundNumber> = updates.map(|kept| kept.round).collect();
    let mut done = BTreeSet::new();
    for &round in rounds.difference(open) {
        let is_done = match finalized.round(task, round).await? {
            Some(round) => is_done(&round, finalized.number()),
            // Removed with the task, or of a fork that was given up: the task's end decides.
            None => over,
        };
        done.extend(is_done.then_some(round));
    }
    let standing = Standing { task, over, latest, states, versions, done, open: open.clone() };
    work.pins.let_go(&work.state, &standing).await
}

/// Whether a round up to `last` starts from a model, or a state of the server's optimizer, of round `made`, and seats may still
/// fetch it.
pub(crate) async fn is_started_from(
    view: &View,
    task: TaskId,
    cid: &Cid,
    made: RoundNumber,
    last: RoundNumber,
) -> Result<bool, ReadError> {
    for number in made.saturating_add(1)..=last {
        let round = view.round(task, number).await?;
        if let Some(verdict) = round.and_then(|round| asks_for(&round, cid, view.number())) {
            return Ok(verdict);
        }
    }
    Ok(false)
}

/// Whether seats of a round may still fetch what it starts from; no where that is something else, as then it is for all later
/// rounds. `None` where only a later round may need it.
fn asks_for(round: &Round, cid: &Cid, now: BlockNumber) -> Option<bool> {
    match [round.base, round.state].contains(&Some(*cid)) {
        false => Some(false),
        true => (!is_done(round, now)).then_some(true),
    }
}

/// Where a task stands, as far as it decides what of it is needed.
#[derive(Debug, Default)]
struct Standing {
    task: TaskId,
    /// It is over, and nothing of this account is left in it.
    over: bool,
    /// The model that its next round starts from.
    latest: Option<Cid>,
    /// States of the server's optimizer: that of its next round, and those that seats of earlier rounds may still fetch.
    states: BTreeSet<Cid>,
    /// Its versions, once it is over.
    versions: Vec<ModelVersion>,
    /// Rounds with updates of this account that nobody fetches any more.
    done: BTreeSet<RoundNumber>,
    /// Rounds that are not settled for this account.
    open: BTreeSet<RoundNumber>,
}

impl Standing {
    /// Where something that was pinned for whichever task is needed.
    fn needs(&self, kept: &Kept) -> Needed {
        if kept.task != self.task {
            return Needed::both(true);
        }
        match kept.what {
            What::Update => Needed::both(!self.done.contains(&kept.round)),
            What::Model => Needed {
                own: !self.over
                    && (self.latest == Some(kept.cid) || self.open.contains(&kept.round)),
                shared: !self.over || self.stays(&kept.cid),
            },
            What::State => Needed::both(
                !self.over && (self.states.contains(&kept.cid) || self.open.contains(&kept.round)),
            ),
            What::Rows => Needed::both(!self.over),
        }
    }

    /// Whether something that was pinned is no longer this account's to let go of: what stays when all is over.
    fn leaves(&self, kept: &Kept) -> bool {
        let is_model = kept.task == self.task && kept.what == What::Model;
        self.over && is_model && !kept.own && self.stays(&kept.cid)
    }

    /// Whether a model stays pinned in the shared store for good: the task's last one, and one that governance has decided on.
    fn stays(&self, cid: &Cid) -> bool {
        let decided = |version: &ModelVersion| version.status != ModelStatus::Candidate;
        self.latest == Some(*cid)
            || self.versions.iter().any(|version| version.cid == *cid && decided(version))
    }
}

/// Whether nobody will fetch a round's updates any more. Seats that have not attested its model yet still may, as long as rows
/// are open and claims are taken.
pub(crate) fn is_done(round: &Round, now: BlockNumber) -> bool {
    match round.phase {
        Phase::Void => true,
        Phase::Settled => round.open_rows == 0 || now > round.deadline,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
