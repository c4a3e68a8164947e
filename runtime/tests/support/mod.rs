//! A chain in one process: the real runtime, blocks by hand, and everybody's calls.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, dead_code)]

use codec::Encode;
use decentralml_protocol::spec::example;
use decentralml_runtime::*;
use decentralml_types::{
    Asset, Balance, Cid, Codec, CommitteeNumber, Hash, Opinion, Opinions, Phase, Role, RoundNumber,
    Salt, TaskId, TaskSpec,
    commitment::{ScoresCommitment, UpdateCommitment},
    spec::{Chances, Custody},
};
use frame_support::{
    dispatch::DispatchResultWithPostInfo,
    traits::{Hooks, fungible::Inspect},
};
use sp_io::{TestExternalities, hashing::twox_128};
use sp_runtime::{BuildStorage, traits::Dispatchable};

pub const SPONSOR: u8 = 1;
/// Makes tokens, and keeps all power over them.
pub const ISSUER: u8 = 2;
/// Of each token, an account holds so much or nothing.
pub const MINIMUM: Balance = 1_000;
pub const TRAINERS: [u8; 4] = [11, 12, 13, 14];
pub const SEATS: [u8; 3] = [21, 22, 23];
const FUNDS: Balance = 10_000 * UNIT;

pub fn account(name: u8) -> AccountId {
    AccountId::new([name; 32])
}

/// The CID of an update: different for every trainer and round.
pub fn update_cid(trainer: u8, round: RoundNumber) -> Cid {
    let mut digest = [trainer; 32];
    digest[..4].copy_from_slice(&round.to_le_bytes());
    Cid { codec: Codec::Raw, digest }
}

/// The hash of a trainer's plain update, where it is sealed.
pub fn plain_hash(trainer: u8, round: &pallet_tasks::Round) -> Option<Hash> {
    round.sealed.then_some([trainer ^ 0x33; 32])
}

/// The CID of the model that honest seats compute in a round.
pub fn model_cid(round: RoundNumber) -> Cid {
    update_cid(0xee, round)
}

pub fn salt(who: u8) -> Salt {
    [who ^ 0x55; 32]
}

/// Runs a test on a fresh chain and checks the money at its end.
pub fn chain(test: impl FnOnce()) {
    let everybody =
        [SPONSOR, ISSUER].iter().chain(&TRAINERS).chain(&SEATS).map(|&name| (account(name), FUNDS));
    let balances = everybody.chain([(configs::TreasuryAccount::get(), UNIT)]).collect();
    let genesis = RuntimeGenesisConfig {
        balances: BalancesConfig { balances, ..Default::default() },
        ..Default::default()
    };
    let mut chain: TestExternalities = genesis.build_storage().unwrap().into();
    chain.execute_with(|| {
        blocks(1);
        let issued = Balances::total_issuance();
        test();
        check();
        assert_eq!(Balances::total_issuance(), issued, "nothing is minted or burned");
    });
}

/// Every invariant of our pallets.
pub fn check() {
    Participants::do_try_state().unwrap();
    Tasks::do_try_state().unwrap();
    Assignments::do_try_state().unwrap();
    Results::do_try_state().unwrap();
    Validation::do_try_state().unwrap();
    Models::do_try_state().unwrap();
    Data::do_try_state().unwrap();
    Disputes::do_try_state().unwrap();
    Challenges::do_try_state().unwrap();
    Parameters::do_try_state().unwrap();
    Validators::do_try_state().unwrap();
    Golds::do_try_state().unwrap();
}

/// Makes blocks, each with a VRF output of its own.
pub fn blocks(count: u32) {
    for _ in 0..count {
        let number = System::block_number() + 1;
        let key = [twox_128(b"Babe"), twox_128(b"AuthorVrfRandomness")].concat();
        sp_io::storage::set(&key, &Some([number as u8; 32]).encode());
        System::set_block_number(number);
        Assignments::on_initialize(number);
    }
}

/// Lets time pass in which nobody is drawn.
pub fn blocks_without_seeds(count: u32) {
    System::set_block_number(System::block_number() + count);
}

pub fn call(who: u8, call: impl Into<RuntimeCall>) -> DispatchResultWithPostInfo {
    call.into().dispatch(RuntimeOrigin::signed(account(who)))
}

