//! What both daemons are told.

use std::path::PathBuf;

use decentralml_sdk::Signer;
use decentralml_storage::{SourceUrl, StoreToken, host::Handing};
use decentralml_types::{Balance, RoundNumber, TaskId};
use tokio::sync::watch;

use crate::hosting::HostSettings;

/// The settings of a daemon that do not depend on its role.
#[derive(Clone, Debug)]
pub struct Common {
    /// A node, such as `ws://127.0.0.1:9944`.
    pub chain: String,
    /// An IPFS store, such as `http://127.0.0.1:5001`.
    pub storage: String,
    /// What that store asks for, if it asks for a token.
    pub storage_token: Option<StoreToken>,
    /// Gateways that are asked for what the store does not have, before the hosts that participants have announced.
    pub sources: Vec<SourceUrl>,
    /// Whether an announced host is used that is in this machine's own network; on development chains it always is.
    pub allow_private_hosts: bool,
    /// The host that runs beside the daemon; `None`: there is none.
    pub host: Option<HostSettings>,
    /// The account that takes part.
    pub signer: Signer,
    /// Where it keeps its records: one folder for each account and role. Created if it is not there.
    pub state: PathBuf,
    /// Bytes of the store of its own that it has in `state`: what it makes and fetches is kept there, and taken from there. `None`: it
    /// has none.
    pub own_store: Option<u64>,
    /// The task to take part in; all that fit where none is given.
    pub task: Option<TaskId>,
    /// What it may bond in all, in planck: it bonds what tasks ask for, up to this.
    pub max_bond: Balance,
    /// How many times the bond it puts at risk in tasks that draw by bond, up to their caps: 1, 2, 4, 8 or 16.
    pub weight: u8,
    /// Who looks at how far updates on their way to hosts are: all that are at the time, of each task one at most.
    pub uploads: Option<watch::Sender<Vec<Upload>>>,
    /// Whether to end once the given task is over and everything of this account in it is settled.
    pub exit_when_done: bool,
}

/// An update on its way to hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upload {
    /// The task.
    pub task: TaskId,
    /// The round.
    pub round: RoundNumber,
    /// How far it is.
    pub at: Handing,
}

impl Upload {
    /// Whether both are of one round.
    pub fn is_same(&self, other: &Self) -> bool {
        (self.task, self.round) == (other.task, other.round)
    }
}
