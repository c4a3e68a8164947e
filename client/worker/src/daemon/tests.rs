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
async fn work_waits_for_nothing_that_is_done_beside_it() {
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let (done, is_done) = tokio::sync::oneshot::channel();
    let work = async move {
        assert_eq!(begun.send(()), Ok(()));
        is_done.await
    };
    let aside = async move {
        assert_eq!(has_begun.await, Ok(()), "it would wait for ever");
        assert_eq!(done.send(()), Ok(()));
    };
    assert_eq!(beside(work, aside).await, Ok(()), "it goes on when the other has ended");
    let hangs = std::future::pending();
    let ended = tokio::time::timeout(VISIBLE, beside(async { 7 }, hangs)).await;
    assert_eq!(ended, Ok(7), "a node that does not answer holds up no end");
}
