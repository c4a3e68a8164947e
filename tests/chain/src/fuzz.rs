//! Stateful fuzzing of everything that moves money.
//!
//! ```text
//!   seed ──► steps ──► world: calls that make sense, mostly ──► Chain ──► coverage
//!                                                                │
//!                      after every call and block: invariants, ledger, fees
//!                      at the end: all is wound down, and everybody has what the events say
//! ```
//!
//! A [`Step`] names accounts, tasks and rounds by small numbers that are looked up when it is taken, so it keeps its meaning when
//! others before it are left out: that is what [`shrink`] does with steps that end in a violation.

pub mod coverage;
pub mod ledger;
pub mod run;
pub mod shrink;
pub mod step;
mod wind;
pub mod world;

pub use coverage::Coverage;
pub use run::{Case, Report, Violation, run};
pub use step::Step;
