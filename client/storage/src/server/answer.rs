//! Answers and errors in Kubo's form.

use crate::StoreError;
use axum::{
    BoxError,
    body::Body,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use futures::{StreamExt, stream};
use serde::Serialize;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{runtime::Handle, sync::mpsc};

/// An error answer: a sentence where the request is wrong, `{"Message","Code","Type"}` where its execution failed.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(super) struct Failure {
    status: StatusCode,
    message: String,
}

/// An error as Kubo writes it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct FailureBody {
    message: String,
    code: u8,
    r#type: &'static str,
}

impl Failure {
    /// An argument or an option is missing or no value of its type (status 400, plain text).
    pub fn request(message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, message: message.into() }
    }

    /// It was understood and failed (status 500, Kubo's only other one).
    pub fn command(message: impl ToString) -> Self {
        Self { status: StatusCode::INTERNAL_SERVER_ERROR, message: message.to_string() }
    }

    /// As it stands in an answer.
    pub fn body(&self) -> FailureBody {
        // 0 is Kubo's code for any error of a command.
        FailureBody { message: self.message.clone(), code: 0, r#type: "error" }
    }

    /// Says in which part of a command it failed.
    pub fn of(self, part: &str) -> Self {
        Self { message: format!("{part}: {}", self.message), ..self }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        // What was wrong with an upload comes back through whoever was reading it.
        match error {
            StoreError::Source(source) => source
                .downcast::<Self>()
                .unwrap_or_else(|source| Self::command(StoreError::Source(source))),
            error => Self::command(error),
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        if self.status == StatusCode::BAD_REQUEST {
            return sentence(self.status, &self.message);
        }
        (self.status, json(&self.body())).into_response()
    }
}

/// An answer in plain text. `nosniff` keeps browsers from taking what a request had in it for a page.
pub(super) fn sentence(status: StatusCode, text: &str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (status, headers, format!("{text}\n")).into_response()
}

/// One JSON value.
pub(super) fn json<T: Serialize>(value: &T) -> Response {
    match lines(std::slice::from_ref(value)) {
        Ok(body) => ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
        Err(error) => sentence(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

/// One JSON value per line, as the streaming commands answer.
pub(super) fn json_lines<T: Serialize>(values: &[T]) -> Result<Response, Failure> {
    let body = lines(values).map_err(|e| Failure::command(e.to_string()))?;
    Ok(streamed("application/json", VALUES, body))
}

/// The header by which Kubo's clients tell a stream of values, and the one of a stream of bytes.
const VALUES: &str = "x-chunked-output";
pub(super) const CHUNKS_OF_BYTES: &str = "x-stream-output";

/// An answer that clients take piece by piece, of a media type and under the header of its kind of stream.
pub(super) fn streamed(
    media_type: &'static str,
    stream: &'static str,
    body: impl IntoResponse,
) -> Response {
    ([(header::CONTENT_TYPE.as_str(), media_type), (stream, "1")], body).into_response()
}

fn lines<T: Serialize>(values: &[T]) -> serde_json::Result<String> {
    values.iter().map(|value| Ok(text(value)? + "\n")).collect()
}

/// A value as Go writes it: of what is in it, nothing begins or ends a tag where somebody puts it into a page.
pub(super) fn text<T: Serialize>(value: &T) -> serde_json::Result<String> {
    let text = serde_json::to_string(value)?;
    let is_escaped = |c: char| matches!(c, '<' | '>' | '&' | '\u{2028}' | '\u{2029}');
    if !text.contains(is_escaped) {
        return Ok(text);
    }
    // All of them are in strings: JSON itself has none.
    let mut escaped = String::with_capacity(2 * text.len());
    for c in text.chars() {
        match is_escaped(c) {
            true => escaped += &format!("\\u{:04x}", u32::from(c)),
            false => escaped.push(c),
        }
    }
    Ok(escaped)
}

/// Time that a client has to take a line; what works for it waits that long.
const STALLED: Duration = Duration::from_secs(10);

/// Runs what touches the disk where it may block, and answers with a line for each value that it emits, at once. An error before
/// the first line is an error answer, a later one cuts the connection, as a panic does. `work` goes on when the client has gone or
/// takes no more lines, and can see that by what its argument returns. It must not hold what others wait for.
pub(super) async fn emitted<T: Serialize>(
    work: impl FnOnce(&mut dyn FnMut(&T) -> bool) -> Result<(), BoxError> + Send + 'static,
) -> Result<Response, Failure> {
    emitted_with(64, work).await
}

/// [`emitted`], with so many lines that wait for the client.
pub(super) async fn emitted_with<T: Serialize>(
    waiting: usize,
    work: impl FnOnce(&mut dyn FnMut(&T) -> bool) -> Result<(), BoxError> + Send + 'static,
) -> Result<Response, Failure> {
    let (sender, mut receiver) = mpsc::channel(waiting);
    let runtime = Handle::current();
    let complete = Arc::new(AtomicBool::new(false));
    let is_complete = complete.clone();
    tokio::task::spawn_blocking(move || {
        let mut listening = true;
        let mut send = |line| {
            listening = listening && runtime.block_on(sender.send_timeout(line, STALLED)).is_ok();
            listening
        };
        let worked =
            work(&mut |value: &T| send(lines(std::slice::from_ref(value)).map_err(BoxError::from)));
        match worked {
            Ok(()) => complete.store(listening, Ordering::Release),
            Err(error) => {
                tracing::warn!(%error, "an answer ends early");
                send(Err(error));
            }
        }
    });
    let ended = || BoxError::from("the answer was not taken in time, or the store failed");
    let first = match receiver.recv().await {
        None if !is_complete.load(Ordering::Acquire) => Err(ended()),
        first => first.transpose(),
    };
    let first = first.map_err(|error| match error.downcast::<Failure>() {
        Ok(failure) => *failure,
        Err(error) => Failure::command(error),
    })?;
    let rest = stream::unfold(Some(receiver), move |receiver| {
        let is_complete = is_complete.clone();
        async move {
            let mut receiver = receiver?;
            match receiver.recv().await {
                Some(Ok(line)) => Some((Ok(line), Some(receiver))),
                None if is_complete.load(Ordering::Acquire) => None,
                failed => {
                    // So that the lines before it are sent: with the error the connection ends at once.
                    tokio::task::yield_now().await;
                    Some((failed.unwrap_or_else(|| Err(ended())), None))
                }
            }
        }
    });
    let first = stream::iter(first.map(Ok::<_, BoxError>));
    Ok(streamed("application/json", VALUES, Body::from_stream(first.chain(rest))))
}

/// Runs what touches the disk where it may block.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, Failure> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => Ok(result?),
        Err(e) => Err(Failure::command(format!("the store failed: {e}"))),
    }
}
