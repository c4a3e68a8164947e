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
    // Storage: `Assets::Asset` (r:1 w:1)
    // Proof: `Assets::Asset` (`max_values`: None, `max_size`: Some(210), added: 2685, mode: `MaxEncodedLen`)
    // Storage: `Assets::Account` (r:2 w:2)
    // Proof: `Assets::Account` (`max_values`: None, `max_size`: Some(134), added: 2609, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(265), added: 2740, mode: `MaxEncodedLen`)
    // Storage: `Tasks::Tasks` (r:0 w:1)
    // Proof: `Tasks::Tasks` (`max_values`: None, `max_size`: Some(712), added: 3187, mode: `MaxEncodedLen`)
    /// Took 141_703 ns at least.
    fn create() -> Weight {
        Weight::from_parts(150_847_000, 6208)
            .saturating_add(T::DbWeight::get().reads(6))
            .saturating_add(T::DbWeight::get().writes(7))
    }
    // Storage: `Tasks::Tasks` (r:1 w:1)
    // Proof: `Tasks::Tasks` (`max_values`: None, `max_size`: Some(712), added: 3187, mode: `MaxEncodedLen`)
    // Storage: `Assets::Account` (r:2 w:2)
    // Proof: `Assets::Account` (`max_values`: None, `max_size`: Some(134), added: 2609, mode: `MaxEncodedLen`)
    // Storage: `Assets::Asset` (r:1 w:1)
    // Proof: `Assets::Asset` (`max_values`: None, `max_size`: Some(210), added: 2685, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:1 w:1)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    /// Took 101_242 ns at least.
    fn fund() -> Weight {
        Weight::from_parts(106_651_000, 6208)
            .saturating_add(T::DbWeight::get().reads(5))
            .saturating_add(T::DbWeight::get().writes(5))
    }
    // Storage: `Tasks::Tasks` (r:1 w:1)
    // Proof: `Tasks::Tasks` (`max_values`: None, `max_size`: Some(712), added: 3187, mode: `MaxEncodedLen`)
    /// Took 42_794 ns at least.
    fn pause() -> Weight {
        Weight::from_parts(52_559_000, 4177)
            .saturating_add(T::DbWeight::get().reads(1))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    // Storage: `Tasks::Tasks` (r:1 w:1)
    // Proof: `Tasks::Tasks` (`max_values`: None, `max_size`: Some(712), added: 3187, mode: `MaxEncodedLen`)
    // Storage: `Assignments::Populations` (r:2 w:1)
    // Proof: `Assignments::Populations` (`max_values`: None, `max_size`: Some(34), added: 2509, mode: `MaxEncodedLen`)
    // Storage: `Assets::Asset` (r:1 w:0)
    // Proof: `Assets::Asset` (`max_values`: None, `max_size`: Some(210), added: 2685, mode: `MaxEncodedLen`)
    // Storage: `Assets::Account` (r:1 w:0)
    // Proof: `Assets::Account` (`max_values`: None, `max_size`: Some(134), added: 2609, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:2 w:2)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Assignments::Draws` (r:1 w:1)
    // Proof: `Assignments::Draws` (`max_values`: None, `max_size`: Some(54), added: 2529, mode: `MaxEncodedLen`)
    // Storage: `Assignments::NextDraw` (r:1 w:1)
    // Proof: `Assignments::NextDraw` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
    // Storage: `Assignments::Seeds` (r:1 w:1)
    // Proof: `Assignments::Seeds` (`max_values`: None, `max_size`: Some(49), added: 2524, mode: `MaxEncodedLen`)
    // Storage: `Tasks::Rounds` (r:0 w:1)
    // Proof: `Tasks::Rounds` (`max_values`: None, `max_size`: Some(151), added: 2626, mode: `MaxEncodedLen`)
    /// Took 177_536 ns at least.
    fn resume() -> Weight {
        Weight::from_parts(194_542_000, 6196)
            .saturating_add(T::DbWeight::get().reads(10))
            .saturating_add(T::DbWeight::get().writes(8))
    }
    // Storage: `Tasks::Tasks` (r:1 w:1)
    // Proof: `Tasks::Tasks` (`max_values`: None, `max_size`: Some(712), added: 3187, mode: `MaxEncodedLen`)
    // Storage: `Tasks::Rounds` (r:1 w:1)
    // Proof: `Tasks::Rounds` (`max_values`: None, `max_size`: Some(151), added: 2626, mode: `MaxEncodedLen`)
    // Storage: `Assignments::Draws` (r:1 w:1)
    // Proof: `Assignments::Draws` (`max_values`: None, `max_size`: Some(54), added: 2529, mode: `MaxEncodedLen`)
    // Storage: `Assignments::Seeds` (r:1 w:1)
    // Proof: `Assignments::Seeds` (`max_values`: None, `max_size`: Some(49), added: 2524, mode: `MaxEncodedLen`)
    // Storage: `Assets::Account` (r:2 w:2)
    // Proof: `Assets::Account` (`max_values`: None, `max_size`: Some(134), added: 2609, mode: `MaxEncodedLen`)
    // Storage: `Assets::Asset` (r:1 w:1)
    // Proof: `Assets::Asset` (`max_values`: None, `max_size`: Some(210), added: 2685, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:1 w:1)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    /// Took 178_688 ns at least.
    fn cancel() -> Weight {
        Weight::from_parts(207_151_000, 6208)
            .saturating_add(T::DbWeight::get().reads(8))
            .saturating_add(T::DbWeight::get().writes(8))
    }
    // Storage: `Tasks::Tasks` (r:1 w:1)
    // Proof: `Tasks::Tasks` (`max_values`: None, `max_size`: Some(712), added: 3187, mode: `MaxEncodedLen`)
    // Storage: `Tasks::Rounds` (r:1 w:2)
    // Proof: `Tasks::Rounds` (`max_values`: None, `max_size`: Some(151), added: 2626, mode: `MaxEncodedLen`)
    // Storage: `Validation::Committees` (r:1 w:1)
    // Proof: `Validation::Committees` (`max_values`: None, `max_size`: Some(3277), added: 5752, mode: `MaxEncodedLen`)
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
    // Storage: `Assets::Asset` (r:1 w:0)
    // Proof: `Assets::Asset` (`max_values`: None, `max_size`: Some(210), added: 2685, mode: `MaxEncodedLen`)
    // Storage: `Assets::Account` (r:1 w:0)
    // Proof: `Assets::Account` (`max_values`: None, `max_size`: Some(134), added: 2609, mode: `MaxEncodedLen`)
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
    /// Took 1_330_648 ns at least.
    fn advance_tally() -> Weight {
        Weight::from_parts(1_422_406_000, 89557)
            .saturating_add(T::DbWeight::get().reads(109))
            .saturating_add(T::DbWeight::get().writes(76))
    }
    // Storage: `Tasks::Tasks` (r:1 w:1)
    // Proof: `Tasks::Tasks` (`max_values`: None, `max_size`: Some(712), added: 3187, mode: `MaxEncodedLen`)
    // Storage: `Tasks::Rounds` (r:1 w:0)
    // Proof: `Tasks::Rounds` (`max_values`: None, `max_size`: Some(151), added: 2626, mode: `MaxEncodedLen`)
    // Storage: `Validation::Committees` (r:1 w:1)
    // Proof: `Validation::Committees` (`max_values`: None, `max_size`: Some(3277), added: 5752, mode: `MaxEncodedLen`)
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
    /// Took 1_394_384 ns at least.
    fn advance_tally_between() -> Weight {
        Weight::from_parts(1_472_891_000, 163742)
            .saturating_add(T::DbWeight::get().reads(163))
            .saturating_add(T::DbWeight::get().writes(99))
    }
    // Storage: `Tasks::Tasks` (r:1 w:1)
    // Proof: `Tasks::Tasks` (`max_values`: None, `max_size`: Some(712), added: 3187, mode: `MaxEncodedLen`)
    // Storage: `Tasks::Rounds` (r:1 w:2)
    // Proof: `Tasks::Rounds` (`max_values`: None, `max_size`: Some(151), added: 2626, mode: `MaxEncodedLen`)
    // Storage: `Validation::Committees` (r:1 w:0)
    // Proof: `Validation::Committees` (`max_values`: None, `max_size`: Some(3277), added: 5752, mode: `MaxEncodedLen`)
    // Storage: `Models::LastVersion` (r:1 w:1)
    // Proof: `Models::LastVersion` (`max_values`: None, `max_size`: Some(16), added: 2491, mode: `MaxEncodedLen`)
    // Storage: `Assignments::Populations` (r:2 w:1)
    // Proof: `Assignments::Populations` (`max_values`: None, `max_size`: Some(34), added: 2509, mode: `MaxEncodedLen`)
    // Storage: `Assets::Asset` (r:1 w:0)
    // Proof: `Assets::Asset` (`max_values`: None, `max_size`: Some(210), added: 2685, mode: `MaxEncodedLen`)
    // Storage: `Assets::Account` (r:1 w:0)
    // Proof: `Assets::Account` (`max_values`: None, `max_size`: Some(134), added: 2609, mode: `MaxEncodedLen`)
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
    /// Took 245_399 ns at least.
    fn advance_settle() -> Weight {
        Weight::from_parts(267_902_000, 6742)
            .saturating_add(T::DbWeight::get().reads(13))
            .saturating_add(T::DbWeight::get().writes(11))
    }
    // Storage: `Tasks::Tasks` (r:1 w:1)
    // Proof: `Tasks::Tasks` (`max_values`: None, `max_size`: Some(712), added: 3187, mode: `MaxEncodedLen`)
    // Storage: `Tasks::Rounds` (r:257 w:256)
    // Proof: `Tasks::Rounds` (`max_values`: None, `max_size`: Some(151), added: 2626, mode: `MaxEncodedLen`)
    // Storage: `Validation::Histories` (r:1 w:1)
    // Proof: `Validation::Histories` (`max_values`: None, `max_size`: Some(44), added: 2519, mode: `MaxEncodedLen`)
    // Storage: `Validation::Committees` (r:1 w:1)
    // Proof: `Validation::Committees` (`max_values`: None, `max_size`: Some(3277), added: 5752, mode: `MaxEncodedLen`)
    // Storage: `Assets::Account` (r:2 w:2)
    // Proof: `Assets::Account` (`max_values`: None, `max_size`: Some(134), added: 2609, mode: `MaxEncodedLen`)
    // Storage: `Assets::Asset` (r:1 w:1)
    // Proof: `Assets::Asset` (`max_values`: None, `max_size`: Some(210), added: 2685, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:1 w:1)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(265), added: 2740, mode: `MaxEncodedLen`)
    /// `n` is 1 to 256.
    /// Took 180_421 ns at least.
    fn reap(n: u32) -> Weight {
        Weight::from_parts(180_680_844, 6742)
            // Standard error: 5_638.
            .saturating_add(Weight::from_parts(5_486_748, 0).saturating_mul(n.into()))
            .saturating_add(T::DbWeight::get().reads(9))
            .saturating_add(T::DbWeight::get().reads(1_u64.saturating_mul(n.into())))
            .saturating_add(T::DbWeight::get().writes(8))
            .saturating_add(T::DbWeight::get().writes(1_u64.saturating_mul(n.into())))
            .saturating_add(Weight::from_parts(0, 2626).saturating_mul(n.into()))
    }
    // Storage: `Tasks::Tasks` (r:1 w:1)
    // Proof: `Tasks::Tasks` (`max_values`: None, `max_size`: Some(712), added: 3187, mode: `MaxEncodedLen`)
    // Storage: `Tasks::Owed` (r:1 w:1)
    // Proof: `Tasks::Owed` (`max_values`: None, `max_size`: Some(80), added: 2555, mode: `MaxEncodedLen`)
    // Storage: `Assets::Account` (r:2 w:2)
    // Proof: `Assets::Account` (`max_values`: None, `max_size`: Some(134), added: 2609, mode: `MaxEncodedLen`)
    // Storage: `Assets::Asset` (r:1 w:1)
    // Proof: `Assets::Asset` (`max_values`: None, `max_size`: Some(210), added: 2685, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:1 w:1)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    /// Took 68_162 ns at least.
    fn collect() -> Weight {
        Weight::from_parts(72_538_000, 6208)
            .saturating_add(T::DbWeight::get().reads(6))
            .saturating_add(T::DbWeight::get().writes(6))
    }
    // Storage: `Tasks::Tasks` (r:1 w:1)
    // Proof: `Tasks::Tasks` (`max_values`: None, `max_size`: Some(712), added: 3187, mode: `MaxEncodedLen`)
    // Storage: `Tasks::Owed` (r:1 w:1)
    // Proof: `Tasks::Owed` (`max_values`: None, `max_size`: Some(80), added: 2555, mode: `MaxEncodedLen`)
    // Storage: `Assets::Account` (r:2 w:2)
    // Proof: `Assets::Account` (`max_values`: None, `max_size`: Some(134), added: 2609, mode: `MaxEncodedLen`)
    // Storage: `Assets::Asset` (r:1 w:1)
    // Proof: `Assets::Asset` (`max_values`: None, `max_size`: Some(210), added: 2685, mode: `MaxEncodedLen`)
    /// Took 64_457 ns at least.
    fn write_off() -> Weight {
        Weight::from_parts(68_232_000, 6208)
            .saturating_add(T::DbWeight::get().reads(5))
            .saturating_add(T::DbWeight::get().writes(5))
    }
}
