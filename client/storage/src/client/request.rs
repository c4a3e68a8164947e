//! The requests that the crate has and that do not fit today's Kubo.

use crate::unixfs::{CHUNK_SIZE, MAX_LINKS};
use bytes::Bytes;
use futures::Stream;
use ipfs_api_backend_hyper::{Form, IpfsApi, request::ApiRequest, response::AddResponse};
use serde::{
    Deserialize, Serialize,
    de::{DeserializeOwned, IgnoredAny},
};
use std::{collections::HashMap, io::Read};

/// `add` of one file in the canonical form. The crate's own does not know `max-file-links`, without which a Kubo with
/// default settings gives files above 174 chunks another form.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Add {
    cid_version: u8,
    hash: &'static str,
    chunker: String,
    raw_leaves: bool,
    max_file_links: usize,
    trickle: bool,
    inline: bool,
    wrap_with_directory: bool,
    only_hash: bool,
    pin: bool,
}

impl ApiRequest for Add {
    const PATH: &'static str = "/add";
}

/// Uploads, stores and pins what `reader` gives.
pub(super) async fn add<B: IpfsApi + Sync>(
    backend: &B,
    reader: impl Read + Send + Sync + Unpin + 'static,
) -> Result<AddResponse, B::Error> {
    let mut form = Form::default();
    form.add_reader("path", reader);
    let request = Add {
        cid_version: 1,
        hash: "sha2-256",
        chunker: format!("size-{CHUNK_SIZE}"),
        raw_leaves: true,
        max_file_links: MAX_LINKS,
        trickle: false,
        inline: false,
        wrap_with_directory: false,
        only_hash: false,
        pin: true,
    };
    backend.request(request, Some(form)).await
}

/// `pin/ls`. The crate's own cannot read what Kubo answers where nothing is pinned: `{}`.
#[derive(Serialize)]
struct PinLs {
    r#type: &'static str,
}

impl ApiRequest for PinLs {
    const PATH: &'static str = "/pin/ls";
}

#[derive(Deserialize)]
struct Pinned {
    #[serde(rename = "Keys", default)]
    keys: HashMap<String, IgnoredAny>,
}

/// The CIDs of the roots that are pinned with all that is under them.
pub(super) async fn pinned_roots<B: IpfsApi + Sync>(backend: &B) -> Result<Vec<String>, B::Error> {
    let answer: Pinned = backend.request(PinLs { r#type: "recursive" }, None).await?;
    Ok(answer.keys.into_keys().collect())
}

/// `repo/stat`. The crate's own does not have the limit.
#[derive(Serialize)]
struct RepoStat {}

impl ApiRequest for RepoStat {
    const PATH: &'static str = "/repo/stat";
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Stat {
    pub num_objects: u64,
    pub repo_size: u64,
    pub storage_max: u64,
    pub repo_path: String,
}

/// What the server's repository holds.
pub(super) async fn stat<B: IpfsApi + Sync>(backend: &B) -> Result<Stat, B::Error> {
    backend.request(RepoStat {}, None).await
}

/// One request, answered by one JSON value.
pub(super) async fn ask<B, R, T>(backend: &B, request: R) -> Result<T, B::Error>
where
    B: IpfsApi + Sync,
    R: ApiRequest,
    T: DeserializeOwned + Send + 'static,
{
    backend.request(request, None).await
}

/// One request, answered by a stream.
pub(super) fn stream<B: IpfsApi, R: ApiRequest>(
    backend: &B,
    request: R,
) -> Result<impl Stream<Item = Result<Bytes, B::Error>> + Send + Unpin + use<B, R>, B::Error> {
    Ok(backend.request_stream_bytes(backend.build_base_request(request, None)?))
}
