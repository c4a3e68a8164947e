//! Why a request gets nothing.

use super::{AuthorizationError, Refusal, STEP};
use crate::{StoreError, WrittenCid, unixfs::NodeError};
use axum::{
    Json,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use std::time::Duration;

/// Where an upload is.
pub(super) const OFFSET: HeaderName = HeaderName::from_static("upload-offset");

/// An error answer.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    status: StatusCode,
    kind: &'static str,
    message: String,
    offset: Option<u64>,
}

impl Fault {
    fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        Self { status, kind, message: message.into(), offset: None }
    }

    pub fn request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad-request", message)
    }

    pub fn malformed(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", message)
    }

    pub fn node(cid: &WrittenCid, error: &NodeError) -> Self {
        Self::malformed(format!("{cid} cannot be read: {error}"))
    }

    pub fn mismatch(cid: &WrittenCid) -> Self {
        let message = format!("the bytes given for {cid} have another hash");
        Self::new(StatusCode::BAD_REQUEST, "mismatch", message)
    }

    pub fn foreign(expected: &WrittenCid) -> Self {
        let message = format!(
            "another block than {expected}, which is the next of the DAG; blocks come depth first, each once"
        );
        Self::new(StatusCode::BAD_REQUEST, "foreign-block", message)
    }

    pub fn another_update(most: usize) -> Self {
        let message = format!("this account has handed over {most} other CIDs in this round");
        Self::new(StatusCode::FORBIDDEN, "another-update", message)
    }

    pub fn released() -> Self {
        Self::new(StatusCode::FORBIDDEN, "released", "what is of this round is no longer kept")
    }

    pub fn stalled(limit: Duration) -> Self {
        let message = format!("less than {STEP} bytes came in {} s", limit.as_secs_f64());
        Self::new(StatusCode::REQUEST_TIMEOUT, "stalled", message)
    }

    pub fn offset(offset: u64, message: &str) -> Self {
        let fault = Self::new(StatusCode::CONFLICT, "offset", message);
        Self { offset: Some(offset), ..fault }
    }

    pub fn superseded() -> Self {
        let message = "a newer request goes on with this upload";
        Self::new(StatusCode::CONFLICT, "superseded", message)
    }

    pub fn too_large(limit: u64) -> Self {
        let message = format!("more than the {limit} bytes that are stated and granted");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", message)
    }

    pub fn too_many_blocks(most: u64) -> Self {
        let message = format!("more than the {most} blocks that so many bytes may have");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-many-blocks", message)
    }

    pub fn busy(what: &str) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", what)
    }

    pub fn failed() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "store", "the store failed")
    }

    /// Nobody is left to read it.
    pub fn cut(error: &axum::Error) -> Self {
        Self::request(format!("the upload was cut off: {error}"))
    }
}

impl From<AuthorizationError> for Fault {
    fn from(error: AuthorizationError) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", error.to_string())
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        let (status, kind) = match &refusal {
            Refusal::Signature => (StatusCode::UNAUTHORIZED, "unauthorized"),
            Refusal::Denied(_) => (StatusCode::FORBIDDEN, "denied"),
            Refusal::Expired => (StatusCode::FORBIDDEN, "expired"),
            Refusal::NotReady(_) => (StatusCode::SERVICE_UNAVAILABLE, "not-ready"),
        };
        Self::new(status, kind, refusal.to_string())
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        tracing::warn!(%error, "a host cannot keep what it is given");
        match error {
            // Neither the folder nor how to start the host is the sender's business.
            StoreError::QuotaExceeded { .. } | StoreError::DiskFull(_) => {
                Self::new(StatusCode::INSUFFICIENT_STORAGE, "full", "this host has no room left")
            }
            _ => Self::failed(),
        }
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let Self { status, kind, message, offset } = self;
        let body = Json(serde_json::json!({ "error": kind, "message": message }));
        let mut response = (status, [(header::CACHE_CONTROL, "no-store")], body).into_response();
        let headers = response.headers_mut();
        if let Some(offset) = offset {
            headers.insert(OFFSET, offset.into());
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("DecentralML"));
        }
        response
    }
}
