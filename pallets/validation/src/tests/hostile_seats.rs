//! What a minority of hostile seats can do: nothing that honest seats do not span.

use crate::{Verdicts, mock::*};
use decentralml_protocol::payout::share;
use decentralml_types::{Balance, Opinion, Opinions, Outcome, Score, limits::MAX_SCORE};

const TRAINERS: [AccountId; 4] = [1, 2, 3, 4];

/// Everything that a liar may try on every update.
fn lies() -> Vec<Vec<Opinion>> {
    use Opinion::{Copied, Malformed, Score, Unavailable};
    let mut lies: Vec<Vec<Opinion>> = [
        Score(MAX_SCORE),
        Score(-MAX_SCORE),
        Score(0),
        Score(1),
        Score(-1),
        Unavailable,
        Malformed,
        Copied,
    ]
    .map(|lie| vec![lie; TRAINERS.len()])
    .to_vec();
    lies.push(vec![Score(MAX_SCORE), Score(-MAX_SCORE), Unavailable, Score(MAX_SCORE)]);
    lies.push(vec![Score(-500), Malformed, Score(MAX_SCORE), Copied]);
    lies
}

/// Settles a round in which `honest` seats and then `hostile` ones scored: scores and payments per trainer.
fn play(honest: &[[Score; 4]], hostile: &[Opinions]) -> Vec<(Score, Balance)> {
    build_and_execute(|| {
        let sheets: Vec<_> = (1_001..)
            .zip(honest.iter().map(|honest| scores(honest)).chain(hostile.iter().cloned()))
            .collect();
        let seats: Vec<AccountId> = sheets.iter().map(|(seat, _)| *seat).collect();
        start(&TRAINERS, &seats);
        settle(&sheets);
        let found: Vec<Score> = TRAINERS
            .iter()
            .map(|trainer| {
                let verdict = Verdicts::<Test>::get((TASK, ROUND, trainer)).unwrap();
                assert!(!matches!(verdict.outcome, Some(Outcome::Faulty(_))), "a minority slashes");
                assert_ne!(verdict.outcome, Some(Outcome::Copied), "a minority calls it a copy");
                verdict.score
            })
            .collect();
        for trainer in TRAINERS {
            try_claim(trainer).unwrap();
        }
        let paid = World::get().paid;
        let paid_to =
            |trainer| paid.iter().filter(|(who, _)| *who == trainer).map(|(_, paid)| paid).sum();
        assert!(paid.iter().map(|(_, paid)| paid).sum::<Balance>() <= REWARD);
        found.into_iter().zip(TRAINERS.map(paid_to)).collect()
    })
}

/// Checks that `hostile` seats stay within what `honest` ones span, in every verdict and payment.
fn assert_within_span(honest: &[[Score; 4]], hostile: usize) {
    let span = |trainer: usize| {
        let scores = honest.iter().map(|seat| seat[trainer]);
        (scores.clone().min().unwrap(), scores.max().unwrap())
    };
    let weight = |score: Score| u64::try_from(score).unwrap_or(0);
    for lie in lies() {
        let lies = vec![opinions(&lie); hostile];
        for (trainer, (score, paid)) in play(honest, &lies).into_iter().enumerate() {
            let (low, high) = span(trainer);
            assert!((low..=high).contains(&score), "{score} is outside {low}..={high}: {lie:?}");
            let others = |bound: fn((Score, Score)) -> Score| -> u128 {
                let others = (0..TRAINERS.len()).filter(|other| *other != trainer);
                others.map(|other| u128::from(weight(bound(span(other))))).sum()
            };
            let (least, most) = (weight(low), weight(high));
            let (few, many) = (others(|span| span.0), others(|span| span.1));
            let most = share(REWARD, most, few + u128::from(most));
            let least = share(REWARD, least, many + u128::from(least));
            assert!((least..=most).contains(&paid), "{paid} is outside {least}..={most}: {lie:?}");
        }
    }
}

#[test]
fn attack_one_hostile_seat_of_three_moves_nothing_beyond_the_honest() {
    assert_within_span(&[[900, 500, 100, -400], [950, 450, 120, -380]], 1);
}

