//! Calls about gold results.

use decentralml_types::{Hash, Label, RoundNumber, Salt, TaskId};
use subxt::utils::Static;

use super::Call;
use crate::{AccountId, api};

/// Announces a gold result by its seal. By the task's sponsor, in phase Training; a deposit is held until it is revealed.
pub fn announce_gold(task: TaskId, round: RoundNumber, seal: Hash) -> Call {
    let call = api::golds::Call::announce { task, round, seal };
    golds("Golds::announce", call).moving(true)
}

/// Shows what was known of an update. By the sponsor, once the round is over, in time.
pub fn reveal_gold(
    task: TaskId,
    round: RoundNumber,
    trainer: &AccountId,
    label: Label,
    secret: Salt,
) -> Call {
    let (trainer, label) = (*trainer, Static(label));
    golds("Golds::reveal", api::golds::Call::reveal { task, round, trainer, label, secret })
}

/// Ends the gold results of a round that can be revealed no longer. By anybody; free.
pub fn conclude_golds(task: TaskId, round: RoundNumber) -> Call {
    golds("Golds::conclude", api::golds::Call::conclude { task, round })
}

fn golds(name: &'static str, call: api::golds::Call) -> Call {
    Call::new(name, api::Call::Golds(call))
}
