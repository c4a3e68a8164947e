//! Gold results on the real runtime: what seats lose by them, what trainers earn, and what silence costs. After each test all money is
//! accounted for.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use decentralml_protocol::gold;
use decentralml_runtime::*;
use decentralml_types::{
    Balance, Fault, Label, Opinion, Phase, Salt, TaskId, commitment::GoldResult,
};
use frame_support::dispatch::{DispatchResultWithPostInfo, Pays};
use pallet_golds::{Call, Error};
use support::*;

/// The sponsor's trainers, in whose updates it sees through.
const MARKED: [u8; 2] = [13, 14];
const CORRUPT: u8 = SEATS[2];

fn task() -> TaskId {
    let mut spec = digits();
    spec.terms.golds = 2;
    // Nobody is settled for some blocks after a round.
    spec.deadlines.training = spec.deadlines.training.max(2 * gold::WINDOW + 1);
    spec.deadlines.scoring = spec.deadlines.scoring.max(2 * gold::WINDOW + 1);
    running(spec)
}

fn deposit() -> Balance {
    <Runtime as pallet_golds::Config>::Deposit::get()
}

fn with<R>(
    task: TaskId,
    trainer: u8,
    label: Label,
    then: impl FnOnce(GoldResult<'_, AccountId>) -> R,
) -> R {
    let who = account(trainer);
    let genesis = System::block_hash(0).into();
    let secret: Salt = [trainer; 32];
    then(GoldResult { genesis, task, round: 1, trainer: &who, label, secret })
}

fn announce(task: TaskId, trainer: u8, label: Label) -> DispatchResultWithPostInfo {
    let seal = with(task, trainer, label, |gold| gold.seal());
    call(SPONSOR, Call::announce { task, round: 1, seal })
}

fn show(task: TaskId, trainer: u8, label: Label) -> DispatchResultWithPostInfo {
    let (trainer, secret) = (account(trainer), [trainer; 32]);
    call(SPONSOR, Call::reveal { task, round: 1, trainer, label, secret })
}

fn conclude(task: TaskId) -> DispatchResultWithPostInfo {
    call(TRAINERS[0], Call::conclude { task, round: 1 })
}

/// Commits to updates, those of the sponsor's trainers with their marks, and reveals them: to phase Scoring.
fn marked() -> TaskId {
    let task = task();
    for name in MARKED {
        announce(task, name, Label::Bad).unwrap();
    }
    let salt_of = |name| match MARKED.contains(&name) {
        true => with(task, name, Label::Bad, |gold| gold.mark()),
        false => salt(name),
    };
    for name in TRAINERS {
        let hash = update_hash_with(task, name, salt_of(name));
        ok(name, pallet_results::Call::commit { task, round: 1, hash });
    }
    for name in TRAINERS {
        let (cid, salt, plain_hash) = (update_cid(name, 1), salt_of(name), None);
        let (round, samples) = (1, 100);
        ok(name, pallet_results::Call::reveal { task, round, cid, plain_hash, samples, salt });
    }
    assert_eq!(phase(task), Phase::Scoring);
    task
}

/// What is so of the updates, and what a seat says that is in league with those that send bad ones.
fn truth(trainer: u8) -> Opinion {
    Opinion::Score(if MARKED.contains(&trainer) { -30_000 } else { 50_000 })
}

fn lie(_: u8) -> Opinion {
    Opinion::Score(30_000)
}

/// The round settles; one seat has approved all.
fn settled() -> TaskId {
    let task = marked();
    blocks(2);
    let said = |name| opinions(task, if name == CORRUPT { lie } else { truth });
    for name in SEATS {
        commit_scores(task, name, &said(name)).unwrap();
    }
    for name in SEATS {
        open_scores(task, name, said(name)).unwrap();
    }
    tally(task);
    for name in SEATS {
        attest_in(task, 1, name).unwrap();
    }
    assert_eq!(pallet_tasks::Rounds::<Runtime>::get(task, 1).unwrap().phase, Phase::Settled);
    task
}

fn claim(task: TaskId, trainer: u8) -> DispatchResultWithPostInfo {
    let account = account(trainer);
    call(SPONSOR, pallet_validation::Call::claim { task, round: 1, account })
}

#[test]
fn a_seat_that_approves_bad_updates_loses_a_part_of_its_bond_and_their_trainers_are_paid() {
    chain(|| {
        let task = settled();
        let early = pallet_validation::Error::<Runtime>::TooEarly.into();
        assert_eq!(claim(task, 11).unwrap_err().error, early);
        assert_eq!(claim_seat(task, 1, 0, CORRUPT).unwrap_err().error, early);
        for name in MARKED {
            show(task, name, Label::Bad).unwrap();
        }

        let spec = pallet_tasks::Tasks::<Runtime>::get(task).unwrap().spec;
        let before = MARKED.map(balance);
        settle(task, 1);
        for (name, before) in MARKED.into_iter().zip(before) {
            assert_eq!(balance(name) - before, spec.gold_pay());
        }
        let case = pallet_disputes::Cases::<Runtime>::iter_values().next().unwrap();
        assert_eq!(case.charge.accused, account(CORRUPT));
        assert_eq!(case.charge.fault, Fault::GoldMissed);
        assert_eq!(case.charge.amount, spec.terms.evaluator_bond / 2);
        let treasury_before = treasury();
        conclude_all();
        assert_eq!(
            treasury() - treasury_before,
            case.charge.amount,
            "neither task nor sponsor gains"
        );
        clear(task);
    });
}

#[test]
fn the_sponsor_pays_for_silence_and_everybody_is_paid_all_the_same() {
    chain(|| {
        let task = settled();
        show(task, MARKED[0], Label::Bad).unwrap();
        assert_eq!(conclude(task).unwrap_err().error, Error::<Runtime>::TooEarly.into());
        blocks_without_seeds(gold::WINDOW + 1);
        assert_eq!(
            show(task, MARKED[1], Label::Bad).unwrap_err().error,
            Error::<Runtime>::TooLate.into()
        );
        let (sponsor, pot) = (balance(SPONSOR), treasury());
        let paid = balance(11);
        settle(task, 1);
        assert!(balance(11) > paid);
        assert_eq!(conclude(task).unwrap().pays_fee, Pays::No);
        assert_eq!((sponsor - balance(SPONSOR), treasury() - pot), (deposit(), deposit()));
        assert_eq!(
            pallet_disputes::Cases::<Runtime>::iter().count(),
            0,
            "one can be missed by anybody"
        );
        clear(task);
    });
}

#[test]
fn what_is_announced_keeps_a_task_from_being_reaped_and_comes_back_with_a_cancelled_round() {
    chain(|| {
        let task = marked();
        let before = balance(SPONSOR);
        ok(SPONSOR, pallet_tasks::Call::cancel { task });
        settle(task, 1);
        forget(task);
        let unsettled = pallet_tasks::Error::<Runtime>::UnsettledRows.into();
        let reap = || call(SPONSOR, pallet_tasks::Call::reap { task, limit: 32 });
        assert_eq!(reap().unwrap_err().error, unsettled);
        assert_eq!(
            show(task, MARKED[0], Label::Bad).unwrap_err().error,
            Error::<Runtime>::WrongPhase.into()
        );
        conclude(task).unwrap();
        assert!(balance(SPONSOR) >= before);
        clear(task);
    });
}

#[test]
fn a_task_whose_terms_allow_none_has_none() {
    chain(|| {
        let task = running(digits());
        let refused = announce(task, 13, Label::Bad).unwrap_err().error;
        assert_eq!(refused, Error::<Runtime>::TooMany.into());
        clear(task);
    });
}