#[test]
fn attack_three_hostile_seats_of_nine_move_nothing_beyond_the_honest() {
    let honest = [
        [900, 500, 100, -400],
        [950, 450, 120, -380],
        [920, 470, 90, -420],
        [910, 520, 110, -410],
        [930, 480, 105, -390],
        [940, 490, 95, -405],
    ];
    assert_within_span(&honest, 3);
}

#[test]
fn attack_hostile_seats_change_nothing_where_the_honest_agree() {
    let honest = [[900, 500, 100, -400]; 6];
    let alone = play(&honest, &[]);
    assert_eq!(alone.iter().map(|(score, _)| *score).collect::<Vec<_>>(), honest[0]);
    assert_eq!(
        alone.iter().map(|(_, paid)| *paid).collect::<Vec<_>>(),
        [600_000, 333_333, 66_666, 0]
    );
    for lie in lies() {
        assert_eq!(play(&honest, &vec![opinions(&lie); 3]), alone, "{lie:?}");
        assert_eq!(play(&honest[..2], &[opinions(&lie)]), alone, "{lie:?}");
    }
}

#[test]
fn attack_a_minority_moves_no_floor_where_the_honest_agree() {
    // Everybody has a past of 400. In the second round the fourth trainer is above the floor, or below it.
    for (now, last) in [
        ([900, 500, 300, -300], Outcome::Accepted { weight: 0 }),
        ([100, 100, 100, -390], Outcome::Rejected),
    ] {
        let outcomes = |lies: &[Opinions]| {
            build_and_execute(|| {
                let seats: Vec<AccountId> = (1_001..1_007 + lies.len() as AccountId).collect();
                let sheets = |honest: &[Score; 4]| -> Vec<_> {
                    let six = std::iter::repeat_n(scores(honest), 6);
                    seats.iter().copied().zip(six.chain(lies.iter().cloned())).collect()
                };
                start(&TRAINERS, &seats);
                settle(&sheets(&[400; 4]));
                next_round();
                settle(&sheets(&now));
                TRAINERS.map(|trainer| {
                    Verdicts::<Test>::get((TASK, ROUND + 1, trainer)).unwrap().outcome.unwrap()
                })
            })
        };
        let alone = outcomes(&[]);
        assert_eq!(alone[3], last);
        for lie in lies() {
            assert_eq!(outcomes(&vec![opinions(&lie); 3]), alone, "{lie:?}");
        }
    }
}

#[test]
fn attack_one_liar_of_two_opened_seats_ruins_nobody() {
    let outcomes = |round| {
        TRAINERS.map(|trainer| Verdicts::<Test>::get((TASK, round, trainer)).unwrap().outcome)
    };
    build_and_execute(|| {
        start(&TRAINERS, &[11, 12]);
        settle(&[(11, scores(&[100; 4])), (12, scores(&[100; 4]))]);
        next_round();
        let lie = [
            Opinion::Unavailable,
            Opinion::Malformed,
            Opinion::Score(0),
            Opinion::Score(-MAX_SCORE),
        ];
        settle(&[(11, scores(&[100; 4])), (12, opinions(&lie))]);
        // Everybody keeps what the first round gave. The honest seat alone does not have them paid for this one.
        let kept = Some(Outcome::Accepted { weight: 0 });
        assert_eq!(outcomes(ROUND + 1), [kept; 4]);
    });
    // Against newcomers it withholds acceptance, and leaves no debt.
    build_and_execute(|| {
        start(&TRAINERS, &[11, 12]);
        settle(&[(11, scores(&[100; 4])), (12, scores(&[-MAX_SCORE; 4]))]);
        assert_eq!(outcomes(ROUND), [Some(Outcome::Rejected); 4]);
        next_round();
        settle(&[(11, scores(&[100; 4])), (12, scores(&[100; 4]))]);
        assert_eq!(outcomes(ROUND + 1), [Some(Outcome::Accepted { weight: 100 }); 4]);
    });
}
