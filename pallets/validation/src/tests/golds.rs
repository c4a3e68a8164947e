use crate::{Committees, Due, Error, Verdicts, mock::*};
use decentralml_traits::{Assay, Assayed};
use decentralml_types::{
    Conduct, Failure, Fault, Label, Opinion, Opinions, Outcome, Phase, Role, Score,
};
use frame_support::assert_noop;

const GOLD_PAY: u128 = REWARD / 256;

fn assay(trainer: AccountId, label: Label) -> Option<Assayed> {
    <Validation as Assay<AccountId>>::assay(TASK, World::get().round, &trainer, label)
}

/// Seats from 11 on, each with its opinions on the updates of 1, 2 and 3.
fn seats(said: &[[Score; 3]]) -> Vec<(AccountId, Opinions)> {
    (11..).zip(said).map(|(seat, said)| (seat, scores(said))).collect()
}

/// Five seats: all but the last two see what the third, fourth and fifth do; 1 trains well, 2 and 3 do harm.
const HONEST: [Score; 3] = [500, -300, -200];
const CORRUPT: [Score; 3] = [500, 300, 200];

fn judged(said: &[[Score; 3]], test: impl FnOnce()) {
    build_and_execute(|| {
        let drawn: Vec<_> = (11..).take(said.len()).collect();
        World::mutate(|world| world.quorum = 3);
        start(&[1, 2, 3], &drawn);
        settle(&seats(said));
        test();
    });
}

#[test]
fn a_seat_that_is_wrong_about_two_gold_results_is_accused_instead_of_paid() {
    judged(&[HONEST, HONEST, HONEST, CORRUPT, [500, 300, -200]], || {
        assert_eq!(assay(2, Label::Bad), Some(Assayed { confirmed: true, missed: 2 }));
        assert_eq!(assay(3, Label::Bad), Some(Assayed { confirmed: true, missed: 1 }));
        assert_eq!(
            Committees::<Test>::get((TASK, ROUND, 0)).unwrap().missed.to_vec(),
            [0, 0, 0, 2, 1]
        );
        let amount = EVALUATOR_BOND / 2;
        let due = |seat| Validation::seat_due(TASK, ROUND, 0, &seat).unwrap();
        assert_eq!(due(14), Due::Slash(Fault::GoldMissed, amount));
        assert!(matches!(due(15), Due::Pay(_)), "one can be missed by anybody");
        assert!(matches!(due(11), Due::Pay(_)));
        try_claim_seat(0, 14).unwrap();
        assert_eq!(World::get().accused, [(14, Role::Evaluator, Fault::GoldMissed, amount)]);
        assert!(World::get().paid.is_empty());
    });
}

#[test]
fn what_is_known_to_be_good_measures_seats_that_reject_it() {
    let harsh = [-500, -300, -200];
    judged(&[HONEST, HONEST, HONEST, HONEST, harsh], || {
        assert_eq!(assay(1, Label::Good), Some(Assayed { confirmed: true, missed: 1 }));
        assert!(!Verdicts::<Test>::get((TASK, ROUND, 1)).unwrap().gold, "paid as any other");
        let shared = Validation::trainer_due(TASK, ROUND, &1).unwrap();
        assert_eq!(shared, Due::Pay(REWARD));
    });
}

/// The sponsor's word alone, and that of as many seats as can be hostile.
#[test]
fn a_label_that_the_committee_does_not_confirm_costs_and_pays_nobody() {
    judged(&[HONEST, HONEST, HONEST, CORRUPT, CORRUPT], || {
        for (trainer, label) in [(1, Label::Bad), (2, Label::Good), (3, Label::Good)] {
            assert_eq!(assay(trainer, label), Some(Assayed::default()));
        }
        assert_eq!(Committees::<Test>::get((TASK, ROUND, 0)).unwrap().missed.to_vec(), [0; 5]);
        assert_eq!(Validation::trainer_due(TASK, ROUND, &2).unwrap(), Due::Nothing);
    });
}

#[test]
fn who_could_not_read_an_update_or_says_little_of_it_misses_nothing() {
    build_and_execute(|| {
        World::mutate(|world| world.quorum = 3);
        start(&[1, 2, 3], &[11, 12, 13, 14, 15]);
        let silent = [Opinion::Score(500), Opinion::Unavailable, Opinion::Copied];
        let mut all = seats(&[HONEST, HONEST, HONEST, [500, 110, 110]]);
        all.push((15, opinions(&silent)));
        settle(&all);
        for trainer in [2, 3] {
            let measured = Some(Assayed { confirmed: true, missed: 0 });
            assert_eq!(assay(trainer, Label::Bad), measured, "2 % of 500, and the slack");
        }
    });
}

