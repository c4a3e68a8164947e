#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::{
    fs,
    future::pending,
    sync::atomic::{AtomicUsize, Ordering},
};

use decentralml_learning::{Encoding, Update, Weights};
use decentralml_sdk::{
    AccountId, Handover, Signer,
    encryption::{self},
};
use decentralml_storage::{self as storage, Block, Store};
use decentralml_types::{Cid, Codec, Hash};

use super::{
    attempt::{blame, keep},
    *,
};
use crate::{
    model::tests::store,
    sealed::{seal_update, secrets},
    state::StateError,
};

fn small() -> (Arc<ModelSpec>, Encoding) {
    (Arc::new(ModelSpec::mlp(4, &[3], 2)), Encoding::new(16, 6, 100).unwrap())
}

fn reveal(index: u32, cid: Cid, sealed: Option<(Hash, Option<Cid>)>) -> Reveal {
    let (plain_hash, keys) = sealed.map_or((None, None), |(hash, keys)| (Some(hash), keys));
    let handover = keys.map(|keys| Handover { committee: 0, keys });
    let account = AccountId::from([index as u8; 32]);
    Reveal { index, committed: index, account, cid, plain_hash, samples: 1, handover }
}

fn absent(name: &[u8]) -> Cid {
    Block::new(Codec::Raw, name.to_vec()).cid()
}

fn is(got: &Got, opinion: Opinion) -> bool {
    matches!(got, Got::Faulty(found) if *found == opinion)
}

