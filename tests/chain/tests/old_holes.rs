//! What went wrong in earlier systems of this kind, tried on the whole runtime: each test is named after what did, and shows that the
//! same calls are refused or harmless here.
//!
//! | # | Hole | Where it is shown to be shut |
//! | --- | --- | --- |
//! | 1 | escrowed rewards that can never leave | `pallets/tasks/src/tests/old_holes.rs` `escrowed_rewards_that_can_never_leave` |
//! | 2 | statuses that nothing sets, a strategy that nothing reads | `pallets/tasks/src/tests/old_holes.rs` `statuses_that_nothing_sets` |
//! | 3 | expired tasks stay assignable | `pallets/tasks/src/tests/old_holes.rs` `expired_tasks_stay_assignable` |
//! | 4 | one assignment too many | `pallets/tasks/src/tests/old_holes.rs` `one_assignment_too_many` |
//! | 5 | the ten thousandth assignment panics | `tests/chain/tests/old_holes.rs` `the_ten_thousandth_assignment_panics` |
//! | 6 | all open tasks in one storage value | `tests/chain/tests/old_holes.rs` `all_open_tasks_in_one_storage_value` |
//! | 7 | every call weighs the same | `pallets/tasks/src/tests/old_holes.rs` `every_call_weighs_the_same` |
//! | 8 | one account takes all places, the creator too, for free | `tests/chain/tests/old_holes.rs` `one_account_takes_all_places_for_free` |
//! | 9 | storage credentials on chain | `tests/chain/tests/old_holes.rs` `storage_credentials_in_clear_on_chain` |
//! | 10 | a result is free text | `tests/chain/tests/old_holes.rs` `a_result_is_free_text` |
//! | 11 | reward times workers is undefined | `pallets/tasks/src/tests/old_holes.rs` `reward_times_workers_is_undefined` |
//! | 12 | funders withdraw after success, callers take the rest | `pallets/tasks/src/tests/old_holes.rs` `funders_withdraw_after_success_and_callers_take_the_rest` |
//! | 13 | two rounds at once | `pallets/tasks/src/tests/old_holes.rs` `two_rounds_at_once` |
//! | 14 | collateral leaves before it is judged | `tests/chain/tests/old_holes.rs` `collateral_leaves_before_the_verdict` |
//! | 15 | collateral is withdrawn again and again | `tests/chain/tests/old_holes.rs` `collateral_is_withdrawn_again_and_again` |
//! | 16 | an upheld accusation refunds the accused | `tests/chain/tests/old_holes.rs` `an_upheld_accusation_refunds_the_accused` |
//! | 17 | the jury is the owner, and has no deadline | `tests/chain/tests/old_holes.rs` `the_jury_is_the_owner` |
//! | 18 | results are accepted after the period's end | `pallets/tasks/src/tests/old_holes.rs` `results_are_accepted_after_the_period_s_end` |
//! | 19 | arrival counts as work | `tests/chain/tests/old_holes.rs` `arrival_counts_as_work` |
//! | 20 | whoever ticks picks the seed | `pallets/tasks/src/tests/old_holes.rs` `whoever_ticks_picks_the_moment_and_so_the_seed` |
//! | 21 | any client overwrites the checkpoint | `pallets/tasks/src/tests/old_holes.rs` `any_client_overwrites_the_checkpoint` |
//! | 22 | the next owner of a slot inherits its commitment | `tests/chain/tests/old_holes.rs` `the_next_owner_of_a_slot_inherits_its_commitment` |
//! | 23 | a negative score times a penalty raises the weight | `tests/chain/tests/old_holes.rs` `a_negative_score_times_a_penalty_raises_the_weight` |
//! | 24 | slashed money goes to the accuser alone | `tests/chain/tests/old_holes.rs` `slashed_money_goes_to_the_accuser` |
//! | 25 | a bad verdict slashes the whole cohort | `tests/chain/tests/old_holes.rs` `a_bad_verdict_slashes_the_whole_cohort` |
//! | 26 | masks from a seed of 32 bits, lists that overlap | cannot exist: no masks are added to updates. What is drawn is drawn from 32 bytes, and `pallets/assignments/src/tests/draws.rs` `as_many_are_drawn_as_there_are_places` shows that nobody is drawn twice |

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use decentralml_chain::{
    Chain, Genesis, account,
    fuzz::{
        Step,
        step::{Shape, Way},
        world::{KEEPER, World, name},
    },
    invariants::total,
};
use decentralml_protocol::spec::example;
use decentralml_runtime::*;
use decentralml_types::{Opinion, Outcome, Phase, Role, TaskStatus, host, spec::TrainerCount};
use frame_support::assert_ok;
use pallet_participants::Members;
use sp_runtime::traits::Dispatchable;

