//! Taking part in a task, with the bond that it asks for; and taking part no more. What the chain would refuse is not sent: a
//! refusal costs a fee.

mod bond;
mod key;
mod pace;

use decentralml_learning::Dataset;
use decentralml_sdk::{AccountId, Call, Member, Properties, Task, View, call};
use decentralml_storage::Storage;
use decentralml_types::{Balance, Role, TaskId, TaskSpec};

use crate::{
    error::WorkerError,
    model::{self, ModelError},
    sources,
    work::{Models, Part, Work},
};

pub(crate) use bond::cover;
use bond::{afford, missing, within_limit};
pub(crate) use pace::Pace;

/// Enrolls in a task, if the account is not enrolled yet, and tops up the bond where it does not suffice. Says whether it is
/// enrolled: it is not where there is a [`refusal`].
pub(crate) async fn step<P: Part>(
    work: &Work,
    part: &P,
    models: &mut Models,
    view: &View,
    task: &Task,
) -> Result<bool, WorkerError> {
    let account = work.account();
    if view.enrollment(task.id, work.role, &account).await?.is_some() {
        return Ok(true);
    }
    if let Some(error) = refusal(work, part, models, view, task).await? {
        tracing::debug!(task = task.id, %error, "does not enroll");
        return Ok(false);
    }
    let _bonding = work.bonding.lock().await;
    // Another task may have used the bond since the block.
    let view = work.chain.best().await?;
    let member = view.member(work.role, &account).await?;
    let known = member.clone().unwrap_or_default();
    if let Some(error) = ill_reputed(task, &known, view.reputation_period()?) {
        return Err(error);
    }
    let constants = work.chain.constants().await?;
    let weight = weight(work.weight, &task.spec);
    let risk = task.spec.stake(work.role, weight);
    let minimum = view.parameters().await?.min_bond(work.role);
    let missing = missing(member.as_ref(), risk, minimum);
    let mut calls = Vec::new();
    let key = key::missing(work, &view, task).await?;
    let deposit = key.as_ref().map_or(0, |(_, deposit)| *deposit);
    if missing > 0 {
        let needed = member.map_or(0, |member| member.bond).saturating_add(missing);
        within_limit(work.max_bond, task.id, needed, work.chain.properties())?;
    }
    if missing > 0 || deposit > 0 {
        let taken = missing.saturating_add(deposit);
        afford(work, &view, task.id, taken, &constants).await?;
    }
    let token = work.chain.properties();
    if let Some((register, deposit)) = key {
        tracing::info!(
            task = task.id,
            deposit = token.tokens(deposit),
            fee = token.tokens(constants.call_price),
            "registers an encryption key, as updates are sealed to it: the deposit is held until the key is removed, the fee is \
             about that of one call"
        );
        calls.push(register);
    }
    if missing > 0 {
        tracing::info!(task = task.id, amount = token.tokens(missing), "bonds");
        calls.push(call::bond(work.role, missing));
    }
    calls.push(call::enroll(task.id, work.role, weight));
    let step: Call = match calls.len() {
        1 => call::enroll(task.id, work.role, weight),
        _ => call::batch_all(calls),
    };
    work.submit_final_once(step, &[("Assignments", "AlreadyEnrolled")]).await?;
    tracing::info!(task = task.id, role = ?work.role, weight, "enrolled");
    Ok(true)
}

/// Why the account takes no part in a task, as far as a block and the task's model tell; `None` where it can, or does already.
/// It is final where the block is. An error says that the chain or the store could not be asked.
pub(crate) async fn refusal<P: Part>(
    work: &Work,
    part: &P,
    models: &mut Models,
    view: &View,
    task: &Task,
) -> Result<Option<WorkerError>, WorkerError> {
    if view.enrollment(task.id, work.role, &work.account()).await?.is_some() {
        return Ok(None);
    }
    if let Some(error) = objection(work, part, view, task).await? {
        return Ok(Some(error));
    }
    let reason = match sources::without_hosts(work, task) {
        Some(storage) => match misfit(storage, models, &task.spec, part.rows()).await {
            Err(error) => {
                tracing::debug!(task = task.id, %error, "looks for the model at hosts");
                None
            }
            Ok(reason) => Some(reason),
        },
        None => None,
    };
    let reason = match reason {
        Some(reason) => reason,
        None => {
            let storage = sources::for_task(work, view, task).await;
            misfit(&storage, models, &task.spec, part.rows()).await?
        }
    };
    Ok(reason.map(|reason| WorkerError::Unfit { task: task.id, reason }))
}

