//! Who may hand what to this host, as the chain tells.

use std::{
    collections::BTreeMap,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
};

use decentralml_sdk::{AccountId, Place, ReadError, Round, verify};
use decentralml_storage::{
    host::{Admission, Grant, Refusal, Statement, largest_car},
    seal::max_sealed_bytes,
};
use decentralml_types::{BlockNumber, Hash, Phase, RoundNumber, TaskId, TaskSpec};
use tokio::sync::OnceCell;

/// How many blocks ahead a statement may hold, at most.
pub(crate) const MAX_AHEAD: BlockNumber = 1200;
/// Blocks for which an answer of the chain is believed.
const FRESH: BlockNumber = 2;
/// Answers that are remembered of accounts, and tasks of one block; with more, all are asked again.
const MAX_KNOWN: usize = 4096;

/// What a host needs of the chain.
pub(crate) trait Book: Send + Sync + 'static {
    /// The height of the best block; `None` where none has come for long.
    fn now(&self) -> Option<BlockNumber>;

    /// What stands there of a task. `None` where there is no such one.
    fn entry(&self, task: TaskId) -> impl Future<Output = Result<Option<Entry>, ReadError>> + Send;

    /// The account in the draw of a round's trainers.
    fn place(
        &self,
        task: TaskId,
        round: RoundNumber,
        account: &AccountId,
    ) -> impl Future<Output = Result<Place, ReadError>> + Send;

    /// Whether the account has committed to an update in a round.
    fn has_committed(
        &self,
        task: TaskId,
        round: RoundNumber,
        account: &AccountId,
    ) -> impl Future<Output = Result<bool, ReadError>> + Send;
}

/// What the chain says about a task, whoever asks.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// Whether the host's account has to do with the task, or was told to keep its updates.
    pub(crate) concerns_host: bool,
    pub(crate) spec: TaskSpec,
    /// The task's live or last round.
    pub(crate) current: Option<RoundNumber>,
    /// That round, where it concerns the host.
    pub(crate) round: Option<Round>,
}

/// The [`Admission`] of a host.
pub(crate) struct Clerk<B> {
    book: B,
    genesis: Hash,
    host: AccountId,
    known: Mutex<BTreeMap<Asked, Answered>>,
    entries: Mutex<Entries>,
}

type Asked = (TaskId, RoundNumber, [u8; 32]);

/// What was answered, and at which block.
type Answered = (BlockNumber, Result<Grant, Refusal>);

/// What was read of a task, once; until then, requests wait for the one that reads. What could not be read is asked again at the next block.
type Looked = Arc<OnceCell<Result<Option<Arc<Entry>>, Refusal>>>;

/// What was read of tasks at one block. Anybody can ask with as many accounts as it likes, and at the same time: what is refused to all of
/// them costs one look-up a block.
#[derive(Default)]
struct Entries {
    at: BlockNumber,
    tasks: BTreeMap<TaskId, Looked>,
}

impl<B: Book> Clerk<B> {
    pub(crate) fn new(book: B, genesis: Hash, host: AccountId) -> Self {
        Self { book, genesis, host, known: Mutex::default(), entries: Mutex::default() }
    }

