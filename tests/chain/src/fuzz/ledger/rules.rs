//! Which updates a committee accepts, read a second time from `docs/protocol.md`, naively: everything is sorted, nothing is saved.

use decentralml_runtime::AccountId;
use decentralml_types::{Fault, Opinion, Outcome, RoundNumber, Score, TaskId};
use std::collections::BTreeMap;

/// Below so many hundredths of the total, negatively, no past helps.
const FLOOR: i128 = 60;

/// What a trainer's update came to: its score, the running score after it, and the outcome.
pub(super) type Judgment = (Score, Score, Outcome);

/// What a median adds to the round's total.
pub(super) fn worth(median: Score) -> i128 {
    i128::from(median).max(0)
}

/// A number that each round moves, and what it was before the round, where a second committee starts again.
#[derive(Clone, Copy)]
struct Moving<N> {
    round: RoundNumber,
    before: N,
    now: N,
}

impl<N: Copy> Moving<N> {
    fn before(&self, round: RoundNumber) -> N {
        if self.round == round { self.before } else { self.now }
    }
}

/// What tasks remember of their rounds.
#[derive(Default)]
pub(super) struct Memory {
    trends: BTreeMap<TaskId, Moving<Option<i128>>>,
    standings: BTreeMap<(TaskId, AccountId), Moving<i128>>,
}

impl Memory {
    /// What becomes of updates of which seats have said so, and the round's total.
    pub(super) fn judge(
        &mut self,
        task: TaskId,
        round: RoundNumber,
        updates: &[(AccountId, Vec<Opinion>)],
    ) -> (BTreeMap<AccountId, Judgment>, i128) {
        let found: Vec<_> = updates.iter().map(|(who, said)| (who, finding(said))).collect();
        let total: i128 = found.iter().map(|(_, (median, _))| worth(*median)).sum();
        let before = self.trends.get(&task).and_then(|trend| trend.before(round));
        let now = before.map_or(total, |before| (70 * before + 30 * total) / 100);
        self.trends.insert(task, Moving { round, before, now: Some(now) });
        let judgments = found.into_iter().map(|(who, (median, decided))| {
            let key = (task, who.clone());
            let before = self.standings.get(&key).map_or(0, |standing| standing.before(round));
            let score = i128::from(median);
            let running = match decided {
                Some(Outcome::Faulty(_) | Outcome::Copied) => before,
                _ => (before + score).clamp(-now, now),
            };
            self.standings.insert(key, Moving { round, before, now: running });
            let by_scores = || match running > 0 && -score * 100 <= FLOOR * total {
                true => Outcome::Accepted { weight: worth(median) as u64 },
                false => Outcome::Rejected,
            };
            (who.clone(), (median, running as Score, decided.unwrap_or_else(by_scores)))
        });
        (judgments.collect(), total)
    }
}

/// The median of what is said of an update, and what becomes of it where that alone decides.
fn finding(said: &[Opinion]) -> (Score, Option<Outcome>) {
    let often = |kind| said.iter().filter(|opinion| **opinion == kind).count();
    let [gone, broken, copied] =
        [Opinion::Unavailable, Opinion::Malformed, Opinion::Copied].map(often);
    let is_most = |count: usize| 2 * count > said.len();
    if is_most(gone + broken) {
        let fault = if gone > broken { Fault::Unavailable } else { Fault::Malformed };
        return (0, Some(Outcome::Faulty(fault)));
    }
    if is_most(copied) {
        return (0, Some(Outcome::Copied));
    }
    // What is no score is below all that are, and 0 where it is in the middle.
    let mut sorted: Vec<Option<Score>> = said
        .iter()
        .map(|opinion| match opinion {
            Opinion::Score(score) => Some(*score),
            _ => None,
        })
        .collect();
    sorted.sort_unstable();
    let at = |index: usize| sorted.get(index).copied().flatten().unwrap_or(0);
    let (low, high) = (at(said.len().saturating_sub(1) / 2), at(said.len() / 2));
    match (low, high) {
        (0, 0) => (0, Some(Outcome::Rejected)),
        _ if low > 0 => (low, None),
        // What is no score is below all, and is nearer to zero than those.
        _ if low < 0 && high < 0 => (high, None),
        _ => (0, None),
    }
}
