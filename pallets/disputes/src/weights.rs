//! What the calls weigh.
//!
//! The implementation for `()` is conservative arithmetic on reads and writes, for runtimes that have not measured theirs with
//! the pallet's benchmarks.

use frame_support::weights::{Weight, constants::RocksDbWeight};

/// What the calls weigh.
pub trait WeightInfo {
    /// Appealing against an accusation.
    fn appeal() -> Weight;
    /// The last vote that a case can have.
    fn vote() -> Weight;
    /// A case with as many votes as there can be, whose accused is found guilty.
    fn conclude_guilty() -> Weight;
    /// The same, whose accused is freed, with costs.
    fn conclude_freed() -> Weight;
}

/// A call that computes for up to 100 µs and touches so many rows of at most 4 KiB, proofs included.
fn rows(reads: u64, writes: u64) -> Weight {
    Weight::from_parts(100_000_000, reads * 6_144)
        .saturating_add(RocksDbWeight::get().reads_writes(reads, writes))
}

impl WeightInfo for () {
    // The case, the account, its holds.
    fn appeal() -> Weight {
        rows(3, 3)
    }

    // The case, the council, two places, the votes.
    fn vote() -> Weight {
        rows(5, 1)
    }

    // The case, the votes, the council, the bond, the task; the accounts of the accused, the task, the sponsor, the reporter and the
    // treasury; the holds.
    fn conclude_guilty() -> Weight {
        rows(12, 10)
    }

    // The case, the votes, the council, the bonds of the accused and, by role, of the reporter; three accounts; the holds of two.
    fn conclude_freed() -> Weight {
        rows(11, 10)
    }
}