/// Whoever decides who can have an update decides which coalitions a seat can look at.
#[test]
fn attack_a_seat_that_was_kept_from_one_update_is_not_measured_by_the_others() {
    build_and_execute(|| {
        World::mutate(|world| world.quorum = 3);
        start(&[1, 2, 3, 4], &[11, 12, 13, 14]);
        let (bad, kept) = (Opinion::Score(-300), Opinion::Score(900));
        let [good, better] = [500, 300].map(Opinion::Score);
        let seen = [good, bad, bad, kept];
        let unseen = [good, better, better, Opinion::Unavailable];
        let mut all: Vec<_> = (11..14).map(|seat| (seat, opinions(&seen))).collect();
        all.push((14, opinions(&unseen)));
        settle(&all);
        for trainer in [2, 3] {
            let nobody = Some(Assayed { confirmed: true, missed: 0 });
            assert_eq!(assay(trainer, Label::Bad), nobody);
        }
        assert!(matches!(Validation::seat_due(TASK, ROUND, 0, &14).unwrap(), Due::Pay(_)));
    });
}

#[test]
fn of_two_faults_the_dearer_counts_and_neither_is_remembered_as_accepted() {
    for (percent, expected) in [(60, Fault::GoldMissed), (40, Fault::WrongAggregate)] {
        build_and_execute(|| {
            World::mutate(|world| {
                world.quorum = 3;
                world.penalties.gold_missed.percent = percent;
            });
            start(&[1, 2, 3], &[11, 12, 13, 14]);
            score(&seats(&[HONEST, HONEST, HONEST, CORRUPT]));
            tally();
            enter(Phase::Aggregating);
            for seat in [11, 12, 13] {
                try_attest(seat, 50, 900_000).unwrap();
            }
            try_attest(14, 66, 900_000).unwrap();
            enter(Phase::Settled);
            for trainer in [2, 3] {
                assay(trainer, Label::Bad);
            }
            let due = Validation::seat_due(TASK, ROUND, 0, &14).unwrap();
            assert!(matches!(due, Due::Slash(fault, _) if fault == expected), "{due:?}");
            try_claim_seat(0, 14).unwrap();
            assert!(World::get().noted.is_empty());
        });
    }
}

#[test]
fn a_bad_gold_result_is_paid_for_and_not_remembered_as_rejected() {
    judged(&[HONEST, HONEST, HONEST], || {
        assay(2, Label::Bad);
        assert_eq!(
            Verdicts::<Test>::get((TASK, ROUND, 2)).unwrap().outcome,
            Some(Outcome::Rejected)
        );
        for trainer in [1, 2, 3] {
            try_claim(trainer).unwrap();
        }
        assert_eq!(World::get().paid, [(1, REWARD), (2, GOLD_PAY)]);
        let noted = World::get().noted;
        assert_eq!(
            noted,
            [(1, Role::Trainer, Conduct::Accepted), (3, Role::Trainer, Conduct::Rejected)]
        );
    });
}

#[test]
fn it_is_paid_for_as_long_as_all_else() {
    judged(&[HONEST, HONEST, HONEST], || {
        assay(2, Label::Bad);
        World::mutate(|world| world.claims_expired = true);
        assert_eq!(Validation::trainer_due(TASK, ROUND, &2).unwrap(), Due::Nothing);
    });
}

#[test]
fn while_gold_results_may_be_revealed_no_row_that_they_need_is_settled() {
    judged(&[HONEST, HONEST, HONEST, CORRUPT], || {
        World::mutate(|world| world.pending = true);
        for trainer in [1, 2, 3] {
            assert_noop!(try_claim(trainer), Error::<Test>::TooEarly);
        }
        for seat in [11, 14] {
            assert_noop!(try_claim_seat(0, seat), Error::<Test>::TooEarly);
        }
        // Nor can a seat go on with a bond that may be lost.
        next_round();
        assert_noop!(try_commit(14, [1; 32]), STILL_AT_RISK);
        World::mutate(|world| world.pending = false);
        try_commit(14, [1; 32]).unwrap();
    });
}

#[test]
fn seats_of_a_round_without_agreement_are_measured_and_those_of_a_replaced_committee_are_not() {
    build_and_execute(|| {
        World::mutate(|world| world.quorum = 3);
        start(&[1, 2, 3], &[11, 12, 13, 14]);
        score(&seats(&[HONEST, HONEST, HONEST, CORRUPT]));
        assert_eq!(assay(2, Label::Bad), None, "nothing is counted");
        tally();
        void(Failure::NoAgreement);
        for trainer in [2, 3] {
            assert_eq!(assay(trainer, Label::Bad), Some(Assayed { confirmed: true, missed: 1 }));
        }
        assert_eq!(assay(9, Label::Bad), None, "nobody's update");
        let due = Validation::seat_due(TASK, ROUND, 0, &14).unwrap();
        assert_eq!(due, Due::Slash(Fault::GoldMissed, EVALUATOR_BOND / 2));
        assert_eq!(Validation::trainer_due(TASK, ROUND, &2).unwrap(), Due::Nothing, "void");
        enter(Phase::Scoring);
        redraw(&[15, 16]);
        assert_eq!(Validation::seat_due(TASK, ROUND, 0, &14).unwrap(), Due::Nothing);
    });
}
