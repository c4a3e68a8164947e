//! What is hashed into commitments.
//!
//! A commitment binds everything it is about, the chain itself included, so it can be neither copied by another account nor
//! replayed in another round, task or chain.

use crate::{Cid, CommitteeNumber, Hash, Label, Opinions, RoundNumber, Salt, TaskId};
use codec::Encode;
use sp_crypto_hashing::blake2_256;

/// Which of our payloads a hash is of, so that no two kinds can be taken for each other.
const UPDATE: &[u8; 20] = b"decentralml/update/1";
const SCORES: &[u8; 20] = b"decentralml/scores/1";
const GOLD: &[u8; 20] = b"decentralml/golden/1";
const MARK: &[u8; 20] = b"decentralml/marked/1";

/// A trainer's commitment to its update.
#[derive(Clone, Debug, Encode)]
pub struct UpdateCommitment<'a, AccountId> {
    /// Hash of block 0 of the chain.
    pub genesis: Hash,
    pub task: TaskId,
    pub round: RoundNumber,
    pub account: &'a AccountId,
    /// The model the update starts from; `None` where the weights come from the task's seed.
    pub base: Option<Cid>,
    /// The update's bytes; in a sealed task the encrypted ones.
    pub cid: Cid,
    /// SHA2-256 of the plain update; `Some` in sealed tasks only.
    pub plain_hash: Option<Hash>,
    /// Rows the trainer says it trained on.
    pub samples: u32,
    pub salt: Salt,
}

impl<AccountId: Encode> UpdateCommitment<'_, AccountId> {
    /// BLAKE2b-256 of the SCALE encoding, domain-separated.
    pub fn hash(&self) -> Hash {
        (UPDATE, self).using_encoded(blake2_256)
    }
}

/// A seat's commitment to its scores.
#[derive(Clone, Debug, Encode)]
pub struct ScoresCommitment<'a, AccountId> {
    /// Hash of block 0 of the chain.
    pub genesis: Hash,
    pub task: TaskId,
    pub round: RoundNumber,
    pub committee: CommitteeNumber,
    pub account: &'a AccountId,
    /// In the order of the reveals.
    pub opinions: &'a Opinions,
    pub salt: Salt,
}

impl<AccountId: Encode> ScoresCommitment<'_, AccountId> {
    /// BLAKE2b-256 of the SCALE encoding, domain-separated.
    pub fn hash(&self) -> Hash {
        (SCORES, self).using_encoded(blake2_256)
    }
}

/// What makes an update a gold result: its sponsor announces the [`seal`](Self::seal) while the round trains, and its trainer uses the
/// [`mark`](Self::mark) as the salt of its own commitment. Neither can be told from any other, nor one from the other, before the
/// secret is shown; then each proves that who made it knew the label when nobody had seen the update.
#[derive(Clone, Debug, Encode)]
pub struct GoldResult<'a, AccountId> {
    /// Hash of block 0 of the chain.
    pub genesis: Hash,
    pub task: TaskId,
    pub round: RoundNumber,
    /// Whose update it is.
    pub trainer: &'a AccountId,
    /// What is known of it.
    pub label: Label,
    pub secret: Salt,
}

impl<AccountId: Encode> GoldResult<'_, AccountId> {
    /// BLAKE2b-256 of the SCALE encoding, domain-separated: what the sponsor announces.
    pub fn seal(&self) -> Hash {
        (GOLD, self).using_encoded(blake2_256)
    }

    /// The same in another domain: the salt of the trainer's commitment to its update.
    pub fn mark(&self) -> Salt {
        (MARK, self).using_encoded(blake2_256)
    }
}
