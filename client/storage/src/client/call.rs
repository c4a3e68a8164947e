//! Requests with limits: time-outs, retries, and errors that say what they mean.

use super::{
    Config, Error, Http, StoreToken,
    rpc::{Failure, Rpc},
};
use axum::http::Uri;
use decentralml_types::Cid;
use ipfs_api_backend_hyper::{IpfsClient, TryFromUri};
use std::{future::Future, net::IpAddr, sync::Arc, time::Duration};

/// First pause between attempts; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// One server.
pub(super) struct Connection {
    pub url: String,
    pub config: Config,
    pub rpc: Rpc,
    /// What everything else that speaks HTTP uses as well.
    pub http: Arc<Http>,
}

impl Connection {
    pub fn new(url: &str, token: Option<&StoreToken>, config: Config) -> Result<Self, Error> {
        let writer = client(url)?;
        let http = Arc::new(Http::new(config.connect_timeout, config.idle_timeout));
        let rpc = Rpc::new(writer, http.clone(), token, config.idle_timeout);
        Ok(Self { url: url.into(), config, rpc, http })
    }

    /// Whether its URL names this machine.
    pub fn is_local(&self) -> bool {
        let host = match self.url.strip_prefix('/') {
            Some(multiaddress) => multiaddress.split('/').nth(1).map(str::to_owned),
            None => self.url.parse::<Uri>().ok().and_then(|uri| uri.host().map(str::to_owned)),
        };
        host.is_some_and(|host| {
            let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
            host == "localhost" || address.is_ok_and(|ip| ip.to_canonical().is_loopback())
        })
    }

    /// One RPC, answered within the idle time-out, tried again while its error is transient. `cid` is what the request
    /// is about.
    pub async fn call<T, F, Fut>(
        &self,
        command: &'static str,
        cid: Option<Cid>,
        request: F,
    ) -> Result<T, Error>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<T, Failure>>,
    {
        self.call_within(command, cid, self.config.idle_timeout, request).await
    }

    /// [`Connection::call`] with another limit for each attempt.
    pub async fn call_within<T, F, Fut>(
        &self,
        command: &'static str,
        cid: Option<Cid>,
        limit: Duration,
        request: F,
    ) -> Result<T, Error>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<T, Failure>>,
    {
        let attempt = || async {
            match tokio::time::timeout(limit, request()).await {
                Ok(answer) => answer.map_err(|e| self.error(command, cid, e)),
                Err(_) => Err(self.timeout(command, limit)),
            }
        };
        self.retry(command, attempt).await
    }

    /// Tries again, with growing pauses, while the error is transient.
    pub async fn retry<T, F, Fut>(&self, command: &'static str, attempt: F) -> Result<T, Error>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<T, Error>>,
    {
        let mut pause = FIRST_PAUSE;
        let mut left = self.config.attempts.max(1);
        loop {
            left -= 1;
            match attempt().await {
                Err(error) if left > 0 && error.is_transient() => {
                    tracing::debug!(command, %error, left, "trying again");
                    tokio::time::sleep(pause).await;
                    pause = LONGEST_PAUSE.min(2 * pause);
                }
                result => return result,
            }
        }
    }

    pub fn timeout(&self, command: &'static str, limit: Duration) -> Error {
        let seconds = limit.as_secs_f64();
        Error::Timeout { url: self.url.clone(), command, seconds, others: String::new() }
    }

    pub fn mismatch(&self, cid: Cid, reason: impl Into<String>) -> Error {
        Error::Mismatch { url: self.url.clone(), cid, reason: reason.into() }
    }

    pub fn protocol(&self, command: &'static str, reason: impl Into<String>) -> Error {
        Error::Protocol { url: self.url.clone(), command, reason: reason.into() }
    }

    /// What a failure means. Servers tell their errors apart by words only.
    pub fn error(&self, command: &'static str, cid: Option<Cid>, failure: Failure) -> Error {
        match failure {
            Failure::Broken(reason) => Error::Unreachable { url: self.url.clone(), reason },
            Failure::Refused(message) => self.refusal(command, cid, message),
            Failure::Foreign(reason) => self.protocol(command, reason),
        }
    }

    fn refusal(&self, command: &'static str, cid: Option<Cid>, message: String) -> Error {
        let says = |words: &[&str]| words.iter().any(|words| message.contains(words));
        if says(&["context deadline exceeded"]) {
            return self.timeout(command, self.config.idle_timeout);
        }
        match cid {
            Some(cid) if says(&["is corrupt on disk", "different hash than requested"]) => {
                Error::Unavailable { cid, reason: message }
            }
            Some(cid) if says(&["could not find", "not found"]) => {
                Error::NotFound { cid, others: String::new() }
            }
            _ => Error::Api { url: self.url.clone(), command, message },
        }
    }
}

fn client(url: &str) -> Result<IpfsClient, Error> {
    let error = |reason: String| Error::Url { url: url.into(), reason };
    if url.starts_with('/') {
        return IpfsClient::from_multiaddr_str(url).map_err(|e| error(e.to_string()));
    }
    // The crate's parser takes anything and panics on some of it.
    match url.split_once("://") {
        Some(("http" | "https", rest))
            if !rest.is_empty() && !rest.starts_with(['/', ':', '?', '#']) => {}
        _ => return Err(error("it does not start with http:// or https://, and a host".into())),
    }
    IpfsClient::from_str(url).map_err(|e| error(e.to_string()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn urls_and_multiaddrs_are_taken_and_everything_else_is_explained() {
        for url in [
            "http://127.0.0.1:5001",
            "http://kubo:5001/",
            "https://kubo.example",
            "/ip4/127.0.0.1/tcp/5001",
        ] {
            assert!(client(url).is_ok(), "{url}");
        }
        for url in [
            "",
            "localhost:5001",
            "127.0.0.1",
            "http://",
            "http://:5001",
            "https://",
            "ftp://a",
            "/ip4/x",
            "http://a b",
        ] {
            let error = client(url).err().unwrap();
            assert!(error.to_string().contains("write it like http://"), "{url}: {error}");
        }
    }

    #[test]
    fn only_urls_of_this_machine_are_taken_for_such() {
        let local = |url: &str| Connection::new(url, None, Config::default()).unwrap().is_local();
        for url in [
            "http://127.0.0.1:5001",
            "http://localhost:5001",
            "http://[::1]:5001",
            "/ip4/127.0.0.1/tcp/5001",
            "/ip6/::1/tcp/5001/http",
        ] {
            assert!(local(url), "{url}");
        }
        for url in ["http://10.0.0.1:5001", "http://kubo", "/ip4/10.0.0.1/tcp/1", "/dns/a/tcp/1"] {
            assert!(!local(url), "{url}");
        }
    }
}
