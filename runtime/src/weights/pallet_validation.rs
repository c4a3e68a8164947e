//! Estimates until `scripts/weights.sh` has measured `pallet_validation`.

use core::marker::PhantomData;
use frame_support::weights::Weight;

/// The pallet's own estimates.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> ::pallet_validation::WeightInfo for WeightInfo<T> {
    fn commit_scores() -> Weight {
        <() as ::pallet_validation::WeightInfo>::commit_scores()
    }

    fn open_scores(updates: u32) -> Weight {
        <() as ::pallet_validation::WeightInfo>::open_scores(updates)
    }

    fn attest() -> Weight {
        <() as ::pallet_validation::WeightInfo>::attest()
    }

    fn claim_unrevealed() -> Weight {
        <() as ::pallet_validation::WeightInfo>::claim_unrevealed()
    }

    fn claim_faulty() -> Weight {
        <() as ::pallet_validation::WeightInfo>::claim_faulty()
    }

    fn claim_seat() -> Weight {
        <() as ::pallet_validation::WeightInfo>::claim_seat()
    }

    fn forget() -> Weight {
        <() as ::pallet_validation::WeightInfo>::forget()
    }
}
