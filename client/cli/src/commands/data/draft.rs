//! Content on its way to the chain, so that a kill costs nothing: what is encrypted is gone on with, and what was stored for nothing
//! is let go of.
//!
//! ```text
//! <state>/data/<account>-<chain>/HASH.made   locked while `data add` is at it: the CIDs of all that was stored for it, one a line,
//!                                            each written before it is stored; and the heights at which it was at it
//! <state>/data/<account>-<chain>/HASH.key    its key, encrypted to the account
//! <state>/data/<account>-<chain>/HASH.age    the encrypted file; it appears when all of it is there
//! ```
//!
//! `HASH` is that of the plain bytes, which nobody else gets to see here before it is public anyway. A new try with the same file finds
//! the same encrypted bytes, of which the store may have a part already.
//!
//! What was stored serves if the chain names it. That is certain of everything but what an earlier process has sent and no block has
//! yet: once a later transaction of the account is final, or after [`DECIDED`], that will not come any more. Nothing here goes by the
//! clock, which may be set forwards and backwards.

use crate::{
    commands::{encryption::secrets, hex},
    exit::{Kind, OfKind, problem},
};
use color_eyre::{Result, eyre::WrapErr};
use decentralml_files::{Aside, Readers, replace};
use decentralml_sdk::{Anchor, Signer, View, encryption::derive};
use decentralml_storage::{
    Storage, parse_cid,
    seal::{self, MAX_ENVELOPE_BYTES, Sealed, SecretKey},
};
use decentralml_types::{BlockNumber, Cid, Hash};
use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, Write},
    path::{Path, PathBuf},
};

/// Final blocks after which no transaction that was sent earlier is included any more, many times over.
const DECIDED: BlockNumber = 3_600;

const _: () = assert!(DECIDED > 16 * Anchor::LIFETIME);

/// How the line begins that tells a height.
const HEIGHT: &str = "block ";

/// Bytes of a list of what was stored, at most: more than anybody's.
const MAX_MADE: u64 = 1 << 20;

/// What a file is called while it is encrypted, as its hash is not known yet.
const ASIDE: &str = "sealing";

/// An encrypted file, with its key.
pub struct Draft {
    pub path: PathBuf,
    pub key: SecretKey,
    pub sealed: Sealed,
    pub made: Made,
}

/// The list of what was stored for a file. As long as this is there, no other process is at it.
pub struct Made {
    path: PathBuf,
    file: File,
}

/// The folder of an account on a chain: another chain knows nothing of what this one names.
pub fn folder(state: &Path, signer: &Signer, genesis: &Hash) -> PathBuf {
    let [a, b, c, d, ..] = genesis;
    state.join("data").join(format!("{}-{a:02x}{b:02x}{c:02x}{d:02x}", signer.account()))
}

/// Encrypts a file into the folder, or finds what an earlier try has encrypted. Plain bytes are written nowhere.
pub fn prepare(mut plain: File, folder: &Path, signer: &Signer) -> Result<Draft> {
    let failed = || format!("the folder {} cannot be used", folder.display());
    fs::create_dir_all(folder).wrap_err_with(failed)?;
    if records(folder)?.is_empty() {
        return encrypt(plain, folder, signer);
    }
    // Encrypted into nothing, for the hash.
    let (_, sealed) = seal::seal_to_one(&plain, io::sink()).of_kind(Kind::Data)?;
    let path = name(folder, &sealed, "age");
    if path.is_file() {
        let made = Made::open(name(folder, &sealed, "made"))?;
        if let Some(key) = read_key(&name(folder, &sealed, "key"), signer) {
            return Ok(Draft { path, key, sealed, made });
        }
    }
    plain.rewind().wrap_err("the file cannot be read twice")?;
    encrypt(plain, folder, signer)
}

fn encrypt(plain: File, folder: &Path, signer: &Signer) -> Result<Draft> {
    let mut aside = Aside::create(&folder.join(ASIDE), Readers::Owner)?;
    let (key, sealed) = seal::seal_to_one(plain, aside.file()).of_kind(Kind::Data)?;
    let made = Made::open(name(folder, &sealed, "made"))?;
    let envelope = seal::envelope(&key, &[derive(signer, 0).public()]).of_kind(Kind::Data)?;
    replace(&name(folder, &sealed, "key"), Readers::Owner, &[&envelope])?;
    aside.replace(&name(folder, &sealed, "age"))?;
    Ok(Draft { path: name(folder, &sealed, "age"), key, sealed, made })
}

fn read_key(path: &Path, signer: &Signer) -> Option<SecretKey> {
    let mut envelope = Vec::new();
    File::open(path).ok()?.take(MAX_ENVELOPE_BYTES).read_to_end(&mut envelope).ok()?;
    let secrets = secrets(signer);
    seal::open_envelope(&envelope, &secrets.iter().collect::<Vec<_>>()).ok()
}

