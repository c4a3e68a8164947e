//! Many at a time.

use super::{DRAWN, MIB, Running, Trainer, bytes, client, exchange, head};
use decentralml_storage::{gateway::Limits, host::HostLimits};
use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::AsyncReadExt,
    net::{TcpSocket, TcpStream},
    time::timeout,
};

/// A connection from an address of this machine.
async fn from(source: &str, to: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(format!("{source}:0").parse().unwrap())?;
    socket.connect(to).await
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn connections_of_one_address_do_not_take_the_places_of_others() {
    let gateway =
        Limits { connections: 64, connections_per_address: 40, ..HostLimits::default().gateway };
    let host = Running::start_with(HostLimits { gateway, ..HostLimits::default() }, None).await;
    let mut open = Vec::new();
    let mut refused = 0;
    for _ in 0..400 {
        let Ok(mut stream) = from("127.0.0.9", host.addr).await else { continue };
        // Those who are too many are told at once; the others are waited for.
        if open.len() >= 40 {
            let mut answer = Vec::new();
            let _ =
                timeout(Duration::from_secs(30), stream.read_to_end(&mut answer)).await.unwrap();
            refused += 1;
            assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 503"));
        } else {
            open.push(stream);
        }
    }
    assert_eq!((open.len(), refused), (40, 360));
    let trainer = Trainer::new(DRAWN[0]);
    let parcel = trainer.parcel(&bytes(3 * MIB));
    let target = host.target(&trainer, &parcel);
    let stream = from("127.0.0.10", host.addr).await.unwrap();
    let answer = exchange(stream, head("GET", &target, "").as_bytes()).await;
    assert_eq!(answer.status, 200);
    let handed = client().hand_to(&parcel, &[target], 1, |_| {}).await;
    assert_eq!(handed.holders.len(), 1, "{handed:?}");
    drop(open);
}

#[tokio::test]
async fn connections_that_say_nothing_are_closed_and_others_get_their_places() {
    let gateway = Limits {
        connections: 16,
        connections_per_address: 16,
        header_timeout: Duration::from_millis(700),
        ..HostLimits::default().gateway
    };
    let host = Running::start_with(HostLimits { gateway, ..HostLimits::default() }, None).await;
    let mut mute = Vec::new();
    for _ in 0..200 {
        mute.push(TcpStream::connect(host.addr).await.unwrap());
    }
    let trainer = Trainer::new(DRAWN[0]);
    let parcel = trainer.parcel(&bytes(MIB));
    let targets = [host.target(&trainer, &parcel)];
    let client = client();
    let handing = client.hand_to(&parcel, &targets, 1, |_| {});
    let handed = timeout(Duration::from_secs(120), handing).await.unwrap();
    assert_eq!(handed.holders.len(), 1, "{handed:?}");
    drop(mute);
}

#[tokio::test]
async fn many_at_a_time_all_come_through() {
    let host = Running::start_with(HostLimits { uploads: 2, ..HostLimits::default() }, None).await;
    let trainers = DRAWN.map(Trainer::new);
    let parcels: Vec<_> = trainers
        .iter()
        .enumerate()
        .map(|(index, trainer)| {
            let mut data = bytes(3 * MIB);
            data.iter_mut().step_by(1000).for_each(|byte| *byte ^= index as u8);
            trainer.parcel(&data)
        })
        .collect();
    let client = client();
    let handing = trainers.iter().zip(&parcels).map(async |(trainer, parcel)| {
        let targets = [host.target(trainer, parcel)];
        client.hand_to(parcel, &targets, 1, |_| {}).await
    });
    for handed in futures::future::join_all(handing).await {
        assert_eq!(handed.holders.len(), 1, "{handed:?}");
    }
    assert_eq!(host.keeper.kept().unwrap().len(), 3);
}
