//! `ipfs-api-backend-hyper` as other programs use it: with its own requests, its own connections and its own idea of what an answer
//! looks like.

use crate::support::{Daemon, bytes};
use bytes::Bytes;
use decentralml_storage::{Block, Cid, Codec, unixfs::canonical_cid};
use futures::{Stream, TryStreamExt};
use ipfs_api_backend_hyper::{
    Error, Form, IpfsApi, IpfsClient, TryFromUri,
    request::{Add, ApiRequest, BlockPut, Id},
};
use serde::Serialize;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs,
    io::{Cursor, Read},
    slice,
};

const MIB: usize = 1 << 20;

fn client(daemon: &Daemon) -> IpfsClient {
    IpfsClient::from_str(&daemon.url).unwrap()
}

async fn all(pieces: impl Stream<Item = Result<Bytes, Error>>) -> Result<Vec<u8>, Error> {
    pieces.map_ok(|piece| piece.to_vec()).try_concat().await
}

/// What nobody has.
fn absent() -> String {
    Block::new(Codec::Raw, &b"absent"[..]).cid().to_string()
}

/// A request that the crate has no name for.
#[derive(Clone, Copy, Serialize)]
struct Dag<'a> {
    arg: Option<&'a str>,
    progress: Option<bool>,
    stats: Option<bool>,
}

macro_rules! dag {
    ($name:ident, $path:literal) => {
        #[derive(Serialize)]
        #[serde(transparent)]
        struct $name<'a>(Dag<'a>);

        impl ApiRequest for $name<'_> {
            const PATH: &'static str = $path;
        }
    };
}

dag!(Export, "/dag/export");
dag!(Import, "/dag/import");
dag!(Stat, "/dag/stat");

/// A command whose answer is one JSON value.
async fn ask<C: IpfsApi + Sync>(
    client: &C,
    request: impl ApiRequest,
    form: Option<Form<'static>>,
) -> Result<Value, C::Error> {
    client.request(request, form).await
}

fn export<C: IpfsApi>(client: &C, root: &str) -> impl Stream<Item = Result<Bytes, C::Error>> {
    let request = Export(Dag { arg: Some(root), progress: Some(false), stats: None });
    let request = client.build_base_request(request, None);
    client.request_stream_bytes(request.unwrap_or_else(|error| panic!("{error}")))
}

#[tokio::test]
async fn what_the_crate_adds_has_the_canonical_cid_and_is_read_by_it() {
    let daemon = Daemon::start().await;
    let client = client(&daemon);
    let data = bytes(2 * MIB + 5);
    let canonical = Add {
        cid_version: Some(1),
        raw_leaves: Some(true),
        chunker: Some("size-1048576"),
        pin: Some(true),
        ..Add::default()
    };
    let root = canonical_cid(&data);
    let added = client.add_with_options(Cursor::new(data.clone()), canonical).await.unwrap();
    assert_eq!(added.hash, root.to_string());
    assert!(added.size.parse::<usize>().unwrap() > data.len(), "with the nodes");
    assert!(daemon.store.is_pinned(&root));
    // Who asks for no form gets the same one.
    assert_eq!(client.add(Cursor::new(data.clone())).await.unwrap().hash, added.hash);

    assert!(all(client.cat(&added.hash)).await.unwrap() == data);
    let range = all(client.cat_range(&added.hash, MIB - 3, 10)).await.unwrap();
    assert_eq!(range, &data[MIB - 3..MIB + 7]);
    let archive = all(client.get(&added.hash)).await.unwrap();
    let mut archive = tar::Archive::new(&archive[..]);
    let mut unpacked = Vec::new();
    archive.entries().unwrap().next().unwrap().unwrap().read_to_end(&mut unpacked).unwrap();
    assert!(unpacked == data);

    let other_form = Add { trickle: Some(true), ..Add::default() };
    let error = client.add_with_options(Cursor::new(b"x"), other_form).await.unwrap_err();
    assert!(matches!(&error, Error::Api(said) if said.message.contains("trickle")), "{error}");
    let error = all(client.cat(&absent())).await.unwrap_err();
    assert!(matches!(&error, Error::Api(said) if said.message.contains("not found")), "{error}");
}

