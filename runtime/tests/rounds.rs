//! Rounds on the real runtime: what every failure costs whom. After each test all money is accounted for.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use decentralml_runtime::*;
use decentralml_types::{Failure, Opinion, Phase, Role, TaskStatus, limits::MAX_SCORE};
use support::*;

fn bond(role: Role, name: u8) -> u128 {
    pallet_participants::Members::<Runtime>::get(role, account(name)).unwrap().bond
}

#[test]
fn a_round_pays_accepted_updates_in_proportion_and_returns_the_rest() {
    chain(|| {
        let before: Vec<_> = TRAINERS.iter().chain(&SEATS).map(|&name| balance(name)).collect();
        let sponsor = balance(SPONSOR);
        let task = running(digits());
        play(task, &TRAINERS, &TRAINERS, Phase::Settled, |trainer| match trainer {
            13 => Opinion::Score(0),
            14 => Opinion::Score(-5_000),
            other => honest(other),
        });
        let (second, _) = round(task);
        assert_eq!(second, 2, "the next round follows at once");
        settle(task, 1);
        clear(task);
        let after: Vec<_> = TRAINERS.iter().chain(&SEATS).map(|&name| balance(name)).collect();
        let gained: Vec<_> =
            after.iter().zip(&before).map(|(after, before)| after - before).collect();
        let terms = digits().terms;
        // The free-rider (13) and the hostile one (14) get nothing, the others in the ratio 11 : 12.
        assert_eq!(gained[2..4], [0, 0]);
        assert_eq!(gained[0], terms.reward_per_round * 11 / 23);
        assert_eq!(gained[1], terms.reward_per_round * 12 / 23);
        assert_eq!(gained[4..], [terms.fee_per_seat; 3]);
        let paid = gained.iter().sum::<u128>() + 2 * charge(&digits());
        assert_eq!(sponsor - balance(SPONSOR), paid, "to the last planck");
    });
}

#[test]
fn a_trainer_that_commits_and_vanishes_loses_its_bond_and_the_round_goes_on() {
    chain(|| {
        let task = running(digits());
        play(task, &TRAINERS, &TRAINERS[..3], Phase::Settled, honest);
        assert_eq!(round(task).0, 2);
        let at_stake = bond(Role::Trainer, 14);
        let recovered = || {
            let money = pallet_tasks::Tasks::<Runtime>::get(task).unwrap().money;
            money.total() + money.charges
        };
        let (before, paid) = (recovered(), balance(11) + balance(12) + balance(13));
        settle(task, 1);
        let slashed = at_stake - bond(Role::Trainer, 14);
        assert_eq!(slashed, digits().terms.trainer_bond);
        conclude_all();
        let paid = balance(11) + balance(12) + balance(13) - paid;
        let fees = 3 * digits().terms.fee_per_seat;
        assert_eq!(recovered() + paid + fees - before, slashed / 2, "half is the task's");
        clear(task);
    });
}

#[test]
fn a_copy_is_left_out_and_costs_no_bond() {
    chain(|| {
        let task = running(digits());
        play(task, &TRAINERS, &TRAINERS, Phase::Settled, |trainer| match trainer {
            11 => Opinion::Copied,
            other => honest(other),
        });
        let treasury_before = treasury();
        settle(task, 1);
        conclude_all();
        assert_eq!((bond(Role::Trainer, 11), bond(Role::Trainer, 12)), (100 * UNIT, 100 * UNIT));
        assert_eq!(treasury(), treasury_before);
        clear(task);
    });
}

#[test]
fn missing_or_malformed_bytes_cost_the_bond_by_the_majority_of_seats() {
    chain(|| {
        let task = running(digits());
        play(task, &TRAINERS, &TRAINERS, Phase::Settled, |trainer| match trainer {
            11 => Opinion::Unavailable,
            12 => Opinion::Malformed,
            other => honest(other),
        });
        let (treasury_before, at_stake) = (treasury(), digits().terms.trainer_bond);
        settle(task, 1);
        for name in [11, 12] {
            assert_eq!(bond(Role::Trainer, name), 100 * UNIT - at_stake);
        }
        conclude_all();
        assert_eq!(treasury() - treasury_before, 2 * at_stake, "the sponsor gains nothing by it");
        assert_eq!(bond(Role::Trainer, 13), 100 * UNIT);
        clear(task);
    });
}

