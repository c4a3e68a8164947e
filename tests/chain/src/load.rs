//! A real node under load.
//!
//! ```text
//!   Prefilled ── tasks whose first rounds have drawn 256 trainers each, played in process ──► a chain specification
//!                                                                                                  │
//!   flood ── signed transactions over several connections ──► Node ── blocks ──► what each of them held
//! ```
//!
//! A round takes at most 256 commitments, so a block full of them needs many rounds at once. Making these by transactions would take
//! longer than the flood: the node begins with the state that the same calls have made in [`crate::Chain`].

mod flood;
mod node;
mod prefill;
mod room;

pub use flood::{Flood, Held, flood};
pub use node::{Node, Rpc};
pub use prefill::{Prefilled, Trainer, Transaction};
pub use room::{Room, room};
