//! Answers and errors in Kubo's form.

use crate::StoreError;
use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

/// An error answer: a sentence where the request is wrong, `{"Message","Code","Type"}` where its execution failed.
#[derive(Debug)]
pub(super) struct Failure {
    status: StatusCode,
    message: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct FailureBody<'a> {
    message: &'a str,
    code: u8,
    r#type: &'static str,
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

    /// Says in which part of a command it failed.
    pub fn of(self, part: &str) -> Self {
        Self { message: format!("{part}: {}", self.message), ..self }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::command(error.to_string())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        if self.status == StatusCode::BAD_REQUEST {
            return sentence(self.status, &self.message);
        }
        // 0 is Kubo's code for any error of a command.
        let body = FailureBody { message: &self.message, code: 0, r#type: "error" };
        (self.status, json(&body)).into_response()
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
    let headers = [(header::CONTENT_TYPE.as_str(), "application/json"), ("x-chunked-output", "1")];
    Ok((headers, body).into_response())
}

fn lines<T: Serialize>(values: &[T]) -> serde_json::Result<String> {
    values.iter().map(|value| Ok(serde_json::to_string(value)? + "\n")).collect()
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