    fn known(&self, asked: &Asked, now: BlockNumber) -> Option<Result<Grant, Refusal>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, answer) = known.get(asked)?;
        (now.saturating_sub(*at) < FRESH).then(|| answer.clone())
    }

    fn remember(&self, asked: Asked, now: BlockNumber, answer: &Result<Grant, Refusal>) {
        if matches!(answer, Err(Refusal::NotReady(_))) {
            return;
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_KNOWN {
            known.clear();
        }
        known.insert(asked, (now, answer.clone()));
    }

    /// What the chain says about a task, as of this block or, where a later request has asked already, of the one after it.
    async fn entry(&self, task: TaskId, now: BlockNumber) -> Result<Option<Arc<Entry>>, Refusal> {
        let looked = self.looked(task, now);
        let look = async || match self.book.entry(task).await {
            Ok(entry) => Ok(entry.map(Arc::new)),
            Err(error) => Err(unreadable(error)),
        };
        looked.get_or_init(look).await.clone()
    }

    fn looked(&self, task: TaskId, now: BlockNumber) -> Looked {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        // A request that began a block ago does not undo what is known since; a chain that was set back does.
        let is_ahead = entries.at > now && entries.at - now < FRESH;
        if entries.at != now && !is_ahead {
            *entries = Entries { at: now, tasks: BTreeMap::new() };
        }
        if entries.tasks.len() >= MAX_KNOWN && !entries.tasks.contains_key(&task) {
            entries.tasks.clear();
        }
        entries.tasks.entry(task).or_default().clone()
    }

    /// What the chain's word means for an upload of this account.
    async fn look_up(
        &self,
        task: TaskId,
        number: RoundNumber,
        account: &AccountId,
        now: BlockNumber,
    ) -> Result<Grant, Refusal> {
        let entry = self.entry(task, now).await?;
        let entry = entry.ok_or_else(|| denied(format!("there is no task {task}")))?;
        match phase(task, number, &entry)? {
            Phase::Training => {
                let place = self.book.place(task, number, account).await.map_err(unreadable)?;
                match place {
                    Place::Drawn(_) => {}
                    Place::SeedUnknown | Place::NotOpen => {
                        return Err(not_ready("the round's draw is not known here"));
                    }
                    Place::NotDrawn => {
                        return Err(denied("the account was not drawn in this round"));
                    }
                }
            }
            // Another host may have been lost, and keys for the committee come only now.
            Phase::Revealing | Phase::Scoring => {
                let committed = self.book.has_committed(task, number, account).await;
                if !committed.map_err(unreadable)? {
                    return Err(denied("the account has committed to nothing in this round"));
                }
            }
            _ => return Err(denied("the round takes no updates any more")),
        }
        let allowed = entry.spec.max_update_bytes;
        let bytes = if entry.spec.custody.sealed { max_sealed_bytes(allowed) } else { allowed };
        Ok(Grant { max_bytes: largest_car(bytes), label: label(task, number) })
    }
}

impl<B: Book> Admission for Clerk<B> {
    /// What costs nothing is looked at first, so that nobody without a key of the round has the chain asked more often than with
    /// one of its own.
    async fn admit(&self, statement: &Statement, signature: &[u8]) -> Result<Grant, Refusal> {
        if statement.genesis != self.genesis {
            return Err(denied("the statement is about another chain"));
        }
        if statement.host != self.host.0 {
            let host = &self.host;
            return Err(denied(format!("the statement is for another host: this one is {host}'s")));
        }
        let Some(now) = self.book.now() else {
            return Err(not_ready("no block has come to this host for long"));
        };
        if statement.expires < now {
            return Err(Refusal::Expired);
        }
        if statement.expires > now.saturating_add(MAX_AHEAD) {
            return Err(denied(format!(
                "the statement holds for too long: at most {MAX_AHEAD} blocks, and block {now} is the last one here"
            )));
        }
        let account = AccountId::from(statement.account);
        if !verify(&account, &statement.payload(), signature) {
            return Err(Refusal::Signature);
        }
        let asked = (statement.task, statement.round, statement.account);
        if let Some(answer) = self.known(&asked, now) {
            return answer;
        }
        let Statement { task, round, .. } = *statement;
        let answer = self.look_up(task, round, &account, now).await;
        if let Err(refusal) = &answer {
            tracing::info!(task, round, %account, %refusal, "an upload is not taken");
        }
        self.remember(asked, now, &answer);
        answer
    }
}

/// The phase of a round, if updates of it may concern this host.
fn phase(task: TaskId, number: RoundNumber, entry: &Entry) -> Result<Phase, Refusal> {
    if !entry.concerns_host {
        return Err(denied(format!("this host keeps no updates of task {task}")));
    }
    let Some(current) = entry.current.filter(|current| number <= *current) else {
        // The sender's node may be some blocks ahead.
        return Err(not_ready(&format!("round {number} has not begun here")));
    };
    let round = entry.round.as_ref().filter(|_| number == current);
    let round = round.ok_or_else(|| denied(format!("round {number} of task {task} is over")))?;
    Ok(round.phase)
}

/// What a round's updates are kept under.
fn label(task: TaskId, round: RoundNumber) -> String {
    format!("{task}/{round}")
}

/// The round of such a label.
pub(crate) fn round_of(label: &str) -> Option<(TaskId, RoundNumber)> {
    let (task, round) = label.split_once('/')?;
    Some((task.parse().ok()?, round.parse().ok()?))
}

fn denied(reason: impl Into<String>) -> Refusal {
    Refusal::Denied(reason.into())
}

fn unreadable(error: ReadError) -> Refusal {
    tracing::debug!(%error, "an upload could not be looked up on the chain");
    not_ready("the chain cannot be read now")
}

fn not_ready(reason: &str) -> Refusal {
    Refusal::NotReady(reason.into())
}

#[cfg(test)]
mod tests;
