//! Cases against participants, and challenges of their updates.

use std::collections::{BTreeMap, BTreeSet};

use decentralml_types::{CaseId, RoundNumber, TaskId};

use super::View;
use crate::{
    AccountId,
    api::{
        self, challenges::storage as challenged, disputes::storage as stored,
        runtime_types as types,
    },
    error::ReadError,
    record::{Case, Challenge, ChallengeStage, Challenged},
};

impl View {
    /// A case that is not concluded.
    pub async fn case(&self, case: CaseId) -> Result<Option<Case>, ReadError> {
        let row = self.get("a case", api::storage().disputes().cases(), (case,)).await?;
        let Some(row) = row else { return Ok(None) };
        let ballots = self.get("the votes", api::storage().disputes().ballots(), (case,)).await?;
        Ok(Some(read_case(case, row, ballots)))
    }

    /// All cases that are not concluded, by number.
    pub async fn cases(&self) -> Result<Vec<Case>, ReadError> {
        let rows = self.entries("the cases", api::storage().disputes().cases(), ()).await?;
        let votes = self.entries("the votes", api::storage().disputes().ballots(), ()).await?;
        let mut votes: BTreeMap<CaseId, _> =
            votes.into_iter().map(|((case,), ballots)| (case, ballots)).collect();
        let mut cases: Vec<Case> = rows
            .into_iter()
            .map(|((case,), row)| read_case(case, row, votes.remove(&case)))
            .collect();
        cases.sort_by_key(|case| case.case);
        Ok(cases)
    }

    /// What is remembered of the challenges of a trainer's update; `None` where there was none, and once its row is settled.
    pub async fn challenged(
        &self,
        task: TaskId,
        round: RoundNumber,
        trainer: &AccountId,
    ) -> Result<Option<Challenged>, ReadError> {
        let records = api::storage().challenges().records();
        let row = self.get("a challenge", records, (task, round, *trainer)).await?;
        Ok(row.map(|row| read_challenged((task, round, *trainer), row)))
    }

    /// All updates that were challenged and whose rows are not settled: in one task or, where none is named, in all; by task, round
    /// and trainer.
    pub async fn all_challenged(&self, task: Option<TaskId>) -> Result<Vec<Challenged>, ReadError> {
        let records = api::storage().challenges().records();
        let rows = match task {
            Some(task) => self.entries("the challenges", records, (task,)).await?,
            None => self.entries("the challenges", records, ()).await?,
        };
        let mut all: Vec<Challenged> =
            rows.into_iter().map(|(key, row)| read_challenged(key, row)).collect();
        all.sort_by_key(|row| (row.task, row.round, row.trainer.0));
        Ok(all)
    }

    /// Updates of a task whose rows wait for an answer to a challenge, or for its conclusion: by round and trainer.
    pub(crate) async fn awaiting_answers(
        &self,
        task: TaskId,
    ) -> Result<BTreeSet<(RoundNumber, [u8; 32])>, ReadError> {
        let all = self.all_challenged(Some(task)).await?.into_iter();
        let open = all.filter(|row| row.open().is_some());
        Ok(open.map(|row| (row.round, row.trainer.0)).collect())
    }
}

fn read_case(
    case: CaseId,
    row: stored::cases::Output,
    ballots: Option<stored::ballots::Output>,
) -> Case {
    let charge = row.charge;
    let votes = ballots.map(|ballots| ballots.0).unwrap_or_default();
    let (task, round, session) = match charge.scene {
        types::decentralml_traits::Scene::Round { task, round } => (Some(task), Some(round), None),
        types::decentralml_traits::Scene::Session(session) => (None, None, Some(session)),
    };
    Case {
        case,
        accused: charge.accused,
        role: charge.role.0,
        fault: charge.fault.0,
        amount: charge.amount,
        task,
        round,
        session,
        reporter: charge.reporter,
        sponsor: row.sponsor,
        appeal: row.appeal,
        deadline: row.deadline,
        votes: votes.into_iter().map(|ballot| (ballot.who, ballot.guilty)).collect(),
    }
}

fn read_challenged(
    (task, round, trainer): (TaskId, RoundNumber, AccountId),
    row: challenged::records::Output,
) -> Challenged {
    use types::pallet_challenges::types::Stage;
    let stage = match row.stage {
        Stage::Answered => ChallengeStage::Answered,
        Stage::Unanswered => ChallengeStage::Unanswered,
        Stage::Open(challenge) => ChallengeStage::Open(Challenge {
            challenger: challenge.challenger,
            path: challenge.path.0,
            deadline: challenge.deadline,
            bond: challenge.bond,
        }),
    };
    Challenged { task, round, trainer, made: row.made, stage }
}
