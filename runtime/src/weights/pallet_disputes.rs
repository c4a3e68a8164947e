//! What the benchmarks of `pallet_disputes` have measured. Made by `scripts/weights.sh`: changes by hand will be lost.
//!
//! 2026-11-22, AMD EPYC, 50 steps, 20 repeats.

#![allow(unused_imports, reason = "where no benchmark touches a row")]

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Measured weights, counted with the costs of the runtime's database.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> ::pallet_disputes::WeightInfo for WeightInfo<T> {
    // Storage: `Disputes::Cases` (r:1 w:1)
    // Proof: `Disputes::Cases` (`max_values`: None, `max_size`: Some(161), added: 2636, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:1 w:1)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(265), added: 2740, mode: `MaxEncodedLen`)
    // Storage: `Settings::JudgmentPeriod` (r:1 w:0)
    // Proof: `Settings::JudgmentPeriod` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    /// Took 61_953 ns at least.
    fn appeal() -> Weight {
        Weight::from_parts(65_098_000, 3730)
            .saturating_add(T::DbWeight::get().reads(4))
            .saturating_add(T::DbWeight::get().writes(3))
    }
    // Storage: `Disputes::Cases` (r:1 w:0)
    // Proof: `Disputes::Cases` (`max_values`: None, `max_size`: Some(161), added: 2636, mode: `MaxEncodedLen`)
    // Storage: `CouncilMembership::Members` (r:1 w:0)
    // Proof: `CouncilMembership::Members` (`max_values`: Some(1), `max_size`: Some(3202), added: 3697, mode: `MaxEncodedLen`)
    // Storage: `Assignments::Places` (r:2 w:0)
    // Proof: `Assignments::Places` (`max_values`: None, `max_size`: Some(119), added: 2594, mode: `MaxEncodedLen`)
    // Storage: `Disputes::Ballots` (r:1 w:1)
    // Proof: `Disputes::Ballots` (`max_values`: None, `max_size`: Some(3318), added: 5793, mode: `MaxEncodedLen`)
    /// Took 37_937 ns at least.
    fn vote() -> Weight {
        Weight::from_parts(40_631_000, 6783)
            .saturating_add(T::DbWeight::get().reads(5))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    // Storage: `Disputes::Cases` (r:1 w:1)
    // Proof: `Disputes::Cases` (`max_values`: None, `max_size`: Some(161), added: 2636, mode: `MaxEncodedLen`)
    // Storage: `CouncilMembership::Members` (r:1 w:0)
    // Proof: `CouncilMembership::Members` (`max_values`: Some(1), `max_size`: Some(3202), added: 3697, mode: `MaxEncodedLen`)
    // Storage: `Disputes::Ballots` (r:1 w:1)
    // Proof: `Disputes::Ballots` (`max_values`: None, `max_size`: Some(3318), added: 5793, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(265), added: 2740, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:4 w:4)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Tasks::Tasks` (r:1 w:1)
    // Proof: `Tasks::Tasks` (`max_values`: None, `max_size`: Some(712), added: 3187, mode: `MaxEncodedLen`)
    // Storage: `Participants::Members` (r:1 w:1)
    // Proof: `Participants::Members` (`max_values`: None, `max_size`: Some(270), added: 2745, mode: `MaxEncodedLen`)
    /// Took 201_493 ns at least.
    fn conclude_guilty() -> Weight {
        Weight::from_parts(210_827_000, 11402)
            .saturating_add(T::DbWeight::get().reads(10))
            .saturating_add(T::DbWeight::get().writes(9))
    }
    // Storage: `Disputes::Cases` (r:1 w:1)
    // Proof: `Disputes::Cases` (`max_values`: None, `max_size`: Some(161), added: 2636, mode: `MaxEncodedLen`)
    // Storage: `CouncilMembership::Members` (r:1 w:0)
    // Proof: `CouncilMembership::Members` (`max_values`: Some(1), `max_size`: Some(3202), added: 3697, mode: `MaxEncodedLen`)
    // Storage: `Disputes::Ballots` (r:1 w:1)
    // Proof: `Disputes::Ballots` (`max_values`: None, `max_size`: Some(3318), added: 5793, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:3 w:3)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:2 w:2)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(265), added: 2740, mode: `MaxEncodedLen`)
    // Storage: `Participants::Members` (r:3 w:3)
    // Proof: `Participants::Members` (`max_values`: None, `max_size`: Some(270), added: 2745, mode: `MaxEncodedLen`)
    /// Took 215_173 ns at least.
    fn conclude_freed() -> Weight {
        Weight::from_parts(226_000_000, 9225)
            .saturating_add(T::DbWeight::get().reads(11))
            .saturating_add(T::DbWeight::get().writes(10))
    }
}
