//! What was sealed comes back, to those whom it was sealed to.

use super::{bytes, key, keys, sealed, streams::Broken, streams::Drops};
use decentralml_storage::seal::{
    Expected, MAX_RECIPIENTS, OpenError, PublicKey, SealError, SecretKey, max_sealed_bytes, open,
    open_to_bytes, open_to_file, public_key_text, seal, seal_to_file,
};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

const ANY: u64 = u64::MAX;

fn near_the_ends_of_pieces() -> impl Strategy<Value = usize> {
    let near = (0_usize..4, -2_isize..=2)
        .prop_map(|(pieces, off)| (pieces << 16).saturating_add_signed(off));
    prop_oneof![near, 0_usize..300_000]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_recipient_reads_what_was_sealed(
        length in near_the_ends_of_pieces(),
        step in 1_usize..70_000,
        recipients in 1_u8..5,
    ) {
        let plain = bytes(length);
        let publics: Vec<_> = (0..recipients).map(|number| key(number).public()).collect();
        let mut file = Vec::new();
        let told = seal(Drops::new(&plain, step), &mut file, &publics).unwrap();
        prop_assert_eq!(told.plain_bytes, length as u64);
        // Most of the header's limit is for recipients that are not there.
        let most = max_sealed_bytes(length as u64);
        prop_assert!((file.len() as u64..file.len() as u64 + (32 << 10)).contains(&most));
        prop_assert_eq!(told.plain_hash, <[u8; 32]>::from(Sha256::digest(&plain)));
        let expected = Expected::at_most(length as u64).with_hash(told.plain_hash);
        for number in 0..recipients {
            let mut out = Vec::new();
            let ours = [&key(100), &key(number)];
            let opened = open(Drops::new(&file, step), &mut out, &ours, &expected).unwrap();
            prop_assert_eq!(opened, told);
            prop_assert!(out == plain);
        }
        let other = open_to_bytes(&file[..], &[&key(100)], &expected);
        prop_assert!(matches!(other, Err(OpenError::NotForUs)));
        prop_assert!(matches!(open_to_bytes(&file[..], &[], &expected), Err(OpenError::NotForUs)));
    }
}

#[test]
fn a_file_of_the_reference_implementation_is_read() {
    // Made by filippo.io/age 1.3.2 for a key that nobody has, and for this one of the tests of the crate.
    let file = include_bytes!("reference.age");
    let secret = "AGE-SECRET-KEY-1GQ9778VQXMMJVE8SK7J6VT8UJ4HDQAJUVSFCWCM02D8GEWQ72PVQ2Y5J33";
    let secret = SecretKey::parse(secret).unwrap();
    let (plain, _) = open_to_bytes(&file[..], &[&secret], &Expected::at_most(64)).unwrap();
    assert_eq!(plain, b"sealed by the reference implementation\n");
}

#[test]
fn as_many_as_256_can_read_and_257_are_refused() {
    let many = keys(256);
    assert_eq!(many.len(), MAX_RECIPIENTS);
    let file = sealed(b"for many", &many);
    assert!(file.len() as u64 <= max_sealed_bytes(8) && max_sealed_bytes(u64::MAX) == u64::MAX);
    let secret = |number: u16| {
        let mut bytes = [7; 32];
        bytes[8..10].copy_from_slice(&number.to_le_bytes());
        SecretKey::from_bytes(&bytes)
    };
    for number in [0, 1, 128, 255] {
        let expected = Expected::at_most(8);
        let (plain, _) = open_to_bytes(&file[..], &[&secret(number)], &expected).unwrap();
        assert_eq!(plain, b"for many");
    }
    let error = seal(Broken, Vec::new(), &keys(257)).unwrap_err();
    assert!(matches!(error, SealError::TooManyRecipients { keys: 257, limit: 256 }), "{error}");
    assert!(matches!(seal(Broken, Vec::new(), &[]), Err(SealError::NoRecipients)));
}

#[test]
fn a_key_that_several_accounts_registered_counts_once() {
    let one = key(1).public();
    let file = sealed(b"twice", &[one; 300]);
    assert!(file.len() < 600, "{} bytes", file.len());
    assert!(open_to_bytes(&file[..], &[&key(1)], &Expected::at_most(5)).is_ok());
}

#[test]
fn a_key_that_everybody_could_read_or_nobody_is_refused() {
    let number = |lowest: u8, rest: u8, highest: u8| {
        let mut key: PublicKey = [rest; 32];
        (key[0], key[31]) = (lowest, highest);
        key
    };
    let mut top_bit = key(1).public();
    top_bit[31] |= 0x80;
    let bad = [
        [0; 32],
        number(1, 0, 0),
        // p - 1, p, p + 1, and p + 9, which is the base point with another encoding.
        number(0xec, 0xff, 0x7f),
        number(0xed, 0xff, 0x7f),
        number(0xee, 0xff, 0x7f),
        number(0xf6, 0xff, 0x7f),
        [0xff; 32],
        top_bit,
    ];
    for bad in bad {
        let error = seal(Broken, Vec::new(), &[key(1).public(), bad]).unwrap_err();
        assert!(matches!(&error, SealError::UnusableKey(_)), "{bad:02x?}: {error}");
        assert!(error.to_string().contains(&public_key_text(&bad)));
    }
    assert!(seal(&b""[..], Vec::new(), &[number(9, 0, 0)]).is_ok());
}

#[test]
fn a_sealed_file_and_an_opened_one_appear_whole_and_private() {
    let folder = tempfile::tempdir().unwrap();
    let [sealed, opened] = ["sealed.age", "opened"].map(|name| folder.path().join(name));
    std::fs::write(&opened, "former").unwrap();
    let plain = bytes(200_000);
    let told = seal_to_file(&plain[..], &sealed, &[key(1).public()]).unwrap();
    let expected = Expected::at_most(ANY).with_hash(told.plain_hash);
    let file = std::fs::File::open(&sealed).unwrap();
    assert_eq!(open_to_file(file, &opened, &[&key(1)], &expected).unwrap(), told);
    assert_eq!(std::fs::read(&opened).unwrap(), plain);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    #[cfg(unix)]
    for path in [&sealed, &opened] {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn a_broken_disk_is_told_from_a_broken_file() {
    let one = [key(1).public()];
    assert!(matches!(seal(Broken, Vec::new(), &one), Err(SealError::Read(_))));
    assert!(matches!(seal(&b"x"[..], Broken, &one), Err(SealError::Write(_))));
    let file = sealed(&bytes(100_000), &one);
    let expected = Expected::at_most(ANY);
    // Within the header, after it, and within the content.
    for read in [0, 30, 250, file.len() / 2] {
        use std::io::Read;
        let broken = file[..read].chain(Broken);
        let error = open_to_bytes(broken, &[&key(1)], &expected).unwrap_err();
        assert!(matches!(&error, OpenError::Read(_)), "after {read} bytes: {error}");
        assert!(error.to_string().contains("the disk is broken"));
    }
    let error = open(&file[..], Broken, &[&key(1)], &expected).unwrap_err();
    assert!(matches!(error, OpenError::Write(_)), "{error}");
}