/// The calls must work, and those that are free when they succeed must be free.
#[track_caller]
pub fn ok(who: u8, what: impl Into<RuntimeCall>) {
    call(who, what).unwrap();
}

pub fn digits() -> TaskSpec {
    let mut spec = example();
    spec.trainers.max = TRAINERS.len() as u16;
    spec
}

/// The same task, paid in a token that the issuer makes and gives to the sponsor.
pub fn in_token(mut spec: TaskSpec) -> (TaskSpec, u32) {
    let id = pallet_assets::NextAssetId::<Runtime>::get().unwrap_or_default();
    let (issuer, sponsor) = (Address::Id(account(ISSUER)), Address::Id(account(SPONSOR)));
    ok(ISSUER, pallet_assets::Call::create { id, admin: issuer, min_balance: MINIMUM });
    ok(ISSUER, pallet_assets::Call::mint { id, beneficiary: sponsor, amount: FUNDS });
    spec.terms.asset = Asset::Id(id);
    (spec, id)
}

/// A task of which only the committee reads the updates.
pub fn sealed() -> TaskSpec {
    TaskSpec { custody: Custody { hosts: 0, sealed: true }, ..digits() }
}

/// A task of the sponsor's in which everybody is enrolled: its first round has begun, its draw is known.
pub fn running(spec: TaskSpec) -> TaskId {
    let task = pallet_tasks::NextTask::<Runtime>::get();
    if spec.custody.sealed {
        SEATS.into_iter().for_each(with_key);
    }
    ok(SPONSOR, pallet_tasks::Call::create { spec: Box::new(spec) });
    for name in TRAINERS {
        enroll(task, Role::Trainer, name);
    }
    for name in SEATS {
        enroll(task, Role::Evaluator, name);
    }
    blocks(2);
    task
}

/// Registers an encryption key, unless the account has one.
pub fn with_key(name: u8) {
    if pallet_participants::EncryptionKeys::<Runtime>::get(account(name)).is_none() {
        ok(name, pallet_participants::Call::set_encryption_key { key: Some([name; 32]) });
    }
}

pub fn enroll(task: TaskId, role: Role, name: u8) {
    if pallet_participants::Members::<Runtime>::get(role, account(name)).is_none() {
        ok(name, pallet_participants::Call::bond { role, amount: 100 * UNIT });
    }
    let weight = weight(task, name);
    ok(name, pallet_assignments::Call::enroll { task, role, weight });
}

/// What an account weighs here: as many classes are there as the task allows, and 1 is all where it draws equally.
pub fn weight(task: TaskId, name: u8) -> u8 {
    let spec = pallet_tasks::Tasks::<Runtime>::get(task).unwrap().spec;
    (1 << (name % 5)).min(spec.terms.draw.cap())
}

/// The same task, in which accounts weigh up to 16.
pub fn by_bond(mut spec: TaskSpec) -> TaskSpec {
    spec.terms.draw = Chances::ByBond { cap: 16 };
    spec
}

pub fn round(task: TaskId) -> (RoundNumber, pallet_tasks::Round) {
    let number = pallet_tasks::Tasks::<Runtime>::get(task).unwrap().current.unwrap();
    (number, pallet_tasks::Rounds::<Runtime>::get(task, number).unwrap())
}

pub fn phase(task: TaskId) -> Phase {
    round(task).1.phase
}

pub fn balance(name: u8) -> Balance {
    Balances::total_balance(&account(name))
}

pub fn treasury() -> Balance {
    Balances::total_balance(&configs::TreasuryAccount::get())
}

/// What the chain keeps for each round of a task that starts.
pub fn charge(spec: &TaskSpec) -> Balance {
    spec.round_charge(<Runtime as pallet_tasks::Config>::CallPrice::get()).unwrap()
}

fn genesis() -> [u8; 32] {
    System::block_hash(0).into()
}

pub fn update_hash(task: TaskId, name: u8) -> [u8; 32] {
    update_hash_with(task, name, salt(name))
}

pub fn update_hash_with(task: TaskId, name: u8, salt: Salt) -> [u8; 32] {
    let (number, round) = round(task);
    UpdateCommitment {
        genesis: genesis(),
        task,
        round: number,
        account: &account(name),
        base: round.base,
        cid: update_cid(name, number),
        plain_hash: plain_hash(name, &round),
        samples: 100,
        salt,
    }
    .hash()
}

