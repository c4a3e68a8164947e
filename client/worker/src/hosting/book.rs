//! The chain, as far as a host needs it.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use decentralml_sdk::{AccountId, Draw, Place, ReadError, View};
use decentralml_types::{BlockNumber, Hash, Role, RoundNumber, TaskId};
use tokio::{sync::watch, task::JoinHandle, time::Instant};

use super::{
    Blocks,
    admission::{Book, Entry},
};

/// How old the best block may be before it is believed no more.
const BEHIND: Duration = Duration::from_secs(120);

/// See [`Book`].
pub(super) struct ChainBook {
    host: AccountId,
    tasks: BTreeSet<TaskId>,
    best: watch::Receiver<View>,
    seen: Arc<Mutex<Instant>>,
    watching: JoinHandle<()>,
}

impl ChainBook {
    pub(super) fn new(host: AccountId, tasks: BTreeSet<TaskId>, blocks: &Blocks) -> Self {
        let seen = Arc::new(Mutex::new(Instant::now()));
        let watching = tokio::spawn(watch_over(blocks.best.clone(), seen.clone()));
        Self { host, tasks, best: blocks.best.clone(), seen, watching }
    }
}

impl Drop for ChainBook {
    fn drop(&mut self) {
        self.watching.abort();
    }
}

/// Notes when there was a new block.
async fn watch_over(mut best: watch::Receiver<View>, seen: Arc<Mutex<Instant>>) {
    let mut last: Option<Hash> = None;
    while best.changed().await.is_ok() {
        let hash = best.borrow_and_update().hash();
        if last.replace(hash) != Some(hash) {
            *seen.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        }
    }
}

impl Book for ChainBook {
    fn now(&self) -> Option<BlockNumber> {
        let seen = *self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        (seen.elapsed() < BEHIND).then(|| self.best.borrow().number())
    }

    async fn entry(&self, id: TaskId) -> Result<Option<Entry>, ReadError> {
        let view = self.best.borrow().clone();
        let Some(task) = view.task(id).await? else { return Ok(None) };
        let concerns_host = self.tasks.contains(&id)
            || task.sponsor == self.host
            || view.enrollment(id, Role::Evaluator, &self.host).await?.is_some();
        let round = match task.current.filter(|_| concerns_host) {
            Some(number) => view.round(id, number).await?,
            None => None,
        };
        Ok(Some(Entry { concerns_host, current: task.current, round, spec: task.spec }))
    }

    async fn place(
        &self,
        task: TaskId,
        round: RoundNumber,
        account: &AccountId,
    ) -> Result<Place, ReadError> {
        let view = self.best.borrow().clone();
        view.place(task, round, Draw::Trainers, account).await
    }

    async fn has_committed(
        &self,
        task: TaskId,
        round: RoundNumber,
        account: &AccountId,
    ) -> Result<bool, ReadError> {
        let view = self.best.borrow().clone();
        Ok(view.commitment(task, round, account).await?.is_some())
    }
}
