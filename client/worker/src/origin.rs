//! What work on a round is made from, as one hash.
//!
//! A fork may have another task, another model or other updates under the same numbers: what was made for the one is not what the
//! other asks for.

use codec::Encode;
use decentralml_protocol::draw;
use decentralml_sdk::{Reveal, Round, Task};
use decentralml_types::{Cid, CommitteeNumber, Hash, Seed};

/// Names what all work in a round is made from: the task as it was specified, and the model and the state that the round starts from.
pub(crate) fn of_round(genesis: &Hash, task: &Task, round: &Round) -> Hash {
    draw::key(genesis, &(task.id, &task.spec, round.number, round.base, round.state).encode())
}

/// Names what a committee's scores are made from: the round's origin, the updates in the order of their reveals with the numbers
/// of their commitments, the seed of the draw, and of sealed updates the keys that were handed over.
pub(crate) fn of_scores(
    round: &Hash,
    committee: CommitteeNumber,
    reveals: &[Reveal],
    seed: &Seed,
) -> Hash {
    let made = (committee, listed(reveals), seed).encode();
    match sealed(reveals) {
        Some(hashes) => {
            let keys: Vec<Option<Cid>> = reveals
                .iter()
                .map(|reveal| reveal.handover.map(|handover| handover.keys))
                .collect();
            draw::key(round, &(made, hashes, keys).encode())
        }
        None => draw::key(round, &made),
    }
}

/// Names what a committee's scores are about: all of the above but the seed, which the chain forgets when the committee's draw is
/// closed, and the keys, of which some may have come too late for the scores.
pub(crate) fn of_scored(round: &Hash, committee: CommitteeNumber, reveals: &[Reveal]) -> Hash {
    let about = (committee, listed(reveals)).encode();
    match sealed(reveals) {
        Some(hashes) => draw::key(round, &(about, hashes).encode()),
        None => draw::key(round, &about),
    }
}

fn listed(reveals: &[Reveal]) -> Vec<([u8; 32], Cid, u32)> {
    reveals.iter().map(|reveal| (reveal.account.0, reveal.cid, reveal.committed)).collect()
}

/// The hashes of sealed updates; `None` where none is sealed.
fn sealed(reveals: &[Reveal]) -> Option<Vec<Option<Hash>>> {
    let hashes: Vec<Option<Hash>> = reveals.iter().map(|reveal| reveal.plain_hash).collect();
    hashes.iter().any(Option::is_some).then_some(hashes)
}

