//! The key that an account has registered, in the eyes of the account itself.

use super::{EncryptionKey, GENERATIONS, derive, find};
use crate::{ReadError, Signer, View};
use decentralml_types::PublicKey;

/// What an account has registered.
#[derive(Debug)]
pub enum Registered {
    /// Nothing.
    Nothing,
    /// One of the keys that are derived from its own.
    Own(EncryptionKey),
    /// Another one, of which nobody here knows the secret.
    Other(PublicKey),
}

impl Registered {
    /// What a block says that the signer has registered.
    pub async fn read(view: &View, signer: &Signer) -> Result<Self, ReadError> {
        let registered = view.encryption_key(&signer.account()).await?;
        Ok(Self::of(signer, registered))
    }

    /// What the signer has registered, where it is this.
    pub fn of(signer: &Signer, registered: Option<PublicKey>) -> Self {
        let Some(key) = registered else { return Self::Nothing };
        match find(signer, &key, GENERATIONS) {
            Some(own) => Self::Own(own),
            None => Self::Other(key),
        }
    }

    /// The key to keep the account's own secrets under: the registered one if it is the account's, otherwise its first.
    pub fn or_first(self, signer: &Signer) -> PublicKey {
        match self {
            Self::Own(key) => key.public(),
            Self::Nothing | Self::Other(_) => derive(signer, 0).public(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_key_is_ours_where_it_is_derived_from_the_accounts_own() {
        let [own, other] = ["//E1", "//E2"].map(|uri| Signer::from_uri(uri).unwrap());
        let key = |signer, generation| derive(signer, generation).public();
        assert!(matches!(Registered::of(&own, None), Registered::Nothing));
        for generation in [0, 5, GENERATIONS - 1] {
            let found = Registered::of(&own, Some(key(&own, generation)));
            assert!(matches!(&found, Registered::Own(key) if key.generation() == generation));
            assert_eq!(found.or_first(&own), key(&own, generation));
        }
        for foreign in [key(&other, 0), key(&own, GENERATIONS)] {
            let found = Registered::of(&own, Some(foreign));
            assert!(matches!(found, Registered::Other(key) if key == foreign));
            assert_eq!(found.or_first(&own), key(&own, 0));
        }
    }
}
