//! A file system of a test's own, where this user may mount one.

use std::{
    env, fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

/// Where the file system is, in the process that has it.
const INSIDE: &str = "DECENTRALML_TEST_DISK";

/// A program that runs another one with mounts of its own.
fn unshare() -> Command {
    let mut command = Command::new("unshare");
    // Root needs no namespace of users to mount something.
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        command.args(["--user", "--map-root-user"]);
    }
    command.args(["--mount", "--"]);
    command
}

/// Runs the body of the test of this name in a process that has a file system of so many bytes. Where this user may mount nothing, it
/// says so and runs nothing.
pub fn on_a_disk(test: &str, bytes: usize, body: impl AsyncFnOnce(PathBuf)) {
    if let Some(folder) = env::var_os(INSIDE) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        return runtime.block_on(body(folder.into()));
    }
    let folder = TempDir::new().unwrap();
    let options = format!("size={bytes}");
    let mount = ["mount", "-t", "tmpfs", "-o", &options, "disk"];
    let tried = unshare().args(mount).arg(folder.path()).output();
    if !tried.as_ref().is_ok_and(|output| output.status.success()) {
        eprintln!("SKIPPED: this user may mount nothing here: {tried:?}");
        return;
    }
    let both = "\"$1\" \"$2\" \"$3\" \"$4\" \"$5\" \"$6\" \"$7\" && shift 7 && exec \"$@\"";
    let output = unshare()
        .args(["sh", "-c", both, "sh"])
        .args(mount)
        .arg(folder.path())
        .arg(env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(INSIDE, folder.path())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && told.contains("1 passed"), "{told}{errors}");
}

/// Makes everything under a folder read-only, in this process and for what uses it by its path from now on.
pub fn make_read_only(folder: &Path) {
    mount(&["--bind"], &[folder, folder]);
    mount(&["-o", "remount,bind,ro"], &[folder]);
}

/// Takes [`make_read_only`] back.
pub fn make_writable(folder: &Path) {
    mount(&["-o", "remount,bind,rw"], &[folder]);
}

fn mount(options: &[&str], folders: &[&Path]) {
    let output = Command::new("mount").args(options).args(folders).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
