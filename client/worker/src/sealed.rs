//! What trainers and evaluators of sealed tasks share: the account's own keys, and updates that only the drawn seats read.
//!
//! ```text
//!  trainer   plain update ── seal ──► ciphertext, stored and committed to
//!                              └────► the update's key, in an envelope for the trainer itself, on disk
//!            ── for_seats ──► the same key, in an envelope for the seats, stored and handed over
//!  seat      envelope ── open ──► the update's key ──► ciphertext ──► plain update, or what is wrong with it
//! ```

use decentralml_sdk::{Reveal, Signer, encryption};
use decentralml_storage::seal::{
    self, Expected, OpenError, SealError, SecretKey, envelope, open_envelope, seal_to_one,
};
use decentralml_types::{CommitteeNumber, Hash, Opinion, PublicKey, encryption::is_usable};
use serde::{Deserialize, Serialize};

use crate::state::hex32;

mod hex;

/// The secrets of the account's keys of all known generations: a seat that replaces its key keeps the former ones.
pub fn secrets(signer: &Signer) -> Vec<SecretKey> {
    encryption::all(signer).map(|key| SecretKey::from_bytes(key.secret())).collect()
}

/// What a trainer keeps of its sealed update: nothing in it is a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SealedUpdate {
    /// SHA2-256 of the plain update.
    #[serde(with = "hex32")]
    pub(crate) plain_hash: Hash,
    /// The update's key, in an envelope that only the account itself opens.
    #[serde(with = "hex")]
    key: Vec<u8>,
}

/// Seals an update to a new key, and that key to the account's own. The first is the ciphertext.
pub(crate) fn seal_update(
    plain: &[u8],
    own: &PublicKey,
) -> Result<(Vec<u8>, SealedUpdate), SealError> {
    let mut ciphertext = Vec::new();
    let (key, sealed) = seal_to_one(plain, &mut ciphertext)?;
    let key = envelope(&key, &[*own])?;
    Ok((ciphertext, SealedUpdate { plain_hash: sealed.plain_hash, key }))
}

/// Why a key cannot be handed over.
#[derive(Debug, thiserror::Error)]
pub enum HandOverError {
    /// The record's envelope does not open.
    #[error(
        "the update's key in this folder's records cannot be opened with this account's key ({0}): it cannot be handed over"
    )]
    Kept(OpenError),
    /// No envelope can be made for the seats.
    #[error("the update's key cannot be sealed to the seats: {0}")]
    Seats(SealError),
}

impl SealedUpdate {
    /// The update's key, in an envelope for these seats. Keys that nothing can be sealed to are left out.
    pub(crate) fn for_seats(
        &self,
        signer: &Signer,
        seats: &[PublicKey],
    ) -> Result<Vec<u8>, HandOverError> {
        let secrets = secrets(signer);
        let secrets: Vec<&SecretKey> = secrets.iter().collect();
        let key = open_envelope(&self.key, &secrets).map_err(HandOverError::Kept)?;
        let seats: Vec<PublicKey> = seats.iter().copied().filter(is_usable).collect();
        envelope(&key, &seats).map_err(HandOverError::Seats)
    }
}

/// A sealed update in the eyes of a seat: the plain bytes, or what is wrong. Without a key that opens for this seat the update is
/// `Unavailable`; what that key does not open to just the bytes that were announced, and to no more than `limit`, is `Malformed`.
pub(crate) fn open_update(
    ciphertext: &[u8],
    envelope: &[u8],
    secrets: &[SecretKey],
    plain_hash: Hash,
    limit: u64,
) -> Result<Vec<u8>, Opinion> {
    let secrets: Vec<&SecretKey> = secrets.iter().collect();
    let key = open_envelope(envelope, &secrets).map_err(|error| {
        tracing::debug!(%error, "no key for this seat");
        Opinion::Unavailable
    })?;
    let expected = Expected::at_most(limit).with_hash(plain_hash);
    let opened = seal::open_to_bytes(ciphertext, &[&key], &expected);
    opened.map(|(plain, _)| plain).map_err(|error| {
        tracing::debug!(%error, "malformed");
        Opinion::Malformed
    })
}

/// The reveals with what was handed over to this committee, and to no other.
pub(crate) fn handed_to(committee: CommitteeNumber, reveals: Vec<Reveal>) -> Vec<Reveal> {
    let ours = |reveal: Reveal| Reveal {
        handover: reveal.handover.filter(|handover| handover.committee == committee),
        ..reveal
    };
    reveals.into_iter().map(ours).collect()
}

#[cfg(test)]
mod tests;
