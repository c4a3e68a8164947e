//! What a block has room for by the runtime's own figures.

use super::prefill::{Transaction, unsigned};
use codec::Encode;
use decentralml_runtime::*;
use frame_support::dispatch::{DispatchClass, GetDispatchInfo};
use pallet_results::WeightInfo;

/// How many transactions of a kind fit into a block.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// What one takes of the block in the end, in picoseconds.
    pub weight: u64,
    /// Its length in bytes.
    pub bytes: u32,
    /// What ordinary transactions may take of a block together, in picoseconds.
    pub block_weight: u64,
    /// The same in bytes.
    pub block_bytes: u32,
}

impl Room {
    /// Transactions by weight.
    pub const fn by_weight(&self) -> u64 {
        self.block_weight / self.weight
    }

    /// Transactions by length.
    pub const fn by_length(&self) -> u64 {
        (self.block_bytes / self.bytes) as u64
    }
}

/// What a block has room for. A commitment that does not end a phase gives back what the end would weigh.
pub fn room(kind: Transaction) -> Room {
    let limits = <Runtime as frame_system::Config>::BlockWeights::get();
    let lengths = <Runtime as frame_system::Config>::BlockLength::get();
    let normal = limits.get(DispatchClass::Normal);
    let transaction = unsigned(kind);
    let mut info = transaction.get_dispatch_info();
    if kind == Transaction::Commit {
        info.call_weight = <Runtime as pallet_results::Config>::WeightInfo::commit();
    }
    let weight = info.total_weight().saturating_add(normal.base_extrinsic);
    Room {
        weight: weight.ref_time(),
        bytes: transaction.encoded_size() as u32,
        block_weight: normal.max_total.unwrap_or(limits.max_block).ref_time(),
        block_bytes: *lengths.max.get(DispatchClass::Normal),
    }
}
