//! A directory that is being put together.

use super::name::Path;
use crate::{
    Block,
    server::answer::Failure,
    unixfs::{Imported, MAX_DIRECTORY, MIN_ENTRY, directory},
};
use std::collections::{BTreeMap, btree_map};

/// The entries of a directory, in the order of their names' bytes. It has [`name::path`](super::name::path)'s depth at most.
#[derive(Debug, Default)]
pub struct Tree {
    entries: BTreeMap<String, Entry>,
    /// Fewest bytes that its block can have.
    bytes: usize,
}

#[derive(Debug)]
enum Entry {
    File(Imported),
    Directory(Tree),
}

/// Why something does not fit into a tree.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// Kubo has these words for it.
    #[error("directory already has entry by that name: {0:?}")]
    Taken(String),
    /// It would have to be spread over many blocks.
    #[error(
        "the directory {0:?} has more entries than fit into a block of {MAX_DIRECTORY} bytes, and this store makes no sharded (HAMT) \
         directories: put its files into several directories, or add them to a Kubo"
    )]
    TooLarge(String),
}

impl From<TreeError> for Failure {
    fn from(error: TreeError) -> Self {
        Self::command(error)
    }
}

impl Tree {
    /// Puts a file in, and makes the directories on the way to it.
    pub fn file(&mut self, path: &[String], file: Imported) -> Result<(), TreeError> {
        let Some((name, parents)) = path.split_last() else { return Err(taken(path)) };
        match self.parent(parents, path)?.vacant(name, parents)? {
            Some(place) => drop(place.insert(Entry::File(file))),
            None => return Err(taken(path)),
        }
        Ok(())
    }

    /// Makes a directory and those on the way to it, as far as they are not there.
    pub fn directory(&mut self, path: &[String]) -> Result<(), TreeError> {
        self.parent(path, path).map(drop)
    }

    /// The directory that `names` lead to.
    fn parent(&mut self, names: &[String], path: &[String]) -> Result<&mut Self, TreeError> {
        let mut at = self;
        for (depth, name) in names.iter().enumerate() {
            if let Some(place) = at.vacant(name, &names[..depth])? {
                place.insert(Entry::Directory(Self::default()));
            }
            at = match at.entries.get_mut(name) {
                Some(Entry::Directory(below)) => below,
                _ => return Err(taken(path)),
            };
        }
        Ok(at)
    }

    /// Where an entry of this name would stand; `None` where there is one. `own` is the way to this directory.
    fn vacant(
        &mut self,
        name: &str,
        own: &[String],
    ) -> Result<Option<btree_map::VacantEntry<'_, String, Entry>>, TreeError> {
        match self.entries.entry(name.to_owned()) {
            btree_map::Entry::Occupied(_) => Ok(None),
            btree_map::Entry::Vacant(place) => {
                self.bytes += MIN_ENTRY + name.len();
                if self.bytes > MAX_DIRECTORY {
                    return Err(TreeError::TooLarge(own.join("/")));
                }
                Ok(Some(place))
            }
        }
    }

    /// Hands over every directory with its path below `path`, those inside of others first, and this one last.
    pub fn finish<E: From<TreeError>>(
        self,
        path: &mut Path,
        made: &mut impl FnMut(&Path, Block, Imported) -> Result<(), E>,
    ) -> Result<Imported, E> {
        let mut entries = Vec::with_capacity(self.entries.len());
        for (name, entry) in self.entries {
            let entry = match entry {
                Entry::File(file) => file,
                Entry::Directory(below) => {
                    path.push(name.clone());
                    let finished = below.finish(path, made)?;
                    path.pop();
                    finished
                }
            };
            entries.push((name, entry));
        }
        let named = entries.iter().map(|(name, entry)| (name.as_str(), *entry));
        let (block, own) = directory(named).ok_or_else(|| TreeError::TooLarge(path.join("/")))?;
        made(path, block, own)?;
        Ok(own)
    }
}

fn taken(path: &[String]) -> TreeError {
    TreeError::Taken(path.join("/"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::unixfs::canonical_cid;

    fn names(text: &str) -> Path {
        text.split('/').map(str::to_owned).collect()
    }

    fn file() -> Imported {
        Imported { cid: canonical_cid(b"1"), size: 1, dag_size: 1 }
    }

    fn order(tree: Tree) -> Vec<String> {
        let mut order = Vec::new();
        let mut made = |path: &Path, _, _| {
            order.push(path.join("/"));
            Ok::<_, TreeError>(())
        };
        tree.finish(&mut names("top"), &mut made).unwrap();
        order
    }

    #[test]
    fn directories_come_after_what_is_in_them_and_in_the_order_of_their_names() {
        let mut tree = Tree::default();
        for path in ["b/c/1", "a/1", "B/1", "b/a/1"] {
            tree.file(&names(path), file()).unwrap();
        }
        tree.directory(&names("b/empty")).unwrap();
        tree.directory(&names("b")).unwrap();
        assert_eq!(
            order(tree),
            ["top/B", "top/a", "top/b/a", "top/b/c", "top/b/empty", "top/b", "top"]
        );
    }

    #[test]
    fn a_name_is_given_once() {
        let mut tree = Tree::default();
        tree.file(&names("a"), file()).unwrap();
        tree.directory(&names("d")).unwrap();
        assert_eq!(tree.file(&names("a"), file()), Err(TreeError::Taken("a".into())));
        assert_eq!(tree.file(&names("d"), file()), Err(TreeError::Taken("d".into())));
        assert_eq!(tree.file(&names("a/b"), file()), Err(TreeError::Taken("a/b".into())));
        assert_eq!(tree.directory(&names("a")), Err(TreeError::Taken("a".into())));
        assert_eq!(tree.file(&[], file()), Err(TreeError::Taken(String::new())));
        assert_eq!(order(tree), ["top/d", "top"]);
    }

    #[test]
    fn a_directory_of_more_than_a_block_is_refused_when_it_is_full() {
        let mut tree = Tree::default();
        let last = (0..10_000)
            .find_map(|number| tree.file(&names(&format!("d/{number:06}")), file()).err());
        let error = last.unwrap();
        assert_eq!(error, TreeError::TooLarge("d".into()));
        assert!(error.to_string().contains("put its files into several directories"), "{error}");
    }
}
