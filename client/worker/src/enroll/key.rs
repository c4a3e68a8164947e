//! The key that an evaluator of sealed tasks needs: updates are sealed to it.

use decentralml_sdk::{Call, Task, View, call, encryption::Registered};
use decentralml_types::{Balance, Role};

use crate::{error::WorkerError, work::Work};

/// What is to be registered before the account enrolls, and what is held for it, in planck; `None` where nothing is.
pub(super) async fn missing(
    work: &Work,
    view: &View,
    task: &Task,
) -> Result<Option<(Call, Balance)>, WorkerError> {
    if !is_needed(task, work.role) {
        return Ok(None);
    }
    match Registered::read(view, &work.signer).await? {
        Registered::Own(_) => Ok(None),
        Registered::Other(_) => Err(foreign(task)),
        Registered::Nothing => {
            let deposit = work.chain.deposits().await?.key;
            let key = Registered::Nothing.or_first(&work.signer);
            Ok(Some((call::set_encryption_key(Some(key)), deposit)))
        }
    }
}

/// Why the key that the account has keeps it from enrolling; `None` where it does not, or it has none.
pub(super) async fn objection(
    work: &Work,
    view: &View,
    task: &Task,
) -> Result<Option<WorkerError>, WorkerError> {
    if !is_needed(task, work.role) {
        return Ok(None);
    }
    let registered = Registered::read(view, &work.signer).await?;
    Ok(matches!(registered, Registered::Other(_)).then(|| foreign(task)))
}

fn is_needed(task: &Task, role: Role) -> bool {
    task.spec.custody.sealed && role == Role::Evaluator
}

fn foreign(task: &Task) -> WorkerError {
    let reason = "its updates are sealed, and the encryption key that the account has registered is none of those that are derived \
                  from its own: updates could not be read here; register one that is with `decentralml encryption register --replace`";
    WorkerError::Unfit { task: task.id, reason: reason.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advance::tests::task;
    use decentralml_types::TaskStatus;

    #[test]
    fn only_evaluators_of_sealed_tasks_need_a_key() {
        let open = task(TaskStatus::Running);
        let mut sealed = open.clone();
        sealed.spec.custody.sealed = true;
        assert!(is_needed(&sealed, Role::Evaluator));
        assert!(!is_needed(&sealed, Role::Trainer));
        assert!(!is_needed(&open, Role::Evaluator));
        assert!(foreign(&sealed).to_string().contains("encryption register --replace"));
    }
}
