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
    let risk = task.spec.bond(work.role);
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
    calls.push(call::enroll(task.id, work.role));
    let step: Call = match calls.len() {
        1 => call::enroll(task.id, work.role),
        _ => call::batch_all(calls),
    };
    work.submit_final_once(step, &[("Assignments", "AlreadyEnrolled")]).await?;
    tracing::info!(task = task.id, role = ?work.role, "enrolled");
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
    let bonds = (task.spec.bond(work.role), minimum);
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
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{
        advance::tests::task,
        convert::tests::task_spec,
        model::tests::store,
        tries::{AGAIN, LIMIT},
    };
    use decentralml_learning::{ModelSpec, RowSpec};
    use decentralml_storage::unixfs;
    use decentralml_types::{TaskStatus, reputation::Record, spec::Custody};

    fn account(who: u8) -> AccountId {
        AccountId::from([who; 32])
    }

    fn token() -> Properties {
        Properties { symbol: "DML".into(), decimals: 2, ss58: 42 }
    }

    #[test]
    fn updates_that_this_program_cannot_keep_as_the_task_wants_are_left_alone() {
        let reason = |role, hosts, sealed| {
            let mut task = task(TaskStatus::Running);
            task.spec.custody = Custody { hosts, sealed };
            unfit(&task, &account(1), role, false)
        };
        for role in [Role::Trainer, Role::Evaluator] {
            assert_eq!(reason(role, 0, true), None, "sealed ones it keeps");
        }
        for role in [Role::Trainer, Role::Evaluator] {
            assert_eq!(reason(role, 1, false), None);
        }
    }

    #[test]
    fn an_account_with_the_other_role_takes_no_part_and_is_told_why() {
        let task = task(TaskStatus::Running);
        let reason = |role, in_other_role| unfit(&task, &account(1), role, in_other_role);
        for (role, other) in [(Role::Trainer, "an evaluator"), (Role::Evaluator, "a trainer")] {
            assert_eq!(reason(role, false), None);
            assert!(reason(role, true).unwrap().contains(other));
        }
        assert!(unfit(&task, &task.sponsor, Role::Trainer, false).unwrap().contains("sponsor"));
        let over = Task { status: TaskStatus::Completed, ..task.clone() };
        assert!(unfit(&over, &account(1), Role::Trainer, false).unwrap().contains("over"));
    }

    #[test]
    fn a_task_that_asks_for_a_better_record_is_left_alone_until_the_account_has_it() {
        let mut task = task(TaskStatus::Enrolling);
        task.spec.terms.min_reputation = 500;
        let new = Member::default();
        assert!(ill_reputed(&task, &new, 0).is_none(), "new accounts can start");
        let slashed = Record { slashed: 256, ..Record::default() };
        let slashed = Member { record: slashed, ..new };
        let error = ill_reputed(&task, &slashed, 0).unwrap();
        for part in ["500", "166"] {
            assert!(error.to_string().contains(part), "{error}");
        }
        assert!(Pace::default().put_off(1, &error), "it may pass");
        assert!(ill_reputed(&task, &slashed, 9).is_none(), "it has faded");
    }

    #[test]
    fn a_bond_that_is_never_allowed_is_refused_and_one_that_others_use_is_waited_for() {
        let refused = |member: &Member, alone, allowed| {
            never_allowed(allowed, 7, member, (50, 20), alone, &token()).is_some()
        };
        let busy = Member { bond: 100, engaged: 80, ..Member::default() };
        assert!(!refused(&busy, false, 100), "the others will end");
        assert!(refused(&busy, true, 129), "nobody waits for the others");
        assert!(!refused(&busy, true, 130));
        let new = Member::default();
        assert!(refused(&new, false, 49));
        assert!(!refused(&new, false, 50));
        let minimum = never_allowed(60, 7, &new, (50, 61), false, &token());
        assert!(minimum.is_some(), "the chain's minimum");
        let rich = Member { bond: 100, ..new };
        assert!(!refused(&rich, true, 0), "it has bonded enough already");
        assert!(within_limit(50, 7, 50, &token()).is_ok());
        let error = within_limit(50, 7, 51, &token()).unwrap_err();
        for part in ["task 7", "0.51 DML", "0.5 DML", "--max-bond"] {
            assert!(error.to_string().contains(part), "{error}");
        }
        // Where the daemon asks again, that is no failure.
        assert!(Pace::default().put_off(1, &error));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_task_whose_model_cannot_be_worked_with_is_left_alone_and_says_why() {
        let (_folder, _, storage) = store().await;
        // Of four features and three classes, as the task is.
        let model = ModelSpec::mlp(4, &[5], 3);
        let stored = storage.add(model.to_canonical_json().unwrap()).await.unwrap();
        let mut spec = TaskSpec { model: stored.cid, ..task_spec() };
        let needed = model::update_length(&model, &spec).unwrap();
        let mut models = Models::default();
        spec.max_update_bytes = needed;
        assert_eq!(misfit(&storage, &mut models, &spec, None).await.unwrap(), None);
        spec.max_update_bytes = needed - 1;
        let reason = misfit(&storage, &mut models, &spec, None).await.unwrap().unwrap();
        for number in [needed, needed - 1] {
            assert!(reason.contains(&number.to_string()), "{reason}");
        }

        let other = ModelSpec::mlp(5, &[], 3).to_canonical_json().unwrap();
        let other = TaskSpec { model: storage.add(other).await.unwrap().cid, ..task_spec() };
        let reason = misfit(&storage, &mut Models::default(), &other, None).await.unwrap().unwrap();
        assert!(reason.contains("objective"), "{reason}");

        // It may come yet.
        let missing =
            misfit(&storage, &mut Models::default(), &task_spec(), None).await.unwrap_err();
        assert!(matches!(missing, ModelError::Storage(_)), "{missing:?}");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn rows_whose_labels_mean_something_else_are_told_before_a_bond() {
        let (_folder, _, storage) = store().await;
        let named = |names: [&str; 3]| names.map(str::to_owned).to_vec();
        let labels = RowSpec { labels: named(["cat", "dog", "fox"]), ..RowSpec::default() };
        let model = ModelSpec::mlp(4, &[5], 3).with_rows(labels);
        let stored = storage.add(model.to_canonical_json().unwrap()).await.unwrap();
        let mut spec = TaskSpec { model: stored.cid, ..task_spec() };
        spec.max_update_bytes = model::update_length(&model, &spec).unwrap();
        let mut models = Models::default();
        let rows = Dataset::new(vec![0.0; 8], vec![0, 1], 4, 3).unwrap();
        for (names, fits) in [(["cat", "dog", "fox"], true), (["cat", "fox", "dog"], false)] {
            let rows = rows.clone().with_names(named(names)).unwrap();
            let reason = misfit(&storage, &mut models, &spec, Some(&rows)).await.unwrap();
            assert_eq!(reason.is_none(), fits, "{reason:?}");
            if let Some(reason) = reason {
                assert!(reason.contains("label 1 is \"fox\" in the data"), "{reason}");
            }
        }
        assert_eq!(misfit(&storage, &mut models, &spec, Some(&rows)).await.unwrap(), None);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_model_that_the_store_lacks_is_waited_for_beyond_any_number_of_failures() {
        let (_folder, _, storage) = store().await;
        let model = ModelSpec::mlp(4, &[5], 3).to_canonical_json().unwrap();
        let spec = TaskSpec { model: unixfs::canonical_cid(&model), ..task_spec() };
        let (mut models, mut pace, mut now) = (Models::default(), Pace::default(), 1);
        for _ in 0..=LIMIT {
            assert!(pace.is_due(now));
            let error = misfit(&storage, &mut models, &spec, None).await.unwrap_err();
            assert!(pace.put_off(now, &error.into()), "nothing that is counted");
            assert!(!pace.is_due(now + AGAIN - 1));
            now += AGAIN;
        }
        storage.add(model).await.unwrap();
        assert!(pace.is_due(now));
        assert_eq!(misfit(&storage, &mut models, &spec, None).await.unwrap(), None);
        // What the chain or the task says is counted, or final.
        assert!(!pace.put_off(now, &WorkerError::UnknownTask { task: 0 }));
        assert!(!pace.put_off(now, &ModelError::NoBase.into()));
    }
}
