//! Tasks and their rounds.

use std::time::Duration;

use decentralml_types::{RoundNumber, TaskId};

use super::View;
use crate::{
    AccountId,
    api::{self, tasks::storage as stored},
    call::{self, Call},
    constants::optional,
    error::ReadError,
    record::{Money, Round, Task},
};

/// Standings that one transaction removes.
const STANDINGS: usize = 100;
/// What sub-accounts of pallets begin with.
const MODULE: &[u8; 4] = b"modl";
/// The treasury's pallet id, for chains that do not tell its account: it is a plain account of the runtime, of no pallet, so
/// metadata need not name it.
const TREASURY: &[u8; 8] = b"dml/trsy";

impl View {
    /// A task; `None` where there is none, or it was reaped.
    pub async fn task(&self, task: TaskId) -> Result<Option<Task>, ReadError> {
        let row = self.get("a task", api::storage().tasks().tasks(), (task,)).await?;
        Ok(row.map(|row| read_task(task, row)))
    }

    /// All tasks, by number.
    pub async fn tasks(&self) -> Result<Vec<Task>, ReadError> {
        let rows = self.entries("the tasks", api::storage().tasks().tasks(), ()).await?;
        let mut tasks: Vec<Task> =
            rows.into_iter().map(|((id,), row)| read_task(id, row)).collect();
        tasks.sort_by_key(|task| task.id);
        Ok(tasks)
    }

    /// The number that the next task gets: all tasks have smaller ones.
    pub async fn next_task(&self) -> Result<TaskId, ReadError> {
        Ok(self.get("the next task", api::storage().tasks().next_task(), ()).await?.unwrap_or(0))
    }

    /// The time between blocks, as the chain intends it.
    pub async fn block_time(&self) -> Result<Duration, ReadError> {
        let milliseconds = self.get("the block time", api::storage().settings().block_time(), ());
        Ok(Duration::from_millis(milliseconds.await?.unwrap_or(6_000)))
    }

    /// A round of a task.
    pub async fn round(
        &self,
        task: TaskId,
        round: RoundNumber,
    ) -> Result<Option<Round>, ReadError> {
        let row = self.get("a round", api::storage().tasks().rounds(), (task, round)).await?;
        Ok(row.map(|row| read_round(task, round, row)))
    }

    /// All rounds of a task, by number.
    pub async fn rounds(&self, task: TaskId) -> Result<Vec<Round>, ReadError> {
        let rows = self.entries("the rounds", api::storage().tasks().rounds(), (task,)).await?;
        let mut rounds: Vec<Round> =
            rows.into_iter().map(|((task, number), row)| read_round(task, number, row)).collect();
        rounds.sort_by_key(|round| round.number);
        Ok(rounds)
    }

    /// The transactions that remove a task that is over and settled: the standings of its trainers first, then up to `limit`
    /// records of its rounds and, with the last of them, the task.
    pub async fn removal(&self, task: TaskId, limit: u32) -> Result<Vec<Call>, ReadError> {
        let standings = self.running_scores(task).await?;
        let forget = standings.iter().map(|(who, _)| call::forget(task, who)).collect::<Vec<_>>();
        let mut calls: Vec<Call> =
            forget.chunks(STANDINGS).map(|calls| call::batch(calls.to_vec())).collect();
        calls.push(call::reap(task, limit));
        Ok(calls)
    }

    /// The account that holds a task's money.
    pub async fn task_account(&self, task: TaskId) -> Result<AccountId, ReadError> {
        let pallet = self.constant(api::constants().tasks().pallet_id())?;
        Ok(module_account(&pallet.0, &task.to_le_bytes()))
    }

    /// The account that fees and most of every slash go to.
    pub async fn treasury(&self) -> Result<AccountId, ReadError> {
        for pallet in ["Participants", "Tasks"] {
            if let Some(account) = optional::<[u8; 32]>(self.metadata(), pallet, "Treasury")? {
                return Ok(AccountId::from(account));
            }
        }
        Ok(module_account(TREASURY, &[]))
    }
}

/// The account of a pallet, or of something of a pallet: its name, cut or filled up to 32 bytes.
fn module_account(pallet: &[u8; 8], of: &[u8]) -> AccountId {
    let mut account = [0; 32];
    let name = MODULE.iter().chain(pallet).chain(of);
    for (byte, letter) in account.iter_mut().zip(name) {
        *byte = *letter;
    }
    AccountId::from(account)
}

fn read_task(id: TaskId, row: stored::tasks::Output) -> Task {
    Task {
        id,
        sponsor: row.sponsor,
        spec: row.spec.0,
        penalties: row.penalties.0,
        status: row.status.0,
        money: Money {
            free: row.money.free,
            reserved: row.money.reserved,
            unclaimed: row.money.unclaimed,
            owed: row.money.owed,
            charges: row.money.charges,
        },
        deposit: row.deposit,
        created_at: row.created_at,
        ended_at: row.ended_at,
        enrolling_since: row.enrolling_since,
        settled_rounds: row.settled_rounds,
        failed_in_a_row: row.failed_in_a_row.into(),
        model: row.model.map(|(version, cid)| (version, cid.0)),
        metric: row.metric,
        state: row.state.map(|cid| cid.0),
        current: row.current,
    }
}

fn read_round(task: TaskId, number: RoundNumber, row: stored::rounds::Output) -> Round {
    Round {
        task,
        number,
        phase: row.phase.0,
        deadline: row.deadline,
        started_at: row.started_at,
        base: row.base.map(|cid| cid.0),
        state: row.state.map(|cid| cid.0),
        sealed: row.sealed,
        committee: row.committee,
        places: row.places,
        seats: row.seats,
        updates: row.updates,
        accepted: row.accepted,
        pot: row.pot,
        open_rows: row.open_rows,
        ended_at: row.ended_at,
        failure: row.failure.map(|failure| failure.0),
        model: row.model,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_of_pallets_are_named_as_substrate_names_them() {
        // `PalletId(*b"dml/task").into_sub_account_truncating(7u32)`
        let account = module_account(b"dml/task", &7u32.to_le_bytes());
        let mut expected = [0; 32];
        expected[..12].copy_from_slice(b"modldml/task");
        expected[12] = 7;
        assert_eq!(account.0, expected);
    }
}
