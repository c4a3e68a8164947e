//! The README's walk through, command by command, as somebody follows it who has just built the programs.

use anyhow::{Context, Result, ensure};
use decentralml_sdk::{Chain, ModelStatus};
use decentralml_tests::{LONG, Process, TOKEN, free_port, logs, program, wait_until};
use std::{
    fs,
    os::unix::{self, fs::PermissionsExt},
    path::{Path, PathBuf},
    time::Duration,
};
use tempfile::TempDir;

/// A terminal's folder and programs: `client` of the checkout is there, the programs are on the `PATH`, and ports are free ones.
///
/// The ports are the only thing that differs from what the README says: other tests, and other people, may use the usual ones.
struct Desk {
    folder: TempDir,
    chain: String,
    store: String,
}

impl Desk {
    fn new() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize()?;
        unix::fs::symlink(root.join("client"), folder.path().join("client"))?;
        let (rpc, network, store) = (free_port()?, free_port()?, free_port()?);
        let bin = folder.path().join("bin");
        fs::create_dir(&bin)?;
        unix::fs::symlink(program("decentralml")?, bin.join("decentralml"))?;
        let node = program("decentralml-node")?;
        let script = format!(
            "#!/bin/sh\nexec {} \"$@\" --rpc-port {rpc} --port {network} --no-prometheus\n",
            quoted(&node.display().to_string())
        );
        fs::write(bin.join("decentralml-node"), script)?;
        fs::set_permissions(bin.join("decentralml-node"), fs::Permissions::from_mode(0o755))?;
        let [chain, url] = [format!("ws://127.0.0.1:{rpc}"), format!("http://127.0.0.1:{store}")];
        let settings = folder.path().join(".config/decentralml");
        fs::create_dir_all(&settings)?;
        fs::write(
            settings.join("config.toml"),
            format!(
                "chain = \"{chain}\"\nstore = \"{url}\"\n[ipfs]\nlisten = \"127.0.0.1:{store}\"\n"
            ),
        )?;
        Ok(Self { folder, chain, store: url })
    }

    /// Types a line into a new terminal, as the owner of a key.
    fn type_line(&self, line: &str, uri: &str) -> Result<Process> {
        let home = self.folder.path().display().to_string();
        let path = quoted(&format!("{home}/bin:{}", std::env::var("PATH")?));
        let home = quoted(&home);
        let script = format!(
            "cd {home} && exec env -i HOME={home} PATH={path} DECENTRALML_SURI={uri} {line}"
        );
        let name = line.replace(|c: char| !c.is_alphanumeric(), "-") + &uri.replace('/', "-");
        let log = self.folder.path().join(name + ".log");
        let shell = PathBuf::from("/bin/sh");
        Process::start_program(shell, vec!["-c".to_owned(), script], Vec::new(), &log)
    }

    /// Types a line and waits until it has ended, which it does with success.
    async fn done(&self, line: &str, uri: &str) -> Result<String> {
        let mut process = self.type_line(line, uri)?;
        ends(line, &mut process).await?;
        Ok(process.log())
    }
}

/// A word of a shell's command line, whatever is in it.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

async fn ends(line: &str, process: &mut Process) -> Result<()> {
    let code = wait_until("the end of a command", LONG, async || process.exited()).await;
    let code = code.with_context(|| format!("`{line}`\n{}", process.log()))?;
    ensure!(code == 0, "`{line}` ended with {code}:\n{}", process.log());
    Ok(())
}

