//! Prints as JSON what our calls weigh and cost on a live chain, and how many commitments of trainers fit into one of its
//! blocks by that.

#[path = "../tests/support/calls.rs"]
mod calls;

use decentralml_runtime::{Runtime, settings};
use decentralml_types::TaskSpec;
use frame_support::{dispatch::DispatchClass, weights::Weight};
use pallet_results::WeightInfo;
use serde_json::{Value, json};

/// Picoseconds in a microsecond.
const MICROSECOND: u64 = 1_000_000;

fn main() {
    // Some constants are read from storage: their defaults are what a live chain has.
    let report = sp_io::TestExternalities::default().execute_with(report);
    println!("{report:#}");
}

fn report() -> Value {
    let limits = <Runtime as frame_system::Config>::BlockWeights::get();
    let normal = limits.get(DispatchClass::Normal);
    let room = normal.max_total.unwrap_or(limits.max_block).ref_time();
    let length = <Runtime as frame_system::Config>::BlockLength::get();
    let length = *length.max.get(DispatchClass::Normal);

    let rows: Vec<Value> = calls::ours()
        .into_iter()
        .map(|(pallet, name, call)| {
            let fee = calls::fee(call.clone());
            let (mut info, bytes) = calls::declared(call);
            let most = info.call_weight.ref_time();
            info.call_weight = usual(pallet, name).unwrap_or(info.call_weight);
            let whole = info.total_weight().saturating_add(normal.base_extrinsic).ref_time();
            json!({
                "call": format!("{pallet}.{name}"),
                "microseconds": info.call_weight.ref_time() / MICROSECOND,
                "microseconds_at_most": most / MICROSECOND,
                "fee_planck": fee as u64,
                "bytes": bytes,
                "per_block": (room / whole).min(u64::from(length / bytes)),
            })
        })
        .collect();
    let per_block = |name: &str| {
        rows.iter()
            .find(|row| row["call"] == name)
            .map_or(Value::Null, |row| row["per_block"].clone())
    };
    json!({
        "block_seconds": settings::BlockTime::<Runtime>::get() / 1_000,
        "normal_microseconds": room / MICROSECOND,
        "commitments_per_block": per_block("Results.commit"),
        "reveals_per_block": per_block("Results.reveal"),
        "call_price_planck": <Runtime as pallet_tasks::Config>::CallPrice::get() as u64,
        "example_task": charges(&decentralml_protocol::spec::example()),
        "calls": rows,
    })
}

/// What trainers' calls weigh that do not end a phase: the rest of what they declare is given back to the block.
fn usual(pallet: &str, name: &str) -> Option<Weight> {
    type Weights = <Runtime as pallet_results::Config>::WeightInfo;
    match (pallet, name) {
        ("Results", "commit") => Some(Weights::commit()),
        ("Results", "reveal") => Some(Weights::reveal()),
        _ => None,
    }
}

/// What a task is charged for a round, beside what the round's calls would cost and what it pays.
fn charges(spec: &TaskSpec) -> Value {
    let price = <Runtime as pallet_tasks::Config>::CallPrice::get();
    let fees: u128 = calls::ordinary_round(spec)
        .into_iter()
        .map(|(count, call)| u128::from(count) * calls::fee(call))
        .sum();
    json!({
        "free_calls": spec.free_calls(),
        "round_charge_planck": spec.round_charge(price).map(|charge| charge as u64),
        "fees_of_an_ordinary_round_planck": fees as u64,
        "round_pay_planck": spec.round_pay().map(|pay| pay as u64),
    })
}
