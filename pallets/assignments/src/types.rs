//! What is stored of enrollments and draws.

use codec::{Decode, Encode, MaxEncodedLen};
use decentralml_protocol::draw::Classes;
use decentralml_types::{Balance, RoundNumber, Seed};
use scale_info::TypeInfo;

/// An account's part in a task.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Enrollment {
    /// By its weight in draws, which is 2^class.
    pub class: u8,
    /// The slot of its class that it owns now.
    pub slot: u32,
    /// The number of the first draw in which it owns that slot.
    pub since: u64,
    /// The slot it had before it was moved, for the draw that was open then.
    pub earlier: Option<Earlier>,
    /// What is at risk: the bond of the task times its weight. Kept here because the task may be gone when the account leaves.
    pub engaged: Balance,
    /// Commitments that are not settled, of all rounds.
    pub open_rows: u32,
    /// The round that the bond stands for: one in which the account did something that may yet cost it. In every other round,
    /// nothing that it did can be slashed any more.
    pub at_risk: Option<RoundNumber>,
}

/// A slot that an account had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Earlier {
    /// The slot.
    pub slot: u32,
    /// The number of the first draw in which it owned it.
    pub since: u64,
}

impl Enrollment {
    /// The slot it has in draw `number`; `None` where it enrolled later. Right for the latest draw of the task and role, the
    /// only one that is ever in use.
    pub fn slot_in(&self, number: u64) -> Option<u32> {
        if self.since <= number {
            return Some(self.slot);
        }
        self.earlier.filter(|earlier| earlier.since <= number).map(|earlier| earlier.slot)
    }

    /// Moves it to `slot` from draw `next` on. In `latest`, the latest draw of the task and role, it stays where it was.
    pub fn move_to(&mut self, slot: u32, latest: Option<u64>, next: u64) {
        if latest.is_some_and(|number| self.since <= number) {
            self.earlier = Some(Earlier { slot: self.slot, since: self.since });
            self.since = next;
        }
        self.slot = slot;
    }

    /// Counts a commitment of `round`. False, and nothing is counted, where the bond stands for another round.
    pub(crate) fn hold(&mut self, round: RoundNumber) -> bool {
        let holds = self.expose(round);
        if holds {
            self.open_rows = self.open_rows.saturating_add(1);
        }
        holds
    }

    /// Lets the bond stand for `round`. False, and nothing changes, where it stands for another one.
    pub(crate) fn expose(&mut self, round: RoundNumber) -> bool {
        if self.at_risk.is_some_and(|other| other != round) {
            return false;
        }
        self.at_risk = Some(round);
        true
    }

    /// Nothing of what the account did in `round` can be slashed any more.
    pub(crate) fn clear(&mut self, round: RoundNumber) {
        self.at_risk = self.at_risk.filter(|other| *other != round);
    }

    /// A commitment of `round` was settled.
    pub(crate) fn release(&mut self, round: RoundNumber) {
        self.open_rows = self.open_rows.saturating_sub(1);
        self.clear(round);
    }
}

/// How many accounts are enrolled in a task and role.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Population {
    /// Accounts of each class, and so slots. In tasks that draw equally all are of the first.
    pub classes: Classes,
    /// The latest draw among them.
    pub latest: Option<u64>,
}

impl Population {
    /// Accounts of all classes.
    pub fn enrolled(&self) -> u32 {
        self.classes.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// Slots of a class.
    pub fn of(&self, class: u8) -> u32 {
        self.classes.get(usize::from(class)).copied().unwrap_or(0)
    }

    pub(crate) fn set(&mut self, class: u8, count: u32) {
        if let Some(row) = self.classes.get_mut(usize::from(class)) {
            *row = count;
        }
    }
}

/// A draw in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct OpenDraw<BlockNumber> {
    /// Its number among all draws.
    pub number: u64,
    /// The block whose VRF output is its seed.
    pub seed_block: BlockNumber,
    /// Slots of each class among which it is drawn.
    pub population: Classes,
    /// Slots that are drawn, of all classes.
    pub places: u32,
}

/// The seed of a block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct PendingSeed {
    /// Known from the block after it on.
    pub seed: Option<Seed>,
    /// Draws that use it.
    pub users: u32,
}
