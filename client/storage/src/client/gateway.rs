//! Blocks from HTTP gateways.
//!
//! One client for all of them, with a pool of connections. It sends no cookies and knows no compression, so that what comes is
//! what is hashed. Whoever announces a URL can have this machine send a GET there: the path is fixed, nothing of the answer but
//! a block with the right hash is used, and no redirect leads to another host without TLS.

use super::{
    Error, SourceUrl,
    receive::{Gauge, Want, stalled},
};
use crate::Block;
use axum::{
    body::Body,
    http::{HeaderValue, Request, Response, StatusCode, Uri, header},
};
use futures::StreamExt;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use std::{error::Error as StdError, sync::OnceLock, time::Duration};
use tokio::time::timeout;

/// The form in which a block is asked for.
const RAW: &str = "application/vnd.ipld.raw";

pub(crate) const AGENT: &str = concat!("decentralml/", env!("CARGO_PKG_VERSION"));

/// Redirects that are followed: public gateways send everybody on to a host name per CID.
const REDIRECTS: usize = 3;

/// Bytes of a `Location`, at most.
const MAX_LOCATION: usize = 2048;

/// Idle connections that are kept for each host, and for how long.
const KEPT: usize = 8;
const KEPT_FOR: Duration = Duration::from_secs(30);

/// Probes of a silent connection, the first one after half of the time that it may be silent.
const PROBES: u32 = 2;

/// Bytes that a connection may hold before they are taken, the head of an answer among them.
const MAX_BUFFER: usize = 128 << 10;

/// Characters of what the network says about an error.
const MAX_REASON: usize = 300;

/// A client that speaks TLS.
type Secure = Client<HttpsConnector<HttpConnector>, Body>;

/// Why there is no block.
#[derive(Debug)]
pub(super) enum Fault {
    /// The source does not have it. It might find it elsewhere if it was allowed to look for it.
    Missing { may_search: bool },
    /// Anything else.
    Failed(Error),
}

/// The client.
pub(crate) struct Http {
    connect_timeout: Duration,
    silence: Duration,
    plain: Client<HttpConnector, Body>,
    /// Made when it is needed: the certificates of the system are many, or there are none.
    secure: OnceLock<Result<Secure, String>>,
}

impl Http {
    /// A client that waits so long for a connection, and gives up one of which nothing has been heard for so long. That time should
    /// be shorter than what is waited for an answer: where the network was away for a while, the other machine answers a new
    /// connection at once, but the old one only when TCP tries it again, which may be as long after as the network was away.
    pub fn new(connect_timeout: Duration, silence: Duration) -> Self {
        let plain = client(connector(connect_timeout, silence));
        Self { connect_timeout, silence, plain, secure: OnceLock::new() }
    }

    /// Asks a gateway for a block; without `search` for one that it has itself.
    pub(super) async fn block(
        &self,
        source: &SourceUrl,
        want: &Want,
        search: bool,
        idle: Duration,
        gauge: &Gauge,
    ) -> Result<Block, Fault> {
        let url = source.as_str();
        let protocol = |reason| Fault::Failed(protocol(url, reason));
        let mut uri: Uri =
            source.block(&want.cid).parse().map_err(|_| protocol("its URL is malformed".into()))?;
        for _ in 0..=REDIRECTS {
            let answer = timeout(idle, self.get(url, &uri, search)).await;
            let response = answer.map_err(|_| Fault::Failed(stalled(url, idle)))??;
            let status = response.status();
            match status {
                StatusCode::OK => {
                    let pieces = response.into_body().into_data_stream();
                    let pieces = pieces.map(|piece| piece.map_err(|e| unreachable(url, said(&e))));
                    return want.read(url, idle, gauge, pieces).await.map_err(Fault::Failed);
                }
                StatusCode::MOVED_PERMANENTLY
                | StatusCode::FOUND
                | StatusCode::SEE_OTHER
                | StatusCode::TEMPORARY_REDIRECT
                | StatusCode::PERMANENT_REDIRECT => {
                    let location = response.headers().get(header::LOCATION);
                    uri = next(&uri, location).map_err(protocol)?;
                }
                StatusCode::NOT_FOUND | StatusCode::GONE => {
                    return Err(Fault::Missing { may_search: false });
                }
                StatusCode::PRECONDITION_FAILED if !search => {
                    return Err(Fault::Missing { may_search: true });
                }
                _ if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
                    let reason = format!("it answers with status {}", status.as_u16());
                    return Err(Fault::Failed(unreachable(url, reason)));
                }
                _ => return Err(protocol(format!("status {}", status.as_u16()))),
            }
        }
        Err(protocol(format!("more than {REDIRECTS} redirects")))
    }

    async fn get(&self, url: &str, uri: &Uri, search: bool) -> Result<Response<Body>, Fault> {
        let mut request = Request::get(uri)
            .header(header::ACCEPT, RAW)
            .header(header::ACCEPT_ENCODING, "identity")
            .header(header::USER_AGENT, AGENT);
        if !search {
            request = request.header(header::CACHE_CONTROL, "only-if-cached");
        }
        let request =
            request.body(Body::empty()).map_err(|e| Fault::Failed(protocol(url, e.to_string())))?;
        self.send(request).await.map_err(|reason| Fault::Failed(unreachable(url, reason)))
    }

    /// Sends a request as it is; the error says why there is no answer.
    pub async fn send(&self, request: Request<Body>) -> Result<Response<Body>, String> {
        let response = if request.uri().scheme_str() == Some("https") {
            let client = self.secure.get_or_init(|| self.with_certificates());
            client.as_ref().map_err(Clone::clone)?.request(request).await
        } else {
            self.plain.request(request).await
        };
        response.map(|response| response.map(Body::new)).map_err(|e| said(&e))
    }

    fn with_certificates(&self) -> Result<Client<HttpsConnector<HttpConnector>, Body>, String> {
        // Named, since a process may have built in several.
        let provider = rustls::crypto::ring::default_provider();
        let builder = HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(provider)
            .map_err(|e| format!("no certificates of this system can be used: {e}"))?;
        let tcp = connector(self.connect_timeout, self.silence);
        Ok(client(builder.https_only().enable_http1().wrap_connector(tcp)))
    }
}

