//! Calls about cases against participants, and about challenges of their updates.

use decentralml_types::{CaseId, RoundNumber, TaskId};

use super::Call;
use crate::{
    AccountId,
    api::{self, runtime_types::bounded_collections::bounded_vec::BoundedVec},
};

/// Appeals to the council against an accusation. By the accused, in time; a bond is held, and lost where the council finds it guilty.
pub fn appeal(case: CaseId) -> Call {
    disputes("Disputes::appeal", api::disputes::Call::appeal { case })
}

/// Votes on an appeal: whether the accused is guilty. By members of the council that are no party to the case, once.
pub fn judge(case: CaseId, guilty: bool) -> Call {
    disputes("Disputes::vote", api::disputes::Call::vote { case, guilty })
}

/// Ends a case whose time is over, or that the council has decided. By anybody; free.
pub fn conclude_case(case: CaseId) -> Call {
    disputes("Disputes::conclude", api::disputes::Call::conclude { case })
}

/// Demands the block of a revealed update to which `path` leads, by the numbers of links from its root, from 0. By anybody but its
/// trainer; a bond is held, which an answer costs.
pub fn challenge(task: TaskId, round: RoundNumber, trainer: &AccountId, path: Vec<u16>) -> Call {
    let (trainer, path) = (*trainer, BoundedVec(path));
    challenges(
        "Challenges::challenge",
        api::challenges::Call::challenge { task, round, trainer, path },
    )
}

/// Answers a challenge with the blocks along its path, the root first. By anybody; free.
pub fn answer(task: TaskId, round: RoundNumber, trainer: &AccountId, blocks: Vec<Vec<u8>>) -> Call {
    let (trainer, blocks) = (*trainer, BoundedVec(blocks.into_iter().map(BoundedVec).collect()));
    challenges("Challenges::answer", api::challenges::Call::answer { task, round, trainer, blocks })
}

/// Ends a challenge that nobody has answered in time, which accuses the trainer. By anybody; free.
pub fn conclude_challenge(task: TaskId, round: RoundNumber, trainer: &AccountId) -> Call {
    let trainer = *trainer;
    challenges("Challenges::conclude", api::challenges::Call::conclude { task, round, trainer })
}

fn disputes(name: &'static str, call: api::disputes::Call) -> Call {
    Call::new(name, api::Call::Disputes(call))
}

fn challenges(name: &'static str, call: api::challenges::Call) -> Call {
    Call::new(name, api::Call::Challenges(call))
}
