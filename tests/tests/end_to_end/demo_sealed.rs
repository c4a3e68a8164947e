//! The demo of a sealed task, cut short: what is sealed in it is not readable for anybody who looks into the store.

use anyhow::{Context, Result};
use decentralml_tests::{Process, program, wait_until};
use serde_json::Value;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(400);

#[tokio::test(flavor = "multi_thread")]
async fn the_sealed_demo_shows_that_nobody_but_the_seats_reads_an_update() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let out = folder.path().join("out");
    let node = program("decentralml-node")?.display().to_string();
    let words = ["demo", "--sealed", "--rounds", "2", "--node", &node, "--out"];
    let mut arguments: Vec<String> = words.map(str::to_owned).to_vec();
    arguments.push(out.display().to_string());
    let log = folder.path().join("demo.log");
    let mut demo = Process::start("decentralml", arguments, Vec::new(), &log)?;
    let code = wait_until("the demo's end", LIMIT, async || demo.exited()).await;
    let printed = demo.log();
    assert_eq!(code.with_context(|| printed.clone())?, 0, "{printed}");

    // Six trainers, two rounds; what the first one has left may be gone.
    let sealed =
        printed.lines().find_map(|line| line.strip_prefix("sealed ")).context(printed.clone())?;
    assert!(sealed.contains("none readable without the keys of the drawn evaluators"), "{sealed}");
    let count: u32 = sealed.trim().split(' ').next().unwrap_or_default().parse()?;
    assert!((6..=12).contains(&count), "{sealed}");
    let report: Value = serde_json::from_slice(&std::fs::read(out.join("report.json"))?)?;
    assert_eq!((&report["sealed"], &report["balances_add_up"]), (&true.into(), &true.into()));
    assert_eq!(report["accuracy"].as_array().map(Vec::len), Some(2), "{report:#}");
    assert_eq!(report["rejected"].as_array().map(Vec::len), Some(2), "hostile and free-rider");
    Ok(())
}
