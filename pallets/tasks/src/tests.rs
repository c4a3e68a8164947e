//! Tests by behavior. The other pallets are played by [`crate::mock::Others`].

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod aborting;
mod assets;
mod attempting;
mod charging;
mod creating;
mod escrow;
mod expiring;
mod failing;
mod old_holes;
mod pausing;
mod phases;
mod reaping;
mod scale;
mod starting;
mod waiting;

use crate::{Error, Event, Money, Round, Rounds, SEED_DELAY, Task, mock::*};
use decentralml_traits::{Clock, Escrow, JudgmentProgress};
use decentralml_types::{
    Asset, Balance, Cid, Codec, NextModel, Phase, Ppm, RoundNumber, TaskId, TaskSpec, TaskStatus,
    spec::{Committee, Deadlines, Terms, TrainerCount},
};
use frame_support::{assert_noop, assert_ok};

const REWARD: Balance = 600;
const FEE: Balance = 30;
/// What one round of [`spec`] owes at most.
const ROUND_PAY: Balance = REWARD + 3 * FEE;
/// What one attempt of [`spec`] is charged: 6 trainers with 3 calls each, 3 seats with 8, 4 counts and 12 phases, a planck each.
const CHARGE: Balance = 18 + 24 + 4 + 12;
/// Of [`spec`], each of whose 3 rounds may fail twice.
const ATTEMPTS: Balance = 9;

/// Three rounds of 3 to 6 trainers, judged by 3 seats of whom 2 must agree.
fn spec() -> TaskSpec {
    let mut spec = decentralml_protocol::spec::example();
    spec.rounds = 3;
    spec.target = None;
    spec.max_retries = 2;
    spec.trainers = TrainerCount { min: 3, max: 6 };
    spec.committee = Committee { seats: 3, quorum: 2 };
    spec.deadlines = Deadlines {
        enrolling: 60,
        training: 50,
        revealing: 30,
        scoring: 40,
        verdict: 20,
        aggregating: 10,
        claiming: 1_000,
        lifetime: 10_000,
    };
    spec.terms = Terms {
        asset: Asset::Native,
        reward_per_round: REWARD,
        fee_per_seat: FEE,
        trainer_bond: MIN_TRAINER_BOND,
        evaluator_bond: MIN_EVALUATOR_BOND,
        min_reputation: 0,
        golds: 0,
        draw: Default::default(),
    };
    spec
}

/// What is free in a task of [`spec`] that has so many rounds to pay, and may attempt so many.
fn free(rounds: Balance, attempts: Balance) -> Balance {
    rounds * ROUND_PAY + attempts * CHARGE
}

/// The money of such a task.
fn purse(rounds: Balance, attempts: Balance, reserved: Balance, unclaimed: Balance) -> Money {
    let (free, charges) = (rounds * ROUND_PAY, attempts * CHARGE);
    Money { free, reserved, unclaimed, owed: 0, charges }
}

/// What is free in a task for rounds, and for their free calls.
fn purses(task: TaskId) -> (Balance, Balance) {
    let money = money(task);
    (money.free, money.charges)
}

/// A task of [`spec`] ends and gives so much back.
fn ended(task: TaskId, status: TaskStatus, rounds: Balance, attempts: Balance) -> Event<Test> {
    let (refunded, charges) = (rounds * ROUND_PAY, attempts * CHARGE);
    Event::TaskEnded { task, status, refunded, charges }
}

fn cid(byte: u8) -> Cid {
    Cid { codec: Codec::Raw, digest: [byte; 32] }
}

fn signed(who: AccountId) -> RuntimeOrigin {
    RuntimeOrigin::signed(who)
}

fn create_with(spec: TaskSpec) -> TaskId {
    let task = crate::NextTask::<Test>::get();
    assert_ok!(Tasks::create(signed(SPONSOR), Box::new(spec)));
    task
}

fn create() -> TaskId {
    create_with(spec())
}

/// Lets so many enroll in a task.
fn enroll(task: TaskId, trainers: u32, evaluators: u32) {
    Trainers::set(trainers);
    Evaluators::set(evaluators);
    Tasks::acted(task);
}

/// A task of [`spec`] in its first round, all places and seats taken.
fn start() -> TaskId {
    start_with(spec())
}

fn start_with(spec: TaskSpec) -> TaskId {
    let task = create_with(spec);
    enroll(task, 6, 3);
    assert_eq!(at(task), (1, Phase::Training));
    task
}

