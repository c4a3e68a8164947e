//! Phase Aggregating: compute the next model from the accepted updates, store it, attest it.

use std::{collections::BTreeMap, sync::Arc};

use decentralml_learning::{Update, aggregate, evaluate};
use decentralml_sdk::{AccountId, Reveal, Round, Task, Verdict, call};
use decentralml_types::{BlockNumber, Outcome};

use super::{Evaluator, Memory, Next, Scores, name, own_seat, score, updates};
use crate::{
    convert,
    error::WorkerError,
    work::{Moment, Work, compute},
};

pub(super) async fn step(
    evaluator: &Evaluator,
    work: &Work,
    memory: &mut Memory,
    moment: &Moment,
) -> Result<(), WorkerError> {
    let (round, _, committee) = moment.phase();
    let task = moment.task.id;
    let seat = own_seat(work, moment).await?;
    if seat.is_none_or(|seat| !seat.opened || seat.attested.is_some()) {
        return Ok(());
    }
    let next = match work.state.load::<Next>(task, &name("next", round, committee))? {
        Some(next) => next,
        None => {
            let Some(next) = prepare(evaluator, work, memory, moment).await? else {
                tracing::warn!(task, round, "the phase ended while it aggregated");
                return Ok(());
            };
            work.state.save(task, &name("next", round, committee), &next)?;
            next
        }
    };
    let scores = work.state.load::<Scores>(task, &name("scores", round, committee))?;
    if !is_needed(&moment.task, &moment.round, moment.view.number(), scores.map(|own| own.place)) {
        return Ok(());
    }
    if moment.is_too_late(work) {
        return Ok(());
    }
    let attest = call::attest(task, round, next.cid, next.metric);
    // Others may have completed the quorum in the same block.
    let late = [
        ("Validation", "AlreadyAttested"),
        ("Validation", "WrongPhase"),
        ("Validation", "NotCurrentRound"),
    ];
    if work.submit_once(attest, &late).await? {
        tracing::info!(task, round, cid = %next.cid, metric = next.metric, "attested the next model");
    }
    Ok(())
}

/// Blocks that the seats beyond the quorum wait for it.
const HOLD_BACK: BlockNumber = 3;

/// Whether to attest now. A quorum of seats settles the round, and what comes after it changes nothing; so the seats with the
/// first places go ahead, and the others follow only where those do not suffice.
fn is_needed(task: &Task, round: &Round, now: BlockNumber, place: Option<u32>) -> bool {
    let began = round.deadline.saturating_sub(task.spec.deadlines.aggregating);
    let is_first = place.is_none_or(|place| place < task.spec.committee.quorum.into());
    is_first || now >= began.saturating_add(HOLD_BACK)
}

async fn prepare(
    evaluator: &Evaluator,
    work: &Work,
    memory: &mut Memory,
    moment: &Moment,
) -> Result<Option<Next>, WorkerError> {
    let (round, _, _) = moment.phase();
    let task = moment.task.id;
    let verdicts = moment.view.verdicts(task, round).await?.into_iter().collect();
    let accepted = accepted(moment.view.reveals(task, round).await?, &verdicts);
    if accepted.len() != moment.round.accepted as usize {
        return Err(WorkerError::Contradiction(format!(
            "round {round} of task {task}: {} updates are accepted, but {} verdicts say so",
            moment.round.accepted,
            accepted.len()
        )));
    }
    let validation = score::validation(work, memory, moment).await?;
    let (model, base) = memory.models.get(work, moment).await?;
    let found = updates::fetch(evaluator, work, memory, moment, &model, &accepted).await?;
    let found: Vec<Arc<Update>> = found
        .into_iter()
        .zip(&accepted)
        .map(|(update, reveal)| {
            update.map_err(|fault| {
                let cid = reveal.cid;
                WorkerError::Contradiction(format!("{cid} is accepted, but here it is {fault:?}"))
            })
        })
        .collect::<Result<_, _>>()?;
    let rule = convert::rule(&moment.task.spec, found.len());
    let computed = compute(work, moment, move |_| {
        let updates: Vec<&Update> = found.iter().map(|update| &**update).collect();
        let next = aggregate(&base, &updates, rule)?;
        let metrics = evaluate(&model, &next, &validation)?;
        Ok::<_, WorkerError>((next.to_bytes(), metrics))
    });
    let Some(computed) = computed.await? else { return Ok(None) };
    let (bytes, metrics) = computed?;
    // Adding pins: the model stays with this account's store.
    let cid = work.storage.add(bytes).await?.cid;
    tracing::info!(task, round, %cid, accuracy = metrics.accuracy, loss = metrics.loss, "aggregated");
    Ok(Some(Next { cid, metric: convert::ppm(metrics.accuracy) }))
}

/// The reveals of the accepted updates, in their order.
fn accepted(reveals: Vec<Reveal>, verdicts: &BTreeMap<AccountId, Verdict>) -> Vec<Reveal> {
    let is_accepted = |reveal: &Reveal| {
        let verdict = verdicts.get(&reveal.account);
        matches!(verdict.and_then(|verdict| verdict.outcome), Some(Outcome::Accepted { .. }))
    };
    reveals.into_iter().filter(is_accepted).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use decentralml_types::{Cid, Codec, Fault};

    #[test]
    fn only_accepted_updates_enter_in_the_order_of_their_reveals() {
        let account = |who: u8| AccountId::from([who; 32]);
        let reveal = |index: u32, who: u8| Reveal {
            index,
            account: account(who),
            cid: Cid { codec: Codec::Raw, digest: [who; 32] },
            samples: 1,
        };
        let verdict = |outcome| Verdict { score: 0, outcome };
        let verdicts = BTreeMap::from([
            (account(1), verdict(Some(Outcome::Accepted { weight: 5 }))),
            (account(2), verdict(Some(Outcome::Rejected))),
            (account(3), verdict(Some(Outcome::Faulty(Fault::Malformed)))),
            (account(4), verdict(None)),
            (account(6), verdict(Some(Outcome::Accepted { weight: 1 }))),
        ]);
        let reveals = vec![
            reveal(0, 6),
            reveal(1, 2),
            reveal(2, 3),
            reveal(3, 4),
            reveal(4, 5),
            reveal(5, 1),
        ];
        let accepted = accepted(reveals, &verdicts);
        assert_eq!(accepted.iter().map(|reveal| reveal.index).collect::<Vec<_>>(), [0, 5]);
    }
}