pub fn commit(task: TaskId, name: u8) -> DispatchResultWithPostInfo {
    let (round, hash) = (round(task).0, update_hash(task, name));
    call(name, pallet_results::Call::commit { task, round, hash })
}

pub fn reveal(task: TaskId, name: u8) -> DispatchResultWithPostInfo {
    let plain_hash = plain_hash(name, &round(task).1);
    reveal_as(task, name, plain_hash)
}

/// Reveals with this hash of the plain update.
pub fn reveal_as(task: TaskId, name: u8, plain_hash: Option<Hash>) -> DispatchResultWithPostInfo {
    let (round, salt) = (round(task).0, salt(name));
    let cid = update_cid(name, round);
    call(name, pallet_results::Call::reveal { task, round, cid, plain_hash, samples: 100, salt })
}

/// Hands a key over to the committee at work.
pub fn hand_over(task: TaskId, name: u8) -> DispatchResultWithPostInfo {
    let (number, row) = round(task);
    let (committee, keys) = (row.committee, keys_cid(name, row.committee));
    call(name, pallet_results::Call::hand_over { task, round: number, committee, keys })
}

/// The CID of the keys that a trainer hands over to a committee.
pub fn keys_cid(trainer: u8, committee: CommitteeNumber) -> Cid {
    update_cid(trainer ^ 0x80, committee.into())
}

/// One opinion for each update in the order of the reveals.
pub fn opinions(task: TaskId, of: impl Fn(u8) -> Opinion) -> Opinions {
    let number = round(task).0;
    let trainers =
        (0..).map_while(|index| pallet_results::Reveals::<Runtime>::get((task, number, index)));
    let opinions: Vec<Opinion> = trainers.map(|trainer| of(<[u8; 32]>::from(trainer)[0])).collect();
    Opinions::try_from(opinions).unwrap()
}

pub fn scores_hash(task: TaskId, name: u8, opinions: &Opinions) -> [u8; 32] {
    let (number, round) = round(task);
    ScoresCommitment {
        genesis: genesis(),
        task,
        round: number,
        committee: round.committee,
        account: &account(name),
        opinions,
        salt: salt(name),
    }
    .hash()
}

pub fn commit_scores(task: TaskId, name: u8, opinions: &Opinions) -> DispatchResultWithPostInfo {
    let ((round, row), hash) = (round(task), scores_hash(task, name, opinions));
    let committee = row.committee;
    call(name, pallet_validation::Call::commit_scores { task, round, committee, hash })
}

pub fn open_scores(task: TaskId, name: u8, opinions: Opinions) -> DispatchResultWithPostInfo {
    let round = round(task).0;
    call(name, pallet_validation::Call::open_scores { task, round, opinions, salt: salt(name) })
}

pub fn attest(task: TaskId, name: u8) -> DispatchResultWithPostInfo {
    attest_in(task, round(task).0, name)
}

/// Attestations are taken in a settled round as well.
pub fn attest_in(task: TaskId, round: RoundNumber, name: u8) -> DispatchResultWithPostInfo {
    call(
        name,
        pallet_validation::Call::attest {
            task,
            round,
            cid: model_cid(round),
            metric: 900_000,
            state: None,
        },
    )
}

/// Pushes the count of the scores to its end.
pub fn tally(task: TaskId) {
    while phase(task) == Phase::Tallying {
        ok(SPONSOR, pallet_tasks::Call::advance { task });
    }
}

/// Everybody's part of a round up to the end of a phase.
pub fn play_until(task: TaskId, end: Phase) {
    play(task, &TRAINERS, &TRAINERS, end, honest);
}

/// All honest seats see the same: every trainer contributes a little, the later ones more.
pub fn honest(trainer: u8) -> Opinion {
    Opinion::Score(i64::from(trainer) * 1_000)
}

