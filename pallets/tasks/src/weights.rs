//! What the calls weigh.
//!
//! The implementation for `()` is conservative arithmetic on reads and writes, for runtimes that have not measured theirs with
//! the pallet's benchmarks.

use frame_support::weights::{Weight, constants::RocksDbWeight};

/// What the calls weigh.
pub trait WeightInfo {
    /// Creating a task with texts as long as they may be.
    fn create() -> Weight;
    /// Adding to a task's funds.
    fn fund() -> Weight;
    /// Pausing a task.
    fn pause() -> Weight;
    /// Resuming a task, which starts a round.
    fn resume() -> Weight;
    /// Cancelling a task with a live round.
    fn cancel() -> Weight;
    /// Counting a batch of scores that is the only one of its round, of which nothing is accepted, and starting the next round.
    fn advance_tally() -> Weight;
    /// Counting the last batch of a round's medians and the first batch of its outcomes, which are other updates.
    fn advance_tally_between() -> Weight;
    /// Settling a round, and starting the next one.
    fn advance_settle() -> Weight;
    /// Removing `n` rounds, and the task.
    fn reap(n: u32) -> Weight;
    /// Paying what was owed.
    fn collect() -> Weight;
    /// Giving up what was owed, and giving it to the sponsor.
    fn write_off() -> Weight;
}

/// The most that `advance` can come to.
pub(crate) fn advance<W: WeightInfo>() -> Weight {
    W::advance_tally().max(W::advance_tally_between()).max(W::advance_settle())
}

/// A call that computes for up to 50 µs and touches so many rows of at most 1 KiB, proofs included.
fn rows(reads: u64, writes: u64) -> Weight {
    Weight::from_parts(50_000_000, reads.saturating_mul(4_096))
        .saturating_add(RocksDbWeight::get().reads_writes(reads, writes))
}

impl WeightInfo for () {
    // The id, two accounts, the sponsor's holds, the task; the asset and two accounts of it.
    fn create() -> Weight {
        rows(8, 8)
    }

    fn fund() -> Weight {
        rows(6, 6)
    }

    fn pause() -> Weight {
        rows(1, 1)
    }

    // The task, its round, two populations, the draw and its seed, the charge's two accounts; the asset and an account of it.
    fn resume() -> Weight {
        rows(12, 8)
    }

    fn cancel() -> Weight {
        rows(11, 11)
    }

    // 31 sheets with 32 opinions each; for each of 32 updates its trainer, its finding and a running score; the committee, the
    // history and the shares; the round, and what starting the next one takes.
    fn advance_tally() -> Weight {
        rows(152, 90).saturating_add(Weight::from_parts(4_000_000_000, 0))
    }

    // As above, for other updates in the second pass.
    fn advance_tally_between() -> Weight {
        rows(190, 110).saturating_add(Weight::from_parts(4_000_000_000, 0))
    }

    // The committee, the model and its task's count, what starting the next round takes, or the refund of a task that is completed.
    fn advance_settle() -> Weight {
        rows(25, 21)
    }

    // The task, its account, the sponsor and its holds, what is remembered of its scores and their last committee; and the first
    // record that stays; the asset and two accounts of it.
    fn reap(n: u32) -> Weight {
        rows(11, 10).saturating_add(rows(1, 1).saturating_mul(n.into()))
    }

    // The task, the debt, the asset and two accounts of it, and what they are besides.
    fn collect() -> Weight {
        rows(7, 7)
    }

    fn write_off() -> Weight {
        rows(7, 7)
    }
}
