//! Where a setting comes from: flags over the environment over the file.

use crate::{decentralml, nobody, run};
use serde_json::Value;
use std::{fs, process::Command};

fn settings(command: &mut Command) -> Value {
    let output = run(command.args(["doctor", "--json"]));
    let document: Value = serde_json::from_slice(&output.stdout).expect("one JSON document");
    document["settings"].clone()
}

#[test]
fn flags_come_before_the_environment_and_that_before_the_file() {
    let home = tempfile::tempdir().unwrap();
    let (file, variable, flag) = (nobody(), nobody(), nobody());
    let url = |port: u16| format!("ws://127.0.0.1:{port}");
    let folder = home.path().join(".config/decentralml");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("config.toml"), format!("chain = \"{}\"", url(file))).unwrap();

    let chain = |command: &mut Command| settings(command)["chain"].as_str().unwrap().to_owned();
    assert_eq!(chain(&mut decentralml(home.path())), url(file));
    let mut command = decentralml(home.path());
    command.env("DECENTRALML_CHAIN", url(variable));
    assert_eq!(chain(&mut command), url(variable));
    let mut command = decentralml(home.path());
    command.env("DECENTRALML_CHAIN", url(variable)).args(["--chain", &url(flag)]);
    assert_eq!(chain(&mut command), url(flag));
}

#[test]
fn an_account_that_is_named_comes_before_a_key_of_the_environment() {
    let home = tempfile::tempdir().unwrap();
    let chain = format!("ws://127.0.0.1:{}", nobody());
    let balance = |command: &mut Command| {
        let command = command.env("DECENTRALML_SURI", "//Alice").env("DECENTRALML_CHAIN", &chain);
        run(command.args(["account", "balance"])).status.code()
    };
    // The name is looked up before the chain is asked; where the key is Alice's, it is the chain that is missing.
    assert_eq!(balance(decentralml(home.path()).args(["--account", "none"])), Some(6));
    assert_eq!(balance(decentralml(home.path()).env("DECENTRALML_ACCOUNT", "none")), Some(3));
    assert_eq!(balance(&mut decentralml(home.path())), Some(3));
}
