//! What the pallets tell each other about challenges.

use decentralml_types::{Cid, RoundNumber, TaskId};

/// The bytes of updates, as `results` keeps them.
pub trait Revealed<AccountId> {
    /// What a trainer has revealed in a round, in a sealed task the encrypted bytes; `None` where it has revealed nothing, and
    /// once its row is settled.
    fn cid(task: TaskId, round: RoundNumber, who: &AccountId) -> Option<Cid>;
}

/// Challenges of updates, as `challenges` keeps them.
pub trait Challenges<AccountId> {
    /// What has come of the challenges of a trainer's update.
    fn standing(task: TaskId, round: RoundNumber, who: &AccountId) -> Challenged;
    /// The trainer's row is settled: what is remembered of its challenges goes, and one that is open lapses. Cannot fail.
    fn forget(task: TaskId, round: RoundNumber, who: &AccountId);
}

/// What has come of an update's challenges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Challenged {
    /// There was none, or all were answered.
    Met,
    /// One waits for its answer or, after its deadline, for its conclusion.
    Open,
    /// One was not answered in time, and the trainer is accused of it.
    Unanswered,
}

/// Nobody challenges anything.
impl<AccountId> Challenges<AccountId> for () {
    fn standing(_: TaskId, _: RoundNumber, _: &AccountId) -> Challenged {
        Challenged::Met
    }

    fn forget(_: TaskId, _: RoundNumber, _: &AccountId) {}
}
