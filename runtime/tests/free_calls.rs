//! Calls that cost nothing when they succeed: the pool takes those only.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "support/calls.rs"]
mod calls;
mod support;

use codec::Encode;
use decentralml_runtime::{free_calls::*, *};
use decentralml_types::{Phase, TaskId};
use frame_support::dispatch::GetDispatchInfo;
use sp_runtime::{
    generic::Era,
    traits::DispatchTransaction,
    transaction_validity::{InvalidTransaction, TransactionSource, TransactionValidityError},
};
use std::collections::BTreeSet;
use support::*;

const STRANGER: u8 = 77;

/// What a node says of an account's next transaction.
fn validate(
    who: u8,
    call: impl Into<RuntimeCall>,
    source: TransactionSource,
) -> Result<(), TransactionValidityError> {
    let (call, origin) = (call.into(), RuntimeOrigin::signed(account(who)));
    let (info, length) = (call.get_dispatch_info(), call.encoded_size());
    let extension = calls::extension(System::account_nonce(account(who)), Era::Immortal);
    extension.validate_only(origin, &call, &info, length, source, 0).map(|_| ())
}

/// What the pool says of it: whether it comes from elsewhere or from this node makes no difference.
fn pool(who: u8, call: impl Into<RuntimeCall>) -> Result<(), TransactionValidityError> {
    let call = call.into();
    let answer = validate(who, call.clone(), TransactionSource::External);
    assert_eq!(validate(who, call, TransactionSource::Local), answer);
    answer
}

fn refused() -> Result<(), TransactionValidityError> {
    Err(InvalidTransaction::Custom(WOULD_FAIL).into())
}

fn committing(task: TaskId, who: u8) -> RuntimeCall {
    let (round, hash) = (round(task).0, update_hash(task, who));
    pallet_results::Call::commit { task, round, hash }.into()
}

#[test]
fn the_free_calls_are_those_that_the_protocol_names() {
    let text = include_str!("../../docs/protocol.md");
    let sentence = text.split("Free when they succeed:").nth(1).unwrap();
    let sentence = sentence.split(". The fee").next().unwrap();
    let named: BTreeSet<&str> = sentence.split('`').skip(1).step_by(2).collect();
    let ours = calls::ours();
    let free: BTreeSet<String> = ours
        .iter()
        .filter(|(.., call)| is_free(call))
        .map(|(pallet, name, _)| {
            // A name that two pallets have is written with its pallet's.
            let same = ours.iter().filter(|(_, other, _)| other == name).count();
            if same > 1 { format!("{}.{name}", pallet.to_lowercase()) } else { (*name).to_owned() }
        })
        .collect();
    assert_eq!(free.iter().map(String::as_str).collect::<BTreeSet<_>>(), named);
}

#[test]
fn a_free_call_that_would_fail_does_not_enter_the_pool() {
    chain(|| {
        let task = running(digits());
        // A stranger has funds to pay, but no place.
        let funds = 10 * UNIT;
        let dest = account(STRANGER).into();
        ok(SPONSOR, pallet_balances::Call::transfer_keep_alive { dest, value: funds });
        assert_eq!(pool(STRANGER, committing(task, STRANGER)), refused());
        assert_eq!(pool(STRANGER, pallet_tasks::Call::advance { task }), refused());
        // Whoever is drawn commits, and once.
        assert_eq!(pool(TRAINERS[0], committing(task, TRAINERS[0])), Ok(()));
        commit(task, TRAINERS[0]).unwrap();
        assert_eq!(pool(TRAINERS[0], committing(task, TRAINERS[0])), refused());
        // From the deadline on nobody does, and anybody may advance.
        blocks(round(task).1.deadline - System::block_number());
        assert_eq!(pool(TRAINERS[1], committing(task, TRAINERS[1])), refused());
        assert_eq!(pool(STRANGER, pallet_tasks::Call::advance { task }), Ok(()));
    });
}

#[test]
fn a_case_is_concluded_through_the_pool_once_its_time_is_over() {
    chain(|| {
        let task = running(digits());
        play(task, &TRAINERS, &TRAINERS[..3], Phase::Settled, honest);
        settle(task, 1);
        let conclude = || pallet_disputes::Call::conclude { case: 0 };
        assert_eq!(pool(SPONSOR, conclude()), refused());
        System::set_block_number(pallet_disputes::Cases::<Runtime>::get(0).unwrap().deadline);
        assert_eq!(pool(SPONSOR, conclude()), Ok(()));
    });
}

#[test]
fn a_rehearsal_changes_nothing_and_tells_the_error() {
    chain(|| {
        let task = running(digits());
        let root = || sp_io::storage::root(sp_runtime::StateVersion::V1);
        let (before, events) = (root(), System::event_count());
        let of = |who, call| rehearse(RuntimeOrigin::signed(account(who)), call);
        assert_eq!(of(TRAINERS[0], committing(task, TRAINERS[0])), Some(Ok(())));
        let error = of(STRANGER, committing(task, STRANGER)).unwrap().unwrap_err();
        assert_eq!(error, pallet_assignments::Error::<Runtime>::NotEnrolled.into());
        // What costs its fee is not tried.
        assert_eq!(of(SPONSOR, pallet_tasks::Call::cancel { task }.into()), None);
        assert_eq!((root(), System::event_count()), (before, events));
        assert_eq!(phase(task), Phase::Training);
    });
}

#[test]
fn what_costs_its_fee_may_fail_in_a_block() {
    chain(|| {
        let task = running(digits());
        let stranger = pallet_tasks::Call::cancel { task };
        assert_eq!(pool(TRAINERS[0], stranger), Ok(()));
    });
}

#[test]
fn blocks_do_not_rehearse() {
    chain(|| {
        let task = running(digits());
        let (source, call) = (TransactionSource::InBlock, pallet_tasks::Call::advance { task });
        assert_eq!(validate(TRAINERS[0], call, source), Ok(()));
    });
}
