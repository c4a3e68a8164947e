//! Where participants offer bytes.

use bounded_collections::{BoundedVec, ConstU32};

/// Bytes of a [`Url`], at most.
pub const MAX_URL: u32 = 128;
/// Hosts that one account announces, at most.
pub const MAX_HOSTS: u32 = 4;

/// Where bytes can be fetched: a URL of HTTP or HTTPS, or a multiaddress, in ASCII. See [`is_plain`].
pub type Url = BoundedVec<u8, ConstU32<MAX_URL>>;
/// The hosts of one account, the preferred one first.
pub type Urls = BoundedVec<Url, ConstU32<MAX_HOSTS>>;

/// How a URL or a multiaddress may begin.
const BEGINNINGS: [&[u8]; 3] = [b"http://", b"https://", b"/"];

/// Whether bytes have the form of a [`Url`]: at most [`MAX_URL`] of them, all printable ASCII without spaces, beginning with
/// `http://`, `https://` or `/`, and not ending there. Of a URL, the host comes next: a name and a password before it would be
/// published for good.
///
/// What follows is for whoever connects to understand, or not: the chain need not know every protocol. The form is safe to
/// print, and `//host/…`, which stands for any scheme, does not pass for a multiaddress.
pub fn is_plain(url: &[u8]) -> bool {
    let rest = BEGINNINGS.iter().find_map(|beginning| url.strip_prefix(*beginning));
    url.len() <= MAX_URL as usize
        && url.iter().all(u8::is_ascii_graphic)
        && rest.is_some_and(|rest| rest.first().is_some_and(|first| *first != b'/'))
        && (url.starts_with(b"/") || rest.is_some_and(|rest| !authority(rest).contains(&b'@')))
}

/// Of a URL without its beginning, what comes before the path.
fn authority(rest: &[u8]) -> &[u8] {
    rest.split(|byte| b"/?#\\".contains(byte)).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn urls_and_multiaddresses_are_plain() {
        for url in [
            "http://a",
            "https://host.example:8080/ipfs/",
            "http://127.0.0.1:5001",
            "https://[2001:db8::1]:443",
            "/ip4/203.0.113.7/tcp/4001",
            "/dns4/host.example/tcp/443/https",
            "https://host.example/~user@home/",
            "/dns4/host.example/tcp/443/x-user/a@b",
        ] {
            assert!(is_plain(url.as_bytes()), "{url}");
        }
    }

    #[test]
    fn what_is_no_url_is_not_plain() {
        for url in [
            "",
            "/",
            "//",
            "//host.example/",
            "http://",
            "https://",
            "http:///etc/passwd",
            "http:/host.example",
            "HTTP://host.example",
            "ftp://host.example",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "host.example",
            " http://host.example",
            "http://host example",
            "http://host.example\n",
            "http://host.example\0",
            "http://host.example\u{1b}[2J",
            "http://h\u{f6}st.example",
            "https://user:secret@host.example/",
            "http://user@host.example",
            "https://user@host.example?x",
            "http://host.example\u{202e}",
        ] {
            assert!(!is_plain(url.as_bytes()), "{url:?}");
        }
    }

    #[test]
    fn a_url_is_at_most_as_long_as_its_row_allows() {
        let mut url = b"http://".to_vec();
        url.resize(MAX_URL as usize, b'a');
        assert!(is_plain(&url));
        url.push(b'a');
        assert!(!is_plain(&url));
    }

    proptest! {
        #[test]
        fn whatever_is_plain_can_be_printed(bytes: Vec<u8>, beginning in 0..3usize) {
            let url = [BEGINNINGS[beginning], &bytes].concat();
            if is_plain(&url) {
                let text = core::str::from_utf8(&url);
                prop_assert!(text.is_ok_and(|text| !text.contains(|c: char| c.is_whitespace() || c.is_control())));
            }
        }
    }
}
