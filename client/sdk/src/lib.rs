//! Typed access to a DecentralML chain.
//!
//! ```text
//!            Chain ── connect, submit, best_blocks ──► a node, by WebSocket
//!              │
//!            View ─── task, round, place, due, … ────► the state at one block
//!              │
//!           record ── Task, Round, Seat, … ──────────► what the rest of the program sees
//!
//!   explain ── why an account was drawn, accepted, paid or slashed in a round, from the states of earlier blocks
//!   call ── one function per call ──► Call ──► Chain::submit(signer, call, wait) ──► Included
//!                                             Chain::submit_on(…, anchor): on one fork only
//!   keystore, signer ──► who signs
//!   encryption ────────► who reads what is sealed to an account
//! ```
//!
//! The chain is known by its metadata alone (`metadata.scale`, renewed by `scripts/metadata.sh`); [`Chain::connect`] refuses a
//! chain whose metadata differ. Every wait has a time-out, and no key is ever part of an error or of debug output.
//!
//! Read the best block for the steps of the protocol, which the next block corrects if need be, and the finalized one
//! where money is concerned.

mod anchor;
mod api;
mod blocks;
pub mod call;
mod chain;
mod constants;
mod difference;
mod due;
pub mod encryption;
mod error;
mod event;
pub mod explain;
pub mod keystore;
mod nonce;
mod random;
mod record;
mod signer;
mod submit;
mod validator;
mod view;

pub use anchor::Anchor;
pub use blocks::Blocks;
pub use call::Call;
pub use chain::{Chain, Properties};
pub use constants::{Constants, Deposits};
pub use due::SeatStep;
pub use error::{ConnectError, Error, ReadError, Shortage, SubmitError};
pub use event::{Event, Included};
pub use keystore::{KeyInfo, KeystoreError, Phrase};
pub use random::random_32;
pub use record::*;
pub use signer::{Signer, SignerError, verify};
pub use submit::Wait;
pub use subxt::utils::AccountId32 as AccountId;
pub use validator::{NewSessionKeys, NodeState, SessionKeys, ValidatorError};
pub use view::{GoldStep, View};
