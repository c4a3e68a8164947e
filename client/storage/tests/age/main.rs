//! Sealed files and keys, and the reference implementation of their format: what one writes, the other reads.
//!
//! `scripts/age.sh` finds the programs and runs these tests; by hand:
//! `DECENTRALML_AGE=age DECENTRALML_AGE_KEYGEN=age-keygen cargo test --release -p decentralml-storage --test age -- --ignored`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use decentralml_storage::seal::{
    Expected, MAX_RECIPIENTS, MAX_SEATS, PublicKey, SecretKey, envelope, open_envelope,
    open_to_bytes, parse_public_key, public_key_text, seal,
};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};
use tempfile::TempDir;

/// Lengths around the pieces of the format, which have 64 KiB.
const LENGTHS: [usize; 7] = [0, 1, 65_535, 65_536, 65_537, 131_072, 1_000_003];

/// Runs one of the programs, which is on the PATH where no variable names it.
fn run(variable: &str, program: &str, arguments: &[&str]) -> Output {
    let program = env::var_os(variable).unwrap_or_else(|| program.into());
    let output = Command::new(&program).args(arguments).output();
    output.unwrap_or_else(|error| panic!("{}: {error}", Path::new(&program).display()))
}

fn age(arguments: &[&str]) -> Output {
    run("DECENTRALML_AGE", "age", arguments)
}

fn keygen(arguments: &[&str]) -> String {
    let output = run("DECENTRALML_AGE_KEYGEN", "age-keygen", arguments);
    assert!(output.status.success(), "{}", stderr(&output));
    String::from_utf8(output.stdout).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn key(number: u16) -> SecretKey {
    let mut bytes = [5; 32];
    bytes[4..6].copy_from_slice(&number.to_le_bytes());
    SecretKey::from_bytes(&bytes)
}

/// Bytes without a period that fits into a piece.
fn bytes(length: usize) -> Vec<u8> {
    (0..length as u64).map(|at| (at * 31 + at / 251) as u8).collect()
}

fn sealed(plain: &[u8], keys: &[PublicKey]) -> Vec<u8> {
    let mut file = Vec::new();
    seal(plain, &mut file, keys).unwrap();
    file
}

/// A folder of files.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, content: &[u8]) -> String {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        path.display().to_string()
    }

    /// Has `age` open a file with a key.
    fn open(&self, file: &[u8], key: &SecretKey) -> Output {
        let identity = self.write("identity", format!("{}\n", key.reveal().as_str()).as_bytes());
        age(&["--decrypt", "--identity", &identity, &self.write("file.age", file)])
    }
}

#[test]
#[ignore = "needs age: scripts/age.sh"]
fn age_opens_what_was_sealed_here_with_the_key_of_every_recipient() {
    let folder = Folder::new();
    for length in LENGTHS {
        let plain = bytes(length);
        let recipients: Vec<_> = (0..3).map(key).collect();
        let publics: Vec<_> = recipients.iter().map(SecretKey::public).collect();
        let file = sealed(&plain, &publics);
        for recipient in &recipients {
            let opened = folder.open(&file, recipient);
            assert!(opened.status.success(), "{length}: {}", stderr(&opened));
            assert!(opened.stdout == plain, "{length}: {} bytes", opened.stdout.len());
        }
        let stranger = folder.open(&file, &key(99));
        assert!(!stranger.status.success() && stranger.stdout.is_empty(), "{length}");
    }
}

#[test]
#[ignore = "needs age: scripts/age.sh"]
fn what_age_encrypts_is_opened_here_by_every_recipient() {
    let folder = Folder::new();
    for length in LENGTHS {
        let plain = bytes(length);
        let path = folder.write("plain", &plain);
        let recipients: Vec<_> = (0..3).map(key).collect();
        let texts: Vec<_> = recipients.iter().map(|one| public_key_text(&one.public())).collect();
        let to: Vec<&str> = texts.iter().flat_map(|text| ["--recipient", text]).collect();
        let encrypted = age(&[&to[..], &[&path]].concat());
        assert!(encrypted.status.success(), "{length}: {}", stderr(&encrypted));
        let expected = Expected::at_most(length as u64);
        for recipient in &recipients {
            let (opened, _) =
                open_to_bytes(&encrypted.stdout[..], &[recipient], &expected).unwrap();
            assert!(opened == plain, "{length}: {} bytes", opened.len());
        }
        assert!(open_to_bytes(&encrypted.stdout[..], &[&key(99)], &expected).is_err());
    }
}

#[test]
#[ignore = "needs age: scripts/age.sh"]
fn envelopes_and_files_for_as_many_as_there_may_be_are_those_of_age() {
    let folder = Folder::new();
    let recipients: Vec<_> = (0..MAX_RECIPIENTS as u16).map(key).collect();
    let publics: Vec<_> = recipients.iter().map(SecretKey::public).collect();
    let file = sealed(b"for many", &publics);
    for recipient in [&recipients[0], &recipients[MAX_RECIPIENTS - 1]] {
        assert_eq!(folder.open(&file, recipient).stdout, b"for many");
    }
    let secret = SecretKey::generate();
    let enveloped = envelope(&secret, &publics[..MAX_SEATS]).unwrap();
    for seat in [&recipients[0], &recipients[MAX_SEATS - 1]] {
        // The key in it is all that somebody needs who has no program of ours.
        let plain = folder.open(&enveloped, seat).stdout;
        let told = SecretKey::parse(String::from_utf8(plain).unwrap().trim()).unwrap();
        assert_eq!(told.public(), secret.public());
        assert_eq!(open_envelope(&enveloped, &[seat]).unwrap().public(), secret.public());
    }
}

#[test]
#[ignore = "needs age: scripts/age.sh"]
fn keys_of_age_are_read_and_ours_are_read_by_it() {
    let folder = Folder::new();
    let made = keygen(&[]);
    let line = |start: &str| made.lines().find_map(|line| line.strip_prefix(start)).unwrap();
    let secret = made.lines().find(|line| line.starts_with("AGE-SECRET-KEY-1")).unwrap();
    let theirs = SecretKey::parse(secret).unwrap();
    assert_eq!(theirs.public(), parse_public_key(line("# public key: ")).unwrap());
    for number in 0..8 {
        let ours = key(number);
        let file = folder.write("key", ours.reveal().as_bytes());
        assert_eq!(keygen(&["-y", &file]).trim(), public_key_text(&ours.public()));
    }
}

#[test]
#[ignore = "needs age: scripts/age.sh"]
fn what_was_damaged_is_refused_by_both() {
    let folder = Folder::new();
    let (plain, own) = (bytes(200_000), key(1));
    let whole = sealed(&plain, &[own.public()]);
    let mut damaged = vec![whole[..whole.len() - 1].to_vec(), whole[..65_536].to_vec()];
    damaged.push([&whole[..], b"more"].concat());
    for at in [10, 60, 150, 190, 300, 100_000, whole.len() - 1] {
        let mut file = whole.clone();
        file[at] ^= 1;
        damaged.push(file);
    }
    for (number, file) in damaged.iter().enumerate() {
        let expected = Expected::at_most(plain.len() as u64);
        assert!(open_to_bytes(&file[..], &[&own], &expected).is_err(), "{number}: opened here");
        assert!(!folder.open(file, &own).status.success(), "{number}: opened by age");
    }
}
