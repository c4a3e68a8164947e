//! What the paths in a request lead to.

use super::answer::Failure;
use crate::{
    Store, StoreError, WrittenCid,
    unixfs::{DagPath, ResolveError},
};
use std::sync::Arc;
use tokio::task::spawn_blocking;

impl From<ResolveError<StoreError>> for Failure {
    fn from(error: ResolveError<StoreError>) -> Self {
        Self::command(error.to_string())
    }
}

/// What a path names.
pub(super) fn resolve(store: &Store, path: &DagPath) -> Result<WrittenCid, Failure> {
    let trail = path.resolve(|cid| store.get(cid))?;
    Ok(trail.last().copied().unwrap_or(path.root()))
}

/// What all paths name, in their order.
pub(super) async fn resolve_all(
    store: &Arc<Store>,
    paths: Vec<DagPath>,
) -> Result<Vec<WrittenCid>, Failure> {
    let store = store.clone();
    following(move || paths.iter().map(|path| resolve(&store, path)).collect()).await
}

/// Runs what touches the disk where it may block, and has paths to follow.
pub(super) async fn following<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let ended = spawn_blocking(work).await;
    ended.unwrap_or_else(|e| Err(Failure::command(format!("the store failed: {e}"))))
}
