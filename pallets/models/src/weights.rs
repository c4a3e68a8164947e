//! What the calls weigh.
//!
//! The implementation for `()` is conservative arithmetic on reads and writes, for runtimes that have not measured theirs with
//! the pallet's benchmarks.

use frame_support::weights::{Weight, constants::RocksDbWeight};

/// What the calls weigh.
pub trait WeightInfo {
    /// Releasing a candidate.
    fn release() -> Weight;
    /// Recalling a released version.
    fn recall() -> Weight;
    /// Removing the last version of a task.
    fn prune() -> Weight;
}

/// A call that computes for up to 50 µs and touches so many rows of at most 512 bytes, proofs included.
fn rows(reads: u64, writes: u64) -> Weight {
    Weight::from_parts(50_000_000, reads * 4_096)
        .saturating_add(RocksDbWeight::get().reads_writes(reads, writes))
}

impl WeightInfo for () {
    fn release() -> Weight {
        rows(1, 1)
    }

    fn recall() -> Weight {
        rows(1, 1)
    }

    // The version, its task, the version after it, whether others are left.
    fn prune() -> Weight {
        rows(4, 2)
    }
}
