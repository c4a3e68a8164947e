//! Rounds whose committees do not do what they should.

use anyhow::{Context, Result};
use decentralml_sdk::Round;
use decentralml_tests::{
    BOND, EVALUATORS, LONG, POCKET, Process, SPONSOR, System, TOKEN, TRAINERS, honest, logs, run,
    stop, wait_until,
};
use decentralml_types::{Failure, Phase, Role, TaskId};

/// More than anybody pays in fees, also for what the chain refuses.
const FEES: u128 = TOKEN / 2;

/// Waits for the end of round 1 on the best chain; once it is final, some of the workers are about to leave.
async fn round_over(system: &System, task: TaskId, workers: &[Process]) -> Result<Round> {
    wait_until("the round to end", LONG, async || {
        let round = system.chain.best().await?.round(task, 1).await?;
        Ok(round.filter(|round| round.phase.is_final()))
    })
    .await
    .with_context(|| logs(workers))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_round_settles_beside_a_liar_a_copycat_and_seats_that_are_silent() -> Result<()> {
    let evaluators = [
        ("//E1", "honest"),
        ("//E2", "honest"),
        ("//E3", "honest"),
        ("//E4", "honest"),
        ("//E5", "honest"),
        ("//E6", "liar"),
        ("//E7", "absent"),
        ("//E8", "never-opens"),
        ("//E9", "copycat"),
    ];
    let people = [&TRAINERS[..], &evaluators.map(|(uri, _)| uri)].concat();
    let system = System::prepared(&people, TRAINERS.len()).await?;
    let before = system.sum_of_balances().await?;
    let task = system.create_task(
        1,
        TRAINERS.len(),
        &[
            ("seats = 3\nquorum = 2", "seats = 9\nquorum = 6"),
            // Those who are absent and who do not open let these two pass.
            ("scoring = 60", "scoring = 20"),
            ("verdict = 30", "verdict = 12"),
        ],
    )?;
    let mut workers = system.workers(task, &TRAINERS.map(honest), &evaluators)?;
    let round = round_over(&system, task, &workers).await?;
    assert_eq!((round.phase, round.committee), (Phase::Settled, 0), "{}", logs(&workers));
    assert_eq!((round.seats, round.accepted), (9, 3), "{round:?}\n{}", logs(&workers));
    stop(&mut workers)?;
    system.settle(task).await.with_context(|| logs(&workers))?;

    let mut least_honest = u128::MAX;
    for (uri, conduct) in evaluators {
        let (owned, member) =
            (system.owned_by(uri).await?, system.member(Role::Evaluator, uri).await?);
        let told = format!("{uri} {conduct}: {owned}, {member:?}\n{}", logs(&workers));
        match conduct {
            "honest" => {
                assert_eq!((member.faults, member.bond), (0, BOND), "{told}");
                assert!(owned > POCKET, "{told}");
                least_honest = least_honest.min(owned);
            }
            // A lie within the bounds of a score is no fault, and the median does not follow it: it costs the liar its pay.
            "liar" => {
                assert_eq!((member.faults, member.bond), (0, BOND), "{told}");
                assert!((POCKET - FEES..least_honest).contains(&owned), "{told}");
            }
            // Who does nothing earns nothing.
            "absent" => {
                assert_eq!((member.faults, member.bond), (0, BOND), "{told}");
                assert!((POCKET - FEES..=POCKET).contains(&owned), "{told}");
            }
            // A copied commitment cannot be opened by who copied it. The bond waits for what becomes of the case.
            _ => {
                assert_eq!((member.faults, member.bond), (1, 0), "{told}");
                assert!((POCKET - FEES..=POCKET).contains(&owned), "{told}");
            }
        }
    }
    for uri in TRAINERS {
        assert!(system.owned_by(uri).await? > POCKET, "{uri}\n{}", logs(&workers));
    }
    assert_eq!(system.sum_of_balances().await?, before);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quorum_that_fails_twice_ends_the_round_and_costs_nobody_who_acted() -> Result<()> {
    let [silent, closed] = [TRAINERS, ["//T4", "//T5", "//T6"]].map(|uris| uris.map(honest));
    let [first, second, third] = EVALUATORS;
    let absent = [(first, "honest"), (second, "absent"), (third, "absent")];
    let shut = [("//E4", "honest"), ("//E5", "never-opens"), ("//E6", "never-opens")];
    let everybody = [silent, closed, absent, shut].concat();
    let people = everybody.iter().map(|(uri, _)| *uri).collect::<Vec<_>>();
    let system = System::prepared(&people, silent.len()).await?;
    let before = system.sum_of_balances().await?;
    let create = || {
        system.create_task(
            1,
            silent.len(),
            &[
                ("max_retries = 3", "max_retries = 0"),
                ("scoring = 60", "scoring = 12"),
                ("verdict = 30", "verdict = 10"),
            ],
        )
    };
    let [unscored, unopened] = [create()?, create()?];
    let mut workers = system.workers(unscored, &silent, &absent)?;
    workers.extend(system.workers(unopened, &closed, &shut)?);

    for (task, failure) in [(unscored, Failure::TooFewScores), (unopened, Failure::TooFewOpenings)]
    {
        let round = round_over(&system, task, &workers).await?;
        // The second committee: it was tried twice.
        assert_eq!(
            (round.phase, round.committee, round.failure),
            (Phase::Void, 1, Some(failure)),
            "{}",
            logs(&workers)
        );
    }
    stop(&mut workers)?;
    for task in [unscored, unopened] {
        run(system.command(SPONSOR)?.args(["task", "cancel", &task.to_string()]))?;
        system.settle(task).await.with_context(|| logs(&workers))?;
    }
    for (uri, conduct) in everybody {
        let role = if uri.contains('T') { Role::Trainer } else { Role::Evaluator };
        let (owned, member) = (system.owned_by(uri).await?, system.member(role, uri).await?);
        let told = format!("{uri} {conduct}: {owned}, {member:?}\n{}", logs(&workers));
        if conduct == "never-opens" {
            assert!(member.faults > 0, "{told}");
            assert!(owned <= POCKET, "{told}");
        } else {
            assert_eq!((member.faults, member.bond), (0, BOND), "{told}");
            assert!((POCKET - FEES..=POCKET).contains(&owned), "{told}");
        }
    }
    assert_eq!(system.sum_of_balances().await?, before);
    Ok(())
}
