//! Records of commitments.
//!
//! A fork may have another task, or another model, in the same place, and the chain may come back from it. So a commitment's record
//! names what it was made from, and those that it takes the place of stay in it.

use std::mem;

use decentralml_types::{Hash, Salt, TaskId};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{State, StateError, hex32};

/// Records of one round that are kept beside the latest: as many forks may each have asked for another commitment.
const MAX_EARLIER: usize = 8;

/// What opens a commitment; on disk before the commitment is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sealed<Content> {
    /// Names everything that what was committed to is made from: see [`origin`](crate::origin). A record of a program that did not
    /// note it has none, and serves whatever is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "hex32::option")]
    pub(crate) origin: Option<Hash>,
    /// What was committed to.
    #[serde(flatten)]
    pub(crate) content: Content,
    #[serde(with = "hex32")]
    pub(crate) salt: Salt,
    /// The commitment.
    #[serde(with = "hex32")]
    pub(crate) hash: Hash,
    /// Records whose place this one has taken, oldest first.
    #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    pub(crate) earlier: Vec<Sealed<Content>>,
}

impl<Content> Sealed<Content> {
    pub(crate) fn new(origin: Hash, content: Content, salt: Salt, hash: Hash) -> Self {
        Self { origin: Some(origin), content, salt, hash, earlier: Vec::new() }
    }

    /// Whether it was made from this, as far as it says.
    pub(crate) fn serves(&self, origin: &Hash) -> bool {
        self.origin.is_none_or(|known| known == *origin)
    }

    /// The latest of these records that is wanted.
    fn among(mut self, wanted: impl Fn(&Self) -> bool) -> Option<Self> {
        if wanted(&self) {
            return Some(self);
        }
        mem::take(&mut self.earlier).into_iter().rev().find(wanted)
    }
}

impl State {
    /// The record of a commitment that was made from just this.
    pub(crate) fn made_from<Content: DeserializeOwned>(
        &self,
        task: TaskId,
        name: &str,
        origin: &Hash,
    ) -> Result<Option<Sealed<Content>>, StateError> {
        let Some(latest) = self.load::<Sealed<Content>>(task, name)? else { return Ok(None) };
        let found = latest.among(|record| record.serves(origin));
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
    pub(crate) fn opening<Content: DeserializeOwned>(
        &self,
        task: TaskId,
        name: &str,
        commitment: &Hash,
    ) -> Result<Option<Sealed<Content>>, StateError> {
        let latest = self.load::<Sealed<Content>>(task, name)?;
        Ok(latest.and_then(|latest| latest.among(|record| record.hash == *commitment)))
    }

    /// Keeps the record of a commitment, and with it those that it takes the place of: the chain may come back to the fork that
    /// they were made for.
    pub(crate) fn add<Content: Serialize + DeserializeOwned>(
        &self,
        task: TaskId,
        name: &str,
        mut record: Sealed<Content>,
    ) -> Result<Sealed<Content>, StateError> {
        if let Some(mut latest) = self.load::<Sealed<Content>>(task, name)? {
            let mut earlier = mem::take(&mut latest.earlier);
            earlier.push(latest);
            let surplus = earlier.len().saturating_sub(MAX_EARLIER);
            record.earlier = earlier.split_off(surplus);
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
    use std::fs;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Number {
        number: u8,
    }

    fn state() -> (tempfile::TempDir, State) {
        let folder = tempfile::tempdir().unwrap();
        let account = AccountId::from([1; 32]);
        let state = State::open(folder.path(), account, Role::Trainer, [7; 32]).unwrap();
        (folder, state)
    }

    #[test]
    fn a_record_of_another_fork_is_not_used_and_not_lost() {
        let (_folder, state) = state();
        let sealed =
            |of: u8| Sealed::new([of; 32], Number { number: of }, [of; 32], [of + 100; 32]);
        let find = |of: u8| state.made_from::<Number>(3, "update-1", &[of; 32]).unwrap();
        state.add(3, "update-1", sealed(1)).unwrap();
        assert_eq!(find(1), Some(sealed(1)));
        assert_eq!(find(2), None, "what another task or model asks for");

        for of in 2..=4 {
            state.add(3, "update-1", sealed(of)).unwrap();
        }
        for of in 1..=4 {
            // Also after the chain has come back to the first of the forks.
            assert_eq!(find(of).unwrap().hash, [of + 100; 32]);
            let opened = state.opening::<Number>(3, "update-1", &[of + 100; 32]).unwrap();
            assert_eq!(opened.unwrap().origin, Some([of; 32]));
        }
        assert_eq!(state.opening::<Number>(3, "update-1", &[9; 32]).unwrap(), None);

        for of in 5..100 {
            state.add(3, "update-1", sealed(of)).unwrap();
        }
        let latest = state.load::<Sealed<Number>>(3, "update-1").unwrap().unwrap();
        assert_eq!(latest.earlier.len(), MAX_EARLIER);
        assert!(latest.earlier.iter().all(|record| record.earlier.is_empty()));
    }

    #[test]
    fn a_record_of_before_origins_were_noted_opens_its_commitment_and_serves_as_it_did() {
        let (folder, state) = state();
        let bytes = |digits: &str| digits.repeat(32);
        let old =
            format!(r#"{{"number": 5, "salt": "{}", "hash": "{}"}}"#, bytes("02"), bytes("03"));
        fs::create_dir(folder.path().join("task-3")).unwrap();
        fs::write(folder.path().join("task-3/update-1.json"), old).unwrap();
        let opened = state.opening::<Number>(3, "update-1", &[3; 32]).unwrap().unwrap();
        assert_eq!((opened.origin, opened.content.number, opened.salt), (None, 5, [2; 32]));
        assert!(opened.serves(&[1; 32]));
        let found = state.made_from::<Number>(3, "update-1", &[9; 32]).unwrap();
        assert_eq!(found, Some(opened.clone()));
        // It is written as it was, also beside another.
        state
            .add(3, "update-1", Sealed::new([9; 32], Number { number: 6 }, [4; 32], [5; 32]))
            .unwrap();
        assert_eq!(state.opening(3, "update-1", &[3; 32]).unwrap(), Some(opened));
        let latest = state.made_from::<Number>(3, "update-1", &[9; 32]).unwrap();
        assert_eq!(latest.unwrap().content.number, 6);
    }
}
