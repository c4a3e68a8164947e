//! Workers that are killed at the worst moments: a secret is on disk, and the transaction that depends on it is not sent.
//!
//! A proxy before the node keeps the very request back in which that transaction would go out; then the worker is killed as a
//! power failure would, and started again.

use anyhow::{Context, Result};
use decentralml_sdk::{Round, Signer};
use decentralml_tests::{
    EVALUATORS, LONG, Meddler, POCKET, Process, Proxy, System, TRAINERS, logs, wait_until,
};
use decentralml_types::{Phase, Role};
use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// A transaction that carries a secret, or what binds one, of a record on disk.
#[derive(Clone, Copy)]
struct Point {
    uri: &'static str,
    role: Role,
    /// The record of round 1.
    record: &'static str,
    /// What of it the transaction carries: `hash` in a commitment, `salt` in what opens it.
    field: &'static str,
    /// The phase in which it would be sent.
    phase: Phase,
}

const POINTS: [Point; 4] = [
    Point {
        uri: "//T1",
        role: Role::Trainer,
        record: "update-1.json",
        field: "hash",
        phase: Phase::Training,
    },
    Point {
        uri: "//T2",
        role: Role::Trainer,
        record: "update-1.json",
        field: "salt",
        phase: Phase::Revealing,
    },
    Point {
        uri: "//E1",
        role: Role::Evaluator,
        record: "scores-1-0.json",
        field: "hash",
        phase: Phase::Scoring,
    },
    Point {
        uri: "//E2",
        role: Role::Evaluator,
        record: "scores-1-0.json",
        field: "salt",
        phase: Phase::Verdict,
    },
];

/// Keeps back what carries a field of a record, until it is told to let everything pass.
struct AtPoint {
    record: PathBuf,
    field: &'static str,
    open: Arc<AtomicBool>,
}

impl Meddler for AtPoint {
    fn keeps(&self, request: &str) -> bool {
        let secret = || field(&self.record, self.field).is_some_and(|hex| request.contains(&hex));
        !self.open.load(Ordering::Relaxed) && request.contains("submit") && secret()
    }
}

/// A field of a record, once it is on disk.
fn field(record: &Path, field: &str) -> Option<String> {
    let record: Value = serde_json::from_slice(&std::fs::read(record).ok()?).ok()?;
    record[field].as_str().map(str::to_owned)
}

/// A worker behind a proxy of its own.
struct Target {
    point: Point,
    record: PathBuf,
    proxy: Proxy,
    open: Arc<AtomicBool>,
}

impl Target {
    async fn new(system: &System, point: Point) -> Result<Self> {
        let record = system.records(point.uri, point.role, 0)?.join(point.record);
        let open = Arc::<AtomicBool>::default();
        let meddler = AtPoint { record: record.clone(), field: point.field, open: open.clone() };
        let proxy = Proxy::start(system.chain.url(), meddler).await?;
        Ok(Self { point, record, proxy, open })
    }

    /// Waits until the transaction is kept back, and kills the worker.
    async fn kill(&self, system: &System, worker: &mut Process) -> Result<()> {
        wait_until("the transaction that is kept back", LONG, async || {
            Ok((self.proxy.kept() > 0).then_some(()))
        })
        .await
        .with_context(|| worker.log())?;
        worker.kill()?;
        let round = live(system).await?;
        assert_eq!(round.phase, self.point.phase, "{} was killed too late", self.point.uri);
        assert!(!self.is_sent(system).await?, "{} has sent it before", self.point.uri);
        Ok(())
    }

    /// Starts it again and waits until what was kept back is on chain, the same as before.
    async fn revive(&self, system: &System, worker: &mut Process) -> Result<()> {
        let before = field(&self.record, self.point.field);
        assert!(before.is_some(), "{} is not on disk", self.record.display());
        self.open.store(true, Ordering::Relaxed);
        worker.restart()?;
        wait_until("the transaction after the restart", LONG, async || {
            Ok(self.is_sent(system).await?.then_some(()))
        })
        .await
        .with_context(|| worker.log())?;
        assert_eq!(field(&self.record, self.point.field), before, "it has made another secret");
        Ok(())
    }

    /// Whether the chain has what the transaction is to bring.
    async fn is_sent(&self, system: &System) -> Result<bool> {
        let view = system.chain.best().await?;
        let account = Signer::from_uri(self.point.uri)?.account();
        let opens = self.point.field == "salt";
        Ok(match self.point.role {
            Role::Trainer => {
                let row = view.commitment(0, 1, &account).await?;
                row.is_some_and(|row| !opens || row.revealed.is_some())
            }
            Role::Evaluator => {
                let seat = view.seat(0, 1, 0, &account).await?;
                seat.is_some_and(|seat| !opens || seat.opened)
            }
            Role::Validator => anyhow::bail!("validators have no workers"),
        })
    }
}

async fn live(system: &System) -> Result<Round> {
    system.chain.best().await?.round(0, 1).await?.context("round 1")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_between_its_secret_and_its_transaction_goes_on_without_a_slash()
-> Result<()> {
    let system = System::prepared(&[TRAINERS, EVALUATORS].concat(), TRAINERS.len()).await?;
    let before = system.sum_of_balances().await?;
    let phases = [("revealing = 30", "revealing = 60"), ("verdict = 30", "verdict = 60")];
    let task = system.create_task(1, TRAINERS.len(), &phases)?;
    assert_eq!(task, 0, "the records of this test are those of task 0");

    let mut targets = Vec::new();
    for point in POINTS {
        let target = Target::new(&system, point).await?;
        let chain = target.proxy.url.as_str();
        let worker = match point.role {
            Role::Trainer => {
                let part = if point.uri == "//T1" { 1 } else { 2 };
                system.trainer_at(chain, point.uri, task, part, "honest")?
            }
            Role::Evaluator => system.evaluator_at(chain, point.uri, task, "honest")?,
            Role::Validator => anyhow::bail!("validators have no workers"),
        };
        targets.push((target, worker));
    }
    let others =
        [system.trainer("//T3", task, 3, "honest")?, system.evaluator("//E3", task, "honest")?];
    // The phases of a round come one after the other, so the points do.
    for (target, worker) in &mut targets {
        target.kill(&system, worker).await.with_context(|| logs(&others))?;
        target.revive(&system, worker).await.with_context(|| logs(&others))?;
    }
    system.finish(task).await.with_context(|| logs(&others))?;

    // A crash is no fault.
    system.are_blameless(Role::Trainer, &TRAINERS).await?;
    system.are_blameless(Role::Evaluator, &EVALUATORS).await?;
    for uri in TRAINERS {
        assert!(system.owned_by(uri).await? > POCKET, "{uri} is paid for its update");
    }
    assert_eq!(system.sum_of_balances().await?, before);
    Ok(())
}
