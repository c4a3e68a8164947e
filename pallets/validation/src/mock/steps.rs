//! The steps of a round, as tests take them.

use super::*;
use decentralml_traits::{EvidenceRow, Judgment};
use decentralml_types::{
    Failure, Hash, NextModel, Opinion, Opinions, Phase, Ppm, Salt, Score,
    commitment::ScoresCommitment,
};
use frame_support::dispatch::DispatchResultWithPostInfo;

/// The salt of every seat in the tests.
pub const SALT: Salt = [5; 32];

pub fn scores(scores: &[Score]) -> Opinions {
    scores.iter().copied().map(Opinion::Score).collect::<Vec<_>>().try_into().unwrap()
}

pub fn opinions(opinions: &[Opinion]) -> Opinions {
    opinions.to_vec().try_into().unwrap()
}

pub fn enter(phase: Phase) {
    World::mutate(|world| world.phase = phase);
}

pub fn void(failure: Failure) {
    World::mutate(|world| {
        world.phase = Phase::Void;
        world.failure = Some(failure);
    });
}

/// Enters Scoring of the current round: `trainers` have revealed in this order, `seats` are drawn.
pub fn start(trainers: &[AccountId], seats: &[AccountId]) {
    World::mutate(|world| {
        world.phase = Phase::Scoring;
        world.failure = None;
        world.committee = 0;
        world.drawn = seats.to_vec();
        world.updates = trainers.to_vec();
        world.rows += trainers.len() as i64;
        for (index, trainer) in (0..).zip(trainers) {
            world.evidence.insert(*trainer, EvidenceRow::Revealed { index });
            *world.held.entry((false, *trainer)).or_default() += 1;
        }
    });
    Validation::open(TASK, World::get().round, 0, seats.len() as u32, trainers.len() as u32);
}

/// Draws another committee of `seats` for the same updates.
pub fn redraw(seats: &[AccountId]) {
    let (round, committee, updates) = World::mutate(|world| {
        world.phase = Phase::Scoring;
        world.committee += 1;
        world.drawn = seats.to_vec();
        (world.round, world.committee, world.updates.len() as u32)
    });
    Validation::open(TASK, round, committee, seats.len() as u32, updates);
}

/// Enters Scoring of the next round with the same trainers and seats; nobody has claimed the last one.
pub fn next_round() {
    let world = World::mutate(|world| {
        world.earlier.insert(world.round, world.committee);
        world.round += 1;
        world.clone()
    });
    start(&world.updates, &world.drawn);
}

pub fn hash_of(who: AccountId, opinions: &Opinions) -> Hash {
    let world = World::get();
    ScoresCommitment {
        genesis: System::block_hash(0).into(),
        task: TASK,
        round: world.round,
        committee: world.committee,
        account: &who,
        opinions,
        salt: SALT,
    }
    .hash()
}

pub fn try_commit(who: AccountId, hash: Hash) -> DispatchResultWithPostInfo {
    let Around { round, committee, .. } = World::get();
    Validation::commit_scores(RuntimeOrigin::signed(who), TASK, round, committee, hash)
}

pub fn try_open(who: AccountId, opinions: Opinions) -> DispatchResultWithPostInfo {
    let round = World::get().round;
    Validation::open_scores(RuntimeOrigin::signed(who), TASK, round, opinions, SALT)
}

pub fn try_attest(who: AccountId, byte: u8, metric: Ppm) -> DispatchResultWithPostInfo {
    try_attest_next(who, NextModel::stateless(cid(byte)), metric)
}

pub fn try_attest_next(who: AccountId, next: NextModel, metric: Ppm) -> DispatchResultWithPostInfo {
    let (origin, round) = (RuntimeOrigin::signed(who), World::get().round);
    Validation::attest(origin, TASK, round, next.cid, metric, next.state)
}

pub fn try_claim(who: AccountId) -> DispatchResultWithPostInfo {
    Validation::claim(RuntimeOrigin::signed(77), TASK, World::get().round, who)
}

pub fn try_claim_seat(committee: u8, who: AccountId) -> DispatchResultWithPostInfo {
    let round = World::get().round;
    Validation::claim_seat(RuntimeOrigin::signed(77), TASK, round, committee, who)
}

/// Seats commit to their opinions and open them; enters Tallying.
pub fn score(seats: &[(AccountId, Opinions)]) {
    enter(Phase::Scoring);
    for (seat, opinions) in seats {
        try_commit(*seat, hash_of(*seat, opinions)).unwrap();
    }
    enter(Phase::Verdict);
    for (seat, opinions) in seats {
        try_open(*seat, opinions.clone()).unwrap();
    }
    enter(Phase::Tallying);
}

/// Tallies to the end: calls that it took, and the number of accepted updates.
pub fn tally() -> (u32, u32) {
    for call in 1..100 {
        let world = World::get();
        if let Some(accepted) = Validation::tally(TASK, world.round, world.committee) {
            return (call, accepted);
        }
    }
    panic!("the tally does not end");
}

/// Scores, tallies, and lets every seat attest the same model: the round is settled.
pub fn settle(seats: &[(AccountId, Opinions)]) {
    score(seats);
    tally();
    enter(Phase::Aggregating);
    for (seat, _) in seats {
        try_attest(*seat, 50, 900_000).unwrap();
    }
    enter(Phase::Settled);
}
