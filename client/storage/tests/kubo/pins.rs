//! Lists of all pins, in one value and in lines, as Kubo writes them.

use crate::{
    CANONICAL, LOOSE, MIB,
    pair::{Equal, Pair, UNNAMED, fresh},
    support::{Answer, post},
};
use decentralml_storage::{Cid, unixfs::canonical_cid};
use std::collections::BTreeSet;

/// What an answer says of these CIDs, as it is written, and how it is sent: that Kubo has other pins, too.
fn said(answer: &Answer, cids: &[Cid]) -> (u16, Vec<Option<String>>, BTreeSet<String>) {
    let text = answer.text();
    let streamed = answer.header("x-chunked-output").is_some();
    let entries: Vec<String> = match streamed {
        true => text.lines().map(str::to_owned).collect(),
        // One value in one line, of which each entry begins with a CID.
        false => {
            let list = text.strip_prefix("{\"Keys\":{").and_then(|text| text.strip_suffix("}}\n"));
            let list = list.unwrap_or_else(|| panic!("{text}"));
            list.split_inclusive('}')
                .map(|entry| entry.trim_start_matches(',').to_owned())
                .collect()
        }
    };
    let ours = |entry: &String| cids.iter().any(|cid| entry.contains(&cid.to_string()));
    let found: Vec<String> = entries.into_iter().filter(ours).collect();
    let all: BTreeSet<String> = found.iter().cloned().collect();
    assert_eq!(all.len(), found.len(), "an entry that comes twice: {found:?}");
    if !streamed {
        assert!(found.is_sorted(), "in the order of the CIDs: {found:?}");
    }
    let headers = ["content-type", "x-chunked-output", "x-stream-output", "x-content-type-options"];
    (answer.status, headers.map(|name| answer.header(name).map(str::to_owned)).into(), all)
}

#[tokio::test]
#[ignore = "needs a Kubo: scripts/kubo.sh"]
async fn all_pins_are_listed_in_one_value_and_in_lines_as_kubo_lists_them() {
    let _others = LOOSE.read().await;
    let pair = Pair::start().await;
    let (small, large) = (fresh(100), fresh(3 * MIB + 5));
    let (leaf, root) = (canonical_cid(&small), canonical_cid(&large));
    let mut cids: Vec<Cid> = large.chunks(MIB).map(canonical_cid).collect();
    cids.extend([leaf, root]);
    for (data, name) in [(&small, "small%20%22one%22%2C%20two"), (&large, "")] {
        let add = format!("add?{CANONICAL}&pin-name={name}");
        pair.give(&add, UNNAMED, data, Equal).await;
    }
    // A leaf that is pinned for itself, too.
    pair.ask(&format!("pin/add?arg={}", cids[1]), Equal).await;
    for (query, count) in [
        ("", 6),
        ("type=all", 6),
        ("type=recursive", 3),
        ("type=indirect", 3),
        ("names=true", 6),
        ("type=recursive&names=true", 3),
        ("type=all&quiet=true", 6),
    ] {
        for stream in ["", "&stream=false", "&stream=true"] {
            let command = format!("pin/ls?{query}{stream}");
            let answers = (post(pair.kubo, &command).await, post(pair.daemon.addr, &command).await);
            let (kubo, ours) = (said(&answers.0, &cids), said(&answers.1, &cids));
            assert_eq!(kubo, ours, "{command}");
            assert_eq!(ours.2.len(), count, "{command}: {ours:?}");
        }
    }
    // Names that are looked for are those of these pins alone.
    for stream in ["", "&stream=true"] {
        pair.ask(&format!("pin/ls?name=small%20%22one{stream}&type=recursive"), Equal).await;
    }
    pair.finish();
}
