//! What can go wrong between this program and a chain.

use std::{fmt, time::Duration};

use decentralml_types::Balance;

use crate::{
    AccountId, chain::Properties, keystore::KeystoreError, signer::SignerError,
    validator::ValidatorError,
};

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
    /// The account cannot pay the fee. Nothing was executed.
    #[error(
        "account {account} cannot pay the fee of the transaction: {0}: send it funds first",
        account = .0.account
    )]
    CannotPay(Box<Shortage>),
    /// The account does not have what the call moves or holds.
    #[error(
        "account {account} does not have what {call} takes: {shortage}: send it funds first",
        account = shortage.account
    )]
    NoFunds {
        /// The call.
        call: &'static str,
        /// What is missing, and of whom.
        shortage: Box<Shortage>,
    },
    /// The receiver does not exist, and what it would get does not suffice for it to.
    #[error(
        "{call} gives too little to an account that does not exist yet: no account exists with less than {minimum}, the \
         existential deposit: send at least that much"
    )]
    BelowMinimum {
        /// The call.
        call: &'static str,
        /// The existential deposit, as people write it.
        minimum: String,
    },
    /// A publicly known key on a chain where money is real.
    #[error("the key is publicly known: it is accepted on development chains only")]
    DevelopmentKey,
    /// The transaction never became valid.
    #[error("the node did not accept the transaction: {0}")]
    Invalid(String),
    /// The chain took another fork than the one that the transaction is bound to: see [`Anchor`](crate::Anchor).
    #[error("the chain took another fork than the one that the transaction was made for")]
    Abandoned,
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
            Self::Abandoned | Self::Timeout { .. } | Self::Unknown(_) => true,
            Self::Read(error) => error.is_transient(),
            _ => false,
        }
    }
}

/// What an account has, and what it would need. It prints as `it has 1 DML and needs 2 DML …`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shortage {
    /// Who signed.
    pub account: AccountId,
    /// What it has free, in planck; 0 where that could not be read.
    pub free: Balance,
    /// What it needs, in planck, where that is known.
    pub needed: Option<Balance>,
    /// The existential deposit, which has to stay besides, in planck, where it could be read.
    pub stays: Option<Balance>,
    /// How amounts are written.
    pub token: Properties,
}

impl Shortage {
    /// Whether what it has is less than what it needs, or may be.
    pub(crate) fn is_real(&self) -> bool {
        let stays = self.stays.unwrap_or(0);
        self.needed.is_none_or(|needed| self.free < needed.saturating_add(stays))
    }
}

impl fmt::Display for Shortage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let needed = self.needed.map_or_else(|| "more".into(), |planck| self.token.tokens(planck));
        write!(f, "it has {} and needs {needed}", self.token.tokens(self.free))?;
        match self.stays {
            Some(stays) => {
                let stays = self.token.tokens(stays);
                write!(f, " besides the existential deposit of {stays}, which has to stay")
            }
            None => Ok(()),
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn shortage(free: Balance, needed: Option<Balance>, stays: Option<Balance>) -> Box<Shortage> {
        let token = Properties { symbol: "DML".into(), decimals: 12, ss58: 42 };
        Box::new(Shortage { account: AccountId::from([1; 32]), free, needed, stays, token })
    }

    #[test]
    fn who_has_more_than_the_fee_is_told_what_has_to_stay() {
        let deposit = Some(1_000_000_000);
        let short = shortage(5_619_006_824, Some(5_224_290_845), deposit);
        assert!(short.is_real());
        let text = SubmitError::CannotPay(short).to_string();
        for part in [
            "it has 0.005619006824 DML and needs 0.005224290845 DML",
            "the existential deposit of 0.001 DML, which has to stay",
            "send it funds",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("planck"), "{text}");
    }

    #[test]
    fn what_is_not_known_is_not_claimed() {
        let text = shortage(0, None, None).to_string();
        assert_eq!(text, "it has 0 DML and needs more");
        assert!(shortage(0, None, None).is_real());
        assert!(shortage(9, Some(5), Some(5)).is_real());
        assert!(!shortage(10, Some(5), Some(5)).is_real());
        assert!(shortage(Balance::MAX - 1, Some(Balance::MAX), Some(5)).is_real());
    }
}