#[test]
fn an_absent_evaluator_is_unpaid_and_stops_nobody() {
    chain(|| {
        let task = running(digits());
        play_until(task, Phase::Scoring);
        blocks(2);
        let sheet = opinions(task, honest);
        for name in &SEATS[..2] {
            commit_scores(task, *name, &sheet).unwrap();
        }
        due(task);
        for name in &SEATS[..2] {
            open_scores(task, *name, sheet.clone()).unwrap();
        }
        tally(task);
        for name in &SEATS[..2] {
            attest(task, *name).unwrap();
        }
        let absent = balance(SEATS[2]);
        settle(task, 1);
        clear(task);
        assert_eq!(balance(SEATS[2]), absent);
        assert_eq!(bond(Role::Evaluator, SEATS[2]), 100 * UNIT);
    });
}

#[test]
fn a_lying_evaluator_moves_no_payout_beyond_the_honest_span() {
    let earned = |lie: Option<fn(u8) -> Opinion>| {
        let mut gained = Vec::new();
        chain(|| {
            let task = running(digits());
            let before: Vec<_> = TRAINERS.map(balance).to_vec();
            play_until(task, Phase::Scoring);
            blocks(2);
            let sheets: Vec<_> = SEATS
                .iter()
                .map(|&seat| match lie {
                    Some(lie) if seat == SEATS[1] => opinions(task, lie),
                    // Honest seats measure on the same rows, and differ by rounding.
                    _ => opinions(task, move |trainer| {
                        let Opinion::Score(score) = honest(trainer) else { unreachable!() };
                        Opinion::Score(score + i64::from(seat == SEATS[2]))
                    }),
                })
                .collect();
            for (seat, sheet) in SEATS.iter().zip(&sheets) {
                commit_scores(task, *seat, sheet).unwrap();
            }
            for (seat, sheet) in SEATS.iter().zip(sheets) {
                open_scores(task, *seat, sheet).unwrap();
            }
            tally(task);
            attest(task, SEATS[0]).unwrap();
            attest(task, SEATS[2]).unwrap();
            settle(task, 1);
            gained =
                TRAINERS.iter().zip(before).map(|(&name, before)| balance(name) - before).collect();
        });
        gained
    };
    let truth = earned(None);
    let lies: [fn(u8) -> Opinion; 4] = [
        |_| Opinion::Malformed,
        |_| Opinion::Score(MAX_SCORE),
        |_| Opinion::Score(-MAX_SCORE),
        |trainer| Opinion::Score(if trainer == 11 { MAX_SCORE } else { -MAX_SCORE }),
    ];
    for lie in lies {
        for (told, paid) in truth.iter().zip(earned(Some(lie))) {
            // One micro-nat in 50,000 is all that the honest seats differ by.
            assert!(told.abs_diff(paid) <= told / 10_000, "{told} became {paid}");
        }
    }
}

#[test]
fn a_copied_commitment_cannot_be_opened_and_costs_the_copier() {
    chain(|| {
        let task = running(digits());
        play_until(task, Phase::Scoring);
        blocks(2);
        let sheet = opinions(task, honest);
        for name in &SEATS[..2] {
            commit_scores(task, *name, &sheet).unwrap();
        }
        let (round, hash) = (round(task).0, scores_hash(task, SEATS[0], &sheet));
        ok(SEATS[2], pallet_validation::Call::commit_scores { task, round, committee: 0, hash });
        for name in &SEATS[..2] {
            open_scores(task, *name, sheet.clone()).unwrap();
        }
        let copied = pallet_validation::Call::open_scores {
            task,
            round,
            opinions: sheet,
            salt: salt(SEATS[0]),
        };
        assert!(call(SEATS[2], copied).is_err());
        due(task);
        tally(task);
        for name in &SEATS[..2] {
            attest(task, *name).unwrap();
        }
        settle(task, 1);
        assert_eq!(bond(Role::Evaluator, SEATS[2]), 100 * UNIT - digits().terms.evaluator_bond);
        clear(task);
    });
}

