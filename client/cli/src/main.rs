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

mod aside;
mod cli;
mod commands;
mod config;
mod context;
mod daemon;
mod exit;
mod keys;
mod output;
mod task_file;
mod transfer;
mod units;

use std::{env, process::ExitCode};

fn main() -> ExitCode {
    let cli = match cli::Cli::read(env::args_os()) {
        Ok(cli) => cli,
        Err(error) => return exit::misused(&error, env::args_os().any(|word| word == "--json")),
    };
    let json = cli.wants_json();
    exit::finish(cli.run(&mut std::io::stdout().lock()), json)
}
