//! Encrypted keys in files, in the format of Polkadot-JS: a wallet can export what this reads, and import what this writes.
//!
//! The key of the cipher (XSalsa20-Poly1305) comes from the passphrase by scrypt with N = 2^17: about half a second and 128 MiB
//! for each guess.

use std::{fmt, fs, io, path::Path, str::FromStr, time::SystemTime};

use base64::{Engine, engine::general_purpose::STANDARD};
use crypto_secretbox::{Key, KeyInit, Nonce, XSalsa20Poly1305, aead::Aead};
use decentralml_files::Readers;
use schnorrkel::{
    ExpansionMode, MiniSecretKey, SecretKey,
    derive::{ChainCode, Derivation},
};
use serde::{Deserialize, Serialize};
use subxt::utils::AccountId32;
use subxt_signer::{DeriveJunction, ExposeSecret, SecretUri, bip39::Mnemonic, polkadot_js_compat};

use crate::{random::random_32, signer::Signer};

const LOG_N: u8 = 17;
const R: u32 = 8;
const P: u32 = 1;

/// How Polkadot-JS frames a key pair: a PKCS#8 header, the secret key, a divider, the public key.
const HEADER: [u8; 16] = [48, 83, 2, 1, 1, 48, 5, 6, 3, 43, 101, 112, 4, 34, 4, 32];
const DIVIDER: [u8; 5] = [161, 35, 3, 33, 0];

/// Bytes that a keystore file is never longer than.
const MAX_FILE: u64 = 1 << 16;

/// Why a keystore file cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum KeystoreError {
    /// The file cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// What went wrong.
        source: io::Error,
    },
    /// A keystore file is never overwritten: the key in it would be lost.
    #[error("{0} exists already: choose another file, or move it away")]
    Exists(String),
    /// Not a keystore file.
    #[error("{path} is no keystore file of an sr25519 key: {problem}")]
    NotAKeystore {
        /// The file.
        path: String,
        /// What is wrong.
        problem: String,
    },
    /// The passphrase does not open it, or the file was damaged.
    #[error("the passphrase does not open {0}")]
    WrongPassphrase(String),
    /// Neither a phrase nor a secret URI.
    #[error(transparent)]
    Key(#[from] crate::signer::SignerError),
    /// The operating system has no randomness to give.
    #[error("the operating system gave no random bytes")]
    NoRandomness,
    /// A cipher refused its input.
    #[error("the key could not be encrypted")]
    Cipher,
}

/// What a keystore file says without its passphrase.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeyInfo {
    /// The account.
    pub account: AccountId32,
    /// What its owner calls it.
    pub name: String,
}

/// A new key's twelve words. Whoever reads them owns the account, so they are shown once and printed by nothing else.
pub struct Phrase(String);

impl Phrase {
    /// The words, to be shown once and written down.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Phrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Phrase(…)")
    }
}

/// A keystore file, as Polkadot-JS names its parts.
#[derive(Serialize, Deserialize)]
struct File {
    encoded: String,
    encoding: Encoding,
    address: AccountId32,
    #[serde(default)]
    meta: Meta,
}

#[derive(Serialize, Deserialize)]
struct Encoding {
    content: Vec<String>,
    r#type: Vec<String>,
    version: String,
}

#[derive(Default, Serialize, Deserialize)]
struct Meta {
    #[serde(default)]
    name: String,
    #[serde(rename = "whenCreated", default)]
    created: u64,
}

/// Makes a new key, writes it to `path` (readable by its owner only), and returns it with its phrase. Refuses to overwrite.
pub fn generate(
    path: &Path,
    name: &str,
    passphrase: &str,
) -> Result<(Signer, Phrase), KeystoreError> {
    let entropy = random_32().ok_or(KeystoreError::NoRandomness)?;
    let mnemonic = Mnemonic::from_entropy(&entropy[..16]).map_err(|_| KeystoreError::Cipher)?;
    let phrase = Phrase(mnemonic.to_string());
    let signer = create(path, phrase.reveal(), name, passphrase)?;
    Ok((signer, phrase))
}

