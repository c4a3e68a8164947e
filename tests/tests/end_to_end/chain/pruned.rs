//! A node that has forgotten the state and the bodies of its blocks.

use anyhow::{Context, Result};
use decentralml_sdk::{Anchor, Chain};
use decentralml_tests::{Process, free_port, wait_until};
use decentralml_types::Hash;
use std::time::Duration;

/// Final blocks that the node keeps.
const KEPT: u32 = 8;

const SOON: Duration = Duration::from_secs(90);

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_has_forgotten_a_block_still_says_whether_its_chain_contains_it() -> Result<()>
{
    let folder = tempfile::tempdir()?;
    let base = folder.path().join("data").display().to_string();
    let [rpc, network, kept] =
        [free_port()?.to_string(), free_port()?.to_string(), KEPT.to_string()];
    let arguments = ["--dev", "--base-path", &base, "--rpc-port", &rpc, "--port", &network]
        .into_iter()
        .chain(["--state-pruning", &kept, "--blocks-pruning", &kept])
        .chain(["--no-prometheus", "--no-telemetry", "--no-mdns"]);
    let log = folder.path().join("node.log");
    let arguments = arguments.map(str::to_owned).collect();
    let mut node = Process::start("decentralml-node", arguments, Vec::new(), &log)?;
    let url = format!("ws://127.0.0.1:{rpc}");
    let connect = async || {
        let chain = wait_until("the node", SOON, async || Ok(Some(Chain::connect(&url).await?)));
        chain.await.with_context(|| std::fs::read_to_string(&log).unwrap_or_default())
    };
    let chain = connect().await?;
    let anchor = wait_until("a final block", SOON, async || {
        let view = chain.finalized().await?;
        Ok((view.number() > 0).then(|| view.anchor()))
    })
    .await?;
    let validators =
        async |chain: &Chain| anyhow::Ok(chain.at(anchor.hash).await?.validators().await?);
    assert_eq!(validators(&chain).await?.len(), 1);
    let later = wait_until("enough blocks", SOON, async || {
        let view = chain.finalized().await?;
        Ok((view.number() > anchor.number + 3 * KEPT).then(|| view.anchor()))
    })
    .await?;

    // Also when it knows only what is on its disk.
    node.signal("TERM")?;
    wait_until("the node to end", SOON, async || node.exited()).await?;
    node.restart()?;
    for chain in [chain, connect().await?] {
        let forgotten = async || Ok(validators(&chain).await.is_err().then_some(()));
        wait_until("the state to be forgotten", SOON, forgotten).await?;
        for known in [anchor, later] {
            assert!(known.is_in(&chain).await?, "{known:?}");
        }
        let other = |number, hash: Hash| Anchor { number, hash };
        // A fork's block, the block of another height, and one that nobody has made yet.
        for unknown in [
            other(anchor.number, [9; 32]),
            other(anchor.number + 1, anchor.hash),
            other(u32::MAX, anchor.hash),
        ] {
            assert!(!unknown.is_in(&chain).await?, "{unknown:?}");
        }
    }
    Ok(())
}
