//! How tests of rounds begin and end that start from what others have left: a state of the server, and what a trainer carries from one of
//! its updates to the next.

use anyhow::{Context, Result, ensure};
use decentralml_tests::{
    EVALUATORS, LONG, POCKET, Process, System, TOKEN, honest, logs, wait_until,
};
use decentralml_types::{Balance, Cid, Phase, Role, RoundNumber, TaskId};
use std::collections::BTreeSet;

const ROUNDS: RoundNumber = 3;

/// A task of three rounds among honest workers.
pub struct Run {
    pub system: System,
    pub task: TaskId,
    /// First all trainers, then all evaluators.
    pub workers: Vec<Process>,
    trainers: Vec<&'static str>,
    before: Balance,
}

impl Run {
    /// Starts it, and kills the first trainer, once it has an update of a second round: what the first one left is in it, or is on disk.
    /// The trainer is started again. `prefixes` are what the names of the files begin with that trainers carry.
    pub async fn start(
        trainers: &[&'static str],
        prefixes: &[&str],
        replacements: &[(&str, &str)],
    ) -> Result<Self> {
        let system = System::prepared(&[trainers, &EVALUATORS].concat(), trainers.len()).await?;
        let before = system.sum_of_balances().await?;
        let task = system.create_task(ROUNDS, trainers.len(), replacements)?;
        let trainers = trainers.to_vec();
        let all: Vec<_> = trainers.iter().map(|uri| honest(uri)).collect();
        let workers = system.workers(task, &all, &EVALUATORS.map(honest))?;
        let mut run = Self { system, task, workers, trainers, before };
        wait_until("an update of a second round", LONG, async || {
            for prefix in prefixes {
                if run.carried(prefix, run.trainers[0])?.iter().all(|round| *round <= 1) {
                    return Ok(None);
                }
            }
            Ok(Some(()))
        })
        .await
        .with_context(|| run.logs())?;
        run.workers[0].kill()?;
        run.workers[0].restart()?;
        Ok(run)
    }

    /// What the workers have logged, for a failure.
    pub fn logs(&self) -> String {
        logs(&self.workers)
    }

    /// Rounds of which a trainer has a file that it carries.
    fn carried(&self, prefix: &str, uri: &str) -> Result<BTreeSet<RoundNumber>> {
        let mut rounds = BTreeSet::new();
        for file in std::fs::read_dir(self.system.records(uri, Role::Trainer, self.task)?)? {
            let name = file?.file_name();
            let round = name.to_str().and_then(|name| name.strip_prefix(prefix)?.split('-').next());
            rounds.extend(round.and_then(|round| round.parse::<RoundNumber>().ok()));
        }
        Ok(rounds)
    }

    /// Waits for the end, and fails unless every round is settled, has left another state, and has cost nobody anything.
    pub async fn finish(&self) -> Result<()> {
        let (system, task) = (&self.system, self.task);
        system.finish(task).await.with_context(|| self.logs())?;
        let view = system.chain.finalized().await?;
        let row = view.task(task).await?.context("the task")?;
        let rounds = view.rounds(task).await?;
        let settled: Vec<_> = rounds.iter().filter(|round| round.phase == Phase::Settled).collect();
        ensure!((row.settled_rounds, settled.len()) == (ROUNDS, ROUNDS as usize), "{rounds:?}");
        let mut states: Vec<Option<Cid>> = settled.iter().map(|round| round.state).collect();
        ensure!(states[0].is_none(), "the first round starts from nothing: {states:?}");
        states.push(row.state);
        let known: BTreeSet<Cid> = states.iter().flatten().copied().collect();
        ensure!(known.len() == ROUNDS as usize, "each round has a state of its own: {states:?}");

        // Only who attests what the quorum does is paid: every seat has had the same model and the same state in each round.
        for uri in EVALUATORS {
            let owned = system.owned_by(uri).await?;
            ensure!(owned > POCKET + TOKEN, "{uri} has {owned}\n{}", self.logs());
        }
        system.are_blameless(Role::Trainer, &self.trainers).await?;
        system.are_blameless(Role::Evaluator, &EVALUATORS).await?;
        ensure!(system.sum_of_balances().await? == self.before, "money has come or gone");
        Ok(())
    }
}
