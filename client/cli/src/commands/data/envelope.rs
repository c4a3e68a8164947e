//! The key of content, in the envelopes of those who may read it.

use super::keep;
use crate::{
    commands::encryption::secrets,
    exit::{Kind, OfKind, problem},
};
use color_eyre::Result;
use decentralml_sdk::{AccountId, Grant, Signer, View};
use decentralml_storage::{
    Storage,
    seal::{self, MAX_ENVELOPE_BYTES, OpenError, SecretKey},
    unixfs::canonical_cid,
};
use decentralml_types::{Cid, PublicKey};

/// The key that an account has registered, which it must have to be granted anything.
pub async fn key_of(view: &View, account: &AccountId) -> Result<PublicKey> {
    view.encryption_key(account).await?.ok_or_else(|| {
        problem(
            Kind::NotFound,
            format!(
                "{account} has registered no key that could be encrypted to: it runs `decentralml encryption register` first"
            ),
        )
    })
}

/// Stores an envelope with the key of content for one account. `note` is told of it before.
pub async fn store(
    storage: &Storage,
    key: &SecretKey,
    reader: &PublicKey,
    note: impl FnOnce(&Cid) -> Result<()>,
) -> Result<Cid> {
    let envelope = seal::envelope(key, &[*reader]).of_kind(Kind::Data)?;
    note(&canonical_cid(&envelope))?;
    keep(storage, envelope).await
}

/// The key of content, out of the envelope that was granted to the signer.
pub async fn open(
    storage: &Storage,
    signer: &Signer,
    cid: &Cid,
    grant: &Grant,
) -> Result<SecretKey> {
    let envelope = storage.fetch(&grant.envelope, MAX_ENVELOPE_BYTES).await?;
    opened(&envelope, signer, cid)
}

fn opened(envelope: &[u8], signer: &Signer, cid: &Cid) -> Result<SecretKey> {
    let secrets = secrets(signer);
    let secrets: Vec<&SecretKey> = secrets.iter().collect();
    seal::open_envelope(envelope, &secrets).map_err(|error| match error {
        OpenError::NotForUs => problem(
            Kind::Key,
            format!(
                "the envelope of {cid} opens with none of the keys of {}: it was made for another key. Register one \
                 (`decentralml encryption show` says which one is), and ask the owner to revoke the grant and to grant it again",
                signer.account()
            ),
        ),
        error => problem(
            Kind::Data,
            format!(
                "the envelope of {cid} cannot be opened ({error}): ask the owner to revoke the grant and to grant it again"
            ),
        ),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::exit::kind;
    use decentralml_sdk::encryption::derive;
    use decentralml_types::Codec;

    const CONTENT: Cid = Cid { codec: Codec::Raw, digest: [7; 32] };

    #[test]
    fn an_envelope_opens_with_whichever_key_it_was_made_for() {
        let bob = Signer::from_uri("//Bob").unwrap();
        let key = SecretKey::generate();
        for generation in [0, 1, 40] {
            let envelope = seal::envelope(&key, &[derive(&bob, generation).public()]).unwrap();
            assert_eq!(opened(&envelope, &bob, &CONTENT).unwrap().public(), key.public());
        }
    }

    #[test]
    fn an_envelope_of_others_and_a_broken_one_are_told_apart() {
        let bob = Signer::from_uri("//Bob").unwrap();
        let other = derive(&Signer::from_uri("//Eve").unwrap(), 0).public();
        let envelope = seal::envelope(&SecretKey::generate(), &[other]).unwrap();
        let error = opened(&envelope, &bob, &CONTENT).unwrap_err();
        assert_eq!(kind(&error), Kind::Key);
        assert!(error.to_string().contains("grant it again"), "{error}");
        let own = seal::envelope(&SecretKey::generate(), &[derive(&bob, 0).public()]).unwrap();
        let error = opened(&own[..own.len() - 1], &bob, &CONTENT).unwrap_err();
        assert_eq!(kind(&error), Kind::Data);
        assert_eq!(kind(&opened(b"no envelope", &bob, &CONTENT).unwrap_err()), Kind::Data);
    }
}
