//! What the benchmarks of `pallet_results` have measured. Made by `scripts/weights.sh`: changes by hand will be lost.
//!
//! 2026-11-23, AMD EPYC, 50 steps, 20 repeats.

#![allow(unused_imports, reason = "where no benchmark touches a row")]

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Measured weights, counted with the costs of the runtime's database.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> ::pallet_results::WeightInfo for WeightInfo<T> {
    // Storage: `Tasks::Rounds` (r:1 w:1)
    // Proof: `Tasks::Rounds` (`max_values`: None, `max_size`: Some(151), added: 2626, mode: `MaxEncodedLen`)
    // Storage: `Results::Commitments` (r:1 w:1)
    // Proof: `Results::Commitments` (`max_values`: None, `max_size`: Some(218), added: 2693, mode: `MaxEncodedLen`)
    // Storage: `Assignments::Draws` (r:1 w:0)
    // Proof: `Assignments::Draws` (`max_values`: None, `max_size`: Some(70), added: 2545, mode: `MaxEncodedLen`)
    // Storage: `Assignments::Places` (r:1 w:1)
    // Proof: `Assignments::Places` (`max_values`: None, `max_size`: Some(120), added: 2595, mode: `MaxEncodedLen`)
    // Storage: `Assignments::Seeds` (r:1 w:0)
    // Proof: `Assignments::Seeds` (`max_values`: None, `max_size`: Some(49), added: 2524, mode: `MaxEncodedLen`)
    // Storage: `Participants::Members` (r:1 w:0)
    // Proof: `Participants::Members` (`max_values`: None, `max_size`: Some(290), added: 2765, mode: `MaxEncodedLen`)
    // Storage: `Results::Counts` (r:1 w:1)
    // Proof: `Results::Counts` (`max_values`: None, `max_size`: Some(36), added: 2511, mode: `MaxEncodedLen`)
    // Storage: `Tasks::Tasks` (r:1 w:0)
    // Proof: `Tasks::Tasks` (`max_values`: None, `max_size`: Some(745), added: 3220, mode: `MaxEncodedLen`)
    /// Took 92_950 ns at least.
    fn commit() -> Weight {
        Weight::from_parts(153_370_000, 4210)
            .saturating_add(T::DbWeight::get().reads(8))
            .saturating_add(T::DbWeight::get().writes(4))
    }
    // Storage: `Tasks::Rounds` (r:1 w:1)
    // Proof: `Tasks::Rounds` (`max_values`: None, `max_size`: Some(151), added: 2626, mode: `MaxEncodedLen`)
    // Storage: `Results::Commitments` (r:1 w:1)
    // Proof: `Results::Commitments` (`max_values`: None, `max_size`: Some(218), added: 2693, mode: `MaxEncodedLen`)
    // Storage: `Assignments::Draws` (r:1 w:1)
    // Proof: `Assignments::Draws` (`max_values`: None, `max_size`: Some(70), added: 2545, mode: `MaxEncodedLen`)
    // Storage: `Assignments::Places` (r:1 w:1)
    // Proof: `Assignments::Places` (`max_values`: None, `max_size`: Some(120), added: 2595, mode: `MaxEncodedLen`)
    // Storage: `Assignments::Seeds` (r:1 w:1)
    // Proof: `Assignments::Seeds` (`max_values`: None, `max_size`: Some(49), added: 2524, mode: `MaxEncodedLen`)
    // Storage: `Participants::Members` (r:1 w:0)
    // Proof: `Participants::Members` (`max_values`: None, `max_size`: Some(290), added: 2765, mode: `MaxEncodedLen`)
    // Storage: `Results::Counts` (r:1 w:1)
    // Proof: `Results::Counts` (`max_values`: None, `max_size`: Some(36), added: 2511, mode: `MaxEncodedLen`)
    // Storage: `Tasks::Tasks` (r:1 w:1)
    // Proof: `Tasks::Tasks` (`max_values`: None, `max_size`: Some(745), added: 3220, mode: `MaxEncodedLen`)
    /// Took 162_203 ns at least.
    fn commit_last() -> Weight {
        Weight::from_parts(243_856_000, 4210)
            .saturating_add(T::DbWeight::get().reads(8))
            .saturating_add(T::DbWeight::get().writes(7))
    }
    // Storage: `Tasks::Rounds` (r:1 w:0)
    // Proof: `Tasks::Rounds` (`max_values`: None, `max_size`: Some(151), added: 2626, mode: `MaxEncodedLen`)
    // Storage: `Results::Commitments` (r:1 w:1)
    // Proof: `Results::Commitments` (`max_values`: None, `max_size`: Some(218), added: 2693, mode: `MaxEncodedLen`)
    // Storage: `System::BlockHash` (r:1 w:0)
    // Proof: `System::BlockHash` (`max_values`: None, `max_size`: Some(44), added: 2519, mode: `MaxEncodedLen`)
    // Storage: `Results::Counts` (r:1 w:1)
    // Proof: `Results::Counts` (`max_values`: None, `max_size`: Some(36), added: 2511, mode: `MaxEncodedLen`)
    // Storage: `Tasks::Tasks` (r:1 w:0)
    // Proof: `Tasks::Tasks` (`max_values`: None, `max_size`: Some(745), added: 3220, mode: `MaxEncodedLen`)
    // Storage: `Results::Reveals` (r:0 w:1)
    // Proof: `Results::Reveals` (`max_values`: None, `max_size`: Some(68), added: 2543, mode: `MaxEncodedLen`)
    /// Took 62_654 ns at least.
    fn reveal() -> Weight {
        Weight::from_parts(117_046_000, 4210)
            .saturating_add(T::DbWeight::get().reads(5))
            .saturating_add(T::DbWeight::get().writes(3))
    }
    // Storage: `Tasks::Rounds` (r:1 w:1)
    // Proof: `Tasks::Rounds` (`max_values`: None, `max_size`: Some(151), added: 2626, mode: `MaxEncodedLen`)
    // Storage: `Results::Commitments` (r:1 w:1)
    // Proof: `Results::Commitments` (`max_values`: None, `max_size`: Some(218), added: 2693, mode: `MaxEncodedLen`)
    // Storage: `System::BlockHash` (r:1 w:0)
    // Proof: `System::BlockHash` (`max_values`: None, `max_size`: Some(44), added: 2519, mode: `MaxEncodedLen`)
    // Storage: `Results::Counts` (r:1 w:1)
    // Proof: `Results::Counts` (`max_values`: None, `max_size`: Some(36), added: 2511, mode: `MaxEncodedLen`)
    // Storage: `Tasks::Tasks` (r:1 w:1)
    // Proof: `Tasks::Tasks` (`max_values`: None, `max_size`: Some(745), added: 3220, mode: `MaxEncodedLen`)
    // Storage: `Assignments::Draws` (r:1 w:1)
    // Proof: `Assignments::Draws` (`max_values`: None, `max_size`: Some(70), added: 2545, mode: `MaxEncodedLen`)
    // Storage: `Assignments::NextDraw` (r:1 w:1)
    // Proof: `Assignments::NextDraw` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
    // Storage: `Assignments::Populations` (r:1 w:1)
    // Proof: `Assignments::Populations` (`max_values`: None, `max_size`: Some(50), added: 2525, mode: `MaxEncodedLen`)
    // Storage: `Assignments::Seeds` (r:1 w:1)
    // Proof: `Assignments::Seeds` (`max_values`: None, `max_size`: Some(49), added: 2524, mode: `MaxEncodedLen`)
    // Storage: `Validation::Histories` (r:1 w:1)
    // Proof: `Validation::Histories` (`max_values`: None, `max_size`: Some(44), added: 2519, mode: `MaxEncodedLen`)
    // Storage: `Validation::Committees` (r:1 w:2)
    // Proof: `Validation::Committees` (`max_values`: None, `max_size`: Some(3558), added: 6033, mode: `MaxEncodedLen`)
    // Storage: `Results::Reveals` (r:0 w:1)
    // Proof: `Results::Reveals` (`max_values`: None, `max_size`: Some(68), added: 2543, mode: `MaxEncodedLen`)
    // Storage: `Validation::Shares` (r:0 w:1)
    // Proof: `Validation::Shares` (`max_values`: None, `max_size`: Some(44), added: 2519, mode: `MaxEncodedLen`)
    /// Took 123_366 ns at least.
    fn reveal_last() -> Weight {
        Weight::from_parts(174_612_000, 7023)
            .saturating_add(T::DbWeight::get().reads(11))
            .saturating_add(T::DbWeight::get().writes(13))
    }
    // Storage: `Tasks::Rounds` (r:1 w:0)
    // Proof: `Tasks::Rounds` (`max_values`: None, `max_size`: Some(151), added: 2626, mode: `MaxEncodedLen`)
    // Storage: `Results::Commitments` (r:1 w:1)
    // Proof: `Results::Commitments` (`max_values`: None, `max_size`: Some(218), added: 2693, mode: `MaxEncodedLen`)
    // Storage: `Assignments::Draws` (r:1 w:0)
    // Proof: `Assignments::Draws` (`max_values`: None, `max_size`: Some(70), added: 2545, mode: `MaxEncodedLen`)
    // Storage: `Assignments::Seeds` (r:1 w:0)
    // Proof: `Assignments::Seeds` (`max_values`: None, `max_size`: Some(49), added: 2524, mode: `MaxEncodedLen`)
    /// Took 51_758 ns at least.
    fn hand_over() -> Weight {
        Weight::from_parts(86_560_000, 3683)
            .saturating_add(T::DbWeight::get().reads(4))
            .saturating_add(T::DbWeight::get().writes(1))
    }
}
