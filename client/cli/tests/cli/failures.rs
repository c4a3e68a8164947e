//! Exit codes, failures as JSON, and output that nobody reads.

use crate::{decentralml, nobody, run, stderr};
use serde_json::Value;
use std::process::Stdio;

#[test]
fn exit_codes_say_what_kind_of_failure_it_was() {
    let home = tempfile::tempdir().unwrap();
    let chain = format!("ws://127.0.0.1:{}", nobody());
    let store = format!("http://127.0.0.1:{}", nobody());
    let code = |words: &[&str]| {
        let output = run(decentralml(home.path())
            .env("DECENTRALML_CHAIN", &chain)
            .env("DECENTRALML_STORE", &store)
            .args(words));
        assert!(!output.stderr.is_empty(), "{words:?} says nothing");
        output.status.code()
    };
    assert_eq!(code(&["task"]), Some(2));
    assert_eq!(code(&["task", "list", "--config", "/nowhere.toml"]), Some(2));
    assert_eq!(code(&["task", "create", "/nowhere.toml"]), Some(2));
    // Before the chain or the store is asked for anything.
    assert_eq!(code(&["model", "fetch", "0", "--out", "/nowhere/model"]), Some(2));
    assert_eq!(code(&["task", "list"]), Some(3));
    assert_eq!(code(&["ipfs", "stat"]), Some(4));
    assert_eq!(code(&["account", "balance", "nobody"]), Some(6));
    assert_eq!(code(&["account", "transfer", "--account", "none", "x", "1"]), Some(6));
    assert_eq!(code(&["account", "balance"]), Some(7));
    assert_eq!(code(&["data", "inspect", "--data", "/nowhere.csv"]), Some(8));
}

#[test]
fn under_json_a_failure_is_a_json_object_on_standard_error() {
    let home = tempfile::tempdir().unwrap();
    let chain = format!("ws://127.0.0.1:{}", nobody());
    let store = format!("http://127.0.0.1:{}", nobody());
    for (words, kind, exit, part) in [
        ("task create", "usage", 2, "<FILE>"),
        ("task list --config /nowhere.toml", "usage", 2, "/nowhere.toml"),
        ("task list", "no_chain", 3, "decentralml-node --dev"),
        ("ipfs stat", "no_store", 4, "decentralml ipfs daemon"),
        ("account balance nobody", "not_found", 6, "nobody"),
        ("account balance", "key", 7, "--account"),
        ("data inspect --data /nowhere.csv", "data", 8, "check the path"),
    ] {
        let output = run(decentralml(home.path())
            .env("DECENTRALML_CHAIN", &chain)
            .env("DECENTRALML_STORE", &store)
            .args(words.split(' '))
            .arg("--json"));
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(exit), "{words}: {text}");
        assert!(output.stdout.is_empty(), "{words}");
        let failure: Value = serde_json::from_str(&text).expect(&text);
        let error = &failure["error"];
        assert_eq!((&error["kind"], &error["exit"]), (&kind.into(), &exit.into()), "{text}");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(part) && !message.starts_with("error"), "{message}");
        assert_eq!(error.as_object().unwrap().len(), 3, "{text}");
    }
    // Help is no failure.
    let help = run(decentralml(home.path()).args(["task", "--help", "--json"]));
    assert!(help.status.success() && help.stderr.is_empty());
}

/// Standard output or error of whose reader has seen enough.
fn unread() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

#[test]
fn output_that_nobody_reads_any_more_is_no_failure() {
    let home = tempfile::tempdir().unwrap();
    for words in [
        "account list",
        "data inspect --data digits",
        "data inspect --data digits --json",
        "completions bash",
        "--help",
        "--version --json",
    ] {
        let output = run(decentralml(home.path()).args(words.split(' ')).stdout(unread()));
        let text = stderr(&output);
        assert!(output.status.success() && text.is_empty(), "{words}: {text}");
    }
}

#[test]
fn a_failure_that_nobody_reads_has_its_exit_code_and_is_no_panic() {
    let home = tempfile::tempdir().unwrap();
    let chain = format!("ws://127.0.0.1:{}", nobody());
    // With all that the libraries log beside it.
    for (words, exit) in [
        ("task list", 3),
        ("task list --json", 3),
        ("task list --log trace", 3),
        ("task create --json", 2),
        ("task create", 2),
    ] {
        let mut command = decentralml(home.path());
        command.args(words.split(' ')).env("DECENTRALML_CHAIN", &chain).stderr(unread());
        assert_eq!(run(&mut command).status.code(), Some(exit), "{words}");
    }
}
