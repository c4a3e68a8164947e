//! Where a worker finds bytes that its store lacks, and who may take an update: the gateways of its settings, and the hosts that
//! participants have announced.
//!
//! Whoever has an account can announce any address. Nothing that comes from there is trusted, and outside of development chains
//! nothing is sent to an address within this machine's own network: see [`reach`].

mod reach;

use std::{
    collections::BTreeMap,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use codec::Encode;
use decentralml_protocol::draw;
use decentralml_sdk::{AccountId, ReadError, Task, View};
use decentralml_storage::{SourceUrl, Storage};
use decentralml_types::{BlockNumber, Hash, Role, RoundNumber, TaskId};
use futures::{Stream, StreamExt, stream};

use crate::{tries::AGAIN, work::Work};

/// Blocks for which what the chain says about hosts is believed. Those that a trainer has found are there when its update is asked
/// for, as a draw takes as long.
const FRESH: BlockNumber = 2;
/// Accounts whose hosts are looked up at the same time.
const AT_A_TIME: usize = 16;

/// Announced hosts that are asked for the same bytes, at most.
const MAX_SOURCES: usize = 20;
/// Accounts of a task whose hosts are looked up for one purpose, at most.
const MAX_ACCOUNTS: usize = 256;
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
    /// The store with the sources of each task: it remembers how good each source is.
    stores: BTreeMap<TaskId, Storage>,
}

/// What was read from the chain, and at which block.
struct Known<T> {
    at: BlockNumber,
    value: T,
}

/// A host that may take an update: whose it is, and where.
pub(crate) type Candidate = (AccountId, SourceUrl);

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

    /// No panic leaves it half changed.
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The hosts of an account that may be asked, the preferred one first.
    async fn hosts(&self, view: &View, account: &AccountId) -> Result<Vec<SourceUrl>, ReadError> {
        let now = view.number();
        if let Some(known) = self.memory().hosts.get(account)
            && known.is_fresh(now, FRESH)
        {
            return Ok(known.value.clone());
        }
        let mut hosts = Vec::new();
        for text in view.hosts(account).await? {
            let url = match text.parse::<SourceUrl>() {
                Ok(url) => url,
                Err(error) => {
                    tracing::debug!(%account, %error, "an announced host cannot be used");
                    continue;
                }
            };
            match self.private || self.is_outside(&url, now).await {
                true => hosts.push(url),
                false => tracing::debug!(
                    %account, %url,
                    "an announced host is not asked: it is not found, or in a network of this machine's own \
                     (--allow-private-hosts)"
                ),
            }
        }
        let mut memory = self.memory();
        if memory.hosts.len() >= MAX_KNOWN {
            memory.hosts.clear();
        }
        memory.hosts.insert(*account, Known { at: now, value: hosts.clone() });
        Ok(hosts)
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
                let read: Arc<[AccountId]> =
                    view.enrolled_accounts(task.id, Role::Evaluator).await?.into();
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

/// The store, with the hosts of a task's sponsor and evaluators as further sources: for models and the validation set.
pub(crate) async fn for_task(work: &Work, view: &View, task: &Task) -> Storage {
    let accounts = async {
        let own = (work.account(), None);
        let mut accounts = ordered(work, view, task, own).await?;
        // It has what the task began with.
        accounts.retain(|account| *account != task.sponsor);
        accounts.insert(0, task.sponsor);
        Ok(accounts)
    };
    with_hosts(work, view, task, accounts.await).await
}

/// The store, with the hosts as further sources where a trainer's update lies, if it was handed to any: in the order in which the
/// trainer asked them.
pub(crate) async fn for_update(
    work: &Work,
    view: &View,
    task: &Task,
    round: RoundNumber,
    trainer: &AccountId,
) -> Storage {
    let accounts = ordered(work, view, task, (*trainer, Some(round))).await;
    let accounts = accounts.map(|accounts| [&[*trainer], &accounts[..]].concat());
    with_hosts(work, view, task, accounts).await
}

/// Hosts to hand an update of a round to, one of each account, at most `most`.
pub(crate) async fn candidates(
    work: &Work,
    view: &View,
    task: &Task,
    round: RoundNumber,
    most: usize,
) -> Result<Vec<Candidate>, ReadError> {
    let own = work.account();
    let mut found = Vec::new();
    let accounts = ordered(work, view, task, (own, Some(round))).await?;
    let mut all = pin!(hosts_of(work, view, accounts));
    while found.len() < most
        && let Some((account, hosts)) = all.next().await
    {
        found.extend(hosts?.into_iter().next().map(|url| (account, url)));
    }
    Ok(found)
}

/// The accounts at which bytes of the task may lie, in an order that is another for everybody and every round, so that the load
/// is shared, and that everybody can find again.
async fn ordered(
    work: &Work,
    view: &View,
    task: &Task,
    (whose, round): (AccountId, Option<RoundNumber>),
) -> Result<Vec<AccountId>, ReadError> {
    let accounts = work.sources.keepers(view, task).await?;
    Ok(in_order(&work.chain.genesis(), task.id, (whose, round), accounts))
}

fn in_order(
    genesis: &Hash,
    task: TaskId,
    (whose, round): (AccountId, Option<RoundNumber>),
    mut accounts: Vec<AccountId>,
) -> Vec<AccountId> {
    let key = |account: &AccountId| {
        draw::key(genesis, &("hosts", task, round, whose.0, account.0).encode())
    };
    accounts.retain(|account| *account != whose);
    accounts.sort_by_cached_key(key);
    accounts.truncate(MAX_ACCOUNTS);
    accounts
}

/// The hosts of accounts, in their order.
fn hosts_of<'a>(
    work: &'a Work,
    view: &'a View,
    accounts: Vec<AccountId>,
) -> impl Stream<Item = (AccountId, Result<Vec<SourceUrl>, ReadError>)> + Send + 'a {
    let look_up = async move |account| (account, work.sources.hosts(view, &account).await);
    stream::iter(accounts).map(look_up).buffered(AT_A_TIME)
}

