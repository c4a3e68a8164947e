//! Where a worker finds bytes that its store lacks, and who may take an update: the gateways of its settings, and the hosts that
//! participants have announced, in the order that [`circle`] gives.
//!
//! Where a task asks for no hosts (`custody.hosts` is 0), everything is to be had without them: they are looked up only once the store
//! and the gateways of the settings have not given something.
//!
//! Whoever has an account can announce any address. Nothing that comes from there is trusted, and outside of development chains
//! nothing is sent to an address within this machine's own network: see [`reach`].

mod circle;
mod known;
mod reach;

use std::{
    collections::{BTreeMap, BTreeSet},
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use codec::Encode;
use decentralml_protocol::draw;
use decentralml_sdk::{AccountId, ReadError, Task, View};
use decentralml_storage::{SourceUrl, Storage};
use decentralml_types::{BlockNumber, Hash, Role, TaskId};
use futures::{Stream, StreamExt, TryStreamExt, stream};

use crate::{
    tries::AGAIN,
    work::{Moment, Work},
};
use circle::{Announced, MAX_SOURCES};

pub(crate) use circle::Candidate;
pub use known::{announced_hosts, keepers_of};

/// Blocks for which what the chain says about hosts is believed. Those that a trainer has found are there when its update is asked
/// for, as a draw takes as long.
const FRESH: BlockNumber = 2;
/// Accounts whose hosts are looked up at the same time.
const AT_A_TIME: usize = 16;
/// Gateways of the settings that come before announced hosts: of more, the others are asked last.
const FIRST_GIVEN: usize = 8;

/// Evaluators of a task that are read, at most: anybody with a bond can enroll, and a worker is not to read them all.
const MAX_ENROLLED: usize = 4096;
/// Accounts whose hosts are remembered; with more, all are looked up again.
const MAX_KNOWN: usize = 4096;

/// What is known of where bytes are.
pub(crate) struct Sources {
    given: Vec<SourceUrl>,
    /// Whether an announced host may be in this machine's own network.
    private: bool,
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    hosts: BTreeMap<AccountId, Known<Vec<SourceUrl>>>,
    /// Whether a host is out of this machine's own network.
    outside: BTreeMap<String, Known<bool>>,
    evaluators: BTreeMap<TaskId, Known<Arc<[AccountId]>>>,
    /// Announced places that take no updates, of which that has been said.
    gateways: BTreeSet<String>,
    /// The store with the sources of each task: it remembers how good each source is.
    stores: BTreeMap<TaskId, Storage>,
}

/// What was read from the chain, and at which block.
struct Known<T> {
    at: BlockNumber,
    value: T,
}

impl Sources {
    /// With these gateways, which are asked first, and announced hosts, in networks of one's own too where `private` says so.
    pub(crate) fn new(given: Vec<SourceUrl>, private: bool) -> Self {
        Self { given, private, memory: Mutex::default() }
    }

    /// Has everything be read from the chain again.
    pub(crate) fn forget(&self) {
        let mut memory = self.memory();
        memory.hosts.clear();
        memory.evaluators.clear();
    }

    /// Notes that a place takes no updates; whether that is new.
    pub(crate) fn is_new_gateway(&self, url: &SourceUrl) -> bool {
        let gateways = &mut self.memory().gateways;
        if gateways.len() >= MAX_KNOWN {
            gateways.clear();
        }
        gateways.insert(url.as_str().to_owned())
    }

    /// No panic leaves it half changed.
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What an account has announced and can be read, the preferred place first.
    async fn announced(
        &self,
        view: &View,
        account: &AccountId,
    ) -> Result<Vec<SourceUrl>, ReadError> {
        let now = view.number();
        if let Some(known) = self.memory().hosts.get(account)
            && known.is_fresh(now, FRESH)
        {
            return Ok(known.value.clone());
        }
        let mut urls = Vec::new();
        for text in view.hosts(account).await? {
            match text.parse::<SourceUrl>() {
                Ok(url) => urls.push(url),
                Err(error) => {
                    tracing::debug!(%account, %error, "an announced host cannot be used");
                }
            }
        }
        let mut memory = self.memory();
        if memory.hosts.len() >= MAX_KNOWN {
            memory.hosts.clear();
        }
        memory.hosts.insert(*account, Known { at: now, value: urls.clone() });
        Ok(urls)
    }

    /// Whether an announced host may be asked.
    async fn may_ask(&self, account: &AccountId, url: &SourceUrl, now: BlockNumber) -> bool {
        let may = self.private || self.is_outside(url, now).await;
        if !may {
            tracing::debug!(
                %account, %url,
                "an announced host is not asked: it is not found, or in a network of this machine's own \
                 (--allow-private-hosts)"
            );
        }
        may
    }

    /// See [`reach::is_outside`]; names are looked up now and then only.
    async fn is_outside(&self, url: &SourceUrl, now: BlockNumber) -> bool {
        if let Some(known) = self.memory().outside.get(url.as_str())
            && known.is_fresh(now, AGAIN)
        {
            return known.value;
        }
        let outside = reach::is_outside(url).await;
        let mut memory = self.memory();
        if memory.outside.len() >= MAX_KNOWN {
            memory.outside.clear();
        }
        memory.outside.insert(url.as_str().to_owned(), Known { at: now, value: outside });
        outside
    }

    /// The evaluators of a task, and its sponsor.
    async fn keepers(&self, view: &View, task: &Task) -> Result<Vec<AccountId>, ReadError> {
        let now = view.number();
        let known = self
            .memory()
            .evaluators
            .get(&task.id)
            .filter(|known| known.is_fresh(now, FRESH))
            .map(|known| known.value.clone());
        let evaluators = match known {
            Some(known) => known,
            None => {
                let read = view.enrolled_accounts(task.id, Role::Evaluator, MAX_ENROLLED).await?;
                if !read.complete {
                    tracing::debug!(
                        task = task.id,
                        "more than {MAX_ENROLLED} evaluators: hosts of the others are not looked up"
                    );
                }
                let read: Arc<[AccountId]> = read.rows.into();
                let known = Known { at: now, value: read.clone() };
                self.memory().evaluators.insert(task.id, known);
                read
            }
        };
        let sponsor = Some(task.sponsor).filter(|sponsor| !evaluators.contains(sponsor));
        Ok(evaluators.iter().copied().chain(sponsor).collect())
    }
}

impl<T> Known<T> {
    fn is_fresh(&self, now: BlockNumber, blocks: BlockNumber) -> bool {
        now.saturating_sub(self.at) < blocks
    }
}

/// The store and the gateways of the settings alone, where they are to have everything of a task; `None` where it asks for hosts.
/// What they do not give is looked for with [`for_task`] afterwards.
pub(crate) fn without_hosts<'a>(work: &'a Work, task: &Task) -> Option<&'a Storage> {
    (task.spec.custody.hosts == 0).then_some(&work.storage)
}

