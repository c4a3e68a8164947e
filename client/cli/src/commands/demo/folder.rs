//! The folder of a demo: one demo at a time uses it, and each begins without what the last one left.

use crate::exit::{Kind, problem};
use color_eyre::{Result, eyre::WrapErr};
use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, Write},
    path::{Path, PathBuf},
};

/// Locked while a demo uses the folder; holds the PID of the last one that did.
const LOCK: &str = "lock";
/// Digits that a PID has at most.
const PID_DIGITS: u64 = 20;

/// Makes the folder and takes it for this process, until the file is closed.
pub fn lock(folder: &Path) -> Result<File> {
    fs::create_dir_all(folder).wrap_err_with(|| format!("{} cannot be made", folder.display()))?;
    let path = folder.join(LOCK);
    // Not truncated: until the lock is ours the file holds the other's PID.
    let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
    let mut file = opened.wrap_err_with(|| format!("{} cannot be opened", path.display()))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            let known = (&file).take(PID_DIGITS).read_to_string(&mut pid).is_ok();
            let pid = Some(pid.trim()).filter(|pid| known && !pid.is_empty()).unwrap_or("?");
            return Err(problem(
                Kind::Other,
                format!(
                    "another demo (PID {pid}) uses {}; wait for its end, or name another folder with --out",
                    folder.display()
                ),
            ));
        }
        Err(TryLockError::Error(error)) => {
            let message = format!("{} cannot be locked", path.display());
            return Err(error).wrap_err(message);
        }
    }
    file.set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| writeln!(file, "{}", std::process::id()))
        .wrap_err_with(|| format!("{} cannot be written", path.display()))?;
    Ok(file)
}

/// Removes what an earlier demo left; other files stay. Gives the folder's absolute path.
pub fn clean(folder: &Path) -> Result<PathBuf> {
    let folder = std::path::absolute(folder)?;
    for name in ["chain", "data", "logs", "store", "workers"] {
        remove(&folder.join(name), |path| fs::remove_dir_all(path))?;
    }
    for name in ["report.json", "rounds.json", "model.safetensors", "accuracy.svg"] {
        remove(&folder.join(name), |path| fs::remove_file(path))?;
    }
    Ok(folder)
}

fn remove(path: &Path, how: impl Fn(&Path) -> io::Result<()>) -> Result<()> {
    if !path.exists() {
        return Ok(());
    }
    how(path).wrap_err_with(|| format!("{} of an earlier demo cannot be removed", path.display()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_what_a_demo_left_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("logs")).unwrap();
        for name in ["report.json", "logs/node.log", "thesis.tex"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        clean(folder.path()).unwrap();
        let left: Vec<_> =
            fs::read_dir(folder.path()).unwrap().map(|f| f.unwrap().file_name()).collect();
        assert_eq!(left, ["thesis.tex"]);
    }

    #[test]
    fn one_demo_at_a_time_uses_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("out/demo");
        let first = lock(&folder).unwrap();
        let pid = std::process::id().to_string();
        let error = lock(&folder).unwrap_err().to_string();
        assert!(error.contains(&format!("another demo (PID {pid})")), "{error}");
        drop(first);
        let second = lock(&folder).unwrap();
        clean(&folder).unwrap();
        assert_eq!(fs::read_to_string(folder.join(LOCK)).unwrap().trim(), pid);
        assert!(lock(&folder).is_err(), "cleaned away");
        drop(second);
    }
}
