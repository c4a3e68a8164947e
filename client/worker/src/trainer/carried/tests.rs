#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
use super::*;
use std::collections::BTreeMap;

use decentralml_sdk::AccountId;
use decentralml_types::Role;

fn state(folder: &Path) -> State {
    State::open(folder, AccountId::from([1; 32]), Role::Trainer, [7; 32]).unwrap()
}

fn model() -> ModelSpec {
    ModelSpec::mlp(2, &[], 2)
}

fn write<C: Carried>(state: &State, task: TaskId, round: RoundNumber, origin: &Hash) {
    let path = state.file(task, &name::<C>(round, origin));
    State::keep_file(&path, &C::zero(&model()).to_bytes()).unwrap();
}

fn rounds(state: &State, task: TaskId) -> Vec<RoundNumber> {
    let mut rounds: Vec<_> =
        files(state, task, &PREFIXES).into_iter().map(|(round, _)| round).collect();
    rounds.sort_unstable();
    rounds
}

#[test]
fn files_are_named_by_round_and_origin_and_go_when_a_later_one_is_settled() {
    let folder = tempfile::tempdir().unwrap();
    let state = state(folder.path());
    assert!(rounds(&state, 3).is_empty());
    for (round, origin) in [(1, [1; 32]), (2, [1; 32]), (2, [2; 32]), (11, [1; 32])] {
        write::<Residual>(&state, 3, round, &origin);
    }
    write::<Residual>(&state, 4, 1, &[1; 32]);
    write::<ControlVariate>(&state, 3, 1, &[1; 32]);
    fs::write(folder.path().join("task-3/residual-9-00.safetensors.7.new"), b"torn").unwrap();
    assert_eq!(rounds(&state, 3), [1, 1, 2, 2, 9, 11]);
    assert!(state.rounds(3).is_empty(), "they are no records that wait for a claim");
    let path = state.file(3, &name::<Residual>(11, &[1; 32]));
    assert_eq!(Residual::load(&path, &model()).unwrap(), Residual::zero(&model()));

    forget(&state, 3, 2);
    assert_eq!(rounds(&state, 3), [2, 2, 9, 11]);
    forget_all(&state, 3);
    assert_eq!((rounds(&state, 3), rounds(&state, 4)), (vec![], vec![1]));
}

/// What settled rounds were made from, and whether the update was accepted.
struct Known(BTreeMap<RoundNumber, (Hash, bool)>);

impl Rounds for Known {
    async fn settled(&self, round: RoundNumber) -> Result<Option<Hash>, WorkerError> {
        Ok(self.0.get(&round).map(|(origin, _)| *origin))
    }

    async fn accepted(&self, round: RoundNumber) -> Result<bool, WorkerError> {
        Ok(self.0[&round].1)
    }
}

#[tokio::test]
async fn an_update_goes_on_from_the_last_accepted_one_of_a_settled_round() {
    let folder = tempfile::tempdir().unwrap();
    let state = state(folder.path());
    // Round 2 was made twice, in two forks; round 5 is void, round 6 was rejected, and 7 is the one at work.
    for (round, origin) in
        [(1, 1), (2, 1), (2, 2), (3, 1), (5, 1), (6, 1), (7, 1)].map(|(n, o)| (n, [o; 32]))
    {
        write::<ControlVariate>(&state, 3, round, &origin);
    }
    write::<Residual>(&state, 3, 4, &[1; 32]);
    let mut known = Known(BTreeMap::from([
        (1, ([1; 32], true)),
        (2, ([2; 32], true)),
        // Settled in a fork in which this trainer has made nothing.
        (3, ([9; 32], true)),
        (4, ([1; 32], true)),
        (6, ([1; 32], false)),
        (7, ([1; 32], true)),
    ]));
    let path = |round, origin| state.file(3, &name::<ControlVariate>(round, &[origin; 32]));
    let found = last::<ControlVariate>(&state, 3, 7, &known).await.unwrap();
    assert_eq!(found, Some((2, path(2, 2))));
    let residual = last::<Residual>(&state, 3, 7, &known).await.unwrap().unwrap();
    assert_eq!(residual.0, 4, "each kind has files of its own");
    assert_eq!(last::<ControlVariate>(&state, 3, 2, &known).await.unwrap(), Some((1, path(1, 1))));
    assert_eq!(last::<ControlVariate>(&state, 3, 1, &known).await.unwrap(), None);
    known.0.insert(6, ([1; 32], true));
    let found = last::<ControlVariate>(&state, 3, 7, &known).await.unwrap();
    assert_eq!(found, Some((6, path(6, 1))));
    assert_eq!(last::<ControlVariate>(&state, 4, 7, &known).await.unwrap(), None, "another task");
}
