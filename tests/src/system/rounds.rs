//! What became of a round's updates.

use super::{LONG, System, wait_until};
use anyhow::Result;
use decentralml_sdk::Signer;
use decentralml_types::{Outcome, TaskId};

impl System {
    /// What became of each of these trainers' updates in round 1. Rows go when they are claimed, so this is asked while the round lives.
    pub async fn outcomes(&self, task: TaskId, trainers: &[&str]) -> Result<Vec<Outcome>> {
        let account = |uri: &&str| Ok(Signer::from_uri(uri)?.account());
        let accounts = trainers.iter().map(account).collect::<Result<Vec<_>>>()?;
        wait_until("the verdicts", LONG, async || {
            let verdicts = self.chain.best().await?.verdicts(task, 1).await?;
            let outcome = |account| {
                let (_, verdict) = verdicts.iter().find(|(trainer, _)| trainer == account)?;
                verdict.outcome
            };
            Ok(accounts.iter().map(outcome).collect::<Option<Vec<_>>>())
        })
        .await
    }
}
