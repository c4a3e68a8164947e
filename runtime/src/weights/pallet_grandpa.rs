//! What the benchmarks of `pallet_grandpa` have measured. Made by `scripts/weights.sh`: changes by hand will be lost.
//!
//! 2026-11-21, AMD EPYC, 50 steps, 20 repeats.

#![allow(unused_imports, reason = "where no benchmark touches a row")]

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Measured weights, counted with the costs of the runtime's database.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo<T> {
    /// `x` is 0 to 1.
    /// Took 101_490 ns at least.
    pub fn check_equivocation_proof(x: u32) -> Weight {
        Weight::from_parts(102_774_960, 0)
            // Standard error: 15_807.
            .saturating_add(Weight::from_parts(45_639, 0).saturating_mul(x.into()))
    }
    // Storage: `Grandpa::Stalled` (r:0 w:1)
    // Proof: `Grandpa::Stalled` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
    /// Took 4_518 ns at least.
    pub fn note_stalled() -> Weight {
        Weight::from_parts(5_089_000, 0).saturating_add(T::DbWeight::get().writes(1))
    }
}
