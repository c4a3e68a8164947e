//! Tests by behavior.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod lineage;
mod pruning;
mod releasing;

use crate::mock::{AccountId, Models, RuntimeOrigin};
use decentralml_traits::{NewModel, Registry};
use decentralml_types::{Cid, Codec, TaskId, Version};

fn cid(byte: u8) -> Cid {
    Cid { codec: Codec::Raw, digest: [byte; 32] }
}

/// Records the next version of a task, as a settled round does.
fn record(task: TaskId, byte: u8, parent: Option<Version>) -> Version {
    let (round, metric, updates) = (u32::from(byte), 900_000, 5);
    Models::record(NewModel { task, round, cid: cid(byte), parent, metric, updates })
}

fn signed(who: AccountId) -> RuntimeOrigin {
    RuntimeOrigin::signed(who)
}
