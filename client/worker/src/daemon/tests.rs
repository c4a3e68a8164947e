use super::*;

const NOW: Duration = Duration::ZERO;

#[test]
fn a_task_that_is_not_there_yet_is_waited_for_and_not_for_ever() {
    assert_eq!(asked(None, false, false, NOW), Asked::Wait);
    assert_eq!(asked(None, false, false, VISIBLE), Asked::Unknown);
    assert_eq!(asked(None, false, true, NOW), Asked::Over("its records were removed"));
}

#[test]
fn a_fork_on_which_a_task_is_over_does_not_end_a_daemon() {
    let over = Asked::Over("completed");
    assert_eq!(for_good(over, over), over);
    for finalized in [Asked::Start, Asked::Wait, Asked::Unknown] {
        assert_eq!(for_good(over, finalized), Asked::Wait);
    }
    assert_eq!(for_good(Asked::Start, Asked::Wait), Asked::Start);
    assert_eq!(for_good(Asked::Unknown, Asked::Unknown), Asked::Unknown);
}

#[test]
fn a_task_that_is_over_is_refused_unless_something_is_left_to_settle() {
    for status in [TaskStatus::Completed, TaskStatus::Cancelled, TaskStatus::Expired] {
        assert!(matches!(asked(Some(status), false, true, NOW), Asked::Over(_)));
        assert_eq!(asked(Some(status), true, true, NOW), Asked::Start);
    }
    for status in [TaskStatus::Enrolling, TaskStatus::Running, TaskStatus::Paused] {
        assert_eq!(asked(Some(status), false, true, NOW), Asked::Start);
    }
}

#[tokio::test]
async fn work_begins_before_what_is_done_beside_it_has_ended() {
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let work = async move { begun.send(()).is_ok() };
    let aside = async { assert_eq!(has_begun.await, Ok(()), "it would wait for ever") };
    assert!(beside(work, aside).await);
}
