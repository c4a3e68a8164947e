//! What `doctor` finds wrong, and what it says to do.

use crate::{decentralml, nobody, run};
use std::fs;

#[test]
fn doctor_names_everything_that_is_wrong_and_what_to_do() {
    let home = tempfile::tempdir().unwrap();
    let rows = home.path().join("rows.csv");
    fs::write(&rows, "1,2,0\n1,x,0\n").unwrap();
    let output = run(decentralml(home.path())
        .args(["doctor", "--chain", &format!("ws://127.0.0.1:{}", nobody())])
        .args(["--store", &format!("http://127.0.0.1:{}", nobody()), "--data"])
        .arg(&rows));
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    assert_eq!(output.status.code(), Some(3), "{text}");
    for part in ["decentralml-node --dev", "decentralml ipfs daemon", "rows.csv", "line 2"] {
        assert!(text.contains(part), "{part} is missing in:\n{text}");
    }
    assert_eq!(text.matches("WRONG").count(), 3, "{text}");
}

#[test]
fn doctor_says_how_to_name_a_key_and_data_where_none_are_named() {
    let home = tempfile::tempdir().unwrap();
    let doctor = || {
        let mut command = decentralml(home.path());
        command.args(["doctor", "--chain", &format!("ws://127.0.0.1:{}", nobody())]);
        command.args(["--store", &format!("http://127.0.0.1:{}", nobody())]);
        command
    };
    let text = String::from_utf8(run(&mut doctor()).stdout).unwrap();
    let line = |name: &str| text.lines().find(|line| line.contains(name)).unwrap_or_default();
    for part in ["--account <NAME>", "account new", "DECENTRALML_SURI"] {
        assert!(line("-  key: none").contains(part), "{part} is missing in:\n{text}");
    }
    assert!(line("-  data: none").contains("--data <FILE>"), "{text}");
    assert_eq!(text.matches("WRONG").count(), 2, "chain and store alone:\n{text}");

    let output = run(doctor().env("DECENTRALML_SURI", "//Alice").args(["--data", "digits"]));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("ok  key: 5Grwva") && text.contains("ok  data: 1797 rows"), "{text}");
}
