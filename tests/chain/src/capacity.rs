//! How the chain's work and state grow: what the calls of a round touch, whatever the number of enrolled accounts, and what a round
//! leaves in the state for good.
//!
//! ```text
//!   Federation ── a task with so many enrolled, whose rounds are played by real calls
//!       │
//!       ├── calls ──────► Chain::trace before each call: keys read and written, bytes of proof, time, weight
//!       └── permanent ──► the whole state before and after a round, by storage item
//! ```

mod federation;
mod permanent;
mod trace;

use anyhow::Result;
pub use federation::{Federation, Played};
pub use permanent::{Left, Remains, permanent};
pub use trace::Trace;

/// A call of a round, in the order in which rounds make them.
#[derive(Clone, Debug)]
pub struct Row {
    /// Which call, and when it is made.
    pub call: &'static str,
    /// What it touches.
    pub trace: Trace,
}

/// What every call of a round touches where so many trainers and as many evaluators are enrolled; its time is the median of
/// `repeats`.
///
/// # Errors
///
/// Fewer are enrolled than the task needs, or a call that must work fails.
pub fn calls(enrolled: u32, repeats: usize) -> Result<Vec<Row>> {
    let mut federation = Federation::new(enrolled)?;
    let mut rows = Vec::new();
    let mut see = |chain: &mut crate::Chain, call, who: &_, what: &_| -> Result<()> {
        rows.push(Row { call, trace: chain.trace(who, what, repeats)? });
        Ok(())
    };
    federation.join_and_leave(&mut see)?;
    let played = federation.play(&mut see)?;
    federation.claim(&played, &mut see)?;
    federation.dispute(&mut see)?;
    Ok(rows)
}
