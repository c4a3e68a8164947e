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
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(283), added: 2758, mode: `MaxEncodedLen`)
    /// Took 47_972 ns at least.
    fn register() -> Weight {
        Weight::from_parts(50_356_000, 3748)
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
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(283), added: 2758, mode: `MaxEncodedLen`)
    /// Took 63_565 ns at least.
    fn grant() -> Weight {
        Weight::from_parts(69_204_000, 3748)
            .saturating_add(T::DbWeight::get().reads(4))
            .saturating_add(T::DbWeight::get().writes(3))
    }
    // Storage: `Data::Contents` (r:1 w:1)
    // Proof: `Data::Contents` (`max_values`: None, `max_size`: Some(141), added: 2616, mode: `MaxEncodedLen`)
    // Storage: `Data::Grants` (r:1 w:1)
    // Proof: `Data::Grants` (`max_values`: None, `max_size`: Some(150), added: 2625, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(283), added: 2758, mode: `MaxEncodedLen`)
    /// Took 52_970 ns at least.
    fn revoke() -> Weight {
        Weight::from_parts(55_814_000, 3748)
            .saturating_add(T::DbWeight::get().reads(3))
            .saturating_add(T::DbWeight::get().writes(3))
    }
    // Storage: `Data::Contents` (r:1 w:1)
    // Proof: `Data::Contents` (`max_values`: None, `max_size`: Some(141), added: 2616, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(283), added: 2758, mode: `MaxEncodedLen`)
    /// Took 43_695 ns at least.
    fn retire() -> Weight {
        Weight::from_parts(46_199_000, 3748)
            .saturating_add(T::DbWeight::get().reads(2))
            .saturating_add(T::DbWeight::get().writes(2))
    }
}
