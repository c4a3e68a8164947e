#![allow(clippy::unwrap_used)]
use super::*;
use crate::{claim::tests::round, model::tests::store};
use decentralml_sdk::AccountId;
use decentralml_storage::{Store, StoreOptions};
use decentralml_types::{Codec, Role};
use std::{path::Path, sync::Arc};

fn open(folder: &Path) -> (State, Arc<Store>) {
    let account = AccountId::from([1; 32]);
    let state = State::open(folder, account, Role::Evaluator, [7; 32]).unwrap();
    let options = StoreOptions { max_bytes: Some(100_000) };
    (state, Arc::new(Store::open_with(folder.join("store"), options).unwrap()))
}

fn version(cid: Cid, number: u32, status: ModelStatus) -> ModelVersion {
    ModelVersion {
        task: 1,
        version: number,
        cid,
        parent: None,
        round: number,
        metric: 0,
        updates: 1,
        license: String::new(),
        recorded_at: 0,
        status,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_worker_made_leaves_its_store_in_time_and_what_others_pinned_stays() {
    let (_shared_folder, shared, storage) = store().await;
    let folder = tempfile::tempdir().unwrap();
    let (state, own) = open(folder.path());
    let pins = Pins::new(storage.with_cache(own.clone()));
    // The validation set is the sponsor's, and so is one model by chance.
    let rows = storage.add(vec![9; 9]).await.unwrap().cid;
    let theirs = storage.add(vec![2; 30_000]).await.unwrap().cid;
    let purpose = |round, what| Purpose { task: 1, round, what };
    let new = pins.is_new(&rows).await.unwrap();
    pins.storage.fetch(&rows, 9).await.unwrap();
    pins.pin(&state, purpose(1, What::Rows), rows, new).await.unwrap();
    let mut models = Vec::new();
    for round in 1..=3 {
        let model = vec![round as u8; 30_000];
        models.push(pins.add(&state, purpose(round, What::Model), model).await.unwrap());
    }
    let update = pins.add(&state, purpose(3, What::Update), vec![8; 100]).await.unwrap();
    assert_eq!(models[1], theirs);

    // Killed here: what is to be let go of is on disk.
    drop((pins, state, own));
    let (state, own) = open(folder.path());
    let pins = Pins::new(storage.with_cache(own.clone()));
    let mut standing =
        Standing { task: 1, latest: Some(models[1]), open: [3].into(), ..Standing::default() };
    pins.let_go(&state, &standing).await.unwrap();
    let own_pins = || own.pins().unwrap().into_iter().collect::<Vec<_>>();
    let sorted = |mut cids: Vec<Cid>| {
        cids.sort();
        cids
    };
    assert_eq!(own_pins(), sorted(vec![rows, models[1], models[2], update]));
    assert!(shared.is_pinned(&models[0]), "governance may still release it");

    // There is room for more than the store has: a model that was let go of makes it.
    let next = pins.add(&state, purpose(4, What::Model), vec![4; 30_000]).await.unwrap();
    assert!(own.is_pinned(&next));

    standing = Standing { latest: Some(next), done: [3].into(), ..standing };
    pins.let_go(&state, &standing).await.unwrap();
    assert!(!own.is_pinned(&update) && !shared.is_pinned(&update));

    let released = version(models[0], 1, ModelStatus::Released { at: 7 });
    let candidate = version(models[2], 3, ModelStatus::Candidate);
    standing = Standing { over: true, versions: vec![released, candidate], ..standing };
    pins.let_go(&state, &standing).await.unwrap();
    assert_eq!(own_pins(), []);
    for (cid, why) in [
        (models[0], "released"),
        (theirs, "the sponsor's"),
        (next, "the last one"),
        (rows, "the sponsor's"),
    ] {
        assert!(shared.is_pinned(&cid), "{why}");
    }
    assert!(!shared.is_pinned(&models[2]));
    assert_eq!(state.ledger().unwrap(), [], "nothing is left to be looked after");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_task_needs_stays_until_that_one_is_over() {
    let (_shared_folder, shared, storage) = store().await;
    let folder = tempfile::tempdir().unwrap();
    let (state, own) = open(folder.path());
    let pins = Pins::new(storage.with_cache(own.clone()));
    let mut cid = None;
    for task in [1, 2] {
        let purpose = Purpose { task, round: 1, what: What::Rows };
        cid = Some(pins.add(&state, purpose, vec![5; 10]).await.unwrap());
    }
    let cid = cid.unwrap();
    for (task, pinned) in [(1, true), (2, false)] {
        let standing = Standing { task, over: true, ..Standing::default() };
        pins.let_go(&state, &standing).await.unwrap();
        assert_eq!((own.is_pinned(&cid), shared.is_pinned(&cid)), (pinned, pinned));
    }
    assert_eq!(state.ledger().unwrap(), []);
}

#[test]
fn updates_are_kept_as_long_as_a_seat_may_still_need_them() {
    let settled = Round { open_rows: 2, ..round(Phase::Settled, 90) };
    assert!(!is_done(&settled, 90));
    assert!(is_done(&settled, 91));
    assert!(is_done(&Round { open_rows: 0, ..settled }, 50));
    assert!(is_done(&round(Phase::Void, 90), 50));
    for phase in [Phase::Training, Phase::Scoring, Phase::Aggregating] {
        assert!(!is_done(&round(phase, 90), 100));
    }
}

#[test]
fn a_state_is_kept_until_no_round_that_starts_from_it_needs_it() {
    let cid = Cid { codec: Codec::Raw, digest: [1; 32] };
    let kept = Kept { task: 1, round: 5, what: What::State, cid, own: true, shared: true };
    let at_work = Standing { task: 1, open: [5].into(), ..Standing::default() };
    let next = Standing { task: 1, states: [cid].into(), ..Standing::default() };
    let over = Standing { over: true, ..Standing { task: 1, ..Standing::default() } };
    for (standing, needed) in [(at_work, true), (next, true), (over, false)] {
        assert_eq!(standing.needs(&kept), Needed::both(needed), "{standing:?}");
    }
    let later = Standing { task: 1, open: [6].into(), ..Standing::default() };
    assert_eq!(later.needs(&kept), Needed::both(false), "nobody releases a state");
    assert!(!later.leaves(&kept));
}

#[test]
fn what_a_round_starts_from_is_kept_for_its_late_seats_after_the_next_one_is_settled() {
    let [cid, other] = [1, 2].map(|n| Cid { codec: Codec::Raw, digest: [n; 32] });
    let late = Round { open_rows: 1, base: Some(cid), ..round(Phase::Settled, 90) };
    let with_state = Round { base: Some(other), state: Some(cid), ..late.clone() };
    for round in [late, with_state] {
        assert_eq!(asks_for(&round, &cid, 90), Some(true), "a seat may still attest");
        assert_eq!(asks_for(&round, &cid, 91), None, "a later round may start from it, too");
        for phase in [Phase::Training, Phase::Aggregating] {
            assert_eq!(asks_for(&Round { phase, ..round.clone() }, &cid, 100), Some(true));
        }
        let void = Round { phase: Phase::Void, ..round.clone() };
        assert_eq!(asks_for(&void, &cid, 90), None, "it is tried again");
        let next = Round { base: Some(other), state: None, ..round };
        assert_eq!(asks_for(&next, &cid, 90), Some(false));
    }
}

#[test]
fn the_model_of_a_round_at_work_is_kept_before_the_chain_has_it() {
    let cid = Cid { codec: Codec::Raw, digest: [1; 32] };
    let kept = Kept { task: 1, round: 5, what: What::Model, cid, own: true, shared: true };
    let standing = Standing { task: 1, open: [5].into(), ..Standing::default() };
    assert_eq!(standing.needs(&kept), Needed::both(true));
    let later = Standing { open: [6].into(), ..standing };
    assert_eq!(later.needs(&kept), Needed { own: false, shared: true });
}
