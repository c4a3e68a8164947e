//! Pieces of an upload into files and directories of the store.

use super::{Line, Options, name::Path, parts::Piece, tree::Tree};
use crate::{
    Batch, Block, Store, StoreError,
    server::{answer::Failure, incoming::cut_off},
    unixfs::{self, Imported},
};
use bytes::{Buf, Bytes};
use std::io::{self, Read};
use tokio::sync::mpsc::Receiver;

/// Bytes after which something is said about a file, as by Kubo. Of a large one it is said less often, so that whoever reads the
/// answer only in the end has no more than some thousand lines to read.
const STEP: u64 = 256 << 10;
const STEPS: u64 = 256;

/// Says something; false when nobody listens.
pub type Say<'a> = &'a mut dyn FnMut(&Line) -> bool;

/// What is added is a root, with all under it: a file, or a directory with those of its files that come one after another.
pub struct Adder<'a> {
    store: &'a Store,
    options: &'a Options,
    incoming: &'a mut Receiver<Piece>,
    say: Say<'a>,
    root: Option<Root<'a>>,
    /// Whether anything was said.
    pub has_said: bool,
}

/// A directory that is coming.
struct Root<'a> {
    /// The way to it: its name, or nothing for the one around all that comes.
    way: Path,
    tree: Tree,
    batch: Option<Batch<'a>>,
}

impl<'a> Adder<'a> {
    pub fn new(
        store: &'a Store,
        options: &'a Options,
        incoming: &'a mut Receiver<Piece>,
        say: Say<'a>,
    ) -> Self {
        let root = options.wrap.then(|| Root::new(store, options, &[]));
        Self { store, options, incoming, say, root, has_said: false }
    }

    /// Stores all that comes.
    pub fn run(&mut self) -> Result<(), Failure> {
        loop {
            match self.incoming.blocking_recv() {
                Some(Piece::Directory(path)) => {
                    self.enter(&path, true)?;
                    if let Some(Root { way, tree, .. }) = &mut self.root {
                        tree.directory(path.get(way.len()..).unwrap_or_default())?;
                    }
                }
                Some(Piece::Symlink(path, target)) => {
                    self.enter(&path, false)?;
                    let (block, link) = unixfs::symlink(target);
                    match &mut self.root {
                        Some(root) => root.put(&block)?,
                        None if self.options.only_hash => {}
                        None => self.keep_alone(&block)?,
                    }
                    self.placed(path, link)?;
                }
                Some(Piece::File(path)) => {
                    self.enter(&path, false)?;
                    let file = self.file(&path)?;
                    self.placed(path, file)?;
                }
                Some(Piece::End) => return self.close(),
                Some(Piece::Failed(failure)) => return Err(failure),
                Some(Piece::Bytes(_) | Piece::EndOfFile) | None => {
                    return Err(Failure::command(cut_off()));
                }
            }
        }
    }

    /// Goes on in the root that a part belongs to.
    fn enter(&mut self, path: &Path, is_directory: bool) -> Result<(), Failure> {
        let belongs = self.root.as_ref().is_some_and(|Root { way, .. }| {
            self.options.wrap || (path.len() > way.len() && path.starts_with(way))
        });
        if belongs {
            return Ok(());
        }
        self.close()?;
        if is_directory || path.len() > 1 {
            let way = &path[..path.len().min(1)];
            self.root = Some(Root::new(self.store, self.options, way));
        }
        Ok(())
    }

    /// Reads the bytes of a file; one that is a root of its own is pinned.
    fn file(&mut self, path: &Path) -> Result<Imported, Failure> {
        let Self { store, options, incoming, say, root, has_said } = self;
        let name = options.progress.then(|| path.join("/"));
        let mut told = |bytes| {
            let Some(name) = &name else { return true };
            *has_said = true;
            say(&Line::progress(name.clone(), bytes))
        };
        let reader = Reader {
            incoming,
            current: Bytes::new(),
            ended: false,
            read: 0,
            next: STEP,
            told: &mut told,
        };
        Ok(match root {
            Some(root) => unixfs::import(reader, |block| root.put(&block))?,
            None if options.only_hash => unixfs::import(reader, |_| Ok::<(), StoreError>(()))?,
            None => store.add_named(reader, options.pin.as_deref())?,
        })
    }

