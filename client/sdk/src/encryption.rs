//! The keys that an account is encrypted to: derived from the account's own, so that there is no second secret to keep.
//!
//! ```text
//!  account's secret ── hard derivation ──► root ── HKDF-SHA256(generation) ──► X25519 secret ──► public key, registered on chain
//! ```
//!
//! - **The account's secret is lost:** so are the keys of all generations, and whatever is sealed to them alone. Its phrase brings
//!   all of them back.
//! - **The account's secret leaks:** so do the keys of all generations, those to come as well. Rotation does not help; a new
//!   account does, for what is sealed from then on.
//! - **The key of one generation leaks,** because it was given to another machine or to the `age` tool: nothing is known of the
//!   other generations, nor of the account. This is what rotation is for: register the next generation, and what is sealed from
//!   then on is safe.
//!
//! Rotation takes nothing back. What was sealed to a former key stays readable to whoever has that key, and its owner needs the
//! former generations for it for ever; they cost nothing to keep, as they can be derived again. And there is no forward secrecy:
//! the account's secret opens what was sealed to it at any time.

mod registered;

use hkdf::Hkdf;
use sha2::Sha256;
use std::fmt;
use subxt_signer::DeriveJunction;
use x25519_dalek::{X25519_BASEPOINT_BYTES, x25519};
use zeroize::Zeroizing;

use crate::signer::Signer;

pub use decentralml_types::PublicKey;
pub use registered::Registered;

/// Keys of one account that are tried, from the first: as often it can be rotated.
pub const GENERATIONS: u32 = 256;

/// The derivation of the root. No path in a secret URI leads there: the code of a text of up to 31 bytes is its length (four-fold)
/// and the text, filled up with zeros; this one begins as if 25 bytes followed, and has more.
const ROOT: [u8; 32] = *b"decentralml/derive/encryption/01";

/// What is derived from the root, before the generation.
const LABEL: [u8; 24] = *b"decentralml/encryption/1";

/// An encryption key of an account. Its secret is wiped from memory with it; its debug output is the generation.
pub struct EncryptionKey {
    generation: u32,
    public: PublicKey,
    secret: Zeroizing<[u8; 32]>,
}

impl EncryptionKey {
    /// How many keys came before it.
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// What `participants.set_encryption_key` registers.
    pub fn public(&self) -> PublicKey {
        self.public
    }

    /// The X25519 secret, as RFC 7748 reads 32 bytes. Copies of it are the caller's to wipe.
    pub fn secret(&self) -> &[u8; 32] {
        &self.secret
    }
}

impl fmt::Debug for EncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EncryptionKey")
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}

/// The key of a generation; the first is 0, and each rotation takes the next one.
pub fn derive(signer: &Signer, generation: u32) -> EncryptionKey {
    of_generation(&root(signer), generation)
}

/// The keys of an account of all generations that are tried: what is sealed to it does not say for which one.
pub fn all(signer: &Signer) -> impl Iterator<Item = EncryptionKey> {
    let root = root(signer);
    (0..GENERATIONS).map(move |generation| of_generation(&root, generation))
}

/// The key that the account has registered, if it is one of the generations below `up_to`.
///
/// `None` where the key is of another account, of another program, or of a later generation.
pub fn find(signer: &Signer, registered: &PublicKey, up_to: u32) -> Option<EncryptionKey> {
    let root = root(signer);
    (0..up_to)
        .map(|generation| of_generation(&root, generation))
        .find(|key| key.public == *registered)
}

/// A secret of the account that serves nothing else: the public key of an account that nobody uses or can name, because its
/// derivation from the account's secret is a hard one. The secret itself never leaves the signer.
fn root(signer: &Signer) -> Zeroizing<[u8; 32]> {
    Zeroizing::new(signer.keypair().derive([DeriveJunction::Hard(ROOT)]).public_key().0)
}

