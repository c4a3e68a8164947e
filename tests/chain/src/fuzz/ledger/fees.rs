//! What seats are to get, read a second time from the rules: the fee, less the share of it by which they are off the medians.

use decentralml_runtime::AccountId;
use decentralml_types::{Balance, Opinion, Opinions, RoundNumber, Score, TaskId};
use std::collections::BTreeMap;

type Round = (TaskId, RoundNumber);

/// Opened scores, and the medians by the last count, both in the order of the reveals.
#[derive(Default)]
pub struct Fees {
    opened: BTreeMap<(Round, AccountId), Opinions>,
    medians: BTreeMap<Round, Vec<(AccountId, Score)>>,
}

impl Fees {
    /// A seat has opened its scores. A later committee's replace those of the one before.
    pub fn opened(&mut self, round: Round, seat: &AccountId, opinions: &Opinions) {
        self.opened.insert((round, seat.clone()), opinions.clone());
    }

    /// The next update is counted. Of one that was counted before, another committee is counting.
    pub fn counted(&mut self, round: Round, trainer: &AccountId, median: Score) {
        let medians = self.medians.entry(round).or_default();
        if medians.iter().any(|(other, _)| other == trainer) {
            medians.clear();
        }
        medians.push((trainer.clone(), median));
    }

    /// What a seat of a settled round is to get: ⌊fee × (T + 100 n − D) / (T + 100 n)⌋, where T is the sum of those of the n medians
    /// that are positive, and D that of the magnitudes of the differences.
    pub fn due(&self, round: Round, seat: &AccountId, fee: Balance) -> Option<Balance> {
        let opinions = self.opened.get(&(round, seat.clone()))?;
        let medians = self.medians.get(&round)?;
        let number = |opinion: &Opinion| match opinion {
            Opinion::Score(score) => i128::from(*score),
            _ => 0,
        };
        let most: i128 = medians.iter().map(|(_, median)| i128::from(*median).max(0) + 100).sum();
        let pairs = opinions.iter().zip(medians);
        let off: i128 =
            pairs.map(|(said, (_, median))| (number(said) - i128::from(*median)).abs()).sum();
        let near = Balance::try_from((most - off).max(0)).ok()?;
        Some(fee.checked_mul(near)? / Balance::try_from(most).ok()?)
    }
}
