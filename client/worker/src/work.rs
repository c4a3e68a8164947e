//! What the steps of a task share.

mod models;
mod moment;

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use decentralml_learning::Dataset;
use decentralml_sdk::{
    AccountId, Anchor, Call, Chain, Included, ReadError, Round, Row, Signer, SubmitError, Task,
    View, Wait,
};
use decentralml_storage::{Storage, Store, host::HostClient};
use decentralml_types::{Balance, Phase, Role, RoundNumber, TaskId};
use tokio::sync::{Mutex, watch};

use crate::{
    common::Upload, enroll::Pace, error::WorkerError, pins::Pins, sources::Sources, state::State,
};

pub(crate) use models::Models;
pub(crate) use moment::{Moment, is_late};

/// What all tasks of a daemon share.
pub(crate) struct Work {
    pub(crate) chain: Chain,
    pub(crate) storage: Storage,
    pub(crate) signer: Signer,
    pub(crate) role: Role,
    pub(crate) max_bond: Balance,
    /// See [`crate::Common::weight`].
    pub(crate) weight: u8,
    /// The one task that was asked for, if one was.
    pub(crate) only: Option<TaskId>,
    pub(crate) state: State,
    /// The latest best block.
    pub(crate) best: watch::Receiver<View>,
    /// The latest finalized block.
    pub(crate) finalized: watch::Receiver<View>,
    /// Held while a bond is looked at and put at risk, lest two tasks count on the same, or both top it up. Says when money for
    /// topping it up is asked for again.
    pub(crate) bonding: Mutex<Pace>,
    /// What it pins in its stores.
    pub(crate) pins: Pins,
    /// Its own store, which `storage` has before it, if it has one.
    pub(crate) own_store: Option<Arc<Store>>,
    /// Where else bytes may be.
    pub(crate) sources: Sources,
    /// Hands updates to hosts.
    pub(crate) hands: HostClient,
    /// Who looks at how far they are.
    pub(crate) uploads: Option<watch::Sender<Vec<Upload>>>,
    /// The height of the last block that included a transaction of this daemon.
    pub(crate) included: AtomicU32,
}

impl Work {
    pub(crate) fn account(&self) -> AccountId {
        self.signer.account()
    }

    /// Submits a step of the protocol, and waits for a block: what it did is looked up in each that follows.
    pub(crate) async fn submit(&self, call: Call) -> Result<Included, SubmitError> {
        self.send(call, Wait::InBlock).await
    }

    /// [`Work::submit`] by another account, whose key this daemon has as well.
    pub(crate) async fn submit_as(
        &self,
        signer: &Signer,
        call: Call,
    ) -> Result<Included, SubmitError> {
        tracing::debug!(%call, account = %signer.account(), "submits");
        self.note(self.chain.submit(signer, &call, Wait::InBlock).await)
    }

    /// Submits what moves the account's own money, and waits until that is final.
    pub(crate) async fn submit_final(&self, call: Call) -> Result<Included, SubmitError> {
        self.send(call, Wait::Finalized).await
    }

    async fn send(&self, call: Call, wait: Wait) -> Result<Included, SubmitError> {
        tracing::debug!(%call, "submits");
        self.note(self.chain.submit(&self.signer, &call, wait).await)
    }

    fn note(&self, result: Result<Included, SubmitError>) -> Result<Included, SubmitError> {
        let included = result?;
        self.included.fetch_max(included.number, Ordering::Relaxed);
        Ok(included)
    }

    /// Submits a commitment, which only chains with this block may contain: another may ask for another one, and this one could
    /// not be opened there. Says whether the account is committed now. It is not where the chain took another fork meanwhile;
    /// what that one asks for is seen in its best block.
    pub(crate) async fn commit(
        &self,
        call: Call,
        anchor: Anchor,
        already: &[(&str, &str)],
    ) -> Result<bool, SubmitError> {
        tracing::debug!(%call, block = anchor.number, "submits for one fork");
        let result = self.chain.submit_on(&self.signer, &call, Wait::InBlock, anchor).await;
        is_committed(once(self.note(result), already))
    }

    /// Whether a block is late enough to show what was submitted.
    pub(crate) fn is_current(&self, view: &View) -> bool {
        view.number() >= self.included.load(Ordering::Relaxed)
    }

