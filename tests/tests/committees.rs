//! Rounds whose committees do not do what they should.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use anyhow::{Context, Result};
use decentralml_sdk::Round;
use decentralml_tests::{LONG, Process, System, TOKEN, logs, run, wait_until};
use decentralml_types::{Failure, Phase, Role, TaskId};

/// What each participant puts at risk in the example's task, and has to begin with.
const BOND: u128 = 5 * TOKEN;
const POCKET: u128 = 20 * TOKEN;
/// More than anybody pays in fees, also for what the chain refuses.
const FEES: u128 = TOKEN / 2;

async fn round_over(system: &System, task: TaskId, workers: &[Process]) -> Result<Round> {
    wait_until("the round to end", LONG, async || {
        let round = system.chain.finalized().await?.round(task, 1).await?;
        Ok(round.filter(|round| round.phase.is_final()))
    })
    .await
    .with_context(|| logs(workers))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_round_settles_beside_a_liar_a_copycat_and_seats_that_are_silent() -> Result<()> {
    let trainers = [("//T1", "honest"), ("//T2", "honest"), ("//T3", "honest")];
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
    let system = System::start().await?;
    let uris = trainers.iter().chain(&evaluators).map(|(uri, _)| *uri).collect::<Vec<_>>();
    system.endow(&uris, POCKET).await?;
    system.endow(&["//Sponsor"], 1_000 * TOKEN).await?;
    let before = system.sum_of_balances().await?;
    system.divide(trainers.len())?;
    let task = system.create_task(
        "//Sponsor",
        &[
            ("rounds = 15", "rounds = 1"),
            ("max = 6", "max = 3"),
            ("seats = 3\nquorum = 2", "seats = 9\nquorum = 6"),
            // Those who are absent and who do not open let these two pass.
            ("scoring = 60", "scoring = 20"),
            ("verdict = 30", "verdict = 12"),
        ],
    )?;
    let workers = system.workers(task, &trainers, &evaluators)?;
    let round = round_over(&system, task, &workers).await?;
    assert_eq!((round.phase, round.committee), (Phase::Settled, 0), "{}", logs(&workers));
    assert_eq!((round.seats, round.accepted), (9, 3), "{round:?}\n{}", logs(&workers));
    system.settle("//Sponsor", task).await.with_context(|| logs(&workers))?;

    for (uri, conduct) in evaluators {
        let (owned, member) =
            (system.owned_by(uri).await?, system.member(Role::Evaluator, uri).await?);
        let told = format!("{uri} {conduct}: {owned}, {member:?}\n{}", logs(&workers));
        match conduct {
            // A lie within the bounds of a score is no fault: the median does not follow it.
            "honest" | "liar" => {
                assert_eq!((member.faults, member.bond), (0, BOND), "{told}");
                assert!(owned > POCKET, "{told}");
            }
            // Who does nothing earns nothing.
            "absent" => {
                assert_eq!((member.faults, member.bond), (0, BOND), "{told}");
                assert!((POCKET - FEES..=POCKET).contains(&owned), "{told}");
            }
            // A copied commitment cannot be opened by who copied it.
            _ => {
                assert_eq!((member.faults, member.bond), (1, 0), "{told}");
                assert!((POCKET - BOND - FEES..=POCKET - BOND).contains(&owned), "{told}");
            }
        }
    }
    for (uri, _) in trainers {
        assert!(system.owned_by(uri).await? > POCKET, "{uri}\n{}", logs(&workers));
    }
    assert_eq!(system.sum_of_balances().await?, before);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quorum_that_fails_twice_ends_the_round_and_costs_nobody_who_acted() -> Result<()> {
    let silent = [("//T1", "honest"), ("//T2", "honest"), ("//T3", "honest")];
    let closed = [("//T4", "honest"), ("//T5", "honest"), ("//T6", "honest")];
    let absent = [("//E1", "honest"), ("//E2", "absent"), ("//E3", "absent")];
    let shut = [("//E4", "honest"), ("//E5", "never-opens"), ("//E6", "never-opens")];
    let system = System::start().await?;
    let everybody = [silent, closed, absent, shut].concat();
    let uris = everybody.iter().map(|(uri, _)| *uri).collect::<Vec<_>>();
    system.endow(&uris, POCKET).await?;
    system.endow(&["//Sponsor"], 1_000 * TOKEN).await?;
    let before = system.sum_of_balances().await?;
    system.divide(silent.len())?;
    let create = || {
        system.create_task(
            "//Sponsor",
            &[
                ("rounds = 15", "rounds = 1"),
                ("max_retries = 3", "max_retries = 0"),
                ("max = 6", "max = 3"),
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
        run(system.command("//Sponsor")?.args(["task", "cancel", &task.to_string()]))?;
        system.settle("//Sponsor", task).await.with_context(|| logs(&workers))?;
    }
    for (uri, conduct) in everybody {
        let role = if uri.contains('T') { Role::Trainer } else { Role::Evaluator };
        let (owned, member) = (system.owned_by(uri).await?, system.member(role, uri).await?);
        let told = format!("{uri} {conduct}: {owned}, {member:?}\n{}", logs(&workers));
        if conduct == "never-opens" {
            assert!(member.faults > 0, "{told}");
            assert!(owned <= POCKET - BOND, "{told}");
        } else {
            assert_eq!((member.faults, member.bond), (0, BOND), "{told}");
            assert!((POCKET - FEES..=POCKET).contains(&owned), "{told}");
        }
    }
    assert_eq!(system.sum_of_balances().await?, before);
    Ok(())
}
