#![allow(clippy::unwrap_used)]
use super::*;
use std::{
    thread,
    time::{Duration, SystemTime},
};

fn count(folder: &Path) -> usize {
    fs::read_dir(folder).unwrap().count()
}

#[test]
fn a_replaced_file_is_whole_and_leaves_nothing_aside() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("record.json");
    replace(&path, Readers::Owner, &[b"old and longer"]).unwrap();
    replace(&path, Readers::Owner, &[b"ne", b"w"]).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"new");
    assert_eq!(count(folder.path()), 1);
}

#[cfg(unix)]
#[test]
fn only_the_owner_reads_what_is_not_for_everybody() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let mode = |name: &str, readers| {
        let path = folder.path().join(name);
        replace(&path, readers, &[b"x"]).unwrap();
        fs::metadata(&path).unwrap().permissions().mode() & 0o777
    };
    assert_eq!(mode("secret", Readers::Owner), 0o600);
    let plain = folder.path().join("plain");
    fs::write(&plain, "x").unwrap();
    let usual = fs::metadata(&plain).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("open", Readers::Everybody), usual);
}

#[test]
fn creating_over_a_file_fails_and_keeps_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.json");
    create(&path, Readers::Owner, &[b"first"]).unwrap();
    let error = create(&path, Readers::Owner, &[b"second"]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
    assert_eq!(fs::read(&path).unwrap(), b"first");
    assert_eq!(count(folder.path()), 1);
}

#[test]
fn what_is_given_up_is_gone_and_what_was_there_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    replace(&path, Readers::Everybody, &[b"old"]).unwrap();
    let mut aside = Aside::create(&path, Readers::Everybody).unwrap();
    aside.write_all(b"half").unwrap();
    assert_eq!((count(folder.path()), fs::read(&path).unwrap()), (2, b"old".to_vec()));
    drop(aside);
    assert_eq!((count(folder.path()), fs::read(&path).unwrap()), (1, b"old".to_vec()));
    assert!(replace(&folder.path().join("none/model"), Readers::Owner, &[]).is_err());
    assert!(replace(Path::new("/"), Readers::Owner, &[]).is_err());
}

#[test]
fn what_a_killed_process_has_left_is_removed_and_what_is_being_written_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    let now = SystemTime::now();
    let far = Duration::from_secs(10 * 365 * 24 * 3_600);
    for time in [now, now - far, now + far] {
        let mut living = Aside::create(&path, Readers::Owner).unwrap();
        living.file().set_modified(time).unwrap();
        // No process has this number: as a kill leaves it, without a lock.
        let dead = folder.path().join(".model.99999999-3.new");
        fs::write(&dead, "half").unwrap();
        File::open(&dead).unwrap().set_modified(time).unwrap();
        let others = [".model.new", ".model.1.new", ".other.99999999-3.new", "model.5-3.new"];
        for other in others {
            fs::write(folder.path().join(other), "").unwrap();
        }
        replace(&path, Readers::Owner, &[b"whole"]).unwrap();
        assert!(!dead.exists() && living.path().exists(), "{time:?}");
        assert!(others.iter().all(|other| folder.path().join(other).exists()));
        living.replace(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"");
    }
}

#[test]
fn several_writers_of_one_file_leave_what_one_of_them_wrote() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    thread::scope(|scope| {
        for letter in b'a'..b'e' {
            let path = &path;
            scope.spawn(move || {
                for _ in 0..50 {
                    replace(path, Readers::Owner, &[&[letter; 10_000]]).unwrap();
                }
            });
        }
    });
    let bytes = fs::read(&path).unwrap();
    assert_eq!(bytes, [bytes[0]; 10_000]);
    assert_eq!(count(folder.path()), 1);
}
