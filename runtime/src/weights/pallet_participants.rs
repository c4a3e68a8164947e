//! What the benchmarks of `pallet_participants` have measured. Made by `scripts/weights.sh`: changes by hand will be lost.
//!
//! 2026-11-23, AMD EPYC, 50 steps, 20 repeats.

#![allow(unused_imports, reason = "where no benchmark touches a row")]

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Measured weights, counted with the costs of the runtime's database.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> ::pallet_participants::WeightInfo for WeightInfo<T> {
    // Storage: `Participants::Members` (r:1 w:1)
    // Proof: `Participants::Members` (`max_values`: None, `max_size`: Some(290), added: 2765, mode: `MaxEncodedLen`)
    // Storage: `Parameters::Current` (r:1 w:0)
    // Proof: `Parameters::Current` (`max_values`: Some(1), `max_size`: Some(137), added: 632, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(301), added: 2776, mode: `MaxEncodedLen`)
    /// Took 55_984 ns at least.
    fn bond() -> Weight {
        Weight::from_parts(59_029_000, 3766)
            .saturating_add(T::DbWeight::get().reads(3))
            .saturating_add(T::DbWeight::get().writes(2))
    }
    // Storage: `Participants::Members` (r:1 w:1)
    // Proof: `Participants::Members` (`max_values`: None, `max_size`: Some(290), added: 2765, mode: `MaxEncodedLen`)
    /// Took 13_340 ns at least.
    fn unbond() -> Weight {
        Weight::from_parts(14_332_000, 3755)
            .saturating_add(T::DbWeight::get().reads(1))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    // Storage: `Participants::Members` (r:1 w:1)
    // Proof: `Participants::Members` (`max_values`: None, `max_size`: Some(290), added: 2765, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(301), added: 2776, mode: `MaxEncodedLen`)
    /// Took 47_622 ns at least.
    fn withdraw() -> Weight {
        Weight::from_parts(50_666_000, 3766)
            .saturating_add(T::DbWeight::get().reads(2))
            .saturating_add(T::DbWeight::get().writes(2))
    }
    // Storage: `Participants::Hosts` (r:1 w:1)
    // Proof: `Participants::Hosts` (`max_values`: None, `max_size`: Some(585), added: 3060, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(301), added: 2776, mode: `MaxEncodedLen`)
    /// Took 56_665 ns at least.
    fn set_hosts() -> Weight {
        Weight::from_parts(59_870_000, 4050)
            .saturating_add(T::DbWeight::get().reads(2))
            .saturating_add(T::DbWeight::get().writes(2))
    }
    // Storage: `Participants::EncryptionKeys` (r:1 w:1)
    // Proof: `Participants::EncryptionKeys` (`max_values`: None, `max_size`: Some(100), added: 2575, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(301), added: 2776, mode: `MaxEncodedLen`)
    /// Took 50_616 ns at least.
    fn set_encryption_key() -> Weight {
        Weight::from_parts(53_300_000, 3766)
            .saturating_add(T::DbWeight::get().reads(2))
            .saturating_add(T::DbWeight::get().writes(2))
    }
    // Storage: `Participants::Members` (r:1 w:1)
    // Proof: `Participants::Members` (`max_values`: None, `max_size`: Some(290), added: 2765, mode: `MaxEncodedLen`)
    /// Took 12_559 ns at least.
    fn forget() -> Weight {
        Weight::from_parts(13_500_000, 3755)
            .saturating_add(T::DbWeight::get().reads(1))
            .saturating_add(T::DbWeight::get().writes(1))
    }
}
