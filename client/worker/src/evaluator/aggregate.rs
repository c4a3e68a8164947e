//! Phase Aggregating: compute the next model from the accepted updates, store it, attest it.

use std::collections::BTreeMap;

use decentralml_learning::{ModelSpec, ServerState, UpdateFile, evaluate};
use decentralml_sdk::{AccountId, Reveal, Round, Seat, Verdict, call};
use decentralml_types::{BlockNumber, Hash, NextModel, Outcome, Phase, Seed, spec::Before};

use super::{Evaluator, Memory, Next, Scores, name, own_seat, score, updates};
use crate::{
    convert,
    error::WorkerError,
    model, origin, sealed, sources,
    state::What,
    step::{State, Step},
    variate,
    work::{Moment, Work, compute, is_late},
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
    let Some(seat) = seat.filter(|seat| seat.opened && seat.attested.is_none()) else {
        return Ok(());
    };
    let accepted = read_accepted(moment).await?;
    let buckets = buckets(work, moment, &seat)?;
    let origin = origin::of_next_model(&moment.origin(work), &accepted, buckets.as_ref());
    let known = work.state.load::<Next>(task, &name("next", round, committee))?;
    let next = match known.filter(|next| next.serves(&origin)) {
        Some(next) => next,
        None => {
            let made = Made { accepted: &accepted, buckets, origin };
            let next = prepare(evaluator, work, memory, moment, &made).await?;
            let Some(next) = next else {
                tracing::warn!(task, round, "the phase ended while it aggregated");
                return Ok(());
            };
            work.state.save(task, &name("next", round, committee), &next)?;
            next
        }
    };
    attest(work, moment, &next).await
}

/// Attests in a round that the quorum settled meanwhile: only seats that attest are paid. The next model is computed, or compared
/// with what was computed, from what the chain knew before the round was settled. Once the node has forgotten that, what was
/// computed has to do: the chain takes no other model than the settled one by then, so nobody is accused for it.
pub(super) async fn catch_up(
    evaluator: &Evaluator,
    work: &Work,
    memory: &mut Memory,
    moment: &Moment,
) -> Result<(), WorkerError> {
    let (round, _, committee) = moment.phase();
    let task = moment.task.id;
    let before = before_the_end(work, moment).await;
    if let Ok(Some(before)) = &before {
        return step(evaluator, work, memory, before).await;
    }
    if let Some(next) = work.state.load::<Next>(task, &name("next", round, committee))? {
        return attest(work, moment, &next).await;
    }
    before.map(drop)
}

/// The last block in which a settled round was in phase Aggregating.
async fn before_the_end(work: &Work, moment: &Moment) -> Result<Option<Moment>, WorkerError> {
    let Some(ended_at) = moment.round.ended_at else { return Ok(None) };
    let view = work.chain.at_height(ended_at.saturating_sub(1)).await?;
    let task = view.task(moment.task.id).await?;
    let round = view.round(moment.task.id, moment.round.number).await?;
    let round = round.filter(|round| round.phase == Phase::Aggregating);
    Ok(task.zip(round).map(|(task, round)| Moment { view, task, round }))
}

/// Every seat attests, also after the quorum: silence is not paid.
async fn attest(work: &Work, moment: &Moment, next: &Next) -> Result<(), WorkerError> {
    let (task, round) = (moment.task.id, moment.round.number);
    let best = work.best.borrow().clone();
    let now = best.round(task, round).await?;
    if !now.is_some_and(|now| may_attest(&moment.round, &now, best.number())) {
        tracing::warn!(task, round, "the next model can no longer be attested");
        return Ok(());
    }
    let attest = call::attest(task, round, next.model, next.metric);
    // Something may have ended the round in the same block.
    let late = [
        ("Validation", "AlreadyAttested"),
        ("Validation", "WrongPhase"),
        ("Validation", "NotCurrentRound"),
        // The quorum settled another model meanwhile; silence costs the fee alone.
        ("Validation", "Outvoted"),
    ];
    if work.submit_once(attest, &late).await? {
        let NextModel { cid, state } = next.model;
        let state = state.map(tracing::field::display);
        tracing::info!(task, round, %cid, state, metric = next.metric, "attested the next model");
    }
    Ok(())
}

/// Whether the chain takes an attestation that is sent after block `now`, as far as that block tells.
fn may_attest(then: &Round, round: &Round, now: BlockNumber) -> bool {
    round.committee == then.committee
        && round.base == then.base
        && round.state == then.state
        && matches!(round.phase, Phase::Aggregating | Phase::Settled)
        && !is_late(now, round.deadline)
}

/// The updates that enter the next model.
async fn read_accepted(moment: &Moment) -> Result<Vec<Reveal>, WorkerError> {
    let (task, round) = (moment.task.id, moment.round.number);
    let verdicts = moment.view.verdicts(task, round).await?.into_iter().collect();
    let accepted = accepted(moment.view.reveals(task, round).await?, &verdicts);
    if accepted.len() != moment.round.accepted as usize {
        return Err(WorkerError::Contradiction(format!(
            "round {round} of task {task}: {} updates are accepted, but {} verdicts say so",
            moment.round.accepted,
            accepted.len()
        )));
    }
    Ok(accepted)
}

/// The seed that decides who shares a bucket, where the task puts updates into some: that of the draw of this seat's committee, which
/// nobody knew before the updates were fixed.
fn buckets(work: &Work, moment: &Moment, seat: &Seat) -> Result<Option<Seed>, WorkerError> {
    let (round, _, committee) = moment.phase();
    let task = moment.task.id;
    if !matches!(moment.task.spec.aggregation.before, Before::Buckets { .. }) {
        return Ok(None);
    }
    let name = name("scores", round, committee);
    let record = work.state.opening::<Scores>(task, &name, &seat.commitment)?;
    let seed = record.and_then(|record| record.content.seed);
    let missing = || {
        WorkerError::Contradiction(format!(
            "round {round} of task {task}: the seed of the committee's draw is not in this account's records"
        ))
    };
    seed.map(Some).ok_or_else(missing)
}

