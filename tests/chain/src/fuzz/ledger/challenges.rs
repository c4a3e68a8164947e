//! What challenges move, by what held when they were made.

use super::Ledger;
use crate::{chain::Chain, invariants::ensure};
use decentralml_runtime::*;
use decentralml_types::{Balance, Fault, RoundNumber, TaskId};
use pallet_challenges::{Records, Stage};

/// A challenge.
pub(super) struct Open {
    challenger: AccountId,
    /// What it put at stake, and what of that an answer costs.
    bond: Balance,
    price: Balance,
}

impl Ledger {
    pub(super) fn has_challenges(&self) -> bool {
        !self.cases.challenges.is_empty()
    }

    pub(super) fn challenge(
        &mut self,
        chain: &mut Chain,
        event: &pallet_challenges::Event<Runtime>,
    ) -> Result<(), String> {
        use pallet_challenges::Event::*;
        match event {
            Challenged { task, round, trainer, challenger, .. } => {
                let key = (*task, *round, trainer.clone());
                let present = &self.settings.present;
                let (bond, price) = (present.challenge_bond, present.answer_price);
                let held = chain.read(|| match Records::<Runtime>::get(&key)?.stage {
                    Stage::Open(challenge) => Some(challenge.bond),
                    Stage::Answered | Stage::Unanswered => None,
                });
                ensure(held == Some(bond), || {
                    format!("challenge: {held:?} is held for it, it should be {bond}")
                })?;
                let open = Open { challenger: challenger.clone(), bond, price };
                self.cases.challenges.insert(key, open);
            }
            Answered { task, round, trainer, earned, .. } => {
                let key = (*task, *round, trainer.clone());
                let open = self.cases.challenges.remove(&key);
                let open = open.ok_or("challenge: an answer that nobody wanted")?;
                let Open { challenger, bond, price } = open;
                ensure(*earned == bond - price, || {
                    format!("challenge: an answer brought {earned} of {bond}, less {price}")
                })?;
                self.take(&challenger, bond)?;
                self.give(trainer, *earned);
                self.give_treasury(price);
                let present = &self.settings.present;
                let now = (present.challenge_bond, present.answer_price);
                self.settings.saw("by old prices", (bond, price) != now);
            }
            Unanswered { task, round, trainer, challenger, taken } => {
                self.given_back((*task, *round, trainer.clone()), challenger)?;
                self.taken(chain, *task, trainer, Fault::Unanswered, *taken)?;
            }
            Lapsed { task, round, trainer, challenger } => {
                self.given_back((*task, *round, trainer.clone()), challenger)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn given_back(
        &mut self,
        key: (TaskId, RoundNumber, AccountId),
        challenger: &AccountId,
    ) -> Result<(), String> {
        let known = self.cases.challenges.remove(&key).map(|open| open.challenger);
        ensure(known.as_ref() == Some(challenger), || {
            format!("challenge: {challenger} gets back what it never gave")
        })
    }
}
