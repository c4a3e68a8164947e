//! What the system says about this process, and a process of its own for a test.

use std::{env, fs, process::Command};
use tokio::runtime::{Builder, Runtime};

/// Raises the limit of open files: both limits where this user may, else as far as the hard one allows.
const RAISE: &str = "ulimit -n \"$FILES\" 2>/dev/null || ulimit -S -n \"$(ulimit -H -n)\"";

const INSIDE: &str = "DECENTRALML_CROWD";

/// A line of `/proc/self/status`; memory is in KiB.
pub fn status(name: &str) -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim_matches([':', ' ', '\t']).trim_end_matches(" kB").parse().unwrap()
}

/// Open files that such a process asks for: those of the largest crowd, and those of the store that it meets.
const FILES: usize = 16_384;

/// Runs the body of the test of this name in another process, whose memory is nobody else's, and which may have [`FILES`] open, or as
/// many as the system allows.
pub fn alone(test: &str, body: impl Future<Output = ()>) {
    match env::var_os(INSIDE) {
        Some(_) => runtime().block_on(body),
        None => again(test, "1"),
    }
}

/// [`alone`], while what `beside` returns goes on in this process: the body gets its word.
pub fn beside<K>(
    test: &str,
    beside: impl Future<Output = (String, K)>,
    body: impl AsyncFnOnce(&str),
) {
    if let Ok(word) = env::var(INSIDE) {
        return runtime().block_on(body(&word));
    }
    let runtime = runtime();
    let (word, _kept) = runtime.block_on(beside);
    again(test, &word);
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn again(test: &str, word: &str) {
    let output = Command::new("sh")
        .args(["-c", &format!("{RAISE}; exec \"$@\""), "sh"])
        .arg(env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(INSIDE, word)
        .env("FILES", FILES.to_string())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}{text}", String::from_utf8_lossy(&output.stdout));
    eprint!("{text}");
}
