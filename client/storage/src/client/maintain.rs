//! What the owner of a store does with all of it: pins with names, collection, checks.

use super::{Error, Storage, cache, call::Connection, rpc::Terms};
use crate::parse_cid;
use decentralml_types::Cid;
use futures::StreamExt;
use ipfs_api_backend_hyper::request::ApiRequest;
use serde::{
    Deserialize, Serialize,
    de::{DeserializeOwned, IgnoredAny},
};
use std::collections::{BTreeMap, HashMap};
use tokio::time::timeout;

/// Most bytes of a line of an answer.
const MAX_LINE: usize = 64 << 10;
/// Corrupt blocks whose description is kept; more are only counted.
const MAX_DESCRIBED: usize = 1000;

/// What a server says about its blocks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// Blocks that it has looked at.
    pub blocks: u64,
    /// How many of them are corrupt.
    pub corrupt: u64,
    /// The server's words about the first thousand of these.
    pub described: Vec<String>,
}

/// A pin under which something is missing or corrupt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BrokenPin {
    /// The pinned root, as the server writes it.
    pub cid: String,
    /// The server's words about the first blocks that it cannot give.
    pub faults: Vec<String>,
}

#[derive(Serialize)]
struct PinVerify {}

impl ApiRequest for PinVerify {
    const PATH: &'static str = "/pin/verify";
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PinLine {
    #[serde(default)]
    cid: String,
    #[serde(default)]
    err: String,
    #[serde(default)]
    ok: bool,
    #[serde(default)]
    bad_nodes: Vec<BadNode>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct BadNode {
    cid: String,
    #[serde(default)]
    err: String,
}

impl BadNode {
    /// In the server's words, with the block where they do not name it.
    fn described(self) -> String {
        match self.err.contains(&self.cid) {
            true => self.err,
            false => format!("{}: {}", self.cid, self.err),
        }
    }
}

#[derive(Serialize)]
struct PinAdd<'a> {
    arg: String,
    name: &'a str,
}

impl ApiRequest for PinAdd<'_> {
    const PATH: &'static str = "/pin/add";
}

#[derive(Serialize)]
struct PinLs {
    r#type: &'static str,
    names: bool,
}

impl ApiRequest for PinLs {
    const PATH: &'static str = "/pin/ls";
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    #[serde(default)]
    keys: HashMap<String, Key>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Key {
    #[serde(default)]
    name: String,
}

#[derive(Serialize)]
struct Gc {}

impl ApiRequest for Gc {
    const PATH: &'static str = "/repo/gc";
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GcLine {
    key: Option<Link>,
    #[serde(default)]
    error: String,
}

#[derive(Deserialize)]
struct Link {
    #[serde(rename = "/")]
    cid: String,
}

#[derive(Serialize)]
struct Verify {}

impl ApiRequest for Verify {
    const PATH: &'static str = "/repo/verify";
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct VerifyLine {
    msg: String,
    progress: u64,
}

impl Storage {
    /// [`Storage::pin`] under a name of at most 255 bytes, which replaces an earlier one, as [`Storage::pin`] does by none; the
    /// empty one is none.
    pub async fn pin_named(&self, cid: &Cid, name: &str) -> Result<(), Error> {
        let request = || {
            let request = PinAdd { arg: cid.to_string(), name };
            self.connection.rpc.ask(Terms::Timed, request, None)
        };
        let _: IgnoredAny = self.connection.call("pin/add", Some(*cid), request).await?;
        if let Some(store) = &self.cache {
            cache::pin(store.clone(), *cid, name).await;
        }
        Ok(())
    }

