//! A run whose process is killed goes on to the same model.
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
