//! Tests by behavior.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod dismissing;
mod draws;
mod enrolling;
mod leaving;
mod risks;
mod seeds;
mod weighing;
