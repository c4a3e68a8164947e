//! Attacks on the whole runtime: its pallets in one process, real training, and hostile trainers and seats among honest ones.
//!
//! ```text
//!  cell.rs      one attack, partition and share; what a table consists of
//!    │
//!  run.rs ──► world.rs      a chain, its accounts and calls       (decentralml-chain)
//!    │         └── task.rs   its task, and bytes by CID
//!    ├──────► trainers.rs   what trainers send                    (learning, attacks of the simulator)
//!    ├──────► seats.rs      what seats say                        (scores of the worker's evaluator)
//!    └──────► count.rs      what came of it: kept out, rejected, slashed, paid
//!    │
//!  goals.rs ──► table.rs, page.rs
//! ```
//!
//! The pallets decide who is drawn, accepted, paid and slashed, from the transactions of the participants alone. Training, updates,
//! scores and aggregates come from the functions that trainers and evaluators run. Bytes go through a map by their CID in place of IPFS,
//! and honest seats, which would find the same scores, share them.

pub mod cell;
pub mod count;
pub mod goals;
pub mod page;
pub mod replay;
pub mod rows;
pub mod run;
mod seats;
pub mod table;
mod task;
mod trainers;
mod world;

pub use cell::{Attack, Cell, Division, Scale, Seats, cells};
pub use count::{Counts, Found};
pub use rows::Rows;
pub use run::run;