/// Plays a round until it has reached `end`.
pub fn play(
    task: TaskId,
    committing: &[u8],
    revealing: &[u8],
    end: Phase,
    scores: impl Fn(u8) -> Opinion,
) {
    let (number, _) = round(task);
    let reached = || round(task).0 != number || phase(task) >= end;
    if reached() {
        return;
    }
    for &name in committing {
        commit(task, name).unwrap();
    }
    if committing.len() < TRAINERS.len() {
        due(task);
    }
    if reached() {
        return;
    }
    for &name in revealing {
        reveal(task, name).unwrap();
    }
    if revealing.len() < committing.len() {
        due(task);
    }
    if reached() {
        return;
    }
    blocks(2);
    let sheet = opinions(task, scores);
    for name in SEATS {
        commit_scores(task, name, &sheet).unwrap();
    }
    if reached() {
        return;
    }
    for name in SEATS {
        open_scores(task, name, sheet.clone()).unwrap();
    }
    tally(task);
    if reached() {
        return;
    }
    // The second seat makes the quorum, and the third is a little late.
    for name in SEATS {
        attest_in(task, number, name).unwrap();
    }
    if round(task).0 != number {
        blocks(2);
    }
}

/// Waits for the deadline of the phase and moves the round on.
pub fn due(task: TaskId) {
    let deadline = round(task).1.deadline;
    blocks(deadline.saturating_sub(System::block_number()));
    ok(SPONSOR, pallet_tasks::Call::advance { task });
}

/// Lets the time to appeal and to judge pass, and ends all cases.
pub fn conclude_all() {
    let cases = || pallet_disputes::Cases::<Runtime>::iter();
    let last = cases().map(|(_, row)| row.deadline).max().unwrap_or(0);
    System::set_block_number(System::block_number().max(last));
    let open: Vec<_> = cases().map(|(case, _)| case).collect();
    for case in open {
        ok(SPONSOR, pallet_disputes::Call::conclude { case });
    }
}

/// Settles everything that a round left, for everybody.
pub fn settle(task: TaskId, round: RoundNumber) {
    for name in TRAINERS {
        let _ =
            call(SPONSOR, pallet_validation::Call::claim { task, round, account: account(name) });
    }
    // A seat of a replaced committee is settled after the account's seat in the one that followed.
    for name in SEATS {
        for committee in (0..=decentralml_protocol::clock::MAX_REDRAWS).rev() {
            let _ = claim_seat(task, round, committee, name);
        }
    }
}

pub fn claim_seat(
    task: TaskId,
    round: RoundNumber,
    committee: CommitteeNumber,
    name: u8,
) -> DispatchResultWithPostInfo {
    call(
        SPONSOR,
        pallet_validation::Call::claim_seat { task, round, committee, account: account(name) },
    )
}

/// Ends a task for good and lets everything that it held go back.
pub fn clear(task: TaskId) {
    let _ = call(SPONSOR, pallet_tasks::Call::cancel { task });
    let last = pallet_tasks::Tasks::<Runtime>::get(task).unwrap().current.unwrap_or(0);
    let rounds = || (1..=last).map(|number| pallet_tasks::Rounds::<Runtime>::get(task, number));
    (1..=last).for_each(|round| settle(task, round));
    // Seats that attested nothing have until the end of the time to claim.
    if rounds().any(|round| round.unwrap().open_rows > 0) {
        let end = rounds().map(|round| round.unwrap().deadline).max().unwrap();
        System::set_block_number(System::block_number().max(end + 1));
        (1..=last).for_each(|round| settle(task, round));
    }
    forget(task);
    let spec = pallet_tasks::Tasks::<Runtime>::get(task).unwrap().spec;
    if spec.terms.asset != Asset::Native {
        // What nobody could be paid is given up, and then nothing waits for the asset any more.
        blocks_without_seeds(spec.deadlines.claiming + 1);
        for name in TRAINERS.into_iter().chain(SEATS) {
            let account = || account(name);
            let _ = call(SPONSOR, pallet_tasks::Call::collect { task, account: account() });
            let _ = call(SPONSOR, pallet_tasks::Call::write_off { task, account: account() });
        }
    }
    while pallet_tasks::Tasks::<Runtime>::contains_key(task) {
        ok(SPONSOR, pallet_tasks::Call::reap { task, limit: 32 });
    }
    let escrow = <Tasks as decentralml_traits::Escrow<AccountId>>::account(task);
    assert_eq!(Balances::total_balance(&escrow), 0, "the escrow is empty");
}

/// Removes what is remembered of the trainers of a task that is over.
pub fn forget(task: TaskId) {
    for name in TRAINERS {
        let _ = call(SPONSOR, pallet_validation::Call::forget { task, account: account(name) });
    }
}
