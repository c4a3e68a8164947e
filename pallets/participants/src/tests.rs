//! Tests by behavior.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bonding;
mod engaging;
mod hosts;
mod keys;
mod reputation;
mod slashing;
mod state;
