//! What the pallets' benchmarks need of each other, made by the pallets' own calls wherever a call can make it: real draws of
//! real members, commitments that can be revealed, rows that can be settled. All tasks are sealed, as these have larger rows.

#![allow(clippy::expect_used, reason = "a benchmark that cannot be prepared must stop")]

use crate::{
    AccountId, Address, Assets, Assignments, Balances, Participants, Results, Runtime,
    RuntimeOrigin, System, Tasks, UNIT, Validation,
};
use alloc::{boxed::Box, vec::Vec};
use decentralml_protocol::draw::CLASSES;
use decentralml_traits::{Charge, Judgment, Scene};
use decentralml_types::{
    Asset, Balance, Cid, Codec, CommitteeNumber, Fault, Hash, NextModel, Opinion, Outcome, Phase,
    Role, RoundNumber, Salt, Score, TaskId, TaskSpec, TaskStatus,
    commitment::UpdateCommitment,
    limits::{MAX_GOLDS, MAX_SEATS, MAX_TEXT, MAX_WEIGHT, MIN_SEATS, TALLY_BATCH},
    spec::{Chances, Committee, Custody, Text, TrainerCount},
};
use frame_benchmarking::account;
use frame_support::{
    BoundedVec,
    storage::{storage_prefix, unhashed},
    traits::{Hooks, fungible::Mutate},
};
use pallet_results::{Commitment, Handover, Rows, Update};
use pallet_validation::{Attestation, CommitteeState, Seat, Stage, Verdict};

const FUNDS: Balance = 1_000_000_000 * UNIT;
const SALT: [u8; 32] = [2; 32];
const CID: Cid = Cid { codec: Codec::DagPb, digest: [1; 32] };
const NEXT: NextModel = NextModel { cid: CID, state: Some(CID) };
const PLAIN_HASH: Option<Hash> = Some([5; 32]);
const SAMPLES: u32 = 100;

/// Tasks with rounds as far as a benchmark wants them.
pub struct Rounds;

fn signed(who: &AccountId) -> RuntimeOrigin {
    RuntimeOrigin::signed(who.clone())
}

fn sponsor() -> AccountId {
    let who: AccountId = account("sponsor", 0, 0);
    Balances::set_balance(&who, FUNDS);
    who
}

/// A new asset, of which the owner has far more than any task costs.
fn asset(owner: &AccountId) -> Asset {
    let id = pallet_assets::NextAssetId::<Runtime>::get().unwrap_or_default();
    let to = || Address::Id(owner.clone());
    Assets::force_create(RuntimeOrigin::root(), id, to(), false, 1).expect("the number is next");
    Assets::mint(signed(owner), id, to(), Balance::MAX / 4).expect("the owner is its issuer");
    Asset::Id(id)
}

/// The members of our tasks.
fn named(role: Role, index: u32) -> AccountId {
    match role {
        Role::Trainer => account("trainer", index, 0),
        Role::Evaluator => account("evaluator", index, 0),
        Role::Validator => account("validator", index, 0),
    }
}

/// An account with a bond for any task of ours and, where it is to read updates, with a key.
fn member(role: Role, index: u32) -> AccountId {
    let who = named(role, index);
    Balances::set_balance(&who, FUNDS);
    if role == Role::Evaluator {
        with_key(&who);
    }
    Participants::bond(signed(&who), role, 100 * UNIT).expect("rich");
    who
}

fn with_key(who: &AccountId) {
    if pallet_participants::EncryptionKeys::<Runtime>::get(who).is_none() {
        Participants::set_encryption_key(signed(who), Some([9; 32])).expect("rich");
    }
}

/// A sealed task with texts as long as they may be, whose rounds draw so many, and which pays in an asset: that takes more rows than
/// the native token.
fn create(trainers: TrainerCount, seats: u32) -> TaskId {
    let text = || Text::truncate_from([b'x'; MAX_TEXT as usize].to_vec());
    let seats = seats.max(MIN_SEATS);
    let sponsor = sponsor();
    let golds = if trainers.max < u16::from(MAX_GOLDS) { 0 } else { MAX_GOLDS };
    let mut spec = TaskSpec {
        name: text(),
        license: text(),
        custody: Custody { hosts: 0, sealed: true },
        trainers,
        committee: Committee { seats: seats as u8, quorum: (2 * seats).div_ceil(3) as u8 },
        ..decentralml_protocol::spec::example()
    };
    spec.terms.asset = asset(&sponsor);
    spec.terms.draw = Chances::ByBond { cap: MAX_WEIGHT };
    spec.terms.golds = golds;
    let task = pallet_tasks::NextTask::<Runtime>::get();
    Tasks::create(signed(&sponsor), Box::new(spec)).expect("funded");
    task
}

