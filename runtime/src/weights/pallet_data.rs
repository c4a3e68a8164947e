//! What the benchmarks of `pallet_data` have measured. Made by `scripts/weights.sh`: changes by hand will be lost.
//!
//! 2026-11-22, AMD EPYC, 50 steps, 20 repeats.

#![allow(unused_imports, reason = "where no benchmark touches a row")]

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Measured weights, counted with the costs of the runtime's database.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> ::pallet_data::WeightInfo for WeightInfo<T> {
    // Storage: `Data::Contents` (r:1 w:1)
    // Proof: `Data::Contents` (`max_values`: None, `max_size`: Some(141), added: 2616, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(229), added: 2704, mode: `MaxEncodedLen`)
    /// Took 66_725 ns at least.
    fn register() -> Weight {
        Weight::from_parts(70_261_000, 3694)
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
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(229), added: 2704, mode: `MaxEncodedLen`)
    /// Took 92_252 ns at least.
    fn grant() -> Weight {
        Weight::from_parts(95_799_000, 3694)
            .saturating_add(T::DbWeight::get().reads(4))
            .saturating_add(T::DbWeight::get().writes(3))
    }
    // Storage: `Data::Contents` (r:1 w:1)
    // Proof: `Data::Contents` (`max_values`: None, `max_size`: Some(141), added: 2616, mode: `MaxEncodedLen`)
    // Storage: `Data::Grants` (r:1 w:1)
    // Proof: `Data::Grants` (`max_values`: None, `max_size`: Some(150), added: 2625, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(229), added: 2704, mode: `MaxEncodedLen`)
    /// Took 74_379 ns at least.
    fn revoke() -> Weight {
        Weight::from_parts(77_595_000, 3694)
            .saturating_add(T::DbWeight::get().reads(3))
            .saturating_add(T::DbWeight::get().writes(3))
    }
    // Storage: `Data::Contents` (r:1 w:1)
    // Proof: `Data::Contents` (`max_values`: None, `max_size`: Some(141), added: 2616, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(229), added: 2704, mode: `MaxEncodedLen`)
    /// Took 59_891 ns at least.
    fn retire() -> Weight {
        Weight::from_parts(62_868_000, 3694)
            .saturating_add(T::DbWeight::get().reads(2))
            .saturating_add(T::DbWeight::get().writes(2))
    }
}
