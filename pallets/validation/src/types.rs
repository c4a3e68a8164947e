//! What is stored of committees and verdicts.

extern crate alloc;

use codec::{Decode, Encode, MaxEncodedLen};
use decentralml_protocol::gold::UNMEASURED;
use decentralml_types::{
    Balance, CommitteeNumber, Fault, Hash, NextModel, Opinion, Outcome, Ppm, RoundNumber, Score,
    limits::{MaxSeats, TALLY_BATCH},
};
use frame_support::{BoundedVec, traits::ConstU32};
use scale_info::TypeInfo;

/// One seat's opinions on the updates of one batch.
pub type Sheet = BoundedVec<Opinion, ConstU32<TALLY_BATCH>>;

/// A committee of a round.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct CommitteeState<AccountId> {
    /// Seats that were drawn.
    pub seats: u32,
    /// Updates that it judges.
    pub updates: u32,
    /// Seats that committed to scores.
    pub committed: u32,
    /// Seats that opened them, in that order.
    pub opened: BoundedVec<AccountId, MaxSeats>,
    /// How far each of them is from the medians, summed over the updates that are counted, in micro-nats and in the same order.
    pub distances: BoundedVec<u64, MaxSeats>,
    /// About how many gold results each of them was wrong, in the same order; [`UNMEASURED`] of one that had no score for an update for
    /// which the committee found one.
    pub missed: BoundedVec<u8, MaxSeats>,
    /// Attestations, in the order in which they came.
    pub attestations: BoundedVec<Attestation, MaxSeats>,
    /// How far its scores are counted.
    pub tally: Tally,
    /// Seats that are not settled.
    pub rows: u32,
}

impl<AccountId> CommitteeState<AccountId> {
    /// A committee of which nobody has acted.
    pub fn new(seats: u32, updates: u32) -> Self {
        Self {
            seats,
            updates,
            committed: 0,
            opened: BoundedVec::new(),
            distances: BoundedVec::new(),
            missed: BoundedVec::new(),
            attestations: BoundedVec::new(),
            tally: Tally::default(),
            rows: 0,
        }
    }

    /// How far a seat that opened its scores is from the medians.
    pub fn distance(&self, seat: &AccountId) -> Option<u64>
    where
        AccountId: PartialEq,
    {
        self.distances.get(self.position(seat)?).copied()
    }

    /// About how many gold results a seat that opened its scores was wrong.
    pub fn missed(&self, seat: &AccountId) -> u8
    where
        AccountId: PartialEq,
    {
        let position = self.position(seat);
        let missed = position.and_then(|position| self.missed.get(position)).copied();
        missed.filter(|missed| *missed != UNMEASURED).unwrap_or(0)
    }

    fn position(&self, seat: &AccountId) -> Option<usize>
    where
        AccountId: PartialEq,
    {
        self.opened.iter().position(|other| other == seat)
    }

    /// What most seats attested, how many those are, and the lower median of their metrics. Where two have as many, the one attested
    /// first. Seats agree where both the model and the state do.
    pub fn leading(&self) -> Option<(NextModel, u32, Ppm)> {
        let count = |next| self.attestations.iter().filter(|other| other.next == next).count();
        let (next, votes) = self
            .attestations
            .iter()
            .map(|attestation| (attestation.next, count(attestation.next)))
            .reduce(|best, other| if other.1 > best.1 { other } else { best })?;
        let mut metrics: alloc::vec::Vec<Ppm> = self
            .attestations
            .iter()
            .filter(|attestation| attestation.next == next)
            .map(|attestation| attestation.metric)
            .collect();
        let (_, median, _) = metrics.select_nth_unstable((votes - 1) / 2);
        Some((next, votes as u32, *median))
    }
}

/// What a seat says of the next model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Attestation {
    /// Its bytes, and those of the state of the server's optimizer.
    pub next: NextModel,
    /// Its metric on the validation set.
    pub metric: Ppm,
}

/// How far a committee's scores are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Tally {
    /// What is counted now.
    pub stage: Stage,
    /// Updates that this stage has done.
    pub cursor: u32,
    /// What the updates are worth together: the sum of the positive medians, in micro-nats.
    pub total: u64,
    /// Updates accepted so far.
    pub accepted: u32,
    /// Sum of the weights of the accepted ones.
    pub weight: u128,
}

/// The stages of a tally. The second needs the total of the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub enum Stage {
    /// Medians, and the round's total.
    #[default]
    Findings,
    /// Running scores, and who is accepted.
    Outcomes,
    /// All is counted.
    Done,
}

/// A seat that committed to scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Seat {
    /// What it committed to.
    pub commitment: Hash,
    /// Whether it has opened them.
    pub opened: bool,
    /// The next model that it attested.
    pub attested: Option<NextModel>,
}

/// What was found about an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Verdict {
    /// The median of its scores; 0 where it is faulty.
    pub score: Score,
    /// What becomes of it; `None` until its outcome is counted.
    pub outcome: Option<Outcome>,
    /// Whether it was known to be bad, and found so.
    pub gold: bool,
}

impl Verdict {
    /// What was found of an update of which nobody has shown that it knew.
    pub const fn new(score: Score, outcome: Option<Outcome>) -> Self {
        Self { score, outcome, gold: false }
    }
}

/// By what a round's reward is divided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct RoundShares {
    /// Sum of the weights of the accepted updates.
    pub weight: u128,
    /// Revealed updates that are not settled.
    pub rows: u32,
}

/// A trainer's running score in a task.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Standing {
    /// After the last round that judged it.
    pub score: Score,
    /// That round.
    pub round: RoundNumber,
    /// Before that round, where a second committee starts from when it judges the round anew.
    pub previous: Score,
}

impl Standing {
    /// The running score before `round`.
    pub const fn before(&self, round: RoundNumber) -> Score {
        if self.round == round { self.previous } else { self.score }
    }
}

/// What is remembered of a task.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct History {
    /// The committee opened last.
    pub latest: Option<(RoundNumber, CommitteeNumber)>,
    /// The moving average of the rounds' totals.
    pub trend: Option<Trend>,
    /// Accounts that have a running score in the task.
    pub standings: u32,
}

/// The moving average of the rounds' totals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Trend {
    /// After the last round that was tallied.
    pub value: u64,
    /// That round.
    pub round: RoundNumber,
    /// Before that round; `None` where it was the first.
    pub previous: Option<u64>,
}

impl Trend {
    /// The average before `round`.
    pub fn before(&self, round: RoundNumber) -> Option<u64> {
        if self.round == round { self.previous } else { Some(self.value) }
    }
}

/// What settling a row does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Neither pay nor punishment.
    Nothing,
    /// Pays this much from the task's escrow.
    Pay(Balance),
    /// Accuses of a fault that costs up to this much of the bond.
    Slash(Fault, Balance),
}
