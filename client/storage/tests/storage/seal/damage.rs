//! Nothing comes out of a file that is not whole.

use super::{bytes, key, sealed};
use decentralml_storage::seal::{Expected, OpenError, open, open_to_bytes, open_to_file};
use proptest::prelude::*;
use std::path::Path;

const PIECE: usize = 64 << 10;
const TAG: usize = 16;

/// Tries to open `file` over a file that is there; that one must stay, alone.
fn refusal(folder: &Path, file: &[u8], expected: &Expected) -> OpenError {
    let path = folder.join("plain");
    std::fs::write(&path, "former").unwrap();
    let error = open_to_file(file, &path, &[&key(1)], expected).unwrap_err();
    assert_eq!(std::fs::read(&path).unwrap(), b"former");
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 1);
    error
}

#[test]
fn a_file_that_is_cut_off_anywhere_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let expected = Expected::at_most(u64::MAX);
    for length in [3 * PIECE, 2 * PIECE + 100] {
        let file = sealed(&bytes(length), &[key(1).public()]);
        let tags = length.div_ceil(PIECE) * TAG;
        let content = file.len() - length - tags;
        let ends = (0..length.div_ceil(PIECE)).map(|piece| content + piece * (PIECE + TAG));
        let around = ends.flat_map(|end| [end - 1, end, end + 1, end + TAG]);
        for end in around.chain([0, 1, 21, 22, 23, 60, content - 16, file.len() - 1]) {
            let error = refusal(folder.path(), &file[..end], &expected);
            assert!(matches!(error, OpenError::Malformed(_)), "cut off at {end}: {error}");
        }
        for more in [&b"\0"[..], &file[..], &bytes(PIECE + TAG)[..]] {
            let error = refusal(folder.path(), &[&file[..], more].concat(), &expected);
            assert!(matches!(error, OpenError::Malformed(_)), "continued: {error}");
        }
    }
}

#[test]
fn pieces_in_another_order_are_refused() {
    let plain = bytes(3 * PIECE);
    let file = sealed(&plain, &[key(1).public()]);
    let (header, content) = file.split_at(file.len() - 3 * (PIECE + TAG));
    let pieces: Vec<_> = content.chunks(PIECE + TAG).collect();
    for order in [&[1, 0, 2][..], &[0, 2], &[0, 0, 1, 2], &[2], &[0, 1, 1]] {
        let mut other = header.to_vec();
        order.iter().for_each(|piece| other.extend_from_slice(pieces[*piece]));
        let error =
            open_to_bytes(&other[..], &[&key(1)], &Expected::at_most(u64::MAX)).unwrap_err();
        assert!(matches!(error, OpenError::Malformed(_)), "{order:?}: {error}");
    }
}

#[test]
fn a_bit_that_is_flipped_anywhere_is_noticed() {
    let file = sealed(b"one piece", &[key(1).public(), key(2).public()]);
    for at in 0..file.len() {
        for bit in 0..8 {
            let mut damaged = file.clone();
            damaged[at] ^= 1 << bit;
            let mut out = Vec::new();
            let opened = open(&damaged[..], &mut out, &[&key(1)], &Expected::at_most(99));
            let error = opened.expect_err("damaged");
            let kind = matches!(error, OpenError::Malformed(_) | OpenError::NotForUs);
            assert!(kind && out.is_empty(), "bit {bit} of byte {at}: {error}");
        }
    }
}

#[test]
fn a_damaged_piece_leaves_the_former_file_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let file = sealed(&bytes(4 * PIECE + 1), &[key(1).public()]);
    for from_end in [0, 10, 20, PIECE, 2 * PIECE, 4 * PIECE] {
        let mut damaged = file.clone();
        damaged[file.len() - 1 - from_end] ^= 1;
        let error = refusal(folder.path(), &damaged, &Expected::at_most(u64::MAX));
        assert!(matches!(error, OpenError::Malformed(_)), "{from_end}: {error}");
    }
}

#[test]
fn other_bytes_than_were_announced_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = sealed(&bytes(100_000), &[key(1).public()]);
    let error = refusal(folder.path(), &file, &Expected::at_most(100_000).with_hash([1; 32]));
    assert!(matches!(error, OpenError::WrongHash), "{error}");
    let error = refusal(folder.path(), &file, &Expected::at_most(99_999));
    assert!(matches!(error, OpenError::TooLong { limit: 99_999 }), "{error}");
    let mut out = Vec::new();
    open(&file[..], &mut out, &[&key(1)], &Expected::at_most(70_000)).unwrap_err();
    assert!(out.len() <= 70_000, "{} bytes", out.len());
}

#[test]
fn what_is_no_age_file_is_called_that() {
    let header = |lines: &str| format!("age-encryption.org/v1\n{lines}--- {}\n", "A".repeat(43));
    let files = [
        String::new(),
        "-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n".into(),
        "age-encryption.org/v2\n-> X25519 a\n".into(),
        "age-encryption.org/v1\r\n".into(),
        "age-encryption.org/v1\n-> a b\n\n--- \n".into(),
        "\0".repeat(99_999),
        header(""),
        header("\n"),
        header("-> a\n\n\n"),
        // What older programs wrote: bodies without their last line.
        header("-> a\n"),
        header("-> a\n-> b\n\n"),
        header(&format!("-> a\n{}\n", "A".repeat(64))),
    ];
    for file in files {
        // As if content followed.
        let file = [file.as_bytes(), &[0; 99]].concat();
        let error = open_to_bytes(&file[..], &[&key(1)], &Expected::at_most(99)).unwrap_err();
        let file = String::from_utf8_lossy(&file[..file.len().min(99)]).into_owned();
        assert!(matches!(error, OpenError::Malformed(_)), "{file:?}: {error}");
    }
    let whole = [header("-> a\n\n").as_bytes(), &[0; 99]].concat();
    let error = open_to_bytes(&whole[..], &[&key(1)], &Expected::at_most(99)).unwrap_err();
    assert!(matches!(error, OpenError::NotForUs), "{error}");
}

/// Something like a header.
fn header() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        Just("-> X25519 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaA\n".to_string()),
        Just("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaA\n".to_string()),
        Just(format!("--- {}\n", "A".repeat(43))),
        Just("-> X25519\n".to_string()),
        Just("\n".to_string()),
        "-> [ -~]{0,20}\n",
        "[a-zA-Z0-9+/]{0,70}\n",
        "\\PC{0,8}",
    ];
    let lines = prop::collection::vec(line, 0..12);
    (lines, prop::collection::vec(any::<u8>(), 0..64)).prop_map(|(lines, rest)| {
        [b"age-encryption.org/v1\n", lines.concat().as_bytes(), &rest].concat()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn whatever_comes_is_refused_without_a_panic(file in header()) {
        let opened = open_to_bytes(&file[..], &[&key(1)], &Expected::at_most(1 << 20));
        prop_assert!(opened.is_err());
    }
}
