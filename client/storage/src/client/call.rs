//! Requests with limits: time-outs, retries, and errors that say what they mean.

use super::{Config, Error};
use decentralml_types::Cid;
use ipfs_api_backend_hyper::{
    BackendWithGlobalOptions, Error as ApiError, GlobalOptions, IpfsClient, TryFromUri,
};
use std::{future::Future, time::Duration};

/// First pause between attempts; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The crate's clients for one server.
pub(super) struct Connection {
    pub url: String,
    pub config: Config,
    /// Without limits on the server's side: for uploads, which may take any time as long as they move.
    pub plain: IpfsClient,
    /// The server gives up too, so that its work does not go on after ours has ended.
    pub timed: BackendWithGlobalOptions<IpfsClient>,
    /// Asks no peers.
    pub local: BackendWithGlobalOptions<IpfsClient>,
}

impl Connection {
    pub fn new(url: &str, config: Config) -> Result<Self, Error> {
        let plain = client(url)?;
        let with = |offline| {
            let options = GlobalOptions { offline, timeout: Some(config.idle_timeout) };
            BackendWithGlobalOptions::new(plain.clone(), options)
        };
        Ok(Self { url: url.into(), config, timed: with(None), local: with(Some(true)), plain })
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
        Fut: Future<Output = Result<T, ApiError>>,
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
        Fut: Future<Output = Result<T, ApiError>>,
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
        Error::Timeout { url: self.url.clone(), command, seconds: limit.as_secs_f64() }
    }

    pub fn mismatch(&self, cid: Cid, reason: impl Into<String>) -> Error {
        Error::Mismatch { url: self.url.clone(), cid, reason: reason.into() }
    }

    pub fn protocol(&self, command: &'static str, reason: impl Into<String>) -> Error {
        Error::Protocol { url: self.url.clone(), command, reason: reason.into() }
    }

    /// What an error of the crate means. Servers tell their errors apart by words only.
    pub fn error(&self, command: &'static str, cid: Option<Cid>, error: ApiError) -> Error {
        match error {
            ApiError::Client(e) => {
                Error::Unreachable { url: self.url.clone(), reason: e.to_string() }
            }
            ApiError::Api(e) => self.refusal(command, cid, e.message),
            other => self.protocol(command, other.to_string()),
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
            Some(cid) if says(&["could not find", "not found"]) => Error::NotFound { cid },
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
        Some(("http", rest)) if !rest.is_empty() && !rest.starts_with(['/', ':', '?', '#']) => {}
        Some(("https", _)) => return Err(error("https is not built in".into())),
        _ => return Err(error("it does not start with http:// and a host".into())),
    }
    IpfsClient::from_str(url).map_err(|e| error(e.to_string()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn urls_and_multiaddrs_are_taken_and_everything_else_is_explained() {
        for url in ["http://127.0.0.1:5001", "http://kubo:5001/", "/ip4/127.0.0.1/tcp/5001"] {
            assert!(client(url).is_ok(), "{url}");
        }
        for url in [
            "",
            "localhost:5001",
            "127.0.0.1",
            "http://",
            "http://:5001",
            "https://a",
            "ftp://a",
            "/ip4/x",
            "http://a b",
        ] {
            let error = client(url).err().unwrap();
            assert!(error.to_string().contains("write it like http://"), "{url}: {error}");
        }
    }
}