#[test]
fn too_few_trainers_repeat_the_round_and_then_pause_the_task() {
    chain(|| {
        let mut spec = digits();
        spec.max_retries = 2;
        let task = running(spec);
        let before: Vec<_> = TRAINERS.iter().map(|&name| balance(name)).collect();
        for attempt in 1..=3 {
            assert_eq!(round(task).0, attempt);
            play(task, &TRAINERS[..2], &[], Phase::Revealing, honest);
            settle(task, attempt);
            blocks(2);
        }
        let row = pallet_tasks::Tasks::<Runtime>::get(task).unwrap();
        assert_eq!(row.status, TaskStatus::Paused);
        assert_eq!(round(task).1.failure, Some(Failure::TooFewCommitments));
        ok(SPONSOR, pallet_tasks::Call::resume { task });
        blocks(2);
        play_until(task, Phase::Settled);
        settle(task, 4);
        assert!(TRAINERS.iter().zip(&before).all(|(&name, before)| balance(name) > *before));
        clear(task);
    });
}

#[test]
fn a_quorum_that_fails_twice_voids_the_round_and_slashes_nobody_who_acted() {
    chain(|| {
        let task = running(digits());
        play_until(task, Phase::Scoring);
        for committee in 0..2 {
            assert_eq!(round(task).1.committee, committee);
            blocks(2);
            let sheet = opinions(task, honest);
            commit_scores(task, SEATS[0], &sheet).unwrap();
            due(task);
        }
        let first = pallet_tasks::Rounds::<Runtime>::get(task, 1).unwrap();
        assert_eq!((first.phase, first.failure), (Phase::Void, Some(Failure::TooFewScores)));
        let (trainers, seats) = (TRAINERS.map(balance), SEATS.map(balance));
        settle(task, 1);
        assert_eq!((trainers, seats), (TRAINERS.map(balance), SEATS.map(balance)));
        clear(task);
    });
}

#[test]
fn seats_that_disagree_on_the_next_model_give_way_to_another_committee() {
    chain(|| {
        let task = running(digits());
        play_until(task, Phase::Aggregating);
        for (name, number) in SEATS.into_iter().zip(7..) {
            let (round, cid) = (round(task).0, model_cid(number));
            let _ = call(
                name,
                pallet_validation::Call::attest { task, round, cid, metric: 1, state: None },
            );
        }
        assert_eq!((round(task).1.committee, phase(task)), (1, Phase::Scoring));
        blocks(2);
        let sheet = opinions(task, honest);
        for name in SEATS {
            commit_scores(task, name, &sheet).unwrap();
        }
        for name in SEATS {
            open_scores(task, name, sheet.clone()).unwrap();
        }
        tally(task);
        attest(task, SEATS[0]).unwrap();
        attest(task, SEATS[1]).unwrap();
        assert_eq!(pallet_tasks::Rounds::<Runtime>::get(task, 1).unwrap().phase, Phase::Settled);
        settle(task, 1);
        clear(task);
    });
}

#[test]
fn cancelling_in_any_phase_returns_what_was_not_earned() {
    for end in [
        Phase::Training,
        Phase::Revealing,
        Phase::Scoring,
        Phase::Verdict,
        Phase::Aggregating,
        Phase::Settled,
    ] {
        chain(|| {
            let everybody = [SPONSOR].into_iter().chain(TRAINERS).chain(SEATS);
            let all = || everybody.clone().map(balance).sum::<u128>() + treasury();
            let (before, sponsor) = (all(), balance(SPONSOR));
            let task = running(digits());
            play_until(task, end);
            ok(SPONSOR, pallet_tasks::Call::cancel { task });
            check();
            assert!(call(SPONSOR, pallet_tasks::Call::cancel { task }).is_err());
            clear(task);
            assert_eq!(before, all(), "cancelled in {end:?}");
            // A round costs its charge when it starts, and its pay only once it settles, which starts another.
            let spent = match end {
                Phase::Settled => digits().round_pay().unwrap() + 2 * charge(&digits()),
                _ => charge(&digits()),
            };
            let least = sponsor - spent;
            // Shares are rounded down.
            assert!(balance(SPONSOR) - least < 10, "cancelled in {end:?}");
            for name in TRAINERS {
                ok(name, pallet_assignments::Call::leave { task, role: Role::Trainer });
                assert_eq!(bond(Role::Trainer, name), 100 * UNIT, "cancelled in {end:?}");
            }
        });
    }
}

