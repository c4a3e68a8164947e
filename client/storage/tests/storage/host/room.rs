//! Hosts that are full.

use super::{DRAWN, MIB, Running, Trainer, ask, bytes, client, kind, offset, put};
use decentralml_storage::host::{HostError, HostLimits};

#[tokio::test]
async fn a_host_without_room_says_so_and_takes_what_fits() {
    let host = Running::start_with(HostLimits::default(), Some(3 * MIB as u64)).await;
    let (large, small) = (Trainer::new(DRAWN[0]), Trainer::new(DRAWN[1]));
    let parcel = large.parcel(&bytes(8 * MIB));
    let target = host.target(&large, &parcel);
    let answer = put(&target, 0, &large.car(&parcel.cid())).await;
    assert_eq!((answer.status, kind(&answer).as_str()), (507, "full"), "{}", answer.text());
    assert!(!answer.text().contains("store is full"), "how it is started is nobody's business");
    let handed = client().hand_to(&parcel, &[target], 1, |_| {}).await;
    assert!(
        matches!(&handed.failed[..], [(_, HostError::Refused { status: 507, .. })]),
        "{handed:?}"
    );
    let data = bytes(MIB / 2);
    let parcel = small.parcel(&data);
    let handed = client().hand_to(&parcel, &[host.target(&small, &parcel)], 1, |_| {}).await;
    assert_eq!(handed.holders.len(), 1, "{handed:?}");
    assert!(host.holds(&parcel.cid(), &data));
}

#[tokio::test]
async fn what_cut_uploads_have_left_before_a_restart_makes_room_and_what_is_on_its_way_stays() {
    let host = Running::start().await;
    let (lost, halted, honest) =
        (Trainer::new(DRAWN[0]), Trainer::new(DRAWN[1]), Trainer::new(DRAWN[2]));
    let [garbage, halves, update] = [1, 2, 3].map(|salt| {
        let mut data = bytes(5 * MIB);
        data.iter_mut().step_by(1000).for_each(|byte| *byte ^= salt);
        data
    });
    let cut_off = async |host: &Running, trainer: &Trainer, data: &[u8]| {
        let parcel = trainer.parcel(data);
        let target = host.target(trainer, &parcel);
        let answer = put(&target, 0, &trainer.car(&parcel.cid())[..9 * MIB / 2]).await;
        assert_eq!(answer.status, 202, "{}", answer.text());
        (target, parcel)
    };
    cut_off(&host, &lost, &garbage).await;
    // Room for two of them, and not for what is left of a third.
    let limit = Some(10 * MIB as u64 + MIB as u64 / 2);
    let host = Running::start_in(host.stop().await, HostLimits::default(), limit).await;
    let (target, parcel) = cut_off(&host, &halted, &halves).await;
    let before = offset(&ask(&target).await);
    assert!(before > 4 * MIB as u64);
    let whole = honest.parcel(&update);
    let handed = client().hand_to(&whole, &[host.target(&honest, &whole)], 1, |_| {}).await;
    assert_eq!(handed.holders.len(), 1, "{handed:?}");
    assert!(host.holds(&whole.cid(), &update));
    assert_eq!(offset(&ask(&target).await), before, "what is on its way is not garbage");
    let rest = &halted.car(&parcel.cid())[before as usize..];
    assert_eq!(put(&target, before, rest).await.status, 201);
    assert!(host.holds(&parcel.cid(), &halves));
}
