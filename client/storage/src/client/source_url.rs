//! Where blocks can be read over HTTP: a URL or a multiaddress, as participants announce it on the chain.

use axum::http::Uri;
use decentralml_types::{Cid, host::MAX_URL};
use std::{
    fmt,
    net::{Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

/// A read-only trustless gateway: `https://host.example`, `http://[2001:db8::1]:8080/some/path`,
/// `/ip4/203.0.113.7/tcp/8080`, `/dns4/host.example/tcp/443/https`. At most 128 bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SourceUrl {
    written: String,
    base: String,
}

/// Why a text is no [`SourceUrl`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is no source of blocks: {reason}; write it like https://host.example or /dns4/host.example/tcp/443/https"
)]
pub struct SourceUrlError {
    /// The beginning of what was given.
    pub text: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl SourceUrl {
    /// Reads what stands on the chain.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SourceUrlError> {
        // What is cut off or replaced is refused in any case.
        let most = bytes.len().min(MAX_URL as usize + 1);
        String::from_utf8_lossy(&bytes[..most]).parse()
    }

    /// It as it was written.
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// The machine that it names: an address, without brackets, or a name.
    pub fn host(&self) -> &str {
        let authority = self.authority();
        match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((address, _)) => address,
            None => authority.split(':').next().unwrap_or(authority),
        }
    }

    /// The port there.
    pub fn port(&self) -> u16 {
        let after_host = self.authority().rsplit_once(':').filter(|(_, port)| !port.contains(']'));
        let secure = self.base.starts_with("https");
        let usual = if secure { 443 } else { 80 };
        after_host.and_then(|(_, port)| port.parse().ok()).unwrap_or(usual)
    }

    fn authority(&self) -> &str {
        let rest = self.base.split_once("://").map_or(self.base.as_str(), |(_, rest)| rest);
        rest.split('/').next().unwrap_or(rest)
    }

    /// What two spellings of the same place have in common: the URL without an ending.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// The URL under which a host takes what `cid` names.
    pub(crate) fn upload(&self, cid: &Cid) -> String {
        format!("{}/uploads/{cid}", self.base)
    }

    /// The URL of a raw block.
    pub(super) fn block(&self, cid: &Cid) -> String {
        format!("{}/ipfs/{cid}?format=raw", self.base)
    }
}

impl FromStr for SourceUrl {
    type Err = SourceUrlError;

    fn from_str(text: &str) -> Result<Self, SourceUrlError> {
        match base(text) {
            Ok(base) => Ok(Self { written: text.into(), base }),
            Err(reason) => {
                let text = text.chars().take(MAX_URL as usize).collect();
                Err(SourceUrlError { text, reason })
            }
        }
    }
}

impl fmt::Display for SourceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

fn base(text: &str) -> Result<String, &'static str> {
    if text.len() > MAX_URL as usize {
        return Err("it has more than 128 bytes");
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("it has other characters than those of printable ASCII");
    }
    match text.strip_prefix('/') {
        Some(parts) => of_multiaddress(parts),
        None => of_url(text),
    }
}

fn of_url(text: &str) -> Result<String, &'static str> {
    let scheme = match text.split_once("://") {
        Some((scheme @ ("http" | "https"), _)) => scheme,
        _ => return Err("it does not begin with http://, https:// or /"),
    };
    if text.contains(['?', '#', '\\']) {
        return Err("it has a query, a fragment or a backslash");
    }
    let uri: Uri = text.parse().map_err(|_| "it is malformed")?;
    let authority = uri.authority().ok_or("it has no host")?.as_str();
    if authority.contains('@') {
        return Err("it has a user name, which everyone could read");
    }
    let host = uri.host().unwrap_or_default();
    match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => drop(address.parse::<Ipv6Addr>().map_err(|_| "its host is malformed")?),
        None => name(host)?,
    }
    match authority.strip_prefix(host) {
        Some("") => {}
        Some(rest) => port(rest.strip_prefix(':').unwrap_or_default())?,
        None => return Err("its host is malformed"),
    }
    // Gateways are often given with the path that is put behind anyway.
    let path = uri.path().trim_end_matches('/');
    let path = path.strip_suffix("/ipfs").unwrap_or(path).trim_end_matches('/');
    Ok(format!("{scheme}://{authority}{path}"))
}

fn of_multiaddress(parts: &str) -> Result<String, &'static str> {
    let parts: Vec<&str> = parts.split('/').collect();
    let [kind, host, "tcp", number, protocol @ ..] = parts.as_slice() else {
        return Err("it is not of the form /ip4|ip6|dns|dns4|dns6/HOST/tcp/PORT");
    };
    let host = match *kind {
        "ip4" => host.parse::<Ipv4Addr>().map_err(|_| "its host is malformed")?.to_string(),
        "ip6" => {
            format!("[{}]", host.parse::<Ipv6Addr>().map_err(|_| "its host is malformed")?)
        }
        "dns" | "dns4" | "dns6" => {
            name(host)?;
            (*host).to_owned()
        }
        _ => return Err("it begins neither with /ip4, /ip6, /dns, /dns4 nor /dns6"),
    };
    port(number)?;
    let scheme = match protocol {
        [] | ["http"] => "http",
        ["https"] | ["tls", "http"] => "https",
        _ => return Err("it speaks another protocol than http and https"),
    };
    Ok(format!("{scheme}://{host}:{number}"))
}

