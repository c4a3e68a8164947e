//! Taking part in a task, with the bond that it asks for; and taking part no more.

use decentralml_sdk::{Call, Member, Task, View, call};
use decentralml_storage::Storage;
use decentralml_types::{Balance, BlockNumber, TaskId, TaskSpec};

use crate::{
    error::WorkerError,
    model::{self, ModelError},
    tries::AGAIN,
    work::{Models, Work},
};

/// When enrolling is tried again that the store alone keeps from happening. That is no failure to be counted: it costs nothing,
/// however long it lasts.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    next: BlockNumber,
}

impl Pace {
    /// Whether to try at a block.
    pub(crate) fn is_due(&self, now: BlockNumber) -> bool {
        now >= self.next
    }

    /// Puts the next attempt off where an error is of that kind. Says whether it is.
    pub(crate) fn put_off(&mut self, now: BlockNumber, error: &WorkerError) -> bool {
        let passes = error.may_pass();
        if passes {
            self.next = now.saturating_add(AGAIN);
        }
        passes
    }
}

/// Enrolls in a task, if the account is not enrolled yet, and tops up the bond where it does not suffice. The error is
/// [`WorkerError::Unfit`] where the task's model speaks against it.
pub(crate) async fn step(
    work: &Work,
    models: &mut Models,
    view: &View,
    task: &Task,
) -> Result<(), WorkerError> {
    let account = work.account();
    if view.enrollment(task.id, work.role, &account).await?.is_some() {
        return Ok(());
    }
    if let Some(reason) = misfit(&work.storage, models, &task.spec).await? {
        return Err(WorkerError::Unfit { task: task.id, reason });
    }
    let _bonding = work.bonding.lock().await;
    // Another task may have used the bond since the block.
    let view = work.chain.best().await?;
    let member = view.member(work.role, &account).await?;
    let minimum = work.chain.constants().await?.min_bond(work.role);
    let missing = missing(member.as_ref(), task.spec.bond(work.role), minimum);
    let enroll = call::enroll(task.id, work.role);
    let step: Call = if missing > 0 {
        let needed = member.map_or(0, |member| member.bond).saturating_add(missing);
        within_limit(work, task, needed)?;
        tracing::info!(task = task.id, amount = %missing, "bonds");
        call::batch_all(vec![call::bond(work.role, missing), enroll])
    } else {
        enroll
    };
    work.submit_final_once(step, &[("Assignments", "AlreadyEnrolled")]).await?;
    tracing::info!(task = task.id, role = ?work.role, "enrolled");
    Ok(())
}

/// Why nobody can take part in a task with the model that it has; `None` where it can be worked with. An error says that the
/// store does not give the model now: nothing is put at risk before it does.
async fn misfit(
    storage: &Storage,
    models: &mut Models,
    spec: &TaskSpec,
) -> Result<Option<String>, ModelError> {
    let checked = match models.spec(storage, spec).await {
        Ok(model) => model::check_update_length(&model, spec),
        Err(error) => Err(error),
    };
    match checked {
        Ok(()) => Ok(None),
        Err(error) if error.is_final() => Ok(Some(error.to_string())),
        Err(error) => Err(error),
    }
}

/// Whether the finalized chain has the task with the same specification: elsewhere a fork may put another in its place.
pub(crate) async fn is_for_good(work: &Work, task: &Task) -> bool {
    let finalized = work.finalized.borrow().clone();
    match finalized.task(task.id).await {
        Ok(found) => found.is_some_and(|found| found.spec == task.spec),
        Err(error) => {
            tracing::debug!(task = task.id, %error, "the task could not be read");
            false
        }
    }
}

/// Replaces what a slash took from below what is at risk: without it the chain lets the account commit to nothing.
pub(crate) async fn cover(work: &Work, view: &View, task: &Task) -> Result<(), WorkerError> {
    let Some(member) = view.member(work.role, &work.account()).await? else { return Ok(()) };
    if member.bond >= member.engaged {
        return Ok(());
    }
    within_limit(work, task, member.engaged)?;
    let missing = member.engaged - member.bond;
    tracing::info!(task = task.id, amount = %missing, "tops up the bond after a slash");
    work.submit_final(call::bond(work.role, missing)).await?;
    Ok(())
}