async fn with_hosts(
    work: &Work,
    view: &View,
    task: &Task,
    accounts: Result<Vec<AccountId>, ReadError>,
) -> Storage {
    let found = async {
        let mut found = Vec::new();
        let mut all = pin!(hosts_of(work, view, accounts?));
        while found.len() < MAX_SOURCES
            && let Some((_, hosts)) = all.next().await
        {
            found.extend(hosts?);
        }
        Ok::<_, ReadError>(found)
    };
    let found = match found.await {
        Ok(found) => found,
        Err(error) => {
            tracing::debug!(task = task.id, %error, "announced hosts could not be read");
            Vec::new()
        }
    };
    if found.is_empty() {
        return work.storage.clone();
    }
    let urls = [&work.sources.given[..], &found].concat();
    let mut memory = work.sources.memory();
    let known = memory.stores.entry(task.id).or_insert_with(|| work.storage.clone());
    *known = known.with_sources(&urls);
    known.clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_hosts_is_another_for_each_trainer_and_round_and_the_same_for_everybody() {
        let account = |who: u8| AccountId::from([who; 32]);
        let all: Vec<_> = (1..=20).map(account).collect();
        let order =
            |whose: u8, round| in_order(&[1; 32], 7, (account(whose), Some(round)), all.clone());
        let first = order(100, 1);
        let mut reversed = all.clone();
        reversed.reverse();
        assert_eq!(first, in_order(&[1; 32], 7, (account(100), Some(1)), reversed));
        assert_ne!(first, order(101, 1));
        assert_ne!(first, order(100, 2));
        assert_eq!(first.len(), 20);
        assert!(!order(3, 1).contains(&account(3)), "nobody hands anything to itself");
    }
}
