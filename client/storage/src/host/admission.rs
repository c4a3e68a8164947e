//! Who may hand over what: for somebody to say who knows the chain.

use super::Statement;
use futures::future::BoxFuture;
use std::{fmt, future::Future};

/// Most bytes of a [`Grant`]'s label.
pub const MAX_LABEL: usize = 96;

/// What is granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Bytes that may be handed over, counted as a CAR; see [`largest_car`](super::largest_car).
    pub max_bytes: u64,
    /// What it is kept under, up to [`Keeper::release`](super::Keeper::release): 1 to [`MAX_LABEL`] printable characters of
    /// ASCII without `,` and `@`. All of a round may have the same one.
    pub label: String,
}

/// Why nothing is granted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The signature is not the account's.
    #[error("the signature is not that of the account in the statement")]
    Signature,
    /// What is stated is not so: another chain or host, a round that is not running, an account that was not drawn.
    #[error("{0}")]
    Denied(String),
    /// Its last block is past.
    #[error("the statement has expired; sign a new one")]
    Expired,
    /// It cannot be said yet: the chain is not in sight, or behind.
    #[error("{0}")]
    NotReady(String),
}

/// Says whether a statement holds. A host asks at every request, so it is to know the answer without much work.
pub trait Admission: Send + Sync + 'static {
    /// Checks, in this order or another, that the chain is the right one, `host` is this host, `expires` is not past, the task is
    /// in the round, its clock lets updates come, the account is drawn in it, and the signature is the account's, of
    /// [`Statement::payload`]. That the CID is the one of the request has been checked.
    fn admit(
        &self,
        statement: &Statement,
        signature: &[u8],
    ) -> impl Future<Output = Result<Grant, Refusal>> + Send;
}

/// An [`Admission`] of any type.
pub(super) trait AnyAdmission: Send + Sync {
    fn ask<'a>(
        &'a self,
        statement: &'a Statement,
        signature: &'a [u8],
    ) -> BoxFuture<'a, Result<Grant, Refusal>>;
}

impl<T: Admission> AnyAdmission for T {
    fn ask<'a>(
        &'a self,
        statement: &'a Statement,
        signature: &'a [u8],
    ) -> BoxFuture<'a, Result<Grant, Refusal>> {
        Box::pin(self.admit(statement, signature))
    }
}

impl fmt::Debug for dyn AnyAdmission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Admission")
    }
}
