//! `repo/gc`, `repo/verify`.

use super::{
    answer::{Failure, emitted},
    params::Params,
};
use crate::{Collected, Store, StoreError, store::Told};
use axum::{
    extract::{Query, State},
    response::Response,
};
use decentralml_types::Cid;
use serde::Serialize;
use std::{
    ops::ControlFlow,
    sync::{Arc, mpsc},
};

/// A block that was removed, or why the collection failed.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct GcLine {
    key: Option<Link>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// A CID as DAG-JSON has it.
#[derive(Serialize)]
struct Link {
    #[serde(rename = "/")]
    cid: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct VerifyLine {
    msg: String,
    progress: u64,
}

/// What a collection says, on its way to the client.
enum Said {
    Removed(Cid),
    Broken(String),
    Ended(Result<Collected, StoreError>),
}

/// Goes on to its end when the client has gone, as Kubo does. Nor does it wait for a client that takes its lines slowly, since
/// others may wait for the collection: what is still to be told, 40 bytes for each block that was removed, waits instead.
pub(super) async fn gc(
    State(store): State<Arc<Store>>,
    Query(params): Query<Params>,
) -> Result<Response, Failure> {
    let silent = params.flag("silent")?.unwrap_or(false);
    let stream_errors = params.flag("stream-errors")?.unwrap_or(false);
    // Only Kubo's own command line does anything with it.
    params.flag("quiet")?;
    let (say, said) = mpsc::channel();
    tokio::task::spawn_blocking(move || {
        // Nobody listens any more where it fails.
        let say = |what| drop(say.send(what));
        let ended = store.gc_telling(|told| match told {
            Told::Removed(cid) if !silent || stream_errors => say(Said::Removed(*cid)),
            Told::Broken { root, source } if stream_errors => {
                say(Said::Broken(format!("the pinned {root} is not whole: {source}")));
            }
            _ => {}
        });
        if let Ok(Collected { blocks, bytes, broken }) = ended {
            tracing::info!(blocks, bytes, broken, "collected");
        }
        say(Said::Ended(ended));
    });
    let failed = |error: String| GcLine { key: None, error: Some(error) };
    emitted(move |emit: &mut dyn FnMut(&GcLine) -> bool| {
        for said in said {
            let line = match said {
                Said::Removed(cid) => {
                    GcLine { key: Some(Link { cid: cid.to_string() }), error: None }
                }
                Said::Broken(error) => failed(error),
                Said::Ended(Ok(_)) => return Ok(()),
                Said::Ended(Err(error)) => {
                    if stream_errors {
                        emit(&failed(error.to_string()));
                    }
                    return Err(error.into());
                }
            };
            if !emit(&line) {
                return Err("the answer was not taken in time".into());
            }
        }
        Err("the collection failed".into())
    })
    .await
}

/// Ends when the client has gone. What is corrupt is neither dropped nor looked for elsewhere: the client puts it again.
pub(super) async fn verify(
    State(store): State<Arc<Store>>,
    Query(params): Query<Params>,
) -> Result<Response, Failure> {
    for option in ["drop", "heal"] {
        if params.flag(option)? == Some(true) {
            return Err(Failure::command(format!(
                "unsupported option {option}: corrupt blocks are served to nobody; adding their files again heals them"
            )));
        }
    }
    emitted(move |emit: &mut dyn FnMut(&VerifyLine) -> bool| {
        let verified = store.verify(|blocks, fault| {
            if let Some(fault) = fault {
                emit(&VerifyLine { msg: described(fault), progress: 0 });
            }
            match emit(&VerifyLine { msg: String::new(), progress: blocks }) {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            }
        })?;
        let msg = match verified.corrupt {
            0 => "verify complete, all blocks validated.".to_owned(),
            corrupt => format!("verify complete, {corrupt} blocks corrupt"),
        };
        emit(&VerifyLine { msg: msg.clone(), progress: 0 });
        match verified.corrupt {
            0 => Ok(()),
            // No client can take that for a success. Kubo says it in a trailer, which few of them read.
            _ => Err(msg.into()),
        }
    })
    .await
}

/// In Kubo's words, by which clients tell such lines from others.
fn described(fault: &StoreError) -> String {
    match fault {
        StoreError::Corrupt { cid, .. } => {
            format!("block {cid} was corrupt (block in storage has different hash than requested)")
        }
        other => format!("a block was corrupt ({other})"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use axum::http::Uri;
    use std::time::Duration;

    #[tokio::test]
    async fn a_client_that_takes_no_lines_keeps_no_collection_waiting() {
        // More than wait for a client on their way to it.
        const BLOCKS: u16 = 300;
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::open(folder.path()).unwrap());
        for number in 0..BLOCKS {
            store.add(&number.to_be_bytes()[..], false).unwrap();
        }
        let query = Query::try_from_uri(&Uri::from_static("/repo/gc")).unwrap();
        let answer = gc(State(store.clone()), query).await.unwrap();
        while store.stat().unwrap().blocks > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        // It has not missed any for all that.
        let body = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        let lines = body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        assert_eq!(lines.count(), usize::from(BLOCKS));
    }
}