const SPONSOR: u8 = 0;
const SEATS: [u8; 3] = [1, 2, 3];
/// The first one's data are worth less than nothing.
const TRAINERS: [u8; 4] = [4, 5, 6, 7];
const BOND: u128 = 5 * UNIT;

/// A task in its first round, with everybody enrolled.
fn running() -> World {
    let mut world = World::new(1, false);
    step(&mut world, Step::Create { who: SPONSOR, shape: Shape::ordinary() });
    step(&mut world, Step::Join { from: SEATS[0], trainers: 4, evaluators: 3, task: 0 });
    assert_eq!(phase(&mut world), (1, Phase::Training));
    world
}

fn step(world: &mut World, step: Step) {
    world.step(&step).unwrap();
}

fn everybody(world: &mut World) {
    deviant(world, 0, Way::Honest);
}

fn deviant(world: &mut World, who: u16, way: Way) {
    step(world, Step::Everybody { task: 0, absent: 0, deviant: who, way });
}

fn phase(world: &mut World) -> (u32, Phase) {
    world.current(0).map(|(number, round)| (number, round.phase)).unwrap()
}

/// Honest phases until the first round is in this one.
fn until(world: &mut World, goal: Phase) {
    while phase(world) < (1, goal) {
        everybody(world);
    }
    assert_eq!(phase(world), (1, goal));
}

fn settled(world: &mut World) {
    while phase(world).0 == 1 {
        everybody(world);
    }
}

fn owns(world: &mut World, who: u8) -> u128 {
    world.chain.read(|| total(&name(who)))
}

fn claim(world: &mut World, by: u8, who: u8) -> bool {
    let claim = pallet_validation::Call::claim { task: 0, round: 1, account: name(who) };
    world.call(by, claim).unwrap()
}

#[test]
fn the_ten_thousandth_assignment_panics() {
    const MANY: u32 = 10_001;
    let accounts = (0..MANY + 4).map(|who| (account(who), 1_000 * UNIT)).collect();
    let mut chain = Chain::new(Genesis { accounts, ..Genesis::default() });
    let mut spec = Box::new(example());
    spec.trainers = TrainerCount { min: 3, max: 256 };
    chain.submit(&account(MANY), pallet_tasks::Call::create { spec }).unwrap().result.unwrap();
    let join = |who: u32, role| {
        let origin = || RuntimeOrigin::signed(account(who));
        let bond = pallet_participants::Call::bond { role, amount: 5 * UNIT };
        assert_ok!(RuntimeCall::from(bond).dispatch(origin()));
        let enroll = pallet_assignments::Call::enroll { task: 0, role, weight: 1 };
        assert_ok!(RuntimeCall::from(enroll).dispatch(origin()));
    };
    chain.read(|| {
        (MANY + 1..MANY + 4).for_each(|who| join(who, Role::Evaluator));
        (0..MANY).for_each(|who| join(who, Role::Trainer));
    });
    chain.next_block();
    chain.next_block();
    let view = chain.read(|| pallet_tasks::Rounds::<Runtime>::get(0, 1)).unwrap();
    assert_eq!((view.phase, view.places), (Phase::Training, 256));
    // The last of them is not drawn in the round that began before it came, and may leave like the first.
    let draw = decentralml_traits::Draw::Trainers;
    let last = account(MANY - 1);
    assert!(chain.read(|| Assignments::place_in(0, 1, draw, &last).is_err()));
    let leave = || pallet_assignments::Call::leave { task: 0, role: Role::Trainer };
    chain.submit(&last, leave()).unwrap().result.unwrap();
    chain.submit(&account(0), leave()).unwrap().result.unwrap();
    chain.check().unwrap();
}

#[test]
fn all_open_tasks_in_one_storage_value() {
    let mut world = World::new(1, false);
    let longest = |world: &mut World| {
        world.chain.read(|| {
            let prefix = sp_io::hashing::twox_128(b"Tasks").to_vec();
            let mut longest = 0;
            let mut key = prefix.clone();
            while let Some(next) =
                sp_io::storage::next_key(&key).filter(|key| key.starts_with(&prefix))
            {
                longest = longest.max(sp_io::storage::get(&next).map_or(0, |value| value.len()));
                key = next;
            }
            longest
        })
    };
    step(&mut world, Step::Create { who: SPONSOR, shape: Shape::ordinary() });
    let one = longest(&mut world);
    for who in 0..10 {
        for _ in 0..5 {
            step(&mut world, Step::Create { who, shape: Shape::ordinary() });
        }
    }
    let tasks = world.chain.read(|| pallet_tasks::Tasks::<Runtime>::iter_keys().count());
    assert_eq!(tasks, 51);
    // Numbers take a byte or two more as they grow; lists would take much more.
    assert!(longest(&mut world) <= one + 8, "no value grows with the number of tasks");
}

