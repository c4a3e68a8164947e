//! Records on the real runtime: what a round leaves of whom, and who may enroll with it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use decentralml_protocol::reputation::{NEUTRAL, ONE};
use decentralml_runtime::*;
use decentralml_traits::Reputation;
use decentralml_types::{Phase, Role, reputation::Record};
use support::*;

const ACCUSED: u8 = 14;

fn record(role: Role, name: u8) -> Record {
    pallet_participants::Members::<Runtime>::get(role, account(name)).unwrap().record
}

fn score(role: Role, name: u8) -> u16 {
    Participants::score(&account(name), role)
}

#[test]
fn a_round_raises_who_was_accepted_and_a_slash_lowers_only_once_it_is_executed() {
    chain(|| {
        let task = running(digits());
        play(task, &TRAINERS, &TRAINERS[..3], Phase::Settled, honest);
        settle(task, 1);
        for name in &TRAINERS[..3] {
            assert_eq!(record(Role::Trainer, *name).accepted, ONE);
            assert!(score(Role::Trainer, *name) > NEUTRAL);
        }
        let seats = SEATS.map(|name| record(Role::Evaluator, name).accepted);
        assert!(seats.contains(&ONE), "those that attested: {seats:?}");
        assert_eq!(score(Role::Trainer, ACCUSED), NEUTRAL, "it is accused, and no more");
        conclude_all();
        assert_eq!(record(Role::Trainer, ACCUSED).slashed, ONE);
        assert!(score(Role::Trainer, ACCUSED) < NEUTRAL);
    });
}

#[test]
fn a_task_takes_new_accounts_up_to_the_neutral_score_and_who_was_accepted_above_it() {
    chain(|| {
        let task = running(digits());
        play(task, &TRAINERS, &TRAINERS[..3], Phase::Settled, honest);
        settle(task, 1);
        conclude_all();
        let role = Role::Trainer;
        for (minimum, accused, accepted) in
            [(0, true, true), (500, false, true), (501, false, true)]
        {
            let mut spec = digits();
            spec.terms.min_reputation = minimum;
            // Nobody is enrolled in it yet.
            let task = pallet_tasks::NextTask::<Runtime>::get();
            ok(SPONSOR, pallet_tasks::Call::create { spec: Box::new(spec) });
            for (name, may) in [(ACCUSED, accused), (TRAINERS[0], accepted)] {
                let enroll: RuntimeCall =
                    pallet_assignments::Call::enroll { task, role, weight: 1 }.into();
                let origin = RuntimeOrigin::signed(account(name));
                let low = pallet_assignments::Error::<Runtime>::ReputationTooLow;
                match may {
                    true => ok(name, enroll),
                    false => {
                        let done = sp_runtime::traits::Dispatchable::dispatch(enroll, origin);
                        assert_eq!(done.unwrap_err().error, low.into());
                    }
                }
            }
        }
    });
}
