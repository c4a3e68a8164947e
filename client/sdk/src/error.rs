//! What can go wrong between this program and a chain.

use std::time::Duration;

use decentralml_types::Balance;

use crate::{AccountId, keystore::KeystoreError, signer::SignerError, validator::ValidatorError};

/// Everything that this crate's functions return, for callers that treat all alike.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// See [`ConnectError`].
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// See [`ReadError`].
    #[error(transparent)]
    Read(#[from] ReadError),
    /// See [`SubmitError`].
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// See [`KeystoreError`].
    #[error(transparent)]
    Keystore(#[from] KeystoreError),
    /// See [`SignerError`].
    #[error(transparent)]
    Signer(#[from] SignerError),
    /// See [`ValidatorError`].
    #[error(transparent)]
    Validator(#[from] ValidatorError),
}

/// Why there is no connection to a chain.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Not the address of a node.
    #[error("{url} is no address of a node: expected ws://host:port or wss://host:port")]
    Url {
        /// The address.
        url: String,
    },
    /// Nobody answers there.
    #[error(
        "no chain at {url}: {reason}. Start one with `decentralml-node --dev`, or give the address of another node"
    )]
    NoChain {
        /// The address.
        url: String,
        /// What the attempt said.
        reason: String,
    },
    /// Another chain than ours.
    #[error("the chain at {url} is `{found}`, not a DecentralML chain")]
    OtherChain {
        /// The address.
        url: String,
        /// Its runtime's name.
        found: String,
    },
    /// A DecentralML chain whose runtime is not the one this program was built for.
    #[error(
        "the chain at {url} runs version {found} of the runtime, which is not the one that this program was built for \
         ({difference}): use the release of this program that belongs to the chain, or give the address of another node \
         (while developing, renew client/sdk/metadata.scale with scripts/metadata.sh and build again)"
    )]
    MetadataMismatch {
        /// The address.
        url: String,
        /// Its `spec_version`.
        found: u32,
        /// In which points it differs.
        difference: String,
    },
    /// The node answers, but a question went wrong.
    #[error("the chain at {url} does not answer as a node should: {source}")]
    Read {
        /// The address.
        url: String,
        /// What went wrong.
        source: ReadError,
    },
}

/// Why something could not be read from the chain.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// No answer in time: the node is gone or overloaded. The connection is renewed meanwhile, so trying again makes sense.
    #[error("the node has not answered for {} seconds ({what})", limit.as_secs())]
    Timeout {
        /// What was asked.
        what: &'static str,
        /// How long it was waited for.
        limit: Duration,
    },
    /// The node answered with an error, or with something that is not what the metadata says.
    #[error("{what}: {source}")]
    Node {
        /// What was asked.
        what: &'static str,
        /// What went wrong.
        source: Box<subxt::Error>,
    },
    /// A block that the node does not know, or no longer has the state of.
    #[error("the node does not know block {0}")]
    NoSuchBlock(String),
    /// The subscription ended and could not be renewed.
    #[error("the node ended the subscription to its blocks")]
    Ended,
    /// Stored data that are not what they should be.
    #[error("unexpected data on chain: {0}")]
    Unexpected(String),
}

impl ReadError {
    /// Whether the same question may be answered later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Timeout { .. } | Self::Node { .. } | Self::Ended)
    }
}

/// Why a call had no effect, or may have had none.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// The call was executed and refused by a pallet. The explanation is the pallet's own documentation.
    #[error("{pallet}::{name}: {explanation}")]
    Rejected {
        /// The pallet.
        pallet: String,
        /// The error's name.
        name: String,
        /// What the pallet says about it.
        explanation: String,
    },
    /// The call was executed and refused by the runtime itself.
    #[error("the chain refused the call: {0}")]
    Dispatch(String),
    /// The account cannot pay the fee.
    #[error(
        "account {account} cannot pay for the transaction: it has {free} planck and needs {} for the fee: send it funds first",
        planck(*needed)
    )]
    CannotPay {
        /// Who signed.
        account: AccountId,
        /// What it has free, in planck.
        free: Balance,
        /// What the chain asks for, in planck, where it said so.
        needed: Option<Balance>,
    },
    /// The account does not have what the call moves or holds.
    #[error(
        "account {account} does not have what {call} takes: it has {free} planck and needs {}: send it funds first",
        planck(*needed)
    )]
    NoFunds {
        /// Who signed.
        account: AccountId,
        /// What it has free, in planck.
        free: Balance,
        /// What the call takes, in planck, where that is known; the existential deposit has to stay besides.
        needed: Option<Balance>,
        /// The call.
        call: &'static str,
    },
    /// A publicly known key on a chain where money is real.
    #[error("the key is publicly known: it is accepted on development chains only")]
    DevelopmentKey,
    /// The transaction never became valid.
    #[error("the node did not accept the transaction: {0}")]
    Invalid(String),
    /// No block contained it in time; it may still be included until it expires.
    #[error("the transaction was not {state} within {} seconds", limit.as_secs())]
    Timeout {
        /// What was waited for.
        state: &'static str,
        /// How long.
        limit: Duration,
    },
    /// The connection was lost while waiting: whether it was included has to be looked up.
    #[error("the connection was lost while waiting for the transaction: {0}")]
    Unknown(String),
    /// The call cannot be encoded for this chain.
    #[error("the call does not fit the chain's metadata: {0}")]
    Encoding(String),
    /// Something had to be read for it and could not be.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl SubmitError {
    /// Whether a pallet refused the call with this error.
    pub fn is_rejection(&self, pallet: &str, name: &str) -> bool {
        matches!(self, Self::Rejected { pallet: p, name: n, .. } if p == pallet && n == name)
    }

    /// Whether trying again, after a look at the chain, makes sense.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Timeout { .. } | Self::Unknown(_) => true,
            Self::Read(error) => error.is_transient(),
            _ => false,
        }
    }
}

fn planck(amount: Option<Balance>) -> String {
    amount.map_or_else(|| "more".into(), |amount| format!("{amount} planck"))
}

/// Runs a question with a time limit and says in its error what was asked.
pub(crate) async fn within<T, E: Into<subxt::Error>>(
    what: &'static str,
    limit: Duration,
    question: impl Future<Output = Result<T, E>>,
) -> Result<T, ReadError> {
    match tokio::time::timeout(limit, question).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(ReadError::Node { what, source: Box::new(error.into()) }),
        Err(_) => Err(ReadError::Timeout { what, limit }),
    }
}
