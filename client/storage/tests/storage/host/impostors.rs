//! Announcements are what anybody says: hosts that are named by others, one machine behind several names, accounts at several places.

use super::{DRAWN, Running, Trainer, bytes, client, target};
use decentralml_storage::host::{HostError, Parcel, Target};
use std::sync::Arc;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

/// A target of any account at any place.
fn named(url: &str, account: [u8; 32], trainer: &Trainer, parcel: &Arc<Parcel>) -> Target {
    target(url, trainer.statement(account, parcel))
}

/// A machine that says of everything that it holds it, whoever is said to be its owner.
async fn boaster() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let (mut request, mut buffer) = (Vec::new(), [0; 1024]);
                while !request.windows(4).any(|window| window == b"\r\n\r\n") {
                    match stream.read(&mut buffer).await {
                        Ok(read @ 1..) => request.extend_from_slice(&buffer[..read]),
                        _ => return,
                    }
                }
                let body = r#"{"offset":0,"complete":true}"#;
                let head = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length:";
                let answer = format!("{head} {}\r\n\r\n{body}", body.len());
                let _ = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    url
}

#[tokio::test]
async fn an_account_that_announces_the_url_of_another_does_not_displace_it() {
    let honest = Running::start().await;
    let trainer = Trainer::new(DRAWN[0]);
    let data = bytes(100_000);
    let parcel = trainer.parcel(&data);
    let url = format!("http://{}", honest.addr);
    let mut targets: Vec<_> =
        (1..=5).map(|who| named(&url, [who; 32], &trainer, &parcel)).collect();
    // Another spelling of the same place.
    targets.push(named(&format!("{url}/"), [6; 32], &trainer, &parcel));
    targets.push(honest.target(&trainer, &parcel));

    let handed = client().hand_to(&parcel, &targets, 2, |_| {}).await;
    assert_eq!(handed.holders, [url.parse().unwrap()], "{handed:?}");
    assert_eq!(handed.failed.len(), 6, "each costs one attempt: {handed:?}");
    for (_, error) in &handed.failed {
        assert!(matches!(error, HostError::Refused { status: 403, .. }), "{error:?}");
    }
    assert!(honest.holds(&parcel.cid(), &data));
}

#[tokio::test]
async fn one_machine_behind_many_accounts_counts_once() {
    let (boaster, honest) = (boaster().await, Running::start().await);
    let trainer = Trainer::new(DRAWN[0]);
    let data = bytes(100_000);
    let parcel = trainer.parcel(&data);
    let mut targets: Vec<_> =
        (1..=5).map(|who| named(&boaster, [who; 32], &trainer, &parcel)).collect();
    targets.push(honest.target(&trainer, &parcel));
    let handed = client().hand_to(&parcel, &targets, 2, |_| {}).await;
    assert_eq!(handed.holders.len(), 2, "{handed:?}");
    assert!(honest.holds(&parcel.cid(), &data));
    let handed = client().hand_to(&parcel, &targets, 3, |_| {}).await;
    assert_eq!((handed.holders.len(), handed.failed.len()), (2, 0), "{handed:?}");
    assert_eq!(handed.unneeded.len(), 4, "{handed:?}");
}

#[tokio::test]
async fn an_account_with_several_places_counts_once_and_each_is_tried_until_one_holds_it() {
    let (honest, other) = (Running::start().await, Running::start().await);
    let trainer = Trainer::new(DRAWN[0]);
    let data = bytes(100_000);
    let parcel = trainer.parcel(&data);
    let mut dead = honest.target(&trainer, &parcel);
    dead.url = "http://127.0.0.1:9".parse().unwrap();
    let targets = [dead, other.target(&trainer, &parcel), honest.target(&trainer, &parcel)];
    let handed = client().hand_to(&parcel, &targets, 2, |_| {}).await;
    assert_eq!(handed.holders.len(), 2, "{handed:?}");
    assert!(honest.holds(&parcel.cid(), &data) && other.holds(&parcel.cid(), &data));
    // The same account at a place that boasts, besides: it is one holder.
    let mut again = honest.target(&trainer, &parcel);
    again.url = boaster().await.parse().unwrap();
    let targets = [again, honest.target(&trainer, &parcel)];
    let handed = client().hand_to(&parcel, &targets, 2, |_| {}).await;
    assert_eq!((handed.holders.len(), handed.unneeded.len()), (1, 1), "{handed:?}");
}
