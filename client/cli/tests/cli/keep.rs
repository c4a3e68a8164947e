//! `keep`: programs that end with whoever started them.

use crate::decentralml;
use std::{
    fs,
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

#[test]
fn a_kept_program_does_not_outlive_its_input() {
    let home = tempfile::tempdir().unwrap();
    let mark = home.path().join("mark");
    let script = format!("while true; do date +%s%N > {}; sleep 0.05; done", mark.display());
    let mut keep = decentralml(home.path())
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .args(["keep", "--", "sh", "-c", &script])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while !mark.exists() {
        assert!(Instant::now() < deadline, "the program was not started");
        thread::sleep(Duration::from_millis(20));
    }
    drop(keep.stdin.take());
    assert!(keep.wait().unwrap().success());
    thread::sleep(Duration::from_millis(200));
    let last = fs::read(&mark).unwrap();
    thread::sleep(Duration::from_millis(400));
    assert_eq!(fs::read(&mark).unwrap(), last, "the program still runs");
}
