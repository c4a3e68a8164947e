//! Everything that is tested on spawned processes, as one program: it is linked once, and its tests run side by side.
//!
//! Each test has its own chain, store, ports and folder, so none sees another. Only the demo of `scripts/demo.sh` writes into the checkout, to
//! `out/demo`, and only one test runs it. Tests start in the order of their names, so the longest are not among the last.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod attempts;
mod bad_input;
mod cases;
mod chain {
    mod node;
    mod pruned;
    mod validators;
}
mod commands;
mod committees;
mod data_grants;
mod demo;
mod demo_sealed;
mod documents;
mod explain;
mod failures;
mod flood;
mod full_disk;
mod golds;
mod hosts;
mod kills;
mod learning;
mod machines;
mod mirror;
mod objectives;
mod owed;
mod readme;
mod scaffold;
mod sealed;
mod secrets;
mod states;
mod updates;
