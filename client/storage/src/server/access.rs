//! Who may talk to the facade: where it listens, and the token that it asks for.

use axum::http::{HeaderMap, header};
use sha2::{Digest, Sha256};
use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};
use subtle::ConstantTimeEq;

/// Fewest characters of a token: 16 of 64 kinds are 96 bits.
const MIN_TOKEN: usize = 16;
/// Most characters of a token; a header has not much more room.
const MAX_TOKEN: usize = 1024;

/// Where a [`super::Server`] listens, and whom it answers.
#[derive(Clone, Debug)]
pub struct Access {
    /// The address; port 0 takes a free one. Other machines can reach all but loopback addresses, so that these need a token.
    pub listen: SocketAddr,
    /// What every request has to show as `Authorization: Bearer TOKEN`. Without it everyone on this machine is answered.
    pub token: Option<Token>,
}

impl Access {
    /// Whether only this machine can reach it.
    pub(super) fn is_local(&self) -> bool {
        self.listen.ip().to_canonical().is_loopback()
    }
}

impl Default for Access {
    /// Loopback, any free port, no token.
    fn default() -> Self {
        SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0).into()
    }
}

impl From<SocketAddr> for Access {
    fn from(listen: SocketAddr) -> Self {
        Self { listen, token: None }
    }
}

/// A secret that opens the facade. It does not show itself in logs; only its hash is kept.
#[derive(Clone)]
pub struct Token([u8; 32]);

/// Why a token is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a token is {MIN_TOKEN} to {MAX_TOKEN} letters, digits or characters of -._~+/= without spaces; `openssl rand -hex 32` makes one"
)]
pub struct TokenError;

impl Token {
    /// Takes a token as a file or a person gives it: space around it, a line end above all, is no part of it.
    pub fn new(text: &str) -> Result<Self, TokenError> {
        let text = text.trim();
        let is_valid = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
        if !(MIN_TOKEN..=MAX_TOKEN).contains(&text.len()) || !text.bytes().all(is_valid) {
            return Err(TokenError);
        }
        Ok(Self(Sha256::digest(text).into()))
    }

    /// Whether a request shows it. The comparison takes the same time wherever two tokens differ; comparing their
    /// hashes, it does not give away their length either.
    pub(super) fn is_shown(&self, headers: &HeaderMap) -> bool {
        let mut shown = headers.get_all(header::AUTHORIZATION).iter();
        let (Some(shown), None) = (shown.next(), shown.next()) else { return false };
        let Some((scheme, token)) = shown.as_bytes().split_at_checked("Bearer ".len()) else {
            return false;
        };
        let hash: [u8; 32] = Sha256::digest(token).into();
        scheme.eq_ignore_ascii_case(b"Bearer ") && bool::from(hash.ct_eq(&self.0))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use axum::http::HeaderValue;

    const TEXT: &str = "0123456789abcdef";

    #[test]
    fn a_token_is_long_enough_and_fit_for_a_header() {
        for text in [TEXT, " 0123456789abcdef\n", "aA0-._~+/=aA0-._~+/="] {
            assert!(Token::new(text).is_ok(), "{text}");
        }
        for text in ["", "0123456789abcde", "0123456789 abcdef", "0123456789abcde\u{e9}", "\n"] {
            assert!(Token::new(text).is_err(), "{text}");
        }
        assert!(Token::new(&"x".repeat(1025)).is_err());
        assert!(!format!("{:?}", Token::new(TEXT).unwrap()).contains("0123"));
    }

    #[test]
    fn only_the_very_token_opens() {
        let token = Token::new(TEXT).unwrap();
        let shown = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::AUTHORIZATION, HeaderValue::from_str(value).unwrap());
            }
            token.is_shown(&headers)
        };
        assert!(shown(&["Bearer 0123456789abcdef"]));
        assert!(shown(&["bearer 0123456789abcdef"]));
        for values in [
            &[][..],
            &[""],
            &["0123456789abcdef"],
            &["Bearer"],
            &["Bearer "],
            &["Bearer 0123456789abcdeg"],
            &["Bearer 0123456789abcdef0"],
            &["Bearer  0123456789abcdef"],
            &["Basic 0123456789abcdef"],
            &["Bearer 0123456789abcdef", "Bearer 0123456789abcdef"],
        ] {
            assert!(!shown(values), "{values:?}");
        }
    }

    #[test]
    fn loopback_is_loopback_in_every_notation() {
        for (listen, local) in [
            ("127.0.0.1:0", true),
            ("127.3.2.1:5001", true),
            ("[::1]:0", true),
            ("[::ffff:127.0.0.1]:0", true),
            ("0.0.0.0:0", false),
            ("[::]:0", false),
            ("[::ffff:10.0.0.1]:0", false),
            ("192.168.1.2:0", false),
        ] {
            let access = Access::from(listen.parse::<SocketAddr>().unwrap());
            assert_eq!(access.is_local(), local, "{listen}");
        }
    }
}
