#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
use super::{rounds::tests as notes, *};

use decentralml_sdk::AccountId;
use decentralml_types::Role;

fn state(folder: &Path) -> State {
    State::open(folder, AccountId::from([1; 32]), Role::Trainer, [7; 32]).unwrap()
}

fn model() -> ModelSpec {
    ModelSpec::mlp(2, &[], 2)
}

fn path<C: Carried>(state: &State, round: RoundNumber, origin: u8) -> PathBuf {
    state.file(3, &name::<C>(round, &[origin; 32]))
}

fn write<C: Carried>(state: &State, round: RoundNumber, origin: u8) {
    State::keep_file(&path::<C>(state, round, origin), &C::zero(&model()).to_bytes()).unwrap();
}

fn left(state: &State) -> Vec<RoundNumber> {
    let mut rounds: Vec<_> =
        files(state, 3, &PREFIXES).into_iter().map(|(round, _)| round).collect();
    rounds.sort_unstable();
    rounds
}

/// Where rounds stand, and what became of the update. Others go on.
struct Known(BTreeMap<RoundNumber, (Standing, Fate)>);

impl Known {
    /// Rounds that were settled from `[origin; 32]`.
    fn settled<const N: usize>(rounds: [(RoundNumber, u8, Fate); N]) -> Self {
        let settled = |(round, origin, fate)| (round, (Standing::Settled([origin; 32]), fate));
        Self(rounds.map(settled).into())
    }
}

impl Rounds for Known {
    async fn standing(&self, round: RoundNumber) -> Result<Standing, WorkerError> {
        Ok(self.0.get(&round).map_or(Standing::Open, |(standing, _)| *standing))
    }

    async fn fate(&self, round: RoundNumber) -> Result<Fate, WorkerError> {
        Ok(self.0[&round].1)
    }
}

#[test]
fn files_are_named_by_round_and_origin_and_are_no_records() {
    let folder = tempfile::tempdir().unwrap();
    let state = state(folder.path());
    assert!(left(&state).is_empty());
    for (round, origin) in [(1, 1), (2, 1), (2, 2), (11, 1)] {
        write::<Residual>(&state, round, origin);
    }
    write::<ControlVariate>(&state, 1, 1);
    fs::write(folder.path().join("task-3/.residual-9-00.safetensors.99999999-0.new"), b"torn")
        .unwrap();
    assert_eq!(left(&state), [1, 1, 2, 2, 9, 11]);
    assert!(state.rounds(3).is_empty(), "they wait for no claim");
    let found = Residual::load(&path::<Residual>(&state, 11, 1), &model()).unwrap();
    assert_eq!(found, Residual::zero(&model()));
}

#[tokio::test]
async fn an_update_goes_on_from_the_last_accepted_one_of_a_settled_round() {
    let folder = tempfile::tempdir().unwrap();
    let state = state(folder.path());
    // Round 2 was made twice, in two forks; round 5 is void, round 6 was rejected, and 7 is the one at work.
    for (round, origin) in [(1, 1), (2, 1), (2, 2), (3, 1), (5, 1), (6, 1), (7, 1)] {
        write::<ControlVariate>(&state, round, origin);
    }
    write::<Residual>(&state, 4, 1);
    let mut known = Known::settled([
        (1, 1, Fate::Accepted),
        (2, 2, Fate::Accepted),
        // Settled in a fork in which this trainer has made nothing.
        (3, 9, Fate::Accepted),
        (4, 1, Fate::Accepted),
        (6, 1, Fate::Rejected),
        (7, 1, Fate::Accepted),
    ]);
    known.0.insert(5, (Standing::Void, Fate::Rejected));
    let last = async |known: &Known, before| {
        look::<ControlVariate>(&state, 3, before, known).await.unwrap().last
    };
    let of = |round, origin| Some((round, path::<ControlVariate>(&state, round, origin)));
    assert_eq!(last(&known, 7).await, of(2, 2));
    assert_eq!(last(&known, 2).await, of(1, 1));
    assert_eq!(last(&known, 1).await, None);
    let residual = look::<Residual>(&state, 3, 7, &known).await.unwrap().last;
    assert_eq!(residual.unwrap().0, 4, "each kind has files of its own");
    known.0.insert(6, (Standing::Settled([1; 32]), Fate::Accepted));
    assert_eq!(last(&known, 7).await, of(6, 1));
    let other = look::<ControlVariate>(&state, 4, 7, &known).await.unwrap().last;
    assert_eq!(other, None, "another task");
}