fn row(task: TaskId) -> Task<AccountId> {
    crate::Tasks::<Test>::get(task).unwrap()
}

fn round(task: TaskId) -> Round {
    let row = row(task);
    Rounds::<Test>::get(task, row.current.unwrap()).unwrap()
}

fn money(task: TaskId) -> Money {
    row(task).money
}

fn at(task: TaskId) -> (RoundNumber, Phase) {
    Tasks::current(task).unwrap()
}

fn status(task: TaskId) -> TaskStatus {
    Tasks::status(task).unwrap()
}

fn advance(task: TaskId) {
    let post = Tasks::advance(signed(OTHER), task).unwrap();
    assert_eq!(post.pays_fee, frame_support::dispatch::Pays::No);
}

fn nothing_to_advance(task: TaskId) {
    assert_noop!(Tasks::advance(signed(OTHER), task), Error::<Test>::NothingToAdvance);
}

/// Passes the deadline of the current phase, and has somebody notice.
fn time_out(task: TaskId) {
    System::set_block_number(round(task).deadline);
    advance(task);
}

/// So many more trainers commit.
fn commit(task: TaskId, trainers: u32) {
    for _ in 0..trainers {
        let (number, _) = at(task);
        Tasks::row_opened(task, number);
        Counts::mutate(|counts| counts.committed += 1);
        Tasks::acted(task);
    }
}

/// So many more trainers reveal.
fn reveal(task: TaskId, trainers: u32) {
    for _ in 0..trainers {
        Counts::mutate(|counts| counts.revealed += 1);
        Tasks::acted(task);
    }
}

/// So many more seats commit to scores.
fn score(task: TaskId, seats: u32) {
    for _ in 0..seats {
        let (number, _) = at(task);
        Tasks::row_opened(task, number);
        Progress::mutate(|progress| progress.committed += 1);
        Tasks::acted(task);
    }
}

/// So many more seats open their scores.
fn open(task: TaskId, seats: u32) {
    for _ in 0..seats {
        Progress::mutate(|progress| progress.opened += 1);
        Tasks::acted(task);
    }
}

/// Counts all scores, with this many updates accepted.
fn tally(task: TaskId, accepted: u32) {
    Batches::set(1);
    Accepted::set(accepted);
    advance(task);
}

/// So many more seats attest a CID, which then leads with this metric.
fn attest(task: TaskId, seats: u32, byte: u8, metric: Ppm) {
    for _ in 0..seats {
        Progress::mutate(|progress: &mut JudgmentProgress| {
            progress.attested += 1;
            progress.agreeing += 1;
            progress.leading = Some((NextModel::stateless(cid(byte)), metric));
        });
        Tasks::acted(task);
    }
}

/// One more seat attests something that nobody else attests.
fn dissent(task: TaskId) {
    Progress::mutate(|progress: &mut JudgmentProgress| {
        progress.attested += 1;
        progress.agreeing = progress.agreeing.max(1);
        progress.leading = progress.leading.or(Some((NextModel::stateless(cid(255)), 0)));
    });
    Tasks::acted(task);
}

/// Brings the live round from the start of its phase to a later one, everybody acting.
fn bring_to(task: TaskId, phase: Phase) {
    let steps: [(Phase, fn(TaskId)); 5] = [
        (Phase::Training, |task| commit(task, 6)),
        (Phase::Revealing, |task| reveal(task, 6)),
        (Phase::Scoring, |task| score(task, 3)),
        (Phase::Verdict, |task| open(task, 3)),
        (Phase::Tallying, |task| tally(task, 5)),
    ];
    for (from, step) in steps {
        if at(task).1 == from && from != phase {
            step(task);
        }
    }
    assert_eq!(at(task).1, phase);
}

/// Plays the live round to its end, everybody acting.
fn settle(task: TaskId, byte: u8, metric: Ppm) {
    bring_to(task, Phase::Aggregating);
    attest(task, 2, byte, metric);
}

/// Settles all rows of a round, paying each of `amounts` to a trainer and nothing for the rest.
fn claim_all(task: TaskId, number: RoundNumber, amounts: &[Balance]) {
    let rows = Rounds::<Test>::get(task, number).unwrap().open_rows;
    for index in 0..rows as usize {
        let amount = amounts.get(index).copied().unwrap_or(0);
        assert_ok!(Tasks::row_settled(task, number, &TRAINER, amount));
    }
}

fn has_event(event: Event<Test>) -> bool {
    let event: RuntimeEvent = event.into();
    System::events().iter().any(|record| record.event == event)
}
