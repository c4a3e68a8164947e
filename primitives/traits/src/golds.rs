//! What the pallets tell each other about gold results.

use decentralml_types::{Label, RoundNumber, Salt, TaskId};

/// Gold results, as `golds` keeps them.
pub trait Golds {
    /// Whether gold results of a round that is over may still be revealed: until then its trainers' and seats' rows are needed.
    fn are_pending(task: TaskId, round: RoundNumber) -> bool;
}

/// Whose commitment is salted with what, as `results` knows.
pub trait Salted<AccountId> {
    /// Whether an account has revealed an update in this round whose commitment was salted with `salt`; `None` where it has revealed
    /// nothing.
    fn is_salted(task: TaskId, round: RoundNumber, who: &AccountId, salt: Salt) -> Option<bool>;
}

/// What seats have said of gold results, as `validation` knows.
pub trait Assay<AccountId> {
    /// Holds what the last committee of a round has said of a trainer's update against what is known of it, and notes who is wrong.
    /// `None` where that committee has not counted its scores, or has no such update. Once for each gold result. Bounded work.
    fn assay(
        task: TaskId,
        round: RoundNumber,
        trainer: &AccountId,
        label: Label,
    ) -> Option<Assayed>;
}

/// What became of a gold result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Assayed {
    /// Whether the committee's median clearly says what was known.
    pub confirmed: bool,
    /// Seats that have clearly said the opposite. None where it is not confirmed.
    pub missed: u32,
}

/// There are none.
impl Golds for () {
    fn are_pending(_: TaskId, _: RoundNumber) -> bool {
        false
    }
}
