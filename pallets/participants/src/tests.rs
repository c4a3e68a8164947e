//! Tests by behavior.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bonding;
mod engaging;
mod hosts;
mod keys;
mod slashing;
mod state;
