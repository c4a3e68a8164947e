//! Being paid: a row is settled as soon as the chain takes it, and forgotten once that is final.
//!
//! A bond stands for one round at a time: the chain takes no commitment of an account while an earlier row may still be
//! accused. So rows are looked up and claimed on the best chain, before the next commitment, and a claim that a fork undid is made
//! again.

use std::collections::BTreeSet;

use decentralml_sdk::{
    Event, Properties, ReadError, Round, Row, SeatStep, SubmitError, View, call,
};
use decentralml_types::{CommitteeNumber, Phase, Role, RoundNumber, TaskId, TaskStatus};
use futures::{StreamExt, stream};

use crate::{error::WorkerError, work::Work};

/// Claims that wait for their blocks at the same time.
const AT_ONCE: usize = 8;

/// What of this account is not settled in some rounds, at one block.
#[derive(Debug, Default)]
pub(crate) struct Open {
    /// What a claim settles now.
    pub(crate) due: Vec<Row>,
    /// Settled rounds in which its seat has not attested the next model, and still may.
    pub(crate) silent: Vec<Round>,
    /// Commitments that the bond stands for.
    pub(crate) at_risk: Vec<AtRisk>,
}

/// A commitment that the bond stands for: the round, and the committee of a seat (0 for a trainer's).
pub(crate) type AtRisk = (RoundNumber, CommitteeNumber);

/// Rounds of a task in which something of this account may not be settled: those that live, and those with open rows.
pub(crate) async fn unsettled(
    work: &Work,
    task: TaskId,
) -> Result<BTreeSet<RoundNumber>, WorkerError> {
    let (best, finalized) = (work.best.borrow().clone(), work.finalized.borrow().clone());
    let mut numbers = BTreeSet::new();
    // A round may be new on the best chain, and a claim that is on that chain may not be final.
    for view in [finalized, best] {
        let rounds = view.rounds(task).await?.into_iter();
        let open = rounds.filter(|round| !round.phase.is_final() || round.open_rows > 0);
        numbers.extend(open.map(|round| round.number));
    }
    Ok(numbers)
}

/// Looks at a block.
pub(crate) async fn look(
    work: &Work,
    view: &View,
    task: TaskId,
    rounds: &BTreeSet<RoundNumber>,
) -> Result<Open, WorkerError> {
    let account = work.account();
    let mut open = Open::default();
    for &number in rounds {
        let Some(round) = view.round(task, number).await? else { continue };
        let row = |committee| Row { task, round: number, account, committee };
        match work.role {
            Role::Trainer => {
                if view.commitment(task, number, &account).await?.is_some() {
                    open.at_risk.push((number, 0));
                    // In a settled round the row of a challenged update waits for the answer.
                    let waits = round.phase == Phase::Settled
                        && view
                            .challenged(task, number, &account)
                            .await?
                            .is_some_and(|row| row.open().is_some());
                    let due =
                        round.settles_updates() && !waits && !view.awaits_golds(&round).await?;
                    open.due.extend(due.then(|| row(None)));
                }
            }
            Role::Evaluator => {
                let own = view.own_seats(task, &round, &account).await?;
                let awaits_golds = !own.is_empty() && view.awaits_golds(&round).await?;
                for (committee, seat) in &own {
                    if !seat.opened {
                        open.at_risk.push((number, *committee));
                    }
                    match round.seat_step(*committee, &own, view.number()) {
                        SeatStep::Wait => {}
                        SeatStep::Attest => open.silent.push(round.clone()),
                        SeatStep::Claim
                            if awaits_golds && seat.opened && *committee == round.committee => {}
                        SeatStep::Claim => open.due.push(row(Some(*committee))),
                    }
                }
            }
            // Has no part in tasks.
            Role::Validator => {}
        }
    }
    Ok(open)
}

