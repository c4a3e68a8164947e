//! Who signs.

use std::{fmt, str::FromStr};

use subxt::utils::AccountId32;
use subxt_signer::{
    DEV_PHRASE, ExposeSecret, SecretUri, bip39::Mnemonic, sr25519, sr25519::Keypair,
};

/// An account's key pair (sr25519). Its debug output is the address.
#[derive(Clone)]
pub struct Signer {
    keypair: Keypair,
    account: AccountId32,
    development: bool,
}

/// Why a text is no key.
#[derive(Debug, thiserror::Error)]
pub enum SignerError {
    /// Not a secret URI. The text is secret, so it is not repeated.
    #[error(
        "not a key: expected a phrase of 12 to 24 words or 64 hexadecimal digits after 0x, optionally followed by \
         derivations such as //trainer"
    )]
    Syntax,
}

impl Signer {
    /// The key of a secret URI: `<phrase or 0x-seed>[//hard][/soft][///password]`, or `//Alice` and the like for the publicly
    /// known development keys.
    pub fn from_uri(uri: &str) -> Result<Self, SignerError> {
        let uri = SecretUri::from_str(uri.trim()).map_err(|_| SignerError::Syntax)?;
        let development = uri.phrase.expose_secret() == DEV_PHRASE;
        let keypair = Keypair::from_uri(&uri).map_err(|_| SignerError::Syntax)?;
        Ok(Self { development, ..Self::from_keypair(keypair) })
    }

    /// The key of a BIP-39 phrase and an optional password.
    pub fn from_phrase(phrase: &str, password: Option<&str>) -> Result<Self, SignerError> {
        let mnemonic = Mnemonic::from_str(phrase.trim()).map_err(|_| SignerError::Syntax)?;
        let keypair = Keypair::from_phrase(&mnemonic, password).map_err(|_| SignerError::Syntax)?;
        Ok(Self::from_keypair(keypair))
    }

    pub(crate) fn from_keypair(keypair: Keypair) -> Self {
        let account = AccountId32(keypair.public_key().0);
        Self { development: is_well_known(&account), keypair, account }
    }

    /// The account that it signs for.
    pub fn account(&self) -> AccountId32 {
        self.account
    }

    /// Whether the key is publicly known. [`crate::Chain::submit`] refuses such a key outside of development chains.
    pub fn is_development(&self) -> bool {
        self.development
    }

    /// A signature of a message that is no transaction, for [`verify`]. The message has to be of a kind that no transaction begins
    /// like, and to say what it is for: a signature says nothing else about that.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.keypair.sign(message).0
    }

    pub(crate) fn keypair(&self) -> &Keypair {
        &self.keypair
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.account)
    }
}

/// Whether a signature of a message is an account's, of a key of ours (sr25519). Bytes of any length are taken for the signature.
pub fn verify(account: &AccountId32, message: &[u8], signature: &[u8]) -> bool {
    let Ok(signature) = signature.try_into() else { return false };
    sr25519::verify(&sr25519::Signature(signature), message, &sr25519::PublicKey(account.0))
}

/// Whether the account is one of those that every development chain knows.
fn is_well_known(account: &AccountId32) -> bool {
    use subxt_signer::sr25519::dev;
    [dev::alice, dev::bob, dev::charlie, dev::dave, dev::eve, dev::ferdie, dev::one, dev::two]
        .iter()
        .any(|key| key().public_key().0 == account.0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const PHRASE: &str = "bottom drive obey lake curtain smoke basket hold race lonely fit wall";

    #[test]
    fn development_keys_are_recognized_by_uri_phrase_and_public_key() {
        let alice = Signer::from_uri("//Alice").unwrap();
        assert_eq!(alice.account().to_string(), "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY");
        assert!(alice.is_development());
        assert!(Signer::from_uri("//Alice//stash").unwrap().is_development());
        assert!(Signer::from_keypair(alice.keypair.clone()).is_development());
        let own = "0x1111111111111111111111111111111111111111111111111111111111111111";
        assert!(!Signer::from_uri(own).unwrap().is_development());
    }

    #[test]
    fn a_signature_is_that_of_one_account_for_one_message() {
        let [alice, bob] = ["//Alice", "//Bob"].map(|uri| Signer::from_uri(uri).unwrap());
        let signature = alice.sign(b"this");
        assert!(verify(&alice.account(), b"this", &signature));
        assert!(!verify(&alice.account(), b"that", &signature));
        assert!(!verify(&bob.account(), b"this", &signature));
        for wrong in [&signature[..63], &[&signature[..], &[0]].concat(), &[], &[7; 64]] {
            assert!(!verify(&alice.account(), b"this", wrong));
        }
    }

    #[test]
    fn nothing_secret_is_printed() {
        let seed = "0x2222222222222222222222222222222222222222222222222222222222222222";
        let signer = Signer::from_uri(seed).unwrap();
        assert_eq!(format!("{signer:?}"), format!("Signer({})", signer.account()));
        let error = Signer::from_uri("my secret is hunter2").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"));
        assert!(Signer::from_phrase(PHRASE, None).is_err());
    }
}
