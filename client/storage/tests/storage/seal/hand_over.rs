//! Updates that are sealed before their readers are known.

use super::{bytes, key, keys, sealed};
use decentralml_storage::seal::{
    Expected, MAX_ENVELOPE_BYTES, MAX_SEATS, OpenError, SealError, SecretKey, envelope,
    open_envelope, open_to_bytes, seal_to_one,
};

#[test]
fn a_seat_opens_the_envelope_and_with_it_the_update() {
    let update = bytes(100_000);
    let mut file = Vec::new();
    let (secret, told) = seal_to_one(&update[..], &mut file).unwrap();
    let expected = Expected::at_most(100_000).with_hash(told.plain_hash);
    let early = open_to_bytes(&file[..], &[&key(1), &key(2)], &expected);
    assert!(matches!(early, Err(OpenError::NotForUs)));

    let seats = [key(1).public(), key(2).public()];
    let small = envelope(&secret, &seats).unwrap();
    for seat in [key(1), key(2)] {
        let handed = open_envelope(&small, &[&seat]).unwrap();
        assert_eq!(handed.public(), secret.public());
        assert_eq!(open_to_bytes(&file[..], &[&handed], &expected).unwrap().0, update);
    }
    assert!(matches!(open_envelope(&small, &[&key(3)]), Err(OpenError::NotForUs)));
}

#[test]
fn every_update_has_a_key_of_its_own() {
    let [one, two] = [(); 2].map(|()| seal_to_one(&b"x"[..], Vec::new()).unwrap().0.public());
    assert_ne!(one, two);
}

#[test]
fn an_envelope_holds_what_the_age_tools_take_for_a_key() {
    let small = envelope(&key(5), &[key(1).public()]).unwrap();
    let (text, _) = open_to_bytes(&small[..], &[&key(1)], &Expected::at_most(99)).unwrap();
    let text = String::from_utf8(text).unwrap();
    let line = text.strip_suffix('\n').unwrap();
    let identity: age::x25519::Identity = line.parse().unwrap();
    assert_eq!(
        identity.to_public().to_string(),
        decentralml_storage::seal::public_key_text(&key(5).public())
    );
}

#[test]
fn an_envelope_for_all_seats_is_small_and_one_for_more_is_refused() {
    // The stanza without a meaning is of random length.
    for _ in 0..200 {
        let small = envelope(&key(5), &keys(MAX_SEATS as u16)).unwrap();
        assert!(small.len() as u64 <= MAX_ENVELOPE_BYTES, "{} bytes", small.len());
    }
    let error = envelope(&key(5), &keys(32)).unwrap_err();
    assert!(matches!(error, SealError::TooManyRecipients { keys: 32, limit: 31 }), "{error}");
    assert!(matches!(envelope(&key(5), &[]), Err(SealError::NoRecipients)));
    assert!(matches!(envelope(&key(5), &[[0; 32]]), Err(SealError::UnusableKey(_))));
}

#[test]
fn an_envelope_with_something_else_in_it_is_refused() {
    let ours = [key(1).public()];
    let lower = key(5).reveal().to_lowercase();
    let two = format!("{}\n\n", key(5).reveal().as_str());
    let texts: [(&[u8], bool); 4] =
        [(&[0xff; 74], false), (b"", false), (lower.as_bytes(), false), (two.as_bytes(), true)];
    for (text, too_long) in texts {
        let error = open_envelope(&sealed(text, &ours), &[&key(1)]).unwrap_err();
        match error {
            OpenError::TooLong { limit: 75 } => assert!(too_long),
            OpenError::Malformed(_) => assert!(!too_long),
            other => panic!("{other}"),
        }
    }
    let bare = sealed(key(5).reveal().as_bytes(), &ours);
    let opened: SecretKey = open_envelope(&bare, &[&key(1)]).unwrap();
    assert_eq!(opened.public(), key(5).public());
    let large = sealed(&bytes(5_000), &ours);
    let error = open_envelope(&large, &[&key(1)]).unwrap_err();
    assert!(matches!(error, OpenError::TooLong { limit: MAX_ENVELOPE_BYTES }), "{error}");
}