fn name(host: &str) -> Result<(), &'static str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    match host.bytes().all(plain) && host.bytes().any(|byte| byte != b'.') {
        true => Ok(()),
        false => Err("its host is malformed"),
    }
}

fn port(text: &str) -> Result<(), &'static str> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse::<u16>() {
        Ok(1..) if digits => Ok(()),
        _ => Err("its port is none from 1 to 65535"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn urls_and_multiaddresses_lead_to_blocks() {
        for (text, base) in [
            ("http://a", "http://a"),
            ("https://host.example/", "https://host.example"),
            ("https://host.example:8080/ipfs/", "https://host.example:8080"),
            ("http://host.example/some/path", "http://host.example/some/path"),
            ("https://[2001:db8::1]:443", "https://[2001:db8::1]:443"),
            ("/ip4/203.0.113.7/tcp/8080", "http://203.0.113.7:8080"),
            ("/ip6/::1/tcp/8080/http", "http://[::1]:8080"),
            ("/dns4/host.example/tcp/443/https", "https://host.example:443"),
            ("/dns/host.example/tcp/443/tls/http", "https://host.example:443"),
        ] {
            let url: SourceUrl = text.parse().unwrap();
            assert_eq!((url.base(), url.as_str()), (base, text));
            assert_eq!(SourceUrl::from_bytes(text.as_bytes()).unwrap(), url);
            let cid = crate::unixfs::canonical_cid(b"x");
            assert_eq!(url.block(&cid), format!("{base}/ipfs/{cid}?format=raw"));
            assert!(url.block(&cid).parse::<Uri>().is_ok(), "{text}");
        }
    }

    #[test]
    fn the_machine_that_is_meant_can_be_looked_at_before_anything_is_sent() {
        for (text, host, port) in [
            ("http://a", "a", 80),
            ("https://host.example/x:1/", "host.example", 443),
            ("http://127.0.0.1:8080/ipfs/", "127.0.0.1", 8080),
            ("https://[2001:db8::1]", "2001:db8::1", 443),
            ("http://[::1]:81/a", "::1", 81),
            ("/ip6/::1/tcp/8080/http", "::1", 8080),
            ("/dns4/host.example/tcp/443/https", "host.example", 443),
        ] {
            let url: SourceUrl = text.parse().unwrap();
            assert_eq!((url.host(), url.port()), (host, port), "{text}");
        }
    }

    #[test]
    fn what_leads_nowhere_is_explained() {
        for text in [
            "",
            "/",
            "//host.example",
            "host.example",
            "http://",
            "http:///etc/passwd",
            "http://:80",
            "http://a:",
            "http://a:0",
            "http://a:65536",
            "http://a:+80",
            "http://user:secret@a",
            "http://a?b",
            "http://a#b",
            "http://a/\\b",
            "http://[::1",
            "http://[x]",
            "http://...",
            "ftp://a",
            "HTTP://a",
            "http://a b",
            "http://a\n",
            "http://ä.example",
            "/ip4/300.0.0.1/tcp/80",
            "/ip4/127.0.0.1/udp/80",
            "/ip4/127.0.0.1/tcp/80/ws",
            "/ip4/127.0.0.1/tcp",
            "/dns/a%2f/tcp/80",
            "/unix/tmp/tcp/80",
        ] {
            let error = text.parse::<SourceUrl>().unwrap_err().to_string();
            assert!(error.contains("write it like https://"), "{text}: {error}");
        }
        let long = format!("http://{}", "a".repeat(122));
        let error = long.parse::<SourceUrl>().unwrap_err();
        assert!(error.to_string().contains("128 bytes"), "{error}");
        assert!(long[..128].parse::<SourceUrl>().is_ok());
        assert!(SourceUrl::from_bytes(&[b'/'; 1 << 20]).unwrap_err().text.len() <= 128);
    }

    proptest! {
        #[test]
        fn whatever_is_taken_makes_a_uri(text in "(http://|https://|/ip4/|/ip6/|/dns/)[!-~]{0,40}") {
            if let Ok(url) = text.parse::<SourceUrl>() {
                let cid = crate::unixfs::canonical_cid(b"x");
                let uri: Uri = url.block(&cid).parse().unwrap();
                let path = format!("/ipfs/{cid}");
                prop_assert!(uri.path().ends_with(&path));
                prop_assert_eq!(uri.query(), Some("format=raw"));
            }
        }

        #[test]
        fn any_bytes_are_a_source_or_refused_without_a_panic(bytes: Vec<u8>) {
            let _ = SourceUrl::from_bytes(&bytes);
        }
    }
}
