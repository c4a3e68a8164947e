//! Federated runs in one process, with the rules and the codec of the chain.
//!
//! ```text
//!  run.toml ──► RunFile ──► Federation           data, a range of rows per client, the model
//!                               │
//!                  a round: draw ──► train (a client per thread) ──► attack ──► encode ──► gather
//!                               ▲                                                           │
//!                  checkpoint ◄─┴──────────── server optimizer ◄──── rule ◄─────────────────┘
//!                               │
//!                            Report, model.safetensors, report.html
//! ```
//!
//! A virtual client is a range of row numbers; it has nothing else while it is idle. Training, updates,
//! rules and server optimizers are those of [`decentralml_learning`]; draws are those of
//! [`decentralml_protocol`].
//!
//! Equal run files give equal bytes of the final model, whatever the number of threads: a client trains
//! on one thread, all randomness comes from streams keyed by run, purpose, round and client, and what
//! clients send is added as integers. Batches of clients, which are usual on cards, round differently.

pub mod attack;
mod checkpoint;
mod clients;
mod compare;
mod error;
mod fairness;
mod federation;
mod file;
mod folder;
mod gather;
pub mod page;
pub mod plot;
mod random;
mod report;
mod round;
mod run;
mod state;
mod sweep;
pub mod terminal;

pub use clients::{Clients, Range};
pub use compare::{Comparison, HEADER, Summary, compare, comparison_page};
pub use error::SimulateError;
pub use fairness::Fairness;
pub use federation::Federation;
pub use file::{
    Aggregating, Attack, Cohort, Counting, DataFile, EXAMPLE, Encoding, Hostile, Mixing, ModelFile,
    Rounding, RunFile,
};
pub use folder::Folder;
pub use page::page;
pub use report::{Report, RoundRecord, Versions};
pub use round::ON_A_CARD;
pub use run::{Event, Options, Outcome, simulate};
pub use sweep::{Variant, variants};
