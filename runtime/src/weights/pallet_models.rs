//! What the benchmarks of `pallet_models` have measured. Made by `scripts/weights.sh`: changes by hand will be lost.
//!
//! 2026-11-23, AMD EPYC, 50 steps, 20 repeats.

#![allow(unused_imports, reason = "where no benchmark touches a row")]

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Measured weights, counted with the costs of the runtime's database.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> ::pallet_models::WeightInfo for WeightInfo<T> {
    // Storage: `Models::Versions` (r:1 w:1)
    // Proof: `Models::Versions` (`max_values`: None, `max_size`: Some(215), added: 2690, mode: `MaxEncodedLen`)
    /// Took 11_067 ns at least.
    fn release() -> Weight {
        Weight::from_parts(17_907_000, 3680)
            .saturating_add(T::DbWeight::get().reads(1))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    // Storage: `Models::Versions` (r:1 w:1)
    // Proof: `Models::Versions` (`max_values`: None, `max_size`: Some(215), added: 2690, mode: `MaxEncodedLen`)
    /// Took 11_057 ns at least.
    fn recall() -> Weight {
        Weight::from_parts(13_590_000, 3680)
            .saturating_add(T::DbWeight::get().reads(1))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    // Storage: `Models::Versions` (r:3 w:1)
    // Proof: `Models::Versions` (`max_values`: None, `max_size`: Some(215), added: 2690, mode: `MaxEncodedLen`)
    // Storage: `Tasks::Tasks` (r:1 w:0)
    // Proof: `Tasks::Tasks` (`max_values`: None, `max_size`: Some(745), added: 3220, mode: `MaxEncodedLen`)
    // Storage: `Models::LastVersion` (r:0 w:1)
    // Proof: `Models::LastVersion` (`max_values`: None, `max_size`: Some(16), added: 2491, mode: `MaxEncodedLen`)
    /// Took 21_322 ns at least.
    fn prune() -> Weight {
        Weight::from_parts(33_300_000, 9060)
            .saturating_add(T::DbWeight::get().reads(4))
            .saturating_add(T::DbWeight::get().writes(2))
    }
}
