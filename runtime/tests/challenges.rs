//! Challenges of updates on the real runtime. After each test all money is accounted for.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use decentralml_runtime::*;
use decentralml_types::{Cid, Codec, Phase, Role, RoundNumber, TaskId};
use frame_support::{
    dispatch::{DispatchResultWithPostInfo, Pays},
    traits::Get,
};
use pallet_challenges::{Blocks, Bytes, Call, Path};
use support::*;

const BYTES: &[u8] = b"the bytes of an update";
const CHALLENGER: u8 = SEATS[0];

/// The first round of a task in phase Scoring, in which everybody has revealed and the bytes of 11's update are known.
fn scoring() -> TaskId {
    let task = running(digits());
    play_until(task, Phase::Scoring);
    pallet_results::Commitments::<Runtime>::mutate((task, 1, account(11)), |row| {
        let (_, update) = row.as_mut().unwrap().revealed.as_mut().unwrap();
        update.cid = Cid { codec: Codec::Raw, digest: sp_io::hashing::sha2_256(BYTES) };
    });
    task
}

/// Settles the round without what came before Scoring.
fn settled(task: TaskId) {
    blocks(2);
    let sheet = opinions(task, honest);
    for name in SEATS {
        commit_scores(task, name, &sheet).unwrap();
    }
    for name in SEATS {
        open_scores(task, name, sheet.clone()).unwrap();
    }
    tally(task);
    for name in SEATS {
        attest_in(task, 1, name).unwrap();
    }
    assert_eq!(pallet_tasks::Rounds::<Runtime>::get(task, 1).unwrap().phase, Phase::Settled);
}

fn challenge(task: TaskId, trainer: u8) -> DispatchResultWithPostInfo {
    let (round, trainer, path) = (1, account(trainer), Path::default());
    call(CHALLENGER, Call::challenge { task, round, trainer, path })
}

fn answer(task: TaskId, bytes: &[u8]) -> DispatchResultWithPostInfo {
    let blocks = Blocks::truncate_from(vec![Bytes::truncate_from(bytes.to_vec())]);
    call(TRAINERS[0], Call::answer { task, round: 1, trainer: account(11), blocks })
}

fn conclude(task: TaskId, trainer: u8) -> DispatchResultWithPostInfo {
    call(SPONSOR, Call::conclude { task, round: 1, trainer: account(trainer) })
}

fn claim(task: TaskId, round: RoundNumber, trainer: u8) -> DispatchResultWithPostInfo {
    call(SPONSOR, pallet_validation::Call::claim { task, round, account: account(trainer) })
}

fn bond(trainer: u8) -> u128 {
    pallet_participants::Members::<Runtime>::get(Role::Trainer, account(trainer)).unwrap().bond
}

fn constants() -> (u128, u128) {
    (
        <Runtime as pallet_challenges::Config>::ChallengeBond::get(),
        <Runtime as pallet_challenges::Config>::AnswerPrice::get(),
    )
}

#[test]
fn a_trainer_that_answers_is_paid_for_its_update_and_for_the_answer() {
    chain(|| {
        let task = scoring();
        let (before, challenger) = (balance(11), balance(CHALLENGER));
        challenge(task, 11).unwrap();
        settled(task);
        let early = claim(task, 1, 11).unwrap_err().error;
        assert_eq!(early, pallet_validation::Error::<Runtime>::TooEarly.into());
        // Nor can it go on meanwhile.
        blocks(2);
        assert!(commit(task, 11).is_err());

        let wrong = answer(task, b"other bytes").unwrap_err().error;
        assert_eq!(wrong, pallet_challenges::Error::<Runtime>::OtherBlock.into());
        assert_eq!(answer(task, BYTES).unwrap().pays_fee, Pays::No);
        claim(task, 1, 11).unwrap();
        commit(task, 11).unwrap();
        let (at_stake, price) = constants();
        let reward = digits().terms.reward_per_round * 11 / (11 + 12 + 13 + 14);
        assert_eq!(balance(11) - before, reward + at_stake - price);
        assert_eq!(challenger - balance(CHALLENGER), at_stake);
        clear(task);
    });
}

#[test]
fn a_trainer_that_does_not_answer_loses_its_bond_and_its_reward() {
    chain(|| {
        let task = scoring();
        let (bonded, paid, challenger) = (bond(12), balance(12), balance(CHALLENGER));
        challenge(task, 12).unwrap();
        settled(task);
        assert!(conclude(task, 12).is_err());
        blocks(601);
        assert_eq!(conclude(task, 12).unwrap().pays_fee, Pays::No);
        assert_eq!(bonded - bond(12), digits().terms.trainer_bond);
        claim(task, 1, 12).unwrap();
        assert!(balance(12) <= paid, "it is not paid for what nobody could have");
        assert_eq!(bonded - bond(12), digits().terms.trainer_bond, "and not slashed again");
        assert!(balance(CHALLENGER) >= challenger, "the challenger has its bond back");
        assert!(Challenges::do_try_state().is_ok());
        assert_eq!(pallet_challenges::Records::<Runtime>::iter().count(), 0);
        clear(task);
    });
}

#[test]
fn a_challenge_lapses_with_the_claim_in_a_cancelled_round() {
    chain(|| {
        let task = scoring();
        let (before, bonded) = (balance(CHALLENGER), bond(12));
        challenge(task, 12).unwrap();
        ok(SPONSOR, pallet_tasks::Call::cancel { task });
        blocks(601);
        claim(task, 1, 12).unwrap();
        assert_eq!(pallet_challenges::Records::<Runtime>::iter().count(), 0);
        assert_eq!((balance(CHALLENGER), bond(12)), (before, bonded));
        let free = Balances::free_balance(account(CHALLENGER));
        challenge(task, 12).unwrap_err();
        assert_eq!(Balances::free_balance(account(CHALLENGER)), free);
        clear(task);
    });
}
