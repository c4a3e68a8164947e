//! What the benchmarks of `pallet_parameters` have measured. Made by `scripts/weights.sh`: changes by hand will be lost.
//!
//! 2026-11-23, AMD EPYC, 50 steps, 20 repeats.

#![allow(unused_imports, reason = "where no benchmark touches a row")]

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Measured weights, counted with the costs of the runtime's database.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> ::pallet_parameters::WeightInfo for WeightInfo<T> {
    // Storage: `Parameters::Current` (r:1 w:1)
    // Proof: `Parameters::Current` (`max_values`: Some(1), `max_size`: Some(137), added: 632, mode: `MaxEncodedLen`)
    /// Took 7_862 ns at least.
    fn set_parameters() -> Weight {
        Weight::from_parts(13_440_000, 1622)
            .saturating_add(T::DbWeight::get().reads(1))
            .saturating_add(T::DbWeight::get().writes(1))
    }
}