#[test]
fn one_account_takes_all_places_for_free() {
    let mut world = World::new(1, false);
    step(&mut world, Step::Create { who: SPONSOR, shape: Shape::ordinary() });
    let enroll = |role| pallet_assignments::Call::enroll { task: 0, role, weight: 1 };
    // Without a bond nobody enrolls; with one, once, in one role; and the creator does not at all.
    assert!(!world.call(5, enroll(Role::Trainer)).unwrap());
    for who in [5, SPONSOR] {
        for role in [Role::Trainer, Role::Evaluator] {
            let bond = pallet_participants::Call::bond { role, amount: 100 * UNIT };
            assert!(world.call(who, bond).unwrap());
        }
    }
    assert!(world.call(5, enroll(Role::Trainer)).unwrap());
    assert!(!world.call(5, enroll(Role::Trainer)).unwrap());
    assert!(!world.call(5, enroll(Role::Evaluator)).unwrap());
    assert!(!world.call(SPONSOR, enroll(Role::Trainer)).unwrap());
    assert!(!world.call(SPONSOR, enroll(Role::Evaluator)).unwrap());
    // It locks nothing: the task goes on to its end without it, and its money comes back.
    world.wind_down(false).unwrap();
}

#[test]
fn storage_credentials_in_clear_on_chain() {
    // Content is named by its hash. What an account may announce are addresses, and it alone announces its own.
    assert!(!host::is_plain(b"s3 key=AKIA secret=x"));
    assert!(!host::is_plain(b"AKIA0123456789:secret"));
    let spec = serde_json::to_string(&example()).unwrap().to_lowercase();
    for word in ["secret", "password", "credential", "token", "key\":"] {
        assert!(!spec.contains(word), "a specification asks for a {word}");
    }
}

#[test]
fn a_result_is_free_text() {
    let mut world = running();
    until(&mut world, Phase::Revealing);
    // Another hash, another number of rows, another salt: only what was committed to is revealed, and it is bound to the task, the
    // round, the model that it starts from and the account.
    let cid = decentralml_types::Cid { codec: decentralml_types::Codec::Raw, digest: [66; 32] };
    let reveal = pallet_results::Call::reveal {
        task: 0,
        round: 1,
        cid,
        plain_hash: None,
        samples: 100,
        salt: [7; 32],
    };
    assert!(!world.call(TRAINERS[0], reveal).unwrap());
    world.act(TRAINERS[0], 0, Way::Blind).unwrap();
    let (_, round) = world.current(0).unwrap();
    assert_eq!((round.phase, round.updates), (Phase::Revealing, 0));
    settled(&mut world);
    let model = world.chain.read(|| pallet_models::Versions::<Runtime>::get(0, 1)).unwrap();
    assert_eq!((model.round, model.parent), (1, None));
}

#[test]
fn collateral_leaves_before_the_verdict() {
    let mut world = running();
    until(&mut world, Phase::Revealing);
    let role = Role::Trainer;
    let (leave, unbond) = (
        pallet_assignments::Call::leave { task: 0, role },
        pallet_participants::Call::unbond { role, amount: BOND },
    );
    assert!(!world.call(TRAINERS[1], leave).unwrap(), "not before its row is settled");
    // What is not at risk may go, but stays in reach for as long as anything can be judged.
    assert!(!world.call(TRAINERS[1], unbond).unwrap());
    let spare = world.bond(TRAINERS[1], role) - BOND;
    assert!(
        world.call(TRAINERS[1], pallet_participants::Call::unbond { role, amount: spare }).unwrap()
    );
    assert!(!world.call(TRAINERS[1], pallet_participants::Call::withdraw { role }).unwrap());
    step(
        &mut world,
        Step::Everybody { task: 0, absent: 1 << TRAINERS[1], deviant: 0, way: Way::Honest },
    );
    step(&mut world, Step::Due { who: KEEPER, task: 0 });
    let before = owns(&mut world, TRAINERS[1]);
    assert!(claim(&mut world, KEEPER, TRAINERS[1]));
    executed(&mut world);
    assert_eq!(before - owns(&mut world, TRAINERS[1]), BOND);
}

