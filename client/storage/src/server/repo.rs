//! `repo/gc`, `repo/verify`.

use super::{
    answer::{Failure, emitted},
    params::Params,
};
use crate::{Store, StoreError};
use axum::{
    extract::{Query, State},
    response::Response,
};
use decentralml_types::Cid;
use serde::Serialize;
use std::{ops::ControlFlow, sync::Arc};

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

/// Goes on to its end when the client has gone, as Kubo does.
pub(super) async fn gc(
    State(store): State<Arc<Store>>,
    Query(params): Query<Params>,
) -> Result<Response, Failure> {
    let silent = params.flag("silent")?.unwrap_or(false);
    let stream_errors = params.flag("stream-errors")?.unwrap_or(false);
    // Only Kubo's own command line does anything with it.
    params.flag("quiet")?;
    emitted(move |emit: &mut dyn FnMut(&GcLine) -> bool| {
        let collected = store.gc(|cid: &Cid| {
            if !silent || stream_errors {
                emit(&GcLine { key: Some(Link { cid: cid.to_string() }), error: None });
            }
        });
        match collected {
            Ok(collected) => {
                tracing::info!(blocks = collected.blocks, bytes = collected.bytes, "collected");
                Ok(())
            }
            Err(error) => {
                if stream_errors {
                    emit(&GcLine { key: None, error: Some(error.to_string()) });
                }
                Err(error.into())
            }
        }
    })
    .await
}

/// Ends when the client has gone. What is corrupt is neither dropped nor looked for elsewhere: the client adds or fetches it again.
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
