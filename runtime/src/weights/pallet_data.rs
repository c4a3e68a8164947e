//! What the benchmarks of `pallet_data` have measured. Made by `scripts/weights.sh`: changes by hand will be lost.
//!
//! 2026-11-23, AMD EPYC, 50 steps, 20 repeats.

#![allow(unused_imports, reason = "where no benchmark touches a row")]

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Measured weights, counted with the costs of the runtime's database.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> ::pallet_data::WeightInfo for WeightInfo<T> {
    // Storage: `Data::Contents` (r:1 w:1)
    // Proof: `Data::Contents` (`max_values`: None, `max_size`: Some(141), added: 2616, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(301), added: 2776, mode: `MaxEncodedLen`)
    /// Took 49_725 ns at least.
    fn register() -> Weight {
        Weight::from_parts(54_361_000, 3766)
            .saturating_add(T::DbWeight::get().reads(2))
            .saturating_add(T::DbWeight::get().writes(2))
    }
    // Storage: `Data::Contents` (r:1 w:1)
    // Proof: `Data::Contents` (`max_values`: None, `max_size`: Some(141), added: 2616, mode: `MaxEncodedLen`)
    // Storage: `Data::Grants` (r:1 w:1)
    // Proof: `Data::Grants` (`max_values`: None, `max_size`: Some(150), added: 2625, mode: `MaxEncodedLen`)
    // Storage: `Participants::EncryptionKeys` (r:1 w:0)
    // Proof: `Participants::EncryptionKeys` (`max_values`: None, `max_size`: Some(100), added: 2575, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(301), added: 2776, mode: `MaxEncodedLen`)
    /// Took 69_374 ns at least.
    fn grant() -> Weight {
        Weight::from_parts(105_358_000, 3766)
            .saturating_add(T::DbWeight::get().reads(4))
            .saturating_add(T::DbWeight::get().writes(3))
    }
    // Storage: `Data::Contents` (r:1 w:1)
    // Proof: `Data::Contents` (`max_values`: None, `max_size`: Some(141), added: 2616, mode: `MaxEncodedLen`)
    // Storage: `Data::Grants` (r:1 w:1)
    // Proof: `Data::Grants` (`max_values`: None, `max_size`: Some(150), added: 2625, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(301), added: 2776, mode: `MaxEncodedLen`)
    /// Took 54_282 ns at least.
    fn revoke() -> Weight {
        Weight::from_parts(57_486_000, 3766)
            .saturating_add(T::DbWeight::get().reads(3))
            .saturating_add(T::DbWeight::get().writes(3))
    }
    // Storage: `Data::Contents` (r:1 w:1)
    // Proof: `Data::Contents` (`max_values`: None, `max_size`: Some(141), added: 2616, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(301), added: 2776, mode: `MaxEncodedLen`)
    /// Took 43_846 ns at least.
    fn retire() -> Weight {
        Weight::from_parts(47_201_000, 3766)
            .saturating_add(T::DbWeight::get().reads(2))
            .saturating_add(T::DbWeight::get().writes(2))
    }
}