#[test]
fn collateral_is_withdrawn_again_and_again() {
    let mut world = World::new(1, false);
    let role = Role::Trainer;
    assert!(world.call(5, pallet_participants::Call::bond { role, amount: BOND }).unwrap());
    let before = owns(&mut world, 5);
    assert!(world.call(5, pallet_participants::Call::unbond { role, amount: BOND }).unwrap());
    assert!(!world.call(5, pallet_participants::Call::unbond { role, amount: BOND }).unwrap());
    assert!(!world.call(5, pallet_participants::Call::withdraw { role }).unwrap());
    step(&mut world, Step::Leap { blocks: decentralml_chain::fuzz::step::Leap::Unbonding });
    assert!(world.call(5, pallet_participants::Call::withdraw { role }).unwrap());
    for _ in 0..3 {
        assert!(!world.call(5, pallet_participants::Call::withdraw { role }).unwrap());
    }
    assert!(owns(&mut world, 5) < before, "nothing but fees has moved");
}

/// A round that settles, of which the committee found this update malformed; returns what its trainer had before the claim.
fn found_malformed(world: &mut World, who: u8) -> u128 {
    deviant(world, 1 << who, Way::Lie(Opinion::Malformed));
    settled(world);
    owns(world, who)
}

/// The one case that there is comes to its end without an appeal.
fn executed(world: &mut World) {
    world.conclude_in_time(0).unwrap();
    assert!(world.cases().is_empty());
}

#[test]
fn an_upheld_accusation_refunds_the_accused() {
    let mut world = running();
    let before = found_malformed(&mut world, 5);
    assert!(claim(&mut world, KEEPER, 5));
    assert!(!claim(&mut world, KEEPER, 5), "once");
    // The bond waits in a case. Upheld by the council, it is gone, and the bond of the appeal with it.
    assert_eq!(before, owns(&mut world, 5));
    step(&mut world, Step::Judge { case: 0, votes: [Some(true), Some(true), None] });
    assert!(before - owns(&mut world, 5) > BOND);
    assert!(world.cases().is_empty());
}

#[test]
fn slashed_money_goes_to_the_accuser() {
    let mut world = running();
    found_malformed(&mut world, 5);
    let treasury = |world: &mut World| world.chain.read(|| total(&configs::TreasuryAccount::get()));
    let before = treasury(&mut world);
    let others = SEATS.map(|who| owns(&mut world, who));
    let (sponsor, caller) = (owns(&mut world, SPONSOR), owns(&mut world, 9));
    assert!(claim(&mut world, 9, 5));
    executed(&mut world);
    // Whoever calls, the seats that found it and the sponsor whose task it is gain nothing by it.
    assert_eq!(treasury(&mut world) - before, BOND);
    assert_eq!(SEATS.map(|who| owns(&mut world, who)), others);
    assert_eq!((owns(&mut world, SPONSOR), owns(&mut world, 9)), (sponsor, caller));
}

#[test]
fn the_jury_is_the_owner() {
    let mut world = running();
    until(&mut world, Phase::Scoring);
    step(&mut world, Step::Blocks { count: 2 });
    // Neither the sponsor nor a trainer judges, nor an evaluator that is not drawn, nor anybody twice or too late.
    let commit = || pallet_validation::Call::commit_scores {
        task: 0,
        round: 1,
        committee: 0,
        hash: [1; 32],
    };
    assert!(!world.call(SPONSOR, commit()).unwrap());
    assert!(!world.call(TRAINERS[0], commit()).unwrap());
    assert!(world.call(SEATS[0], commit()).unwrap());
    assert!(!world.call(SEATS[0], commit()).unwrap());
    step(&mut world, Step::Blocks { count: 40 });
    assert!(!world.call(SEATS[1], commit()).unwrap());
    step(&mut world, Step::Advance { who: KEEPER, task: 0 });
    assert_eq!(world.current(0).unwrap().1.committee, 1, "time has replaced the committee");
}

#[test]
fn arrival_counts_as_work() {
    let mut world = running();
    // The bytes of 5 and 6 have come, are worth nothing, and are not paid: those of 4 are worse than none.
    deviant(&mut world, 0, Way::Honest);
    everybody(&mut world);
    let rubbish = Way::Lie(Opinion::Score(0));
    deviant(&mut world, 0b1110, rubbish);
    deviant(&mut world, 0, Way::Honest);
    everybody(&mut world);
    let (number, _) = phase(&mut world);
    assert_eq!(number, 2, "nothing was accepted, so the attempt is void");
    for who in TRAINERS {
        let before = owns(&mut world, who);
        assert!(claim(&mut world, KEEPER, who));
        assert_eq!(owns(&mut world, who), before);
    }
}

