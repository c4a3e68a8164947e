//! What the benchmarks of `pallet_tasks` have measured. Made by `scripts/weights.sh`: changes by hand will be lost.
//!
//! 2026-11-22, AMD EPYC, 50 steps, 20 repeats.

#![allow(unused_imports, reason = "where no benchmark touches a row")]

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Measured weights, counted with the costs of the runtime's database.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> ::pallet_tasks::WeightInfo for WeightInfo<T> {
    // Storage: `Tasks::NextTask` (r:1 w:1)
    // Proof: `Tasks::NextTask` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:1 w:1)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(229), added: 2704, mode: `MaxEncodedLen`)
    // Storage: `Tasks::Tasks` (r:0 w:1)
    // Proof: `Tasks::Tasks` (`max_values`: None, `max_size`: Some(566), added: 3041, mode: `MaxEncodedLen`)
    /// Took 117_479 ns at least.
    fn create() -> Weight {
        Weight::from_parts(120_856_000, 3694)
            .saturating_add(T::DbWeight::get().reads(3))
            .saturating_add(T::DbWeight::get().writes(4))
    }
    // Storage: `Tasks::Tasks` (r:1 w:1)
    // Proof: `Tasks::Tasks` (`max_values`: None, `max_size`: Some(566), added: 3041, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:1 w:1)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    /// Took 72_064 ns at least.
    fn fund() -> Weight {
        Weight::from_parts(74_399_000, 4031)
            .saturating_add(T::DbWeight::get().reads(2))
            .saturating_add(T::DbWeight::get().writes(2))
    }
    // Storage: `Tasks::Tasks` (r:1 w:1)
    // Proof: `Tasks::Tasks` (`max_values`: None, `max_size`: Some(566), added: 3041, mode: `MaxEncodedLen`)
    /// Took 43_181 ns at least.
    fn pause() -> Weight {
        Weight::from_parts(58_870_000, 4031)
            .saturating_add(T::DbWeight::get().reads(1))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    // Storage: `Tasks::Tasks` (r:1 w:1)
    // Proof: `Tasks::Tasks` (`max_values`: None, `max_size`: Some(566), added: 3041, mode: `MaxEncodedLen`)
    // Storage: `Assignments::Populations` (r:2 w:1)
    // Proof: `Assignments::Populations` (`max_values`: None, `max_size`: Some(34), added: 2509, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:2 w:2)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Assignments::Draws` (r:1 w:1)
    // Proof: `Assignments::Draws` (`max_values`: None, `max_size`: Some(54), added: 2529, mode: `MaxEncodedLen`)
    // Storage: `Assignments::NextDraw` (r:1 w:1)
    // Proof: `Assignments::NextDraw` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
    // Storage: `Assignments::Seeds` (r:1 w:1)
    // Proof: `Assignments::Seeds` (`max_values`: None, `max_size`: Some(49), added: 2524, mode: `MaxEncodedLen`)
    // Storage: `Tasks::Rounds` (r:0 w:1)
    // Proof: `Tasks::Rounds` (`max_values`: None, `max_size`: Some(117), added: 2592, mode: `MaxEncodedLen`)
    /// Took 182_541 ns at least.
    fn resume() -> Weight {
        Weight::from_parts(201_297_000, 6196)
            .saturating_add(T::DbWeight::get().reads(8))
            .saturating_add(T::DbWeight::get().writes(8))
    }
    // Storage: `Tasks::Tasks` (r:1 w:1)
    // Proof: `Tasks::Tasks` (`max_values`: None, `max_size`: Some(566), added: 3041, mode: `MaxEncodedLen`)
    // Storage: `Tasks::Rounds` (r:1 w:1)
    // Proof: `Tasks::Rounds` (`max_values`: None, `max_size`: Some(117), added: 2592, mode: `MaxEncodedLen`)
    // Storage: `Assignments::Draws` (r:1 w:1)
    // Proof: `Assignments::Draws` (`max_values`: None, `max_size`: Some(54), added: 2529, mode: `MaxEncodedLen`)
    // Storage: `Assignments::Seeds` (r:1 w:1)
    // Proof: `Assignments::Seeds` (`max_values`: None, `max_size`: Some(49), added: 2524, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:1 w:1)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    /// Took 140_543 ns at least.
    fn cancel() -> Weight {
        Weight::from_parts(162_343_000, 4031)
            .saturating_add(T::DbWeight::get().reads(5))
            .saturating_add(T::DbWeight::get().writes(5))
    }
    // Storage: `Tasks::Tasks` (r:1 w:1)
    // Proof: `Tasks::Tasks` (`max_values`: None, `max_size`: Some(566), added: 3041, mode: `MaxEncodedLen`)
    // Storage: `Tasks::Rounds` (r:1 w:2)
    // Proof: `Tasks::Rounds` (`max_values`: None, `max_size`: Some(117), added: 2592, mode: `MaxEncodedLen`)
    // Storage: `Validation::Committees` (r:1 w:1)
    // Proof: `Validation::Committees` (`max_values`: None, `max_size`: Some(2223), added: 4698, mode: `MaxEncodedLen`)
    // Storage: `Validation::Sheets` (r:31 w:0)
    // Proof: `Validation::Sheets` (`max_values`: None, `max_size`: Some(382), added: 2857, mode: `MaxEncodedLen`)
    // Storage: `Results::Reveals` (r:32 w:0)
    // Proof: `Results::Reveals` (`max_values`: None, `max_size`: Some(68), added: 2543, mode: `MaxEncodedLen`)
    // Storage: `Validation::Histories` (r:1 w:1)
    // Proof: `Validation::Histories` (`max_values`: None, `max_size`: Some(44), added: 2519, mode: `MaxEncodedLen`)
    // Storage: `Validation::Running` (r:32 w:32)
    // Proof: `Validation::Running` (`max_values`: None, `max_size`: Some(80), added: 2555, mode: `MaxEncodedLen`)
    // Storage: `Validation::Shares` (r:1 w:1)
    // Proof: `Validation::Shares` (`max_values`: None, `max_size`: Some(44), added: 2519, mode: `MaxEncodedLen`)
    // Storage: `Assignments::Populations` (r:2 w:1)
    // Proof: `Assignments::Populations` (`max_values`: None, `max_size`: Some(34), added: 2509, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:2 w:2)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Assignments::Draws` (r:1 w:1)
    // Proof: `Assignments::Draws` (`max_values`: None, `max_size`: Some(54), added: 2529, mode: `MaxEncodedLen`)
    // Storage: `Assignments::NextDraw` (r:1 w:1)
    // Proof: `Assignments::NextDraw` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
    // Storage: `Assignments::Seeds` (r:1 w:1)
    // Proof: `Assignments::Seeds` (`max_values`: None, `max_size`: Some(49), added: 2524, mode: `MaxEncodedLen`)
    // Storage: `Validation::Verdicts` (r:0 w:32)
    // Proof: `Validation::Verdicts` (`max_values`: None, `max_size`: Some(90), added: 2565, mode: `MaxEncodedLen`)
    /// Took 1_760_821 ns at least.
    fn advance_tally() -> Weight {
        Weight::from_parts(1_908_706_000, 89557)
            .saturating_add(T::DbWeight::get().reads(107))
            .saturating_add(T::DbWeight::get().writes(76))
    }
    // Storage: `Tasks::Tasks` (r:1 w:1)
    // Proof: `Tasks::Tasks` (`max_values`: None, `max_size`: Some(566), added: 3041, mode: `MaxEncodedLen`)
    // Storage: `Tasks::Rounds` (r:1 w:0)
    // Proof: `Tasks::Rounds` (`max_values`: None, `max_size`: Some(117), added: 2592, mode: `MaxEncodedLen`)
    // Storage: `Validation::Committees` (r:1 w:1)
    // Proof: `Validation::Committees` (`max_values`: None, `max_size`: Some(2223), added: 4698, mode: `MaxEncodedLen`)
    // Storage: `Validation::Sheets` (r:31 w:0)
    // Proof: `Validation::Sheets` (`max_values`: None, `max_size`: Some(382), added: 2857, mode: `MaxEncodedLen`)
    // Storage: `Results::Reveals` (r:64 w:0)
    // Proof: `Results::Reveals` (`max_values`: None, `max_size`: Some(68), added: 2543, mode: `MaxEncodedLen`)
    // Storage: `Validation::Histories` (r:1 w:1)
    // Proof: `Validation::Histories` (`max_values`: None, `max_size`: Some(44), added: 2519, mode: `MaxEncodedLen`)
    // Storage: `Validation::Verdicts` (r:32 w:64)
    // Proof: `Validation::Verdicts` (`max_values`: None, `max_size`: Some(90), added: 2565, mode: `MaxEncodedLen`)
    // Storage: `Validation::Running` (r:32 w:32)
    // Proof: `Validation::Running` (`max_values`: None, `max_size`: Some(80), added: 2555, mode: `MaxEncodedLen`)
    /// Took 1_859_145 ns at least.
    fn advance_tally_between() -> Weight {
        Weight::from_parts(1_981_453_000, 163742)
            .saturating_add(T::DbWeight::get().reads(163))
            .saturating_add(T::DbWeight::get().writes(99))
    }
    // Storage: `Tasks::Tasks` (r:1 w:1)
    // Proof: `Tasks::Tasks` (`max_values`: None, `max_size`: Some(566), added: 3041, mode: `MaxEncodedLen`)
    // Storage: `Tasks::Rounds` (r:1 w:2)
    // Proof: `Tasks::Rounds` (`max_values`: None, `max_size`: Some(117), added: 2592, mode: `MaxEncodedLen`)
    // Storage: `Validation::Committees` (r:1 w:0)
    // Proof: `Validation::Committees` (`max_values`: None, `max_size`: Some(2223), added: 4698, mode: `MaxEncodedLen`)
    // Storage: `Models::LastVersion` (r:1 w:1)
    // Proof: `Models::LastVersion` (`max_values`: None, `max_size`: Some(16), added: 2491, mode: `MaxEncodedLen`)
    // Storage: `Assignments::Populations` (r:2 w:1)
    // Proof: `Assignments::Populations` (`max_values`: None, `max_size`: Some(34), added: 2509, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:2 w:2)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Assignments::Draws` (r:1 w:1)
    // Proof: `Assignments::Draws` (`max_values`: None, `max_size`: Some(54), added: 2529, mode: `MaxEncodedLen`)
    // Storage: `Assignments::NextDraw` (r:1 w:1)
    // Proof: `Assignments::NextDraw` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
    // Storage: `Assignments::Seeds` (r:1 w:1)
    // Proof: `Assignments::Seeds` (`max_values`: None, `max_size`: Some(49), added: 2524, mode: `MaxEncodedLen`)
    // Storage: `Models::Versions` (r:0 w:1)
    // Proof: `Models::Versions` (`max_values`: None, `max_size`: Some(215), added: 2690, mode: `MaxEncodedLen`)
    /// Took 245_178 ns at least.
    fn advance_settle() -> Weight {
        Weight::from_parts(278_240_000, 6196)
            .saturating_add(T::DbWeight::get().reads(11))
            .saturating_add(T::DbWeight::get().writes(11))
    }
    // Storage: `Tasks::Tasks` (r:1 w:1)
    // Proof: `Tasks::Tasks` (`max_values`: None, `max_size`: Some(566), added: 3041, mode: `MaxEncodedLen`)
    // Storage: `Tasks::Rounds` (r:257 w:256)
    // Proof: `Tasks::Rounds` (`max_values`: None, `max_size`: Some(117), added: 2592, mode: `MaxEncodedLen`)
    // Storage: `Validation::Histories` (r:1 w:1)
    // Proof: `Validation::Histories` (`max_values`: None, `max_size`: Some(44), added: 2519, mode: `MaxEncodedLen`)
    // Storage: `Validation::Committees` (r:1 w:1)
    // Proof: `Validation::Committees` (`max_values`: None, `max_size`: Some(2223), added: 4698, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:1 w:1)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(229), added: 2704, mode: `MaxEncodedLen`)
    /// `n` is 1 to 256.
    /// Took 163_927 ns at least.
    fn reap(n: u32) -> Weight {
        Weight::from_parts(160_672_214, 5688)
            // Standard error: 11_686.
            .saturating_add(Weight::from_parts(7_390_078, 0).saturating_mul(n.into()))
            .saturating_add(T::DbWeight::get().reads(6))
            .saturating_add(T::DbWeight::get().reads(1_u64.saturating_mul(n.into())))
            .saturating_add(T::DbWeight::get().writes(5))
            .saturating_add(T::DbWeight::get().writes(1_u64.saturating_mul(n.into())))
            .saturating_add(Weight::from_parts(0, 2592).saturating_mul(n.into()))
    }
}