/// Takes part no more, so that the bond is free for other tasks.
pub(crate) async fn leave(work: &Work, task: TaskId) -> Result<(), WorkerError> {
    let gone = [("Assignments", "NotEnrolled")];
    work.submit_final_once(call::leave(task, work.role), &gone).await?;
    tracing::info!(task, "left");
    Ok(())
}

/// What is to be bonded before `risk` more can be put at risk: the bond is at least the chain's minimum.
fn missing(member: Option<&Member>, risk: Balance, minimum: Balance) -> Balance {
    let (bond, engaged) = member.map_or((0, 0), |member| (member.bond, member.engaged));
    engaged.saturating_add(risk).max(minimum).saturating_sub(bond)
}

fn within_limit(work: &Work, task: &Task, needed: Balance) -> Result<(), WorkerError> {
    if needed > work.max_bond {
        return Err(WorkerError::BondTooLarge { task: task.id, needed, allowed: work.max_bond });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{convert::tests::task_spec, model::tests::store, tries::LIMIT};
    use decentralml_learning::ModelSpec;
    use decentralml_storage::unixfs;

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
        assert_eq!(misfit(&storage, &mut models, &spec).await.unwrap(), None);
        spec.max_update_bytes = needed - 1;
        let reason = misfit(&storage, &mut models, &spec).await.unwrap().unwrap();
        for number in [needed, needed - 1] {
            assert!(reason.contains(&number.to_string()), "{reason}");
        }

        let other = ModelSpec::mlp(5, &[], 3).to_canonical_json().unwrap();
        let other = TaskSpec { model: storage.add(other).await.unwrap().cid, ..task_spec() };
        let reason = misfit(&storage, &mut Models::default(), &other).await.unwrap().unwrap();
        assert!(reason.contains("objective"), "{reason}");

        // It may come yet.
        let missing = misfit(&storage, &mut Models::default(), &task_spec()).await.unwrap_err();
        assert!(matches!(missing, ModelError::Storage(_)), "{missing:?}");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_model_that_the_store_lacks_is_waited_for_beyond_any_number_of_failures() {
        let (_folder, _, storage) = store().await;
        let model = ModelSpec::mlp(4, &[5], 3).to_canonical_json().unwrap();
        let spec = TaskSpec { model: unixfs::canonical_cid(&model), ..task_spec() };
        let (mut models, mut pace, mut now) = (Models::default(), Pace::default(), 1);
        for _ in 0..=LIMIT {
            assert!(pace.is_due(now));
            let error = misfit(&storage, &mut models, &spec).await.unwrap_err();
            assert!(pace.put_off(now, &error.into()), "nothing that is counted");
            assert!(!pace.is_due(now + AGAIN - 1));
            now += AGAIN;
        }
        storage.add(model).await.unwrap();
        assert!(pace.is_due(now));
        assert_eq!(misfit(&storage, &mut models, &spec).await.unwrap(), None);
        // What the chain or the task says is counted, or final.
        assert!(!pace.put_off(now, &WorkerError::UnknownTask { task: 0 }));
        assert!(!pace.put_off(now, &ModelError::NoBase.into()));
    }

    #[test]
    fn a_bond_is_topped_up_to_what_is_at_risk_and_to_the_minimum() {
        let member = |bond, engaged| Member { bond, engaged, ..Member::default() };
        assert_eq!(missing(None, 50, 100), 100);
        assert_eq!(missing(None, 150, 100), 150);
        assert_eq!(missing(Some(&member(100, 0)), 50, 100), 0);
        assert_eq!(missing(Some(&member(100, 80)), 50, 100), 30);
        assert_eq!(missing(Some(&member(60, 80)), 50, 100), 70);
    }
}
