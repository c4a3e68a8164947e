#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::{claim::tests::round, convert::tests::task_spec};
use decentralml_sdk::Signer;
use decentralml_types::{Cid, Codec, spec::Custody};
use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU32, Ordering},
};

const GENESIS: Hash = [9; 32];

/// A chain of one task with one round, in which all accounts stand alike.
#[derive(Clone)]
struct Fake {
    now: Arc<AtomicU32>,
    asked: Arc<AtomicU32>,
    asked_of_accounts: Arc<AtomicU32>,
    is_lost: Arc<AtomicBool>,
    stands: Arc<Mutex<Stands>>,
}

struct Stands {
    entry: Entry,
    place: Place,
    committed: bool,
}

impl Fake {
    fn change(&self, change: impl FnOnce(&mut Stands)) {
        change(&mut self.stands.lock().unwrap());
        // What was said before is forgotten.
        self.now.fetch_add(FRESH, Ordering::SeqCst);
    }
}

impl Book for Fake {
    fn now(&self) -> Option<BlockNumber> {
        Some(self.now.load(Ordering::SeqCst)).filter(|now| *now > 0)
    }

    async fn entry(&self, task: TaskId) -> Result<Option<Entry>, ReadError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        // As long as an answer takes, others ask.
        tokio::task::yield_now().await;
        if self.is_lost.load(Ordering::SeqCst) {
            return Err(ReadError::Ended);
        }
        Ok(Some(self.stands.lock().unwrap().entry.clone()).filter(|_| task == 3))
    }

    async fn place(&self, _: TaskId, _: RoundNumber, _: &AccountId) -> Result<Place, ReadError> {
        self.asked_of_accounts.fetch_add(1, Ordering::SeqCst);
        Ok(self.stands.lock().unwrap().place)
    }

    async fn has_committed(
        &self,
        _: TaskId,
        _: RoundNumber,
        _: &AccountId,
    ) -> Result<bool, ReadError> {
        self.asked_of_accounts.fetch_add(1, Ordering::SeqCst);
        Ok(self.stands.lock().unwrap().committed)
    }
}

fn signer(uri: &str) -> Signer {
    Signer::from_uri(uri).unwrap()
}

fn clerk() -> (Fake, Clerk<Fake>) {
    let round = Round { number: 2, ..round(Phase::Training, 100) };
    let entry =
        Entry { concerns_host: true, spec: task_spec(), current: Some(2), round: Some(round) };
    let stands = Stands { entry, place: Place::Drawn(0), committed: false };
    let fake = Fake {
        now: Arc::new(50.into()),
        asked: Arc::default(),
        asked_of_accounts: Arc::default(),
        is_lost: Arc::default(),
        stands: Arc::new(Mutex::new(stands)),
    };
    let clerk = Clerk::new(fake.clone(), GENESIS, signer("//Host").account());
    (fake, clerk)
}

fn statement() -> Statement {
    Statement {
        genesis: GENESIS,
        task: 3,
        round: 2,
        account: signer("//Trainer").account().0,
        host: signer("//Host").account().0,
        cid: Cid { codec: Codec::Raw, digest: [7; 32] },
        bytes: 10,
        expires: 100,
    }
}

/// What is said to a statement that its account has signed.
async fn ask(clerk: &Clerk<Fake>, statement: &Statement) -> Result<Grant, Refusal> {
    let signature = signer("//Trainer").sign(&statement.payload());
    clerk.admit(statement, &signature).await
}

