//! Taking part in a task, with the bond that it asks for; and taking part no more.

use decentralml_sdk::{Call, Member, Task, View, call};
use decentralml_types::{Balance, TaskId};

use crate::{error::WorkerError, work::Work};

/// Enrolls in a task, if the account is not enrolled yet, and tops up the bond where it does not suffice.
pub(crate) async fn step(work: &Work, view: &View, task: &Task) -> Result<(), WorkerError> {
    let account = work.account();
    if view.enrollment(task.id, work.role, &account).await?.is_some() {
        return Ok(());
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
    use super::*;

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