/// Writes the key of a secret URI (see [`Signer::from_uri`]) to `path`, readable by its owner only. Refuses to overwrite.
pub fn create(
    path: &Path,
    uri: &str,
    name: &str,
    passphrase: &str,
) -> Result<Signer, KeystoreError> {
    let signer = Signer::from_uri(uri)?;
    let secret = secret_key(uri)?;
    let file = File {
        encoded: encrypt(&secret, &signer.account(), passphrase)?,
        encoding: Encoding {
            content: vec!["pkcs8".into(), "sr25519".into()],
            r#type: vec!["scrypt".into(), "xsalsa20-poly1305".into()],
            version: "3".into(),
        },
        address: signer.account(),
        meta: Meta { name: name.into(), created: milliseconds_since_1970() },
    };
    let json = serde_json::to_vec_pretty(&file)
        .map_err(|error| not_a_keystore(path, error.to_string()))?;
    let created = decentralml_files::create(path, Readers::Owner, &[&json]);
    created.map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => KeystoreError::Exists(path.display().to_string()),
        _ => KeystoreError::Io { path: path.display().to_string(), source },
    })?;
    Ok(signer)
}

/// Reads and decrypts a keystore file.
pub fn open(path: &Path, passphrase: &str) -> Result<Signer, KeystoreError> {
    let text = read(path)?;
    parse(path, &text)?;
    let keypair =
        polkadot_js_compat::decrypt_json(&text, passphrase).map_err(|error| match error {
            polkadot_js_compat::Error::Secretbox(_) => {
                KeystoreError::WrongPassphrase(path.display().to_string())
            }
            other => not_a_keystore(path, other.to_string()),
        })?;
    Ok(Signer::from_keypair(keypair))
}

/// What a keystore file says without its passphrase.
pub fn info(path: &Path) -> Result<KeyInfo, KeystoreError> {
    let file = parse(path, &read(path)?)?;
    Ok(KeyInfo { account: file.address, name: file.meta.name })
}

fn read(path: &Path) -> Result<String, KeystoreError> {
    let io = |source| KeystoreError::Io { path: path.display().to_string(), source };
    let length = fs::metadata(path).map_err(io)?.len();
    if length > MAX_FILE {
        return Err(not_a_keystore(path, format!("{length} bytes long")));
    }
    fs::read_to_string(path).map_err(io)
}

fn parse(path: &Path, text: &str) -> Result<File, KeystoreError> {
    let file: File =
        serde_json::from_str(text).map_err(|error| not_a_keystore(path, error.to_string()))?;
    // The decryption takes the parameters' 68 bytes for granted.
    match STANDARD.decode(&file.encoded) {
        Ok(bytes) if bytes.len() > 68 => Ok(file),
        _ => Err(not_a_keystore(path, "its encrypted part is cut off".into())),
    }
}

fn not_a_keystore(path: &Path, problem: String) -> KeystoreError {
    KeystoreError::NotAKeystore { path: path.display().to_string(), problem }
}

/// The secret key of a URI, derived as Substrate derives it.
fn secret_key(uri: &str) -> Result<SecretKey, KeystoreError> {
    let syntax = || KeystoreError::Key(crate::signer::SignerError::Syntax);
    let uri = SecretUri::from_str(uri.trim()).map_err(|_| syntax())?;
    let phrase = uri.phrase.expose_secret();
    let mini = match phrase.strip_prefix("0x") {
        Some(digits) => {
            let seed = seed(digits).ok_or_else(syntax)?;
            MiniSecretKey::from_bytes(&seed).map_err(|_| syntax())?
        }
        None => {
            let mnemonic = Mnemonic::from_str(phrase).map_err(|_| syntax())?;
            let password = uri.password.as_ref().map_or("", |password| password.expose_secret());
            substrate_bip39::mini_secret_from_entropy(&mnemonic.to_entropy(), password)
                .map_err(|_| syntax())?
        }
    };
    let root = mini.expand(ExpansionMode::Ed25519);
    Ok(uri.junctions.iter().fold(root, |key, junction| match junction {
        DeriveJunction::Soft(code) => key.derived_key_simple(ChainCode(*code), []).0,
        DeriveJunction::Hard(code) => {
            let (mini, _) = key.hard_derive_mini_secret_key(Some(ChainCode(*code)), b"");
            mini.expand(ExpansionMode::Ed25519)
        }
    }))
}

