//! What can go wrong in a daemon.

use decentralml_learning as learning;
use decentralml_sdk::{AccountId, ConnectError, ReadError, SubmitError};
use decentralml_types::TaskId;

use crate::{model::ModelError, sealed::HandOverError, state::StateError};

/// Why a step, or the daemon as a whole, failed.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// There is no chain to work for.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The chain could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A transaction failed.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] decentralml_storage::Error),
    /// The records on disk failed.
    #[error(transparent)]
    State(#[from] StateError),
    /// The task's model cannot be used.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// Training failed.
    #[error("training failed: {0}")]
    Train(#[from] learning::TrainError),
    /// The trained weights cannot be encoded.
    #[error("the update cannot be encoded: {0}")]
    Update(#[from] learning::UpdateError),
    /// The trained weights cannot be packed.
    #[error("the update cannot be packed: {0}")]
    Pack(#[from] learning::CodecError),
    /// The update is longer than the task allows.
    #[error("the update has {found} bytes, the task allows {allowed}")]
    UpdateTooLong {
        /// Its length.
        found: usize,
        /// The task's limit.
        allowed: u64,
    },
    /// The update cannot be sealed.
    #[error("the update cannot be sealed: {0}")]
    Seal(#[from] decentralml_storage::seal::SealError),
    /// The key of a sealed update cannot be handed over.
    #[error(transparent)]
    HandOver(#[from] HandOverError),
    /// The validation set cannot be read.
    #[error("the validation set cannot be used: {0}")]
    Data(#[from] learning::DataError),
    /// A model cannot be evaluated.
    #[error(transparent)]
    Evaluate(#[from] learning::EvaluateError),
    /// The updates cannot be scored.
    #[error("the updates cannot be scored: {0}")]
    Score(#[from] learning::ContributionError),
    /// The accepted updates cannot be aggregated.
    #[error("the accepted updates cannot be aggregated: {0}")]
    Aggregate(#[from] learning::AggregateError),
    /// The server's optimizer cannot take its step.
    #[error("the server's optimizer cannot go on: {0}")]
    Server(#[from] learning::ServerError),
    /// A trainer's changes cannot be averaged over its rounds.
    #[error("the worker momentum cannot go on: {0}")]
    Momentum(#[from] learning::MomentumError),
    /// Control variates do not fit the round.
    #[error("SCAFFOLD cannot go on: {0}")]
    Scaffold(#[from] learning::ScaffoldError),
    /// A key that everybody knows, or an attacker's behavior, on a chain where money is real.
    #[error("{0} on development chains only")]
    DevelopmentOnly(&'static str),
    /// The task that was asked for does not suit.
    #[error("cannot take part in task {task}: {reason}")]
    Unfit {
        /// The task.
        task: TaskId,
        /// Why not.
        reason: String,
    },
    /// The task asks for a better record than the account has. It may get one, or what is bad in it may fade.
    #[error(
        "task {task} asks for a reputation of {needed} of 1000, and the account has {score}: it rises with work that other tasks \
         accept, and what lowered it fades in time"
    )]
    ReputationTooLow {
        /// The task.
        task: TaskId,
        /// What it asks for.
        needed: u16,
        /// What the account has.
        score: u16,
    },
    /// The task that was asked for is not there.
    #[error("there is no task {task} on the chain: `decentralml task list` shows those there are")]
    UnknownTask {
        /// The task.
        task: TaskId,
    },
    /// The task that was asked for is over, and nothing of the account is left in it.
    #[error("task {task} is over ({status}), and nothing of this account is left in it")]
    TaskOver {
        /// The task.
        task: TaskId,
        /// How it ended.
        status: &'static str,
    },
    /// A task asks for a larger bond than the daemon may make.
    #[error(
        "task {task} needs {needed} of bond in all, and {allowed} are allowed: raise --max-bond (`max_bond` in the \
         configuration file) to take part, or lower --weight where that is more than 1"
    )]
    BondTooLarge {
        /// The task.
        task: TaskId,
        /// What would be bonded in all, as people write it.
        needed: String,
        /// The daemon's limit, likewise.
        allowed: String,
    },
    /// The account cannot pay for the bond that a task asks for. Nothing was sent.
    #[error(
        "{account} has {free} and needs {needed} for the bond of task {task}, the fee and the existential deposit: send tokens \
         to {account}, or lower --weight where that is more than 1"
    )]
    NoFunds {
        /// The task.
        task: TaskId,
        /// Who takes part.
        account: AccountId,
        /// What it has free, as people write it.
        free: String,
        /// What it needs, likewise.
        needed: String,
    },
    /// No best block has come for an hour, however often the connection was renewed: the node is gone, or its chain stands still.
    #[error(
        "no block has come from {url} for {minutes} minutes: see to the node there, or give another with --chain, then start \
         the worker again; it goes on where it was"
    )]
    NoBlocks {
        /// The node's address.
        url: String,
        /// How long it was waited for.
        minutes: u64,
    },
    /// The host cannot listen.
    #[error(transparent)]
    Serve(#[from] decentralml_storage::server::ServeError),
    /// A store in a folder of this account failed.
    #[error(transparent)]
    OwnStore(#[from] decentralml_storage::StoreError),
    /// What is to be handed to hosts is not in this account's store.
    #[error("cannot be handed to hosts: {0}")]
    Parcel(#[from] decentralml_storage::host::ParcelError),
    /// These hosts cannot be announced.
    #[error("{0}")]
    Hosts(String),
    /// What the chain says contradicts this account's records.
    #[error("{0}")]
    Contradiction(String),
    /// The operating system has no randomness to give.
    #[error("the operating system gave no random bytes")]
    NoRandomness,
    /// A computation in a thread of its own ended without a result.
    #[error("a computation was aborted")]
    Aborted,
}

impl WorkerError {
    /// Whether there is nothing to do for a daemon that was asked for one task.
    pub(crate) fn is_about_the_task(&self) -> bool {
        matches!(self, Self::UnknownTask { .. } | Self::TaskOver { .. })
    }

    /// Whether others may remove what keeps an account from enrolling: the store may come to have the model, somebody may send
    /// tokens, another task may end and free its bond. Nothing was executed, and it cost nothing.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Model(error) => !error.is_final(),
            Self::NoFunds { .. } | Self::BondTooLarge { .. } | Self::ReputationTooLow { .. } => {
                true
            }
            Self::Submit(error) => matches!(error, SubmitError::CannotPay(_)),
            _ => false,
        }
    }

    /// Whether doing the same again would end the same: it follows from the round's model, the rows and the task alone. A card that
    /// failed may have been short of memory for a moment.
    pub(crate) fn is_certain(&self) -> bool {
        use learning::TrainError;
        match self {
            Self::Train(error) => !matches!(error, TrainError::Stopped | TrainError::Device { .. }),
            Self::Update(_) | Self::Pack(_) | Self::UpdateTooLong { .. } | Self::Scaffold(_) => {
                true
            }
            _ => false,
        }
    }

    /// Whether the chain executed a call and refused it, which costs a fee.
    pub(crate) fn is_refusal(&self) -> bool {
        use SubmitError::{BelowMinimum, Dispatch, NoFunds, Rejected};
        let Self::Submit(error) = self else { return false };
        matches!(error, Rejected { .. } | Dispatch(_) | NoFunds { .. } | BelowMinimum { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use decentralml_sdk::{Properties, Shortage};

    #[test]
    fn what_costs_a_fee_counts_and_what_costs_nothing_may_pass() {
        let account = AccountId::from([1; 32]);
        let token = Properties { symbol: "DML".into(), decimals: 12, ss58: 42 };
        let shortage = Box::new(Shortage { account, free: 1, needed: None, stays: None, token });
        let no_funds = SubmitError::NoFunds { call: "bond", shortage: shortage.clone() };
        let cannot_pay = SubmitError::CannotPay(shortage);
        let (paid, free) = (WorkerError::Submit(no_funds), WorkerError::Submit(cannot_pay));
        assert!(paid.is_refusal() && !paid.may_pass());
        assert!(free.may_pass() && !free.is_refusal());
    }
}