/// Rounds in which nothing of this account is or will be open, for good: they are over and without a row of it on the finalized
/// chain, or gone altogether.
pub(crate) async fn settled(
    work: &Work,
    finalized: &View,
    task: TaskId,
    rounds: &BTreeSet<RoundNumber>,
) -> Result<Vec<RoundNumber>, WorkerError> {
    let account = work.account();
    let mut settled = Vec::new();
    for &number in rounds {
        let is_settled = match finalized.round(task, number).await? {
            // Reaped, as only a task's that is over can be: then all its rows are settled. Any other is not final yet; it may be
            // missing on the best chain too, and come back with a commitment that only this account can open.
            None => is_over(finalized, task).await?,
            Some(round) if !round.phase.is_final() => false,
            Some(round) => match work.role {
                Role::Trainer => finalized.commitment(task, number, &account).await?.is_none(),
                Role::Evaluator => finalized.own_seats(task, &round, &account).await?.is_empty(),
                Role::Validator => true,
            },
        };
        settled.extend(is_settled.then_some(number));
    }
    Ok(settled)
}

/// Whether a task is over at a block, or was and is gone.
pub(crate) async fn is_over(view: &View, task: TaskId) -> Result<bool, ReadError> {
    let status = view.task(task).await?.map(|task| task.status);
    Ok(ended(status, task < view.next_task().await?))
}

/// Whether a task of this status is over; where it has none, by whether it was ever created.
fn ended(status: Option<TaskStatus>, created: bool) -> bool {
    status.map_or(created, TaskStatus::is_final)
}

/// The commitments that have to be settled before a role commits in this phase of a round: those of earlier rounds, and of earlier
/// committees of the same. None in a phase in which the role does not commit.
pub(crate) fn in_the_way(role: Role, round: &Round, at_risk: &[AtRisk]) -> Vec<AtRisk> {
    let own = match (role, round.phase) {
        (Role::Trainer, Phase::Training) => (round.number, 0),
        (Role::Evaluator, Phase::Scoring) => (round.number, round.committee),
        _ => return Vec::new(),
    };
    at_risk.iter().copied().filter(|earlier| *earlier < own).collect()
}

