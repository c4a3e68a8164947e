//! Hosts that are not what they ought to be: the honest ones hold the update in the end, and of the others it is said what they
//! did.

use super::{DRAWN, MIB, Running, Trainer, bytes, client, target};
use decentralml_storage::host::{HandSettings, HostClient, HostError, Target};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::{sleep, timeout},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    Dead,
    /// It takes connections and says nothing.
    Mute,
    Refuses,
    /// It only gives: it knows of no updates.
    Gateway,
    Busy,
    /// An answer that has no end.
    Endless,
    NoJson,
    /// An offset in the middle of a block.
    OddOffset,
    /// A redirect, to where the authorization is not to go.
    Sends,
    /// It begins to take the update and stops, or takes a byte now and then.
    StopsReading,
    Drips,
    /// It cuts every upload.
    Cuts,
    /// It reads everything and says nothing.
    Swallows,
}

const OFFSET: &str = r#"{"offset":0,"complete":false}"#;

fn said(status: &str, body: &str) -> String {
    // Each request comes on a connection of its own.
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}")
}

async fn serve(manner: Manner, mut stream: TcpStream) -> Option<()> {
    let mut request = Vec::new();
    let mut buffer = [0; 1024];
    while !request.windows(4).any(|window| window == b"\r\n\r\n") {
        let read = stream.read(&mut buffer).await.ok().filter(|read| *read > 0)?;
        request.extend_from_slice(&buffer[..read]);
    }
    let mut write = async |text: String| stream.write_all(text.as_bytes()).await.ok();
    match manner {
        Manner::Dead => return None,
        Manner::Mute => sleep(Duration::from_secs(600)).await,
        Manner::Refuses => {
            write(said("403 Forbidden", r#"{"error":"denied","message":"not \u001b[2J drawn"}"#))
                .await?;
        }
        Manner::Gateway => write(said("404 Not Found", "404 page not found")).await?,
        Manner::Busy => write(said("503 Busy", r#"{"error":"busy","message":"later"}"#)).await?,
        Manner::NoJson => write(said("200 OK", "<html>")).await?,
        Manner::OddOffset => write(said("200 OK", r#"{"offset":77777}"#)).await?,
        Manner::Sends => {
            let head = "HTTP/1.1 307 Moved\r\nLocation: http://127.0.0.1:1/\r\n";
            write(format!("{head}Content-Length: 0\r\n\r\n")).await?;
        }
        Manner::Endless => {
            write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".into()).await?;
            loop {
                write(format!("1000\r\n{}\r\n", " ".repeat(4096))).await?;
            }
        }
        Manner::StopsReading | Manner::Drips | Manner::Cuts | Manner::Swallows => match manner {
            _ if request.starts_with(b"GET") => write(said("200 OK", OFFSET)).await?,
            Manner::Cuts => return None,
            Manner::StopsReading => sleep(Duration::from_secs(600)).await,
            Manner::Drips => loop {
                stream.read_exact(&mut buffer[..1]).await.ok()?;
                sleep(Duration::from_millis(50)).await;
            },
            _ => while stream.read(&mut buffer).await.ok()? > 0 {},
        },
    }
    // Time for it to be read before the connection is closed.
    while stream.read(&mut buffer).await.ok()? > 0 {}
    Some(())
}

async fn start(manner: Manner) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    if manner != Manner::Dead {
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(manner, stream));
            }
        });
    }
    url
}

#[tokio::test]
async fn an_honest_host_behind_any_number_of_others_gets_the_update() {
    use Manner::*;
    let honest = Running::start().await;
    let trainer = Trainer::new(DRAWN[0]);
    // More than fits into what the systems on the way hold.
    let data = bytes(24 * MIB);
    let parcel = trainer.parcel(&data);
    let manners = [
        Dead,
        Refuses,
        Gateway,
        Busy,
        Endless,
        NoJson,
        OddOffset,
        Sends,
        StopsReading,
        Drips,
        Cuts,
        Mute,
        Swallows,
    ];
    let mut targets: Vec<Target> = Vec::new();
    for (index, manner) in manners.into_iter().enumerate() {
        targets.push(target(&start(manner).await, trainer.statement([index as u8; 32], &parcel)));
    }
    targets.push(honest.target(&trainer, &parcel));
    let client = HostClient::new(HandSettings {
        attempts: 2,
        first_pause: Duration::from_millis(50),
        step_timeout: Duration::from_secs(2),
        answer_timeout: Duration::from_secs(6),
        ..HandSettings::default()
    });
    let handing = client.hand_to(&parcel, &targets, targets.len(), |_| {});
    let handed = timeout(Duration::from_secs(300), handing).await.expect("it ends");
    assert_eq!(handed.holders, [targets[manners.len()].url.clone()]);
    assert!(honest.holds(&parcel.cid(), &data));
    for (target, manner) in targets.iter().zip(manners) {
        let (_, error) = handed.failed.iter().find(|(url, _)| *url == target.url).unwrap();
        let expected = match (manner, error) {
            (Dead | Cuts, HostError::Unreachable(_)) => true,
            (Refuses, HostError::Refused { status: 403, kind, message }) => {
                kind == "denied" && message == "not [2J drawn"
            }
            (Gateway, HostError::NoHost { status: 404 }) => true,
            (Busy, HostError::Busy { message, .. }) => message == "later",
            (Endless | NoJson | OddOffset | Sends, HostError::Protocol(_)) => true,
            (Mute | StopsReading | Drips | Swallows, HostError::Stalled { .. }) => true,
            _ => false,
        };
        assert!(expected, "{manner:?}: {error:?}");
    }
}

#[tokio::test]
async fn one_bad_host_costs_nothing_where_there_is_a_good_one() {
    for manner in [Manner::Mute, Manner::Drips, Manner::Swallows, Manner::Busy] {
        let honest = Running::start().await;
        let trainer = Trainer::new(DRAWN[0]);
        let parcel = trainer.parcel(&bytes(2 * MIB));
        let bad = target(&start(manner).await, trainer.statement([1; 32], &parcel));
        let targets = [bad, honest.target(&trainer, &parcel)];
        let handed = client().hand_to(&parcel, &targets, 1, |_| {}).await;
        assert_eq!(handed.holders, [targets[1].url.clone()], "{manner:?}");
        assert_eq!((handed.failed.len(), handed.unneeded.len()), (0, 1), "{handed:?}");
    }
}

#[tokio::test]
async fn a_block_that_is_lost_here_is_not_blamed_on_a_host() {
    let host = Running::start().await;
    let trainer = Trainer::new(DRAWN[0]);
    let data = bytes(4 * MIB);
    let parcel = trainer.parcel(&data);
    let lost = decentralml_storage::unixfs::canonical_cid(&data[2 * MIB..3 * MIB]);
    std::fs::remove_file(crate::support::block_file(trainer.store.path(), &lost)).unwrap();
    let targets = [host.target(&trainer, &parcel)];
    let handed = client().hand_to(&parcel, &targets, 1, |_| {}).await;
    assert!(matches!(&handed.failed[..], [(_, HostError::Source(_))]), "{handed:?}");
}