    /// [`Storage::pins`] with their names, empty where there is none.
    pub async fn named_pins(&self) -> Result<BTreeMap<Cid, String>, Error> {
        let request = || {
            let request = PinLs { r#type: "recursive", names: true };
            self.connection.rpc.ask(Terms::Timed, request, None)
        };
        let listed: Listed = self.connection.call("pin/ls", None, request).await?;
        let pin = |(key, pin): (String, Key)| Some((parse_cid(&key).ok()?, pin.name));
        Ok(listed.keys.into_iter().filter_map(pin).collect())
    }

    /// Has the server remove what nothing pins; returns how many blocks that were. `removed` is told of each as the server
    /// names it. Once begun the server carries it to its end, however slowly its words are taken. [`Storage::check_pins`] tells
    /// which pins are not whole; where they keep the server from removing anything the error does, too.
    pub async fn gc(&self, mut removed: impl FnMut(&str)) -> Result<u64, Error> {
        let mut blocks = 0;
        let ended = self.connection.lines("repo/gc", Gc {}, |line: GcLine| {
            if let Some(link) = line.key {
                blocks += 1;
                removed(&link.cid);
            }
            match line.error.is_empty() {
                true => Ok(()),
                false => Err(line.error),
            }
        });
        ended.await?;
        Ok(blocks)
    }

    /// The pins of which the server lacks something, or has something that it knows to be corrupt; no block is hashed for it. The
    /// embedded store looks for every block, a Kubo for the nodes above raw leaves.
    pub async fn check_pins(&self) -> Result<Vec<BrokenPin>, Error> {
        let mut broken = Vec::new();
        let ended = self.connection.lines("pin/verify", PinVerify {}, |line: PinLine| {
            if !line.err.is_empty() {
                return Err(line.err);
            }
            if !line.ok {
                let faults = line.bad_nodes.into_iter().map(BadNode::described).collect();
                broken.push(BrokenPin { cid: line.cid, faults });
            }
            Ok(())
        });
        ended.await?;
        Ok(broken)
    }

    /// Has the server hold every block against its CID. `progress` is told how many it has looked at.
    pub async fn verify(&self, mut progress: impl FnMut(u64)) -> Result<Checked, Error> {
        let mut checked = Checked::default();
        let mut complete = false;
        let ended = self.connection.lines("repo/verify", Verify {}, |line: VerifyLine| {
            if line.msg.starts_with("verify complete") {
                complete = true;
            } else if !line.msg.is_empty() {
                checked.corrupt += 1;
                if checked.described.len() < MAX_DESCRIBED {
                    checked.described.push(line.msg);
                }
            } else {
                checked.blocks = line.progress;
                progress(line.progress);
            }
            Ok(())
        });
        match ended.await {
            // A check that has found something ends with an error, of which not all servers say which one.
            Err(_) if complete && checked.corrupt > 0 => Ok(checked),
            Err(error) => Err(error),
            Ok(()) => Ok(checked),
        }
    }
}

impl Connection {
    /// A request that is answered by one JSON value a line. A line may take ten times the idle time-out, since the server may
    /// have to look at everything for it. `each` can end it with the server's words.
    async fn lines<T: DeserializeOwned>(
        &self,
        command: &'static str,
        request: impl ApiRequest,
        mut each: impl FnMut(T) -> Result<(), String>,
    ) -> Result<(), Error> {
        let limit = 10 * self.config.idle_timeout;
        let mut pieces = self.rpc.stream(Terms::Open, request);
        let mut line = Vec::new();
        loop {
            let piece = timeout(limit, pieces.next()).await;
            let piece = piece.map_err(|_| self.timeout(command, limit))?;
            let Some(piece) = piece else {
                return match line.is_empty() {
                    true => Ok(()),
                    false => Err(self.protocol(command, "its answer ends within a line")),
                };
            };
            let piece = piece.map_err(|e| self.error(command, None, e))?;
            for byte in piece {
                if byte != b'\n' {
                    if line.len() == MAX_LINE {
                        return Err(self.protocol(command, "a line without an end"));
                    }
                    line.push(byte);
                    continue;
                }
                let value = serde_json::from_slice(&line);
                let value = value.map_err(|e| self.protocol(command, e.to_string()))?;
                line.clear();
                each(value).map_err(|message| Error::Api {
                    url: self.url.clone(),
                    command,
                    message,
                })?;
            }
        }
    }
}
