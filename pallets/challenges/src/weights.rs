//! What the calls weigh.
//!
//! The implementation for `()` is conservative arithmetic on reads, writes and hashed bytes, for runtimes that have not measured
//! theirs with the pallet's benchmarks.

use frame_support::weights::{Weight, constants::RocksDbWeight};

/// What the calls weigh.
pub trait WeightInfo {
    /// Challenging an update.
    fn challenge() -> Weight;
    /// Answering with blocks of so many bytes together.
    fn answer(bytes: u32) -> Weight;
    /// Concluding a challenge that nobody answered.
    fn conclude() -> Weight;
}

/// A call that computes for up to 100 µs and touches so many rows of at most 1 KiB, proofs included.
fn rows(reads: u64, writes: u64) -> Weight {
    Weight::from_parts(100_000_000, reads * 4_096)
        .saturating_add(RocksDbWeight::get().reads_writes(reads, writes))
}

impl WeightInfo for () {
    // The round, the update, the record, the challenger's account, its holds.
    fn challenge() -> Weight {
        rows(5, 3)
    }

    // The record, the update, the challenger's account and holds, the accounts of the trainer and of the treasury; 10 ns to decode,
    // copy, hash and read a byte.
    fn answer(bytes: u32) -> Weight {
        rows(6, 5).saturating_add(Weight::from_parts(10_000, 0).saturating_mul(bytes.into()))
    }

    // The record, the round, the task, the challenger's account and holds, and what a case touches: the bond, the accused's account
    // and holds, the case, its number, its deadline.
    fn conclude() -> Weight {
        rows(12, 9)
    }
}