/// Names what the next model is made from: the round's origin, the accepted updates and the rows that they count for in the order of
/// their reveals, and the seed that decides who shares a bucket, where updates are put into some.
pub(crate) fn of_next_model(round: &Hash, accepted: &[Reveal], buckets: Option<&Seed>) -> Hash {
    let made = accepted.iter().map(|reveal| (reveal.cid, reveal.samples)).collect::<Vec<_>>();
    let made = (made, buckets).encode();
    match sealed(accepted) {
        Some(hashes) => draw::key(round, &(made, hashes).encode()),
        None => draw::key(round, &made),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{advance::tests::task, claim::tests::round, convert::tests::task_spec};
    use decentralml_sdk::{AccountId, Handover};
    use decentralml_types::{Codec, Phase, TaskSpec, TaskStatus, spec::InitialModel};

    #[test]
    fn what_work_is_made_from_tells_tasks_rounds_and_models_apart() {
        let (task, first) = (task(TaskStatus::Running), round(Phase::Training, 50));
        let one = of_round(&[1; 32], &task, &first);
        let later = Round { phase: Phase::Revealing, deadline: 60, ..first.clone() };
        assert_eq!(one, of_round(&[1; 32], &Task { metric: Some(1), ..task.clone() }, &later));

        let spec = TaskSpec { initial: InitialModel::Seed([2; 32]), ..task_spec() };
        let base = Some(Cid { codec: Codec::Raw, digest: [7; 32] });
        for other in [
            of_round(&[2; 32], &task, &first),
            of_round(&[1; 32], &Task { spec, ..task.clone() }, &first),
            of_round(&[1; 32], &Task { id: 1, ..task.clone() }, &first),
            of_round(&[1; 32], &task, &Round { number: 2, ..first.clone() }),
            of_round(&[1; 32], &task, &Round { base, ..first.clone() }),
            of_round(&[1; 32], &task, &Round { state: base, ..first.clone() }),
        ] {
            assert_ne!(one, other);
        }
    }

    #[test]
    fn scores_are_of_these_updates_in_this_order_and_of_this_draw() {
        let reveal = |index: u32, who: u8, digest: u8| Reveal {
            index,
            committed: index,
            account: AccountId::from([who; 32]),
            cid: Cid { codec: Codec::Raw, digest: [digest; 32] },
            plain_hash: None,
            samples: 1,
            handover: None,
        };
        let one = [reveal(0, 1, 1), reveal(1, 2, 2)];
        let made = of_scores(&[0; 32], 0, &one, &[5; 32]);
        assert_eq!(made, of_scores(&[0; 32], 0, &one, &[5; 32]));
        for other in [
            of_scores(&[1; 32], 0, &one, &[5; 32]),
            of_scores(&[0; 32], 1, &one, &[5; 32]),
            of_scores(&[0; 32], 0, &one, &[6; 32]),
            of_scores(&[0; 32], 0, &one[..1], &[5; 32]),
            of_scores(&[0; 32], 0, &[reveal(0, 2, 2), reveal(1, 1, 1)], &[5; 32]),
            of_scores(&[0; 32], 0, &[reveal(0, 1, 1), reveal(1, 2, 3)], &[5; 32]),
            of_scores(&[0; 32], 0, &[one[0], Reveal { committed: 7, ..one[1] }], &[5; 32]),
        ] {
            assert_ne!(made, other);
        }
        let about = of_scored(&[0; 32], 0, &one);
        assert_eq!(about, of_scored(&[0; 32], 0, &one));
        for other in [
            of_scored(&[1; 32], 0, &one),
            of_scored(&[0; 32], 1, &one),
            of_scored(&[0; 32], 0, &one[..1]),
            of_scored(&[0; 32], 0, &[reveal(0, 2, 2), reveal(1, 1, 1)]),
        ] {
            assert_ne!(about, other);
        }
    }

    #[test]
    fn scores_of_sealed_updates_are_of_what_was_announced_and_handed_over() {
        let cid = |digest: u8| Cid { codec: Codec::Raw, digest: [digest; 32] };
        let reveal = |hash: u8, keys: Option<u8>| Reveal {
            index: 0,
            committed: 0,
            account: AccountId::from([1; 32]),
            cid: cid(1),
            plain_hash: Some([hash; 32]),
            samples: 1,
            handover: keys.map(|keys| Handover { committee: 0, keys: cid(keys) }),
        };
        let scores = |reveal| of_scores(&[0; 32], 0, &[reveal], &[5; 32]);
        let about = |reveal| of_scored(&[0; 32], 0, &[reveal]);
        let one = reveal(2, Some(3));
        for other in [reveal(2, None), reveal(2, Some(4)), reveal(9, Some(3))] {
            assert_ne!(scores(one), scores(other));
        }
        assert_eq!(about(one), about(reveal(2, None)), "keys that came late are no other updates");
        assert_ne!(about(one), about(reveal(9, Some(3))));
        assert_ne!(
            of_next_model(&[0; 32], &[one], None),
            of_next_model(&[0; 32], &[reveal(9, None)], None)
        );
        assert_eq!(
            of_next_model(&[0; 32], &[one], None),
            of_next_model(&[0; 32], &[reveal(2, None)], None)
        );
    }

    #[test]
    fn the_next_model_is_of_these_updates_and_of_this_round() {
        let reveal = |index: u32| Reveal {
            index,
            committed: index,
            account: AccountId::from([1; 32]),
            cid: Cid { codec: Codec::Raw, digest: [index as u8; 32] },
            plain_hash: None,
            samples: 1,
            handover: None,
        };
        let accepted = [reveal(0), reveal(1)];
        let made = of_next_model(&[0; 32], &accepted, None);
        assert_eq!(made, of_next_model(&[0; 32], &accepted, None));
        assert_ne!(made, of_next_model(&[0; 32], &accepted[..1], None));
        assert_ne!(made, of_next_model(&[0; 32], &[reveal(1), reveal(0)], None));
        assert_ne!(made, of_next_model(&[1; 32], &accepted, None));
        let bucketed = of_next_model(&[0; 32], &accepted, Some(&[1; 32]));
        assert_ne!(bucketed, made);
        assert_ne!(bucketed, of_next_model(&[0; 32], &accepted, Some(&[2; 32])));
    }
}
