//! The RPC of one server: requests as `ipfs-api-backend-hyper` writes them, over connections that are kept, with the token that
//! the server asks for, and answers of bounded length.
//!
//! The crate's own client opens a connection for every request, knows no token and reads answers of any length into memory; so
//! it writes what is sent, and the client of the gateways sends it.

use super::{AGENT, Http, StoreToken, form::Form};
use axum::{
    body::Body,
    http::{HeaderValue, Request, Response, StatusCode, header},
};
use bytes::{Bytes, BytesMut};
use futures::{
    StreamExt, TryStreamExt,
    stream::{self, BoxStream},
};
use ipfs_api_backend_hyper::{
    ApiError, BackendWithGlobalOptions, GlobalOptions, IpfsApi, IpfsClient, request::ApiRequest,
};
use serde::de::DeserializeOwned;
use std::{sync::Arc, time::Duration};

/// Most bytes of an answer that is one JSON value: the pins of a large store are the longest.
const MAX_ANSWER: usize = 64 << 20;

/// Most bytes of an error, and characters of it that are repeated.
const MAX_ERROR: usize = 64 << 10;
const MAX_WORDS: usize = 1000;

/// What the server is told about its own limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Terms {
    /// Nothing: for uploads, which may take any time as long as they move.
    Open,
    /// It gives up too, so that its work does not go on after ours has ended.
    Timed,
    /// The same, and it asks no peers.
    Local,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// The connection was not made, or broke.
    Broken(String),
    /// The server refused, in its own words.
    Refused(String),
    /// What answers is no RPC of an IPFS store.
    Foreign(String),
}

/// The way to a server.
pub(super) struct Rpc {
    open: IpfsClient,
    timed: BackendWithGlobalOptions<IpfsClient>,
    local: BackendWithGlobalOptions<IpfsClient>,
    http: Arc<Http>,
    authorization: Option<HeaderValue>,
}

impl Rpc {
    /// `limit` is how long the server is to try something, where it is told.
    pub fn new(
        writer: IpfsClient,
        http: Arc<Http>,
        token: Option<&StoreToken>,
        limit: Duration,
    ) -> Self {
        let with = |offline| {
            let options = GlobalOptions { offline, timeout: Some(limit) };
            BackendWithGlobalOptions::new(writer.clone(), options)
        };
        Self {
            timed: with(None),
            local: with(Some(true)),
            open: writer,
            http,
            authorization: token.map(|token| token.header().clone()),
        }
    }

    /// One request, answered by one JSON value.
    pub async fn ask<T: DeserializeOwned>(
        &self,
        terms: Terms,
        request: impl ApiRequest,
        form: Option<Form>,
    ) -> Result<T, Failure> {
        let response = self.send(self.write(terms, request, form)).await?;
        let answer = read(response, MAX_ANSWER).await?;
        serde_json::from_slice(&answer).map_err(|e| Failure::Foreign(e.to_string()))
    }

    /// One request, answered by a stream.
    pub fn stream(
        &self,
        terms: Terms,
        request: impl ApiRequest,
    ) -> BoxStream<'_, Result<Bytes, Failure>> {
        let request = self.write(terms, request, None);
        let pieces = async move {
            let pieces = self.send(request).await?.into_body().into_data_stream();
            Ok(pieces.map_err(|e| Failure::Broken(e.to_string())))
        };
        stream::once(pieces).try_flatten().boxed()
    }

    fn write(
        &self,
        terms: Terms,
        request: impl ApiRequest,
        form: Option<Form>,
    ) -> Result<Request<Body>, Failure> {
        let written = match terms {
            Terms::Open => written(&self.open, request),
            Terms::Timed => written(&self.timed, request),
            Terms::Local => written(&self.local, request),
        };
        let (head, _) = written?.into_parts();
        let mut request = Request::post(head.uri.to_string()).header(header::USER_AGENT, AGENT);
        for (name, value) in &head.headers {
            request = request.header(name.as_str(), value.as_bytes());
        }
        if let Some(authorization) = &self.authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let body = match form {
            Some(form) => {
                request = request.header(header::CONTENT_TYPE, form.content_type);
                form.body
            }
            None => Body::empty(),
        };
        request.body(body).map_err(|e| Failure::Foreign(e.to_string()))
    }

    /// The head of a good answer.
    async fn send(
        &self,
        request: Result<Request<Body>, Failure>,
    ) -> Result<Response<Body>, Failure> {
        let response = self.http.send(request?).await.map_err(Failure::Broken)?;
        let status = response.status();
        if status == StatusCode::OK {
            return Ok(response);
        }
        let said = read(response, MAX_ERROR).await?;
        Err(refusal(status, &said, self.authorization.is_some()))
    }
}

/// The head of a request as the crate writes it.
fn written<B: IpfsApi>(writer: &B, request: impl ApiRequest) -> Result<B::HttpRequest, Failure> {
    writer.build_base_request(request, None).map_err(|e| Failure::Foreign(e.to_string()))
}

async fn read(response: Response<Body>, most: usize) -> Result<Bytes, Failure> {
    let mut pieces = response.into_body().into_data_stream();
    let mut all = BytesMut::new();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|e| Failure::Broken(e.to_string()))?;
        if all.len() + piece.len() > most {
            return Err(Failure::Foreign(format!("an answer of more than {most} bytes")));
        }
        all.extend_from_slice(&piece);
    }
    Ok(all.freeze())
}

/// What an answer means that is none. A store's own errors are JSON; what stands before it speaks as it likes.
fn refusal(status: StatusCode, said: &[u8], token_sent: bool) -> Failure {
    if let Ok(ApiError { message, .. }) = serde_json::from_slice(said) {
        return Failure::Refused(message.chars().take(MAX_WORDS).collect());
    }
    let text = String::from_utf8_lossy(said);
    let text: String = text.chars().filter(|c| !c.is_control()).take(MAX_WORDS).collect();
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            let advice = match token_sent {
                true => "the token that was sent may not be the one that it takes",
                false => {
                    "where it asks for a token, name the file that has it with --store-token-file"
                }
            };
            Failure::Refused(format!("{text} ({advice})"))
        }
        _ => Failure::Foreign(format!("status {}: {text}", status.as_u16())),
    }
}
