#![allow(clippy::unwrap_used)]
use super::*;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Record {
    #[serde(with = "hex32")]
    salt: [u8; 32],
}

fn open(folder: &Path, account: u8) -> Result<State, StateError> {
    State::open(folder, AccountId::from([account; 32]), Role::Trainer, [7; 32])
}

#[test]
fn a_record_is_there_after_a_restart_and_a_torn_write_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let state = open(folder.path(), 1).unwrap();
    assert_eq!(state.load::<Record>(3, "update-1").unwrap(), None);
    state.save(3, "update-1", &Record { salt: [9; 32] }).unwrap();
    drop(state);

    // A crash while the next record is written leaves a part of it aside.
    fs::write(folder.path().join("task-3/.update-2.json.99999999-0.new"), b"{\"salt\": \"09")
        .unwrap();
    let state = open(folder.path(), 1).unwrap();
    assert_eq!(state.load(3, "update-1").unwrap(), Some(Record { salt: [9; 32] }));
    assert_eq!(state.load::<Record>(3, "update-2").unwrap(), None);
    state.remove(3, "update-1").unwrap();
    state.remove(3, "update-1").unwrap();
    assert_eq!(state.load::<Record>(3, "update-1").unwrap(), None);
}

#[test]
fn rounds_whose_records_a_killed_process_left_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let state = open(folder.path(), 1).unwrap();
    assert!(state.rounds(3).is_empty());
    for name in ["update-1", "scores-12-0", "next-7-1"] {
        state.save(3, name, &Record { salt: [9; 32] }).unwrap();
    }
    state.save(4, "update-2", &Record { salt: [9; 32] }).unwrap();
    fs::create_dir(folder.path().join("task-x")).unwrap();
    fs::create_dir(state.outgoing(5)).unwrap();
    assert_eq!(state.tasks(), BTreeSet::from([3, 4, 5]));
    state.scratch(3).unwrap();
    fs::write(folder.path().join("task-3/.update-5.json.99999999-0.new"), b"{").unwrap();
    assert_eq!(state.rounds(3), BTreeSet::from([1, 7, 12]));
}

#[test]
fn nothing_is_left_of_a_task_that_is_over() {
    let folder = tempfile::tempdir().unwrap();
    let state = open(folder.path(), 1).unwrap();
    for task in [3, 4] {
        state.save(task, "scores-1-0", &Record { salt: [9; 32] }).unwrap();
        fs::create_dir(state.outgoing(task)).unwrap();
    }
    let scratch = state.scratch(3).unwrap();
    fs::write(scratch.join("1-1.safetensors"), b"of a round").unwrap();
    fs::create_dir(folder.path().join("task-5")).unwrap();
    for over in [3, 5, 6] {
        state.forget(over);
    }
    assert_eq!(state.tasks(), BTreeSet::from([4]));
    assert!(state.load::<Record>(4, "scores-1-0").unwrap().is_some());
    assert!(state.outgoing(4).exists());
}

#[test]
fn a_damaged_record_is_an_error_and_not_a_fresh_start() {
    let folder = tempfile::tempdir().unwrap();
    let state = open(folder.path(), 1).unwrap();
    state.save(3, "update-1", &Record { salt: [9; 32] }).unwrap();
    fs::write(folder.path().join("task-3/update-1.json"), b"{\"salt\": \"09").unwrap();
    assert!(matches!(state.load::<Record>(3, "update-1"), Err(StateError::Damaged { .. })));
}

#[test]
fn what_need_not_survive_goes_at_the_next_start_and_at_the_next_use() {
    let folder = tempfile::tempdir().unwrap();
    let state = open(folder.path(), 1).unwrap();
    state.save(3, "update-1", &Record { salt: [9; 32] }).unwrap();
    let scratch = state.scratch(3).unwrap();
    for name in ["1-1.safetensors", "12-1.safetensors"] {
        fs::write(scratch.join(name), b"of a round").unwrap();
    }
    state.clear_scratch(3, "1-").unwrap();
    state.clear_scratch(4, "1-").unwrap();
    assert!(!scratch.join("1-1.safetensors").exists());
    assert!(scratch.join("12-1.safetensors").exists());
    assert_eq!(state.scratch(3).unwrap(), scratch);
    assert_eq!(fs::read_dir(&scratch).unwrap().count(), 0);

    fs::write(scratch.join("2-1.safetensors"), b"of a process that was killed").unwrap();
    drop(state);
    let state = open(folder.path(), 1).unwrap();
    assert!(!scratch.exists());
    assert!(state.load::<Record>(3, "update-1").unwrap().is_some());
}

#[test]
fn two_daemons_and_two_accounts_do_not_share_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path(), 1).unwrap();
    assert!(matches!(open(folder.path(), 1), Err(StateError::InUse(_))));
    drop(first);
    assert!(matches!(open(folder.path(), 2), Err(StateError::OtherIdentity { .. })));
    assert!(open(folder.path(), 1).is_ok());
}
