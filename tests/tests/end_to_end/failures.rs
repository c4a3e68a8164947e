//! Rounds with people who misbehave and machines that fail, on spawned processes.

use anyhow::{Context, Result, ensure};
use decentralml_sdk::{Round, Signer};
use decentralml_tests::{
    EVALUATORS, LONG, POCKET, Process, SPONSOR, System, TRAINERS, honest, logs, stop, wait_until,
};
use decentralml_types::{Phase, Role, RoundNumber, TaskId};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn attackers_are_kept_out_slashed_where_it_is_provable_and_never_paid() -> Result<()> {
    let trainers = [
        ("//T1", "honest"),
        ("//T2", "honest"),
        ("//T3", "honest"),
        ("//T4", "vanish-after-commit"),
        ("//T5", "malformed"),
        ("//T6", "missing"),
        ("//T7", "sign-flip"),
    ];
    let evaluators = [("//E1", "honest"), ("//E2", "honest"), ("//E3", "honest"), ("//E4", "liar")];
    let people: Vec<_> = trainers.iter().chain(&evaluators).map(|(uri, _)| *uri).collect();
    let system = System::prepared(&people, trainers.len()).await?;
    let before = system.sum_of_balances().await?;
    let task = system.create_task(
        1,
        trainers.len(),
        &[
            ("seats = 3\nquorum = 2", "seats = 4\nquorum = 3"),
            ("training = 60", "training = 20"),
            ("revealing = 30", "revealing = 8"),
            // Seats ask for what is missing during half of this.
            ("scoring = 60", "scoring = 30"),
        ],
    )?;
    let mut workers = system.workers(task, &trainers, &evaluators)?;
    system.completed(task).await.with_context(|| logs(&workers))?;
    stop(&mut workers)?;
    system.settle(task).await.with_context(|| logs(&workers))?;

    for (uri, conduct) in trainers {
        let owned = system.owned_by(uri).await?;
        let member = system.member(Role::Trainer, uri).await?;
        let slashed = matches!(conduct, "vanish-after-commit" | "malformed" | "missing");
        assert_eq!(member.faults, u32::from(slashed), "{uri} {conduct}\n{}", logs(&workers));
        match conduct {
            "honest" => assert!(owned > POCKET, "{uri} has {owned}\n{}", logs(&workers)),
            _ => assert!(owned < POCKET, "{uri} {conduct} has {owned}"),
        }
    }
    assert_eq!(system.sum_of_balances().await?, before);
    Ok(())
}

/// What is killed in the midst of a round. The first trainer and the first evaluator stand for the others.
#[derive(Clone, Copy, Debug)]
enum Victim {
    Trainer,
    Evaluator,
    Store,
    Node,
}

impl Victim {
    /// Whether a round waits for it: what only it can bring has not come.
    async fn is_awaited(self, system: &System, round: &Round) -> Result<bool> {
        let view = system.chain.best().await?;
        let (task, number) = (round.task, round.number);
        let (trainer, evaluator) =
            (Signer::from_uri(TRAINERS[0])?.account(), Signer::from_uri(EVALUATORS[0])?.account());
        Ok(match self {
            Self::Trainer => {
                round.phase == Phase::Training
                    && view.commitment(task, number, &trainer).await?.is_none()
            }
            Self::Evaluator => {
                round.phase == Phase::Scoring
                    && view.seat(task, number, 0, &evaluator).await?.is_none()
            }
            // An update is in the store before its trainer commits to it.
            Self::Store => {
                round.phase == Phase::Training && view.commitments(task, number).await?.is_empty()
            }
            Self::Node => {
                round.phase == Phase::Scoring && view.seats(task, number, 0).await?.is_empty()
            }
        })
    }

