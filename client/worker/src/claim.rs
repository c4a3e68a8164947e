//! Being paid: once a round is over on the finalized chain.

use std::collections::BTreeSet;

use decentralml_sdk::{Event, Row, View};
use decentralml_types::{Role, RoundNumber, TaskId};
use futures::{StreamExt, stream};

use crate::{error::WorkerError, work::Work};

/// Claims that wait for their blocks at the same time.
const AT_ONCE: usize = 8;

/// What of this account is open in the rounds named: rows of rounds that are over, and rounds without any row of it left. Rounds
/// that still live are in neither.
#[derive(Debug, Default)]
pub(crate) struct Open {
    pub(crate) rows: Vec<Row>,
    pub(crate) settled: Vec<RoundNumber>,
}

/// Looks at the finalized chain.
pub(crate) async fn look(
    work: &Work,
    finalized: &View,
    task: TaskId,
    rounds: &BTreeSet<RoundNumber>,
) -> Result<Open, WorkerError> {
    let account = work.account();
    let mut open = Open::default();
    for &number in rounds {
        let Some(round) = finalized.round(task, number).await? else {
            // Not finalized yet, or reaped: then all its rows are settled.
            let best = work.best.borrow().clone();
            if best.round(task, number).await?.is_none() {
                open.settled.push(number);
            }
            continue;
        };
        if !round.phase.is_final() {
            continue;
        }
        let mut rows = Vec::new();
        match work.role {
            Role::Trainer => {
                if finalized.commitment(task, number, &account).await?.is_some() {
                    rows.push(Row { task, round: number, account, committee: None });
                }
            }
            Role::Evaluator => {
                for committee in 0..=round.committee {
                    if finalized.seat(task, number, committee, &account).await?.is_some() {
                        let committee = Some(committee);
                        rows.push(Row { task, round: number, account, committee });
                    }
                }
            }
        }
        if rows.is_empty() {
            open.settled.push(number);
        }
        open.rows.extend(rows);
    }
    Ok(open)
}

/// Settles rows, each in a transaction of its own: a claim that settles something is free, a batch never is. One that somebody
/// else has settled meanwhile does not stop the others.
pub(crate) async fn settle(work: &Work, rows: &[Row]) -> Result<(), WorkerError> {
    let claims = rows.iter().map(|row| work.submit(row.claim())).collect::<Vec<_>>();
    let results: Vec<_> = stream::iter(claims).buffered(AT_ONCE).collect().await;
    let mut first_error = None;
    for result in results {
        match result {
            Ok(included) => {
                let ours =
                    |event: &&Event| event.pallet == "Validation" || event.pallet == "Participants";
                for event in included.events.iter().filter(ours) {
                    tracing::info!(event = %event.name, fields = %event.fields, "claimed");
                }
            }
            Err(error) if error.is_rejection("Validation", "NothingToClaim") => {
                tracing::debug!("a claim was not needed");
            }
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    first_error.map_or(Ok(()), |error| Err(error.into()))
}
