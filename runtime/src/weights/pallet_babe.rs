//! What the benchmarks of `pallet_babe` have measured. Made by `scripts/weights.sh`: changes by hand will be lost.
//!
//! 2026-11-21, AMD EPYC, 50 steps, 20 repeats.

#![allow(unused_imports, reason = "where no benchmark touches a row")]

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Measured weights, counted with the costs of the runtime's database.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo<T> {
    /// `x` is 0 to 1.
    /// Took 105_918 ns at least.
    pub fn check_equivocation_proof(_x: u32) -> Weight {
        Weight::from_parts(107_199_920, 0)
    }
}
