//! Estimates until `scripts/weights.sh` has measured `pallet_participants`.

use core::marker::PhantomData;
use frame_support::weights::Weight;

/// The pallet's own estimates.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> ::pallet_participants::WeightInfo for WeightInfo<T> {
    fn bond() -> Weight {
        <() as ::pallet_participants::WeightInfo>::bond()
    }

    fn unbond() -> Weight {
        <() as ::pallet_participants::WeightInfo>::unbond()
    }

    fn withdraw() -> Weight {
        <() as ::pallet_participants::WeightInfo>::withdraw()
    }
}
