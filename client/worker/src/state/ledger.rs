//! What this account has pinned: noted before it is pinned, so that no kill leaves a pin that nobody will let go of.

use decentralml_types::{Cid, RoundNumber, TaskId};
use serde::{Deserialize, Serialize};

use super::{State, StateError};

/// The record's name.
const NAME: &str = "pins";
/// Pins that are remembered. Those before stay for ever.
const MAX_KEPT: usize = 4_096;

/// What was pinned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum What {
    /// An update of this account.
    Update,
    /// A next model that this account computed.
    Model,
    /// The state of the server's optimizer after it.
    State,
    /// A task's validation set.
    Rows,
}

/// Something that this account has pinned, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) task: TaskId,
    /// The round that it was made in, or first used in.
    pub(crate) round: RoundNumber,
    pub(crate) what: What,
    pub(crate) cid: Cid,
    /// In the account's own store.
    pub(crate) own: bool,
    /// In the shared store, which did not have it before: only then the pin is this account's alone to take away.
    pub(crate) shared: bool,
}

impl Kept {
    /// Whether it is pinned in a store.
    pub(crate) fn pinned(&mut self, place: Place) -> &mut bool {
        match place {
            Place::Own => &mut self.own,
            Place::Shared => &mut self.shared,
        }
    }

    /// Whether both were pinned for the same.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let named = |kept: &Self| (kept.task, kept.round, kept.what, kept.cid);
        named(self) == named(other)
    }
}

/// Where something is pinned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the account's own store.
    Own,
    /// In the store that all share.
    Shared,
}

/// Where something that was pinned is still needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Needed {
    pub(crate) own: bool,
    pub(crate) shared: bool,
}

impl Needed {
    /// In both stores, or in neither.
    pub(crate) const fn both(needed: bool) -> Self {
        Self { own: needed, shared: needed }
    }

    const fn is_at(self, place: Place) -> bool {
        match place {
            Place::Own => self.own,
            Place::Shared => self.shared,
        }
    }
}

impl State {
    /// What was pinned and not let go of, oldest first. Nothing that matters is lost with a damaged record: it is begun anew.
    pub(crate) fn ledger(&self) -> Result<Vec<Kept>, StateError> {
        match self.read(NAME) {
            Err(StateError::Damaged { path, problem }) => {
                tracing::warn!(path, problem, "damaged: what was pinned before stays pinned");
                Ok(Vec::new())
            }
            ledger => Ok(ledger?.unwrap_or_default()),
        }
    }

    /// Keeps the whole of it.
    pub(crate) fn keep_ledger(&self, ledger: &[Kept]) -> Result<(), StateError> {
        let surplus = ledger.len().saturating_sub(MAX_KEPT);
        self.write(NAME, &ledger.get(surplus..).unwrap_or_default())
    }
}

/// The pins that nothing needs any more, by their number in the ledger. One whose content something else still needs becomes that
/// one's instead.
pub(crate) fn surplus(
    ledger: &mut [Kept],
    needed: impl Fn(&Kept) -> Needed,
) -> Vec<(usize, Place)> {
    let needs: Vec<Needed> = ledger.iter().map(needed).collect();
    let mut surplus = Vec::new();
    for (at, need) in needs.iter().enumerate() {
        for place in [Place::Own, Place::Shared] {
            let Some(kept) = ledger.get_mut(at) else { continue };
            if !*kept.pinned(place) || need.is_at(place) {
                continue;
            }
            let cid = kept.cid;
            let mut heirs = ledger.iter_mut().zip(&needs);
            match heirs.find(|(other, need)| other.cid == cid && need.is_at(place)) {
                Some((heir, _)) => {
                    *heir.pinned(place) = true;
                    if let Some(kept) = ledger.get_mut(at) {
                        *kept.pinned(place) = false;
                    }
                }
                None => surplus.push((at, place)),
            }
        }
    }
    surplus
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use decentralml_sdk::AccountId;
    use decentralml_types::{Codec, Role};

    fn kept(task: TaskId, round: RoundNumber, digest: u8) -> Kept {
        let cid = Cid { codec: Codec::DagPb, digest: [digest; 32] };
        Kept { task, round, what: What::Model, cid, own: true, shared: true }
    }

    #[test]
    fn a_full_ledger_is_read_back_without_its_oldest_entries_and_a_damaged_one_is_begun_anew() {
        let folder = tempfile::tempdir().unwrap();
        let account = AccountId::from([1; 32]);
        let state = State::open(folder.path(), account, Role::Trainer, [7; 32]).unwrap();
        assert_eq!(state.ledger().unwrap(), []);
        let many: Vec<Kept> =
            (0..=MAX_KEPT as u32).map(|n| kept(TaskId::MAX, u32::MAX - n, 255)).collect();
        state.keep_ledger(&many).unwrap();
        assert_eq!(state.ledger().unwrap(), many[1..]);

        std::fs::write(folder.path().join("pins.json"), b"[{").unwrap();
        assert_eq!(state.ledger().unwrap(), [], "no reason to stop working");
    }

    #[test]
    fn what_nothing_needs_is_surplus_and_what_something_else_needs_becomes_its_pin() {
        let heir = Kept { own: false, shared: false, ..kept(2, 9, 7) };
        let mut ledger = [kept(1, 1, 5), kept(1, 2, 6), kept(1, 3, 7), heir];
        // Of the first nothing is needed, of the second only the shared pin, of the third's content the other task needs both.
        let needed = |kept: &Kept| match (kept.task, kept.round) {
            (1, 2) => Needed { own: false, shared: true },
            (task, _) => Needed::both(task == 2),
        };
        assert_eq!(
            surplus(&mut ledger, needed),
            [(0, Place::Own), (0, Place::Shared), (1, Place::Own)]
        );
        assert_eq!((ledger[2].own, ledger[2].shared), (false, false));
        assert_eq!((ledger[3].own, ledger[3].shared), (true, true));
        assert_eq!(surplus(&mut ledger, |_| Needed::both(true)), []);
    }
}
