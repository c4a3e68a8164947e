//! Headers and refusals.

use crate::{
    StoreError,
    unixfs::{NodeError, ResolveError},
};
use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

/// What is under a CID never changes.
pub(super) const FOREVER: &str = "public, max-age=29030400, immutable";

pub(super) const METHODS: &str = "GET, HEAD, OPTIONS";

/// A sentence instead of what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub status: StatusCode,
    text: String,
}

impl Refusal {
    pub fn new(status: StatusCode, text: impl Into<String>) -> Self {
        Self { status, text: text.into() }
    }

    /// Of what cannot be read. `only_cached` asks for another status of what is missing, as of caches.
    pub fn failure(error: &StoreError, only_cached: bool) -> Self {
        let status = match error {
            StoreError::NotFound(_) if only_cached => StatusCode::PRECONDITION_FAILED,
            StoreError::NotFound(_) => StatusCode::NOT_FOUND,
            StoreError::Node { source: NodeError::NotAFile(_), .. } => {
                let text = format!("{error}; ask for its blocks with ?format=raw or ?format=car");
                return Self::new(StatusCode::NOT_ACCEPTABLE, text);
            }
            // What it says of the disk of this machine is nobody's business.
            StoreError::Corrupt { cid, .. } => {
                let text = format!("block {cid} is corrupt here");
                return Self::new(StatusCode::INTERNAL_SERVER_ERROR, text);
            }
            StoreError::Node { .. } | StoreError::Cid(_) => StatusCode::INTERNAL_SERVER_ERROR,
            error => {
                tracing::warn!(%error, "the gateway cannot read");
                let text = "the store cannot be read";
                return Self::new(StatusCode::INTERNAL_SERVER_ERROR, text);
            }
        };
        Self::new(status, error.to_string())
    }

    /// Of a path that leads nowhere.
    pub fn lost(error: &ResolveError<StoreError>, path: &str, only_cached: bool) -> Self {
        let status = match error {
            ResolveError::Block(error) => return Self::failure(error, only_cached),
            ResolveError::NoLink { .. } => StatusCode::NOT_FOUND,
            ResolveError::Sharded(_) => StatusCode::NOT_IMPLEMENTED,
            ResolveError::Node { .. } => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, format!("failed to resolve {path}: {error}"))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let headers = [
            (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ];
        (self.status, headers, self.text + "\n").into_response()
    }
}

/// Any page may read, and sees what it needs to read in parts.
pub(super) async fn share(mut response: Response) -> Response {
    const SHARED: [(HeaderName, &str); 4] = [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::ACCESS_CONTROL_ALLOW_METHODS, METHODS),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "Content-Type, Range, User-Agent, X-Requested-With"),
        (
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            "Content-Length, Content-Range, X-Ipfs-Path, X-Ipfs-Roots",
        ),
    ];
    let headers = response.headers_mut();
    for (name, value) in SHARED {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Whether the client has what the tag stands for. Tags are compared weakly: what has a tag never changes.
pub(super) fn has(headers: &HeaderMap, tag: &str) -> bool {
    let plain = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let values = headers.get_all(header::IF_NONE_MATCH).iter();
    let mut tags = values.filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(','));
    tags.any(|known| known.trim() == "*" || plain(known) == plain(tag))
}
