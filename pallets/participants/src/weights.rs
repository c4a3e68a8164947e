//! What the calls weigh.
//!
//! The implementation for `()` is conservative arithmetic on reads and writes, for runtimes that have not measured theirs with
//! the pallet's benchmarks.

use frame_support::weights::{Weight, constants::RocksDbWeight};

/// What the calls weigh.
pub trait WeightInfo {
    /// A first or further bond.
    fn bond() -> Weight;
    /// Taking something out of the bond.
    fn unbond() -> Weight;
    /// Withdrawing all amounts at once.
    fn withdraw() -> Weight;
    /// Replacing short hosts by as many and as long ones as an account may announce.
    fn set_hosts() -> Weight;
    /// Registering a first key.
    fn set_encryption_key() -> Weight;
    /// Removing a row whose record has faded.
    fn forget() -> Weight;
}

/// A call that computes for up to 50 µs and touches so many rows of at most 512 bytes, proofs included.
fn rows(reads: u64, writes: u64) -> Weight {
    Weight::from_parts(50_000_000, reads * 4_096)
        .saturating_add(RocksDbWeight::get().reads_writes(reads, writes))
}

impl WeightInfo for () {
    // The member's row, the account, its holds.
    fn bond() -> Weight {
        rows(3, 3)
    }

    fn unbond() -> Weight {
        rows(2, 1)
    }

    fn withdraw() -> Weight {
        rows(4, 3)
    }

    // The list, which is longer than other rows and counts as two, the account, its holds.
    fn set_hosts() -> Weight {
        rows(4, 4)
    }

    // The key, the account, its holds.
    fn set_encryption_key() -> Weight {
        rows(3, 3)
    }

    // The member's row.
    fn forget() -> Weight {
        rows(1, 1)
    }
}
