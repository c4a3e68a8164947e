//! What the benchmarks of `pallet_challenges` have measured. Made by `scripts/weights.sh`: changes by hand will be lost.
//!
//! 2026-11-22, AMD EPYC, 50 steps, 20 repeats.

#![allow(unused_imports, reason = "where no benchmark touches a row")]

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Measured weights, counted with the costs of the runtime's database.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> ::pallet_challenges::WeightInfo for WeightInfo<T> {
    // Storage: `Tasks::Rounds` (r:1 w:0)
    // Proof: `Tasks::Rounds` (`max_values`: None, `max_size`: Some(151), added: 2626, mode: `MaxEncodedLen`)
    // Storage: `Results::Commitments` (r:1 w:0)
    // Proof: `Results::Commitments` (`max_values`: None, `max_size`: Some(214), added: 2689, mode: `MaxEncodedLen`)
    // Storage: `Challenges::Records` (r:1 w:1)
    // Proof: `Challenges::Records` (`max_values`: None, `max_size`: Some(131), added: 2606, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(265), added: 2740, mode: `MaxEncodedLen`)
    // Storage: `Settings::AnswerPeriod` (r:1 w:0)
    // Proof: `Settings::AnswerPeriod` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    /// Took 85_568 ns at least.
    fn challenge() -> Weight {
        Weight::from_parts(93_109_000, 3730)
            .saturating_add(T::DbWeight::get().reads(5))
            .saturating_add(T::DbWeight::get().writes(2))
    }
    // Storage: `Challenges::Records` (r:1 w:1)
    // Proof: `Challenges::Records` (`max_values`: None, `max_size`: Some(131), added: 2606, mode: `MaxEncodedLen`)
    // Storage: `Results::Commitments` (r:1 w:0)
    // Proof: `Results::Commitments` (`max_values`: None, `max_size`: Some(214), added: 2689, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(265), added: 2740, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:2 w:2)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    /// `b` is 0 to 1048576.
    /// Took 274_793 ns at least.
    fn answer(b: u32) -> Weight {
        Weight::from_parts(288_128_287, 6196)
            // Standard error: 3.
            .saturating_add(Weight::from_parts(842, 0).saturating_mul(b.into()))
            .saturating_add(T::DbWeight::get().reads(5))
            .saturating_add(T::DbWeight::get().writes(4))
    }
    // Storage: `Challenges::Records` (r:1 w:1)
    // Proof: `Challenges::Records` (`max_values`: None, `max_size`: Some(131), added: 2606, mode: `MaxEncodedLen`)
    // Storage: `Tasks::Rounds` (r:1 w:0)
    // Proof: `Tasks::Rounds` (`max_values`: None, `max_size`: Some(151), added: 2626, mode: `MaxEncodedLen`)
    // Storage: `Tasks::Tasks` (r:1 w:0)
    // Proof: `Tasks::Tasks` (`max_values`: None, `max_size`: Some(712), added: 3187, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(265), added: 2740, mode: `MaxEncodedLen`)
    // Storage: `Participants::Members` (r:1 w:1)
    // Proof: `Participants::Members` (`max_values`: None, `max_size`: Some(270), added: 2745, mode: `MaxEncodedLen`)
    // Storage: `Disputes::NextCase` (r:1 w:1)
    // Proof: `Disputes::NextCase` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
    // Storage: `Settings::AppealWindow` (r:1 w:0)
    // Proof: `Settings::AppealWindow` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `Disputes::Cases` (r:0 w:1)
    // Proof: `Disputes::Cases` (`max_values`: None, `max_size`: Some(161), added: 2636, mode: `MaxEncodedLen`)
    /// Took 120_731 ns at least.
    fn conclude() -> Weight {
        Weight::from_parts(131_237_000, 4177)
            .saturating_add(T::DbWeight::get().reads(7))
            .saturating_add(T::DbWeight::get().writes(5))
    }
}