/// The store, with the hosts of a task's sponsor and evaluators as further sources: for models and the validation set.
pub(crate) async fn for_task(work: &Work, view: &View, task: &Task) -> Storage {
    let found = async {
        let of = draw::key(&work.chain.genesis(), &("hosts", task.id).encode());
        let keepers = work.sources.keepers(view, task).await?;
        let mut accounts = circle::in_order(&of, &work.account(), keepers);
        // It has what the task began with.
        accounts.retain(|account| *account != task.sponsor);
        accounts.insert(0, task.sponsor);
        let size = circle::size(task.spec.custody.hosts);
        announced(work, view, accounts, size, 0).await
    };
    with_hosts(work, view, task, found.await).await
}

/// The store, with the hosts as further sources where a trainer's update lies, if it was handed to any: those of the trainer itself, and
/// one circle, another one at each attempt. At the first one, the circle that the trainer has handed it to; or no hosts at all in a
/// task that asks for none.
pub(crate) async fn for_update(
    work: &Work,
    moment: &Moment,
    trainer: &AccountId,
    attempt: usize,
) -> Storage {
    let (hosts, view) = (moment.task.spec.custody.hosts, work.best.borrow().clone());
    let number = match (hosts, attempt) {
        (0, 0) => return work.storage.clone(),
        (0, attempt) => attempt - 1,
        (_, attempt) => attempt,
    };
    let found = async {
        let own = (*trainer, work.sources.announced(&view, trainer).await?);
        let found = circle_of(work, &view, moment, trainer, number).await?;
        Ok([vec![own], found].concat())
    };
    with_hosts(work, &view, &moment.task, found.await).await
}

