//! The trainer: learns from its own rows, and sends what it learned, never the rows.

mod again;
mod answer;
mod carried;
mod gold;
mod hand_over;
mod history;
mod reveal;
mod train;

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use decentralml_learning::{Dataset, Precision};
use decentralml_sdk::{Row, Task, View};
use decentralml_types::{Cid, CommitteeNumber, Phase, Role, RoundNumber, TaskId};
use serde::{Deserialize, Serialize};

pub use gold::{Gold, Kind as GoldKind};

use crate::{
    common::Common,
    conduct::named,
    daemon,
    error::WorkerError,
    model,
    sealed::SealedUpdate,
    shutdown::Shutdown,
    work::{Models, Moment, Part, Work},
};

/// A trainer's settings.
#[derive(Clone, Debug)]
pub struct Config {
    /// Chain, store, key and folder.
    pub common: Common,
    /// The rows it owns.
    pub data: Arc<Dataset>,
    /// The numbers that it trains in.
    pub precision: Precision,
    /// What it makes for the sponsor, whose trainer it is then.
    pub gold: Option<Gold>,
    /// How it behaves.
    pub conduct: Conduct,
}

/// How a trainer behaves. All but the first are attackers and failures for demonstrations and tests; they run on development
/// chains only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Conduct {
    /// Trains, and sends what it learned.
    #[default]
    Honest,
    /// Sends its update with the sign flipped, which undoes what others learned.
    SignFlip,
    /// Sends an update that changes nothing.
    FreeRide,
    /// Commits to an update and never reveals it.
    VanishAfterCommit,
    /// Sends bytes that are no update.
    Malformed,
    /// Sends an update with so much behind it that it is longer than the task allows.
    TooLong,
    /// Sends an update whose end is cut off.
    Truncated,
    /// Sends an update to another model.
    OtherShape,
    /// Sends the CID of a file that has nothing to do with it.
    OtherFile,
    /// Sends the CID of bytes that it never stored.
    Missing,
    /// In a sealed task, announces the hash of other bytes than those that it sealed.
    WrongHash,
    /// In a sealed task, hands its key over to nobody.
    KeepsKey,
    /// In a sealed task, hands a key over that opens something else.
    WrongKey,
}

named!(Conduct {
    Honest => "honest",
    SignFlip => "sign-flip",
    FreeRide => "free-ride",
    VanishAfterCommit => "vanish-after-commit",
    Malformed => "malformed",
    TooLong => "too-long",
    Truncated => "truncated",
    OtherShape => "other-shape",
    OtherFile => "other-file",
    Missing => "missing",
    WrongHash => "wrong-hash",
    KeepsKey => "keeps-key",
    WrongKey => "wrong-key",
});

/// Takes part in rounds until it is told to end; see [`Common`] for which.
pub async fn run(config: Config, shutdown: Shutdown) -> Result<(), WorkerError> {
    let attacker = config.conduct != Conduct::Honest;
    let Config { common, data, precision, gold, conduct } = config;
    let trainer = Trainer { data, precision, gold, conduct, missed: Mutex::default() };
    daemon::run(common, trainer, attacker, shutdown).await
}

struct Trainer {
    data: Arc<Dataset>,
    precision: Precision,
    gold: Option<Gold>,
    conduct: Conduct,
    /// Committees to which it has handed nothing over in time, once that is said.
    missed: Mutex<BTreeSet<(TaskId, RoundNumber, CommitteeNumber)>>,
}

impl Trainer {
    /// The rows that it says it has trained on.
    fn samples(&self) -> u32 {
        u32::try_from(self.data.rows()).unwrap_or(u32::MAX)
    }
}

/// What a trainer commits to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Trained {
    /// What is stored: in a sealed task the ciphertext.
    cid: Cid,
    samples: u32,
    /// In a sealed task, what opens it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sealed: Option<SealedUpdate>,
}

/// The name of a round's record.
fn name(round: RoundNumber) -> String {
    format!("update-{round}")
}

impl Part for Trainer {
    const ROLE: Role = Role::Trainer;
    type Memory = Models;

    fn unfit(&self, task: &Task) -> Option<String> {
        model::unfit(&task.spec.objective, &self.data)
    }

