//! What `validation` asks before it settles a trainer's row, and tells when it has.

use crate::{Config, Event, Pallet, Records, Stage};
use decentralml_traits::{Challenged, Challenges};
use decentralml_types::{RoundNumber, TaskId};
use frame_support::defensive;

impl<T: Config> Challenges<T::AccountId> for Pallet<T> {
    fn standing(task: TaskId, round: RoundNumber, who: &T::AccountId) -> Challenged {
        match Records::<T>::get((task, round, who)).map(|record| record.stage) {
            None | Some(Stage::Answered) => Challenged::Met,
            Some(Stage::Open(_)) => Challenged::Open,
            Some(Stage::Unanswered) => Challenged::Unanswered,
        }
    }

    fn forget(task: TaskId, round: RoundNumber, who: &T::AccountId) {
        let Some(record) = Records::<T>::take((task, round, who)) else { return };
        if let Stage::Open(challenge) = record.stage {
            if Self::release(&challenge).is_err() {
                defensive!("what a record says is held was not");
            }
            let challenger = challenge.challenger;
            let trainer = who.clone();
            Self::deposit_event(Event::Lapsed { task, round, trainer, challenger });
        }
    }
}
