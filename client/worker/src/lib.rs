//! The daemons that take part in rounds.
//!
//! ```text
//!  trainer.rs  evaluator.rs      what a role does; one file per phase
//!        └──────┬──────┘
//!          daemon.rs ── feed.rs  blocks come in, tasks are found
//!         session.rs             one task, from enrollment to the last claim
//!   ┌─────┬─────┼──────┬──────┬─────┐
//!  enroll advance claim tries state pins    what both roles do: take part, push on, be paid, give up, remember, let go
//!         answers                           what others demand of updates, beside everything else
//!   sources  handing  hosting               where bytes are, giving an update to hosts, being a host
//!   convert  model  step  wire                    what a specification asks of the learning crate; updates as bytes
//! ```
//!
//! A daemon acts on best blocks as they come and claims what is final on the finalized chain. Everything that a later step needs
//! and that only this account knows (a salt, opinions) is on disk before the transaction that depends on it is sent. So a
//! daemon may be killed between any two steps: when it is started again, it compares its records with the chain and goes on.
//!
//! No failure of a step ends it and none is retried for ever: it is logged, the next block tries again, and after a number of
//! failures in one phase that phase is given up. What others may put right at no cost of this account, such as a store that
//! does not answer or money that is missing, is no failure: enrolling waits for it.
//!
//! A node that is out of reach is waited for as well, for an hour: after 30 seconds without a best block a warning says so, and
//! again at growing distances; after an hour the daemon ends with [`WorkerError::NoBlocks`]. Finality may stand still for longer.
//!
//! A fork may be given up, with all that is on it. So nothing is decided for good by a block that is not final: neither that a
//! task does not suit, nor that a record is no longer needed.
//! A commitment is bound to a block at which the chain asks for it: a fork that asks for another one cannot contain it.

mod advance;
mod answers;
mod claim;
mod common;
mod conduct;
pub mod convert;
mod daemon;
mod enroll;
mod error;
pub mod evaluator;
mod feed;
mod handing;
pub mod hosting;
pub mod model;
mod origin;
mod pins;
mod sealed;
mod session;
pub mod shutdown;
mod sources;
mod state;
pub mod step;
pub mod trainer;
mod tries;
mod variate;
pub mod wire;
mod work;

pub use common::{Common, Upload};
pub use conduct::UnknownConduct;
pub use error::WorkerError;
pub use sealed::{HandOverError, secrets};
pub use shutdown::Shutdown;
pub use sources::{announced_hosts, keepers_of};
pub use state::StateError;
