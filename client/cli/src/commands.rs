//! One module per noun, one file per verb: `Opts` and `run(opts, context, out)`.

pub mod account;
pub mod asset;
pub mod case;
pub mod challenge;
pub mod claim;
pub mod completions;
pub mod council;
pub mod data;
pub mod demo;
pub mod doctor;
pub mod encryption;
pub mod evaluator;
pub mod explain;
pub mod host;
pub mod ipfs;
pub mod keep;
pub mod model;
pub mod simulate;
pub mod task;
pub mod trainer;
pub mod validator;
mod worker_common;

use crate::{context::Context, output::Out};
use color_eyre::Result;
use decentralml_sdk::{Call, Chain, Included};
use serde::Serialize;

/// What a transaction that changes something leaves to say.
#[derive(Serialize)]
struct Done<'a> {
    block: u32,
    extrinsic: String,
    /// Planck.
    fee: u128,
    events: &'a [decentralml_sdk::Event],
}

/// Submits a call, waits for finality, and reports it with one sentence for people.
async fn submit(
    context: &Context,
    chain: &Chain,
    call: &Call,
    out: &mut Out<'_>,
    sentence: impl FnOnce(&Included) -> String,
) -> Result<()> {
    let included = context.submit(chain, call).await?;
    let done = Done {
        block: included.number,
        extrinsic: hex(&included.extrinsic),
        fee: included.fee,
        events: &included.events,
    };
    let fee = crate::units::tokens(included.fee, chain.properties());
    out.result(&done, |_| format!("{} (block {}, fee {fee})", sentence(&included), included.number))
}

/// Bytes as `0x…`.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold("0x".to_owned(), |text, byte| text + &format!("{byte:02x}"))
}
