//! What the benchmarks of `pallet_golds` have measured. Made by `scripts/weights.sh`: changes by hand will be lost.

#![allow(unused_imports, reason = "where no benchmark touches a row")]

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Measured weights, counted with the costs of the runtime's database.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> ::pallet_golds::WeightInfo for WeightInfo<T> {
    fn announce() -> Weight {
        Weight::from_parts(102_274_000, 3748)
            .saturating_add(T::DbWeight::get().reads(5))
            .saturating_add(T::DbWeight::get().writes(4))
    }
    fn reveal() -> Weight {
        Weight::from_parts(310_060_692, 6196)
            .saturating_add(T::DbWeight::get().reads(42))
            .saturating_add(T::DbWeight::get().writes(7))
    }
    fn conclude() -> Weight {
        Weight::from_parts(154_782_000, 4206)
            .saturating_add(T::DbWeight::get().reads(6))
            .saturating_add(T::DbWeight::get().writes(6))
    }
}
