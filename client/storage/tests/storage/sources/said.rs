//! What an error says of the sources that were asked.

use super::{
    MIB,
    support::{
        Daemon, bytes,
        peer::{Manner, Peer, blocks_of, dead},
        quick,
    },
};
use decentralml_storage::{Config, Error, SourceUrl, Storage};

/// Characters that are bearable on a terminal.
const BEARABLE: usize = 4000;

#[tokio::test]
async fn where_nobody_has_a_block_it_is_said_what_each_source_did() {
    let data = bytes(2 * MIB + 10);
    let (root, blocks) = blocks_of(&data);
    let own = Daemon::start().await;
    let lacks = Peer::all(&blocks, Manner::Lacks).await;
    let liar = Peer::all(&blocks, Manner::Lies).await;
    let dead = dead().await;
    let urls = [lacks.url(), liar.url(), dead];
    let storage = own.client().await.with_sources(&urls);
    let error = storage.fetch(&root, data.len() as u64).await.unwrap_err();
    assert!(matches!(error, Error::NotFound { cid, .. } if cid == root), "{error}");
    let text = error.to_string();
    for (url, did) in urls.iter().zip(["does not have it", "gave wrong bytes", "cannot be reached"])
    {
        assert!(text.contains(&format!("{url} {did}")), "{did}: {text}");
    }
}

#[tokio::test]
async fn where_the_store_is_silent_it_is_said_what_the_others_did() {
    let data = bytes(2 * MIB + 10);
    let (root, blocks) = blocks_of(&data);
    let own = Peer::all(&blocks, Manner::Mute).await;
    let others =
        [Peer::all(&blocks, Manner::Lacks).await, Peer::all(&blocks, Manner::IsDown).await];
    let config = Config { attempts: 1, ..quick() };
    let storage = Storage::connect_with(&own.origin, config).await.unwrap();
    let storage = storage.with_sources(&[others[0].url(), others[1].url()]);
    let error = storage.fetch(&root, data.len() as u64).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains(&format!("{} does not have it", others[0].origin)), "{text}");
    assert!(text.contains(&others[1].origin) && text.contains("503"), "{text}");
}

#[tokio::test]
async fn many_sources_do_not_make_an_endless_error() {
    let data = bytes(2 * MIB + 10);
    let (root, blocks) = blocks_of(&data);
    let own = Daemon::start().await;
    let liar = Peer::all(&blocks, Manner::Lies).await;
    let port = liar.origin.rsplit(':').next().unwrap();
    let long = "a/".repeat(30);
    let urls: Vec<SourceUrl> = (1..=32)
        .map(|number| format!("http://127.0.0.{number}:{port}/{long}{number}").parse().unwrap())
        .collect();
    let storage = own.client().await.with_sources(&urls);
    let text = storage.fetch(&root, data.len() as u64).await.unwrap_err().to_string();
    assert!(text.len() < BEARABLE, "{} characters: {text}", text.len());
    assert!(text.contains(urls[0].as_str()) && text.contains("24 more"), "{text}");
}
