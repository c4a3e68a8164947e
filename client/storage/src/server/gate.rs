//! What is turned away before a command sees it: requests without the token, where there is one, other methods than POST, and
//! web pages. Any page that a person on this machine has open could send requests to loopback.
//!
//! These are Kubo's checks. Like Kubo 0.42 it takes any `Host`, as a store may be known by many names: a page whose name is made to
//! point to this machine (DNS rebinding) still names itself in `Origin` or `Referer`, by which it is refused, and a browser that sends
//! neither is known by its `User-Agent`.

use super::{access::Token, answer::sentence};
use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

const METHODS: &str = "OPTIONS, POST";

/// What the gate knows.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    /// The port that the facade listens on: pages of other ports of this machine are other programs' pages.
    pub port: u16,
    /// What every request has to show.
    pub token: Option<Token>,
}

impl Gate {
    /// Whether a request shows the token, where there is one.
    pub fn knows(&self, headers: &HeaderMap) -> bool {
        self.token.as_ref().is_none_or(|token| token.is_shown(headers))
    }
}

/// Lets POST requests through that show the token and that no browser sends for a page from elsewhere.
pub(super) async fn guard(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    if !gate.knows(headers) {
        // Kubo's status for it.
        return sentence(
            StatusCode::FORBIDDEN,
            "access denied: this store takes requests with the header \"Authorization: Bearer TOKEN\" only",
        );
    }
    let methods = [(header::ALLOW, METHODS)];
    if request.method() == Method::OPTIONS {
        return (StatusCode::NO_CONTENT, methods).into_response();
    }
    if request.method() != Method::POST {
        let answer = sentence(StatusCode::METHOD_NOT_ALLOWED, "405 - Method Not Allowed");
        return (methods, answer).into_response();
    }
    if !is_allowed(headers, gate.port) {
        return sentence(StatusCode::FORBIDDEN, "403 - Forbidden");
    }
    next.run(request).await
}

/// The answer to a command that there is none of.
pub(super) async fn unknown() -> Response {
    sentence(StatusCode::NOT_FOUND, "404 page not found")
}

/// Browsers name the page in `Origin`, in `Referer`, or in both; other programs send neither. What calls itself a browser
/// and sends neither hides where it comes from, unless it is a program on Electron, of which that is known.
fn is_allowed(headers: &HeaderMap, port: u16) -> bool {
    let pages: Vec<_> =
        [header::ORIGIN, header::REFERER].iter().filter_map(|name| headers.get(name)).collect();
    if pages.is_empty() {
        let agent = headers.get(header::USER_AGENT).map_or(&b""[..], |agent| agent.as_bytes());
        let electron = agent.windows(8).any(|word| word == b"Electron");
        return electron || !agent.starts_with(b"Mozilla");
    }
    pages.iter().all(|page| page.to_str().is_ok_and(|page| is_own(page, port)))
}

/// Whether a page, or the origin of one, is from the address of the facade.
fn is_own(page: &str, port: u16) -> bool {
    let Some((scheme, rest)) = page.split_once("://") else { return false };
    let host = rest.split_once('/').map_or(rest, |(host, _)| host);
    let own = |name: &str| host.strip_prefix(name) == Some(format!(":{port}").as_str());
    matches!(scheme, "http" | "https") && ["localhost", "127.0.0.1", "[::1]"].into_iter().any(own)
}

#[cfg(test)]
mod tests {
    use super::is_own;

    #[test]
    fn only_pages_of_the_facade_itself_are_let_in() {
        for page in [
            "http://localhost:5001",
            "https://127.0.0.1:5001",
            "http://[::1]:5001",
            "http://localhost:5001/webui?x",
        ] {
            assert!(is_own(page, 5001), "{page}");
        }
        for page in [
            "https://example.com",
            "null",
            "",
            "http://localhost",
            "http://localhost:3000",
            "http://localhost:50010",
            "http://127.0.0.2:5001",
            "http://localhost.example.com:5001",
            "http://127.0.0.1.example.com:5001",
            "http://localhost:5001@example.com",
            "http://localhost@example.com:5001",
            "http://example.com/http://localhost:5001",
            "http://example.com?://localhost:5001",
            "chrome-extension://abc",
        ] {
            assert!(!is_own(page, 5001), "{page}");
        }
    }
}