    /// Waits for a round after `last` that waits for it, kills it, starts it again after a while in which nobody could take its
    /// place, and waits until that very round is settled.
    async fn dies_once(
        self,
        system: &mut System,
        workers: &mut [Process],
        task: TaskId,
        last: RoundNumber,
    ) -> Result<RoundNumber> {
        let number = wait_until("a round that needs it", LONG, async || {
            let rounds = system.chain.best().await?.rounds(task).await?;
            let Some(round) = rounds.last().filter(|round| round.number > last) else {
                return Ok(None);
            };
            Ok(self.is_awaited(system, round).await?.then_some(round.number))
        })
        .await?;
        self.process(system, workers).kill()?;
        tokio::time::sleep(Duration::from_secs(3)).await;
        // Without a node there is nobody to ask, and no block either.
        if !matches!(self, Self::Node) {
            let round = system.chain.best().await?.round(task, number).await?.context("a round")?;
            ensure!(self.is_awaited(system, &round).await?, "was killed too late: {round:?}");
        }
        self.process(system, workers).restart()?;
        let round = wait_until("the end of the round", LONG, async || {
            let round = system.chain.best().await?.round(task, number).await?;
            Ok(round.filter(|round| round.phase.is_final()))
        })
        .await?;
        let all = (Phase::Settled, 0, TRAINERS.len() as u32, EVALUATORS.len() as u32);
        let seen = (round.phase, round.committee, round.updates, round.seats);
        ensure!(seen == all, "the round did without it: {round:?}");
        Ok(number)
    }

    fn process<'a>(self, system: &'a mut System, workers: &'a mut [Process]) -> &'a mut Process {
        match self {
            Self::Trainer => &mut workers[0],
            Self::Evaluator => &mut workers[TRAINERS.len()],
            Self::Store => &mut system.store.process,
            Self::Node => &mut system.node.as_mut().expect("the system runs its own").process,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_goes_on_after_everything_in_it_was_killed_once() -> Result<()> {
    let mut system = System::prepared(&[TRAINERS, EVALUATORS].concat(), TRAINERS.len()).await?;
    let before = system.sum_of_balances().await?;
    // Every round needs all three trainers and all three seats: it settles only if whoever was killed acts again.
    let quorum = [("quorum = 2", "quorum = 3")];
    let task = system.create_task(5, TRAINERS.len(), &quorum)?;
    let mut workers = system.workers(task, &TRAINERS.map(honest), &EVALUATORS.map(honest))?;
    let mut last = 0;
    for victim in [Victim::Trainer, Victim::Evaluator, Victim::Store, Victim::Node] {
        last = victim
            .dies_once(&mut system, &mut workers, task, last)
            .await
            .with_context(|| format!("killed: {victim:?}\n{}", logs(&workers)))?;
    }
    system.finish(task).await.with_context(|| logs(&workers))?;
    // A crash is no fault.
    system.are_blameless(Role::Trainer, &TRAINERS).await?;
    system.are_blameless(Role::Evaluator, &EVALUATORS).await?;
    assert_eq!(system.sum_of_balances().await?, before);
    models_are_what_the_chain_says(&system, task).await
}

/// What the commands on models print, held against the chain; `evaluate` measures what the committees have attested.
async fn models_are_what_the_chain_says(system: &System, task: TaskId) -> Result<()> {
    let models = system.chain.finalized().await?.models(Some(task)).await?;
    assert_eq!(models.len(), 5, "a version for each round");
    let id = task.to_string();
    let listed = system.json(SPONSOR, &["model", "list", "--task", &id])?;
    assert_eq!(listed, serde_json::to_value(&models)?);
    let last = models.last().context("a version")?;
    assert_eq!(system.json(SPONSOR, &["model", "show", &id])?, serde_json::to_value(last)?);
    let file = system.folder().join("model.safetensors").display().to_string();
    for model in [&models[0], last] {
        let version = model.version.to_string();
        let shown = system.json(SPONSOR, &["model", "show", &id, &version])?;
        assert_eq!(shown, serde_json::to_value(model)?);
        let fetched = system.json(SPONSOR, &["model", "fetch", &id, &version, "--out", &file])?;
        assert_eq!(fetched["cid"], shown["cid"]);
        // On the task's own validation set: the version of that number, and the file that was fetched.
        for source in [&[version.as_str()][..], &["--file", &file]] {
            let measured = system.json(SPONSOR, &[&["model", "evaluate", &id], source].concat())?;
            let accuracy = measured["accuracy"].as_f64().context("an accuracy")? * 1e6;
            assert!((accuracy - f64::from(model.metric)).abs() < 1.0, "{measured} {model:?}");
            assert!(measured["rows"].as_u64() > Some(200), "{measured}");
        }
    }
    let rows = system.json(SPONSOR, &["claim", "--everyone", "--task", &id])?;
    assert_eq!(rows, serde_json::json!([]), "everything is claimed");
    Ok(())
}
