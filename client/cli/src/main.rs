//! `decentralml`: the command for everybody who is not a validator.
//!
//! ```text
//!  flags > environment > config.toml            config.rs
//!        │
//!     Context ── chain, store, key on demand    context.rs
//!        │
//!  commands/<noun>/<verb>.rs                    Opts + run(opts, context, out)
//!        │
//!  Out: tables for people, one JSON document    output.rs
//!        │
//!  exit code that says what kind of failure     exit.rs
//! ```

mod cli;
mod commands;
mod config;
mod context;
mod daemon;
mod exit;
mod keys;
mod output;
mod task_file;
mod units;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    exit::finish(cli.run(&mut std::io::stdout().lock()))
}
