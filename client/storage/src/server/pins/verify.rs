//! `pin/verify`.

use crate::{
    Store,
    server::{
        answer::{Failure, emitted},
        params::Params,
    },
};
use axum::{
    extract::{Query, State},
    response::Response,
};
use serde::Serialize;
use std::{ops::ControlFlow, sync::Arc};

/// A pin, and what is wrong with it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PinLine {
    cid: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    ok: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    bad_nodes: Vec<BadNode>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct BadNode {
    cid: String,
    err: String,
}

/// Other than Kubo's it misses raw leaves too. Ends when the client has gone.
pub(in crate::server) async fn verify(
    State(store): State<Arc<Store>>,
    Query(params): Query<Params>,
) -> Result<Response, Failure> {
    let verbose = params.flag("verbose")?.unwrap_or(false);
    let quiet = params.flag("quiet")?.unwrap_or(false);
    if verbose && quiet {
        return Err(Failure::command(
            "the --verbose and --quiet options can not be used at the same time",
        ));
    }
    emitted(move |emit: &mut dyn FnMut(&PinLine) -> bool| {
        store.check_pins(|root, faults| {
            let ok = faults.is_empty();
            if ok && !verbose {
                return ControlFlow::Continue(());
            }
            let bad = faults.iter().filter(|_| !quiet);
            let bad = bad.map(|(cid, why)| BadNode { cid: cid.to_string(), err: why.to_string() });
            match emit(&PinLine { cid: root.to_string(), ok, bad_nodes: bad.collect() }) {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            }
        })?;
        Ok(())
    })
    .await
}