#[tokio::test]
async fn what_a_rejected_update_has_left_goes_once_that_is_final() {
    let folder = tempfile::tempdir().unwrap();
    let state = state(folder.path());
    // Round 1 was made in two forks, round 3 is void, round 4 goes on.
    for (round, origin) in [(1, 1), (1, 2), (2, 1), (3, 1), (4, 1)] {
        write::<Residual>(&state, round, origin);
        write::<WorkerMomentum>(&state, round, origin);
        write::<ControlVariate>(&state, round, origin);
        notes::write(&state, 3, round, Fate::Accepted);
        rounds::note_sent(&state, 3, round, &[origin; 32]).unwrap();
    }
    let mut known = Known::settled([(1, 1, Fate::Accepted), (2, 1, Fate::Rejected)]);
    known.0.insert(3, (Standing::Void, Fate::Rejected));
    clear(&state, 3, &known).await.unwrap();
    assert_eq!(left(&state), [1, 1, 1, 4, 4, 4]);
    assert!(path::<Residual>(&state, 1, 1).exists(), "the next update goes on from it");
    assert_eq!(state.rounds(3), BTreeSet::from([1, 4]), "notes of the others go, too");

    known.0.insert(4, (Standing::Settled([1; 32]), Fate::Accepted));
    clear(&state, 3, &known).await.unwrap();
    assert_eq!((left(&state), state.rounds(3)), (vec![4, 4, 4], BTreeSet::from([4])));
}

#[tokio::test]
async fn what_an_update_of_a_void_round_hands_on_stays_as_long_as_it_may_be_sent_again() {
    let folder = tempfile::tempdir().unwrap();
    let state = state(folder.path());
    for round in [1, 3, 4] {
        write::<Residual>(&state, round, 1);
        write::<ControlVariate>(&state, round, 1);
    }
    let mut known = Known::settled([(1, 1, Fate::Accepted)]);
    known.0.insert(3, (Standing::Void, Fate::Rejected));
    known.0.insert(4, (Standing::Void, Fate::Rejected));
    again::tests::hold(&state, of(&state, 3, 4, &[1; 32]));
    clear(&state, 3, &known).await.unwrap();
    assert_eq!(left(&state), [1, 1, 4, 4]);
    let last = look::<Residual>(&state, 3, 5, &known).await.unwrap().last;
    assert_eq!(last, Some((1, path::<Residual>(&state, 1, 1))), "another update goes on from it");
    // Another update takes its place.
    again::tests::hold(&state, Vec::new());
    clear(&state, 3, &known).await.unwrap();
    assert_eq!(left(&state), [1, 1]);
}

#[tokio::test]
async fn where_nobody_knows_the_verdict_all_go_on_but_error_feedback_which_begins_anew() {
    let folder = tempfile::tempdir().unwrap();
    let state = state(folder.path());
    for round in [1, 2] {
        write::<Residual>(&state, round, 1);
        write::<WorkerMomentum>(&state, round, 1);
        write::<ControlVariate>(&state, round, 1);
        rounds::note_sent(&state, 3, round, &[1; 32]).unwrap();
    }
    let mut known = Known::settled([(1, 1, Fate::Accepted), (2, 1, Fate::Unknown)]);
    let variate = look::<ControlVariate>(&state, 3, 3, &known).await.unwrap();
    assert_eq!(variate.last, Some((2, path::<ControlVariate>(&state, 2, 1))));
    let momentum = look::<WorkerMomentum>(&state, 3, 3, &known).await.unwrap();
    assert_eq!(momentum.last, Some((2, path::<WorkerMomentum>(&state, 2, 1))));
    let residual = look::<Residual>(&state, 3, 3, &known).await.unwrap();
    assert_eq!(residual.last, None, "what round 1 has left out went into the update of round 2");
    clear(&state, 3, &known).await.unwrap();
    assert_eq!(left(&state), [1, 1, 1, 2, 2, 2], "another node may know it");
    known.0.insert(2, (Standing::Settled([1; 32]), Fate::Rejected));
    clear(&state, 3, &known).await.unwrap();
    assert_eq!(left(&state), [1, 1, 1]);
}

#[tokio::test]
async fn an_update_that_was_never_sent_takes_nothing_with_it_where_nobody_knows_the_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let state = state(folder.path());
    for round in [1, 2] {
        write::<Residual>(&state, round, 1);
        write::<ControlVariate>(&state, round, 1);
        rounds::note_sent(&state, 3, round, &[round as u8; 32]).unwrap();
    }
    // What was sent in round 2 was made in another fork.
    let known = Known::settled([(1, 1, Fate::Accepted), (2, 1, Fate::Unknown)]);
    let variate = look::<ControlVariate>(&state, 3, 3, &known).await.unwrap();
    assert_eq!(variate.last, Some((1, path::<ControlVariate>(&state, 1, 1))));
    let residual = look::<Residual>(&state, 3, 3, &known).await.unwrap();
    assert_eq!(residual.last, Some((1, path::<Residual>(&state, 1, 1))));
    clear(&state, 3, &known).await.unwrap();
    assert_eq!((left(&state), state.rounds(3)), (vec![1, 1], BTreeSet::from([1])));
}

#[test]
fn files_stay_few_where_nothing_becomes_final() {
    let folder = tempfile::tempdir().unwrap();
    let state = state(folder.path());
    for round in 1..=20 {
        write::<ControlVariate>(&state, round, 1);
    }
    write::<Residual>(&state, 1, 1);
    bound::<ControlVariate>(&state, 3, Some(&path::<ControlVariate>(&state, 3, 1)));
    assert_eq!(left(&state), [1, 3, 17, 18, 19, 20]);
    assert!(path::<Residual>(&state, 1, 1).exists(), "each kind is counted by itself");
}
