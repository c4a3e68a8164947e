//! The secret that a store asks its clients for.

use axum::http::HeaderValue;
use std::fmt;

/// Most characters of a token.
const MAX_TOKEN: usize = 1024;

/// A token, sent with every request as `Authorization: Bearer TOKEN`: to the embedded store, and to a Kubo whose
/// `API.Authorizations` has it as `bearer:TOKEN`. It does not show itself in logs.
#[derive(Clone, PartialEq, Eq)]
pub struct StoreToken(HeaderValue);

/// Why a text is no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a token is 1 to {MAX_TOKEN} printable ASCII characters without spaces")]
pub struct StoreTokenError;

impl StoreToken {
    /// Takes a token as a file or a person gives it: space around it, a line end above all, is no part of it.
    pub fn new(text: &str) -> Result<Self, StoreTokenError> {
        let text = text.trim();
        let fits = (1..=MAX_TOKEN).contains(&text.len());
        if !fits || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(StoreTokenError);
        }
        let mut value =
            HeaderValue::from_str(&format!("Bearer {text}")).map_err(|_| StoreTokenError)?;
        value.set_sensitive(true);
        Ok(Self(value))
    }

    pub(super) fn header(&self) -> &HeaderValue {
        &self.0
    }
}

impl fmt::Debug for StoreToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreToken(…)")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_token_fits_into_a_header_and_is_not_shown() {
        let token = StoreToken::new(" secret-0123456789\n").unwrap();
        assert_eq!(token.header(), "Bearer secret-0123456789");
        for shown in [format!("{token:?}"), format!("{:?}", token.header())] {
            assert!(!shown.contains("0123"), "{shown}");
        }
        for text in ["", " ", "two words", "two\nlines", "gr\u{fc}n", &"x".repeat(1025)] {
            assert_eq!(StoreToken::new(text), Err(StoreTokenError), "{text:?}");
        }
    }
}
