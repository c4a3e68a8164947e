//! What the benchmarks of `pallet_disputes` have measured. Made by `scripts/weights.sh`: changes by hand will be lost.
//!
//! 2026-11-23, AMD EPYC, 50 steps, 20 repeats.

#![allow(unused_imports, reason = "where no benchmark touches a row")]

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Measured weights, counted with the costs of the runtime's database.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> ::pallet_disputes::WeightInfo for WeightInfo<T> {
    // Storage: `Disputes::Cases` (r:1 w:1)
    // Proof: `Disputes::Cases` (`max_values`: None, `max_size`: Some(197), added: 2672, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:1 w:1)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(301), added: 2776, mode: `MaxEncodedLen`)
    // Storage: `Settings::JudgmentPeriod` (r:1 w:0)
    // Proof: `Settings::JudgmentPeriod` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    /// Took 73_640 ns at least.
    fn appeal() -> Weight {
        Weight::from_parts(118_748_000, 3766)
            .saturating_add(T::DbWeight::get().reads(4))
            .saturating_add(T::DbWeight::get().writes(3))
    }
    // Storage: `Disputes::Cases` (r:1 w:0)
    // Proof: `Disputes::Cases` (`max_values`: None, `max_size`: Some(197), added: 2672, mode: `MaxEncodedLen`)
    // Storage: `CouncilMembership::Members` (r:1 w:0)
    // Proof: `CouncilMembership::Members` (`max_values`: Some(1), `max_size`: Some(3202), added: 3697, mode: `MaxEncodedLen`)
    // Storage: `Assignments::Places` (r:2 w:0)
    // Proof: `Assignments::Places` (`max_values`: None, `max_size`: Some(120), added: 2595, mode: `MaxEncodedLen`)
    // Storage: `Disputes::Ballots` (r:1 w:1)
    // Proof: `Disputes::Ballots` (`max_values`: None, `max_size`: Some(3318), added: 5793, mode: `MaxEncodedLen`)
    /// Took 49_915 ns at least.
    fn vote() -> Weight {
        Weight::from_parts(91_377_000, 6783)
            .saturating_add(T::DbWeight::get().reads(5))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    // Storage: `Disputes::Cases` (r:1 w:1)
    // Proof: `Disputes::Cases` (`max_values`: None, `max_size`: Some(197), added: 2672, mode: `MaxEncodedLen`)
    // Storage: `CouncilMembership::Members` (r:1 w:0)
    // Proof: `CouncilMembership::Members` (`max_values`: Some(1), `max_size`: Some(3202), added: 3697, mode: `MaxEncodedLen`)
    // Storage: `Disputes::Ballots` (r:1 w:1)
    // Proof: `Disputes::Ballots` (`max_values`: None, `max_size`: Some(3318), added: 5793, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(301), added: 2776, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:5 w:5)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Tasks::Tasks` (r:1 w:1)
    // Proof: `Tasks::Tasks` (`max_values`: None, `max_size`: Some(745), added: 3220, mode: `MaxEncodedLen`)
    // Storage: `Participants::Members` (r:1 w:1)
    // Proof: `Participants::Members` (`max_values`: None, `max_size`: Some(290), added: 2765, mode: `MaxEncodedLen`)
    // Storage: `Assets::Account` (r:2 w:2)
    // Proof: `Assets::Account` (`max_values`: None, `max_size`: Some(134), added: 2609, mode: `MaxEncodedLen`)
    // Storage: `Assets::Asset` (r:1 w:1)
    // Proof: `Assets::Asset` (`max_values`: None, `max_size`: Some(210), added: 2685, mode: `MaxEncodedLen`)
    /// Took 367_812 ns at least.
    fn conclude_guilty() -> Weight {
        Weight::from_parts(582_795_000, 14005)
            .saturating_add(T::DbWeight::get().reads(14))
            .saturating_add(T::DbWeight::get().writes(13))
    }
    // Storage: `Disputes::Cases` (r:1 w:1)
    // Proof: `Disputes::Cases` (`max_values`: None, `max_size`: Some(197), added: 2672, mode: `MaxEncodedLen`)
    // Storage: `CouncilMembership::Members` (r:1 w:0)
    // Proof: `CouncilMembership::Members` (`max_values`: Some(1), `max_size`: Some(3202), added: 3697, mode: `MaxEncodedLen`)
    // Storage: `Disputes::Ballots` (r:1 w:1)
    // Proof: `Disputes::Ballots` (`max_values`: None, `max_size`: Some(3318), added: 5793, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:3 w:3)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:2 w:2)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(301), added: 2776, mode: `MaxEncodedLen`)
    // Storage: `Participants::Members` (r:3 w:3)
    // Proof: `Participants::Members` (`max_values`: None, `max_size`: Some(290), added: 2765, mode: `MaxEncodedLen`)
    /// Took 250_075 ns at least.
    fn conclude_freed() -> Weight {
        Weight::from_parts(398_759_000, 9285)
            .saturating_add(T::DbWeight::get().reads(11))
            .saturating_add(T::DbWeight::get().writes(10))
    }
}