#[tokio::test]
async fn a_directory_that_the_crate_adds_is_listed_by_it() {
    let daemon = Daemon::start().await;
    let client = client(&daemon);
    let folder = tempfile::tempdir().unwrap();
    let tree = folder.path().join("tree");
    fs::create_dir_all(tree.join("sub")).unwrap();
    fs::write(tree.join("a.txt"), b"abc").unwrap();
    fs::write(tree.join("sub").join("large"), bytes(MIB + 1)).unwrap();
    let added = client.add_path(&tree).await.unwrap();
    let by_name: BTreeMap<_, _> =
        added.iter().map(|one| (one.name.as_str(), one.hash.as_str())).collect();
    assert_eq!(by_name["tree/a.txt"], canonical_cid(b"abc").to_string());

    let listed = client.ls(by_name["tree"]).await.unwrap();
    let entries: Vec<_> = listed.objects[0]
        .links
        .iter()
        .map(|link| (link.name.as_str(), link.hash.as_str(), link.size, link.typ))
        .collect();
    let expected = [("a.txt", by_name["tree/a.txt"], 3, 2), ("sub", by_name["tree/sub"], 0, 1)];
    assert_eq!(entries, expected);
    let inside = all(client.cat(&format!("/ipfs/{}/sub/large", by_name["tree"]))).await.unwrap();
    assert!(inside == bytes(MIB + 1));
    // Of how many parts a file is.
    let parts = client.ls(by_name["tree/sub/large"]).await.unwrap();
    let sizes: Vec<_> = parts.objects[0].links.iter().map(|link| link.size).collect();
    assert_eq!(sizes, [MIB as u64, 1]);
    let stat = client.files_stat(&format!("/ipfs/{}", by_name["tree"])).await.unwrap();
    assert_eq!((stat.hash.as_str(), stat.typ.as_str()), (by_name["tree"], "directory"));
}

#[tokio::test]
async fn the_crate_puts_looks_at_gets_and_removes_blocks() {
    let daemon = Daemon::start().await;
    let client = client(&daemon);
    let leaf = Block::new(Codec::Raw, bytes(1000));
    let node = crate::support::node(slice::from_ref(&leaf));
    for (block, format) in [(&leaf, "raw"), (&node, "dag-pb")] {
        let key = block.cid().to_string();
        let options = BlockPut {
            format: Some(format),
            mhtype: Some("sha2-256"),
            mhlen: Some(32),
            ..BlockPut::default()
        };
        let data = Cursor::new(block.data().clone());
        let put = client.block_put_with_options(data, options).await.unwrap();
        assert_eq!((put.key, put.size), (key.clone(), block.data().len() as u64));
        let stat = client.block_stat(&key).await.unwrap();
        assert_eq!((stat.key, stat.size), (key.clone(), block.data().len() as u64));
        assert!(all(client.block_get(&key)).await.unwrap() == block.data()[..]);
    }
    let other = Block::new(Codec::Raw, &b"without options"[..]);
    let put = client.block_put(Cursor::new(other.data().clone())).await.unwrap();
    assert_eq!(put.key, other.cid().to_string());
    let removed = client.block_rm(&put.key).await.unwrap();
    assert_eq!((removed.hash, removed.error), (put.key.clone(), None));
    for error in [
        client.block_stat(&put.key).await.unwrap_err(),
        all(client.block_get(&absent())).await.unwrap_err(),
    ] {
        assert!(
            matches!(&error, Error::Api(said) if said.message.contains("not found")),
            "{error}"
        );
    }
}

