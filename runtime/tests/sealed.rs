//! Sealed tasks on the real runtime: who hands what over to whom and when, what it costs not to, and what is left of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use decentralml_runtime::{
    federated_api::{UpdateView, runtime_decl_for_federated_api::FederatedApiV1},
    *,
};
use decentralml_types::{Opinion, Phase, Role, TaskId};
use frame_support::dispatch::Pays;
use pallet_results::{Error, Handover};
use sp_runtime::DispatchError;
use support::*;

type Refused = Error<Runtime>;

fn updates(task: TaskId) -> Vec<UpdateView<AccountId>> {
    <Runtime as FederatedApiV1<Block, AccountId>>::updates(task, 1)
}

fn refusal(result: frame_support::dispatch::DispatchResultWithPostInfo) -> DispatchError {
    result.unwrap_err().error
}

fn bond(name: u8) -> u128 {
    pallet_participants::Members::<Runtime>::get(Role::Trainer, account(name)).unwrap().bond
}

/// A sealed task whose committee is drawn.
fn scoring() -> TaskId {
    let task = running(sealed());
    play_until(task, Phase::Scoring);
    blocks(2);
    task
}

/// All seats score, open and attest.
fn judge(task: TaskId, of: impl Fn(u8) -> Opinion) {
    let number = round(task).0;
    let sheet = opinions(task, of);
    for name in SEATS {
        commit_scores(task, name, &sheet).unwrap();
    }
    for name in SEATS {
        open_scores(task, name, sheet.clone()).unwrap();
    }
    tally(task);
    for name in SEATS {
        attest_in(task, number, name).unwrap();
    }
}

#[test]
fn keys_are_handed_over_for_free_and_shown_with_the_updates() {
    chain(|| {
        let task = scoring();
        for name in TRAINERS {
            assert_eq!(hand_over(task, name).unwrap().pays_fee, Pays::No);
        }
        check();
        let (_, row) = round(task);
        assert!(row.sealed);
        for (update, name) in updates(task).iter().zip(TRAINERS) {
            assert_eq!(update.trainer, account(name));
            assert_eq!(update.plain_hash, plain_hash(name, &row));
            let keys = keys_cid(name, 0);
            assert_eq!(update.handover, Some(Handover { committee: 0, keys }));
        }
        judge(task, honest);
        settle(task, 1);
        assert!(updates(task).is_empty(), "keys go with the rows");
        clear(task);
    });
}

#[test]
fn keys_wait_until_everybody_can_tell_who_is_drawn() {
    chain(|| {
        let task = running(sealed());
        play_until(task, Phase::Scoring);
        let unknown = DispatchError::from(pallet_assignments::Error::<Runtime>::SeedUnknown);
        for _ in 0..2 {
            assert_eq!(refusal(hand_over(task, TRAINERS[0])), unknown);
            blocks(1);
        }
        hand_over(task, TRAINERS[0]).unwrap();
        clear(task);
    });
}

#[test]
fn attack_keys_for_another_anew_elsewhere_or_at_another_time_are_refused() {
    chain(|| {
        let task = scoring();
        let open = running(digits());
        play_until(open, Phase::Scoring);
        blocks(2);
        assert_eq!(refusal(hand_over(open, TRAINERS[0])), Refused::NotSealed.into());
        for name in [SPONSOR, SEATS[0]] {
            assert_eq!(refusal(hand_over(task, name)), Refused::NotCommitted.into());
        }
        hand_over(task, TRAINERS[0]).unwrap();
        assert_eq!(refusal(hand_over(task, TRAINERS[0])), Refused::AlreadyHandedOver.into());
        let elsewhere = |round, committee| pallet_results::Call::hand_over {
            task,
            round,
            committee,
            keys: keys_cid(TRAINERS[1], 0),
        };
        let refused = refusal(call(TRAINERS[1], elsewhere(2, 0)));
        assert_eq!(refused, Refused::NotCurrentRound.into());
        let refused = refusal(call(TRAINERS[1], elsewhere(1, 1)));
        assert_eq!(refused, Refused::WrongCommittee.into());

        let sheet = opinions(task, honest);
        for name in SEATS {
            commit_scores(task, name, &sheet).unwrap();
        }
        assert_eq!(phase(task), Phase::Verdict);
        assert_eq!(refusal(hand_over(task, TRAINERS[1])), Refused::WrongPhase.into());
        clear(task);
        clear(open);
    });
}