/// What a next model is made from.
struct Made<'a> {
    accepted: &'a [Reveal],
    buckets: Option<Seed>,
    origin: Hash,
}

async fn prepare(
    evaluator: &Evaluator,
    work: &Work,
    memory: &mut Memory,
    moment: &Moment,
    made: &Made<'_>,
) -> Result<Option<Next>, WorkerError> {
    let (task, round) = (moment.task.id, moment.round.number);
    let validation = score::validation(work, memory, moment).await?;
    let (model, base) = memory.models.get(work, moment).await?;
    // By now everything is there that a seat could wait for.
    let patience = updates::Patience::begin(moment).await?;
    let accepted = &sealed::handed_to(moment.round.committee, made.accepted.to_vec());
    let found =
        updates::fetch(evaluator, work, memory, moment, &model, accepted, patience.bytes).await?;
    let Some(found) = found else { return Ok(None) };
    let found: Vec<UpdateFile> = found
        .into_iter()
        .zip(accepted)
        .map(|(update, reveal)| {
            update.map_err(|fault| {
                let cid = reveal.cid;
                WorkerError::Contradiction(format!("{cid} is accepted, but here it is {fault:?}"))
            })
        })
        .collect::<Result<_, _>>()?;
    let samples: Vec<u32> = accepted.iter().map(|reveal| reveal.samples).collect();
    let (spec, settled) = (&moment.task.spec, moment.task.settled_rounds);
    let step = Step::of(spec, settled, &samples, made.buckets.unwrap_or_default())?;
    let state = state_before(work, moment, &model, &step).await?;
    let computed = compute(work, moment, move |_| {
        let (weights, state) = step.take(&base, found.as_slice(), state)?;
        let metrics = evaluate(&model, &weights, &validation)?;
        let state = step.state_bytes(&model, &state)?;
        Ok::<_, WorkerError>((weights.to_bytes(), state, metrics))
    });
    let Some(computed) = computed.await? else { return Ok(None) };
    let (weights, state, metrics) = computed.map_err(|error| memory.note(error))?;
    let state = match state {
        Some(state) => Some(work.pins.add(&work.state, moment.purpose(What::State), state).await?),
        None => None,
    };
    let cid = work.pins.add(&work.state, moment.purpose(What::Model), weights).await?;
    let metric = metrics.attested();
    tracing::info!(task, round, %cid, metric, loss = metrics.loss, "aggregated");
    let (model, metric) = (NextModel { cid, state }, convert::ppm(metric));
    Ok(Some(Next { origin: Some(made.origin), model, metric }))
}

/// What the server remembers before the round.
async fn state_before(
    work: &Work,
    moment: &Moment,
    model: &ModelSpec,
    step: &Step,
) -> Result<State, WorkerError> {
    let variate = match step.has_variate() {
        true => Some(variate::of_server(work, moment, model).await?),
        false => None,
    };
    Ok(State { server: server_before(work, moment, model, step).await?, variate })
}

/// The state of the server's optimizer that the round starts from, from the store, and from hosts where the task asks for some or the
/// store does not give it; `None` where the change is added as it is.
async fn server_before(
    work: &Work,
    moment: &Moment,
    model: &ModelSpec,
    step: &Step,
) -> Result<Option<ServerState>, WorkerError> {
    let Some(server) = step.server() else { return Ok(None) };
    let task = &moment.task;
    let cid = moment.round.state.as_ref().filter(|_| step.has_state());
    if let Some(storage) = sources::without_hosts(work, task) {
        match model::fetch_state(storage, model, cid, server).await {
            Err(error) if !error.is_final() => {
                tracing::debug!(task = task.id, %error, "looks for the server's state at hosts");
            }
            found => return Ok(Some(found?)),
        }
    }
    let storage = sources::for_task(work, &moment.view, task).await;
    Ok(Some(model::fetch_state(&storage, model, cid, server).await?))
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
    use crate::claim::tests::round;
    use decentralml_types::{Cid, Codec, Fault};

    #[test]
    fn a_seat_attests_in_a_settled_round_until_claims_expire_and_never_in_a_void_one() {
        let then = round(Phase::Aggregating, 50);
        assert!(may_attest(&then, &then, 40));
        assert!(!may_attest(&then, &then, 49));
        assert!(may_attest(&then, &round(Phase::Settled, 90), 60));
        assert!(!may_attest(&then, &round(Phase::Settled, 90), 90));
        assert!(!may_attest(&then, &round(Phase::Void, 90), 60));
        let replaced = Round { committee: 1, ..round(Phase::Settled, 90) };
        assert!(!may_attest(&then, &replaced, 60));
        let base = Some(Cid { codec: Codec::Raw, digest: [1; 32] });
        assert!(!may_attest(&then, &Round { base, ..round(Phase::Settled, 90) }, 60));
        let other = Round { state: base, ..round(Phase::Settled, 90) };
        assert!(!may_attest(&then, &other, 60));
    }

    #[test]
    fn only_accepted_updates_enter_in_the_order_of_their_reveals() {
        let account = |who: u8| AccountId::from([who; 32]);
        let reveal = |index: u32, who: u8| Reveal {
            index,
            committed: index,
            account: account(who),
            cid: Cid { codec: Codec::Raw, digest: [who; 32] },
            plain_hash: None,
            samples: 1,
            handover: None,
        };
        let verdict = |outcome| Verdict { score: 0, outcome, gold: false };
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
