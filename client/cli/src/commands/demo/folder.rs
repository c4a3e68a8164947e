//! The folder of a demo: one demo at a time uses it, and each begins without what the last one left.

use super::report;
use crate::exit::{Kind, problem};
use color_eyre::{Result, eyre::WrapErr};
use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, ErrorKind, Read, Seek, Write},
    path::{Path, PathBuf},
};

/// Says that the folder is a demo's. Locked while a demo uses it; holds the PID of the last one that did.
const MARK: &str = "decentralml-demo.lock";
/// Digits that a PID has at most.
const PID_DIGITS: u64 = 20;

/// Makes the folder and takes it for this process, until the file is closed. One that somebody else filled is refused, as a
/// demo removes what lies in its folder.
pub fn lock(folder: &Path) -> Result<File> {
    insist_on_own(folder)?;
    fs::create_dir_all(folder).wrap_err_with(|| format!("{} cannot be made", folder.display()))?;
    let path = folder.join(MARK);
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

/// Refuses a folder that holds something and that no demo made. Demos of before there was the mark are known by their report.
fn insist_on_own(folder: &Path) -> Result<()> {
    let mut entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => {
            let message = format!("{} cannot be used as a folder", folder.display());
            return Err(error).wrap_err(message);
        }
    };
    // In this order: another demo that begins at this moment puts the mark there first.
    if entries.next().is_none()
        || folder.join(MARK).is_file()
        || report::is_report(&folder.join(report::FILE))
    {
        return Ok(());
    }
    Err(problem(
        Kind::Usage,
        format!(
            "{} holds files and has no {MARK}, so no demo made it; a demo would remove folders such as `data` from it: name a \
             new or empty folder with --out, or remove this one if nothing in it is needed",
            folder.display()
        ),
    ))
}

/// Removes what an earlier demo left in a folder that is [locked](lock); other files stay. Gives the folder's absolute path.
pub fn clean(folder: &Path) -> Result<PathBuf> {
    let folder = std::path::absolute(folder)?;
    for name in ["chain", "data", "logs", "store", "workers"] {
        remove(&folder.join(name), |path| fs::remove_dir_all(path))?;
    }
    for name in [report::FILE, "rounds.json", "model.safetensors", "accuracy.svg"] {
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
    fn a_folder_that_no_demo_made_is_refused_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("data")).unwrap();
        for name in ["data/rows.csv", "lock", "report.json"] {
            fs::write(folder.path().join(name), r#"{"accuracy": [0.9]}"#).unwrap();
        }
        let error = lock(folder.path()).unwrap_err();
        assert_eq!(crate::exit::kind(&error), Kind::Usage);
        assert!(error.to_string().contains("--out"), "{error}");
        let mut left: Vec<_> =
            fs::read_dir(folder.path()).unwrap().map(|f| f.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["data", "lock", "report.json"]);
        let error = lock(&folder.path().join("lock")).unwrap_err().to_string();
        assert!(error.contains("cannot be used as a folder"), "{error}");
    }

    #[test]
    fn a_folder_of_an_earlier_demo_is_used_again_whether_or_not_that_came_to_its_end() {
        let folder = tempfile::tempdir().unwrap();
        drop(lock(folder.path()).unwrap());
        fs::create_dir(folder.path().join("data")).unwrap();
        drop(lock(folder.path()).unwrap());
        clean(folder.path()).unwrap();
        assert!(!folder.path().join("data").exists() && folder.path().join(MARK).is_file());
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
        assert_eq!(fs::read_to_string(folder.join(MARK)).unwrap().trim(), pid);
        assert!(lock(&folder).is_err(), "cleaned away");
        drop(second);
    }
}
