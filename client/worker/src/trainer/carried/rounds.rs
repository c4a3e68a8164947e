//! What became of a trainer's earlier updates: what the chain says of their rounds, and what was noted before it forgot.
//!
//! The chain forgets a verdict with the claim, and a node the state of old blocks. So the verdict is noted in the state folder as soon as a
//! claim is due, with the block that gave it: on a chain that does not contain this block, the note says nothing. Of an update whose claim
//! was never due it is noted that it was sent: any other is in no model, whoever has forgotten what.

use decentralml_sdk::{Anchor, ReadError, Round, Task, Verdict, View};
use decentralml_types::{BlockNumber, Hash, Outcome, Phase, RoundNumber, TaskId};
use serde::{Deserialize, Serialize};

use super::one_of;
use crate::{
    error::WorkerError,
    origin,
    state::{State, StateError, hex32},
    work::Work,
};

/// What the names of notes begin with: what became of an update, and that it may have been sent.
const VERDICT: &str = "verdict-";
const SENT: &str = "sent-";

/// Where a round stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It goes on, or the block does not know it.
    Open,
    /// It ended without a model.
    Void,
    /// It has a model; this is what it was made from.
    Settled(Hash),
}

/// What became of this trainer's update in a settled round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is part of the round's model.
    Accepted,
    /// It is not, for whatever reason.
    Rejected,
    /// Nobody who was asked knows any more.
    Unknown,
}

impl Fate {
    fn of(verdict: Option<Verdict>) -> Self {
        match verdict.and_then(|verdict| verdict.outcome) {
            Some(Outcome::Accepted { .. }) => Self::Accepted,
            _ => Self::Rejected,
        }
    }
}

/// What is known of earlier rounds.
pub(super) trait Rounds: Sync {
    fn standing(
        &self,
        round: RoundNumber,
    ) -> impl Future<Output = Result<Standing, WorkerError>> + Send;

    /// Of a settled round.
    fn fate(&self, round: RoundNumber) -> impl Future<Output = Result<Fate, WorkerError>> + Send;
}

/// As a block tells.
pub(super) struct OnChain<'a> {
    pub(super) work: &'a Work,
    pub(super) view: &'a View,
    pub(super) task: &'a Task,
}

impl OnChain<'_> {
    async fn round(&self, number: RoundNumber) -> Result<Option<Round>, WorkerError> {
        Ok(self.view.round(self.task.id, number).await?)
    }

    /// What the chain knew before the round ended, with all verdicts. It is noted: the node may forget it at any time.
    async fn verdict_then(
        &self,
        ended_at: BlockNumber,
        number: RoundNumber,
    ) -> Result<Fate, WorkerError> {
        let view = self.work.chain.at_height(ended_at.saturating_sub(1)).await?;
        let fate = Fate::of(view.verdict(self.task.id, number, &self.work.account()).await?);
        let noted = Noted::new(fate, view.anchor());
        self.work.state.save(self.task.id, &name(number), &noted)?;
        Ok(fate)
    }
}

impl Rounds for OnChain<'_> {
    async fn standing(&self, number: RoundNumber) -> Result<Standing, WorkerError> {
        let Some(round) = self.round(number).await? else { return Ok(Standing::Open) };
        Ok(match round.phase {
            Phase::Settled => {
                let genesis = self.work.chain.genesis();
                Standing::Settled(origin::of_round(&genesis, self.task, &round))
            }
            Phase::Void => Standing::Void,
            _ => Standing::Open,
        })
    }

    async fn fate(&self, number: RoundNumber) -> Result<Fate, WorkerError> {
        let (work, task, account) = (self.work, self.task.id, self.work.account());
        if self.view.commitment(task, number, &account).await?.is_some() {
            return Ok(Fate::of(self.view.verdict(task, number, &account).await?));
        }
        if let Some(noted) = Noted::load(&work.state, task, number)
            && noted.seen().is_in(&work.chain).await?
        {
            return Ok(noted.fate());
        }
        let ended_at = self.round(number).await?.and_then(|round| round.ended_at);
        let Some(ended_at) = ended_at else { return Ok(Fate::Unknown) };
        match self.verdict_then(ended_at, number).await {
            Err(error) if !is_told(&error) => Err(error),
            Err(error) => {
                // A node that answers now has forgotten what was then; of one that does not, the next block asks again.
                self.round(number).await?;
                tracing::warn!(task, round = number, %error, "no verdict was noted, and none can be read");
                Ok(Fate::Unknown)
            }
            fate => fate,
        }
    }
}

