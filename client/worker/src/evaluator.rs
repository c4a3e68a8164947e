//! The evaluator: sits on drawn committees, scores updates, and recomputes the next model.

mod aggregate;
mod await_keys;
mod copies;
mod judge;
mod open;
mod score;
mod updates;

pub use copies::{apart, without_copies};
pub use judge::judge;
pub use updates::Found;

use std::{collections::BTreeSet, sync::Arc};

use decentralml_learning::{AggregateError, ContributionError, Dataset};
use decentralml_sdk::{Seat, Signer, Task, View};
use decentralml_storage::seal::SecretKey;
use decentralml_types::{
    Cid, CommitteeNumber, Hash, NextModel, Opinion, Phase, Ppm, Role, RoundNumber, Seed, TaskId,
};
use serde::{Deserialize, Serialize};

use crate::{
    common::Common,
    conduct::named,
    daemon,
    error::WorkerError,
    sealed,
    shutdown::Shutdown,
    state::hex32,
    work::{Models, Moment, Part, Work},
};

/// An evaluator's settings.
#[derive(Clone, Debug)]
pub struct Config {
    /// Chain, store, key and folder.
    pub common: Common,
    /// How it behaves.
    pub conduct: Conduct,
    /// Updates that it fetches at the same time, at least one.
    pub parallel_fetches: usize,
}

/// How an evaluator behaves. All but the first are attackers and failures for demonstrations and tests; they run on development
/// chains only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Conduct {
    /// Scores what it measures.
    #[default]
    Honest,
    /// Enrolls and does nothing more.
    Absent,
    /// Makes scores up.
    Liar,
    /// Commits to scores and never opens them.
    NeverOpens,
    /// Commits to what another seat committed to.
    Copycat,
}

named!(Conduct {
    Honest => "honest",
    Absent => "absent",
    Liar => "liar",
    NeverOpens => "never-opens",
    Copycat => "copycat",
});

/// Takes part in rounds until it is told to end; see [`Common`] for which.
pub async fn run(config: Config, shutdown: Shutdown) -> Result<(), WorkerError> {
    let attacker = config.conduct != Conduct::Honest;
    let evaluator =
        Evaluator { conduct: config.conduct, parallel_fetches: config.parallel_fetches.max(1) };
    daemon::run(config.common, evaluator, attacker, shutdown).await
}

struct Evaluator {
    conduct: Conduct,
    parallel_fetches: usize,
}

/// What an evaluator keeps of a task while it runs.
#[derive(Default)]
struct Memory {
    models: Models,
    /// The rows that it scores on, by their CID: a fork may put a task with others in this one's place.
    validation: Option<(Cid, Arc<Dataset>)>,
    /// The updates of the round at work.
    fetched: Option<updates::Fetched>,
    /// The secrets of this account, once it has a seat in a sealed task.
    secrets: Option<Arc<[SecretKey]>>,
}

impl Memory {
    /// Lets go of updates that cannot be read back, so that they are fetched again.
    fn note(&mut self, error: WorkerError) -> WorkerError {
        let unreadable = matches!(
            error,
            WorkerError::Score(ContributionError::Read(_))
                | WorkerError::Aggregate(AggregateError::Read(_))
        );
        if unreadable {
            self.fetched = None;
        }
        error
    }

    fn secrets(&mut self, signer: &Signer) -> Arc<[SecretKey]> {
        self.secrets.get_or_insert_with(|| sealed::secrets(signer).into()).clone()
    }
}

/// What a seat commits to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Scores {
    /// The seat's place in the draw, from 0.
    place: u32,
    opinions: Vec<Opinion>,
    /// Names the updates that they are about: the part of the origin that can be read after the draw is closed. `None` in a
    /// record of a program that did not note it.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "hex32::option")]
    updates: Option<Hash>,
    /// Numbers of the sealed updates whose keys had been handed over when they were scored.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    handed: BTreeSet<u32>,
    /// The seed of the committee's draw, which the chain forgets: it decides who shares a bucket. `None` in a record of a program
    /// that did not note it.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "hex32::option")]
    seed: Option<Seed>,
}

/// The next model that was computed; on disk before it is attested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Next {
    /// What it is made from; `None` in a record of a program that did not note it, which serves as it did then.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "hex32::option")]
    origin: Option<Hash>,
    #[serde(flatten)]
    model: NextModel,
    metric: Ppm,
}

impl Next {
    /// Whether it was made from this, as far as it says.
    fn serves(&self, origin: &Hash) -> bool {
        self.origin.is_none_or(|known| known == *origin)
    }
}

