//! What the calls weigh.
//!
//! The implementation for `()` is conservative arithmetic on reads and writes, for runtimes that have not measured theirs with
//! the pallet's benchmarks.

use frame_support::weights::{Weight, constants::RocksDbWeight};

/// What the calls weigh.
pub trait WeightInfo {
    /// Registering content.
    fn register() -> Weight;
    /// Granting it to one account more.
    fn grant() -> Weight;
    /// Ending one of several grants.
    fn revoke() -> Weight;
    /// Taking content back.
    fn retire() -> Weight;
}

/// A call that computes for up to 50 µs and touches so many rows of at most 512 bytes, proofs included.
fn rows(reads: u64, writes: u64) -> Weight {
    Weight::from_parts(50_000_000, reads * 4_096)
        .saturating_add(RocksDbWeight::get().reads_writes(reads, writes))
}

impl WeightInfo for () {
    // The content, the owner's account, its holds.
    fn register() -> Weight {
        rows(3, 3)
    }

    // The content, the grant, the key of the account, the owner's account, its holds.
    fn grant() -> Weight {
        rows(5, 4)
    }

    // The content, the grant, the owner's account, its holds.
    fn revoke() -> Weight {
        rows(4, 4)
    }

    fn retire() -> Weight {
        rows(3, 3)
    }
}