#[tokio::test]
async fn the_crate_pins_lists_and_lets_go() {
    let daemon = Daemon::start().await;
    let client = client(&daemon);
    let data = bytes(MIB + 7);
    let root = daemon.store.add(&data[..], false).unwrap().cid;
    let leaves: Vec<Cid> = data.chunks(MIB).map(canonical_cid).collect();
    let key = root.to_string();
    assert_eq!(client.pin_add(&key, true).await.unwrap().pins, slice::from_ref(&key));

    let kinds = async |arg: Option<&str>, kind: Option<&str>| {
        let listed = client.pin_ls(arg, kind).await.unwrap().keys.into_iter();
        listed.map(|(key, pin)| (key, pin.typ)).collect::<BTreeMap<_, _>>()
    };
    let roots = BTreeMap::from([(key.clone(), "recursive".to_owned())]);
    assert_eq!(kinds(None, Some("recursive")).await, roots);
    assert_eq!(kinds(Some(&key), None).await, roots);
    let mut everything = roots.clone();
    everything.extend(leaves.iter().map(|leaf| (leaf.to_string(), "indirect".to_owned())));
    assert_eq!(kinds(None, None).await, everything);
    let through = kinds(Some(&leaves[1].to_string()), None).await;
    assert_eq!(through[&leaves[1].to_string()], format!("indirect through {key}"));

    assert_eq!(client.pin_rm(&key, true).await.unwrap().pins, slice::from_ref(&key));
    assert!(daemon.store.pins().unwrap().is_empty());
    for (error, words) in [
        (client.pin_ls(Some(&key), None).await.map(drop).unwrap_err(), "is not pinned"),
        (client.pin_rm(&key, true).await.map(drop).unwrap_err(), "not pinned"),
        (client.pin_add(&absent(), true).await.map(drop).unwrap_err(), "not found"),
    ] {
        assert!(matches!(&error, Error::Api(said) if said.message.contains(words)), "{error}");
    }
}

#[tokio::test]
async fn a_dag_goes_through_the_crate_into_another_store() {
    let (from, to) = (Daemon::start().await, Daemon::start().await);
    let data = bytes(3 * MIB);
    let root = from.store.add(&data[..], true).unwrap().cid;
    let key = root.to_string();
    let car = all(export(&client(&from), &key)).await.unwrap();
    let mut form = Form::default();
    form.add_reader("file", Cursor::new(car));
    let import = Import(Dag { arg: None, progress: None, stats: Some(false) });
    let imported = ask(&client(&to), import, Some(form)).await.unwrap();
    assert_eq!(imported, json!({ "Root": { "Cid": { "/": key }, "PinErrorMsg": "" } }));
    assert!(to.store.is_pinned(&root));
    assert!(all(client(&to).cat(&key)).await.unwrap() == data);

    let stat = Stat(Dag { arg: Some(&key), progress: Some(false), stats: None });
    let stat = ask(&client(&to), stat, None).await.unwrap();
    assert_eq!(stat["UniqueBlocks"], 4);
    assert_eq!(stat["TotalSize"], to.store.stat().unwrap().bytes);
}

#[tokio::test]
async fn the_store_tells_the_crate_of_itself_and_refuses_what_it_does_not_have() {
    let daemon = Daemon::start().await;
    let client = client(&daemon);
    daemon.store.add(&bytes(MIB + 1)[..], true).unwrap();
    let version = client.version().await.unwrap();
    assert!(version.version.starts_with("0."), "{version:?}");
    // Of the crate's own answer Kubo has a field no longer; and the store is no peer.
    let error = client.id(None).await.unwrap_err().to_string();
    assert!(error.contains("missing field `ProtocolVersion`"), "{error}");
    let id = ask(&client, Id { peer: None }, None).await.unwrap();
    assert_eq!((&id["ID"], &id["Addresses"]), (&json!(""), &json!([])));
    assert!(id["AgentVersion"].as_str().unwrap().starts_with("decentralml-storage/"), "{id}");
    let stat = client.stats_repo().await.unwrap();
    let counted = daemon.store.stat().unwrap();
    assert_eq!((stat.num_objects, stat.repo_size), (counted.blocks, counted.bytes));
    assert_eq!(stat.repo_path, daemon.store.path().display().to_string());
    let error = all(client.dag_get(&absent())).await.unwrap_err();
    assert!(error.to_string().contains("404 page not found"), "{error}");
}
