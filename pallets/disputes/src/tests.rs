//! Tests by behavior.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod appealing;
mod costs;
mod executing;
mod judging;
mod remembering;
mod sessions;
mod state;
mod voting;

use crate::{Cases, mock::*};
use decentralml_types::{CaseId, Fault};
use frame_support::{
    assert_ok,
    dispatch::{DispatchResult, DispatchResultWithPostInfo},
};

fn appeal(who: AccountId, case: CaseId) -> DispatchResult {
    Disputes::appeal(RuntimeOrigin::signed(who), case)
}

fn vote(who: AccountId, case: CaseId, guilty: bool) -> DispatchResult {
    Disputes::vote(RuntimeOrigin::signed(who), case, guilty)
}

fn conclude(case: CaseId) -> DispatchResultWithPostInfo {
    Disputes::conclude(RuntimeOrigin::signed(ANYBODY), case)
}

/// A case against which the accused has appealed.
fn appealed(fault: Fault, reporter: Option<AccountId>) -> CaseId {
    let case = accuse(fault, reporter);
    assert_ok!(appeal(ACCUSED, case));
    case
}

/// Votes of the first members of the council.
fn votes(case: CaseId, guilty: usize, innocent: usize) {
    for (index, who) in COUNCIL.into_iter().take(guilty + innocent).enumerate() {
        assert_ok!(vote(who, case, index < guilty));
    }
}

/// Lets the time of a case pass.
fn wait(case: CaseId) {
    go_to(Cases::<Test>::get(case).unwrap().deadline);
}
