//! A list of pins in one JSON value, which is written while it is sent: of a large store it would be longer than what it lists.

use super::{super::answer::text, INDIRECT, RECURSIVE};
use crate::outgoing;
use axum::{
    http::header,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use decentralml_types::Cid;
use serde::Serialize;
use std::{borrow::Cow, cmp::Ordering, collections::HashMap, iter};

/// Entries of a piece of the answer.
const GROUP: usize = 512;

/// What is said of a CID.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Key {
    pub r#type: Cow<'static, str>,
    pub name: String,
}

/// The answer.
pub(super) fn answer(pieces: impl Iterator<Item = Piece> + Send + 'static) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], outgoing::body(pieces)).into_response()
}

/// A piece of the answer.
type Piece = serde_json::Result<Bytes>;

/// The entries. Memory: 34 bytes for each, and the names.
#[derive(Default)]
pub(super) struct Keys {
    /// Each with whether it is a root.
    entries: Vec<(Cid, bool)>,
    /// Of roots only, which are few beside what is under them.
    names: HashMap<Cid, String>,
}

impl Keys {
    /// Takes one that it does not have yet.
    pub fn push(&mut self, cid: Cid, recursive: bool, name: String) {
        self.entries.push((cid, recursive));
        if !name.is_empty() {
            self.names.insert(cid, name);
        }
    }

    /// The pieces of the answer, in the order of the CIDs' texts, as Kubo has it.
    pub fn pieces(self) -> impl Iterator<Item = Piece> + Send + 'static {
        let Self { mut entries, mut names } = self;
        entries.sort_unstable_by(|(one, _), (other, _)| by_text(one, other));
        // Without an entry there is no list either.
        let (begin, end) = if entries.is_empty() { ("{", "}\n") } else { ("{\"Keys\":{", "}}\n") };
        let mut at = 0;
        let groups = iter::from_fn(move || {
            let group = entries.get(at..entries.len().min(at + GROUP))?;
            let mut piece = String::new();
            for (cid, recursive) in group {
                let kind = if *recursive { RECURSIVE } else { INDIRECT };
                let name = names.remove(cid).unwrap_or_default();
                match text(&Key { r#type: kind.into(), name }) {
                    Ok(key) => {
                        let comma = if at == 0 { "" } else { "," };
                        piece += &format!("{comma}\"{cid}\":{key}");
                    }
                    Err(error) => return Some(Err(error)),
                }
                at += 1;
            }
            (!piece.is_empty()).then(|| Ok(piece.into()))
        });
        let [begin, end] =
            [begin, end].map(|text| iter::once(Ok(Bytes::from_static(text.as_bytes()))));
        begin.chain(groups).chain(end)
    }
}

/// The order of two CIDs' texts, without writing them: in base 32 every character stands for five bits, and digits, the last six
/// values, come before letters.
fn by_text(one: &Cid, other: &Cid) -> Ordering {
    let differs = match one.codec.code().cmp(&other.codec.code()) {
        // One character apart, of which both are letters.
        Ordering::Equal => (0..32).find(|at| one.digest[*at] != other.digest[*at]),
        order => return order,
    };
    let Some(differs) = differs else { return Ordering::Equal };
    // The digest begins in the middle of a character, behind 32 bits.
    let first = (32 + 8 * differs) / 5;
    let characters = |cid: &Cid| {
        let digest = cid.digest;
        // What is before a digest ends with zeros, and what is behind it counts as such.
        let bit = move |at: usize| {
            let byte = at.checked_sub(32).and_then(|at| digest.get(at / 8));
            byte.map_or(0, |byte| byte >> (7 - at % 8) & 1)
        };
        (first..first + 3).map(move |character| {
            let value = (0..5).fold(0, |value, at| value << 1 | bit(5 * character + at));
            (value + 6) % 32
        })
    };
    characters(one).cmp(characters(other))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use decentralml_types::Codec;
    use proptest::prelude::*;

    fn cid((raw, digest): (bool, [u8; 32])) -> Cid {
        Cid { codec: if raw { Codec::Raw } else { Codec::DagPb }, digest }
    }

    fn whole(keys: Keys) -> String {
        let pieces: Vec<u8> = keys.pieces().flat_map(|piece| piece.unwrap()).collect();
        String::from_utf8(pieces).unwrap()
    }

    #[test]
    fn without_a_pin_there_is_no_list() {
        assert_eq!(whole(Keys::default()), "{}\n");
    }

    #[test]
    fn a_long_list_is_one_value_with_every_entry_in_the_order_of_the_texts() {
        let mut keys = Keys::default();
        let all: Vec<Cid> = (0..2000_u32)
            .map(|number| crate::unixfs::canonical_cid(&number.to_le_bytes()))
            .collect();
        all.iter().for_each(|cid| keys.push(*cid, cid == &all[7], String::new()));
        keys.names.insert(all[7], "a \"<name>\"\n".into());
        let text = whole(keys);
        assert!(text.contains(r"\u003cname\u003e"), "as Go writes it");
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["Keys"].as_object().unwrap().len(), all.len());
        let root = &value["Keys"][all[7].to_string()];
        assert_eq!(
            (root["Type"].as_str(), root["Name"].as_str()),
            (Some("recursive"), Some("a \"<name>\"\n"))
        );
        let mut sorted: Vec<String> = all.iter().map(Cid::to_string).collect();
        sorted.sort();
        let places: Vec<usize> =
            sorted.iter().map(|cid| text.find(cid.as_str()).unwrap()).collect();
        assert!(places.is_sorted());
    }

    proptest! {
        #[test]
        fn the_order_is_that_of_the_texts(one: (bool, [u8; 32]), other: (bool, [u8; 32]), same in 0..33_usize) {
            let (one, mut other) = (cid(one), cid(other));
            other.digest[..same.min(32)].copy_from_slice(&one.digest[..same.min(32)]);
            prop_assert_eq!(by_text(&one, &other), one.to_string().cmp(&other.to_string()));
        }
    }
}
