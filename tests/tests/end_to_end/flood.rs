//! Calls that cost nothing cannot be used to fill a node's pool or blocks.

use anyhow::{Context, Result};
use decentralml_sdk::{Signer, SubmitError, Wait, call};
use decentralml_tests::{POCKET, System, wait_until};
use serde_json::Value;
use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

/// Accounts that flood, and calls of each.
const ACCOUNTS: usize = 8;
const CALLS: usize = 50;

/// What a node has in its pool.
fn pending(url: &str) -> Result<Vec<Value>> {
    let address = url.strip_prefix("ws://").context("a plain address")?.trim_end_matches('/');
    let question = r#"{"jsonrpc":"2.0","id":1,"method":"author_pendingExtrinsics","params":[]}"#;
    let mut stream = TcpStream::connect(address)?;
    write!(
        stream,
        "POST / HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{question}",
        question.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let body = answer.split_once("\r\n\r\n").context(answer.clone())?.1;
    let answer: Value = serde_json::from_str(body)?;
    Ok(answer["result"].as_array().context(answer.to_string())?.clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_free_calls_that_would_fail_reaches_neither_pool_nor_block() -> Result<()> {
    let people: Vec<String> = (0..ACCOUNTS).map(|who| format!("//Flood{who}")).collect();
    let names: Vec<&str> = people.iter().map(String::as_str).collect();
    let system = System::prepared(&names, 3).await?;
    let task = system.create_task(1, 3, &[])?;

    let floods: Vec<_> = people
        .iter()
        .map(|uri| {
            let (chain, signer) = (system.chain.clone(), Signer::from_uri(uri));
            tokio::spawn(async move {
                let signer = signer?;
                for number in 0..CALLS {
                    // Nothing is there to be moved on, and nobody is drawn.
                    let (name, call) = match number % 2 {
                        0 => ("NothingToAdvance", call::advance(task)),
                        _ => ("NoRound", call::commit(task, 1, [7; 32])),
                    };
                    match chain.submit(&signer, &call, Wait::InBlock).await {
                        Err(SubmitError::Rejected { name: found, .. }) if found == name => {}
                        other => anyhow::bail!("{call}: {other:?}"),
                    }
                }
                Ok(())
            })
        })
        .collect();
    for flood in floods {
        flood.await??;
    }
    let url = &system.node.as_ref().context("a node")?.url;
    assert_eq!(pending(url)?, Vec::<Value>::new());
    // Nor has any block anything of theirs: each would have cost a fee.
    wait_until("another final block", Duration::from_secs(60), async || {
        let signer = Signer::from_uri("//Flood0")?;
        system
            .chain
            .submit(&signer, &call::transfer(&signer.account(), 1), Wait::Finalized)
            .await?;
        Ok(Some(()))
    })
    .await?;
    for uri in &people[1..] {
        assert_eq!(system.owned_by(uri).await?, POCKET, "{uri}");
    }
    Ok(())
}
