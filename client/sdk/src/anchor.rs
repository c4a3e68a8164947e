//! Transactions that belong to one fork.
//!
//! The hash of the block from which a mortal transaction's life counts is a part of what is signed, and every chain fills in
//! the hash of its own block of that height. So where the transaction counts from block *b*, its signature holds on the chains
//! that contain *b*, and on no other.

use std::time::Duration;

use decentralml_types::{BlockNumber, Hash};

use crate::{
    chain::{ANSWER_LIMIT, Chain},
    error::{ReadError, within},
};

/// How often it is looked whether the best chain still contains the block.
const LOOK: Duration = Duration::from_secs(2);

/// The block that a transaction is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// Its height.
    pub number: BlockNumber,
    /// Its hash.
    pub hash: Hash,
}

const _: () = assert!(Anchor::LIFETIME.is_power_of_two() && Anchor::LIFETIME <= 4_096);

impl Anchor {
    /// Blocks from this one on in which the transaction can be included. A power of two of at most 4096: only then does its life
    /// count from just this block. And less than the number of blocks of which the chain knows the hashes.
    pub const LIFETIME: BlockNumber = 64;

    /// Whether the best chain contains it. A node knows that of all its blocks, also of those whose state it has forgotten.
    pub async fn is_in(self, chain: &Chain) -> Result<bool, ReadError> {
        let hash = chain.methods().chain_get_block_hash(Some(self.number.into()));
        let found = within("the hash of a block", ANSWER_LIMIT, hash).await?;
        Ok(found.is_some_and(|found| found.0 == self.hash))
    }

    /// Whether the best chain does not contain it. A node that does not say does not speak against it.
    pub(crate) async fn is_abandoned(self, chain: &Chain) -> bool {
        match self.is_in(chain).await {
            Ok(contained) => !contained,
            Err(error) => {
                tracing::debug!(%error, "a transaction's block cannot be looked up");
                false
            }
        }
    }

    /// Returns once the best chain does not contain it.
    pub(crate) async fn abandoned(self, chain: &Chain) {
        loop {
            tokio::time::sleep(LOOK).await;
            if self.is_abandoned(chain).await {
                return;
            }
        }
    }
}