/// Hosts to hand an update of a round to: all places of the first circle.
pub(crate) async fn candidates(work: &Work, moment: &Moment) -> Result<Vec<Candidate>, ReadError> {
    let view = work.best.borrow().clone();
    let found = circle_of(work, &view, moment, &work.account(), 0).await?;
    Ok(reachable(work, &view, circle::by_rank(found)).await)
}

/// A circle of accounts that may keep what is `whose` in the moment's round.
async fn circle_of(
    work: &Work,
    view: &View,
    moment: &Moment,
    whose: &AccountId,
    number: usize,
) -> Result<Vec<Announced>, ReadError> {
    let of: Hash = moment.origin(work);
    let keepers = work.sources.keepers(view, &moment.task).await?;
    let accounts = circle::in_order(&of, whose, keepers);
    let size = circle::size(moment.task.spec.custody.hosts);
    announced(work, view, accounts, size, number).await
}

/// A circle of those accounts that have announced anything.
async fn announced(
    work: &Work,
    view: &View,
    accounts: Vec<AccountId>,
    size: usize,
    number: usize,
) -> Result<Vec<Announced>, ReadError> {
    let all =
        look_up(work, view, accounts).try_filter(|(_, urls)| std::future::ready(!urls.is_empty()));
    let all = pin!(all);
    if number == 0 {
        return all.take(size).try_collect().await;
    }
    Ok(circle::of_number(all.try_collect().await?, size, number))
}

/// What accounts have announced, in their order.
fn look_up<'a>(
    work: &'a Work,
    view: &'a View,
    accounts: Vec<AccountId>,
) -> impl Stream<Item = Result<Announced, ReadError>> + Send + 'a {
    let look_up =
        move |account| async move { Ok((account, work.sources.announced(view, &account).await?)) };
    stream::iter(accounts).map(look_up).buffered(AT_A_TIME)
}

/// Those that may be asked, in their order.
async fn reachable(work: &Work, view: &View, candidates: Vec<Candidate>) -> Vec<Candidate> {
    let now = view.number();
    let checked = |candidate: Candidate| async move {
        let (account, url) = &candidate;
        work.sources.may_ask(account, url, now).await.then_some(candidate)
    };
    let checked = stream::iter(candidates).map(checked).buffered(AT_A_TIME);
    checked.filter_map(std::future::ready).collect().await
}

async fn with_hosts(
    work: &Work,
    view: &View,
    task: &Task,
    found: Result<Vec<Announced>, ReadError>,
) -> Storage {
    let found = match found {
        Ok(found) => circle::by_rank(found),
        Err(error) => {
            tracing::debug!(task = task.id, %error, "announced hosts could not be read");
            Vec::new()
        }
    };
    let mut found = reachable(work, view, found).await;
    found.truncate(MAX_SOURCES);
    if found.is_empty() {
        return work.storage.clone();
    }
    let found = found.into_iter().map(|(_, url)| url);
    let (first, last) = work.sources.given.split_at(work.sources.given.len().min(FIRST_GIVEN));
    let urls: Vec<_> = first.iter().cloned().chain(found).chain(last.iter().cloned()).collect();
    let mut memory = work.sources.memory();
    let known = memory.stores.entry(task.id).or_insert_with(|| work.storage.clone());
    *known = known.with_sources(&urls);
    known.clone()
}