/// Accounts of all weights: a draw among five classes takes most.
fn enroll(task: TaskId, role: Role, count: u32) -> Vec<AccountId> {
    let members: Vec<AccountId> = (0..count).map(|index| member(role, index)).collect();
    for (index, who) in members.iter().enumerate() {
        let weight = MAX_WEIGHT >> (index % CLASSES);
        Assignments::enroll(signed(who), task, role, weight).expect("bonded");
    }
    members
}

/// A block whose parent had a VRF output.
fn next_block() {
    let number = System::block_number() + 1;
    System::set_block_number(number);
    set_randomness();
    Assignments::on_initialize(number);
}

fn set_randomness() {
    let key = storage_prefix(b"Babe", b"AuthorVrfRandomness");
    unhashed::put(&key, &Some([7u8; 32]));
}

/// Lets the seed of the draw that was just opened become known.
fn draw() {
    next_block();
    next_block();
}

/// A task in phase Training of its first round, its draw known. The committee before its next one has acted in nothing, so
/// opening that one cleans up.
fn training(trainers: TrainerCount, seats: u32) -> (TaskId, Vec<AccountId>, Vec<AccountId>) {
    let count = trainers.max.into();
    let task = create(trainers, seats);
    let evaluators = enroll(task, Role::Evaluator, seats.max(MIN_SEATS));
    let trainers = enroll(task, Role::Trainer, count);
    assert_eq!(phase(task), Some((1, Phase::Training)));
    Validation::open(task, 0, 0, seats, 0);
    draw();
    (task, trainers, evaluators)
}

fn phase(task: TaskId) -> Option<(RoundNumber, Phase)> {
    <Tasks as decentralml_traits::Clock<AccountId>>::current(task)
}

fn commit(task: TaskId, who: &AccountId) {
    Results::commit(signed(who), task, 1, commitment(task, who, SALT)).expect("drawn");
}

fn commitment(task: TaskId, who: &AccountId, salt: Salt) -> Hash {
    UpdateCommitment {
        genesis: System::block_hash(0).into(),
        task,
        round: 1,
        account: who,
        base: None,
        cid: CID,
        plain_hash: PLAIN_HASH,
        samples: SAMPLES,
        salt,
    }
    .hash()
}

fn reveal(task: TaskId, who: &AccountId) {
    Results::reveal(signed(who), task, 1, CID, PLAIN_HASH, SAMPLES, SALT).expect("committed");
}

impl pallet_assignments::BenchmarkHelper<AccountId> for Rounds {
    fn task() -> TaskId {
        let task = create(TrainerCount { min: 1, max: 1 }, MAX_SEATS);
        enroll(task, Role::Evaluator, MAX_SEATS - 1);
        enroll(task, Role::Trainer, 1);
        task
    }

    fn member(role: Role, index: u32) -> AccountId {
        member(role, index)
    }

    fn end(task: TaskId) {
        end(task);
    }

    fn set_randomness() {
        set_randomness();
    }
}

impl pallet_results::BenchmarkHelper<AccountId> for Rounds {
    fn training(trainers: u32) -> (TaskId, RoundNumber, Vec<AccountId>) {
        let count = trainers as u16;
        let (task, trainers, _) = training(TrainerCount { min: count, max: count }, MAX_SEATS);
        (task, 1, trainers)
    }

    fn enter(task: TaskId, round: RoundNumber, phase: Phase) {
        enter(task, round, phase);
    }

    fn draw() {
        draw();
    }
}

/// Puts a round into a phase, with its deadline ahead.
fn enter(task: TaskId, round: RoundNumber, phase: Phase) {
    pallet_tasks::Rounds::<Runtime>::mutate(task, round, |row| {
        let row = row.as_mut().expect("the round exists");
        row.phase = phase;
        row.deadline = System::block_number() + 1_000;
    });
}

impl pallet_validation::BenchmarkHelper<AccountId> for Rounds {
    fn scoring(trainers: u32, seats: u32) -> pallet_validation::Scene<AccountId> {
        let count = TrainerCount { min: 1, max: trainers as u16 };
        let (task, trainers, seats) = training(count, seats);
        for who in &trainers {
            commit(task, who);
        }
        for who in &trainers {
            reveal(task, who);
        }
        assert_eq!(phase(task), Some((1, Phase::Scoring)));
        draw();
        pallet_validation::Scene { task, round: 1, trainers, seats }
    }

