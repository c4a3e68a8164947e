//! Thousands of transactions at once, and the blocks that take them.

use super::node::{Authored, Node, Rpc};
use anyhow::{Context, Result, anyhow, ensure};
use codec::Decode;
use decentralml_runtime::*;
use frame_support::{dispatch::DispatchClass, storage::storage_prefix};
use frame_system::{ConsumedWeight, EventRecord};
use serde_json::{Value, json};
use sp_core::{
    H256,
    bytes::{from_hex, to_hex},
};
use std::{
    collections::BTreeSet,
    thread,
    time::{Duration, Instant},
};

/// Transactions in one request.
const BATCH: usize = 100;
const POLL: Duration = Duration::from_millis(500);

/// What became of a flood.
#[derive(Clone, Debug)]
pub struct Flood {
    /// Transactions that the node's pool took.
    pub taken: usize,
    /// Those that it refused, and why it refused the first of them.
    pub refused: usize,
    pub refusal: Option<String>,
    /// How long it took to send them all, in seconds.
    pub sending: f64,
    /// The blocks that hold any of them.
    pub blocks: Vec<Held>,
}

/// What a block holds of a flood.
#[derive(Clone, Debug)]
pub struct Held {
    pub number: u32,
    /// Its slot's time, in milliseconds.
    pub time: u64,
    /// Transactions of the flood in it.
    pub transactions: usize,
    /// All transactions in it that failed.
    pub failed: usize,
    /// Bytes of all transactions in it.
    pub bytes: usize,
    /// What ordinary transactions have taken of it, in picoseconds.
    pub weight: u64,
    /// How it was authored; `None` where the node's log does not tell.
    pub authored: Option<Authored>,
}

impl Flood {
    /// Transactions in all blocks.
    pub fn included(&self) -> usize {
        self.blocks.iter().map(|block| block.transactions).sum()
    }

    /// Those that failed.
    pub fn failed(&self) -> usize {
        self.blocks.iter().map(|block| block.failed).sum()
    }

    /// The block with the most of them.
    pub fn fullest(&self) -> Option<&Held> {
        self.blocks.iter().max_by_key(|block| block.transactions)
    }

    /// Transactions per second from the first of the blocks to the last, whose slot is not over when it comes: without it. `None`
    /// where one block took them all.
    pub fn per_second(&self) -> Option<f64> {
        let (last, before) = self.blocks.split_last()?;
        let milliseconds = last.time - before.first()?.time;
        let transactions: usize = before.iter().map(|block| block.transactions).sum();
        Some(transactions as f64 * 1_000.0 / milliseconds as f64)
    }
}

/// Sends transactions over so many connections, and waits until all that the node takes are in blocks, or for so long.
///
/// # Errors
///
/// A connection breaks, the node takes nothing, or a block cannot be read.
pub fn flood(
    node: &Node,
    transactions: &[Vec<u8>],
    connections: usize,
    limit: Duration,
) -> Result<Flood> {
    let mut rpc = node.connect()?;
    let first = best(&mut rpc)? + 1;
    let began = Instant::now();
    let share = transactions.len().div_ceil(connections.max(1)).max(1);
    let refusals: Vec<String> = thread::scope(|scope| {
        let senders: Vec<_> = transactions
            .chunks(share)
            .map(|share| scope.spawn(|| node.connect().and_then(|mut rpc| send(&mut rpc, share))))
            .collect();
        let mut refusals = Vec::new();
        for sender in senders {
            refusals.extend(sender.join().map_err(|_| anyhow!("a sender has panicked"))??);
        }
        anyhow::Ok(refusals)
    })?;
    let sending = began.elapsed().as_secs_f64();
    let taken = transactions.len() - refusals.len();
    let refusal = refusals.first().cloned();
    ensure!(taken > 0, "the node takes nothing: {}", refusal.unwrap_or_default());

    let sent: BTreeSet<&[u8]> = transactions.iter().map(Vec::as_slice).collect();
    let (mut next, mut blocks, mut included) = (first, Vec::new(), 0);
    while included < taken && began.elapsed() < limit {
        if best(&mut rpc)? < next {
            thread::sleep(POLL);
            continue;
        }
        let block = held(&mut rpc, next, &sent)?;
        next += 1;
        included += block.transactions;
        if block.transactions > 0 {
            blocks.push(block);
        }
    }
    let mut authored = node.authored();
    for block in &mut blocks {
        block.authored = authored.remove(&block.number);
    }
    Ok(Flood { taken, refused: refusals.len(), refusal, sending, blocks })
}

/// Why the node refuses those that it does.
fn send(rpc: &mut Rpc, transactions: &[Vec<u8>]) -> Result<Vec<String>> {
    let mut refusals = Vec::new();
    for batch in transactions.chunks(BATCH) {
        let params = batch.iter().map(|bytes| json!([to_hex(bytes, false)])).collect();
        let answers = rpc.batch("author_submitExtrinsic", params)?;
        refusals.extend(answers.into_iter().filter_map(Result::err));
    }
    Ok(refusals)
}

fn best(rpc: &mut Rpc) -> Result<u32> {
    let header = rpc.call("chain_getHeader", json!([]))?;
    let number = header["number"].as_str().context("a header without a number")?;
    Ok(u32::from_str_radix(number.trim_start_matches("0x"), 16)?)
}

fn held(rpc: &mut Rpc, number: u32, sent: &BTreeSet<&[u8]>) -> Result<Held> {
    let hash = rpc.call("chain_getBlockHash", json!([number]))?;
    let block = rpc.call("chain_getBlock", json!([hash]))?;
    let extrinsics = block["block"]["extrinsics"].as_array().context("a block without a body")?;
    let (mut transactions, mut bytes) = (0, 0);
    for extrinsic in extrinsics {
        let extrinsic = from_hex(extrinsic.as_str().unwrap_or_default())?;
        bytes += extrinsic.len();
        transactions += usize::from(sent.contains(&extrinsic[..]));
    }
    let weight: ConsumedWeight = stored(rpc, &hash, "System", "BlockWeight")?;
    let events: Vec<Box<EventRecord<RuntimeEvent, H256>>> = stored(rpc, &hash, "System", "Events")?;
    let failed = |event: &RuntimeEvent| {
        matches!(event, RuntimeEvent::System(frame_system::Event::ExtrinsicFailed { .. }))
    };
    Ok(Held {
        number,
        time: stored(rpc, &hash, "Timestamp", "Now")?,
        transactions,
        failed: events.iter().filter(|record| failed(&record.event)).count(),
        bytes,
        weight: weight.get(DispatchClass::Normal).ref_time(),
        authored: None,
    })
}

/// A storage value as it was after a block.
fn stored<T: Decode>(rpc: &mut Rpc, block: &Value, pallet: &str, item: &str) -> Result<T> {
    let key = storage_prefix(pallet.as_bytes(), item.as_bytes());
    let value = rpc.call("state_getStorage", json!([to_hex(&key, false), block]))?;
    let bytes = from_hex(value.as_str().with_context(|| format!("{pallet}.{item} is empty"))?)?;
    T::decode(&mut &bytes[..])
        .with_context(|| format!("{pallet}.{item} is of another runtime: build node and load anew"))
}
