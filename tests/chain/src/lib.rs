//! The whole runtime in one process: its pallets, hooks, fees and transaction checks as on validators, without a node.
//!
//! ```text
//!   Genesis ──► Chain ── submit(account, call) ──► Outcome: result, fee, events
//!                │ ▲
//!     next_block │ │ skip                                   check: every invariant that the runtime has
//!                └─┘
//! ```
//!
//! [`Chain`] makes blocks and takes transactions, [`invariants`] says what holds between any two of them, and [`fuzz`] looks for
//! calls after which it does not. Another pallet of ours is one more line in each table of [`invariants`], and steps in
//! [`fuzz::step`] and [`fuzz::world`]. [`capacity`] measures what calls touch and rounds leave; [`load`] makes a state here with which a
//! real node begins, and floods that node.
//!
//! What it leaves out: signatures, as who signs is given; forks; WebAssembly; the roots in headers. Blocks hold what they may by
//! weight and length, as transactions pass the runtime's own checks.

#![allow(clippy::expect_used, reason = "a chain for tests: what fails in it is to be seen at once")]

pub mod capacity;
mod chain;
pub mod fuzz;
pub mod invariants;
pub mod load;
pub mod watch;

pub use chain::{Chain, Genesis, Outcome, account};
