//! What the calls of `pallet_challenges` weigh. Estimated, not measured yet: run `scripts/weights.sh pallet_challenges`, which
//! replaces this file.
//!
//! Times are those of calls that touch as many rows, with room to spare; a byte of an answer counts for decoding, copying and SHA2-256.

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Estimated weights, counted with the costs of the runtime's database.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> ::pallet_challenges::WeightInfo for WeightInfo<T> {
    // Storage: `Tasks::Rounds` (r:1 w:0)
    // Storage: `Results::Commitments` (r:1 w:0)
    // Storage: `Challenges::Records` (r:1 w:1)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Storage: `System::Account` (r:1 w:1)
    // Storage: `Settings::AnswerPeriod` (r:1 w:0)
    // Storage: `Parameters::Current` (r:1 w:0)
    fn challenge() -> Weight {
        Weight::from_parts(120_000_000, 6_196)
            .saturating_add(T::DbWeight::get().reads(7))
            .saturating_add(T::DbWeight::get().writes(3))
    }
    // Storage: `Challenges::Records` (r:1 w:1)
    // Storage: `Results::Commitments` (r:1 w:0)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Storage: `System::Account` (r:3 w:3)
    /// The range of component `b` is `[0, 1048576]`.
    fn answer(b: u32) -> Weight {
        Weight::from_parts(1_500_000_000, 8_799)
            .saturating_add(Weight::from_parts(8_000, 0).saturating_mul(b.into()))
            .saturating_add(T::DbWeight::get().reads(6))
            .saturating_add(T::DbWeight::get().writes(5))
    }
    // Storage: `Challenges::Records` (r:1 w:1)
    // Storage: `Tasks::Rounds` (r:1 w:0)
    // Storage: `Tasks::Tasks` (r:1 w:0)
    // Storage: `Balances::Holds` (r:2 w:2)
    // Storage: `System::Account` (r:2 w:2)
    // Storage: `Participants::Members` (r:1 w:1)
    // Storage: `Disputes::Cases` and what a case takes besides (r:4 w:4)
    // Storage: `Settings::AppealWindow` (r:1 w:0)
    // Storage: `Parameters::Current` (r:1 w:0)
    fn conclude() -> Weight {
        Weight::from_parts(250_000_000, 12_000)
            .saturating_add(T::DbWeight::get().reads(14))
            .saturating_add(T::DbWeight::get().writes(10))
    }
}
