//! Names of things, and the chain's number types.

/// Amounts of money in planck.
pub type Balance = u128;
/// Heights and durations in blocks.
pub type BlockNumber = u32;
/// A 256-bit hash (BLAKE2b where the project hashes; a block hash where the chain does).
pub type Hash = [u8; 32];
/// Public randomness of one draw.
pub type Seed = [u8; 32];
/// What keeps a commitment from being guessed.
pub type Salt = [u8; 32];
/// A training task.
pub type TaskId = u32;
/// A round of a task. Every attempt has its own number, so that nothing of a failed one can be replayed in the next.
pub type RoundNumber = u32;
/// The committee of a round: `0` for the first, `1` after a redraw.
pub type CommitteeNumber = u8;
/// A version of a task's model, counted from 1.
pub type Version = u32;
/// A session of the validators, counted from 0.
pub type SessionNumber = u32;
/// A case against a participant.
pub type CaseId = u64;
