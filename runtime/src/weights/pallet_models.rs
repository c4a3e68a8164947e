//! Estimates until `scripts/weights.sh` has measured `pallet_models`.

use core::marker::PhantomData;
use frame_support::weights::Weight;

/// The pallet's own estimates.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> ::pallet_models::WeightInfo for WeightInfo<T> {
    fn release() -> Weight {
        <() as ::pallet_models::WeightInfo>::release()
    }

    fn recall() -> Weight {
        <() as ::pallet_models::WeightInfo>::recall()
    }

    fn prune() -> Weight {
        <() as ::pallet_models::WeightInfo>::prune()
    }
}
