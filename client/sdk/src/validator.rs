//! What the operator of a validator asks of its own node.

use serde::{Deserialize, Serialize, Serializer};
use subxt::rpcs::{self, client::rpc_params, methods::legacy::Bytes};

use crate::{
    AccountId,
    api::runtime_types as types,
    chain::{ANSWER_LIMIT, Chain},
    error::{ReadError, within},
    event::hexadecimal,
};

/// JSON-RPC's code of a method that the node does not offer to this caller.
const NOT_OFFERED: i32 = -32_601;

/// The public keys with which a validator's node makes blocks and votes; the secret ones never leave the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SessionKeys {
    /// Makes blocks (sr25519).
    #[serde(serialize_with = "as_hexadecimal")]
    pub babe: [u8; 32],
    /// Votes on finality (ed25519).
    #[serde(serialize_with = "as_hexadecimal")]
    pub grandpa: [u8; 32],
}

/// Session keys that a node has just made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSessionKeys {
    /// The keys.
    pub keys: SessionKeys,
    /// Shows the chain that whoever registers them has them.
    pub proof: Vec<u8>,
}

/// What a node says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NodeState {
    /// Whether it was started as a validator.
    pub validator: bool,
    /// Whether it is still catching up with the chain.
    pub syncing: bool,
    /// How many other nodes it is connected to.
    pub peers: usize,
}

/// Why a node did not say or do what only its operator may ask.
#[derive(Debug, thiserror::Error)]
pub enum ValidatorError {
    /// The node keeps this to callers from its own machine.
    #[error(
        "the node at {url} lets nobody touch its keys from afar: run this on the node's own machine, with its RPC port \
         on 127.0.0.1 as --chain"
    )]
    Afar {
        /// Its address.
        url: String,
    },
    /// The runtime made keys that this program does not know, or no proof.
    #[error("the node made session keys of another form than this program knows")]
    Form,
    /// See [`ReadError`].
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// The answer of `author_rotateKeysWithOwner`.
#[derive(Deserialize)]
struct Rotated {
    keys: Bytes,
    #[serde(default)]
    proof: Option<Bytes>,
}

impl Chain {
    /// Has the node make new session keys, which only `owner` can register by [`crate::call::set_session_keys`]. It
    /// keeps the old ones, with which it goes on until the new ones count.
    ///
    /// # Errors
    ///
    /// The node is not on this machine, or does not answer.
    pub async fn rotate_session_keys(
        &self,
        owner: &AccountId,
    ) -> Result<NewSessionKeys, ValidatorError> {
        let owner = Bytes(owner.0.to_vec());
        let request = self.rpc().request("author_rotateKeysWithOwner", rpc_params![owner]);
        let Rotated { keys, proof } = self.own("new session keys", request).await?;
        let keys = SessionKeys::from_bytes(&keys).ok_or(ValidatorError::Form)?;
        Ok(NewSessionKeys { keys, proof: proof.ok_or(ValidatorError::Form)?.0 })
    }

    /// Whether the node has the secret keys that belong to these.
    ///
    /// # Errors
    ///
    /// As [`Chain::rotate_session_keys`].
    pub async fn has_session_keys(&self, keys: &SessionKeys) -> Result<bool, ValidatorError> {
        let request = self.methods().author_has_session_keys(keys.to_bytes());
        self.own("the node's keys", request).await
    }

    /// What the node says of itself.
    pub async fn node_state(&self) -> Result<NodeState, ReadError> {
        let roles = self.rpc().request::<Vec<String>>("system_nodeRoles", rpc_params![]);
        let roles = within("the node's role", ANSWER_LIMIT, roles).await?;
        let health = self.methods().system_health();
        let health = within("the node's health", ANSWER_LIMIT, health).await?;
        Ok(NodeState {
            validator: roles.iter().any(|role| role == "Authority"),
            syncing: health.is_syncing,
            peers: health.peers,
        })
    }

    /// Asks what a node answers to its own machine only.
    async fn own<T>(
        &self,
        what: &'static str,
        question: impl Future<Output = Result<T, rpcs::Error>>,
    ) -> Result<T, ValidatorError> {
        let question = async {
            match question.await {
                Err(rpcs::Error::User(error)) if error.code == NOT_OFFERED => Ok(None),
                other => other.map(Some),
            }
        };
        let answer = within(what, ANSWER_LIMIT, question).await?;
        answer.ok_or_else(|| ValidatorError::Afar { url: self.url().into() })
    }
}

impl SessionKeys {
    /// SCALE: one after the other.
    fn to_bytes(self) -> Vec<u8> {
        [self.babe, self.grandpa].concat()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (babe, grandpa) = bytes.split_first_chunk()?;
        Some(Self { babe: *babe, grandpa: grandpa.try_into().ok()? })
    }
}

impl From<&SessionKeys> for types::decentralml_runtime::SessionKeys {
    fn from(keys: &SessionKeys) -> Self {
        Self {
            babe: types::sp_consensus_babe::app::Public(keys.babe),
            grandpa: types::sp_consensus_grandpa::app::Public(keys.grandpa),
        }
    }
}

fn as_hexadecimal<S: Serializer>(key: &[u8; 32], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&hexadecimal(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_keys_survive_their_bytes_and_nothing_else_passes_for_them() {
        let keys = SessionKeys { babe: [1; 32], grandpa: [2; 32] };
        assert_eq!(SessionKeys::from_bytes(&keys.to_bytes()), Some(keys));
        assert_eq!(SessionKeys::from_bytes(&[0; 63]), None);
        assert_eq!(SessionKeys::from_bytes(&[0; 65]), None);
    }
}
