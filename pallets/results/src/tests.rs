//! Tests by behavior.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod committing;
mod evidence;
mod handing_over;
mod revealing;
