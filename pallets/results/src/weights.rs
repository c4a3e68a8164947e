//! What the calls cost.

use frame_support::weights::{Weight, constants::RocksDbWeight};

/// Weights of this pallet's calls.
pub trait WeightInfo {
    /// [`crate::Pallet::commit`] of the last trainer, which ends the phase.
    fn commit() -> Weight;
    /// [`crate::Pallet::reveal`] of the last trainer, which draws the committee.
    fn reveal() -> Weight;
}

/// Conservative figures for runtimes that have not measured theirs with the pallet's benchmarks: a database access for
/// every row that can be touched, with room to spare.
impl WeightInfo for () {
    fn commit() -> Weight {
        Weight::from_parts(300_000_000, 40_000)
            .saturating_add(RocksDbWeight::get().reads_writes(18, 12))
    }

    fn reveal() -> Weight {
        Weight::from_parts(200_000_000, 40_000)
            .saturating_add(RocksDbWeight::get().reads_writes(18, 14))
    }
}
