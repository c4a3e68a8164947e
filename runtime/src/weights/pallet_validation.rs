//! What the benchmarks of `pallet_validation` have measured. Made by `scripts/weights.sh`: changes by hand will be lost.
//!
//! 2026-11-22, AMD EPYC, 50 steps, 20 repeats.

#![allow(unused_imports, reason = "where no benchmark touches a row")]

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Measured weights, counted with the costs of the runtime's database.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> ::pallet_validation::WeightInfo for WeightInfo<T> {
    // Storage: `Tasks::Tasks` (r:1 w:1)
    // Proof: `Tasks::Tasks` (`max_values`: None, `max_size`: Some(566), added: 3041, mode: `MaxEncodedLen`)
    // Storage: `Tasks::Rounds` (r:1 w:1)
    // Proof: `Tasks::Rounds` (`max_values`: None, `max_size`: Some(117), added: 2592, mode: `MaxEncodedLen`)
    // Storage: `Validation::Committees` (r:1 w:1)
    // Proof: `Validation::Committees` (`max_values`: None, `max_size`: Some(2223), added: 4698, mode: `MaxEncodedLen`)
    // Storage: `Validation::Seats` (r:1 w:1)
    // Proof: `Validation::Seats` (`max_values`: None, `max_size`: Some(148), added: 2623, mode: `MaxEncodedLen`)
    // Storage: `Assignments::Draws` (r:1 w:1)
    // Proof: `Assignments::Draws` (`max_values`: None, `max_size`: Some(54), added: 2529, mode: `MaxEncodedLen`)
    // Storage: `Assignments::Places` (r:1 w:1)
    // Proof: `Assignments::Places` (`max_values`: None, `max_size`: Some(119), added: 2594, mode: `MaxEncodedLen`)
    // Storage: `Assignments::Seeds` (r:1 w:1)
    // Proof: `Assignments::Seeds` (`max_values`: None, `max_size`: Some(49), added: 2524, mode: `MaxEncodedLen`)
    // Storage: `Participants::Members` (r:1 w:0)
    // Proof: `Participants::Members` (`max_values`: None, `max_size`: Some(254), added: 2729, mode: `MaxEncodedLen`)
    /// Took 378_778 ns at least.
    fn commit_scores() -> Weight {
        Weight::from_parts(401_050_000, 5688)
            .saturating_add(T::DbWeight::get().reads(8))
            .saturating_add(T::DbWeight::get().writes(7))
    }
    // Storage: `Tasks::Tasks` (r:1 w:1)
    // Proof: `Tasks::Tasks` (`max_values`: None, `max_size`: Some(566), added: 3041, mode: `MaxEncodedLen`)
    // Storage: `Tasks::Rounds` (r:1 w:1)
    // Proof: `Tasks::Rounds` (`max_values`: None, `max_size`: Some(117), added: 2592, mode: `MaxEncodedLen`)
    // Storage: `Validation::Committees` (r:1 w:1)
    // Proof: `Validation::Committees` (`max_values`: None, `max_size`: Some(2223), added: 4698, mode: `MaxEncodedLen`)
    // Storage: `Validation::Seats` (r:1 w:1)
    // Proof: `Validation::Seats` (`max_values`: None, `max_size`: Some(148), added: 2623, mode: `MaxEncodedLen`)
    // Storage: `System::BlockHash` (r:1 w:0)
    // Proof: `System::BlockHash` (`max_values`: None, `max_size`: Some(44), added: 2519, mode: `MaxEncodedLen`)
    // Storage: `Assignments::Places` (r:1 w:1)
    // Proof: `Assignments::Places` (`max_values`: None, `max_size`: Some(119), added: 2594, mode: `MaxEncodedLen`)
    // Storage: `Validation::Sheets` (r:0 w:8)
    // Proof: `Validation::Sheets` (`max_values`: None, `max_size`: Some(382), added: 2857, mode: `MaxEncodedLen`)
    /// `s` is 1 to 8.
    /// Took 170_419 ns at least.
    fn open_scores(s: u32) -> Weight {
        Weight::from_parts(183_164_213, 5688)
            // Standard error: 321_180.
            .saturating_add(Weight::from_parts(17_080_976, 0).saturating_mul(s.into()))
            .saturating_add(T::DbWeight::get().reads(6))
            .saturating_add(T::DbWeight::get().writes(5))
            .saturating_add(T::DbWeight::get().writes(1_u64.saturating_mul(s.into())))
    }
    // Storage: `Tasks::Rounds` (r:1 w:2)
    // Proof: `Tasks::Rounds` (`max_values`: None, `max_size`: Some(117), added: 2592, mode: `MaxEncodedLen`)
    // Storage: `Tasks::Tasks` (r:1 w:1)
    // Proof: `Tasks::Tasks` (`max_values`: None, `max_size`: Some(566), added: 3041, mode: `MaxEncodedLen`)
    // Storage: `Validation::Committees` (r:1 w:1)
    // Proof: `Validation::Committees` (`max_values`: None, `max_size`: Some(2223), added: 4698, mode: `MaxEncodedLen`)
    // Storage: `Validation::Seats` (r:1 w:1)
    // Proof: `Validation::Seats` (`max_values`: None, `max_size`: Some(148), added: 2623, mode: `MaxEncodedLen`)
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
    /// Took 254_555 ns at least.
    fn attest() -> Weight {
        Weight::from_parts(282_518_000, 6196)
            .saturating_add(T::DbWeight::get().reads(12))
            .saturating_add(T::DbWeight::get().writes(13))
    }
    // Storage: `Tasks::Tasks` (r:1 w:1)
    // Proof: `Tasks::Tasks` (`max_values`: None, `max_size`: Some(566), added: 3041, mode: `MaxEncodedLen`)
    // Storage: `Tasks::Rounds` (r:1 w:1)
    // Proof: `Tasks::Rounds` (`max_values`: None, `max_size`: Some(117), added: 2592, mode: `MaxEncodedLen`)
    // Storage: `Results::Commitments` (r:1 w:1)
    // Proof: `Results::Commitments` (`max_values`: None, `max_size`: Some(214), added: 2689, mode: `MaxEncodedLen`)
    // Storage: `Results::Counts` (r:1 w:1)
    // Proof: `Results::Counts` (`max_values`: None, `max_size`: Some(36), added: 2511, mode: `MaxEncodedLen`)
    // Storage: `Participants::Members` (r:1 w:1)
    // Proof: `Participants::Members` (`max_values`: None, `max_size`: Some(254), added: 2729, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(229), added: 2704, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:4 w:4)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Assignments::Places` (r:1 w:1)
    // Proof: `Assignments::Places` (`max_values`: None, `max_size`: Some(119), added: 2594, mode: `MaxEncodedLen`)
    /// Took 286_716 ns at least.
    fn claim_unrevealed() -> Weight {
        Weight::from_parts(302_134_000, 11402)
            .saturating_add(T::DbWeight::get().reads(11))
            .saturating_add(T::DbWeight::get().writes(11))
    }
    // Storage: `Tasks::Tasks` (r:1 w:1)
    // Proof: `Tasks::Tasks` (`max_values`: None, `max_size`: Some(566), added: 3041, mode: `MaxEncodedLen`)
    // Storage: `Tasks::Rounds` (r:1 w:1)
    // Proof: `Tasks::Rounds` (`max_values`: None, `max_size`: Some(117), added: 2592, mode: `MaxEncodedLen`)
    // Storage: `Results::Commitments` (r:1 w:1)
    // Proof: `Results::Commitments` (`max_values`: None, `max_size`: Some(214), added: 2689, mode: `MaxEncodedLen`)
    // Storage: `Validation::Verdicts` (r:1 w:1)
    // Proof: `Validation::Verdicts` (`max_values`: None, `max_size`: Some(90), added: 2565, mode: `MaxEncodedLen`)
    // Storage: `Results::Counts` (r:1 w:1)
    // Proof: `Results::Counts` (`max_values`: None, `max_size`: Some(36), added: 2511, mode: `MaxEncodedLen`)
    // Storage: `Validation::Shares` (r:1 w:1)
    // Proof: `Validation::Shares` (`max_values`: None, `max_size`: Some(44), added: 2519, mode: `MaxEncodedLen`)
    // Storage: `Participants::Members` (r:1 w:1)
    // Proof: `Participants::Members` (`max_values`: None, `max_size`: Some(254), added: 2729, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(229), added: 2704, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:4 w:4)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Assignments::Places` (r:1 w:1)
    // Proof: `Assignments::Places` (`max_values`: None, `max_size`: Some(119), added: 2594, mode: `MaxEncodedLen`)
    // Storage: `Results::Reveals` (r:0 w:1)
    // Proof: `Results::Reveals` (`max_values`: None, `max_size`: Some(68), added: 2543, mode: `MaxEncodedLen`)
    /// Took 251_359 ns at least.
    fn claim_faulty() -> Weight {
        Weight::from_parts(259_545_000, 11402)
            .saturating_add(T::DbWeight::get().reads(13))
            .saturating_add(T::DbWeight::get().writes(14))
    }
    // Storage: `Tasks::Tasks` (r:1 w:1)
    // Proof: `Tasks::Tasks` (`max_values`: None, `max_size`: Some(566), added: 3041, mode: `MaxEncodedLen`)
    // Storage: `Tasks::Rounds` (r:1 w:1)
    // Proof: `Tasks::Rounds` (`max_values`: None, `max_size`: Some(117), added: 2592, mode: `MaxEncodedLen`)
    // Storage: `Validation::Seats` (r:1 w:1)
    // Proof: `Validation::Seats` (`max_values`: None, `max_size`: Some(148), added: 2623, mode: `MaxEncodedLen`)
    // Storage: `Validation::Committees` (r:1 w:1)
    // Proof: `Validation::Committees` (`max_values`: None, `max_size`: Some(2223), added: 4698, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:3 w:3)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Assignments::Places` (r:1 w:1)
    // Proof: `Assignments::Places` (`max_values`: None, `max_size`: Some(119), added: 2594, mode: `MaxEncodedLen`)
    // Storage: `Validation::Sheets` (r:0 w:8)
    // Proof: `Validation::Sheets` (`max_values`: None, `max_size`: Some(382), added: 2857, mode: `MaxEncodedLen`)
    /// Took 345_976 ns at least.
    fn claim_seat() -> Weight {
        Weight::from_parts(384_428_000, 8799)
            .saturating_add(T::DbWeight::get().reads(8))
            .saturating_add(T::DbWeight::get().writes(16))
    }
    // Storage: `Tasks::Tasks` (r:1 w:0)
    // Proof: `Tasks::Tasks` (`max_values`: None, `max_size`: Some(566), added: 3041, mode: `MaxEncodedLen`)
    // Storage: `Validation::Running` (r:1 w:1)
    // Proof: `Validation::Running` (`max_values`: None, `max_size`: Some(80), added: 2555, mode: `MaxEncodedLen`)
    // Storage: `Validation::Histories` (r:1 w:1)
    // Proof: `Validation::Histories` (`max_values`: None, `max_size`: Some(44), added: 2519, mode: `MaxEncodedLen`)
    // Storage: `Validation::Committees` (r:1 w:1)
    // Proof: `Validation::Committees` (`max_values`: None, `max_size`: Some(2223), added: 4698, mode: `MaxEncodedLen`)
    /// Took 42_389 ns at least.
    fn forget() -> Weight {
        Weight::from_parts(44_633_000, 5688)
            .saturating_add(T::DbWeight::get().reads(4))
            .saturating_add(T::DbWeight::get().writes(3))
    }
}
