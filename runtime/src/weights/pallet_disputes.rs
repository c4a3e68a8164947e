//! What the calls of `pallet_disputes` weigh. Estimated, not measured yet: run `scripts/weights.sh pallet_disputes`, which
//! replaces this file.
//!
//! Times are those of calls that touch as many rows, with room to spare.

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Estimated weights, counted with the costs of the runtime's database.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> ::pallet_disputes::WeightInfo for WeightInfo<T> {
    // Storage: `Disputes::Cases` (r:1 w:1)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Storage: `System::Account` (r:1 w:1)
    // Storage: `Settings::JudgmentPeriod` (r:1 w:0)
    fn appeal() -> Weight {
        Weight::from_parts(80_000_000, 6_196)
            .saturating_add(T::DbWeight::get().reads(4))
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