#[test]
fn what_is_kept_is_what_was_checked_and_a_full_disk_is_nobodys_fault() {
    let folder = tempfile::tempdir().unwrap();
    let (spec, encoding) = small();
    let (base, trained) = (Weights::init(&spec, [1; 32]), Weights::init(&spec, [2; 32]));
    let update = Update::from_delta(&base, &trained, encoding).unwrap();
    let bytes = update.to_bytes();

    let file =
        keep(&bytes, &spec, &Wire::plain(encoding), &folder.path().join("a")).unwrap().unwrap();
    let mut values = vec![0; update.values().len()];
    file.read(0, &mut values).unwrap();
    assert_eq!(values, update.values());

    let path = folder.path().join("b");
    assert!(keep(&bytes[1..], &spec, &Wire::plain(encoding), &path).unwrap().is_err());
    assert!(!path.exists(), "nothing malformed is kept");
    let nowhere = folder.path().join("gone/c");
    assert!(matches!(
        keep(&bytes, &spec, &Wire::plain(encoding), &nowhere),
        Err(StateError::Io { .. })
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotten_disk_is_nobodys_fault_and_a_dag_that_lies_is_its_makers() {
    let (folder, store, storage) = store().await;
    let (spec, encoding) = small();
    let bytes = Update::zero(&spec, encoding).to_bytes();
    let secrets = Arc::default();
    let deadline = Instant::now() + Duration::from_secs(60);
    let reading = Reading {
        limit: 1 << 20,
        deadline,
        spec: &spec,
        wire: Wire::plain(encoding),
        secrets: &secrets,
    };
    let fetch = async |cid: Cid, name: &str| {
        reading.one(&storage, &reveal(0, cid, None), folder.path().join(name)).await
    };

    let cid = storage.add(bytes.clone()).await.unwrap().cid;
    let name: String = cid.digest.iter().map(|byte| format!("{byte:02x}")).collect();
    fs::write(store.path().join("blocks").join(&name[..2]).join(&name), b"rotten").unwrap();
    let error = fetch(cid, "a").await.unwrap_err();
    assert!(matches!(error, WorkerError::Storage(_)), "{error:?}");
    storage.add(bytes).await.unwrap();
    assert!(matches!(fetch(cid, "b").await.unwrap(), Got::Update(_)), "healed within the phase");

    // A root that gives its one leaf of three bytes as one of two.
    let leaf = Block::new(Codec::Raw, &b"abc"[..]);
    let mut root = vec![0x12, 38, 0x0a, 36, 1, 0x55, 0x12, 32];
    root.extend_from_slice(&leaf.cid().digest);
    root.extend_from_slice(&[0x0a, 6, 8, 2, 0x18, 2, 0x20, 2]);
    let root = Block::new(Codec::DagPb, root);
    for block in [&leaf, &root] {
        store.put(block).unwrap();
    }
    assert!(is(&fetch(root.cid(), "c").await.unwrap(), Opinion::Malformed));
    assert!(matches!(fetch(absent(b"never stored"), "d").await.unwrap(), Got::Absent));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_update_is_read_with_its_key_and_every_way_to_miss_it_has_its_name() {
    let (folder, _store, storage) = store().await;
    let (spec, encoding) = small();
    let plain = Update::zero(&spec, encoding).to_bytes();
    let [trainer, seat] = ["//T1", "//E1"].map(|uri| Signer::from_uri(uri).unwrap());
    let key = |signer: &Signer| encryption::derive(signer, 0).public();
    let (ciphertext, kept) = seal_update(&plain, &key(&trainer)).unwrap();
    let envelope = kept.for_seats(&trainer, &[key(&seat)]).unwrap();
    let (other, _) = seal_update(b"no update", &key(&trainer)).unwrap();
    let mut cids = Vec::new();
    for bytes in [ciphertext, envelope, other, vec![0; 5_000]] {
        cids.push(storage.add(bytes).await.unwrap().cid);
    }
    let [cid, keys, other, long] = cids[..] else { unreachable!() };
    let never = absent(b"never stored");

    let fetch = async |who: &Signer, cid, hash, keys, limit: usize| {
        let secrets = secrets(who).into();
        let deadline = Instant::now() + Duration::from_secs(60);
        let limit = limit as u64;
        let reading = Reading {
            limit,
            deadline,
            spec: &spec,
            wire: Wire::plain(encoding),
            secrets: &secrets,
        };
        let reveal = reveal(0, cid, Some((hash, keys)));
        reading.one(&storage, &reveal, folder.path().join("update")).await.unwrap()
    };
    let (hash, length) = (kept.plain_hash, plain.len());
    assert!(matches!(fetch(&seat, cid, hash, Some(keys), length).await, Got::Update(_)));
    for no_key in [None, Some(long), Some(other)] {
        let found = fetch(&seat, cid, hash, no_key, length).await;
        assert!(is(&found, Opinion::Unavailable), "{no_key:?}");
    }
    let outsider = fetch(&trainer, cid, hash, Some(keys), length).await;
    assert!(is(&outsider, Opinion::Unavailable));
    for (cid, keys) in [(never, keys), (cid, never)] {
        let missing = fetch(&seat, cid, hash, Some(keys), length).await;
        assert!(matches!(missing, Got::Absent), "it may come: {missing:?}");
    }
    for (cid, hash, limit) in [
        (other, hash, length),
        (long, hash, length),
        (cid, [0; 32], length),
        (cid, hash, length - 1),
    ] {
        let found = fetch(&seat, cid, hash, Some(keys), limit).await;
        assert!(is(&found, Opinion::Malformed));
    }
}

#[test]
fn a_store_that_is_down_is_not_a_trainers_fault() {
    use storage::Error;
    let cid = Cid { codec: Codec::Raw, digest: [0; 32] };
    let url = || "http://127.0.0.1:5001".to_owned();
    let missing = Error::NotFound { cid, others: String::new() };
    assert!(matches!(blame(&missing), Some(Got::Absent)));
    assert!(is(&blame(&Error::TooLarge { cid, limit: 1 }).unwrap(), Opinion::Malformed));
    let wrong = Error::Mismatch { url: url(), cid, reason: String::new() };
    assert!(blame(&wrong).is_none());
    assert!(blame(&Error::Unavailable { cid, reason: String::new() }).is_none());
    assert!(blame(&Error::Unreachable { url: url(), reason: String::new() }).is_none());
    let silent =
        Error::Timeout { url: url(), command: "block/get", seconds: 30.0, others: String::new() };
    assert!(blame(&silent).is_none());
}

/// A store in which something appears at an attempt; it counts how often each update is asked for.
struct Late {
    storage: Storage,
    store: Arc<Store>,
    appears: (usize, Vec<u8>),
    asked: [AtomicUsize; 3],
}

impl Places for Late {
    async fn of(&self, reveal: &Reveal, attempt: usize) -> Storage {
        self.asked[reveal.index as usize].fetch_add(1, Ordering::SeqCst);
        if attempt == self.appears.0 {
            self.store.add(self.appears.1.as_slice(), false).unwrap();
        }
        self.storage.clone()
    }

    fn over(&self) -> impl Future<Output = ()> + Send {
        pending()
    }
}

/// What becomes of an update that appears at the second attempt, of one that never does, and of one that is there, fetched one after the
/// other within `patience`; and how often each was asked for.
async fn gathered(patience: Duration) -> (Vec<Found>, [usize; 3]) {
    let (folder, store, storage) = store().await;
    let (spec, encoding) = small();
    let late = Update::zero(&spec, encoding).to_bytes();
    let there = Weights::init(&spec, [1; 32]);
    let there = Update::from_delta(&Weights::init(&spec, [2; 32]), &there, encoding).unwrap();
    let cids = [
        decentralml_storage::unixfs::canonical_cid(&late),
        absent(b"never"),
        storage.add(there.to_bytes()).await.unwrap().cid,
    ];
    let reveals: Vec<_> = (0..).zip(cids).map(|(index, cid)| reveal(index, cid, None)).collect();
    let scratch = folder.path().join("scratch");
    fs::create_dir(&scratch).unwrap();
    let mut fetched = Fetched::open(scratch, 1).unwrap();
    let places = Late { storage, store, appears: (1, late), asked: Default::default() };
    let (secrets, deadline) = (Arc::default(), Instant::now() + patience);
    let reading = Reading {
        limit: 1 << 20,
        deadline,
        spec: &spec,
        wire: Wire::plain(encoding),
        secrets: &secrets,
    };
    let found = gather(&places, &reading, &mut fetched, &reveals, 1).await.unwrap().unwrap();
    // What was had is not fetched again.
    let mut asked = places.asked.map(AtomicUsize::into_inner);
    asked[1] = asked[1].min(2);
    (found, asked)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_was_away_for_a_moment_costs_no_honest_trainer_its_bond() {
    let (found, asked) = gathered(Duration::from_secs(8)).await;
    assert!(found[0].is_ok(), "{found:?}");
    assert_eq!(*found[1].as_ref().unwrap_err(), Opinion::Unavailable);
    assert!(found[2].is_ok(), "{found:?}");
    assert_eq!(asked, [2, 2, 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_time_is_over_what_is_absent_is_unavailable_and_the_rest_was_fetched() {
    let (found, asked) = gathered(Duration::from_millis(900)).await;
    assert_eq!(*found[0].as_ref().unwrap_err(), Opinion::Unavailable);
    assert!(found[2].is_ok(), "absent ones take the time of no other: {found:?}");
    assert_eq!(asked, [1, 1, 1]);
}

#[test]
fn pauses_grow_and_shrink_again_towards_the_deadline() {
    let seconds = Duration::from_secs;
    assert_eq!(pause(0, seconds(600)), Some(seconds(1)));
    assert_eq!(pause(3, seconds(600)), Some(seconds(8)));
    assert_eq!(pause(usize::MAX, seconds(600)), Some(seconds(30)));
    assert_eq!(pause(9, seconds(10)), Some(seconds(5)));
    assert_eq!(pause(9, Duration::from_millis(999)), None);
    // However long a phase is, it ends after a number of attempts.
    let (mut left, mut attempts) = (seconds(3600), 0);
    while let Some(pause) = pause(attempts, left) {
        (left, attempts) = (left - pause, attempts + 1);
    }
    assert!(attempts < 150, "{attempts}");
}
