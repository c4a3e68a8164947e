//! What the steps of a task share.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use decentralml_learning::{ModelSpec, Weights};
use decentralml_sdk::{
    AccountId, Call, Chain, Included, ReadError, Round, Signer, SubmitError, Task, View, Wait,
};
use decentralml_storage::Storage;
use decentralml_types::{
    Balance, BlockNumber, Cid, CommitteeNumber, Hash, Phase, Role, RoundNumber, TaskId, TaskSpec,
    spec::InitialModel,
};
use tokio::sync::watch;

use crate::{
    error::WorkerError,
    model::{self, ModelError},
    origin,
    state::State,
};

/// What all tasks of a daemon share.
pub(crate) struct Work {
    pub(crate) chain: Chain,
    pub(crate) storage: Storage,
    pub(crate) signer: Signer,
    pub(crate) role: Role,
    pub(crate) max_bond: Balance,
    /// The one task that was asked for, if one was.
    pub(crate) only: Option<TaskId>,
    pub(crate) state: State,
    /// The latest best block.
    pub(crate) best: watch::Receiver<View>,
    /// The latest finalized block.
    pub(crate) finalized: watch::Receiver<View>,
    /// Held while a bond is looked at and put at risk, lest two tasks count on the same.
    pub(crate) bonding: tokio::sync::Mutex<()>,
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

    /// Submits what moves the account's own money, and waits until that is final.
    pub(crate) async fn submit_final(&self, call: Call) -> Result<Included, SubmitError> {
        self.send(call, Wait::Finalized).await
    }

    async fn send(&self, call: Call, wait: Wait) -> Result<Included, SubmitError> {
        tracing::debug!(%call, "submits");
        let included = self.chain.submit(&self.signer, &call, wait).await?;
        self.included.fetch_max(included.number, Ordering::Relaxed);
        Ok(included)
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
    let same = now.committee == then.committee && now.base == then.base;
    same && (now.phase == then.phase || may_attest)
}

/// Whether a live round leaves an evaluator time for a settled one: before scores are asked for.
pub(crate) fn leaves_time(live: &Round) -> bool {
    live.phase.is_final() || matches!(live.phase, Phase::Training | Phase::Revealing)
}

/// A task and its live round at a block.
#[derive(Clone)]
pub(crate) struct Moment {
    pub(crate) view: View,
    pub(crate) task: Task,
    pub(crate) round: Round,
}

impl Moment {
    pub(crate) fn phase(&self) -> (RoundNumber, Phase, CommitteeNumber) {
        (self.round.number, self.round.phase, self.round.committee)
    }

    /// See [`origin::of_round`].
    pub(crate) fn origin(&self, work: &Work) -> Hash {
        origin::of_round(&work.chain.genesis(), &self.task, &self.round)
    }

    /// The same phase at the best block; `None` where that block is in another.
    pub(crate) async fn latest(&self, work: &Work) -> Result<Option<Self>, ReadError> {
        let view = work.best.borrow().clone();
        let task = view.task(self.task.id).await?;
        let round = view.round(self.task.id, self.round.number).await?;
        let latest = task.zip(round).map(|(task, round)| Self { view, task, round });
        Ok(latest.filter(|latest| latest.phase() == self.phase()))
    }

    /// Whether a transaction that is sent now comes after the phase's deadline, and would fail at its sender's cost.
    pub(crate) fn is_too_late(&self, work: &Work) -> bool {
        let late = is_late(work.best.borrow().number(), self.round.deadline);
        if late {
            tracing::warn!(
                task = self.task.id, round = self.round.number, phase = ?self.round.phase,
                "the deadline has passed"
            );
        }
        late
    }

    /// How long the phase lasts at least from this block on.
    pub(crate) async fn time_left(&self) -> Result<Duration, WorkerError> {
        let blocks = self.round.deadline.saturating_sub(self.view.number());
        Ok(self.view.block_time().await?.saturating_mul(blocks))
    }
}

/// Whether what is sent at block `now` is included past the deadline: the next block is the first that can contain it.
pub(crate) fn is_late(now: BlockNumber, deadline: BlockNumber) -> bool {
    now.saturating_add(1) >= deadline
}

/// The model of a task and the weights its round starts from; fetched once.
#[derive(Default)]
pub(crate) struct Models {
    /// By the CID of its layers: a fork may put a task with another model in the place of the one that was looked at.
    spec: Option<(Cid, Arc<ModelSpec>)>,
    base: Option<(Start, Arc<Weights>)>,
}

/// What the weights of a round's start are named by: the round's model, and, where there is none yet, what the task begins with.
type Start = (Option<Cid>, InitialModel);

impl Models {
    /// The model.
    pub(crate) async fn spec(
        &mut self,
        storage: &Storage,
        task: &TaskSpec,
    ) -> Result<Arc<ModelSpec>, ModelError> {
        if let Some((cid, spec)) = &self.spec
            && *cid == task.model
        {
            return Ok(spec.clone());
        }
        // They are of the other model's shape.
        self.base = None;
        let spec = Arc::new(model::fetch_spec(storage, task).await?);
        self.spec = Some((task.model, spec.clone()));
        Ok(spec)
    }

    /// The model and the weights that the moment's round starts from.
    pub(crate) async fn get(
        &mut self,
        work: &Work,
        moment: &Moment,
    ) -> Result<(Arc<ModelSpec>, Arc<Weights>), WorkerError> {
        Ok(self.at(&work.storage, &moment.task.spec, moment.round.base).await?)
    }

    async fn at(
        &mut self,
        storage: &Storage,
        task: &TaskSpec,
        base: Option<Cid>,
    ) -> Result<(Arc<ModelSpec>, Arc<Weights>), ModelError> {
        let spec = self.spec(storage, task).await?;
        let start = (base, task.initial.clone());
        if let Some((known, weights)) = &self.base
            && *known == start
        {
            return Ok((spec, weights.clone()));
        }
        let weights = model::fetch_weights(storage, &spec, base.as_ref(), task).await?;
        let weights = Arc::new(weights);
        self.base = Some((start, weights.clone()));
        Ok((spec, weights))
    }
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

    /// Forgets what a settled round no longer needs.
    fn settled(&self, work: &Work, task: TaskId, round: RoundNumber) -> Result<(), WorkerError>;
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{claim::tests::round, convert::tests::task_spec, model::tests::store};

    #[tokio::test(flavor = "multi_thread")]
    async fn a_task_that_takes_the_place_of_another_is_worked_on_with_its_own_model_and_seed() {
        let (_folder, _, storage) = store().await;
        let specs = [ModelSpec::mlp(4, &[5], 3), ModelSpec::mlp(4, &[6], 3)];
        let mut tasks = Vec::new();
        for spec in &specs {
            let stored = storage.add(spec.to_canonical_json().unwrap()).await.unwrap();
            tasks.push(TaskSpec { model: stored.cid, ..task_spec() });
        }
        let mut models = Models::default();
        for (task, spec) in tasks.iter().zip(&specs) {
            let (found, weights) = models.at(&storage, task, None).await.unwrap();
            assert_eq!(*found, *spec);
            assert_eq!(*weights, Weights::init(spec, [1; 32]));
        }
        let reseeded = TaskSpec { initial: InitialModel::Seed([2; 32]), ..tasks[1].clone() };
        let (_, weights) = models.at(&storage, &reseeded, None).await.unwrap();
        assert_eq!(*weights, Weights::init(&specs[1], [2; 32]));
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