fn seed(digits: &str) -> Option<[u8; 32]> {
    let mut seed = [0; 32];
    if digits.len() != 64 || !digits.is_ascii() {
        return None;
    }
    for (byte, pair) in seed.iter_mut().zip(digits.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(seed)
}

/// `base64(salt ‖ N ‖ p ‖ r ‖ nonce ‖ secretbox(header ‖ secret ‖ divider ‖ public))`.
fn encrypt(
    secret: &SecretKey,
    account: &AccountId32,
    passphrase: &str,
) -> Result<String, KeystoreError> {
    let salt = random_32().ok_or(KeystoreError::NoRandomness)?;
    let random = random_32().ok_or(KeystoreError::NoRandomness)?;
    let nonce = Nonce::from_slice(&random[..24]);
    let params = scrypt::Params::new(LOG_N, R, P, 32).map_err(|_| KeystoreError::Cipher)?;
    let mut key = Key::default();
    scrypt::scrypt(passphrase.as_bytes(), &salt, &params, &mut key)
        .map_err(|_| KeystoreError::Cipher)?;

    let mut plain = Vec::with_capacity(117);
    plain.extend_from_slice(&HEADER);
    plain.extend_from_slice(&secret.to_ed25519_bytes());
    plain.extend_from_slice(&DIVIDER);
    plain.extend_from_slice(&account.0);
    let sealed = XSalsa20Poly1305::new(&key)
        .encrypt(nonce, plain.as_slice())
        .map_err(|_| KeystoreError::Cipher)?;

    let mut bytes = Vec::with_capacity(68 + sealed.len());
    bytes.extend_from_slice(&salt);
    for number in [1_u32 << LOG_N, P, R] {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    bytes.extend_from_slice(nonce);
    bytes.extend_from_slice(&sealed);
    Ok(STANDARD.encode(bytes))
}

fn milliseconds_since_1970() -> u64 {
    let elapsed = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const PHRASE: &str = "bottom drive obey lake curtain smoke basket hold race lonely fit walk";

    #[test]
    fn every_kind_of_uri_comes_back_as_the_same_account() {
        let folder = tempfile::tempdir().unwrap();
        let seed = "0x3333333333333333333333333333333333333333333333333333333333333333";
        let derived = format!("{PHRASE}//hard/soft///password");
        for (index, uri) in [PHRASE, seed, "//Bob", &derived].into_iter().enumerate() {
            let path = folder.path().join(format!("{index}.json"));
            let created = create(&path, uri, "trainer", "correct horse").unwrap();
            assert_eq!(created.account(), Signer::from_uri(uri).unwrap().account());
            let opened = open(&path, "correct horse").unwrap();
            assert_eq!(opened.account(), created.account());
            assert_eq!(
                info(&path).unwrap(),
                KeyInfo { account: created.account(), name: "trainer".into() }
            );
        }
        assert!(open(&folder.path().join("2.json"), "correct horse").unwrap().is_development());
    }

    #[test]
    fn a_wrong_passphrase_and_a_damaged_file_are_told_apart_from_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.json");
        let (_, phrase) = generate(&path, "", "right").unwrap();
        assert_eq!(phrase.reveal().split(' ').count(), 12);
        assert_eq!(format!("{phrase:?}"), "Phrase(…)");
        assert!(matches!(open(&path, "wrong"), Err(KeystoreError::WrongPassphrase(_))));

        let missing = folder.path().join("missing.json");
        assert!(matches!(open(&missing, "right"), Err(KeystoreError::Io { .. })));

        let mut file: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        file["encoded"] = "AAAA".into();
        let damaged = folder.path().join("damaged.json");
        fs::write(&damaged, file.to_string()).unwrap();
        assert!(matches!(open(&damaged, "right"), Err(KeystoreError::NotAKeystore { .. })));
        fs::write(&damaged, "hello").unwrap();
        assert!(matches!(info(&damaged), Err(KeystoreError::NotAKeystore { .. })));
    }

    #[test]
    fn a_key_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.json");
        let first = create(&path, PHRASE, "", "one").unwrap();
        assert!(matches!(generate(&path, "", "two"), Err(KeystoreError::Exists(_))));
        assert_eq!(open(&path, "one").unwrap().account(), first.account());
    }
}
