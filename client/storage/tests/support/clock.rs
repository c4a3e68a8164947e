//! A clock that jumps.

use std::{
    env, fs,
    process::Command,
    time::{Duration, SystemTime},
};
use tempfile::TempDir;

/// Set in a process that has such a clock.
const JUMPING: &str = "DECENTRALML_JUMPING_CLOCK";

/// Stands before the C library: whoever asks for the time of the day is told the right one, one of forty years later, one of twenty
/// years before, the first day of all clocks, and so on, whatever was said before. The clock that only counts is left alone: a system
/// that sets its time leaves it alone, too.
const SOURCE: &str = r"
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static time_t jump(time_t now) {
    static unsigned looks;
    const time_t year = 365 * 24 * 3600;
    switch (__atomic_fetch_add(&looks, 1, __ATOMIC_RELAXED) % 4) {
    case 1: return now + 40 * year;
    case 2: return now - 20 * year;
    case 3: return 3600;
    default: return now;
    }
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int failed = (int)syscall(SYS_clock_gettime, clock, now);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec = jump(now->tv_sec);
    return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    int failed = (int)syscall(SYS_gettimeofday, now, zone);
    if (!failed && now)
        now->tv_sec = jump(now->tv_sec);
    return failed;
}

time_t time(time_t *also) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (also)
        *also = now.tv_sec;
    return now.tv_sec;
}
";

/// That it does, where it is meant to.
#[test]
fn the_clock_of_this_process_jumps_or_does_not() {
    let looks: Vec<_> = (0..8).map(|_| SystemTime::now()).collect();
    let year = Duration::from_secs(365 * 24 * 3600);
    let is_later = |pair: &[SystemTime], one: usize, other: usize| {
        pair[one].duration_since(pair[other]).is_ok_and(|gap| gap > year)
    };
    let forward = looks.windows(2).any(|pair| is_later(pair, 1, 0));
    let back = looks.windows(2).any(|pair| is_later(pair, 0, 1));
    assert_eq!(forward && back, env::var_os(JUMPING).is_some(), "{looks:?}");
}

/// Runs these tests of this program again, under a clock that jumps forward and back at every look.
pub fn under_a_jumping_clock(tests: &[&str]) {
    assert!(env::var_os(JUMPING).is_none(), "a test that runs itself");
    let (_, here) = module_path!().split_once("::").unwrap();
    let check = format!("{here}::the_clock_of_this_process_jumps_or_does_not");
    let folder = TempDir::new().unwrap();
    let (source, library) = (folder.path().join("clock.c"), folder.path().join("clock.so"));
    fs::write(&source, SOURCE).unwrap();
    let build = |compiler: &&str| {
        let mut command = Command::new(compiler);
        command.args(["-shared", "-fPIC", "-O1", "-o"]).args([&library, &source]);
        command.status().is_ok_and(|status| status.success())
    };
    // Rust links with one of them.
    if !["cc", "clang", "gcc"].iter().any(build) {
        eprintln!("SKIPPED: no C compiler makes a clock that jumps");
        return;
    }
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", &check])
        .args(tests)
        .env("LD_PRELOAD", &library)
        .env(JUMPING, "1")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    let passed = format!(" {} passed", tests.len() + 1);
    assert!(output.status.success() && told.contains(&passed), "{told}{errors}");
}
