//! Web pages are kept out: any page that a person on this machine has open could send requests to loopback.

use axum::{
    extract::Request,
    http::{HeaderMap, StatusCode, Uri, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::net::IpAddr;

/// Refuses requests that a browser sends for a page from elsewhere, as Kubo does.
pub(super) async fn refuse_web_pages(request: Request, next: Next) -> Response {
    if is_allowed(request.headers()) {
        next.run(request).await
    } else {
        (StatusCode::FORBIDDEN, "403 - Forbidden").into_response()
    }
}

/// Browsers name the page's origin in `Origin`, older ones in `Referer` only; other programs send neither.
fn is_allowed(headers: &HeaderMap) -> bool {
    let from = headers.get(header::ORIGIN).or_else(|| headers.get(header::REFERER));
    from.is_none_or(|origin| origin.to_str().is_ok_and(is_loopback))
}

fn is_loopback(origin: &str) -> bool {
    let Ok(uri) = origin.parse::<Uri>() else { return false };
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return false;
    }
    let host = uri.host().unwrap_or_default();
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host == "localhost" || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::is_loopback;

    #[test]
    fn only_pages_of_this_machine_are_let_in() {
        for origin in [
            "http://localhost:3000",
            "https://127.0.0.1",
            "http://[::1]:8080",
            "http://localhost/x",
        ] {
            assert!(is_loopback(origin), "{origin}");
        }
        for origin in [
            "https://example.com",
            "null",
            "",
            "http://localhost.example.com",
            "http://127.0.0.1.example.com",
            "http://localhost@example.com",
            "chrome-extension://abc",
        ] {
            assert!(!is_loopback(origin), "{origin}");
        }
    }
}
