//! The folder of a store: its layout, its lock and what a kill leaves in it.

use super::{
    error::{At, StoreError},
    state::{Digest, Usage},
};
use std::{
    fs::{self, DirEntry, File, OpenOptions, TryLockError},
    io::{ErrorKind, Read, Seek, Write},
    path::{Path, PathBuf},
};

pub(super) const BLOCKS: &str = "blocks";
pub(super) const PINS: &str = "pins";
pub(super) const TEMPORARY: &str = "tmp";
const LOCK: &str = "lock";
const VERSION: &str = "version";
const LAYOUT: &str = "decentralml-store 1";

/// Locks and prepares the folder; the lock ends with the file that is returned.
pub(super) fn open(root: &Path) -> Result<File, StoreError> {
    fs::create_dir_all(root).at(root)?;
    let version = root.join(VERSION);
    if !version.exists() && !is_fresh(root)? {
        return Err(StoreError::NotAStore(root.to_owned()));
    }
    let lock = lock(root)?;
    if version.exists() {
        let found = fs::read_to_string(&version).at(&version)?;
        if found.trim() != LAYOUT {
            return Err(StoreError::Layout {
                path: root.to_owned(),
                found: found.trim().into(),
                expected: LAYOUT,
            });
        }
    } else {
        create(root)?;
    }
    sweep(&root.join(TEMPORARY))?;
    Ok(lock)
}

/// Only what `create` may have left when it was killed: the version file, its last step, is missing.
fn is_fresh(root: &Path) -> Result<bool, StoreError> {
    for entry in fs::read_dir(root).at(root)? {
        let name = entry.at(root)?.file_name();
        if ![LOCK, BLOCKS, PINS, TEMPORARY].iter().any(|ours| name == *ours) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn lock(root: &Path) -> Result<File, StoreError> {
    let path = root.join(LOCK);
    // Not truncated: until the lock is ours the file holds the other's PID.
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .at(&path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            let known = file.read_to_string(&mut pid).is_ok() && !pid.trim().is_empty();
            let pid = if known { pid.trim().into() } else { "?".into() };
            return Err(StoreError::Locked { path: root.to_owned(), pid });
        }
        Err(TryLockError::Error(e)) => return Err(StoreError::io(&path, e)),
    }
    file.set_len(0).and_then(|()| file.rewind()).at(&path)?;
    writeln!(file, "{}", std::process::id()).at(&path)?;
    Ok(file)
}

fn create(root: &Path) -> Result<(), StoreError> {
    let blocks = root.join(BLOCKS);
    for shard in 0..=u8::MAX {
        let shard = self::shard(root, shard);
        fs::create_dir_all(&shard).at(&shard)?;
    }
    for folder in [PINS, TEMPORARY] {
        let folder = root.join(folder);
        fs::create_dir_all(&folder).at(&folder)?;
    }
    sync_folder(&blocks)?;
    let draft = root.join(TEMPORARY).join(VERSION);
    fs::write(&draft, format!("{LAYOUT}\n")).at(&draft)?;
    File::open(&draft).and_then(|file| file.sync_all()).at(&draft)?;
    fs::rename(&draft, root.join(VERSION)).at(&draft)?;
    sync_folder(root)
}

fn sweep(folder: &Path) -> Result<(), StoreError> {
    for entry in fs::read_dir(folder).at(folder)? {
        let path = entry.at(folder)?.path();
        fs::remove_file(&path).at(&path)?;
        tracing::info!(file = %path.display(), "removed a half-written file of an earlier run");
    }
    Ok(())
}

/// Makes names created in or removed from a folder survive a power cut.
pub(super) fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    decentralml_files::sync_folder(folder).at(folder)
}

/// The folder of the blocks whose hash begins with this byte.
pub(super) fn shard(root: &Path, first: u8) -> PathBuf {
    root.join(BLOCKS).join(format!("{first:02x}"))
}

/// Counts the blocks.
pub(super) fn usage(root: &Path) -> Result<Usage, StoreError> {
    let mut usage = Usage::default();
    for_each_block(root, |_, entry| {
        let path = entry.path();
        usage.blocks += 1;
        usage.bytes += entry.metadata().at(&path)?.len();
        Ok(())
    })?;
    Ok(usage)
}

/// Calls `visit` for each file of a block. What else lies there is left alone.
pub(super) fn for_each_block(
    root: &Path,
    mut visit: impl FnMut(Digest, &DirEntry) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    for first in 0..=u8::MAX {
        let shard = shard(root, first);
        for entry in fs::read_dir(&shard).at(&shard)? {
            let entry = match entry {
                Ok(entry) => entry,
                Err(e) if e.kind() == ErrorKind::NotFound => continue,
                Err(e) => return Err(StoreError::io(&shard, e)),
            };
            match entry.file_name().to_str().and_then(digest) {
                Some(digest) if digest[0] == first => visit(digest, &entry)?,
                _ => {
                    tracing::warn!(file = %entry.path().display(), "a file among the blocks that is none")
                }
            }
        }
    }
    Ok(())
}

/// From 64 hex digits, the small ones only: a file of another name is never found by its hash.
fn digest(name: &str) -> Option<Digest> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let name: &[u8; 64] = name.as_bytes().try_into().ok()?;
    let mut digest = [0; 32];
    for (byte, pair) in digest.iter_mut().zip(name.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(digest)
}