#[test]
fn an_expired_task_refunds_and_frees_everybody() {
    chain(|| {
        let sponsor = balance(SPONSOR);
        let task = running(digits());
        play_until(task, Phase::Verdict);
        blocks(digits().deadlines.lifetime);
        ok(TRAINERS[0], pallet_tasks::Call::advance { task });
        let row = pallet_tasks::Tasks::<Runtime>::get(task).unwrap();
        assert_eq!(row.status, TaskStatus::Expired);
        clear(task);
        assert_eq!(balance(SPONSOR), sponsor - charge(&digits()));
        for name in SEATS {
            ok(name, pallet_assignments::Call::leave { task, role: Role::Evaluator });
        }
    });
}

#[test]
fn a_paused_task_ends_its_round_and_goes_on_when_resumed() {
    chain(|| {
        let task = running(digits());
        play_until(task, Phase::Scoring);
        ok(SPONSOR, pallet_tasks::Call::pause { task });
        play_after_scoring(task);
        assert_eq!((round(task).0, phase(task)), (1, Phase::Settled));
        ok(SPONSOR, pallet_tasks::Call::resume { task });
        assert_eq!((round(task).0, phase(task)), (2, Phase::Training));
        settle(task, 1);
        clear(task);
    });
}

fn play_after_scoring(task: u32) {
    blocks(2);
    let sheet = opinions(task, honest);
    for name in SEATS {
        commit_scores(task, name, &sheet).unwrap();
    }
    for name in SEATS {
        open_scores(task, name, sheet.clone()).unwrap();
    }
    tally(task);
    attest(task, SEATS[0]).unwrap();
    attest(task, SEATS[1]).unwrap();
}

#[test]
fn nobody_acts_after_a_deadline() {
    chain(|| {
        let task = running(digits());
        let late = |task| blocks(round(task).1.deadline.saturating_sub(System::block_number()));
        commit(task, TRAINERS[0]).unwrap();
        commit(task, TRAINERS[1]).unwrap();
        commit(task, TRAINERS[2]).unwrap();
        late(task);
        assert!(commit(task, TRAINERS[3]).is_err());
        ok(SPONSOR, pallet_tasks::Call::advance { task });
        for name in &TRAINERS[..3] {
            reveal(task, *name).unwrap();
        }
        blocks(2);
        let sheet = opinions(task, honest);
        for name in &SEATS[..2] {
            commit_scores(task, *name, &sheet).unwrap();
        }
        late(task);
        assert!(commit_scores(task, SEATS[2], &sheet).is_err());
        ok(SPONSOR, pallet_tasks::Call::advance { task });
        open_scores(task, SEATS[0], sheet.clone()).unwrap();
        late(task);
        assert!(open_scores(task, SEATS[1], sheet).is_err());
        ok(SPONSOR, pallet_tasks::Call::advance { task });
        assert_eq!(round(task).1.committee, 1, "one opening is no quorum");
        clear(task);
    });
}

#[test]
fn only_the_council_releases_and_recalls() {
    chain(|| {
        let task = running(digits());
        play_until(task, Phase::Settled);
        assert!(call(SPONSOR, pallet_models::Call::release { task, version: 1 }).is_err());
        let council =
            pallet_collective::RawOrigin::<AccountId, configs::CouncilInstance>::Members(2, 3);
        let release = RuntimeCall::from(pallet_models::Call::release { task, version: 1 });
        sp_runtime::traits::Dispatchable::dispatch(release, council.into()).unwrap();
        settle(task, 1);
        clear(task);
    });
}
