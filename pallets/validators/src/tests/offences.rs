use super::*;
use crate::{Cleared, Event};
use decentralml_protocol::slashing::TABLE;
use decentralml_traits::{Charge, Scene};
use decentralml_types::{Fault, Role};
use frame_support::weights::Weight;
use sp_runtime::Perbill;
use sp_staking::offence::{OffenceDetails, OnOffenceHandler};

/// Reports accounts in this order, as the offences pallet does.
pub(super) fn report(offenders: &[(AccountId, Option<AccountId>)], session: SessionNumber) {
    let details: Vec<_> = offenders
        .iter()
        .map(|(who, reporter)| OffenceDetails {
            offender: (*who, ()),
            reporters: reporter.iter().copied().collect(),
        })
        .collect();
    let fractions = vec![Perbill::from_percent(1); details.len()];
    assert_eq!(Validators::on_offence(&details, &fractions, session), Weight::zero());
}

#[test]
fn an_equivocation_costs_the_bond_and_what_is_unbonding() {
    build_and_execute(|| {
        go_to(5);
        bond(BOB, 3 * LEAST);
        Unbonding::mutate(|amounts| amounts.insert(BOB, 50));
        report(&[(BOB, Some(ALICE))], 4);
        let charge = Charge {
            accused: BOB,
            role: Role::Validator,
            fault: Fault::Equivocated,
            penalty: TABLE.equivocated,
            amount: 350,
            scene: Scene::Session(4),
            reporter: Some(ALICE),
        };
        assert_eq!(Accused::get(), [charge]);
        System::assert_last_event(Event::Equivocated { who: BOB, session: 4, seized: 350 }.into());
        assert_eq!(Disabled::get(), [(5, BOB)]);
        assert_eq!(planned(), Some(vec![ALICE, CHARLIE]));
        bond(BOB, LEAST);
        assert_eq!(planned(), Some(vec![ALICE, BOB, CHARLIE]), "it has bonded again");
    });
}

#[test]
fn who_was_planned_for_the_next_session_is_disabled_in_it_too() {
    build_and_execute(|| {
        go_to(5);
        report(&[(BOB, None)], 5);
        go_to(6);
        go_to(7);
        assert_eq!(Disabled::get(), [(5, BOB), (6, BOB)]);
    });
}

#[test]
fn a_new_bond_does_not_pay_for_what_was_done_before_it() {
    build_and_execute(|| {
        go_to(5);
        report(&[(BOB, None)], 5);
        bond(BOB, LEAST);
        for session in [3, 4, 5] {
            report(&[(BOB, None)], session);
        }
        assert_eq!(Accused::get().len(), 1);
        go_to(6);
        report(&[(BOB, None)], 6);
        assert_eq!(Accused::get().len(), 2, "what follows is another fault");
    });
}

#[test]
fn who_was_reported_for_the_slot_before_is_not_accused_twice() {
    build_and_execute(|| {
        go_to(5);
        report(&[(BOB, None)], 5);
        report(&[(BOB, None), (ALICE, None)], 5);
        let accused: Vec<_> = Accused::get().into_iter().map(|charge| charge.accused).collect();
        assert_eq!(accused, [BOB, ALICE]);
    });
}

#[test]
fn nobody_is_paid_for_reporting_itself() {
    build_and_execute(|| {
        report(&[(BOB, Some(BOB))], 0);
        assert_eq!(Accused::get()[0].reporter, None);
    });
}

#[test]
fn governance_decides_what_an_equivocation_costs() {
    build_and_execute(|| {
        let mut penalties = TABLE;
        penalties.equivocated.to_reporter = 20;
        CurrentPenalties::set(penalties);
        report(&[(BOB, Some(ALICE))], 0);
        assert_eq!(Accused::get()[0].penalty.to_reporter, 20);
    });
}

#[test]
fn what_cannot_be_reported_any_more_needs_no_clearing() {
    build_and_execute(|| {
        go_to(5);
        report(&[(BOB, None)], 5);
        go_to(29);
        assert_eq!(Cleared::<Test>::get(BOB), Some(5), "the roots of session 5 are still there");
        go_to(30);
        assert_eq!(Cleared::<Test>::get(BOB), None);
    });
}
