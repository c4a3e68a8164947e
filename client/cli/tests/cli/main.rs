//! The program as people and scripts meet it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod doctor;
mod failures;
mod faults;
mod fetch;
mod keep;
mod keys;
mod model;
mod settings;
mod store;

use serde_json::Value;
use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    path::Path,
    process::{Child, Command, Output, Stdio},
};

/// The program in a world of its own: no settings of whoever runs the tests.
fn decentralml(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_decentralml"));
    command.env_clear().env("HOME", home).stdin(Stdio::null());
    command
}

fn run(command: &mut Command) -> Output {
    command.output().expect("the program runs")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Starts a store, with these arguments too; returns it with the document that it prints.
fn store(home: &Path, arguments: &[&str]) -> (Child, Value) {
    let mut child = decentralml(home)
        .args(["ipfs", "daemon", "--listen", "127.0.0.1:0", "--stop-on-eof", "--json"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut text = String::new();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    while !text.ends_with("}\n") {
        assert!(lines.read_line(&mut text).unwrap() > 0, "{text}");
    }
    (child, serde_json::from_str(&text).unwrap())
}

/// A port on which nobody listens.
fn nobody() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
