//! The storage library: what it stores and how, what it serves, what it fetches, and whom it trusts with what.
//!
//! One program, as each has to be linked. What runs against a real Kubo too, what needs the limits of a process for itself, and what
//! scripts run alone have their own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod add;
mod along;
#[cfg(target_os = "linux")]
mod clock;
mod collect;
mod crate_client;
mod damage;
mod enormous;
mod formats;
mod full_disk;
mod gateway;
mod get;
mod host;
mod kill;
mod killed_upload;
mod lying_server;
mod pins;
mod quota;
mod read_only;
mod refused;
mod repo;
mod rpc;
mod seal;
mod sources;
mod store;
#[path = "../support/mod.rs"]
mod support;
mod uploads;
