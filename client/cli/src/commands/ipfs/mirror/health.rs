//! What is pinned and when it has to be looked at.

use super::plan::Named;
use decentralml_storage::{Error, Storage, parse_cid};
use decentralml_types::Cid;
use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};
use tokio::time::Instant;

/// Between two questions to the store which of its pins are not whole: it answers from its folders and the nodes.
const ASK: Duration = Duration::from_secs(60);

/// How long a file that was whole, block by block, is taken to be so: rot shows only when it is read.
const TRUST: Duration = Duration::from_secs(3600);

/// What is known of the pins.
#[derive(Default)]
pub struct Health {
    asked: Option<Instant>,
    broken: HashSet<Cid>,
    /// When each file was found to be whole.
    whole: HashMap<Cid, Instant>,
}

impl Health {
    /// Asks the store, if it was not asked lately.
    pub async fn look(&mut self, storage: &Storage) -> Result<(), Error> {
        if self.asked.is_some_and(|asked| asked.elapsed() < ASK) {
            return Ok(());
        }
        let broken = storage.check_pins().await?;
        self.broken = broken.iter().filter_map(|pin| parse_cid(&pin.cid).ok()).collect();
        self.asked = Some(Instant::now());
        self.whole.retain(|_, found| found.elapsed() < TRUST);
        Ok(())
    }

    /// Whether a pinned file is to be looked at block by block.
    pub fn is_due(&self, named: &Named) -> bool {
        let Named { cid, .. } = named;
        self.broken.contains(cid) || self.whole.get(cid).is_none_or(|at| at.elapsed() >= TRUST)
    }

    /// All of it was found.
    pub fn is_whole(&mut self, cid: Cid) {
        self.broken.remove(&cid);
        self.whole.insert(cid, Instant::now());
    }

    /// As if an hour had gone by.
    #[cfg(test)]
    pub fn forget(&mut self) {
        *self = Self::default();
    }
}