    /// Submits a step that may have been made already: by this account before a crash, or by another for everybody. Returns
    /// whether it was this one that had the effect.
    pub(crate) async fn submit_once(
        &self,
        call: Call,
        already: &[(&str, &str)],
    ) -> Result<bool, SubmitError> {
        once(self.submit(call).await, already)
    }

    /// [`Work::submit_once`] for what moves the account's own money.
    pub(crate) async fn submit_final_once(
        &self,
        call: Call,
        already: &[(&str, &str)],
    ) -> Result<bool, SubmitError> {
        once(self.submit_final(call).await, already)
    }

    /// Returns once what was begun at the moment is of no use any more, as far as the best block tells; also where the daemon
    /// ends.
    pub(crate) async fn phase_over(&self, moment: &Moment) {
        let mut best = self.best.clone();
        while best.changed().await.is_ok() {
            let view = best.borrow_and_update().clone();
            match serves(&view, moment).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => tracing::debug!(%error, "the round could not be read"),
            }
        }
    }
}

fn once(
    result: Result<Included, SubmitError>,
    already: &[(&str, &str)],
) -> Result<bool, SubmitError> {
    match result {
        Ok(_) => Ok(true),
        Err(error) if already.iter().any(|(pallet, name)| error.is_rejection(pallet, name)) => {
            tracing::debug!(%error, "nothing was left to do");
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// What became of a commitment, from whether it had an effect.
fn is_committed(sent: Result<bool, SubmitError>) -> Result<bool, SubmitError> {
    match sent {
        Ok(_) => Ok(true),
        Err(SubmitError::Abandoned) => {
            tracing::warn!("the chain took another fork: a commitment for the former is void");
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// Whether what was begun at the moment still serves at a later block.
async fn serves(view: &View, moment: &Moment) -> Result<bool, ReadError> {
    let Some(now) = view.round(moment.task.id, moment.round.number).await? else {
        return Ok(false);
    };
    if !is_paid(&moment.round, &now) {
        return Ok(false);
    }
    if now.phase == moment.round.phase {
        return Ok(true);
    }
    let current = view.task(moment.task.id).await?.and_then(|task| task.current);
    let live = match current {
        Some(number) => view.round(moment.task.id, number).await?,
        None => None,
    };
    Ok(live.is_none_or(|live| leaves_time(&live)))
}

/// Whether what was begun in a phase of a round is still paid for: in the same phase, and the next model also once the round
/// is settled, as every seat of the committee has to attest it. Never where a fork has the round start from another model.
fn is_paid(then: &Round, now: &Round) -> bool {
    let may_attest = then.phase == Phase::Aggregating && now.phase == Phase::Settled;
    let same = now.committee == then.committee && now.base == then.base && now.state == then.state;
    same && (now.phase == then.phase || may_attest)
}

/// Whether a live round leaves an evaluator time for a settled one: before scores are asked for.
pub(crate) fn leaves_time(live: &Round) -> bool {
    live.phase.is_final() || matches!(live.phase, Phase::Training | Phase::Revealing)
}

/// Tells a thread to stop when it is dropped: with the step that waits for it.
pub(crate) struct StopOnDrop(Arc<AtomicBool>);

/// Asked by a thread between two pieces of its work.
#[derive(Clone)]
pub(crate) struct Stopped(Arc<AtomicBool>);

impl StopOnDrop {
    pub(crate) fn new() -> (Self, Stopped) {
        let flag = Arc::new(AtomicBool::new(false));
        (Self(flag.clone()), Stopped(flag))
    }
}

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Stopped {
    pub(crate) fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Runs a computation in a thread of its own until it is done, or the phase is over: then `None`. The computation should look
/// at its [`Stopped`] now and then.
pub(crate) async fn compute<T: Send + 'static>(
    work: &Work,
    moment: &Moment,
    computation: impl FnOnce(Stopped) -> T + Send + 'static,
) -> Result<Option<T>, WorkerError> {
    let (_stop, stopped) = StopOnDrop::new();
    let thread = tokio::task::spawn_blocking(move || computation(stopped));
    tokio::select! {
        result = thread => result.map(Some).map_err(|_| WorkerError::Aborted),
        () = work.phase_over(moment) => Ok(None),
    }
}

/// What a role does in a round.
pub(crate) trait Part: Send + Sync + 'static {
    /// The role.
    const ROLE: Role;

    /// What it remembers of a task while the daemon runs; records that must survive are in [`State`].
    type Memory: Default + Send;

    /// Why the role takes no part in a task, by its specification; `None` where it does.
    fn unfit(&self, task: &Task) -> Option<String>;

    /// The rows that it brings, where it brings any: they have to suit the task's model.
    fn rows(&self) -> Option<&Dataset> {
        None
    }

    /// The task's model, in what is remembered.
    fn models(memory: &mut Self::Memory) -> &mut Models;

    /// Does what is to be done in the phase of a live round. Called for every best block; returns at once where there is
    /// nothing to do.
    fn act(
        &self,
        work: &Work,
        memory: &mut Self::Memory,
        moment: &Moment,
    ) -> impl Future<Output = Result<(), WorkerError>> + Send;

    /// Does what may still be done in a settled round: its moment's block is one after its end. Called now and then while the
    /// chain says that something may.
    fn catch_up(
        &self,
        work: &Work,
        memory: &mut Self::Memory,
        moment: &Moment,
    ) -> impl Future<Output = Result<(), WorkerError>> + Send;

    /// Notes what the chain forgets with the claim of a row that is due at a block. Called for every best block until it is claimed.
    fn due(
        &self,
        _: &Work,
        _: &View,
        _: &Row,
    ) -> impl Future<Output = Result<(), WorkerError>> + Send {
        async { Ok(()) }
    }

    /// Shows what others demand of the account's updates in rounds that are not settled. Called for best blocks, beside whatever else
    /// is done; what fails is tried again some blocks later.
    fn answer(
        &self,
        _: &Work,
        _: &View,
        _: TaskId,
        _: &BTreeSet<RoundNumber>,
    ) -> impl Future<Output = Result<(), WorkerError>> + Send {
        async { Ok(()) }
    }

    /// Forgets what a round no longer needs that is settled for this account on the finalized chain.
    fn settled(
        &self,
        work: &Work,
        finalized: &View,
        task: TaskId,
        round: RoundNumber,
    ) -> impl Future<Output = Result<(), WorkerError>> + Send;
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::claim::tests::round;
    use decentralml_types::Cid;

    #[test]
    fn a_commitment_that_a_fork_made_void_is_no_failure_and_is_made_again() {
        assert!(is_committed(Ok(true)).unwrap());
        assert!(is_committed(Ok(false)).unwrap(), "it was there before");
        assert!(!is_committed(Err(SubmitError::Abandoned)).unwrap());
        assert!(is_committed(Err(SubmitError::Dispatch("no".into()))).is_err());
    }

    #[test]
    fn the_next_model_is_finished_after_its_round_was_settled_and_nothing_else_is() {
        let aggregating = round(Phase::Aggregating, 50);
        assert!(is_paid(&aggregating, &aggregating));
        assert!(is_paid(&aggregating, &round(Phase::Settled, 90)));
        assert!(!is_paid(&aggregating, &round(Phase::Void, 90)));
        assert!(!is_paid(&aggregating, &Round { committee: 1, ..round(Phase::Settled, 90) }));
        assert!(!is_paid(&round(Phase::Scoring, 50), &round(Phase::Settled, 90)));
        assert!(!is_paid(&round(Phase::Scoring, 50), &round(Phase::Verdict, 60)));
        let base = Some(Cid { codec: decentralml_types::Codec::Raw, digest: [7; 32] });
        assert!(!is_paid(&aggregating, &Round { base, ..round(Phase::Aggregating, 50) }));
        assert!(!is_paid(&aggregating, &Round { state: base, ..round(Phase::Aggregating, 50) }));
    }

    #[test]
    fn a_settled_round_waits_while_the_live_one_needs_its_seats() {
        for phase in [Phase::Training, Phase::Revealing, Phase::Settled, Phase::Void] {
            assert!(leaves_time(&round(phase, 50)));
        }
        for phase in [Phase::Scoring, Phase::Verdict, Phase::Tallying, Phase::Aggregating] {
            assert!(!leaves_time(&round(phase, 50)));
        }
    }
}
