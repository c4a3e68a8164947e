//! Members of the council vote, once each, and no party to the case does.

use super::*;
use crate::{Ballot, Ballots, Error, Event};
use decentralml_types::Role;
use frame_support::assert_noop;

#[test]
fn a_member_votes_once() {
    build_and_execute(|| {
        let case = appealed(Fault::Unavailable, None);
        let who = COUNCIL[0];
        assert_ok!(vote(who, case, true));
        System::assert_last_event(Event::Voted { case, who, guilty: true }.into());
        for guilty in [true, false] {
            assert_noop!(vote(who, case, guilty), Error::<Test>::AlreadyVoted);
        }
        assert_eq!(Ballots::<Test>::get(case).to_vec(), [Ballot { who, guilty: true }]);
    });
}

#[test]
fn others_than_the_council_have_no_vote() {
    build_and_execute(|| {
        let case = appealed(Fault::Unavailable, None);
        for who in [ANYBODY, ACCUSED, SPONSOR] {
            assert_noop!(vote(who, case, false), Error::<Test>::NotCouncilor);
        }
        assert_noop!(vote(COUNCIL[0], case + 1, true), Error::<Test>::UnknownCase);
    });
}

#[test]
fn attack_nobody_judges_a_case_to_which_it_is_a_party() {
    build_and_execute(|| {
        let case = appealed(Fault::Unanswered, Some(REPORTER));
        Members::set(vec![ACCUSED, REPORTER, SPONSOR, 11, 12, 13]);
        World::mutate(|world| {
            world.enrolled = vec![(Role::Trainer, 11), (Role::Evaluator, 12)];
        });
        for party in [ACCUSED, REPORTER, SPONSOR, 11, 12] {
            assert_noop!(vote(party, case, false), Error::<Test>::PartyToTheCase);
        }
        assert_ok!(vote(13, case, false));
    });
}

#[test]
fn the_sponsor_stays_a_party_when_its_task_is_gone() {
    build_and_execute(|| {
        let case = appealed(Fault::Unavailable, None);
        World::mutate(|world| (world.status, world.sponsor) = (None, None));
        Members::set(vec![SPONSOR]);
        assert_noop!(vote(SPONSOR, case, true), Error::<Test>::PartyToTheCase);
    });
}

#[test]
fn there_is_nothing_to_vote_on_before_an_appeal() {
    build_and_execute(|| {
        let case = accuse(Fault::Unavailable, None);
        assert_noop!(vote(COUNCIL[0], case, true), Error::<Test>::NotAppealed);
    });
}

#[test]
fn a_vote_in_the_last_block_counts_and_one_block_later_is_too_late() {
    build_and_execute(|| {
        let case = appealed(Fault::Unavailable, None);
        go_to(JUDGMENT);
        assert_ok!(vote(COUNCIL[0], case, true));
        go_to(JUDGMENT + 1);
        assert_noop!(vote(COUNCIL[1], case, true), Error::<Test>::TooLate);
    });
}

#[test]
fn a_council_that_changes_all_the_time_cannot_vote_for_ever() {
    build_and_execute(|| {
        let case = appealed(Fault::Unavailable, None);
        votes(case, 5, 0);
        Members::set(vec![21]);
        assert_noop!(vote(21, case, false), Error::<Test>::TooManyVotes);
    });
}