    fn rows(&self) -> Option<&Dataset> {
        Some(&self.data)
    }

    fn models(memory: &mut Models) -> &mut Models {
        memory
    }

    async fn act(
        &self,
        work: &Work,
        memory: &mut Models,
        moment: &Moment,
    ) -> Result<(), WorkerError> {
        match moment.round.phase {
            Phase::Training => train::step(self, work, memory, moment).await,
            Phase::Revealing => reveal::step(self, work, moment).await,
            Phase::Scoring => hand_over::step(self, work, moment).await,
            Phase::Verdict => hand_over::look_back(self, work, moment).await,
            _ => Ok(()),
        }
    }

    async fn catch_up(&self, _: &Work, _: &mut Models, _: &Moment) -> Result<(), WorkerError> {
        Ok(())
    }

    async fn answer(
        &self,
        work: &Work,
        view: &View,
        task: TaskId,
        rounds: &BTreeSet<RoundNumber>,
    ) -> Result<(), WorkerError> {
        let answered = answer::step(work, view, task, rounds).await;
        // Neither holds the other up.
        gold::show(self, work, view, task, rounds).await.and(answered)
    }

    async fn due(&self, work: &Work, view: &View, row: &Row) -> Result<(), WorkerError> {
        carried::note(work, view, row).await
    }

    async fn settled(
        &self,
        work: &Work,
        finalized: &View,
        task: TaskId,
        round: RoundNumber,
    ) -> Result<(), WorkerError> {
        work.state.remove(task, &name(round))?;
        gold::settled(self, work, finalized, (task, round)).await?;
        // Nothing waits for that: the next round that is settled has it tried again.
        let tidied = async {
            again::tidy(work, finalized, task, round).await?;
            carried::tidy(work, finalized, task).await
        };
        if let Err(error) = tidied.await {
            tracing::debug!(task, round, %error, "files of earlier updates are left for now");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use crate::state::Sealed;
    use decentralml_types::Codec;

    #[test]
    fn a_record_looks_on_disk_as_it_did_before_and_one_without_an_origin_is_read() {
        let cid = Cid { codec: Codec::DagPb, digest: [4; 32] };
        let content = Trained { cid, samples: 7, sealed: None };
        let record = Sealed::new([1; 32], content, [2; 32], [3; 32]);
        let digits = |byte: &str| byte.repeat(32);
        let json = |origin: Option<&str>| {
            let mut json = serde_json::json!({
                "cid": cid, "samples": 7, "salt": digits("02"), "hash": digits("03"),
            });
            if let Some(origin) = origin {
                json["origin"] = digits(origin).into();
            }
            json
        };
        assert_eq!(serde_json::to_value(&record).unwrap(), json(Some("01")));
        let text = |json: serde_json::Value| json.to_string();
        let read = |text: String| serde_json::from_str::<Sealed<Trained>>(&text).unwrap();
        assert_eq!(read(text(json(Some("01")))), record);
        assert_eq!(read(text(json(None))), Sealed { origin: None, ..record });
    }

    #[test]
    fn the_record_of_a_sealed_update_is_read_back_with_what_opens_it() {
        let own = decentralml_sdk::Signer::from_uri("//T1").unwrap();
        let own = decentralml_sdk::encryption::derive(&own, 0).public();
        let (_, sealed) = crate::sealed::seal_update(b"learned", &own).unwrap();
        let cid = Cid { codec: Codec::DagPb, digest: [4; 32] };
        let content = Trained { cid, samples: 7, sealed: Some(sealed) };
        let record = Sealed::new([1; 32], content, [2; 32], [3; 32]);
        let json = serde_json::to_string(&record).unwrap();
        assert_eq!(serde_json::from_str::<Sealed<Trained>>(&json).unwrap(), record);
    }

    #[test]
    fn conducts_are_named_and_others_are_refused() {
        for conduct in Conduct::ALL {
            assert_eq!(conduct.to_string().parse::<Conduct>().unwrap(), *conduct);
        }
        let error = "evil".parse::<Conduct>().unwrap_err();
        assert!(error.to_string().contains("sign-flip"), "{error}");
    }
}
