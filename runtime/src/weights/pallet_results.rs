//! What the benchmarks of `pallet_results` have measured. Made by `scripts/weights.sh`: changes by hand will be lost.
//!
//! 2026-11-22, AMD EPYC, 50 steps, 20 repeats.

#![allow(unused_imports, reason = "where no benchmark touches a row")]

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Measured weights, counted with the costs of the runtime's database.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> ::pallet_results::WeightInfo for WeightInfo<T> {
    // Storage: `Tasks::Rounds` (r:1 w:1)
    // Proof: `Tasks::Rounds` (`max_values`: None, `max_size`: Some(151), added: 2626, mode: `MaxEncodedLen`)
    // Storage: `Results::Commitments` (r:1 w:1)
    // Proof: `Results::Commitments` (`max_values`: None, `max_size`: Some(214), added: 2689, mode: `MaxEncodedLen`)
    // Storage: `Assignments::Draws` (r:1 w:0)
    // Proof: `Assignments::Draws` (`max_values`: None, `max_size`: Some(54), added: 2529, mode: `MaxEncodedLen`)
    // Storage: `Assignments::Places` (r:1 w:1)
    // Proof: `Assignments::Places` (`max_values`: None, `max_size`: Some(119), added: 2594, mode: `MaxEncodedLen`)
    // Storage: `Assignments::Seeds` (r:1 w:0)
    // Proof: `Assignments::Seeds` (`max_values`: None, `max_size`: Some(49), added: 2524, mode: `MaxEncodedLen`)
    // Storage: `Participants::Members` (r:1 w:0)
    // Proof: `Participants::Members` (`max_values`: None, `max_size`: Some(270), added: 2745, mode: `MaxEncodedLen`)
    // Storage: `Results::Counts` (r:1 w:1)
    // Proof: `Results::Counts` (`max_values`: None, `max_size`: Some(36), added: 2511, mode: `MaxEncodedLen`)
    // Storage: `Tasks::Tasks` (r:1 w:0)
    // Proof: `Tasks::Tasks` (`max_values`: None, `max_size`: Some(712), added: 3187, mode: `MaxEncodedLen`)
    /// Took 229_985 ns at least.
    fn commit() -> Weight {
        Weight::from_parts(244_307_000, 4177)
            .saturating_add(T::DbWeight::get().reads(8))
            .saturating_add(T::DbWeight::get().writes(4))
    }
    // Storage: `Tasks::Rounds` (r:1 w:1)
    // Proof: `Tasks::Rounds` (`max_values`: None, `max_size`: Some(151), added: 2626, mode: `MaxEncodedLen`)
    // Storage: `Results::Commitments` (r:1 w:1)
    // Proof: `Results::Commitments` (`max_values`: None, `max_size`: Some(214), added: 2689, mode: `MaxEncodedLen`)
    // Storage: `Assignments::Draws` (r:1 w:1)
    // Proof: `Assignments::Draws` (`max_values`: None, `max_size`: Some(54), added: 2529, mode: `MaxEncodedLen`)
    // Storage: `Assignments::Places` (r:1 w:1)
    // Proof: `Assignments::Places` (`max_values`: None, `max_size`: Some(119), added: 2594, mode: `MaxEncodedLen`)
    // Storage: `Assignments::Seeds` (r:1 w:1)
    // Proof: `Assignments::Seeds` (`max_values`: None, `max_size`: Some(49), added: 2524, mode: `MaxEncodedLen`)
    // Storage: `Participants::Members` (r:1 w:0)
    // Proof: `Participants::Members` (`max_values`: None, `max_size`: Some(270), added: 2745, mode: `MaxEncodedLen`)
    // Storage: `Results::Counts` (r:1 w:1)
    // Proof: `Results::Counts` (`max_values`: None, `max_size`: Some(36), added: 2511, mode: `MaxEncodedLen`)
    // Storage: `Tasks::Tasks` (r:1 w:1)
    // Proof: `Tasks::Tasks` (`max_values`: None, `max_size`: Some(712), added: 3187, mode: `MaxEncodedLen`)
    /// Took 245_108 ns at least.
    fn commit_last() -> Weight {
        Weight::from_parts(258_819_000, 4177)
            .saturating_add(T::DbWeight::get().reads(8))
            .saturating_add(T::DbWeight::get().writes(7))
    }
    // Storage: `Tasks::Rounds` (r:1 w:0)
    // Proof: `Tasks::Rounds` (`max_values`: None, `max_size`: Some(151), added: 2626, mode: `MaxEncodedLen`)
    // Storage: `Results::Commitments` (r:1 w:1)
    // Proof: `Results::Commitments` (`max_values`: None, `max_size`: Some(214), added: 2689, mode: `MaxEncodedLen`)
    // Storage: `System::BlockHash` (r:1 w:0)
    // Proof: `System::BlockHash` (`max_values`: None, `max_size`: Some(44), added: 2519, mode: `MaxEncodedLen`)
    // Storage: `Results::Counts` (r:1 w:1)
    // Proof: `Results::Counts` (`max_values`: None, `max_size`: Some(36), added: 2511, mode: `MaxEncodedLen`)
    // Storage: `Tasks::Tasks` (r:1 w:0)
    // Proof: `Tasks::Tasks` (`max_values`: None, `max_size`: Some(712), added: 3187, mode: `MaxEncodedLen`)
    // Storage: `Results::Reveals` (r:0 w:1)
    // Proof: `Results::Reveals` (`max_values`: None, `max_size`: Some(68), added: 2543, mode: `MaxEncodedLen`)
    /// Took 51_427 ns at least.
    fn reveal() -> Weight {
        Weight::from_parts(54_532_000, 4177)
            .saturating_add(T::DbWeight::get().reads(5))
            .saturating_add(T::DbWeight::get().writes(3))
    }
    // Storage: `Tasks::Rounds` (r:1 w:1)
    // Proof: `Tasks::Rounds` (`max_values`: None, `max_size`: Some(151), added: 2626, mode: `MaxEncodedLen`)
    // Storage: `Results::Commitments` (r:1 w:1)
    // Proof: `Results::Commitments` (`max_values`: None, `max_size`: Some(214), added: 2689, mode: `MaxEncodedLen`)
    // Storage: `System::BlockHash` (r:1 w:0)
    // Proof: `System::BlockHash` (`max_values`: None, `max_size`: Some(44), added: 2519, mode: `MaxEncodedLen`)
    // Storage: `Results::Counts` (r:1 w:1)
    // Proof: `Results::Counts` (`max_values`: None, `max_size`: Some(36), added: 2511, mode: `MaxEncodedLen`)
    // Storage: `Tasks::Tasks` (r:1 w:1)
    // Proof: `Tasks::Tasks` (`max_values`: None, `max_size`: Some(712), added: 3187, mode: `MaxEncodedLen`)
    // Storage: `Assignments::Draws` (r:1 w:1)
    // Proof: `Assignments::Draws` (`max_values`: None, `max_size`: Some(54), added: 2529, mode: `MaxEncodedLen`)
    // Storage: `Assignments::NextDraw` (r:1 w:1)
    // Proof: `Assignments::NextDraw` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
    // Storage: `Assignments::Populations` (r:1 w:1)
    // Proof: `Assignments::Populations` (`max_values`: None, `max_size`: Some(34), added: 2509, mode: `MaxEncodedLen`)
    // Storage: `Assignments::Seeds` (r:1 w:1)
    // Proof: `Assignments::Seeds` (`max_values`: None, `max_size`: Some(49), added: 2524, mode: `MaxEncodedLen`)
    // Storage: `Validation::Histories` (r:1 w:1)
    // Proof: `Validation::Histories` (`max_values`: None, `max_size`: Some(44), added: 2519, mode: `MaxEncodedLen`)
    // Storage: `Validation::Committees` (r:1 w:2)
    // Proof: `Validation::Committees` (`max_values`: None, `max_size`: Some(3277), added: 5752, mode: `MaxEncodedLen`)
    // Storage: `Results::Reveals` (r:0 w:1)
    // Proof: `Results::Reveals` (`max_values`: None, `max_size`: Some(68), added: 2543, mode: `MaxEncodedLen`)
    // Storage: `Validation::Shares` (r:0 w:1)
    // Proof: `Validation::Shares` (`max_values`: None, `max_size`: Some(44), added: 2519, mode: `MaxEncodedLen`)
    /// Took 102_965 ns at least.
    fn reveal_last() -> Weight {
        Weight::from_parts(121_463_000, 6742)
            .saturating_add(T::DbWeight::get().reads(11))
            .saturating_add(T::DbWeight::get().writes(13))
    }
    // Storage: `Tasks::Rounds` (r:1 w:0)
    // Proof: `Tasks::Rounds` (`max_values`: None, `max_size`: Some(151), added: 2626, mode: `MaxEncodedLen`)
    // Storage: `Results::Commitments` (r:1 w:1)
    // Proof: `Results::Commitments` (`max_values`: None, `max_size`: Some(214), added: 2689, mode: `MaxEncodedLen`)
    // Storage: `Assignments::Draws` (r:1 w:0)
    // Proof: `Assignments::Draws` (`max_values`: None, `max_size`: Some(54), added: 2529, mode: `MaxEncodedLen`)
    // Storage: `Assignments::Seeds` (r:1 w:0)
    // Proof: `Assignments::Seeds` (`max_values`: None, `max_size`: Some(49), added: 2524, mode: `MaxEncodedLen`)
    /// Took 38_457 ns at least.
    fn hand_over() -> Weight {
        Weight::from_parts(44_647_000, 3679)
            .saturating_add(T::DbWeight::get().reads(4))
            .saturating_add(T::DbWeight::get().writes(1))
    }
}
