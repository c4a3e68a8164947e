//! Answers and errors in Kubo's form.

use crate::{StoreError, block::CidError};
use axum::{
    Json,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::json;

/// An error answer: a sentence where the request is wrong, `{"Message","Code","Type"}` where its execution failed.
#[derive(Debug)]
pub(super) struct Failure {
    status: StatusCode,
    message: String,
}

impl Failure {
    /// An argument or an option is missing or no value of its type (status 400, plain text).
    pub fn request(message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, message: message.into() }
    }

    /// It was understood and failed (status 500, Kubo's only other one).
    pub fn command(message: impl Into<String>) -> Self {
        Self { status: StatusCode::INTERNAL_SERVER_ERROR, message: message.into() }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::command(error.to_string())
    }
}

impl From<CidError> for Failure {
    fn from(error: CidError) -> Self {
        Self::command(format!("invalid path: {error}"))
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        if self.status == StatusCode::BAD_REQUEST {
            return (self.status, self.message + "\n").into_response();
        }
        // 0 is Kubo's code for any error of a command.
        let body = json!({ "Message": self.message, "Code": 0, "Type": "error" });
        (self.status, Json(body)).into_response()
    }
}

/// One JSON value per line, as the streaming commands answer.
pub(super) fn json_lines<T: Serialize>(values: &[T]) -> Result<Response, Failure> {
    let mut body = String::new();
    for value in values {
        body += &serde_json::to_string(value).map_err(|e| Failure::command(e.to_string()))?;
        body.push('\n');
    }
    let headers = [(header::CONTENT_TYPE.as_str(), "application/json"), ("x-chunked-output", "1")];
    Ok((headers, body).into_response())
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
