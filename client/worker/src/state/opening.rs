//! Records of commitments.
//!
//! A fork may have another task, or another model, in the same place, and the chain may come back from it. So a commitment's record
//! names what it was made from, and those that it takes the place of stay in it.

use std::mem;

use decentralml_types::{Hash, TaskId};
use serde::{Serialize, de::DeserializeOwned};

use super::{State, StateError};

/// Records of one round that are kept beside the latest: as many forks may each have asked for another commitment.
const MAX_EARLIER: usize = 8;

/// What opens a commitment.
pub(crate) trait Opening: Serialize + DeserializeOwned {
    /// Names everything that what was committed to is made from: see [`origin`](crate::origin).
    fn origin(&self) -> Hash;

    /// What was committed to.
    fn commitment(&self) -> Hash;

    /// Records whose place this one has taken, oldest first.
    fn earlier(&mut self) -> &mut Vec<Self>;
}

/// The latest of these records that is wanted.
fn among<R: Opening>(mut latest: R, wanted: impl Fn(&R) -> bool) -> Option<R> {
    if wanted(&latest) {
        return Some(latest);
    }
    mem::take(latest.earlier()).into_iter().rev().find(wanted)
}

impl State {
    /// The record of a commitment that was made from just this.
    pub(crate) fn made_from<R: Opening>(
        &self,
        task: TaskId,
        name: &str,
        origin: &Hash,
    ) -> Result<Option<R>, StateError> {
        let Some(latest) = self.load::<R>(task, name)? else { return Ok(None) };
        let found = among(latest, |record| record.origin() == *origin);
        if found.is_none() {
            tracing::warn!(
                task,
                record = name,
                "the record belongs to another task or model, which a fork had here: it is kept aside"
            );
        }
        Ok(found)
    }

    /// The record that opens a commitment.
    pub(crate) fn opening<R: Opening>(
        &self,
        task: TaskId,
        name: &str,
        commitment: &Hash,
    ) -> Result<Option<R>, StateError> {
        let latest = self.load::<R>(task, name)?;
        Ok(latest.and_then(|latest| among(latest, |record| record.commitment() == *commitment)))
    }

    /// Keeps the record of a commitment, and with it those that it takes the place of: the chain may come back to the fork that
    /// they were made for.
    pub(crate) fn add<R: Opening>(
        &self,
        task: TaskId,
        name: &str,
        mut record: R,
    ) -> Result<R, StateError> {
        if let Some(mut latest) = self.load::<R>(task, name)? {
            let mut earlier = mem::take(latest.earlier());
            earlier.push(latest);
            let surplus = earlier.len().saturating_sub(MAX_EARLIER);
            *record.earlier() = earlier.split_off(surplus);
        }
        self.save(task, name, &record)?;
        Ok(record)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use decentralml_sdk::AccountId;
    use decentralml_types::Role;
    use serde::Deserialize;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Sealed {
        origin: Hash,
        commitment: Hash,
        earlier: Vec<Sealed>,
    }

    impl Opening for Sealed {
        fn origin(&self) -> Hash {
            self.origin
        }

        fn commitment(&self) -> Hash {
            self.commitment
        }

        fn earlier(&mut self) -> &mut Vec<Self> {
            &mut self.earlier
        }
    }

    #[test]
    fn a_record_of_another_fork_is_not_used_and_not_lost() {
        let folder = tempfile::tempdir().unwrap();
        let account = AccountId::from([1; 32]);
        let state = State::open(folder.path(), account, Role::Trainer, [7; 32]).unwrap();
        let sealed =
            |of: u8| Sealed { origin: [of; 32], commitment: [of + 100; 32], earlier: Vec::new() };
        let find = |of: u8| state.made_from::<Sealed>(3, "update-1", &[of; 32]).unwrap();
        state.add(3, "update-1", sealed(1)).unwrap();
        assert_eq!(find(1), Some(sealed(1)));
        assert_eq!(find(2), None, "what another task or model asks for");

        for of in 2..=4 {
            state.add(3, "update-1", sealed(of)).unwrap();
        }
        for of in 1..=4 {
            // Also after the chain has come back to the first of the forks.
            assert_eq!(find(of).unwrap().commitment, [of + 100; 32]);
            let opened = state.opening::<Sealed>(3, "update-1", &[of + 100; 32]).unwrap();
            assert_eq!(opened.unwrap().origin, [of; 32]);
        }
        assert_eq!(state.opening::<Sealed>(3, "update-1", &[9; 32]).unwrap(), None);

        for of in 5..100 {
            state.add(3, "update-1", sealed(of)).unwrap();
        }
        let latest = state.load::<Sealed>(3, "update-1").unwrap().unwrap();
        assert_eq!(latest.earlier.len(), MAX_EARLIER);
        assert!(latest.earlier.iter().all(|record| record.earlier.is_empty()));
    }
}
