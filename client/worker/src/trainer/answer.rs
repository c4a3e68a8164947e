//! Challenges of this account's updates: the block that somebody demands is shown in time, whatever has become of the round.
//!
//! Everything is on chain and in the store, where an update stays pinned until its row is settled; so a process that was killed
//! answers when it is back.

use std::collections::BTreeSet;

use decentralml_sdk::{View, call};
use decentralml_types::{BlockNumber, RoundNumber, TaskId};

use crate::{error::WorkerError, work::Work};

pub(super) async fn step(
    work: &Work,
    view: &View,
    task: TaskId,
    rounds: &BTreeSet<RoundNumber>,
) -> Result<(), WorkerError> {
    let account = work.account();
    // One that cannot be answered holds no other up.
    let mut failure = None;
    for &round in rounds {
        let challenged = view.challenged(task, round, &account).await?;
        let Some(challenge) = challenged.as_ref().and_then(|row| row.open()) else { continue };
        if !is_in_time(view.number(), challenge.deadline) {
            continue;
        }
        let committed = view.commitment(task, round, &account).await?;
        let Some(revealed) = committed.and_then(|row| row.revealed) else { continue };
        let answered = async {
            let blocks = work.storage.along(&revealed.cid, &challenge.path).await?;
            let answer = call::answer(task, round, &account, blocks);
            // Anybody may answer.
            let others = [("Challenges", "NoChallenge"), ("Challenges", "TooLate")];
            Ok::<_, WorkerError>(work.submit_once(answer, &others).await?)
        };
        match answered.await {
            Ok(true) => {
                tracing::info!(task, round, path = ?challenge.path, "answered a challenge");
            }
            Ok(false) => {}
            Err(error) => failure = Some(error),
        }
    }
    failure.map_or(Ok(()), Err)
}

/// Whether what is sent after block `now` can be in a block in which the chain still takes an answer.
fn is_in_time(now: BlockNumber, deadline: BlockNumber) -> bool {
    now < deadline
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_sent_while_the_next_block_may_take_it() {
        assert!(is_in_time(9, 10));
        assert!(!is_in_time(10, 10), "the next block is one too late");
    }
}
