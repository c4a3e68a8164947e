//! Tests by behavior.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod offences;
mod office;

use crate::mock::*;
use decentralml_types::SessionNumber;
use pallet_session::SessionManager;

/// The set for the session after this one.
fn planned() -> Option<Vec<AccountId>> {
    <Validators as SessionManager<AccountId>>::new_session(Session::get() + 1)
}

fn go_to(session: SessionNumber) {
    Session::set(session);
    <Validators as SessionManager<AccountId>>::start_session(session);
}
