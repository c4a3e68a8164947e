//! `decentralml-node`: the program that validators and full nodes run.
//!
//! It makes blocks with BABE, finalizes them with GRANDPA, keeps them in ParityDB and speaks litep2p. It knows nothing
//! of the pallets: the runtime is WebAssembly that lies on the chain, and the chain specification brings its first
//! version. So a change of a pallet never rebuilds the node, and a runtime upgrade never needs a new one.

#![allow(
    clippy::result_large_err,
    reason = "the SDK's own error types, passed on a few times in the life of the process"
)]

mod chain_spec;
mod cli;
mod command;
mod disk;
mod rpc;
mod runtime_api;
mod service;

use std::{
    io::{self, Write},
    process::ExitCode,
};

/// Compiling the runtime at the start takes 100 MB for a few seconds. The system's allocator keeps them; this one gives
/// them back.
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    match command::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where nobody listens the exit code is all there is to say.
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}
