//! What the call of `pallet_parameters` weighs. Estimated, not measured yet: run `scripts/weights.sh pallet_parameters`, which
//! replaces this file.
//!
//! The time is that of calls that touch as many rows, with room to spare.

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Estimated weights, counted with the costs of the runtime's database.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> ::pallet_parameters::WeightInfo for WeightInfo<T> {
    // Storage: `Parameters::Current` (r:1 w:1)
    fn set_parameters() -> Weight {
        Weight::from_parts(40_000_000, 1_620)
            .saturating_add(T::DbWeight::get().reads(1))
            .saturating_add(T::DbWeight::get().writes(1))
    }
}
