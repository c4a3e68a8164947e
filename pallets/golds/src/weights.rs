//! What the calls weigh.
//!
//! The implementation for `()` is conservative arithmetic on reads and writes, for runtimes that have not measured theirs with the
//! pallet's benchmarks.

use decentralml_types::limits::MAX_SEATS;
use frame_support::weights::{Weight, constants::RocksDbWeight};

/// What the calls weigh.
pub trait WeightInfo {
    /// Announcing a gold result, the first of its round.
    fn announce() -> Weight;
    /// Revealing the last one of a round that the largest committee has judged.
    fn reveal() -> Weight;
    /// Concluding as many as a round can have.
    fn conclude() -> Weight;
}

/// A call that computes for up to 100 µs and touches so many rows of at most 4 KiB, proofs included.
fn rows(reads: u64, writes: u64) -> Weight {
    Weight::from_parts(100_000_000, reads * 4_096)
        .saturating_add(RocksDbWeight::get().reads_writes(reads, writes))
}

impl WeightInfo for () {
    // The task, the round, the row, the sponsor's account and holds.
    fn announce() -> Weight {
        rows(5, 4)
    }

    // The row, the round, the task, the block hash, the trainer's commitment and verdict, the committee, a sheet of each seat, the
    // sponsor's account and holds.
    fn reveal() -> Weight {
        rows(9 + u64::from(MAX_SEATS), 7)
    }

    // The row, the round, the task, the accounts of sponsor and treasury, the sponsor's holds.
    fn conclude() -> Weight {
        rows(6, 6)
    }
}