/// The name of a record of a seat. `kind` is `scores` or `next`.
fn name(kind: &str, round: RoundNumber, committee: CommitteeNumber) -> String {
    format!("{kind}-{round}-{committee}")
}

async fn own_seat(work: &Work, moment: &Moment) -> Result<Option<Seat>, WorkerError> {
    let (round, _, committee) = moment.phase();
    Ok(moment.view.seat(moment.task.id, round, committee, &work.account()).await?)
}

impl Part for Evaluator {
    const ROLE: Role = Role::Evaluator;
    type Memory = Memory;

    fn unfit(&self, _: &Task) -> Option<String> {
        None
    }

    fn models(memory: &mut Memory) -> &mut Models {
        &mut memory.models
    }

    async fn act(
        &self,
        work: &Work,
        memory: &mut Memory,
        moment: &Moment,
    ) -> Result<(), WorkerError> {
        if self.conduct == Conduct::Absent {
            return Ok(());
        }
        let others = |fetched: &updates::Fetched| !fetched.is_of(moment.round.number);
        if moment.task.spec.custody.sealed && memory.fetched.as_ref().is_some_and(others) {
            // What was sealed is kept for no longer than its round.
            memory.fetched = None;
        }
        match moment.round.phase {
            Phase::Scoring => score::step(self, work, memory, moment).await,
            Phase::Verdict => open::step(self, work, moment).await,
            Phase::Aggregating => aggregate::step(self, work, memory, moment).await,
            _ => Ok(()),
        }
    }

    async fn catch_up(
        &self,
        work: &Work,
        memory: &mut Memory,
        moment: &Moment,
    ) -> Result<(), WorkerError> {
        match self.conduct {
            Conduct::Absent => Ok(()),
            _ => aggregate::catch_up(self, work, memory, moment).await,
        }
    }

    async fn settled(
        &self,
        work: &Work,
        _: &View,
        task: TaskId,
        round: RoundNumber,
    ) -> Result<(), WorkerError> {
        for committee in 0..=decentralml_protocol::clock::MAX_REDRAWS {
            work.state.remove(task, &name("scores", round, committee))?;
            work.state.remove(task, &name("next", round, committee))?;
        }
        Ok(work.state.clear_scratch(task, &updates::prefix(round))?)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::state::Sealed;

    #[test]
    fn conducts_are_named() {
        for conduct in Conduct::ALL {
            assert_eq!(conduct.to_string().parse::<Conduct>().unwrap(), *conduct);
        }
    }

    #[test]
    fn what_opens_a_commitment_survives_as_json_and_so_does_what_was_written_before() {
        let opinions = vec![Opinion::Score(-7), Opinion::Unavailable, Opinion::Malformed];
        let handed = [0, 2].into();
        let (updates, seed) = (Some([5; 32]), Some([6; 32]));
        let content = Scores { place: 1, opinions, updates, handed, seed };
        let sealed = Sealed::new([3; 32], content.clone(), [1; 32], [2; 32]);
        let json = serde_json::to_string(&sealed).unwrap();
        assert_eq!(serde_json::from_str::<Sealed<Scores>>(&json).unwrap(), sealed);

        let mut json = serde_json::to_value(&sealed).unwrap();
        for absent in ["origin", "updates", "handed", "seed"] {
            assert!(json.as_object_mut().unwrap().remove(absent).is_some());
        }
        let old = serde_json::from_str::<Sealed<Scores>>(&json.to_string()).unwrap();
        let content = Scores { updates: None, handed: BTreeSet::new(), seed: None, ..content };
        assert_eq!(old, Sealed { origin: None, content, ..sealed });
    }

    #[test]
    fn a_next_model_of_before_origins_were_noted_serves_as_it_did() {
        let cid = Cid { codec: decentralml_types::Codec::Raw, digest: [1; 32] };
        let old = serde_json::json!({ "cid": cid, "metric": 7 }).to_string();
        let old = serde_json::from_str::<Next>(&old).unwrap();
        let model = NextModel::stateless(cid);
        assert_eq!(old, Next { origin: None, model, metric: 7 });
        assert!(old.serves(&[9; 32]));
        let new = Next { origin: Some([1; 32]), ..old };
        assert!(new.serves(&[1; 32]) && !new.serves(&[9; 32]));
        let stateful = Next { model: NextModel { cid, state: Some(cid) }, ..new };
        for next in [new, stateful] {
            let json = serde_json::to_string(&next).unwrap();
            assert_eq!(serde_json::from_str::<Next>(&json).unwrap(), next);
        }
    }
}