    /// Stores a single block that is a root.
    fn keep_alone(&self, block: &Block) -> Result<(), StoreError> {
        let mut batch = self.store.batch();
        batch.put(block)?;
        let hold = batch.commit()?;
        if let Some(name) = &self.options.pin {
            self.store.pin_named(&block.cid(), name)?;
        }
        drop(hold);
        Ok(())
    }

    /// Notes a file where it belongs, and says what it has become.
    fn placed(&mut self, mut path: Path, file: Imported) -> Result<(), Failure> {
        if path.is_empty() {
            // So it is answered, and so a directory around it has it.
            path.push(file.cid.to_string());
        }
        let name = path.join("/");
        if let Some(Root { way, tree, .. }) = &mut self.root {
            tree.file(&path[way.len()..], file)?;
        }
        if self.options.silent { Ok(()) } else { self.say(&Line::added(name, file)) }
    }

    /// Ends a directory: it is on the disk, and pinned, when the last line says so.
    fn close(&mut self) -> Result<(), Failure> {
        let Some(Root { mut way, tree, mut batch }) = self.root.take() else { return Ok(()) };
        let name = way.join("/");
        let depth = way.len();
        let root = tree.finish(&mut way, &mut |path: &Path, block, made| {
            if let Some(batch) = &mut batch {
                batch.put(&block)?;
            }
            match path.len() > depth {
                true => self.say(&Line::added(path.join("/"), made)),
                false => Ok(()),
            }
        })?;
        if let Some(batch) = batch {
            let hold = batch.commit()?;
            if let Some(pin) = &self.options.pin {
                self.store.pin_named(&root.cid, pin)?;
            }
            drop(hold);
        }
        self.say(&Line::added(name, root))
    }

    fn say(&mut self, line: &Line) -> Result<(), Failure> {
        self.has_said = true;
        match (self.say)(line) {
            true => Ok(()),
            false => Err(Failure::command("the answer was not taken in time")),
        }
    }
}

impl<'a> Root<'a> {
    fn new(store: &'a Store, options: &Options, way: &[String]) -> Self {
        let batch = (!options.only_hash).then(|| store.batch());
        Self { way: way.to_vec(), tree: Tree::default(), batch }
    }

    fn put(&mut self, block: &Block) -> Result<(), StoreError> {
        self.batch.as_mut().map_or(Ok(()), |batch| batch.put(block))
    }
}

/// The bytes of one file.
struct Reader<'a> {
    incoming: &'a mut Receiver<Piece>,
    current: Bytes,
    ended: bool,
    read: u64,
    /// Bytes after which something is said.
    next: u64,
    told: &'a mut dyn FnMut(u64) -> bool,
}

impl Reader<'_> {
    fn tell(&mut self) -> io::Result<()> {
        self.next = self.read + STEP.max(self.read / STEPS);
        match (self.told)(self.read) {
            true => Ok(()),
            false => Err(io::Error::other("the answer was not taken in time")),
        }
    }
}

impl Read for Reader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() && !self.ended {
            match self.incoming.blocking_recv() {
                Some(Piece::Bytes(piece)) => self.current = piece,
                Some(Piece::EndOfFile) => {
                    self.ended = true;
                    self.tell()?;
                }
                Some(Piece::Failed(failure)) => return Err(io::Error::other(failure)),
                _ => return Err(cut_off()),
            }
        }
        let count = buffer.len().min(self.current.len());
        self.current.copy_to_slice(&mut buffer[..count]);
        self.read += count as u64;
        if self.read >= self.next {
            self.tell()?;
        }
        Ok(count)
    }
}