    fn unrevealed() -> (TaskId, RoundNumber, AccountId) {
        let (task, trainers, _) = training(TrainerCount { min: 2, max: 2 }, MAX_SEATS);
        for who in &trainers {
            commit(task, who);
        }
        let [silent, open] = trainers.try_into().expect("two are enrolled");
        reveal(task, &open);
        let deadline = pallet_tasks::Rounds::<Runtime>::get(task, 1).expect("live").deadline;
        System::set_block_number(deadline);
        Tasks::advance(signed(&open), task).expect("due");
        Tasks::cancel(signed(&sponsor()), task).expect("its sponsor");
        Validation::claim(signed(&open), task, 1, open.clone()).expect("the round is void");
        (task, 1, silent)
    }

    fn enter(task: TaskId, round: RoundNumber, phase: Phase) {
        enter(task, round, phase);
    }

    fn end(task: TaskId) {
        end(task);
    }
}

impl pallet_data::BenchmarkHelper<AccountId> for Rounds {
    fn with_key(index: u32) -> AccountId {
        let who: AccountId = account("reader", index, 0);
        Balances::set_balance(&who, FUNDS);
        with_key(&who);
        who
    }
}

impl pallet_challenges::BenchmarkHelper<AccountId> for Rounds {
    fn revealed(cid: Cid) -> (TaskId, RoundNumber, AccountId) {
        let one = TrainerCount { min: 1, max: 1 };
        let (task, trainers, _) = training(one, MAX_SEATS);
        let who = trainers.into_iter().next().expect("one is enrolled");
        commit(task, &who);
        reveal(task, &who);
        pallet_results::Commitments::<Runtime>::mutate((task, 1, &who), |row| {
            let revealed = row.as_mut().and_then(|row| row.revealed.as_mut());
            revealed.expect("it was").1.cid = cid;
        });
        (task, 1, who)
    }

    fn pass(blocks: decentralml_types::BlockNumber) {
        System::set_block_number(System::block_number() + blocks);
    }
}

impl pallet_golds::BenchmarkHelper<AccountId> for Rounds {
    fn training() -> pallet_golds::Round<AccountId> {
        let count = MAX_GOLDS.into();
        let (task, trainers, _) = training(TrainerCount { min: 1, max: count }, MAX_SEATS);
        let trainer = trainers.into_iter().next().expect("some are enrolled");
        pallet_golds::Round { task, round: 1, sponsor: sponsor(), trainer }
    }

    /// All but one of the seats that can be wrong without changing the median are, and the trainer's update is the last of a sheet.
    fn settle(at: &pallet_golds::Round<AccountId>, salt: Salt) {
        let (task, round) = (at.task, at.round);
        let index = TALLY_BATCH - 1;
        let update = Update { cid: CID, plain_hash: PLAIN_HASH, samples: SAMPLES, handover: None };
        let hash = commitment(task, &at.trainer, salt);
        let row = Commitment { hash, number: index, revealed: Some((index, update)) };
        pallet_results::Commitments::<Runtime>::insert((task, round, &at.trainer), row);
        let verdict = Verdict::new(-1_000, Some(Outcome::Rejected));
        pallet_validation::Verdicts::<Runtime>::insert((task, round, &at.trainer), verdict);
        let mut committee = CommitteeState::new(MAX_SEATS, TALLY_BATCH);
        committee.tally.stage = Stage::Done;
        committee.tally.total = 10_000;
        for seat in 0..MAX_SEATS {
            let who = named(Role::Evaluator, seat);
            let score = if seat < MAX_SEATS / 2 { 1_000 } else { -1_000 };
            let sheet =
                BoundedVec::truncate_from([Opinion::Score(score)].repeat(TALLY_BATCH as usize));
            pallet_validation::Sheets::<Runtime>::insert((task, round, 0, 0, &who), sheet);
            committee.opened.try_push(who).expect("at most the limit of seats");
            committee.missed.try_push(0).expect("at most the limit of seats");
        }
        pallet_validation::Committees::<Runtime>::insert((task, round, 0), committee);
        // The last row of a task that is over: what the round did not owe goes to the sponsor with it.
        let pot = pallet_tasks::Rounds::<Runtime>::mutate(task, round, |row| {
            let row = row.as_mut().expect("the round exists");
            row.phase = Phase::Settled;
            row.ended_at = Some(System::block_number());
            row.open_rows = 1;
            row.pot
        });
        pallet_tasks::Tasks::<Runtime>::mutate(task, |row| {
            let money = &mut row.as_mut().expect("the task exists").money;
            money.reserved -= pot;
            money.unclaimed += pot;
        });
        end(task);
    }

    fn pass(blocks: decentralml_types::BlockNumber) {
        System::set_block_number(System::block_number() + blocks);
    }
}

