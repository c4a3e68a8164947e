//! What the benchmarks of `pallet_golds` have measured. Made by `scripts/weights.sh`: changes by hand will be lost.
//!
//! 2026-11-23, AMD EPYC, 50 steps, 20 repeats.

#![allow(unused_imports, reason = "where no benchmark touches a row")]

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Measured weights, counted with the costs of the runtime's database.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> ::pallet_golds::WeightInfo for WeightInfo<T> {
    // Storage: `Tasks::Tasks` (r:1 w:0)
    // Proof: `Tasks::Tasks` (`max_values`: None, `max_size`: Some(745), added: 3220, mode: `MaxEncodedLen`)
    // Storage: `Tasks::Rounds` (r:1 w:1)
    // Proof: `Tasks::Rounds` (`max_values`: None, `max_size`: Some(151), added: 2626, mode: `MaxEncodedLen`)
    // Storage: `Golds::Golds` (r:1 w:1)
    // Proof: `Golds::Golds` (`max_values`: None, `max_size`: Some(250), added: 2725, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:1 w:1)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(301), added: 2776, mode: `MaxEncodedLen`)
    /// Took 89_775 ns at least.
    fn announce() -> Weight {
        Weight::from_parts(109_434_000, 4210)
            .saturating_add(T::DbWeight::get().reads(5))
            .saturating_add(T::DbWeight::get().writes(4))
    }
    // Storage: `Golds::Golds` (r:1 w:1)
    // Proof: `Golds::Golds` (`max_values`: None, `max_size`: Some(250), added: 2725, mode: `MaxEncodedLen`)
    // Storage: `Tasks::Rounds` (r:1 w:1)
    // Proof: `Tasks::Rounds` (`max_values`: None, `max_size`: Some(151), added: 2626, mode: `MaxEncodedLen`)
    // Storage: `System::BlockHash` (r:1 w:0)
    // Proof: `System::BlockHash` (`max_values`: None, `max_size`: Some(44), added: 2519, mode: `MaxEncodedLen`)
    // Storage: `Results::Commitments` (r:1 w:0)
    // Proof: `Results::Commitments` (`max_values`: None, `max_size`: Some(218), added: 2693, mode: `MaxEncodedLen`)
    // Storage: `Validation::Committees` (r:1 w:1)
    // Proof: `Validation::Committees` (`max_values`: None, `max_size`: Some(3558), added: 6033, mode: `MaxEncodedLen`)
    // Storage: `Validation::Verdicts` (r:1 w:1)
    // Proof: `Validation::Verdicts` (`max_values`: None, `max_size`: Some(91), added: 2566, mode: `MaxEncodedLen`)
    // Storage: `Validation::Sheets` (r:31 w:0)
    // Proof: `Validation::Sheets` (`max_values`: None, `max_size`: Some(382), added: 2857, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:2 w:2)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(301), added: 2776, mode: `MaxEncodedLen`)
    // Storage: `Tasks::Tasks` (r:1 w:1)
    // Proof: `Tasks::Tasks` (`max_values`: None, `max_size`: Some(745), added: 3220, mode: `MaxEncodedLen`)
    // Storage: `Assets::Account` (r:2 w:2)
    // Proof: `Assets::Account` (`max_values`: None, `max_size`: Some(134), added: 2609, mode: `MaxEncodedLen`)
    // Storage: `Assets::Asset` (r:1 w:1)
    // Proof: `Assets::Asset` (`max_values`: None, `max_size`: Some(210), added: 2685, mode: `MaxEncodedLen`)
    /// Took 517_297 ns at least.
    fn reveal() -> Weight {
        Weight::from_parts(570_897_000, 89557)
            .saturating_add(T::DbWeight::get().reads(44))
            .saturating_add(T::DbWeight::get().writes(11))
    }
    // Storage: `Golds::Golds` (r:1 w:1)
    // Proof: `Golds::Golds` (`max_values`: None, `max_size`: Some(250), added: 2725, mode: `MaxEncodedLen`)
    // Storage: `Tasks::Rounds` (r:1 w:1)
    // Proof: `Tasks::Rounds` (`max_values`: None, `max_size`: Some(151), added: 2626, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(301), added: 2776, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:3 w:3)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Tasks::Tasks` (r:1 w:1)
    // Proof: `Tasks::Tasks` (`max_values`: None, `max_size`: Some(745), added: 3220, mode: `MaxEncodedLen`)
    // Storage: `Assets::Account` (r:2 w:2)
    // Proof: `Assets::Account` (`max_values`: None, `max_size`: Some(134), added: 2609, mode: `MaxEncodedLen`)
    // Storage: `Assets::Asset` (r:1 w:1)
    // Proof: `Assets::Asset` (`max_values`: None, `max_size`: Some(210), added: 2685, mode: `MaxEncodedLen`)
    /// Took 206_570 ns at least.
    fn conclude() -> Weight {
        Weight::from_parts(239_540_000, 8799)
            .saturating_add(T::DbWeight::get().reads(10))
            .saturating_add(T::DbWeight::get().writes(10))
    }
}
