#![allow(clippy::unwrap_used)]

use crate::{Error, Event, Golds as Announcements, mock::*};
use decentralml_traits::{Assayed, Golds as _};
use decentralml_types::{Failure, Label, Phase};
use frame_support::{
    assert_noop, assert_ok,
    traits::{fungible::Mutate, tokens::Preservation},
};
use sp_runtime::TokenError;

fn last() -> Event<Test> {
    let events = System::events();
    let found = events.into_iter().rev().find_map(|record| match record.event {
        RuntimeEvent::Golds(event) => Some(event),
        _ => None,
    });
    found.unwrap()
}

mod announcing {
    use super::*;

    fn by(who: AccountId, seal: u8) -> sp_runtime::DispatchResult {
        Golds::announce(RuntimeOrigin::signed(who), TASK, ROUND, [seal; 32])
    }

    #[test]
    fn the_sponsor_announces_while_the_round_trains_and_a_deposit_is_held() {
        build_and_execute(|| {
            assert_ok!(by(SPONSOR, 1));
            assert_ok!(by(SPONSOR, 2));
            assert_eq!(held(SPONSOR), 2 * DEPOSIT);
            let row = Announcements::<Test>::get(TASK, ROUND).unwrap();
            assert_eq!((row.made, row.hidden.len()), (2, 2));
            let (task, round, seal, deposit) = (TASK, ROUND, [2; 32], DEPOSIT);
            let sponsor = SPONSOR;
            assert_eq!(last(), Event::GoldAnnounced { task, round, sponsor, seal, deposit });
        });
    }

    #[test]
    fn nobody_else_does_and_at_no_other_time() {
        build_and_execute(|| {
            assert_noop!(by(MALLORY, 1), Error::<Test>::NotSponsor);
            let origin = || RuntimeOrigin::signed(SPONSOR);
            let seal = [1; 32];
            assert_noop!(Golds::announce(origin(), 8, ROUND, seal), Error::<Test>::NotSponsor);
            assert_noop!(Golds::announce(origin(), TASK, 4, seal), Error::<Test>::NoRound);
            Due::set(true);
            assert_noop!(by(SPONSOR, 1), Error::<Test>::TooLate);
            Due::set(false);
            for phase in [Phase::Revealing, Phase::Scoring, Phase::Settled, Phase::Void] {
                CurrentPhase::set(phase);
                assert_noop!(by(SPONSOR, 1), Error::<Test>::WrongPhase);
            }
        });
    }

    #[test]
    fn no_more_than_the_terms_allow_none_twice_and_none_without_a_deposit() {
        build_and_execute(|| {
            assert_ok!(by(SPONSOR, 1));
            assert_noop!(by(SPONSOR, 1), Error::<Test>::AlreadyAnnounced);
            assert_ok!(by(SPONSOR, 2));
            let most = FUNDS - 3 * DEPOSIT + 1;
            Balances::transfer(&SPONSOR, &MALLORY, most, Preservation::Expendable).unwrap();
            assert_noop!(by(SPONSOR, 3), TokenError::FundsUnavailable);
            Balances::transfer(&MALLORY, &SPONSOR, most, Preservation::Expendable).unwrap();
            assert_ok!(by(SPONSOR, 3));
            assert_noop!(by(SPONSOR, 4), Error::<Test>::TooMany);
        });
    }
}

mod revealing {
    use super::*;

    #[test]
    fn what_was_known_is_held_against_what_was_found_and_the_deposit_comes_back() {
        build_and_execute(|| {
            assert_ok!(announce(TRAINER, Label::Bad, 1));
            assert_ok!(announce(OTHER_TRAINER, Label::Good, 2));
            end(Phase::Settled, None);
            assert!(Golds::are_pending(TASK, ROUND));
            assert_ok!(reveal(TRAINER, Label::Bad, 1));
            assert_eq!(
                last(),
                Event::GoldRevealed {
                    task: TASK,
                    round: ROUND,
                    sponsor: SPONSOR,
                    trainer: TRAINER,
                    label: Label::Bad,
                    confirmed: true,
                    missed: 2
                }
            );
            assert_eq!(held(SPONSOR), DEPOSIT);
            assert!(Golds::are_pending(TASK, ROUND), "one is hidden");
            Said::set(Some(Assayed::default()));
            assert_ok!(reveal(OTHER_TRAINER, Label::Good, 2));
            assert_eq!(Assays::get(), [(TRAINER, Label::Bad), (OTHER_TRAINER, Label::Good)]);
            assert_eq!(held(SPONSOR), 0);
            assert!(!Golds::are_pending(TASK, ROUND));
        });
    }

    #[test]
    fn nothing_but_what_was_announced_can_be_shown() {
        build_and_execute(|| {
            assert_noop!(reveal(TRAINER, Label::Bad, 1), Error::<Test>::NothingAnnounced);
            assert_ok!(announce(TRAINER, Label::Bad, 1));
            end(Phase::Settled, None);
            assert_noop!(reveal(TRAINER, Label::Good, 1), Error::<Test>::UnknownSeal);
            assert_noop!(reveal(TRAINER, Label::Bad, 2), Error::<Test>::UnknownSeal);
            assert_noop!(reveal(OTHER_TRAINER, Label::Bad, 1), Error::<Test>::UnknownSeal);
            let by_mallory = RuntimeOrigin::signed(MALLORY);
            let shown = Golds::reveal(by_mallory, TASK, ROUND, TRAINER, Label::Bad, secret(1));
            assert_noop!(shown, Error::<Test>::NotSponsor);
            assert_ok!(reveal(TRAINER, Label::Bad, 1));
            assert_noop!(reveal(TRAINER, Label::Bad, 1), Error::<Test>::NothingAnnounced);
        });
    }

