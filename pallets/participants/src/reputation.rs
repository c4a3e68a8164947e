//! Reputation: what is remembered of how accounts have acted.

use crate::{Config, Error, Event, Members, Pallet};
use decentralml_protocol::reputation;
use decentralml_traits::Reputation;
use decentralml_types::{Conduct, Role};
use frame_support::{dispatch::DispatchResult, ensure, traits::Get};

impl<T: Config> Pallet<T> {
    /// The period that decay is counted by.
    pub(crate) fn period() -> u32 {
        reputation::period(Self::now(), T::ReputationPeriod::get())
    }

    pub(crate) fn do_forget(who: T::AccountId, role: Role) -> DispatchResult {
        let member = Members::<T>::get(role, &who).ok_or(Error::<T>::NotBonded)?;
        // A row that is only kept for its record goes as soon as that has faded.
        ensure!(member.is_empty(Self::period()), Error::<T>::StillKept);
        Members::<T>::remove(role, &who);
        Self::deposit_event(Event::Forgotten { who, role });
        Ok(())
    }
}

impl<T: Config> Reputation<T::AccountId> for Pallet<T> {
    fn note(who: &T::AccountId, role: Role, conduct: Conduct) {
        Members::<T>::mutate_exists(role, who, |row| {
            if let Some(member) = row {
                member.record = reputation::noted(member.record, conduct, Self::period());
            }
        });
    }

    fn score(who: &T::AccountId, role: Role) -> u16 {
        let record = Members::<T>::get(role, who).unwrap_or_default().record;
        reputation::score(record, Self::period())
    }
}
