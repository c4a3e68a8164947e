//! `get`: a file or a directory with all that is in it, as a TAR archive.

use super::{
    answer::Failure,
    ls::entity,
    params::Params,
    paths::{following, resolve},
};
use crate::{
    FileReader, Lease, Store, StoreError, WrittenCid, outgoing,
    unixfs::{Entity, Kind, NodeError},
};
use axum::{
    extract::{Query, State},
    http::header,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use decentralml_types::Codec;
use std::{
    collections::HashSet,
    io,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};
use tar::{Builder, EntryType, Header};

/// What an archive's parts are padded to, and, twice, what ends it: zeros.
const BLOCK: usize = 512;
static ZEROS: [u8; 2 * BLOCK] = [0; 2 * BLOCK];

/// Bytes of an entry's path, at most: what systems take. It also bounds how deep directories lie within each other.
const MAX_PATH: usize = 4096;

/// Entries of directories that are begun, at most: they are in memory.
const MAX_HELD: usize = 1 << 18;

/// Bytes of an entry's name, at most: what systems take.
const MAX_NAME: usize = 255;

/// What fails before the first byte is an error answer; what fails later cuts the connection.
pub(super) async fn get(
    State(store): State<Arc<Store>>,
    Query(params): Query<Params>,
) -> Result<Response, Failure> {
    // `output` and `progress` are for the command line, and an archive is what is sent with `archive` and without.
    for flag in ["archive", "progress"] {
        params.flag(flag)?;
    }
    if params.flag("compress")?.unwrap_or(false) {
        return Err(Failure::command("unsupported option compress: this store sends what it has"));
    }
    let path = params.path("ipfs-path")?;
    let asked = params.args().next().unwrap_or_default().trim_end_matches('/');
    let name = asked.rsplit('/').next().unwrap_or_default().to_owned();
    let (size, first, rest) = following(move || {
        let root = resolve(&store, &path)?;
        let size = entity(&store, root)?.dag_size;
        let mut archive = Archive::new(store, name, root);
        let first = archive.next().transpose().map_err(Failure::command)?;
        Ok((size, first, archive))
    })
    .await?;
    let headers = [
        (header::CONTENT_TYPE.as_str(), "application/x-tar".to_owned()),
        ("x-content-length", size.to_string()),
        ("x-stream-output", "1".to_owned()),
    ];
    Ok((headers, outgoing::body(first.map(Ok).into_iter().chain(rest))).into_response())
}

/// Why an archive ends early.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("an entry is named {0:?}, as no file or two files can be")]
    Name(String),
    #[error("{0} lies too deep: more than {MAX_PATH} bytes of path")]
    Deep(String),
    #[error("{0}: directories of more than {MAX_HELD} entries lie within each other")]
    Wide(String),
    #[error("{path}: {source}")]
    Entry { path: String, source: io::Error },
}

/// The bytes of an archive, piece by piece. In memory are a block, and the entries of the directories that have been begun.
struct Archive {
    store: Arc<Store>,
    /// Of all that is still to be read.
    _lease: Lease,
    /// The directories that have been begun, the innermost last.
    begun: Vec<Directory>,
    /// The file whose bytes are next.
    file: Option<FileReader>,
    ended: bool,
    /// When all entries were changed last, in seconds: nothing is kept of when they were.
    now: u64,
}

struct Directory {
    /// With a slash at its end; empty above the root.
    path: String,
    left: std::vec::IntoIter<(String, WrittenCid)>,
}

