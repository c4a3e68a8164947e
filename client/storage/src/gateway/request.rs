//! What a request asks for.

use super::answer::Refusal;
use crate::{
    car::{EntityBytes, Scope, Selection},
    unixfs::DagPath,
};
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
    Car(Selection),
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
    match (option("format"), &accepted) {
        (Some("raw"), _) => return Ok((path, Form::Raw)),
        (Some("car"), _) => {}
        (Some(other), _) => {
            return Err(bad(format!("unsupported format {other:?}; there are raw and car")));
        }
        (None, Some(Accepted::Car(_))) => {}
        (None, Some(Accepted::Raw)) => return Ok((path, Form::Raw)),
        (None, None) => return Ok((path, Form::File)),
    }
    // The query goes before `Accept` here, too.
    let parameter = |name: &str| match (option(&format!("car-{name}")), &accepted) {
        (Some(value), _) => Some(value),
        (None, Some(Accepted::Car(parameters))) => {
            let found = parameters.iter().find(|(key, _)| key == name);
            found.map(|(_, value)| value.as_str())
        }
        _ => None,
    };
    if let Some(other) = parameter("version").filter(|version| *version != "1") {
        return Err(bad(format!("unsupported {CAR} version {other}: only version=1 is supported")));
    }
    if let Some(other) = parameter("order").filter(|order| !matches!(*order, "dfs" | "unk")) {
        return Err(bad(format!("unsupported {CAR} order {other}: there is order=dfs")));
    }
    let duplicates = match parameter("dups") {
        None | Some("n") => false,
        Some("y") => true,
        Some(other) => return Err(bad(format!("dups is y or n, and not {other:?}"))),
    };
    let bytes = match option("entity-bytes") {
        None => None,
        Some(text) => Some(EntityBytes::parse(text).ok_or_else(|| {
            bad(format!("entity-bytes is FROM:TO or FROM:*, in bytes, and not {text:?}"))
        })?),
    };
    let scope = match option("dag-scope") {
        None if bytes.is_some() => Scope::Entity,
        None | Some("all") => Scope::All,
        Some("entity") => Scope::Entity,
        Some("block") => Scope::Block,
        Some(other) => {
            return Err(bad(format!("dag-scope is block, entity or all, and not {other:?}")));
        }
    };
    // Bytes are those of an entity; what is asked for beyond it has all of them.
    let bytes = bytes.filter(|_| scope == Scope::Entity);
    Ok((path, Form::Car(Selection { scope, bytes, duplicates })))
}

/// A form of blocks that a client accepts.
enum Accepted {
    Raw,
    /// With the parameters that it names.
    Car(Vec<(String, String)>),
}

/// The first form of blocks that the client accepts.
fn accepted(headers: &HeaderMap) -> Option<Accepted> {
    let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).find_map(|accepted| {
        let mut parts = accepted.split(';').map(str::trim);
        match parts.next()? {
            RAW => Some(Accepted::Raw),
            CAR => {
                let parameter = |part: &str| {
                    let (name, value) = part.split_once('=')?;
                    Some((name.to_owned(), value.trim_matches('"').to_owned()))
                };
                Some(Accepted::Car(parts.filter_map(parameter).collect()))
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
        let all = Form::Car(Scope::All.into());
        let twice = Form::Car(Selection { duplicates: true, ..Scope::All.into() });
        let part = |text| {
            let bytes = EntityBytes::parse(text);
            Form::Car(Selection { bytes, ..Scope::Entity.into() })
        };
        for (uri, accept, form) in [
            ("/ipfs/CID", None, Form::File),
            ("/ipfs/CID", Some("text/html,*/*;q=0.8"), Form::File),
            ("/ipfs/CID?format=raw", None, Form::Raw),
            ("/ipfs/CID", Some(RAW), Form::Raw),
            ("/ipfs/CID?format=car", Some(RAW), all),
            ("/ipfs/CID", Some("application/vnd.ipld.car; version=1; order=dfs; dups=n"), all),
            ("/ipfs/CID", Some("application/vnd.ipld.car; version=1; order=unk; dups=y"), twice),
            ("/ipfs/CID?format=car&car-dups=y", None, twice),
            ("/ipfs/CID?car-dups=n", Some("application/vnd.ipld.car; dups=y"), all),
            ("/ipfs/CID?format=car&dag-scope=block", None, Form::Car(Scope::Block.into())),
            ("/ipfs/CID?dag-scope=entity&entity-bytes=0:*", Some(CAR), part("0:*")),
            ("/ipfs/CID?format=car&entity-bytes=-9:-5", None, part("-9:-5")),
            ("/ipfs/CID?format=car&dag-scope=all&entity-bytes=5:9", None, all),
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
            ("/ipfs/CID?format=car&entity-bytes=9:5", None, 400),
            ("/ipfs/CID?format=car&entity-bytes=*", None, 400),
            ("/ipfs/CID?format=car&car-dups=maybe", None, 400),
            ("/ipfs/CID", Some("application/vnd.ipld.car;order=bfs"), 400),
        ] {
            assert_eq!(ask(uri, accept), Err(status), "{uri}");
        }
    }
}
