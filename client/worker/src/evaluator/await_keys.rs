//! Phase Scoring of a sealed task: wait for the keys that trainers hand over.

use decentralml_sdk::{Reveal, encryption::Registered};
use tokio::time::Instant;

use crate::{
    error::WorkerError,
    sealed::handed_to,
    work::{Moment, Work},
};

/// The reveals with the keys that were handed over to the seat's committee: once all of them were, or `deadline` has come. `None`
/// where the phase ends meanwhile, or the chain comes to have other updates.
pub(super) async fn wait(
    work: &Work,
    moment: &Moment,
    reveals: &[Reveal],
    deadline: Instant,
) -> Result<Option<Vec<Reveal>>, WorkerError> {
    if !moment.task.spec.custody.sealed {
        return Ok(Some(reveals.to_vec()));
    }
    warn_without_key(work, moment).await?;
    let (round, _, committee) = moment.phase();
    let task = moment.task.id;
    let mut best = work.best.clone();
    let mut known = handed_to(committee, reveals.to_vec());
    loop {
        best.borrow_and_update();
        match moment.latest(work).await {
            Ok(Some(latest)) => {
                let now = handed_to(committee, latest.view.reveals(task, round).await?);
                if !are_same_updates(&now, &known) {
                    return Ok(None);
                }
                known = now;
            }
            Ok(None) => return Ok(None),
            Err(error) => tracing::debug!(%error, "the round could not be read"),
        }
        let missing = known.iter().filter(|reveal| reveal.handover.is_none()).count();
        if missing == 0 {
            return Ok(Some(known));
        }
        tracing::debug!(task, round, committee, missing, "waits for keys of updates");
        match tokio::time::timeout_at(deadline, best.changed()).await {
            Ok(Ok(())) => {}
            // The daemon ends.
            Ok(Err(_)) => return Ok(None),
            Err(_) => {
                tracing::info!(task, round, committee, missing, "has waited for keys in vain");
                return Ok(Some(known));
            }
        }
    }
}

/// Says so where the account's key is gone: its seat reads nothing that is sealed to another one.
async fn warn_without_key(work: &Work, moment: &Moment) -> Result<(), WorkerError> {
    let problem = match Registered::read(&moment.view, &work.signer).await? {
        Registered::Own(_) => return Ok(()),
        Registered::Nothing => "the account has removed its encryption key",
        Registered::Other(_) => {
            "the account's encryption key is none of those that are derived from its own"
        }
    };
    tracing::warn!(
        task = moment.task.id,
        problem,
        "updates may not be sealed to this seat: what it cannot read it has to call unavailable"
    );
    Ok(())
}

fn are_same_updates(some: &[Reveal], others: &[Reveal]) -> bool {
    let named = |reveal: &Reveal| (reveal.index, reveal.account, reveal.cid, reveal.plain_hash);
    some.iter().map(named).eq(others.iter().map(named))
}

#[cfg(test)]
mod tests {
    use super::*;
    use decentralml_sdk::{AccountId, Handover};
    use decentralml_types::{Cid, Codec};

    #[test]
    fn a_key_that_comes_is_no_other_update_and_another_hash_is_one() {
        let cid = Cid { codec: Codec::Raw, digest: [1; 32] };
        let reveal = Reveal {
            index: 0,
            committed: 0,
            account: AccountId::from([1; 32]),
            cid,
            plain_hash: Some([1; 32]),
            samples: 1,
            handover: None,
        };
        let handed = Reveal { handover: Some(Handover { committee: 0, keys: cid }), ..reveal };
        assert!(are_same_updates(&[reveal], &[handed]));
        assert!(!are_same_updates(&[reveal], &[Reveal { plain_hash: Some([2; 32]), ..reveal }]));
        assert!(!are_same_updates(&[reveal], &[]));
    }
}
