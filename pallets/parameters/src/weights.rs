//! What the call weighs.
//!
//! The implementation for `()` is conservative arithmetic on reads and writes, for runtimes that have not measured theirs with
//! the pallet's benchmarks.

use frame_support::weights::{Weight, constants::RocksDbWeight};

/// What the call weighs.
pub trait WeightInfo {
    /// Setting parameters with which all conditions hold.
    fn set_parameters() -> Weight;
}

impl WeightInfo for () {
    // The one row. Fewer than a hundred comparisons.
    fn set_parameters() -> Weight {
        Weight::from_parts(50_000_000, 4_096)
            .saturating_add(RocksDbWeight::get().reads_writes(1, 1))
    }
}