    /// A sponsor that labels whom it likes, and shows those whom the committee happens to confirm, needs each one's consent.
    #[test]
    fn an_update_whose_trainer_has_not_agreed_is_no_gold_result() {
        build_and_execute(|| {
            assert_ok!(announce(TRAINER, Label::Bad, 1));
            Salts::mutate(|salts| salts.insert(TRAINER, [9; 32]));
            end(Phase::Settled, None);
            assert_noop!(reveal(TRAINER, Label::Bad, 1), Error::<Test>::NotMarked);
            Salts::set(Default::default());
            assert_noop!(reveal(TRAINER, Label::Bad, 1), Error::<Test>::NoUpdate);
            assert_eq!(Assays::get(), []);
            assert_eq!(held(SPONSOR), DEPOSIT);
        });
    }

    #[test]
    fn a_blank_one_asks_nobody_and_measures_nobody() {
        build_and_execute(|| {
            assert_ok!(announce(MALLORY, Label::Blank, 1));
            Salts::set(Default::default());
            end(Phase::Settled, None);
            assert_ok!(reveal(MALLORY, Label::Blank, 1));
            assert_eq!((Assays::get(), held(SPONSOR)), (vec![], 0));
        });
    }

    #[test]
    fn a_round_can_be_measured_once_it_is_over_and_counted_for_as_long_as_trainers_have_to_reveal()
    {
        for (phase, failure) in [
            (Phase::Settled, None),
            (Phase::Void, Some(Failure::NothingAccepted)),
            (Phase::Void, Some(Failure::NoAgreement)),
        ] {
            build_and_execute(|| {
                assert_ok!(announce(TRAINER, Label::Bad, 1));
                assert_ok!(announce(OTHER_TRAINER, Label::Good, 2));
                for early in [Phase::Training, Phase::Scoring, Phase::Aggregating] {
                    CurrentPhase::set(early);
                    assert!(Golds::are_pending(TASK, ROUND));
                    assert_noop!(reveal(TRAINER, Label::Bad, 1), Error::<Test>::WrongPhase);
                    assert_noop!(conclude(), Error::<Test>::TooEarly);
                }
                end(phase, failure);
                pass(REVEALING);
                assert!(Golds::are_pending(TASK, ROUND));
                assert_noop!(conclude(), Error::<Test>::TooEarly);
                assert_ok!(reveal(TRAINER, Label::Bad, 1));
                pass(1);
                assert!(!Golds::are_pending(TASK, ROUND));
                assert_noop!(reveal(OTHER_TRAINER, Label::Good, 2), Error::<Test>::TooLate);
            });
        }
    }
}

mod concluding {
    use super::*;

    #[test]
    fn silence_costs_the_deposits() {
        build_and_execute(|| {
            assert_noop!(conclude(), Error::<Test>::NothingAnnounced);
            assert_ok!(announce(TRAINER, Label::Bad, 1));
            assert_ok!(announce(OTHER_TRAINER, Label::Good, 2));
            end(Phase::Settled, None);
            assert_ok!(reveal(TRAINER, Label::Bad, 1));
            pass(REVEALING + 1);
            assert_ok!(conclude());
            let (task, round, sponsor) = (TASK, ROUND, SPONSOR);
            let (returned, forfeited) = (0, DEPOSIT);
            let concluded = Event::GoldsConcluded { task, round, sponsor, returned, forfeited };
            assert_eq!(last(), concluded);
            assert_eq!(held(SPONSOR), 0);
            assert_eq!(Balances::free_balance(TREASURY), FUNDS + DEPOSIT);
            assert_noop!(conclude(), Error::<Test>::NothingAnnounced);
        });
    }

    #[test]
    fn a_round_that_could_not_be_measured_costs_nothing() {
        for failure in [
            Failure::TooFewCommitments,
            Failure::TooFewReveals,
            Failure::TooFewScores,
            Failure::TooFewOpenings,
            Failure::Cancelled,
            Failure::Expired,
        ] {
            build_and_execute(|| {
                assert_ok!(announce(TRAINER, Label::Bad, 1));
                end(Phase::Void, Some(failure));
                assert!(!Golds::are_pending(TASK, ROUND), "{failure:?}");
                assert_noop!(reveal(TRAINER, Label::Bad, 1), Error::<Test>::WrongPhase);
                assert_ok!(conclude());
                assert_eq!(Balances::free_balance(SPONSOR), FUNDS);
                assert_eq!(Balances::free_balance(TREASURY), FUNDS);
            });
        }
    }

    #[test]
    fn what_the_treasury_cannot_receive_goes_back() {
        build_and_execute(|| {
            assert_ok!(announce(TRAINER, Label::Bad, 1));
            let issued = pallet_balances::TotalIssuance::<Test>::get();
            // An account whose balance would overflow receives nothing.
            frame_system::Account::<Test>::mutate(TREASURY, |account| {
                account.data.free = decentralml_types::Balance::MAX;
            });
            end(Phase::Settled, None);
            pass(REVEALING + 1);
            assert_ok!(conclude());
            assert_eq!(Balances::free_balance(SPONSOR), FUNDS);
            frame_system::Account::<Test>::mutate(TREASURY, |account| account.data.free = FUNDS);
            assert_eq!(pallet_balances::TotalIssuance::<Test>::get(), issued);
        });
    }
}