/// Settles rows, each in a transaction of its own: a claim that settles something is free, a batch never is. One that somebody
/// else has settled meanwhile does not stop the others.
pub(crate) async fn settle(work: &Work, rows: &[Row]) -> Result<(), WorkerError> {
    let Some(first) = rows.first() else { return Ok(()) };
    let (native, unit) = (work.chain.properties(), unit(work, first.task).await?);
    let claims = rows.iter().map(|row| work.submit(row.claim())).collect::<Vec<_>>();
    let results: Vec<_> = stream::iter(claims).buffered(AT_ONCE).collect().await;
    let mut first_error = None;
    for (row, result) in rows.iter().zip(results) {
        match result {
            Ok(included) => {
                let settled = |event: &&Event| event.pallet == "Validation";
                for event in included.events.iter().filter(settled) {
                    let (amount, fault) = outcome(event, native, &unit);
                    tracing::info!(
                        task = row.task, round = row.round, outcome = %event.name, amount, fault,
                        "claimed"
                    );
                }
                if let Some(event) = included.find("Tasks", "PaymentOwed") {
                    let amount = event.amount("amount").map(|amount| unit.tokens(amount));
                    tracing::warn!(
                        task = row.task, round = row.round, amount, reason = %event.fields["reason"],
                        "owed, as it could not be paid: `decentralml claim` tries again"
                    );
                }
            }
            Err(error) if error.is_rejection("Validation", "NothingToClaim") => {
                tracing::debug!(round = row.round, "a claim was not needed");
            }
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    first_error.map_or(Ok(()), |error| Err(error.into()))
}

/// Tries to have paid what a task that is over owes to this account, as it could not be paid when it was claimed: for example since the
/// account can receive it by now. What still cannot be paid stays owed.
pub(crate) async fn collect(work: &Work, view: &View, task: TaskId) -> Result<(), WorkerError> {
    // One that is gone owes nothing.
    if view.task(task).await?.is_none() {
        return Ok(());
    }
    let owed = view.claimable(task, &work.account()).await?.owed;
    if owed == 0 {
        return Ok(());
    }
    let amount = unit(work, task).await?.tokens(owed);
    // Anybody may have it paid.
    let gone = [("Tasks", "NothingOwed"), ("Tasks", "UnknownTask")];
    match work.submit_once(call::collect(task, &work.account()), &gone).await {
        Ok(true) => tracing::info!(task, amount, "collected what was owed"),
        Ok(false) => {}
        Err(error @ (SubmitError::Rejected { .. } | SubmitError::Dispatch(_))) => {
            tracing::warn!(task, amount, %error, "still owed: `decentralml claim` tries again");
        }
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

/// How amounts of what a task pays in are written.
async fn unit(work: &Work, task: TaskId) -> Result<Properties, ReadError> {
    let (view, native) = (work.best.borrow().clone(), work.chain.properties());
    match view.task(task).await? {
        Some(task) => view.unit(task.spec.terms.asset, native).await,
        None => Ok(native.clone()),
    }
}

/// What a claim brought, in the task's `unit`, or cost, in `native` tokens, and for which fault, as people read it; `None` where the
/// event says nothing of it.
fn outcome(
    event: &Event,
    native: &Properties,
    unit: &Properties,
) -> (Option<String>, Option<String>) {
    let token = if event.name == "Rewarded" { unit } else { native };
    let fault = event.fields.get("fault").map(|fault| match fault.as_str() {
        Some(name) => name.to_owned(),
        None => fault.to_string(),
    });
    (event.amount("amount").map(|planck| token.tokens(planck)), fault)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use decentralml_types::BlockNumber;
    use serde_json::json;

    #[test]
    fn what_a_claim_brought_is_told_in_tokens() {
        let token = Properties { symbol: "DML".into(), decimals: 12, ss58: 42 };
        let event =
            |name: &str, fields| Event { pallet: "Validation".into(), name: name.into(), fields };
        let unit = Properties { symbol: "LAB".into(), ..token.clone() };
        let rewarded = event("Rewarded", json!({ "round": 3, "amount": 1_500_000_000_000_u64 }));
        assert_eq!(outcome(&rewarded, &token, &unit), (Some("1.5 LAB".into()), None));
        // Amounts that a JSON number does not hold come as text.
        let accused = json!({ "amount": "20000000000000000", "fault": "NotRevealed" });
        let told = outcome(&event("Accused", accused), &token, &unit);
        assert_eq!(told, (Some("20000 DML".into()), Some("NotRevealed".into())));
        assert_eq!(outcome(&event("Closed", json!({ "round": 3 })), &token, &unit), (None, None));
    }

    pub(crate) fn round(phase: Phase, deadline: BlockNumber) -> Round {
        Round {
            task: 0,
            number: 1,
            phase,
            deadline,
            started_at: 0,
            base: None,
            state: None,
            sealed: false,
            committee: 0,
            places: 0,
            seats: 0,
            updates: 0,
            accepted: 0,
            pot: 0,
            open_rows: 0,
            ended_at: None,
            failure: None,
            model: None,
        }
    }

    #[test]
    fn what_a_block_does_not_know_yet_is_not_over_and_what_was_removed_is() {
        assert!(!ended(None, false), "a fork may have dropped it for now");
        assert!(ended(None, true));
        assert!(ended(Some(TaskStatus::Expired), true));
        assert!(!ended(Some(TaskStatus::Paused), true));
    }

    #[test]
    fn a_trainer_settles_its_earlier_rows_before_it_commits_and_only_then() {
        let training = Round { number: 4, ..round(Phase::Training, 100) };
        assert_eq!(in_the_way(Role::Trainer, &training, &[(2, 0), (3, 0)]), [(2, 0), (3, 0)]);
        // What it has committed to in this round is no reason to wait.
        assert!(in_the_way(Role::Trainer, &training, &[(4, 0)]).is_empty());
        let revealing = Round { number: 4, ..round(Phase::Revealing, 100) };
        assert!(in_the_way(Role::Trainer, &revealing, &[(3, 0)]).is_empty());
    }

    #[test]
    fn a_seat_of_a_new_committee_waits_for_the_unopened_one_of_the_replaced() {
        let scoring = Round { number: 4, committee: 1, ..round(Phase::Scoring, 100) };
        assert_eq!(in_the_way(Role::Evaluator, &scoring, &[(4, 0), (4, 1)]), [(4, 0)]);
        assert_eq!(in_the_way(Role::Evaluator, &scoring, &[(3, 1)]), [(3, 1)]);
        let training = Round { number: 4, ..round(Phase::Training, 100) };
        assert!(in_the_way(Role::Evaluator, &training, &[(3, 0)]).is_empty());
    }
}
