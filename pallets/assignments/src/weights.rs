//! What the calls cost.

use frame_support::weights::{Weight, constants::RocksDbWeight};

/// Weights of this pallet's calls.
pub trait WeightInfo {
    /// [`crate::Pallet::enroll`], the start of a first round included.
    fn enroll() -> Weight;
    /// [`crate::Pallet::leave`], the move of another account included.
    fn leave() -> Weight;
    /// [`crate::Pallet::dismiss`], the move of another account included.
    fn dismiss() -> Weight;
    /// The start of a block that captures a seed.
    fn capture_seed() -> Weight;
}

/// Conservative figures for runtimes that have not measured theirs with the pallet's benchmarks: a database access for
/// every row that can be touched, with room to spare.
impl WeightInfo for () {
    fn enroll() -> Weight {
        Weight::from_parts(200_000_000, 40_000)
            .saturating_add(RocksDbWeight::get().reads_writes(20, 14))
    }

    fn leave() -> Weight {
        Weight::from_parts(100_000_000, 20_000)
            .saturating_add(RocksDbWeight::get().reads_writes(8, 8))
    }

    fn dismiss() -> Weight {
        Weight::from_parts(100_000_000, 20_000)
            .saturating_add(RocksDbWeight::get().reads_writes(9, 8))
    }

    fn capture_seed() -> Weight {
        Weight::from_parts(20_000_000, 4_000)
            .saturating_add(RocksDbWeight::get().reads_writes(2, 1))
    }
}