/// The shell blocks of the README, each line a command.
fn blocks() -> Vec<Vec<String>> {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    fs::read_to_string(readme)
        .unwrap()
        .split("```sh\n")
        .skip(1)
        .map(|block| {
            let block = block.split("```").next().unwrap();
            block.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect()
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_walk_through_of_the_readme_works_as_it_is_written() -> Result<()> {
    let blocks = blocks();
    let [scripts, machines, sponsor, workers, results, end] = &blocks[..] else {
        panic!("the README has other blocks than this test knows: {blocks:#?}");
    };
    // The two scripts run all of this test's companions: scripts/test.sh, and demo.rs.
    assert!(scripts.iter().all(|line| line.starts_with("./scripts/")), "{scripts:?}");
    let [node, daemon, doctor] = &machines[..] else { panic!("{machines:?}") };
    let [split, create, watch] = &sponsor[..] else { panic!("{sponsor:?}") };
    let [trainer, evaluator] = &workers[..] else { panic!("{workers:?}") };
    let [cancel, claim, reap] = &end[..] else { panic!("{end:?}") };

    let desk = Desk::new()?;
    let running = [desk.type_line(node, "//Alice")?, desk.type_line(daemon, "//Alice")?];
    let chain = wait_until("node and store", Duration::from_secs(90), async || {
        let chain = Chain::connect(&desk.chain).await?;
        decentralml_storage::Storage::connect(&desk.store).await?.version().await?;
        Ok((chain.finalized().await?.number() > 0).then_some(chain))
    })
    .await
    .with_context(|| logs(&running))?;
    let before = sum(&chain).await?;
    desk.done(doctor, "//Alice").await?;
    desk.done(split, "//Alice").await?;
    desk.done(create, "//Alice").await?;

    // Each in a terminal of its own, with another account and its own rows.
    let mut last = vec![(watch.clone(), desk.type_line(watch, "//Alice")?)];
    for (part, uri) in (1..).zip(["//Bob", "//Charlie", "//Dave"]) {
        let line = trainer.replace("trainer-1", &format!("trainer-{part}"));
        last.push((line.clone(), desk.type_line(&line, uri)?));
    }
    for uri in ["//Eve", "//Ferdie", "//Alice//stash"] {
        last.push((evaluator.clone(), desk.type_line(evaluator, uri)?));
    }
    wait_until("the first version", LONG, async || {
        Ok(chain.finalized().await?.last_version(0).await?)
    })
    .await
    .with_context(|| last.iter().map(|(_, process)| process.log()).collect::<String>())?;

    let mut said = Vec::new();
    for line in results {
        said.push((line, desk.done(line, "//Alice").await?));
    }
    for (line, answer) in &said {
        let expected = match line.split_whitespace().nth(2) {
            Some("list") if line.contains("model") => "Apache-2.0",
            Some("list") => "release",
            Some("propose") => "motion 0 is open",
            _ => "bafk",
        };
        assert!(answer.contains(expected), "`{line}` says nothing of {expected}:\n{answer}");
    }
    // From there on, as the README says of the two verbs.
    for (words, uri) in
        [("vote 0 --aye", "//Alice"), ("vote 0 --aye", "//Bob"), ("close 0", "//Alice")]
    {
        desk.done(&format!("decentralml council {words}"), uri).await?;
    }
    let released = chain.finalized().await?.model(0, 1).await?.context("version 1")?;
    assert!(matches!(released.status, ModelStatus::Released { .. }), "{released:?}");
    let model = fs::read(desk.folder.path().join("digits.safetensors"))?;
    assert!(model.len() > 1_000, "a model of {} bytes", model.len());

    // All rounds would take longer than a test should; what follows a task's end is the same.
    desk.done(cancel, "//Alice").await?;
    for (line, process) in &mut last {
        ends(line, process).await?;
    }
    let view = chain.finalized().await?;
    assert!(view.open_rows(0).await?.is_empty(), "they end when everything is claimed");
    desk.done(claim, "//Alice").await?;
    desk.done(reap, "//Alice").await?;
    assert!(chain.finalized().await?.task(0).await?.is_none(), "nothing is left of the task");
    assert_eq!(sum(&chain).await?, before);
    assert!(before > TOKEN);
    Ok(())
}

/// What all accounts have together, equal to what was issued.
async fn sum(chain: &Chain) -> Result<u128> {
    let view = chain.finalized().await?;
    let balances = view.balances().await?;
    let sum = balances.iter().map(|(_, balance)| balance.free + balance.reserved).sum();
    assert_eq!(sum, view.total_issuance().await?);
    Ok(sum)
}
