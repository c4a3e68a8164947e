//! `dag/import`: the blocks of CARs.

use super::super::{
    answer::{Failure, blocking, json_lines},
    incoming::{broken, feed},
    params::Params,
};
use crate::{
    Store, WrittenCid,
    car::{CarError, CarImport, ImportError, MAX_BLOCKS},
};
use axum::{
    extract::{Multipart, Query, State, multipart::MultipartRejection},
    response::Response,
};
use serde::Serialize;
use std::sync::Arc;

/// Most roots, and most files, of one request.
const MAX_ROOTS: usize = 4096;

#[derive(Serialize)]
enum Line {
    Root(Root),
    Stats(Stats),
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Root {
    cid: Link,
    /// Why it is not pinned, or nothing.
    pin_error_msg: String,
}

#[derive(Serialize)]
struct Link {
    #[serde(rename = "/")]
    cid: String,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Stats {
    block_count: u64,
    block_bytes_count: u64,
}

/// A CAR is imported as a whole or not at all. Roots are pinned when all files are in, so that a DAG may come in several; one
/// that cannot be pinned says why in its line.
pub(crate) async fn import(
    State(store): State<Arc<Store>>,
    Query(params): Query<Params>,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Response, Failure> {
    let pin = params.flag("pin-roots")?.unwrap_or(true);
    let stats = params.flag("stats")?.unwrap_or(false);
    if params.flag("allow-big-block")?.unwrap_or(false) {
        return Err(Failure::command("unsupported option allow-big-block"));
    }
    let mut form = form.map_err(|_| Failure::request("file argument 'path' is required"))?;
    let mut total = Stats::default();
    let (mut roots, mut holds, mut files) = (Vec::<WrittenCid>::new(), Vec::new(), 0);
    while let Some(field) = form.next_field().await.map_err(broken)? {
        files += 1;
        let store = store.clone();
        let imported = feed(field, move |reader| store.import_car(reader, None)).await?;
        let CarImport { roots: more, blocks, bytes, hold } = imported.map_err(failed)?;
        total.block_count += blocks;
        total.block_bytes_count += bytes;
        holds.push(hold);
        for root in more {
            if !roots.contains(&root) {
                roots.push(root);
            }
        }
        if roots.len() > MAX_ROOTS || files > MAX_ROOTS || total.block_count > MAX_BLOCKS {
            return Err(Failure::command(format!(
                "import failed: more than {MAX_ROOTS} roots or files, or {MAX_BLOCKS} blocks, in one request; use several"
            )));
        }
    }
    let mut lines = Vec::new();
    if pin {
        let pinned = blocking(move || {
            let pinned = |root: &WrittenCid| store.pin(&root.cid()).map_err(|e| e.to_string());
            let lines = roots.iter().map(|root| Root {
                cid: Link { cid: root.to_string() },
                pin_error_msg: pinned(root).err().unwrap_or_default(),
            });
            Ok(lines.collect::<Vec<_>>())
        });
        lines.extend(pinned.await?.into_iter().map(Line::Root));
    }
    drop(holds);
    if stats {
        lines.push(Line::Stats(total));
    }
    json_lines(&lines)
}

fn failed(error: ImportError) -> Failure {
    match error {
        ImportError::Car(CarError::Version(_)) => Failure::command(error.to_string()),
        error => Failure::command(format!("import failed: {error}")),
    }
}
