//! How many requests are answered at a time.

use super::{answer::Refusal, guarded::guarded};
use axum::{
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// Answers with status 503 when too many others are being answered.
pub(super) async fn take(
    State(turns): State<Arc<Semaphore>>,
    request: Request,
    next: Next,
) -> Response {
    answer(turns.try_acquire_owned().ok(), request, next).await
}

/// [`take`], after others for some time.
pub(crate) async fn queue(
    State((turns, patience)): State<(Arc<Semaphore>, Duration)>,
    request: Request,
    next: Next,
) -> Response {
    let turn = timeout(patience, turns.acquire_owned()).await;
    answer(turn.ok().and_then(Result::ok), request, next).await
}

async fn answer(turn: Option<OwnedSemaphorePermit>, request: Request, next: Next) -> Response {
    let Some(turn) = turn else {
        let refusal = Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "too many requests at a time");
        return ([(header::RETRY_AFTER, "1")], refusal).into_response();
    };
    // It is somebody's turn until the answer has been sent.
    next.run(request).await.map(|body| guarded(body, turn))
}
