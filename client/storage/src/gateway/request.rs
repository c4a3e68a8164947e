//! What a request asks for.

use super::answer::Refusal;
use crate::{car::Scope, unixfs::DagPath};
use axum::{
    extract::Query,
    http::{HeaderMap, StatusCode, Uri, header},
};

/// The form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// The bytes of a file.
    File,
    /// One block.
    Raw,
    /// Many of them.
    Car(Scope),
}

const RAW: &str = "application/vnd.ipld.raw";
const CAR: &str = "application/vnd.ipld.car";

/// The path and the form, or the answer to a request that has none. The query goes before `Accept`.
pub(super) fn read(uri: &Uri, headers: &HeaderMap) -> Result<(DagPath, Form), Refusal> {
    let bad = |why: String| Refusal::new(StatusCode::BAD_REQUEST, why);
    let raw = uri.path();
    if !raw.starts_with("/ipfs/") {
        return Err(Refusal::new(StatusCode::NOT_FOUND, "only /ipfs/CID is served here"));
    }
    let text = decoded(raw).ok_or_else(|| bad("the path is not UTF-8".into()))?;
    let path =
        DagPath::parse(&text).map_err(|error| bad(format!("invalid path {text:?}: {error}")))?;
    let Query(query): Query<Vec<(String, String)>> =
        Query::try_from_uri(uri).map_err(|error| bad(error.to_string()))?;
    let option =
        |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let accepted = accepted(headers);
    let form = match (option("format"), &accepted) {
        (Some("raw"), _) => Form::Raw,
        (Some("car"), _) => Form::Car(Scope::All),
        (Some(other), _) => {
            return Err(bad(format!("unsupported format {other:?}; there are raw and car")));
        }
        (None, Some((form, _))) => *form,
        (None, None) => Form::File,
    };
    if !matches!(form, Form::Car(_)) {
        return Ok((path, form));
    }
    let version = accepted.and_then(|(_, version)| version);
    let version = option("car-version").map(str::to_owned).or(version);
    if let Some(other) = version.filter(|version| version != "1") {
        return Err(bad(format!("unsupported {CAR} version {other}: only version=1 is supported")));
    }
    if option("entity-bytes").is_some_and(|range| range != "0:*") {
        let why = "entity-bytes is not supported; use Range on the file or on its blocks";
        return Err(Refusal::new(StatusCode::NOT_IMPLEMENTED, why));
    }
    let scope = match option("dag-scope") {
        None | Some("all") => Scope::All,
        Some("entity") => Scope::Entity,
        Some("block") => Scope::Block,
        Some(other) => {
            return Err(bad(format!("dag-scope is block, entity or all, and not {other:?}")));
        }
    };
    Ok((path, Form::Car(scope)))
}

/// The first form of blocks that the client accepts, with the version of a CAR that it names.
fn accepted(headers: &HeaderMap) -> Option<(Form, Option<String>)> {
    let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).find_map(|accepted| {
        let mut parts = accepted.split(';').map(str::trim);
        match parts.next()? {
            RAW => Some((Form::Raw, None)),
            CAR => {
                let version = parts.find_map(|part| part.strip_prefix("version="));
                Some((Form::Car(Scope::All), version.map(|text| text.trim_matches('"').to_owned())))
            }
            _ => None,
        }
    })
}

/// A path without its escapes.
fn decoded(path: &str) -> Option<String> {
    let mut bytes = path.bytes();
    let mut out = Vec::with_capacity(path.len());
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => {
                let mut digit = || Some(char::from(bytes.next()?).to_digit(16)? as u8);
                digit()? << 4 | digit()?
            }
            other => other,
        });
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const CID: &str = "QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n";

    fn ask(uri: &str, accept: Option<&str>) -> Result<(String, Form), u16> {
        let mut headers = HeaderMap::new();
        if let Some(accept) = accept {
            headers.insert(header::ACCEPT, accept.parse().unwrap());
        }
        read(&uri.replace("CID", CID).parse().unwrap(), &headers)
            .map(|(path, form)| (path.to_string().replace(CID, "CID"), form))
            .map_err(|refusal| refusal.status.as_u16())
    }

    #[test]
    fn the_query_and_accept_name_the_form() {
        let all = Form::Car(Scope::All);
        for (uri, accept, form) in [
            ("/ipfs/CID", None, Form::File),
            ("/ipfs/CID", Some("text/html,*/*;q=0.8"), Form::File),
            ("/ipfs/CID?format=raw", None, Form::Raw),
            ("/ipfs/CID", Some(RAW), Form::Raw),
            ("/ipfs/CID?format=car", Some(RAW), all),
            ("/ipfs/CID", Some("application/vnd.ipld.car; version=1; order=dfs; dups=y"), all),
            ("/ipfs/CID?format=car&dag-scope=block", None, Form::Car(Scope::Block)),
            ("/ipfs/CID?dag-scope=entity&entity-bytes=0:*", Some(CAR), Form::Car(Scope::Entity)),
        ] {
            assert_eq!(ask(uri, accept).unwrap(), ("/ipfs/CID".into(), form), "{uri} {accept:?}");
        }
    }

    #[test]
    fn paths_are_taken_out_of_their_escapes() {
        let path = ask("/ipfs/CID/a%20b/%C3%BC+c", None).unwrap().0;
        assert_eq!(path, "/ipfs/CID/a b/ü+c");
    }

    #[test]
    fn what_cannot_be_answered_is_refused_before_anything_is_read() {
        for (uri, accept, status) in [
            ("/", None, 404),
            ("/ipns/CID", None, 404),
            ("/ipfs/", None, 400),
            ("/ipfs/nonsense", None, 400),
            ("/ipfs/CID/%", None, 400),
            ("/ipfs/CID/%ff", None, 400),
            ("/ipfs/CID/..", None, 400),
            ("/ipfs/CID?format=tar", None, 400),
            ("/ipfs/CID?format=car&dag-scope=some", None, 400),
            ("/ipfs/CID?format=car&car-version=2", None, 400),
            ("/ipfs/CID", Some("application/vnd.ipld.car;version=2"), 400),
            ("/ipfs/CID?format=car&entity-bytes=5:9", None, 501),
        ] {
            assert_eq!(ask(uri, accept), Err(status), "{uri}");
        }
    }
}
