//! Keys, and the secrets that open them.

use crate::{decentralml, run, stderr};
use serde_json::Value;
use std::fs;

#[test]
fn a_secret_is_never_asked_for_where_nobody_can_answer() {
    let home = tempfile::tempdir().unwrap();
    let output = run(decentralml(home.path()).args(["account", "new", "me"]));
    assert_eq!(output.status.code(), Some(7));
    assert!(stderr(&output).contains("DECENTRALML_PASSPHRASE_FILE"));
}

#[test]
fn keys_are_made_listed_and_read_without_a_chain() {
    let home = tempfile::tempdir().unwrap();
    let passphrase = home.path().join("passphrase");
    fs::write(&passphrase, "correct horse\n").unwrap();
    let mut new = decentralml(home.path());
    new.env("DECENTRALML_PASSPHRASE_FILE", &passphrase)
        .env("DECENTRALML_SURI", "//Alice")
        .args(["account", "new", "me", "--import", "--json"]);
    let output = run(&mut new);
    assert!(output.status.success(), "{}", stderr(&output));
    let made: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(made["account"], "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY");
    assert!(made.get("phrase").is_none(), "an imported secret is not printed");
    let listed = run(decentralml(home.path()).args(["account", "list", "--json"]));
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!((&listed[0]["name"], &listed[0]["account"]), (&"me".into(), &made["account"]));
}
