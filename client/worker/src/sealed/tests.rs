#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
use super::*;
use decentralml_sdk::{AccountId, encryption::GENERATIONS};
use decentralml_types::{Cid, Codec};

fn signer(uri: &str) -> Signer {
    Signer::from_uri(uri).unwrap()
}

fn key(signer: &Signer, generation: u32) -> PublicKey {
    encryption::derive(signer, generation).public()
}

const PLAIN: &[u8] = b"what a trainer has learned";

/// A sealed update of a trainer, and the envelope for these seats.
fn handed(seats: &[PublicKey]) -> (Vec<u8>, SealedUpdate, Vec<u8>) {
    let trainer = signer("//T1");
    let (ciphertext, kept) = seal_update(PLAIN, &key(&trainer, 0)).unwrap();
    let envelope = kept.for_seats(&trainer, seats).unwrap();
    (ciphertext, kept, envelope)
}

#[test]
fn the_key_survives_on_disk_without_being_told_and_is_handed_over_again_to_another_committee() {
    let [trainer, seat, other] = ["//T1", "//E1", "//E2"].map(signer);
    let (ciphertext, kept) = seal_update(PLAIN, &key(&trainer, 3)).unwrap();
    let json = serde_json::to_string(&kept).unwrap();
    assert!(!json.contains("AGE-SECRET-KEY"), "{json}");
    let kept: SealedUpdate = serde_json::from_str(&json).unwrap();
    for seat in [seat, other] {
        let envelope = kept.for_seats(&trainer, &[key(&seat, 0)]).unwrap();
        let opened = open_update(&ciphertext, &envelope, &secrets(&seat), kept.plain_hash, 1 << 20);
        assert_eq!(opened.unwrap(), PLAIN);
    }
    let stranger = kept.for_seats(&signer("//X"), &[key(&trainer, 0)]).unwrap_err();
    assert!(matches!(stranger, HandOverError::Kept(OpenError::NotForUs)), "{stranger}");
    let nobody = kept.for_seats(&trainer, &[[0; 32]]).unwrap_err();
    assert!(matches!(nobody, HandOverError::Seats(SealError::NoRecipients)), "{nobody}");
    for text in
        [json.replace("\"key\":\"", "\"key\":\"0"), json.replace("\"key\":\"", "\"key\":\"+1")]
    {
        assert!(serde_json::from_str::<SealedUpdate>(&text).is_err(), "{text}");
    }
}

#[test]
fn a_seat_that_has_rotated_its_key_still_reads_and_an_outsider_never_does() {
    let seat = signer("//E1");
    let (ciphertext, kept, envelope) = handed(&[key(&seat, GENERATIONS - 1)]);
    let open =
        |who: &Signer| open_update(&ciphertext, &envelope, &secrets(who), kept.plain_hash, 1 << 20);
    assert_eq!(open(&seat).unwrap(), PLAIN);
    assert_eq!(open(&signer("//X")), Err(Opinion::Unavailable));
    assert_eq!(open(&signer("//T1")), Err(Opinion::Unavailable), "sealed to the seats alone");
}

#[test]
fn without_a_key_it_is_unavailable_and_what_the_key_does_not_open_is_malformed() {
    let seat = signer("//E1");
    let (ciphertext, kept, envelope) = handed(&[key(&seat, 0)]);
    let secrets = secrets(&seat);
    let open = |ciphertext: &[u8], envelope: &[u8], hash, limit| {
        open_update(ciphertext, envelope, &secrets, hash, limit)
    };
    let (hash, length) = (kept.plain_hash, PLAIN.len() as u64);
    assert_eq!(open(&ciphertext, &envelope, hash, length).unwrap(), PLAIN);
    for no_key in [&b""[..], b"no envelope", &envelope[..envelope.len() - 1], &ciphertext] {
        assert_eq!(open(&ciphertext, no_key, hash, length), Err(Opinion::Unavailable));
    }
    let cut_off = &ciphertext[..ciphertext.len() - 1];
    let (other, ..) = handed(&[key(&seat, 0)]);
    for no_update in [&b""[..], PLAIN, cut_off, &other] {
        assert_eq!(open(no_update, &envelope, hash, length), Err(Opinion::Malformed));
    }
    assert_eq!(open(&ciphertext, &envelope, [0; 32], length), Err(Opinion::Malformed));
    assert_eq!(open(&ciphertext, &envelope, hash, length - 1), Err(Opinion::Malformed));
}

#[test]
fn the_secrets_of_an_account_are_those_of_its_keys() {
    let seat = signer("//E1");
    let secrets = secrets(&seat);
    assert_eq!(secrets.len(), GENERATIONS as usize);
    for generation in [0, 7] {
        assert_eq!(secrets[generation as usize].public(), key(&seat, generation));
    }
}

#[test]
fn what_was_handed_to_another_committee_is_none_of_this_ones() {
    let cid = Cid { codec: Codec::Raw, digest: [7; 32] };
    let handover = |committee| Some(decentralml_sdk::Handover { committee, keys: cid });
    let reveal = |index, handover| Reveal {
        index,
        committed: index,
        account: AccountId::from([1; 32]),
        cid,
        plain_hash: Some([2; 32]),
        samples: 1,
        handover,
    };
    let reveals = vec![reveal(0, handover(0)), reveal(1, handover(1)), reveal(2, None)];
    let ours = handed_to(1, reveals);
    assert_eq!(
        ours.iter().map(|reveal| reveal.handover).collect::<Vec<_>>(),
        [None, handover(1), None]
    );
}