#[test]
fn the_next_owner_of_a_slot_inherits_its_commitment() {
    let mut world = running();
    step(&mut world, Step::Blocks { count: 2 });
    let slot = |world: &mut World, who| {
        let key = (0, Role::Trainer, name(who));
        world.chain.read(|| pallet_assignments::Places::<Runtime>::get(key)).unwrap().slot
    };
    let first = slot(&mut world, TRAINERS[0]);
    // Whoever has committed cannot leave its slot; who leaves before has no commitment that another could find there.
    assert!(
        world
            .call(TRAINERS[0], pallet_assignments::Call::leave { task: 0, role: Role::Trainer })
            .unwrap()
    );
    assert_eq!(slot(&mut world, TRAINERS[3]), first, "the last one moved there");
    step(&mut world, Step::Everybody { task: 0, absent: 0, deviant: 0, way: Way::Honest });
    step(&mut world, Step::Enroll { who: TRAINERS[0], task: 0, role: Role::Trainer, weight: 1 });
    step(&mut world, Step::Due { who: KEEPER, task: 0 });
    assert_eq!(phase(&mut world), (1, Phase::Revealing));
    let commitments = world
        .chain
        .read(|| pallet_results::Commitments::<Runtime>::iter_key_prefix((0, 1)).count());
    assert_eq!(commitments, 3);
    // The newcomer has not committed, so it reveals nothing, whatever it knows of others.
    world.act(TRAINERS[0], 0, Way::Honest).unwrap();
    let counts = world.chain.read(|| pallet_results::Counts::<Runtime>::get(0, 1));
    assert_eq!((counts.committed, counts.revealed), (3, 0));
}

#[test]
fn a_negative_score_times_a_penalty_raises_the_weight() {
    let mut world = running();
    settled(&mut world);
    let (judged, running) = world.chain.read(|| {
        let judged =
            pallet_validation::Verdicts::<Runtime>::get((0, 1, name(TRAINERS[0]))).unwrap();
        (judged, pallet_validation::Running::<Runtime>::get(0, name(TRAINERS[0])).unwrap())
    });
    assert!(judged.score < 0);
    assert_eq!(judged.outcome, Some(Outcome::Rejected));
    assert!(running.score < 0, "it lowers what is remembered, and is no weight");
    let before = owns(&mut world, TRAINERS[0]);
    assert!(claim(&mut world, KEEPER, TRAINERS[0]));
    assert_eq!(owns(&mut world, TRAINERS[0]), before);
}

#[test]
fn a_bad_verdict_slashes_the_whole_cohort() {
    // One seat of three lies about everybody: nobody loses anything by it.
    let mut world = running();
    until(&mut world, Phase::Scoring);
    deviant(&mut world, 1 << SEATS[1], Way::Lie(Opinion::Malformed));
    settled(&mut world);
    let bonds = |world: &mut World| TRAINERS.map(|who| world.bond(who, Role::Trainer));
    let before = bonds(&mut world);
    for who in TRAINERS {
        assert!(claim(&mut world, KEEPER, who));
    }
    assert_eq!(bonds(&mut world), before);
    // All of them lie: then no update is left, no round settles, and a committee that produced nothing takes no bond.
    let mut world = running();
    until(&mut world, Phase::Scoring);
    deviant(&mut world, 0b1110, Way::Lie(Opinion::Malformed));
    settled(&mut world);
    let before = bonds(&mut world);
    for who in TRAINERS {
        assert!(claim(&mut world, KEEPER, who));
    }
    assert_eq!(bonds(&mut world), before);
    let faults =
        world.chain.read(|| Members::<Runtime>::iter_values().map(|row| row.faults).sum::<u32>());
    assert_eq!(faults, 0);
    let status = world.chain.read(|| pallet_tasks::Tasks::<Runtime>::get(0)).unwrap().status;
    assert_eq!(status, TaskStatus::Running);
}

/// The table above names tests that are there.
#[test]
fn every_hole_has_its_test() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let rows: Vec<_> = include_str!("old_holes.rs")
        .lines()
        .filter_map(|line| line.strip_prefix("//! | "))
        .filter(|line| line.starts_with(|first: char| first.is_ascii_digit()))
        .collect();
    assert_eq!(rows.len(), 26);
    for row in rows {
        let quoted: Vec<_> = row.split('`').collect();
        let (file, test) = (quoted[1], quoted[3]);
        let text = std::fs::read_to_string(format!("{root}/{file}")).unwrap();
        assert!(text.contains(&format!("fn {test}()")), "{file} has no test {test}");
    }
}
