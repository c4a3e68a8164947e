//! What the calls cost.

use frame_support::weights::{Weight, constants::RocksDbWeight};

/// Weights of this pallet's calls.
pub trait WeightInfo {
    /// [`crate::Pallet::commit_scores`] of the last seat, which ends the phase.
    fn commit_scores() -> Weight;
    /// [`crate::Pallet::open_scores`] of the last seat, whose scores take up so many `sheets` of `TALLY_BATCH` updates.
    fn open_scores(sheets: u32) -> Weight;
    /// [`crate::Pallet::attest`] that settles the round and starts the next.
    fn attest() -> Weight;
    /// [`crate::Pallet::claim`] of the last row of a round, where a commitment without a reveal is slashed.
    fn claim_unrevealed() -> Weight;
    /// [`crate::Pallet::claim`] of the last row of a round, where a faulty update is slashed.
    fn claim_faulty() -> Weight;
    /// [`crate::Pallet::claim_seat`] of the last row of a round of 256 updates.
    fn claim_seat() -> Weight;
    /// [`crate::Pallet::forget`] of a task's last running score.
    fn forget() -> Weight;
}

/// Conservative figures for runtimes that have not measured theirs with the pallet's benchmarks: a database access for
/// every row that can be touched, with room to spare.
impl WeightInfo for () {
    fn commit_scores() -> Weight {
        Weight::from_parts(300_000_000, 40_000)
            .saturating_add(RocksDbWeight::get().reads_writes(18, 12))
    }

    fn open_scores(sheets: u32) -> Weight {
        Weight::from_parts(200_000_000, 40_000)
            .saturating_add(Weight::from_parts(20_000_000, 640).saturating_mul(sheets.into()))
            .saturating_add(RocksDbWeight::get().reads_writes(14, 10))
            .saturating_add(RocksDbWeight::get().writes(sheets.into()))
    }

    fn attest() -> Weight {
        Weight::from_parts(200_000_000, 60_000)
            .saturating_add(RocksDbWeight::get().reads_writes(30, 24))
    }

    fn claim_unrevealed() -> Weight {
        Weight::from_parts(200_000_000, 40_000)
            .saturating_add(RocksDbWeight::get().reads_writes(20, 16))
    }

    fn claim_faulty() -> Weight {
        Weight::from_parts(200_000_000, 40_000)
            .saturating_add(RocksDbWeight::get().reads_writes(20, 16))
    }

    fn claim_seat() -> Weight {
        Weight::from_parts(200_000_000, 40_000)
            .saturating_add(RocksDbWeight::get().reads_writes(20, 24))
    }

    fn forget() -> Weight {
        Weight::from_parts(50_000_000, 12_000)
            .saturating_add(RocksDbWeight::get().reads_writes(4, 4))
    }
}
