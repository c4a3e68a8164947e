//! How many requests are answered at a time.

use super::answer::Refusal;
use axum::{
    body::{Body, Bytes, HttpBody},
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use hyper::body::{Frame, SizeHint};
use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
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
    next.run(request).await.map(|body| Body::new(Turn { body, _turn: turn }))
}

/// A body that is somebody's turn until it has been sent.
struct Turn {
    body: Body,
    _turn: OwnedSemaphorePermit,
}

impl HttpBody for Turn {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
