//! What is measured in a process: its open files, its threads, its memory. Nothing else runs in it.

// Linux says all that in /proc.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod connections;
mod greedy;
mod memory;
mod pins;
mod process;
#[path = "../support/mod.rs"]
mod support;