impl pallet_disputes::BenchmarkHelper<AccountId> for Rounds {
    fn charge() -> Charge<AccountId> {
        let (task, trainers, evaluators) = training(TrainerCount { min: 1, max: 1 }, MIN_SEATS);
        let (accused, reporter) =
            trainers.into_iter().zip(evaluators).next().expect("both are enrolled");
        Participants::bond(signed(&reporter), Role::Trainer, UNIT).expect("rich");
        Charge {
            accused,
            role: Role::Trainer,
            fault: Fault::Unanswered,
            penalty: decentralml_protocol::slashing::TABLE.unanswered,
            amount: UNIT,
            scene: Scene::Round { task, round: 1 },
            reporter: Some(reporter),
        }
    }

    /// Money of the task's asset is free in it, as where it could not be paid out when the task ended.
    fn end(charge: &Charge<AccountId>) {
        let task = charge.scene.task().expect("of a trainer");
        end(task);
        let row = pallet_tasks::Tasks::<Runtime>::get(task).expect("it exists");
        assert!(row.money.free > 0 && !row.spec.terms.asset.is_native());
    }

    fn leave_to(reporter: &AccountId, role: Role, amount: Balance) {
        pallet_participants::Members::<Runtime>::mutate(role, reporter, |row| {
            row.as_mut().expect("bonded").bond = amount;
        });
    }
}

impl pallet_tasks::benchmarking::BenchmarkHelper<AccountId> for Rounds {
    fn asset(owner: &AccountId) -> Asset {
        asset(owner)
    }

    fn enroll(task: TaskId, trainers: u32, evaluators: u32) {
        enroll(task, Role::Evaluator, evaluators);
        enroll(task, Role::Trainer, trainers);
    }

    // Rows as the calls of `results` and `validation` leave them, written at once: hundreds of calls for each measured one would
    // take hours.
    fn judge(
        task: TaskId,
        round: RoundNumber,
        committee: CommitteeNumber,
        updates: u32,
        seats: u32,
        accepted: bool,
    ) {
        for index in 0..updates {
            let who = named(Role::Trainer, index);
            let handover = Some(Handover { committee, keys: CID });
            let update = Update { cid: CID, plain_hash: PLAIN_HASH, samples: SAMPLES, handover };
            let row = Commitment { hash: [3; 32], number: index, revealed: Some((index, update)) };
            pallet_results::Commitments::<Runtime>::insert((task, round, &who), row);
            pallet_results::Reveals::<Runtime>::insert((task, round, index), who);
        }
        let rows = Rows { committed: updates, revealed: updates, open: updates };
        pallet_results::Counts::<Runtime>::insert(task, round, rows);

        let worth: Score = if accepted { 1_000 } else { -1_000 };
        for index in 0..seats {
            let who = named(Role::Evaluator, index);
            let seat = Seat { commitment: [4; 32], opened: true, attested: None };
            pallet_validation::Seats::<Runtime>::insert((task, round, committee, &who), seat);
            let opinions: Vec<Opinion> = (0..updates)
                .map(|update| Opinion::Score(worth + Score::from(update ^ index)))
                .collect();
            for (batch, sheet) in (0u32..).zip(opinions.chunks(TALLY_BATCH as usize)) {
                let sheet = BoundedVec::truncate_from(sheet.to_vec());
                pallet_validation::Sheets::<Runtime>::insert(
                    (task, round, committee, batch, &who),
                    sheet,
                );
            }
            amend(task, round, committee, |state| {
                state.committed += 1;
                state.rows += 1;
                state.opened.try_push(who).expect("at most the limit of seats");
            });
        }
    }

    fn attest(task: TaskId, round: RoundNumber, committee: CommitteeNumber, seats: u32) {
        for index in 0..seats {
            let key = (task, round, committee, named(Role::Evaluator, index));
            pallet_validation::Seats::<Runtime>::mutate(key, |row| {
                row.as_mut().expect("the seat exists").attested = Some(NEXT);
            });
            amend(task, round, committee, |state| {
                let attestation = Attestation { next: NEXT, metric: 900_000 };
                state.attestations.try_push(attestation).expect("at most the limit of seats");
            });
        }
    }
}

fn amend(
    task: TaskId,
    round: RoundNumber,
    committee: CommitteeNumber,
    change: impl FnOnce(&mut CommitteeState<AccountId>),
) {
    pallet_validation::Committees::<Runtime>::mutate((task, round, committee), |row| {
        change(row.as_mut().expect("the committee is open"));
    });
}

/// Ends a task for good.
fn end(task: TaskId) {
    pallet_tasks::Tasks::<Runtime>::mutate(task, |row| {
        let row = row.as_mut().expect("the task exists");
        row.status = TaskStatus::Completed;
        row.ended_at = Some(System::block_number());
    });
}
