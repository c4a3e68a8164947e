//! What is measured in a process: its open files, its threads, its memory. Nothing else runs in it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod connections;
mod greedy;
mod memory;
mod pins;
#[path = "../support/mod.rs"]
mod support;
