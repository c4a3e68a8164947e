//! What the calls cost.

use frame_support::weights::{Weight, constants::RocksDbWeight};

/// Weights of this pallet's calls.
pub trait WeightInfo {
    /// [`crate::Pallet::commit`] where others have yet to act.
    fn commit() -> Weight;
    /// [`crate::Pallet::commit`] of the last trainer, which ends the phase.
    fn commit_last() -> Weight;
    /// [`crate::Pallet::reveal`] where others have yet to act.
    fn reveal() -> Weight;
    /// [`crate::Pallet::reveal`] of the last trainer, which draws the committee.
    fn reveal_last() -> Weight;
    /// [`crate::Pallet::hand_over`].
    fn hand_over() -> Weight;
}

/// Conservative figures for runtimes that have not measured theirs with the pallet's benchmarks: a database access for
/// every row that can be touched, with room to spare.
impl WeightInfo for () {
    fn commit() -> Weight {
        Weight::from_parts(250_000_000, 40_000)
            .saturating_add(RocksDbWeight::get().reads_writes(12, 6))
    }

    fn commit_last() -> Weight {
        Weight::from_parts(300_000_000, 40_000)
            .saturating_add(RocksDbWeight::get().reads_writes(18, 12))
    }

    fn reveal() -> Weight {
        Weight::from_parts(150_000_000, 40_000)
            .saturating_add(RocksDbWeight::get().reads_writes(10, 5))
    }

    fn reveal_last() -> Weight {
        Weight::from_parts(200_000_000, 40_000)
            .saturating_add(RocksDbWeight::get().reads_writes(18, 14))
    }

    fn hand_over() -> Weight {
        Weight::from_parts(100_000_000, 20_000)
            .saturating_add(RocksDbWeight::get().reads_writes(6, 2))
    }
}