fn reason(answer: Result<Grant, Refusal>) -> String {
    match answer.unwrap_err() {
        Refusal::Denied(reason) => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_drawn_trainer_may_hand_over_what_the_task_allows_under_the_label_of_its_round() {
    let (fake, clerk) = clerk();
    let limit = task_spec().max_update_bytes;
    let grant = Grant { max_bytes: largest_car(limit), label: "3/2".into() };
    assert_eq!(ask(&clerk, &statement()).await, Ok(grant));
    assert_eq!(round_of("3/2"), Some((3, 2)));
    fake.change(|stands| stands.entry.spec.custody = Custody { hosts: 1, sealed: true });
    let sealed = ask(&clerk, &statement()).await.unwrap();
    assert_eq!(sealed.max_bytes, largest_car(max_sealed_bytes(limit)));
}

#[tokio::test]
async fn what_is_meant_for_another_chain_or_host_is_refused_without_asking_the_chain() {
    let (fake, clerk) = clerk();
    let other = Statement { genesis: [1; 32], ..statement() };
    assert!(reason(ask(&clerk, &other).await).contains("another chain"));
    let other = Statement { host: [1; 32], ..statement() };
    assert!(reason(ask(&clerk, &other).await).contains("another host"));
    assert_eq!(fake.asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_statement_holds_up_to_its_last_block_and_none_holds_for_ever() {
    let (_, clerk) = clerk();
    let expires = |expires| Statement { expires, ..statement() };
    assert!(ask(&clerk, &expires(50)).await.is_ok());
    assert_eq!(ask(&clerk, &expires(49)).await, Err(Refusal::Expired));
    assert!(ask(&clerk, &expires(50 + MAX_AHEAD)).await.is_ok());
    assert!(reason(ask(&clerk, &expires(51 + MAX_AHEAD)).await).contains("too long"));
}

#[tokio::test]
async fn a_foreign_signature_and_one_of_another_statement_are_refused_without_asking_the_chain() {
    let (fake, clerk) = clerk();
    let statement = statement();
    let mallory = signer("//Mallory").sign(&statement.payload());
    let other = Statement { bytes: 11, ..statement.clone() };
    let earlier = signer("//Trainer").sign(&other.payload());
    for signature in [&mallory[..], &earlier, &[], &[0; 64], &[0; 65]] {
        assert_eq!(clerk.admit(&statement, signature).await, Err(Refusal::Signature));
    }
    assert_eq!(fake.asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn who_was_not_drawn_hands_over_nothing() {
    let (fake, clerk) = clerk();
    fake.change(|stands| stands.place = Place::NotDrawn);
    assert!(reason(ask(&clerk, &statement()).await).contains("not drawn"));
    for unknown in [Place::SeedUnknown, Place::NotOpen] {
        fake.change(|stands| stands.place = unknown);
        assert!(matches!(ask(&clerk, &statement()).await, Err(Refusal::NotReady(_))));
    }
}

#[tokio::test]
async fn updates_come_while_the_round_may_need_them() {
    let (fake, clerk) = clerk();
    for phase in [Phase::Revealing, Phase::Scoring] {
        for committed in [false, true] {
            fake.change(|stands| {
                stands.entry.round = Some(Round { number: 2, ..round(phase, 200) });
                // The draw of the trainers is closed by then.
                (stands.place, stands.committed) = (Place::NotOpen, committed);
            });
            assert_eq!(ask(&clerk, &statement()).await.is_ok(), committed, "{phase:?}");
        }
    }
    for phase in [Phase::Verdict, Phase::Aggregating, Phase::Settled, Phase::Void] {
        fake.change(|stands| {
            stands.entry.round = Some(Round { number: 2, ..round(phase, 200) });
        });
        assert!(reason(ask(&clerk, &statement()).await).contains("no updates any more"));
    }
    fake.change(|stands| stands.entry.current = Some(3));
    assert!(reason(ask(&clerk, &statement()).await).contains("over"));
    fake.change(|stands| stands.entry.current = Some(1));
    assert!(matches!(ask(&clerk, &statement()).await, Err(Refusal::NotReady(_))), "it may come");
}

#[tokio::test]
async fn other_tasks_are_none_of_this_hosts_business() {
    let (fake, clerk) = clerk();
    let unknown = Statement { task: 4, ..statement() };
    assert!(reason(ask(&clerk, &unknown).await).contains("no task 4"));
    fake.change(|stands| stands.entry.concerns_host = false);
    assert!(reason(ask(&clerk, &statement()).await).contains("keeps no updates"));
}

#[tokio::test]
async fn the_chain_is_asked_once_for_many_requests_and_again_some_blocks_later() {
    let (fake, clerk) = clerk();
    for _ in 0..10 {
        ask(&clerk, &statement()).await.unwrap();
    }
    assert_eq!(fake.asked.load(Ordering::SeqCst), 1);
    fake.now.fetch_add(FRESH, Ordering::SeqCst);
    ask(&clerk, &statement()).await.unwrap();
    assert_eq!(fake.asked.load(Ordering::SeqCst), 2);
    // A chain that is out of sight says nothing, and a host then knows nothing.
    fake.now.store(0, Ordering::SeqCst);
    assert!(matches!(ask(&clerk, &statement()).await, Err(Refusal::NotReady(_))));
}

#[tokio::test]
async fn a_hundred_strangers_have_the_chain_asked_about_their_task_once() {
    let (fake, clerk) = clerk();
    let strangers = async |task, round| {
        for number in 0..100 {
            let stranger = signer(&format!("//Stranger/{number}"));
            let statement = Statement { task, round, account: stranger.account().0, ..statement() };
            let signature = stranger.sign(&statement.payload());
            assert!(clerk.admit(&statement, &signature).await.is_err());
        }
        let asked = fake.asked.swap(0, Ordering::SeqCst);
        (asked, fake.asked_of_accounts.swap(0, Ordering::SeqCst))
    };
    // A task that there is not, rounds that are over or to come, a task that is none of this host's, a round that takes no more.
    assert_eq!(strangers(4, 2).await, (1, 0));
    assert_eq!(strangers(3, 1).await, (1, 0));
    assert_eq!(strangers(3, 9).await, (0, 0), "it is known from before");
    fake.change(|stands| stands.entry.concerns_host = false);
    assert_eq!(strangers(3, 2).await, (1, 0));
    fake.change(|stands| {
        stands.entry.concerns_host = true;
        stands.entry.round = Some(Round { number: 2, ..round(Phase::Verdict, 200) });
    });
    assert_eq!(strangers(3, 2).await, (1, 0));
    // Where updates come, each account is looked up, and the task once.
    fake.change(|stands| {
        stands.entry.round = Some(Round { number: 2, ..round(Phase::Training, 200) });
        stands.place = Place::NotDrawn;
    });
    assert_eq!(strangers(3, 2).await, (1, 100));
}

#[tokio::test]
async fn strangers_that_ask_at_the_same_time_have_the_chain_asked_once_a_block_even_if_it_is_lost()
{
    let (fake, clerk) = clerk();
    let crowd = async || {
        let requests = (0..50).map(async |number| {
            let stranger = signer(&format!("//Stranger/{number}"));
            let statement = Statement { task: 4, account: stranger.account().0, ..statement() };
            clerk.admit(&statement, &stranger.sign(&statement.payload())).await.unwrap_err()
        });
        let refusals = futures::future::join_all(requests).await;
        (fake.asked.swap(0, Ordering::SeqCst), refusals)
    };
    let (asked, refusals) = crowd().await;
    assert_eq!(asked, 1);
    assert!(refusals.iter().all(|refusal| matches!(refusal, Refusal::Denied(_))));
    fake.is_lost.store(true, Ordering::SeqCst);
    fake.now.fetch_add(FRESH, Ordering::SeqCst);
    let (asked, refusals) = crowd().await;
    assert_eq!(asked, 1, "not by each that waited");
    assert!(refusals.iter().all(|refusal| matches!(refusal, Refusal::NotReady(_))));
    fake.is_lost.store(false, Ordering::SeqCst);
    assert_eq!(crowd().await.0, 0, "the next block brings it");
    fake.now.fetch_add(1, Ordering::SeqCst);
    let (asked, refusals) = crowd().await;
    assert_eq!(asked, 1);
    assert!(refusals.iter().all(|refusal| matches!(refusal, Refusal::Denied(_))));
}

#[tokio::test]
async fn a_request_of_the_last_block_has_nothing_read_again_and_a_chain_set_back_has() {
    let (fake, clerk) = clerk();
    for (now, asked) in [(50, 1), (51, 1), (50, 0), (51, 0), (20, 1)] {
        clerk.entry(3, now).await.unwrap();
        assert_eq!(fake.asked.swap(0, Ordering::SeqCst), asked, "at block {now}");
    }
}
