//! Who may hand what to this host, as the chain tells.

use std::{
    collections::BTreeMap,
    future::Future,
    sync::{Mutex, PoisonError},
};

use decentralml_sdk::{AccountId, Place, ReadError, Round, verify};
use decentralml_storage::{
    host::{Admission, Grant, Refusal, Statement, largest_car},
    seal::max_sealed_bytes,
};
use decentralml_types::{BlockNumber, Hash, Phase, RoundNumber, TaskId, TaskSpec};

/// How many blocks ahead a statement may hold, at most.
pub(crate) const MAX_AHEAD: BlockNumber = 1200;
/// Blocks for which an answer of the chain is believed.
const FRESH: BlockNumber = 2;
/// Answers that are remembered; with more, all are asked again.
const MAX_KNOWN: usize = 4096;

/// What a host needs of the chain.
pub(crate) trait Book: Send + Sync + 'static {
    /// The height of the best block; `None` where none has come for long.
    fn now(&self) -> Option<BlockNumber>;

    /// What stands there of a trainer in a round. `None` where there is no such task.
    fn entry(
        &self,
        task: TaskId,
        round: RoundNumber,
        account: &AccountId,
    ) -> impl Future<Output = Result<Option<Entry>, ReadError>> + Send;
}

/// What the chain says about a trainer in a round.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// Whether the host's account has to do with the task, or was told to keep its updates.
    pub(crate) concerns_host: bool,
    pub(crate) spec: TaskSpec,
    /// The task's live or last round.
    pub(crate) current: Option<RoundNumber>,
    /// The round that was asked for.
    pub(crate) round: Option<Round>,
    /// The account in the draw of its trainers.
    pub(crate) place: Place,
    /// Whether the account has committed to an update.
    pub(crate) committed: bool,
}

/// The [`Admission`] of a host.
pub(crate) struct Clerk<B> {
    book: B,
    genesis: Hash,
    host: AccountId,
    known: Mutex<BTreeMap<Asked, Answered>>,
}

type Asked = (TaskId, RoundNumber, [u8; 32]);

/// What was answered, and at which block.
type Answered = (BlockNumber, Result<Grant, Refusal>);

impl<B: Book> Clerk<B> {
    pub(crate) fn new(book: B, genesis: Hash, host: AccountId) -> Self {
        Self { book, genesis, host, known: Mutex::default() }
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
        let answer = match self.book.entry(statement.task, statement.round, &account).await {
            Ok(entry) => decide(statement.task, statement.round, entry),
            Err(error) => {
                tracing::debug!(%error, "an upload could not be looked up on the chain");
                Err(not_ready("the chain cannot be read now"))
            }
        };
        if let Err(refusal) = &answer {
            let Statement { task, round, .. } = *statement;
            tracing::info!(task, round, %account, %refusal, "an upload is not taken");
        }
        self.remember(asked, now, &answer);
        answer
    }
}

/// What the chain's word means for an upload.
fn decide(task: TaskId, number: RoundNumber, entry: Option<Entry>) -> Result<Grant, Refusal> {
    let Some(entry) = entry else { return Err(denied(format!("there is no task {task}"))) };
    if !entry.concerns_host {
        return Err(denied(format!("this host keeps no updates of task {task}")));
    }
    let current = entry.current.unwrap_or(0);
    if entry.current.is_none_or(|current| number > current) {
        // The sender's node may be some blocks ahead.
        return Err(not_ready(&format!("round {number} has not begun here")));
    }
    let Some(round) = entry.round.filter(|_| number == current) else {
        return Err(denied(format!("round {number} of task {task} is over")));
    };
    match (round.phase, entry.place) {
        (Phase::Training, Place::Drawn(_)) => {}
        (Phase::Training, Place::SeedUnknown | Place::NotOpen) => {
            return Err(not_ready("the round's draw is not known here"));
        }
        (Phase::Training, Place::NotDrawn) => {
            return Err(denied("the account was not drawn in this round"));
        }
        // Another host may have been lost, and keys for the committee come only now.
        (Phase::Revealing | Phase::Scoring, _) if entry.committed => {}
        (Phase::Revealing | Phase::Scoring, _) => {
            return Err(denied("the account has committed to nothing in this round"));
        }
        _ => return Err(denied("the round takes no updates any more")),
    }
    let allowed = entry.spec.max_update_bytes;
    let bytes = if entry.spec.custody.sealed { max_sealed_bytes(allowed) } else { allowed };
    Ok(Grant { max_bytes: largest_car(bytes), label: label(task, number) })
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

fn not_ready(reason: &str) -> Refusal {
    Refusal::NotReady(reason.into())
}

#[cfg(test)]
mod tests;
