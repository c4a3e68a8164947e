//! Fetching from several sources, none of which is trusted: the bytes are right, an honest one wins, and what is said in the end
//! is what happened.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod cache;
mod hostile;
mod resume;
mod said;
#[path = "../support/mod.rs"]
mod support;
mod urls;

const MIB: usize = 1 << 20;