fn connector(connect_timeout: Duration, silence: Duration) -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.set_connect_timeout(Some(connect_timeout));
    // For who waits for an answer: nothing else is sent meanwhile. The system counts in seconds.
    let probe = |after: Duration| Some(after.max(Duration::from_secs(1)));
    connector.set_keepalive(probe(silence / 2));
    connector.set_keepalive_interval(probe(silence / (2 * PROBES)));
    connector.set_keepalive_retries(Some(PROBES));
    // For who sends: what is not confirmed is not probed.
    #[cfg(target_os = "linux")]
    connector.set_tcp_user_timeout(Some(silence));
    connector.set_nodelay(true);
    // TLS on top of it brings its own scheme.
    connector.enforce_http(false);
    connector
}

fn client<C>(connector: C) -> Client<C, Body>
where
    C: hyper_util::client::legacy::connect::Connect + Clone,
{
    Client::builder(TokioExecutor::new())
        .pool_max_idle_per_host(KEPT)
        .pool_idle_timeout(KEPT_FOR)
        .pool_timer(TokioTimer::new())
        .http1_max_buf_size(MAX_BUFFER)
        .build(connector)
}

/// Where a redirect leads.
fn next(from: &Uri, location: Option<&HeaderValue>) -> Result<Uri, String> {
    let location = location.and_then(|value| value.to_str().ok());
    let Some(location) = location.filter(|text| text.len() <= MAX_LOCATION) else {
        return Err("a redirect to nowhere".into());
    };
    let (scheme, authority) = (from.scheme_str(), from.authority());
    let whole = match (scheme, authority) {
        (Some(scheme), _) if location.starts_with("//") => format!("{scheme}:{location}"),
        (Some(scheme), Some(authority)) if location.starts_with('/') => {
            format!("{scheme}://{authority}{location}")
        }
        _ => location.to_owned(),
    };
    let to: Uri = whole.parse().map_err(|_| "a redirect to nowhere".to_owned())?;
    match to.scheme_str() {
        Some("https") if to.host().is_some() => Ok(to),
        Some("http") if scheme == Some("http") && to.authority() == authority => Ok(to),
        _ => Err("a redirect to another host without TLS".into()),
    }
}

fn unreachable(url: &str, reason: String) -> Error {
    Error::Unreachable { url: url.into(), reason }
}

fn protocol(url: &str, reason: String) -> Error {
    Error::Protocol { url: url.into(), command: super::receive::COMMAND, reason }
}

/// An error with what caused it, of which the last tells most.
fn said(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.ends_with(&words) {
            text = format!("{text}: {words}");
        }
        cause = error.source();
    }
    text.chars().take(MAX_REASON).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn leads(from: &str, location: &str) -> Result<String, String> {
        let location = HeaderValue::from_str(location).unwrap();
        next(&from.parse().unwrap(), Some(&location)).map(|uri| uri.to_string())
    }

    #[test]
    fn redirects_lead_to_the_same_host_or_to_one_with_tls() {
        let from = "http://a.example:80/ipfs/x";
        for (location, to) in [
            ("/y", "http://a.example:80/y"),
            ("http://a.example:80/z?format=raw", "http://a.example:80/z?format=raw"),
            ("https://x.ipfs.b.example/", "https://x.ipfs.b.example/"),
        ] {
            assert_eq!(leads(from, location).unwrap(), to);
        }
        assert_eq!(leads("https://a.example/x", "//b.example/y").unwrap(), "https://b.example/y");
    }

    #[test]
    fn redirects_into_the_network_of_this_machine_are_refused() {
        for location in [
            "http://169.254.169.254/latest/meta-data",
            "http://127.0.0.1:5001/api/v0/shutdown",
            "//b.example/y",
            "http://a.example:8080/",
            "ftp://a.example/",
            "file:///etc/passwd",
            "y",
            "",
        ] {
            assert!(leads("http://a.example:80/ipfs/x", location).is_err(), "{location}");
        }
        assert!(leads("https://a.example/x", "http://a.example/x").is_err(), "TLS is not left");
        assert!(leads("http://a/", &format!("/{}", "a".repeat(MAX_LOCATION))).is_err());
        assert!(next(&"http://a/".parse().unwrap(), None).is_err());
    }
}
