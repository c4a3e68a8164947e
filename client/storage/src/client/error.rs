//! What can go wrong between here and a store.

use crate::unixfs::NodeError;
use decentralml_types::Cid;
use std::{io, path::PathBuf};

/// An error of the client.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The URL cannot be used.
    #[error("{url:?} is no URL of an IPFS store: {reason}; write it like http://127.0.0.1:5001")]
    Url {
        /// What was given.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Nothing answers, or the connection broke.
    #[error(
        "no IPFS store at {url} ({reason}); start one with `decentralml ipfs daemon`, or give the URL of a running Kubo"
    )]
    Unreachable {
        /// The server.
        url: String,
        /// What the network said.
        reason: String,
    },
    /// The server took the request and made no progress.
    #[error(
        "the IPFS store at {url} made no progress for {seconds} s in {command}; is it overloaded or offline?{}",
        aside(others)
    )]
    Timeout {
        /// The server.
        url: String,
        /// The RPC command.
        command: &'static str,
        /// The limit that was exceeded.
        seconds: f64,
        /// What the other sources said, where there are any.
        others: String,
    },
    /// What answers is no Kubo RPC.
    #[error(
        "the server at {url} does not answer {command} like an IPFS store ({reason}); check the URL"
    )]
    Protocol {
        /// The server.
        url: String,
        /// The RPC command.
        command: &'static str,
        /// What is odd about the answer.
        reason: String,
    },
    /// The server does not have a block, and nobody that it could ask has it.
    #[error(
        "{cid} is not in the IPFS store; it was never added there, or its provider is gone{}",
        aside(others)
    )]
    NotFound {
        /// The missing block.
        cid: Cid,
        /// What the other sources said, where there are any.
        others: String,
    },
    /// The server should have a block and cannot give it, because it is corrupt on its disk.
    #[error("the IPFS store cannot give {cid}: {reason}")]
    Unavailable {
        /// The block.
        cid: Cid,
        /// What the server says.
        reason: String,
    },
    /// More bytes than the caller allows.
    #[error("{cid} is larger than the limit of {limit} bytes")]
    TooLarge {
        /// The file.
        cid: Cid,
        /// The caller's limit, in bytes.
        limit: u64,
    },
    /// The server gave or made other bytes than the CID stands for. That is its own fault alone: whoever made the CID cannot have
    /// made it of bytes with another hash.
    #[error(
        "the IPFS store at {url} gave wrong bytes for {cid}: {reason}; nothing of them was used"
    )]
    Mismatch {
        /// The server.
        url: String,
        /// The block that was asked for.
        cid: Cid,
        /// How it differs.
        reason: String,
    },
    /// The CID stands for something else than a file, as the bytes say that were checked against it.
    #[error("{cid} cannot be read as a file: {source}")]
    NotAFile {
        /// The block.
        cid: Cid,
        /// What is wrong with it.
        source: NodeError,
    },
    /// The server refused, in its own words.
    #[error("the IPFS store at {url} refused {command}: {message}")]
    Api {
        /// The server.
        url: String,
        /// The RPC command.
        command: &'static str,
        /// What the server says.
        message: String,
    },
    /// A file on this side.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file had other bytes when it was sent than when its CID was computed.
    #[error("{} changed while it was added; add it again", .0.display())]
    Changed(PathBuf),
}

impl Error {
    /// Whether the same request may succeed a moment later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Timeout { .. })
    }

    /// The error of a store, and what the other sources did, where it is about what a source does.
    pub(super) fn and(mut self, sources: &str) -> Self {
        match &mut self {
            Self::NotFound { others, .. } | Self::Timeout { others, .. } => {
                *others = sources.into();
            }
            Self::Unreachable { reason: text, .. }
            | Self::Mismatch { reason: text, .. }
            | Self::Unavailable { reason: text, .. }
            | Self::Protocol { reason: text, .. }
            | Self::Api { message: text, .. } => *text += &aside(sources),
            _ => {}
        }
        self
    }

    pub(super) fn file(path: &std::path::Path, source: io::Error) -> Self {
        Self::File { path: path.to_owned(), source }
    }
}

/// What the other sources did, behind what the store did.
fn aside(others: &str) -> String {
    match others.is_empty() {
        true => String::new(),
        false => format!("; of the other sources, {others}"),
    }
}