fn name(folder: &Path, sealed: &Sealed, ending: &str) -> PathBuf {
    folder.join(format!("{}.{ending}", hex(&sealed.plain_hash)))
}

/// The lists in a folder.
fn records(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut records = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "made") {
            records.push(path);
        }
    }
    Ok(records)
}

impl Made {
    fn open(path: PathBuf) -> Result<Self> {
        Self::try_open(path)?.ok_or_else(|| {
            problem(Kind::Other, "another process is adding this very file: wait for it")
        })
    }

    /// `None` where another process is at it.
    fn try_open(path: PathBuf) -> Result<Option<Self>> {
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(&path)
            .wrap_err_with(|| format!("{} cannot be opened", path.display()))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { path, file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }

    /// Notes what is about to be stored.
    pub fn note(&self, cid: &Cid) -> Result<()> {
        self.write(cid.to_string())
    }

    /// Notes the height of the last final block, before anything is stored, and again before it is sent.
    pub fn note_height(&self, number: BlockNumber) -> Result<()> {
        self.write(format!("{HEIGHT}{number}"))
    }

    /// Adds a line, beside one that a kill may have left half written.
    fn write(&self, line: String) -> Result<()> {
        (&self.file).write_all(format!("\n{line}\n").as_bytes())?;
        Ok(self.file.sync_all()?)
    }

    fn text(&self) -> Result<String> {
        let mut text = String::new();
        let mut file = &self.file;
        file.rewind()?;
        file.take(MAX_MADE).read_to_string(&mut text)?;
        Ok(text)
    }

    /// All that was noted. A line that was being written when the process was killed names nothing that was stored.
    fn cids(&self) -> Result<Vec<Cid>> {
        Ok(self.text()?.lines().filter_map(|line| parse_cid(line).ok()).collect())
    }

    /// Whether nobody was at it for [`DECIDED`], at a final block of this height. Half a number is a smaller one.
    fn is_old(&self, now: BlockNumber) -> Result<bool> {
        let text = self.text()?;
        let heights = text.lines().filter_map(|line| line.strip_prefix(HEIGHT)?.parse().ok());
        Ok(heights.max().is_none_or(|last: BlockNumber| now.saturating_sub(last) > DECIDED))
    }

    /// Forgets the file: the list goes last, as whoever finds it looks for the rest.
    fn forget(self) -> Result<()> {
        for ending in ["age", "key"] {
            match fs::remove_file(self.path.with_extension(ending)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
        }
        Ok(fs::remove_file(&self.path)?)
    }
}

/// Lets go of what was stored for nothing, for all files of a folder that no process is at, and forgets them. `is_decided` says that a
/// transaction of the account has just become final; otherwise only what is old is looked at.
pub async fn settle(
    folder: &Path,
    view: &View,
    storage: &Storage,
    is_decided: bool,
) -> Result<usize> {
    let mut gone = 0;
    if !folder.is_dir() {
        return Ok(gone);
    }
    for path in records(folder)? {
        let Some(made) = Made::try_open(path)? else { continue };
        let cids = made.cids()?;
        if !(is_decided || cids.is_empty() || made.is_old(view.number())?) {
            continue;
        }
        let mut named = BTreeSet::new();
        for cid in &cids {
            if view.content(cid).await?.is_some() {
                named.insert(*cid);
                named.extend(view.grants_of(cid).await?.rows.iter().map(|(_, at)| at.envelope));
            }
        }
        gone += super::let_go(storage, &unneeded(&cids, &named)).await?;
        made.forget()?;
    }
    decentralml_files::sweep(&folder.join(ASIDE));
    // Where nothing is left in it, nor beside it.
    for folder in folder.ancestors().take(2) {
        let _ = fs::remove_dir(folder);
    }
    Ok(gone)
}

/// What was stored and the chain does not name.
fn unneeded(made: &[Cid], named: &BTreeSet<Cid>) -> Vec<Cid> {
    made.iter().filter(|cid| !named.contains(cid)).copied().collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use decentralml_storage::{
        seal::{Expected, open_to_bytes},
        unixfs::canonical_cid,
    };
    use std::time::{Duration, SystemTime};

    const ROWS: &[u8] = b"a row that nobody should see\n";

    fn plain(folder: &Path, times: usize) -> File {
        let path = folder.join("rows.csv");
        fs::write(&path, ROWS.repeat(times)).unwrap();
        File::open(path).unwrap()
    }

    fn alice() -> Signer {
        Signer::from_uri("//Alice").unwrap()
    }

    #[test]
    fn only_encrypted_bytes_are_written_and_a_new_try_finds_the_same() {
        let temporary = tempfile::tempdir().unwrap();
        let (alice, state) = (alice(), temporary.path().join("state"));
        let folder = folder(&state, &alice, &[7; 32]);
        let first = prepare(plain(temporary.path(), 9_000), &folder, &alice).unwrap();
        let written = fs::read(&first.path).unwrap();
        first.made.note(&canonical_cid(&written)).unwrap();
        let (hash, public) = (first.sealed.plain_hash, first.key.public());
        for entry in fs::read_dir(&folder).unwrap() {
            let bytes = fs::read(entry.unwrap().path()).unwrap();
            assert!(!bytes.windows(12).any(|part| part == &ROWS[..12]));
            let secret = first.key.reveal();
            let secret = secret.as_bytes();
            assert!(!bytes.windows(secret.len()).any(|part| part == secret));
        }
        // Killed here.
        drop(first);
        let second = prepare(plain(temporary.path(), 9_000), &folder, &alice).unwrap();
        assert_eq!(fs::read(&second.path).unwrap(), written);
        assert_eq!((second.sealed.plain_hash, second.key.public()), (hash, public));
        assert_eq!(second.made.cids().unwrap(), [canonical_cid(&written)]);
        let expected = Expected::at_most(second.sealed.plain_bytes).with_hash(hash);
        let opened = open_to_bytes(&written[..], &[&second.key], &expected).unwrap();
        assert_eq!(opened.0, ROWS.repeat(9_000));
        second.made.forget().unwrap();
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    }

    #[test]
    fn another_file_and_a_lost_key_begin_anew_and_two_processes_do_not_meet() {
        let temporary = tempfile::tempdir().unwrap();
        let alice = alice();
        let folder = folder(temporary.path(), &alice, &[7; 32]);
        let first = prepare(plain(temporary.path(), 10), &folder, &alice).unwrap();
        let other = prepare(plain(temporary.path(), 11), &folder, &alice).unwrap();
        assert_ne!(first.path, other.path);
        let error = prepare(plain(temporary.path(), 10), &folder, &alice).err().unwrap();
        assert!(error.to_string().contains("another process"), "{error}");
        let public = first.key.public();
        fs::write(name(&folder, &first.sealed, "key"), b"damaged").unwrap();
        drop(first);
        let again = prepare(plain(temporary.path(), 10), &folder, &alice).unwrap();
        assert_ne!(again.key.public(), public);
        let expected = Expected::at_most(again.sealed.plain_bytes);
        let written = fs::read(&again.path).unwrap();
        assert!(open_to_bytes(&written[..], &[&again.key], &expected).is_ok());
    }

    #[test]
    fn half_a_line_names_nothing_and_takes_nothing_with_it() {
        let temporary = tempfile::tempdir().unwrap();
        let made = Made::open(temporary.path().join("x.made")).unwrap();
        let [one, two, three] = [b"1", b"2", b"3"].map(|bytes| canonical_cid(bytes));
        made.note(&one).unwrap();
        (&made.file).write_all(&two.to_string().as_bytes()[..20]).unwrap();
        assert_eq!(made.cids().unwrap(), [one]);
        made.note(&three).unwrap();
        assert_eq!(made.cids().unwrap(), [one, three]);
        // Half of a height that was to be 1234.
        made.note_height(1_000).unwrap();
        (&made.file).write_all(b"\nblock 12").unwrap();
        made.note(&two).unwrap();
        assert!(!made.is_old(1_000 + DECIDED).unwrap());
        assert_eq!(made.cids().unwrap(), [one, three, two]);
    }

    #[test]
    fn a_clock_that_jumps_makes_no_draft_older_or_younger() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("x.made");
        let made = Made::open(path.clone()).unwrap();
        assert!(made.is_old(0).unwrap(), "of a program that noted no heights");
        made.note_height(50).unwrap();
        made.note(&canonical_cid(b"1")).unwrap();
        made.note_height(70).unwrap();
        let now = SystemTime::now();
        let far = Duration::from_secs(10 * 365 * 24 * 3_600);
        for time in [now, now - far, now + far] {
            made.file.set_modified(time).unwrap();
            for young in [0, 70, 70 + DECIDED] {
                assert!(!made.is_old(young).unwrap(), "{time:?}, {young}");
            }
            assert!(made.is_old(71 + DECIDED).unwrap(), "{time:?}");
        }
        // Somebody is at it, however old it is.
        assert!(Made::try_open(path).unwrap().is_none());
    }

    #[test]
    fn each_account_has_a_folder_on_each_chain() {
        let bob = Signer::from_uri("//Bob").unwrap();
        let state = Path::new("state");
        let own = folder(state, &alice(), &[1; 32]);
        assert_ne!(own, folder(state, &alice(), &[2; 32]));
        assert_ne!(own, folder(state, &bob, &[1; 32]));
        assert_eq!(own.parent(), Some(Path::new("state/data")));
    }

    #[test]
    fn what_the_chain_names_is_kept() {
        let cids: Vec<Cid> = (0..4_u8).map(|byte| canonical_cid(&[byte])).collect();
        let named = [cids[0], cids[2]].into();
        assert_eq!(unneeded(&cids, &named), [cids[1], cids[3]]);
        assert_eq!(unneeded(&cids, &BTreeSet::new()), cids);
    }
}