/// `secret = HKDF-SHA256(salt = none, ikm = root, info = LABEL ‖ generation, 32 bytes)`, the generation as 4 bytes, little-endian.
fn of_generation(root: &[u8; 32], generation: u32) -> EncryptionKey {
    let mut info = LABEL.to_vec();
    info.extend_from_slice(&generation.to_le_bytes());
    // RFC 5869: the only block of 32 bytes is HMAC(PRK, info ‖ 1), and `extract` is HMAC(salt, input).
    info.push(1);
    let (mut prk, _) = Hkdf::<Sha256>::extract(None, root);
    let (mut block, _) = Hkdf::<Sha256>::extract(Some(&prk), &info);
    let secret = Zeroizing::new(block.into());
    zeroize::Zeroize::zeroize(prk.as_mut_slice());
    zeroize::Zeroize::zeroize(block.as_mut_slice());
    EncryptionKey { generation, public: x25519(*secret, X25519_BASEPOINT_BYTES), secret }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::keystore;
    use schnorrkel::{ExpansionMode, MiniSecretKey, derive::ChainCode};
    use std::collections::BTreeSet;

    const SEED: &str = "0x4242424242424242424242424242424242424242424242424242424242424242";

    fn signer(uri: &str) -> Signer {
        Signer::from_uri(uri).unwrap()
    }

    #[test]
    fn the_derivation_is_the_documented_one() {
        let account =
            MiniSecretKey::from_bytes(&[0x42; 32]).unwrap().expand(ExpansionMode::Ed25519);
        let (mini, _) = account.hard_derive_mini_secret_key(Some(ChainCode(ROOT)), b"");
        let root = mini.expand_to_public(ExpansionMode::Ed25519).to_bytes();
        for generation in [0, 1, 64, u32::MAX] {
            let info = [&LABEL[..], &generation.to_le_bytes()].concat();
            let mut secret = [0; 32];
            Hkdf::<Sha256>::new(None, &root).expand(&info, &mut secret).unwrap();
            let key = derive(&signer(SEED), generation);
            assert_eq!(*key.secret(), secret);
            assert_eq!(key.public(), x25519(secret, X25519_BASEPOINT_BYTES));
            assert_eq!(key.generation(), generation);
        }
    }

    #[test]
    fn the_keys_of_an_account_never_change() {
        // Computed with Polkadot-JS (`sr25519DeriveHard`) and the cryptography of Node.js.
        let hex = |key: PublicKey| key.map(|byte| format!("{byte:02x}")).concat();
        let alice = signer("//Alice");
        assert_eq!(
            hex(derive(&alice, 0).public()),
            "4a2038c3e3dc98672e1ba587d95be9ba21df56840e083dffe5593257f343e43d"
        );
        assert_eq!(
            hex(derive(&alice, 1).public()),
            "44d8af0ad71a17c0a53d17577a1de37848aa6747b0b85f78bad986ddc772c76c"
        );
        assert_eq!(
            hex(derive(&signer(SEED), 0).public()),
            "efee1804b6f88eabf6a3eb7352250a329221c3e15bc3465bce200f735a91216d"
        );
    }

    #[test]
    fn a_keystore_file_gives_the_same_keys_as_the_phrase() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.json");
        for uri in [SEED, "//Alice//trainer/1"] {
            keystore::create(&path, uri, "", "passphrase").unwrap();
            let opened = keystore::open(&path, "passphrase").unwrap();
            assert_eq!(derive(&opened, 3).secret(), derive(&signer(uri), 3).secret());
            std::fs::remove_file(&path).unwrap();
        }
    }

    #[test]
    fn accounts_and_generations_share_no_key() {
        let accounts = ["//Alice", "//Bob", "//Alice//1", "//Alice/1", SEED].map(signer);
        let keys: BTreeSet<_> = accounts
            .iter()
            .flat_map(|account| (0..20).map(|generation| derive(account, generation).public()))
            .collect();
        assert_eq!(keys.len(), accounts.len() * 20);
    }

    #[test]
    fn a_registered_key_is_found_below_the_limit_and_not_beyond() {
        let alice = signer("//Alice");
        let registered = derive(&alice, 7).public();
        let found = find(&alice, &registered, 64).unwrap();
        assert_eq!((found.generation(), found.public()), (7, registered));
        assert_eq!(found.secret(), derive(&alice, 7).secret());
        assert!(find(&alice, &registered, 7).is_none());
        assert!(find(&signer("//Bob"), &registered, 64).is_none());
        assert!(find(&alice, &[0; 32], 64).is_none());
    }

    #[test]
    fn no_path_leads_to_the_root() {
        for junction in ["decentralml/derive/encryption/01", "ecentralml/derive/encrypti", "01"] {
            assert_ne!(*DeriveJunction::hard(junction).inner(), ROOT);
        }
        // A text of 25 bytes, as the first byte says, would be followed by zeros.
        assert_eq!((ROOT[0] & 3, ROOT[0] >> 2), (0, 25));
        assert!(ROOT[26..].iter().all(|byte| *byte != 0));
    }

    #[test]
    fn a_secret_is_not_printed() {
        let key = derive(&signer(SEED), 2);
        assert_eq!(format!("{key:?}"), "EncryptionKey { generation: 2, .. }");
    }
}