#[test]
fn a_key_that_comes_after_the_deadline_is_refused() {
    chain(|| {
        let task = scoring();
        blocks(round(task).1.deadline - System::block_number());
        assert_eq!(refusal(hand_over(task, TRAINERS[0])), Refused::TooLate.into());
        clear(task);
    });
}

#[test]
fn a_second_committee_gets_keys_of_its_own() {
    chain(|| {
        let task = scoring();
        hand_over(task, TRAINERS[0]).unwrap();
        due(task);
        assert_eq!(round(task).1.committee, 1);
        let old = pallet_results::Call::hand_over {
            task,
            round: 1,
            committee: 0,
            keys: keys_cid(TRAINERS[1], 0),
        };
        assert_eq!(refusal(call(TRAINERS[1], old)), Refused::WrongCommittee.into());
        blocks(2);
        for name in [TRAINERS[0], TRAINERS[1]] {
            hand_over(task, name).unwrap();
        }
        check();
        let committees: Vec<_> = updates(task)
            .iter()
            .map(|update| update.handover.map(|handover| handover.committee))
            .collect();
        assert_eq!(committees, [Some(1), Some(1), None, None]);
        clear(task);
    });
}

#[test]
fn a_key_that_is_not_handed_over_costs_the_bond_like_missing_bytes() {
    chain(|| {
        let task = scoring();
        let [silent, others @ ..] = TRAINERS;
        for name in others {
            hand_over(task, name).unwrap();
        }
        judge(task, |trainer| match trainer == silent {
            true => Opinion::Unavailable,
            false => honest(trainer),
        });
        settle(task, 1);
        let stake = sealed().terms.trainer_bond;
        assert_eq!(TRAINERS.map(bond), [100 * UNIT - stake, 100 * UNIT, 100 * UNIT, 100 * UNIT]);
        clear(task);
    });
}

#[test]
fn an_evaluator_of_a_sealed_task_has_a_key_when_it_enrolls() {
    chain(|| {
        let task = pallet_tasks::NextTask::<Runtime>::get();
        ok(SPONSOR, pallet_tasks::Call::create { spec: Box::new(sealed()) });
        let (name, role) = (SEATS[0], Role::Evaluator);
        ok(name, pallet_participants::Call::bond { role, amount: 100 * UNIT });
        let enroll = || call(name, pallet_assignments::Call::enroll { task, role, weight: 1 });
        let no_key = DispatchError::from(pallet_assignments::Error::<Runtime>::NoEncryptionKey);
        assert_eq!(refusal(enroll()), no_key);
        with_key(name);
        enroll().unwrap();
        // It may remove the key and stay, and then reads nothing.
        ok(name, pallet_participants::Call::set_encryption_key { key: None });
        ok(name, pallet_assignments::Call::leave { task, role });
        assert_eq!(refusal(enroll()), no_key);
        clear(task);
    });
}

#[test]
fn a_sealed_update_is_revealed_with_its_hash_and_an_open_one_without() {
    chain(|| {
        for (spec, wrong, error) in [
            (sealed(), None, Refused::PlainHashMissing),
            (sealed(), Some([0xff; 32]), Refused::Mismatch),
            (digits(), Some([0xff; 32]), Refused::NotSealed),
        ] {
            let task = running(spec);
            play_until(task, Phase::Revealing);
            assert_eq!(refusal(reveal_as(task, TRAINERS[0], wrong)), error.into());
            reveal(task, TRAINERS[0]).unwrap();
            clear(task);
        }
    });
}