/// Whether this is what a node has answered, and not that it did not.
fn is_told(error: &WorkerError) -> bool {
    use ReadError::{Ended, Timeout};
    matches!(error, WorkerError::Read(error) if !matches!(error, Timeout { .. } | Ended))
}

/// What became of an update, as a block told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Noted {
    accepted: bool,
    block: BlockNumber,
    #[serde(with = "hex32")]
    hash: Hash,
}

impl Noted {
    fn new(fate: Fate, Anchor { number, hash }: Anchor) -> Self {
        Self { accepted: fate == Fate::Accepted, block: number, hash }
    }

    fn seen(&self) -> Anchor {
        Anchor { number: self.block, hash: self.hash }
    }

    fn fate(&self) -> Fate {
        if self.accepted { Fate::Accepted } else { Fate::Rejected }
    }

    /// `None` also for one that cannot be read, which then is as good as none.
    fn load(state: &State, task: TaskId, round: RoundNumber) -> Option<Self> {
        state.load(task, &name(round)).unwrap_or_else(|error| {
            tracing::warn!(task, round, %error, "a verdict that was noted cannot be read");
            None
        })
    }
}

/// Notes what became of the update in a round whose row is due at a block.
pub(super) async fn note(
    work: &Work,
    view: &View,
    task: TaskId,
    round: RoundNumber,
) -> Result<(), WorkerError> {
    if let Some(known) = Noted::load(&work.state, task, round)
        && known.seen().is_in(&work.chain).await?
    {
        return Ok(());
    }
    let fate = Fate::of(view.verdict(task, round, &work.account()).await?);
    Ok(work.state.save(task, &name(round), &Noted::new(fate, view.anchor()))?)
}

/// Notes that an update may be on chain from now on.
pub(super) fn note_sent(
    state: &State,
    task: TaskId,
    round: RoundNumber,
    origin: &Hash,
) -> Result<(), StateError> {
    match was_sent(state, task, round, origin) {
        true => Ok(()),
        false => state.save(task, &sent_name(round, origin), &true),
    }
}

/// Whether an update may be on chain. A note that cannot be read was begun.
pub(super) fn was_sent(state: &State, task: TaskId, round: RoundNumber, origin: &Hash) -> bool {
    state.load(task, &sent_name(round, origin)).unwrap_or(Some(true)).unwrap_or(false)
}

/// All notes with their rounds.
pub(super) fn noted(state: &State, task: TaskId) -> Vec<(RoundNumber, String)> {
    let noted = |name: &str| {
        let name = name.strip_suffix(".json")?;
        let rest = [VERDICT, SENT].iter().find_map(|prefix| name.strip_prefix(prefix))?;
        Some((rest.split('-').next()?.parse().ok()?, name.to_owned()))
    };
    state.files(task).iter().filter_map(|(name, _)| noted(name)).collect()
}

/// Removes a note.
pub(super) fn forget(state: &State, task: TaskId, name: &str) {
    if let Err(error) = state.remove(task, name) {
        tracing::warn!(task, note = name, %error, "what was noted of an update and is needed no more stays");
    }
}

/// The name of a verdict's record.
fn name(round: RoundNumber) -> String {
    format!("{VERDICT}{round}")
}

/// The name of the record that says that an update was sent.
fn sent_name(round: RoundNumber, origin: &Hash) -> String {
    format!("{SENT}{}", one_of(round, origin))
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use decentralml_types::Fault;

    /// Writes the note of an update that became of it in a round.
    pub(in crate::trainer::carried) fn write(
        state: &State,
        task: TaskId,
        round: RoundNumber,
        fate: Fate,
    ) {
        let seen = Anchor { number: 9, hash: [9; 32] };
        state.save(task, &name(round), &Noted::new(fate, seen)).unwrap();
    }

    #[test]
    fn a_node_that_does_not_answer_has_not_said_that_it_has_forgotten() {
        let read = |error| is_told(&WorkerError::Read(error));
        let limit = std::time::Duration::from_secs(1);
        assert!(!read(ReadError::Timeout { what: "a block", limit }));
        assert!(!read(ReadError::Ended));
        assert!(read(ReadError::NoSuchBlock("0x09".into())));
    }

    #[test]
    fn only_an_accepted_update_is_part_of_a_model() {
        let verdict = |outcome| Some(Verdict { score: 0, outcome, gold: false });
        assert_eq!(Fate::of(verdict(Some(Outcome::Accepted { weight: 1 }))), Fate::Accepted);
        for other in [
            verdict(Some(Outcome::Rejected)),
            verdict(Some(Outcome::Faulty(Fault::Malformed))),
            verdict(None),
            None,
        ] {
            assert_eq!(Fate::of(other), Fate::Rejected, "{other:?}");
        }
    }
}
