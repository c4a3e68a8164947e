//! Files that are there whole or not at all, whatever happens while they are written.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// Replaces `path` with `bytes`: written aside, synced, renamed, and the folder synced. Once it returns, the content survives
/// a crash of the program and of the machine; until then the former content does. On Unix only the owner may read it.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let aside = write_aside(path, bytes)?;
    fs::rename(&aside, path).inspect_err(|_| discard(&aside))?;
    sync_folder(path)
}

/// Like [`replace`], but fails with [`io::ErrorKind::AlreadyExists`] where `path` exists.
pub fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let aside = write_aside(path, bytes)?;
    // A hard link, unlike a rename, never replaces anything.
    let linked = fs::hard_link(&aside, path);
    discard(&aside);
    linked?;
    sync_folder(path)
}

fn write_aside(path: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or_else(|| io::Error::other("the path names no file"))?;
    let mut aside = name.to_os_string();
    aside.push(format!(".{}.new", std::process::id()));
    let aside = path.with_file_name(aside);
    let written = private_file(&aside).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.inspect_err(|_| discard(&aside))?;
    Ok(aside)
}

fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)
}

fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => File::open(folder)?.sync_all(),
        None => File::open(".")?.sync_all(),
    }
}

fn discard(aside: &Path) {
    // What cannot be removed is an orphan that the next write of the same process replaces.
    let _ = fs::remove_file(aside);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_replaced_file_is_whole_private_and_leaves_nothing_aside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record.json");
        replace(&path, b"old").unwrap();
        replace(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn creating_over_a_file_fails_and_keeps_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.json");
        create(&path, b"first").unwrap();
        let error = create(&path, b"second").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"first");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
