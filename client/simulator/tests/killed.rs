//! Runs in processes of their own: one that is killed goes on to the same model, and a million clients take little memory.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    env, fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// The example program `run`, which lies beside the tests.
fn program() -> PathBuf {
    let tests = env::current_exe().unwrap();
    let folder = tests.parent().and_then(Path::parent).unwrap();
    let program = folder.join("examples").join(format!("run{}", env::consts::EXE_SUFFIX));
    assert!(
        program.is_file(),
        "{} is not built: `cargo build --example run` with the profile of the tests makes it",
        program.display()
    );
    program
}

fn start(file: &Path, out: &Path, hold: &str) -> Child {
    Command::new(program())
        .args([file, out, Path::new("2"), Path::new(hold)])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn lines(child: &mut Child) -> impl Iterator<Item = String> + use<> {
    BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok)
}

#[test]
fn a_run_that_is_killed_again_and_again_ends_with_the_same_model() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("run.toml");
    // Error feedback: clients have states, which have to fit to the checkpoint.
    fs::write(
        &file,
        "clients = 6\nclients_per_round = 4\nrounds = 12\ncheckpoint_every = 3\n[model]\nname = \
         \"mlp\"\n[data]\nfile = \"digits\"\nrows = 300\n[training]\nepochs = 2\nbatch_size = 16\n\
         learning_rate = 0.1\noptimizer = \"sgd\"\n[aggregation]\nserver = { \
         fed_avg_m = { rate = 0.5, momentum = 0.9 } }\n[encoding]\nrounding = \"stochastic\"\nkeep \
         = 0.05\nerror_feedback = true\n",
    )
    .unwrap();
    let mut child = start(&file, &folder.path().join("whole"), "");
    let expected = lines(&mut child).last().unwrap();
    assert!(child.wait().unwrap().success() && expected.starts_with("baf"), "{expected}");

    let out = folder.path().join("killed");
    // In the first rounds, right after a checkpoint, and in the middle of a round after one.
    for (hold, after) in [("2.3", 0), ("saved.6", 0), ("8.1", 6), ("11.4", 6), ("11.2", 9)] {
        let mut child = start(&file, &out, hold);
        let found: Vec<String> = lines(&mut child).take_while(|line| line != "held").collect();
        assert_eq!(found.first(), Some(&format!("after {after} rounds")), "{hold}");
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!out.join("report.json").exists());
    }
    let mut child = start(&file, &out, "");
    let rest: Vec<String> = lines(&mut child).collect();
    assert!(child.wait().unwrap().success());
    assert_eq!(rest.first().map(String::as_str), Some("after 9 rounds"));
    assert_eq!(rest.last(), Some(&expected));
}

#[cfg(target_os = "linux")]
#[test]
fn a_round_of_a_million_clients_takes_less_than_a_gigabyte() {
    let folder = tempfile::tempdir().unwrap();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/million.toml");
    let text = fs::read_to_string(example).unwrap();
    assert!(text.contains("rounds = 20\n"));
    let file = folder.path().join("million.toml");
    fs::write(&file, text.replace("rounds = 20\n", "rounds = 2\ncheckpoint_every = 1\n")).unwrap();
    // Held once a round is over and saved.
    let mut child = start(&file, &folder.path().join("out"), "saved.1");
    assert!(lines(&mut child).any(|line| line == "held"));
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kilobytes: u64 = peak.trim_end_matches("kB").trim().parse().unwrap();
    assert!(kilobytes < 1_000_000, "{kilobytes} kB");
}
