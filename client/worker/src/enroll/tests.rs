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
use decentralml_types::{
    TaskStatus,
    reputation::Record,
    spec::{Chances, Custody},
};

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
fn an_account_weighs_as_much_as_it_wants_and_as_the_task_lets_it() {
    let mut spec = task_spec();
    assert_eq!([1, 4, 16].map(|wanted| weight(wanted, &spec)), [1, 1, 1]);
    spec.terms.draw = Chances::ByBond { cap: 8 };
    assert_eq!([1, 4, 16].map(|wanted| weight(wanted, &spec)), [1, 4, 8]);
    let risk = spec.stake(Role::Trainer, weight(16, &spec));
    assert_eq!(risk, 8 * spec.terms.trainer_bond);
    let refused = |allowed| {
        never_allowed(allowed, 7, &Member::default(), (risk, 0), true, &token()).is_some()
    };
    assert_eq!((refused(risk - 1), refused(risk)), (true, false));
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
    let missing = misfit(&storage, &mut Models::default(), &task_spec(), None).await.unwrap_err();
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
