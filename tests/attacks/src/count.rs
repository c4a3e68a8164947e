//! What came of a run, as numbers.

use decentralml_types::{Balance, Outcome, Score};
use serde::{Deserialize, Serialize};

use crate::{Cell, world::Settled};

/// Whose row was settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Whose {
    pub(crate) hostile: bool,
    /// Whether the update was an attack.
    pub(crate) attacks: bool,
    /// Whether anybody's was, in this round.
    pub(crate) attacked: bool,
}

/// Money that some have got, and how often they took part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pay {
    /// In planck.
    pub paid: Balance,
    /// Times that one of them took part in a round.
    pub turns: u64,
}

impl Pay {
    fn add(&mut self, paid: Balance) {
        self.paid += paid;
        self.turns += 1;
    }

    /// What each has got on average; `None` where nobody took part.
    pub fn mean(&self) -> Option<f64> {
        (self.turns > 0).then(|| self.paid as f64 / self.turns as f64)
    }
}

/// A trainer's part in a settled round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    /// Whose.
    pub trainer: usize,
    /// Whether the trainer is hostile.
    pub hostile: bool,
    /// Whether the update was an attack.
    pub attacks: bool,
    /// The committee's score; `None` of a fault or a copy.
    pub score: Option<Score>,
}

/// What became of everybody's updates, bonds and pay. An update counts where a committee has judged it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Rounds that were begun.
    pub attempts: u32,
    /// Rounds that gave a model.
    pub settled: u32,
    /// Updates that were attacks.
    pub hostile_updates: u64,
    /// Those of them that were accepted.
    pub hostile_accepted: u64,
    /// Updates of honest trainers.
    pub honest_updates: u64,
    /// Those of them that were not accepted.
    pub honest_rejected: u64,
    /// The largest cosine between two honest updates of one round, in millionths; 0 where none was positive.
    pub closest_honest: i64,
    /// Honest trainers and seats that took part.
    pub honest: u32,
    /// Times that one of them lost something of its bond.
    pub honest_slashes: u64,
    /// Times that a hostile trainer or seat did.
    pub hostile_slashes: u64,
    /// Hostile trainers, for their attacks.
    pub hostile_pay: Pay,
    /// Honest trainers, in the rounds in which somebody attacked; in a clean run in all of them.
    pub honest_pay: Pay,
    /// Hostile seats.
    pub hostile_seat_pay: Pay,
    /// Honest seats.
    pub honest_seat_pay: Pay,
    /// All that was paid, in planck.
    pub paid: Balance,
    /// All that was slashed, in planck.
    pub slashed: Balance,
}

impl Counts {
    pub(crate) fn trainer(&mut self, whose: Whose, settled: &Settled) {
        self.slash(whose.hostile, settled);
        let accepted = match settled.outcome {
            Some(Outcome::Accepted { .. }) => Some(true),
            Some(Outcome::Rejected | Outcome::Faulty(_) | Outcome::Copied) => Some(false),
            None => None,
        };
        match (whose.hostile, accepted) {
            (true, Some(accepted)) if whose.attacks => {
                self.hostile_updates += 1;
                self.hostile_accepted += u64::from(accepted);
            }
            (false, Some(accepted)) => {
                self.honest_updates += 1;
                self.honest_rejected += u64::from(!accepted);
            }
            _ => {}
        }
        match whose {
            Whose { attacks: true, .. } => self.hostile_pay.add(settled.paid),
            Whose { hostile: false, attacked: true, .. } => self.honest_pay.add(settled.paid),
            _ => {}
        }
    }

    pub(crate) fn seat(&mut self, hostile: bool, settled: &Settled) {
        self.slash(hostile, settled);
        match hostile {
            true => self.hostile_seat_pay.add(settled.paid),
            false => self.honest_seat_pay.add(settled.paid),
        }
    }

    fn slash(&mut self, hostile: bool, settled: &Settled) {
        self.paid += settled.paid;
        self.slashed += settled.slashed;
        let slashes = u64::from(settled.slashed > 0);
        match hostile {
            true => self.hostile_slashes += slashes,
            false => self.honest_slashes += slashes,
        }
    }

    /// The share of the hostile updates that was not accepted.
    pub fn kept_out(&self) -> Option<f64> {
        let count = self.hostile_updates;
        (count > 0).then(|| 1.0 - self.hostile_accepted as f64 / count as f64)
    }

    /// The share of the honest updates that was not accepted.
    pub fn honest_rejected(&self) -> f64 {
        self.honest_rejected as f64 / self.honest_updates.max(1) as f64
    }

    /// How often an honest participant was slashed, per participant.
    pub fn honest_slashed(&self) -> f64 {
        self.honest_slashes as f64 / f64::from(self.honest.max(1))
    }

    /// What an attack is paid, as a share of what an honest update of the same rounds is.
    pub fn pay(&self) -> Option<f64> {
        ratio(&self.hostile_pay, &self.honest_pay)
    }

    /// What a hostile seat is paid, as a share of an honest one.
    pub fn seat_pay(&self) -> Option<f64> {
        ratio(&self.hostile_seat_pay, &self.honest_seat_pay)
    }
}

fn ratio(hostile: &Pay, honest: &Pay) -> Option<f64> {
    let (hostile, honest) = (hostile.mean()?, honest.mean()?);
    // Where nobody honest is paid, whatever the hostile get is all there is.
    if honest > 0.0 { Some(hostile / honest) } else { (hostile > 0.0).then_some(f64::MAX) }
}

/// What came of a cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Found {
    /// The cell.
    pub cell: Cell,
    /// What it was counted to.
    pub counts: Counts,
    /// What committees found, settled round by settled round.
    pub rounds: Vec<Vec<Judged>>,
    /// Of the last model on the test rows, in `0..=1`.
    pub accuracy: f64,
    /// The same after each settled round.
    pub curve: Vec<f64>,
    /// The share of marked test rows of other labels that the last model takes for [`crate::rows::TARGET`], in `0..=1`.
    pub marked: f64,
    /// How long it took.
    pub seconds: f64,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn row(outcome: Outcome, paid: Balance) -> Settled {
        Settled { outcome: Some(outcome), paid, slashed: 0 }
    }

    #[test]
    fn a_sleeper_counts_from_where_it_attacks() {
        let mut counts = Counts::default();
        let accepted = Outcome::Accepted { weight: 1 };
        let asleep = Whose { hostile: true, attacks: false, attacked: false };
        counts.trainer(asleep, &row(accepted, 100));
        let honest = |attacked| Whose { hostile: false, attacks: false, attacked };
        counts.trainer(honest(false), &row(accepted, 100));
        assert_eq!((counts.kept_out(), counts.pay()), (None, None));
        let awake = Whose { hostile: true, attacks: true, attacked: true };
        counts.trainer(awake, &row(accepted, 30));
        counts.trainer(awake, &row(Outcome::Rejected, 0));
        counts.trainer(honest(true), &row(accepted, 60));
        counts.trainer(honest(true), &row(Outcome::Rejected, 0));
        assert_eq!(counts.kept_out(), Some(0.5));
        assert_eq!(counts.pay(), Some(0.5));
        assert_eq!((counts.honest_updates, counts.honest_rejected), (3, 1));
        assert_eq!(counts.paid, 290);
    }

    #[test]
    fn nothing_among_the_unpaid_is_no_share_and_all_of_it_is_the_most() {
        let none = Pay { paid: 0, turns: 3 };
        assert_eq!(ratio(&none, &none), None);
        assert_eq!(ratio(&Pay { paid: 1, turns: 1 }, &none), Some(f64::MAX));
    }
}