/// The part of [`refusal`] that the block alone tells, for an account that is not enrolled.
pub(crate) async fn objection<P: Part>(
    work: &Work,
    part: &P,
    view: &View,
    task: &Task,
) -> Result<Option<WorkerError>, WorkerError> {
    let account = work.account();
    let in_other_role = match task.status.is_final() {
        true => false,
        false => view.enrollment(task.id, other(work.role), &account).await?.is_some(),
    };
    let reason = unfit(task, &account, work.role, in_other_role).or_else(|| part.unfit(task));
    if let Some(reason) = reason {
        return Ok(Some(WorkerError::Unfit { task: task.id, reason }));
    }
    if let Some(error) = key::objection(work, view, task).await? {
        return Ok(Some(error));
    }
    let member = view.member(work.role, &account).await?.unwrap_or_default();
    let minimum = view.parameters().await?.min_bond(work.role);
    let risk = task.spec.stake(work.role, weight(work.weight, &task.spec));
    let bonds = (risk, minimum);
    let (alone, token) = (work.only.is_some(), work.chain.properties());
    Ok(never_allowed(work.max_bond, task.id, &member, bonds, alone, token))
}

/// What speaks against enrolling, whatever the bond.
fn unfit(task: &Task, account: &AccountId, role: Role, in_other_role: bool) -> Option<String> {
    if task.status.is_final() {
        return Some("it is over".into());
    }
    if role == Role::Validator {
        return Some("validators have no part in tasks".into());
    }
    if task.sponsor == *account {
        return Some("the account is its sponsor".into());
    }
    if in_other_role {
        let other = if other(role) == Role::Trainer { "a trainer" } else { "an evaluator" };
        return Some(format!(
            "the account is enrolled as {other} in it, and an account has one role in a task"
        ));
    }
    decentralml_protocol::spec::check(&task.spec).err().map(|error| error.to_string())
}

/// Why the account cannot enroll yet: the task asks for a better record.
fn ill_reputed(task: &Task, member: &Member, period: u32) -> Option<WorkerError> {
    let (score, needed) = (member.score(period), task.spec.terms.min_reputation);
    (score < needed).then_some(WorkerError::ReputationTooLow { task: task.id, needed, score })
}

/// What the account is to weigh in a task: as much as it wants, up to the cap. Both are powers of two.
fn weight(wanted: u8, spec: &TaskSpec) -> u8 {
    wanted.min(spec.terms.draw.cap())
}

const fn other(role: Role) -> Role {
    match role {
        Role::Trainer => Role::Evaluator,
        // A validator is refused whatever else it is.
        Role::Evaluator | Role::Validator => Role::Trainer,
    }
}

/// Why `risk` more can never be put at risk. What other tasks have put at risk comes free in time: it counts only for a daemon that
/// works for no other task and so does not wait for them. What is bonded already was allowed.
fn never_allowed(
    allowed: Balance,
    task: TaskId,
    member: &Member,
    (risk, minimum): (Balance, Balance),
    alone: bool,
    token: &Properties,
) -> Option<WorkerError> {
    let engaged = if alone { member.engaged } else { 0 };
    let needed = engaged.saturating_add(risk).max(minimum);
    if needed <= member.bond {
        return None;
    }
    within_limit(allowed, task, needed, token).err()
}

/// Why nobody can take part in a task with the model that it has, or not with these rows; `None` where it can be worked with. An
/// error says that the store does not give the model now: nothing is put at risk before it does.
async fn misfit(
    storage: &Storage,
    models: &mut Models,
    spec: &TaskSpec,
    rows: Option<&Dataset>,
) -> Result<Option<String>, ModelError> {
    let checked = match models.spec(storage, spec).await {
        Ok(model) => model::check_update_length(&model, spec)
            .and_then(|()| rows.map_or(Ok(()), |rows| model::check_rows(&model, rows))),
        Err(error) => Err(error),
    };
    match checked {
        Ok(()) => Ok(None),
        Err(error) if error.is_final() => Ok(Some(error.to_string())),
        Err(error) => Err(error),
    }
}

/// Takes part no more, so that the bond is free for other tasks.
pub(crate) async fn leave(work: &Work, task: TaskId) -> Result<(), WorkerError> {
    let gone = [("Assignments", "NotEnrolled")];
    work.submit_final_once(call::leave(task, work.role), &gone).await?;
    tracing::info!(task, "left");
    Ok(())
}

#[cfg(test)]
mod tests;
