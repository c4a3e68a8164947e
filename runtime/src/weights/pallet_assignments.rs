//! What the benchmarks of `pallet_assignments` have measured. Made by `scripts/weights.sh`: changes by hand will be lost.
//!
//! 2026-11-23, AMD EPYC, 50 steps, 20 repeats.

#![allow(unused_imports, reason = "where no benchmark touches a row")]

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Measured weights, counted with the costs of the runtime's database.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> ::pallet_assignments::WeightInfo for WeightInfo<T> {
    // Storage: `Tasks::Tasks` (r:1 w:1)
    // Proof: `Tasks::Tasks` (`max_values`: None, `max_size`: Some(745), added: 3220, mode: `MaxEncodedLen`)
    // Storage: `Assignments::Places` (r:2 w:1)
    // Proof: `Assignments::Places` (`max_values`: None, `max_size`: Some(120), added: 2595, mode: `MaxEncodedLen`)
    // Storage: `Participants::EncryptionKeys` (r:1 w:0)
    // Proof: `Participants::EncryptionKeys` (`max_values`: None, `max_size`: Some(100), added: 2575, mode: `MaxEncodedLen`)
    // Storage: `Participants::Members` (r:1 w:1)
    // Proof: `Participants::Members` (`max_values`: None, `max_size`: Some(290), added: 2765, mode: `MaxEncodedLen`)
    // Storage: `Assignments::Populations` (r:2 w:2)
    // Proof: `Assignments::Populations` (`max_values`: None, `max_size`: Some(50), added: 2525, mode: `MaxEncodedLen`)
    // Storage: `Assignments::NextDraw` (r:1 w:1)
    // Proof: `Assignments::NextDraw` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
    // Storage: `Assets::Asset` (r:1 w:0)
    // Proof: `Assets::Asset` (`max_values`: None, `max_size`: Some(210), added: 2685, mode: `MaxEncodedLen`)
    // Storage: `Assets::Account` (r:1 w:0)
    // Proof: `Assets::Account` (`max_values`: None, `max_size`: Some(134), added: 2609, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:2 w:2)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Assignments::Draws` (r:1 w:1)
    // Proof: `Assignments::Draws` (`max_values`: None, `max_size`: Some(70), added: 2545, mode: `MaxEncodedLen`)
    // Storage: `Assignments::Seeds` (r:1 w:1)
    // Proof: `Assignments::Seeds` (`max_values`: None, `max_size`: Some(49), added: 2524, mode: `MaxEncodedLen`)
    // Storage: `Assignments::Slots` (r:0 w:1)
    // Proof: `Assignments::Slots` (`max_values`: None, `max_size`: Some(74), added: 2549, mode: `MaxEncodedLen`)
    // Storage: `Tasks::Rounds` (r:0 w:1)
    // Proof: `Tasks::Rounds` (`max_values`: None, `max_size`: Some(151), added: 2626, mode: `MaxEncodedLen`)
    /// Took 197_076 ns at least.
    fn enroll() -> Weight {
        Weight::from_parts(224_788_000, 6196)
            .saturating_add(T::DbWeight::get().reads(14))
            .saturating_add(T::DbWeight::get().writes(12))
    }
    // Storage: `Assignments::Places` (r:2 w:2)
    // Proof: `Assignments::Places` (`max_values`: None, `max_size`: Some(120), added: 2595, mode: `MaxEncodedLen`)
    // Storage: `Assignments::Populations` (r:1 w:1)
    // Proof: `Assignments::Populations` (`max_values`: None, `max_size`: Some(50), added: 2525, mode: `MaxEncodedLen`)
    // Storage: `Assignments::Slots` (r:1 w:2)
    // Proof: `Assignments::Slots` (`max_values`: None, `max_size`: Some(74), added: 2549, mode: `MaxEncodedLen`)
    // Storage: `Assignments::NextDraw` (r:1 w:0)
    // Proof: `Assignments::NextDraw` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
    // Storage: `Participants::Members` (r:1 w:1)
    // Proof: `Participants::Members` (`max_values`: None, `max_size`: Some(290), added: 2765, mode: `MaxEncodedLen`)
    /// Took 76_495 ns at least.
    fn leave() -> Weight {
        Weight::from_parts(86_020_000, 6180)
            .saturating_add(T::DbWeight::get().reads(6))
            .saturating_add(T::DbWeight::get().writes(6))
    }
    // Storage: `Tasks::Tasks` (r:1 w:0)
    // Proof: `Tasks::Tasks` (`max_values`: None, `max_size`: Some(745), added: 3220, mode: `MaxEncodedLen`)
    // Storage: `Assignments::Places` (r:2 w:2)
    // Proof: `Assignments::Places` (`max_values`: None, `max_size`: Some(120), added: 2595, mode: `MaxEncodedLen`)
    // Storage: `Assignments::Populations` (r:1 w:1)
    // Proof: `Assignments::Populations` (`max_values`: None, `max_size`: Some(50), added: 2525, mode: `MaxEncodedLen`)
    // Storage: `Assignments::Slots` (r:1 w:2)
    // Proof: `Assignments::Slots` (`max_values`: None, `max_size`: Some(74), added: 2549, mode: `MaxEncodedLen`)
    // Storage: `Assignments::NextDraw` (r:1 w:0)
    // Proof: `Assignments::NextDraw` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
    // Storage: `Participants::Members` (r:1 w:1)
    // Proof: `Participants::Members` (`max_values`: None, `max_size`: Some(290), added: 2765, mode: `MaxEncodedLen`)
    /// Took 84_777 ns at least.
    fn dismiss() -> Weight {
        Weight::from_parts(112_599_000, 6180)
            .saturating_add(T::DbWeight::get().reads(7))
            .saturating_add(T::DbWeight::get().writes(6))
    }
    // Storage: `Assignments::Seeds` (r:1 w:1)
    // Proof: `Assignments::Seeds` (`max_values`: None, `max_size`: Some(49), added: 2524, mode: `MaxEncodedLen`)
    // Storage: `Babe::AuthorVrfRandomness` (r:1 w:0)
    // Proof: `Babe::AuthorVrfRandomness` (`max_values`: Some(1), `max_size`: Some(33), added: 528, mode: `MaxEncodedLen`)
    /// Took 25_158 ns at least.
    fn capture_seed() -> Weight {
        Weight::from_parts(41_131_000, 3514)
            .saturating_add(T::DbWeight::get().reads(2))
            .saturating_add(T::DbWeight::get().writes(1))
    }
}
