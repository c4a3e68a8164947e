//! What the benchmarks of `pallet_challenges` have measured. Made by `scripts/weights.sh`: changes by hand will be lost.
//!
//! 2026-11-23, AMD EPYC, 50 steps, 20 repeats.

#![allow(unused_imports, reason = "where no benchmark touches a row")]

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Measured weights, counted with the costs of the runtime's database.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> ::pallet_challenges::WeightInfo for WeightInfo<T> {
    // Storage: `Tasks::Rounds` (r:1 w:0)
    // Proof: `Tasks::Rounds` (`max_values`: None, `max_size`: Some(151), added: 2626, mode: `MaxEncodedLen`)
    // Storage: `Results::Commitments` (r:1 w:0)
    // Proof: `Results::Commitments` (`max_values`: None, `max_size`: Some(218), added: 2693, mode: `MaxEncodedLen`)
    // Storage: `Challenges::Records` (r:1 w:1)
    // Proof: `Challenges::Records` (`max_values`: None, `max_size`: Some(147), added: 2622, mode: `MaxEncodedLen`)
    // Storage: `Parameters::Current` (r:1 w:0)
    // Proof: `Parameters::Current` (`max_values`: Some(1), `max_size`: Some(137), added: 632, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(301), added: 2776, mode: `MaxEncodedLen`)
    // Storage: `Settings::AnswerPeriod` (r:1 w:0)
    // Proof: `Settings::AnswerPeriod` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    /// Took 109_194 ns at least.
    fn challenge() -> Weight {
        Weight::from_parts(195_203_000, 3766)
            .saturating_add(T::DbWeight::get().reads(6))
            .saturating_add(T::DbWeight::get().writes(2))
    }
    // Storage: `Challenges::Records` (r:1 w:1)
    // Proof: `Challenges::Records` (`max_values`: None, `max_size`: Some(147), added: 2622, mode: `MaxEncodedLen`)
    // Storage: `Results::Commitments` (r:1 w:0)
    // Proof: `Results::Commitments` (`max_values`: None, `max_size`: Some(218), added: 2693, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(301), added: 2776, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:2 w:2)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    /// `b` is 0 to 1048576.
    /// Took 347_852 ns at least.
    fn answer(b: u32) -> Weight {
        Weight::from_parts(455_439_497, 6196)
            // Standard error: 19.
            .saturating_add(Weight::from_parts(1_070, 0).saturating_mul(b.into()))
            .saturating_add(T::DbWeight::get().reads(5))
            .saturating_add(T::DbWeight::get().writes(4))
    }
    // Storage: `Challenges::Records` (r:1 w:1)
    // Proof: `Challenges::Records` (`max_values`: None, `max_size`: Some(147), added: 2622, mode: `MaxEncodedLen`)
    // Storage: `Tasks::Rounds` (r:1 w:0)
    // Proof: `Tasks::Rounds` (`max_values`: None, `max_size`: Some(151), added: 2626, mode: `MaxEncodedLen`)
    // Storage: `Tasks::Tasks` (r:1 w:0)
    // Proof: `Tasks::Tasks` (`max_values`: None, `max_size`: Some(745), added: 3220, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(301), added: 2776, mode: `MaxEncodedLen`)
    // Storage: `Assignments::Places` (r:1 w:0)
    // Proof: `Assignments::Places` (`max_values`: None, `max_size`: Some(120), added: 2595, mode: `MaxEncodedLen`)
    // Storage: `Participants::Members` (r:1 w:1)
    // Proof: `Participants::Members` (`max_values`: None, `max_size`: Some(290), added: 2765, mode: `MaxEncodedLen`)
    // Storage: `Disputes::NextCase` (r:1 w:1)
    // Proof: `Disputes::NextCase` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
    // Storage: `Settings::AppealWindow` (r:1 w:0)
    // Proof: `Settings::AppealWindow` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `Parameters::Current` (r:1 w:0)
    // Proof: `Parameters::Current` (`max_values`: Some(1), `max_size`: Some(137), added: 632, mode: `MaxEncodedLen`)
    // Storage: `Disputes::Cases` (r:0 w:1)
    // Proof: `Disputes::Cases` (`max_values`: None, `max_size`: Some(197), added: 2672, mode: `MaxEncodedLen`)
    /// Took 163_836 ns at least.
    fn conclude() -> Weight {
        Weight::from_parts(279_850_000, 4210)
            .saturating_add(T::DbWeight::get().reads(9))
            .saturating_add(T::DbWeight::get().writes(5))
    }
}
