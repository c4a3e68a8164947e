//! Cases against participants, and challenges of their updates.

use decentralml_types::{
    Balance, BlockNumber, CaseId, Fault, Role, RoundNumber, SessionNumber, TaskId,
};
use serde::Serialize;

use crate::AccountId;

/// A slash that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Case {
    /// Its number.
    pub case: CaseId,
    /// Whose bond is at stake.
    pub accused: AccountId,
    /// Which of its bonds.
    pub role: Role,
    /// For what.
    pub fault: Fault,
    /// What was taken out of the bond, in planck.
    pub amount: Balance,
    /// The task; `None` for a fault of a validator.
    pub task: Option<TaskId>,
    /// The task's round.
    pub round: Option<RoundNumber>,
    /// The session in which a validator's fault happened; `None` for a fault in a task.
    pub session: Option<SessionNumber>,
    /// Who has shown the fault, where somebody has.
    pub reporter: Option<AccountId>,
    /// The task's sponsor.
    pub sponsor: Option<AccountId>,
    /// What is held for the appeal, in planck; `None` where there is none.
    pub appeal: Option<Balance>,
    /// The first block in which it is too late to appeal or, after an appeal, to vote: from then on anybody may conclude it.
    pub deadline: BlockNumber,
    /// Votes on the appeal: who, and whether it finds the accused guilty.
    pub votes: Vec<(AccountId, bool)>,
}

/// What is remembered of an update that was challenged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Challenged {
    /// The task.
    pub task: TaskId,
    /// The round.
    pub round: RoundNumber,
    /// Whose update it is.
    pub trainer: AccountId,
    /// Challenges so far.
    pub made: u8,
    /// Where the last one stands.
    pub stage: ChallengeStage,
}

/// Where a challenge stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChallengeStage {
    /// It was answered.
    Answered,
    /// It waits for an answer.
    Open(Challenge),
    /// Nobody answered in time.
    Unanswered,
}

/// A demand for a block of an update.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Challenge {
    /// Who demands it.
    pub challenger: AccountId,
    /// Which block: the links to follow from the update's root, from 0.
    pub path: Vec<u16>,
    /// The last block in which it can be answered.
    pub deadline: BlockNumber,
    /// What is held from the challenger for it, in planck.
    pub bond: Balance,
}

impl Challenged {
    /// The challenge that waits for an answer, or for its conclusion.
    pub fn open(&self) -> Option<&Challenge> {
        match &self.stage {
            ChallengeStage::Open(challenge) => Some(challenge),
            ChallengeStage::Answered | ChallengeStage::Unanswered => None,
        }
    }
}