impl Archive {
    fn new(store: Arc<Store>, name: String, root: WrittenCid) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            _lease: store.lease(&root.cid()),
            store,
            begun: vec![Directory { path: String::new(), left: vec![(name, root)].into_iter() }],
            file: None,
            ended: false,
            now: now.map_or(0, |since| since.as_secs()),
        }
    }

    /// The next piece, or nothing at the end.
    fn piece(&mut self) -> Result<Option<Bytes>, Broken> {
        if let Some(file) = &mut self.file {
            if let Some(piece) = file.next() {
                return Ok(Some(piece?));
            }
            let padding = padding(file.size());
            self.file = None;
            if padding > 0 {
                return Ok(Some(Bytes::from_static(&ZEROS[..padding])));
            }
        }
        while let Some(directory) = self.begun.last_mut() {
            if let Some((name, cid)) = directory.left.next() {
                let path = join(&directory.path, &name)?;
                return Ok(Some(self.entry(path, cid)?));
            }
            self.begun.pop();
        }
        self.ended = true;
        Ok(Some(Bytes::from_static(&ZEROS)))
    }

    /// The head of an entry, whose content is next.
    fn entry(&mut self, path: String, cid: WrittenCid) -> Result<Bytes, Broken> {
        // What a raw block is, its CID says.
        if cid.cid().codec == Codec::Raw {
            return self.open(&path, cid);
        }
        let Entity { kind, links, .. } = entity(&self.store, cid)?;
        match kind {
            Kind::File { .. } => self.open(&path, cid),
            Kind::Symlink { target } => {
                let target = String::from_utf8(target.to_vec()).map_err(|error| {
                    Broken::Name(String::from_utf8_lossy(error.as_bytes()).into_owned())
                })?;
                self.head(&path, EntryType::Symlink, 0, Some(&target))
            }
            Kind::Directory => {
                let held: usize = self.begun.iter().map(|directory| directory.left.len()).sum();
                if held + links.len() > MAX_HELD {
                    return Err(Broken::Wide(path));
                }
                // Of two entries of one name, the first may be a link out of the archive, and the second what is written through it.
                let mut names = HashSet::with_capacity(links.len());
                for link in &links {
                    let name = link.name.as_str();
                    if name.len() > MAX_NAME || !names.insert(name) {
                        return Err(Broken::Name(name.chars().take(80).collect()));
                    }
                }
                drop(names);
                let head = self.head(&path, EntryType::Directory, 0, None)?;
                let left: Vec<_> = links.into_iter().map(|link| (link.name, link.cid)).collect();
                self.begun.push(Directory { path: path + "/", left: left.into_iter() });
                Ok(head)
            }
            Kind::Sharded => Err(StoreError::Node {
                cid: cid.cid(),
                source: NodeError::NotAFile("a HAMT-sharded directory, whose entries are not read"),
            }
            .into()),
        }
    }

    fn open(&mut self, path: &str, cid: WrittenCid) -> Result<Bytes, Broken> {
        let file = self.store.file(&cid.cid(), 0, None)?;
        let head = self.head(path, EntryType::Regular, file.size(), None)?;
        self.file = Some(file);
        Ok(head)
    }

    fn head(
        &self,
        path: &str,
        of: EntryType,
        size: u64,
        target: Option<&str>,
    ) -> Result<Bytes, Broken> {
        let mut header = Header::new_gnu();
        header.set_entry_type(of);
        header.set_mode(if of == EntryType::Regular { 0o644 } else { 0o755 });
        header.set_size(size);
        header.set_mtime(self.now);
        // With nothing behind it: a head alone, or several where the path is long.
        let mut builder = Builder::new(Vec::new());
        match target {
            Some(target) => builder.append_link(&mut header, path, target),
            None => builder.append_data(&mut header, path, io::empty()),
        }
        .map_err(|source| Broken::Entry { path: path.to_owned(), source })?;
        Ok(Bytes::copy_from_slice(builder.get_ref()))
    }
}

impl Iterator for Archive {
    type Item = Result<Bytes, Broken>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let piece = self.piece();
        self.ended |= piece.is_err();
        piece.transpose()
    }
}

/// Zeros that follow so many bytes.
fn padding(size: u64) -> usize {
    let over = (size % BLOCK as u64) as usize;
    if over == 0 { 0 } else { BLOCK - over }
}

/// The path of an entry, which leads nowhere else.
fn join(directory: &str, name: &str) -> Result<String, Broken> {
    if matches!(name, "" | "." | "..") || name.contains(['/', '\0']) {
        return Err(Broken::Name(name.to_owned()));
    }
    let path = format!("{directory}{name}");
    if path.len() > MAX_PATH {
        return Err(Broken::Deep(path.chars().take(80).collect()));
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_entry_lies_in_its_directory_and_nowhere_else() {
        assert_eq!(join("", "a").unwrap(), "a");
        assert_eq!(join("a/b/", "...").unwrap(), "a/b/...");
        for name in ["", ".", "..", "../x", "/etc", "a/b", "a\0"] {
            assert!(matches!(join("a/", name), Err(Broken::Name(_))), "{name:?}");
        }
        assert!(matches!(join(&"a/".repeat(2048), "b"), Err(Broken::Deep(_))));
    }

    #[test]
    fn parts_fill_whole_blocks() {
        for (size, zeros) in [(0, 0), (1, 511), (511, 1), (512, 0), (513, 511), (1 << 40, 0)] {
            assert_eq!(padding(size), zeros, "{size}");
        }
    }
}
