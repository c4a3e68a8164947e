//! What works.

use super::{DRAWN, MIB, Running, Trainer, ask, bytes, client, kind, put, support, target};
use decentralml_storage::host::{Handing, HostError, HostLimits};

#[tokio::test]
async fn an_update_is_handed_to_as_many_hosts_as_are_wanted() {
    let (a, b, c) = (Running::start().await, Running::start().await, Running::start().await);
    let trainer = Trainer::new(DRAWN[0]);
    let data = bytes(5 * MIB + 3);
    let parcel = trainer.parcel(&data);
    let targets = [&a, &b, &c].map(|host| host.target(&trainer, &parcel));
    let mut seen: Vec<Handing> = Vec::new();
    let handed = client().hand_to(&parcel, &targets, 2, |now| seen.push(now)).await;
    assert_eq!((handed.holders.len(), handed.failed.len()), (2, 0), "{handed:?}");
    assert_eq!(handed.unneeded.len(), 1);
    for host in [&a, &b, &c] {
        let url = format!("http://{}", host.addr);
        if handed.holders.iter().any(|holder| holder.as_str() == url) {
            assert!(host.holds(&parcel.cid(), &data));
            // The same address gives it to those who score it.
            let path = format!("/ipfs/{}", parcel.cid());
            let whole = support::http(host.addr, "GET", &path, "", b"").await;
            assert!(whole.body == data);
        }
    }
    let last = seen.last().unwrap();
    assert_eq!((last.done, last.total, last.holders), (last.total, 2 * parcel.bytes(), 2));
    assert!(seen.is_sorted_by_key(|now| now.done), "{seen:?}");
    assert!(seen.iter().any(|now| now.holders < 2));

    // Once more costs nothing, and all three are fine as well.
    let handed = client().hand_to(&parcel, &targets, 3, |_| {}).await;
    assert_eq!(handed.holders.len(), 3, "{handed:?}");
    assert!(a.holds(&parcel.cid(), &data) && b.holds(&parcel.cid(), &data));
    assert!(c.holds(&parcel.cid(), &data));
}

#[tokio::test]
async fn small_and_empty_files_are_handed_over() {
    let host = Running::start().await;
    for (index, data) in [&b""[..], b"x"].into_iter().enumerate() {
        let trainer = Trainer::new(DRAWN[index]);
        let parcel = trainer.parcel(data);
        let targets = [host.target(&trainer, &parcel)];
        let handed = client().hand_to(&parcel, &targets, 1, |_| {}).await;
        assert_eq!(handed.holders.len(), 1, "{handed:?}");
        assert!(host.holds(&parcel.cid(), data));
    }
}

#[tokio::test]
async fn what_is_kept_goes_when_its_label_is_released_and_not_before() {
    let host = Running::start().await;
    let (trainer, other) = (Trainer::new(DRAWN[0]), Trainer::new(DRAWN[1]));
    let data = bytes(2 * MIB);
    let parcel = trainer.parcel(&data);
    let cid = parcel.cid();
    let targets = [host.target(&trainer, &parcel)];
    assert_eq!(client().hand_to(&parcel, &targets, 1, |_| {}).await.holders.len(), 1);
    // Another one, of which only a part has come.
    let mut data_of_other = bytes(3 * MIB);
    data_of_other.reverse();
    let part = other.parcel(&data_of_other);
    let car = other.car(&part.cid());
    let target_of_other = host.target(&other, &part);
    let answer = put(&target_of_other, 0, &car[..2 * MIB]).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    let there = offset(&answer);
    assert!(there > MIB as u64);

    host.store.gc(|_| {}).unwrap();
    assert!(host.holds(&cid, &data));
    assert_eq!(super::offset(&ask(&target_of_other).await), there, "a part is safe, too");

    // It is found again after a restart, of the part what has not been collected.
    let account = host.account;
    let host = Running::start_in(host.stop().await, HostLimits::default(), None).await;
    assert_ne!(host.account, account);
    assert_eq!(host.keeper.labels().unwrap(), ["5/6".to_owned()].into());
    assert!(host.holds(&cid, &data));
    assert_eq!(super::offset(&ask(&host.target(&other, &part)).await), there);

    assert_eq!(host.keeper.release("5/7").unwrap(), 0);
    assert_eq!(host.keeper.release("5/6").unwrap(), 1);
    host.store.gc(|_| {}).unwrap();
    assert_eq!(host.store.stat().unwrap().blocks, 0);
    assert!(host.keeper.labels().unwrap().is_empty());
}

/// Of any success.
fn offset(answer: &support::Answer) -> u64 {
    answer.json()["offset"].as_u64().unwrap()
}

#[tokio::test]
async fn a_list_of_hosts_is_held_against_what_is_handed_over() {
    let host = Running::start().await;
    let trainer = Trainer::new(DRAWN[0]);
    let (parcel, other) = (trainer.parcel(b"update"), trainer.parcel(b"another"));
    let good = host.target(&trainer, &parcel);
    let mut same_account = good.clone();
    same_account.url = "http://127.0.0.1:9".parse().unwrap();
    let mut smaller = trainer.statement([1; 32], &parcel);
    smaller.bytes -= 1;
    let targets = [
        good.clone(),
        good.clone(),
        same_account,
        target("http://127.0.0.1:10", trainer.statement([2; 32], &other)),
        target("http://127.0.0.1:11", smaller),
    ];
    let handed = client().hand_to(&parcel, &targets, 5, |_| {}).await;
    assert_eq!(handed.holders.len(), 1);
    let errors: Vec<_> = handed.failed.into_iter().map(|(_, error)| error).collect();
    let (twice, statement) = (HostError::Twice, HostError::Statement);
    assert_eq!(errors, [twice, statement.clone(), statement]);
    let elsewhere = ["http://127.0.0.1:9".parse().unwrap()];
    assert_eq!(handed.unneeded, elsewhere, "one place of an account is enough");
    let none = client().hand_to(&parcel, &[], 2, |_| {}).await;
    assert_eq!((none.holders.len(), none.failed.len()), (0, 0));
}

#[tokio::test]
async fn head_says_the_same_as_get() {
    let host = Running::start().await;
    let trainer = Trainer::new(DRAWN[0]);
    let parcel = trainer.parcel(&bytes(MIB + 1));
    let target = host.target(&trainer, &parcel);
    for (offset, complete) in [(0, "?0"), (parcel.bytes(), "?1")] {
        let request = super::head("HEAD", &target, "");
        let answer = super::exchange(super::connect(&target).await, request.as_bytes()).await;
        assert_eq!((answer.status, answer.body.len()), (200, 0));
        assert_eq!(answer.header("upload-offset"), Some(offset.to_string().as_str()));
        assert_eq!(answer.header("upload-complete"), Some(complete));
        let limit = format!("max-size={}", parcel.bytes());
        assert_eq!(answer.header("upload-limit"), Some(limit.as_str()));
        let car = trainer.car(&parcel.cid());
        if offset == 0 {
            assert_eq!(put(&target, 0, &car).await.status, 201);
        }
    }
    let wrong = put(&host.target(&trainer, &trainer.parcel(b"x")), 5, b"").await;
    assert_eq!((wrong.status, kind(&wrong).as_str()), (409, "offset"));
    assert_eq!(wrong.header("upload-offset"), Some("0"));
}
