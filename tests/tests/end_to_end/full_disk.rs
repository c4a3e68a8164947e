//! Programs whose disk is full in the midst of their work.

use anyhow::{Context, Result};
use decentralml_sdk::Signer;
use decentralml_tests::{
    EVALUATORS, LONG, POCKET, Process, System, TRAINERS, free_port, honest, logs, program, run,
    wait_until,
};
use decentralml_types::Role;
use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// Runs a program under a limit on files that can be set later: what is written beyond it fails, as on a full disk. The log
/// goes through a process without the limit.
const LIMITED: &str = r#"trap "" XFSZ; exec "$0" "$@" > >(exec cat) 2>&1"#;

/// Starts one of our programs so that [`limit`] takes the room from it.
fn start(
    name: &str,
    arguments: &[&str],
    environment: Vec<(String, String)>,
    log: &Path,
) -> Result<Process> {
    let program = program(name)?.display().to_string();
    let arguments = [&["-c", LIMITED, &program], arguments].concat();
    let arguments = arguments.into_iter().map(str::to_owned).collect();
    Process::start_program(PathBuf::from("bash"), arguments, environment, log)
}

/// How many bytes a file of the process may have. The hard limit stays, so it can be taken back.
fn limit(process: &Process, bytes: &str) -> Result<()> {
    let pid = process.id().to_string();
    let limit = format!("--fsize={bytes}:unlimited");
    run(Command::new("prlimit").args(["--pid", &pid, &limit])).map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trainer_whose_disk_is_full_commits_to_nothing_and_goes_on_when_there_is_room()
-> Result<()> {
    let system = System::prepared(&[TRAINERS, EVALUATORS].concat(), TRAINERS.len()).await?;
    let before = system.sum_of_balances().await?;
    let task = system.create_task(1, TRAINERS.len(), &[])?;

    let [first, second, third] = TRAINERS;
    let rows = system.folder().join("data/trainer-1.csv").display().to_string();
    let number = task.to_string();
    let mut limited = start(
        "decentralml",
        &["trainer", "run", "--data", &rows, "--classes", "10", "--task", &number],
        system.environment(first),
        &system.log(first),
    )?;
    let account = Signer::from_uri(first)?.account();
    wait_until("its enrollment", LONG, async || {
        Ok(system.chain.best().await?.enrollment(task, Role::Trainer, &account).await?)
    })
    .await
    .with_context(|| limited.log())?;

    limit(&limited, "0")?;
    let mut others = system.workers(task, &[], &EVALUATORS.map(honest))?;
    for (part, uri) in [(2, second), (3, third)] {
        others.push(system.trainer(uri, task, part, "honest")?);
    }
    let record = system.records(first, Role::Trainer, task)?.join("update-1.json");
    // It says which file cannot be written, and why, and does not give up at once.
    let state = record.parent().and_then(Path::parent).context("a folder")?;
    let name = state.display().to_string();
    wait_until("the failure in its log", LONG, async || {
        let log = limited.log();
        Ok((log.contains(&name) && log.contains("File too large")).then_some(()))
    })
    .await
    .with_context(|| limited.log())?;
    assert_eq!(limited.exited()?, None, "{}", limited.log());
    let committed = system.chain.best().await?.commitment(task, 1, &account).await?;
    assert_eq!(committed, None, "a commitment whose salt is not on disk");
    assert!(!record.exists(), "half a record");

    limit(&limited, "unlimited")?;
    system.finish(task).await.with_context(|| limited.log() + &logs(&others))?;
    assert!(!limited.log().contains("panicked"), "{}", limited.log());
    system.are_blameless(Role::Trainer, &TRAINERS).await.with_context(|| limited.log())?;
    assert!(system.owned_by(first).await? > POCKET, "{}", limited.log());
    assert_eq!(system.sum_of_balances().await?, before);
    Ok(())
}

#[tokio::test]
async fn a_node_whose_disk_is_full_ends_and_names_the_folder_that_needs_room() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let base = folder.path().join("data").display().to_string();
    let [rpc, network] = [free_port()?.to_string(), free_port()?.to_string()];
    let place = ["--dev", "--base-path", &base, "--rpc-port", &rpc, "--port", &network];
    let arguments = [&place[..], &["--no-prometheus", "--no-telemetry", "--no-mdns"]].concat();
    let mut node =
        start("decentralml-node", &arguments, Vec::new(), &folder.path().join("node.log"))?;
    wait_until("a block", LONG, async || Ok(node.log().contains("Imported #1").then_some(())))
        .await
        .with_context(|| node.log())?;

    limit(&node, "0")?;
    let code = wait_until("the node to give up", LONG, async || node.exited())
        .await
        .with_context(|| node.log())?;
    let said = node.log();
    assert_ne!(code, 0, "{said}");
    let last = said.lines().rfind(|line| line.starts_with("error: ")).context(said.clone())?;
    assert!(last.contains(&base) && last.contains("free some space"), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    Ok(())
}
