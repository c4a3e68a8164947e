//! Who is in office in the sessions to come.

use crate::{Cleared, Config, Pallet, Sessions};
use alloc::vec::Vec;
use decentralml_protocol::slashing::REPORTED_SESSIONS;
use decentralml_traits::Stakes;
use decentralml_types::{Role, SessionNumber};
use frame_support::traits::{Get, SortedMembers};
use pallet_session::{SessionManager, historical};

impl<T: Config> Pallet<T> {
    /// Whether an account that the council has appointed can be in office.
    pub fn qualifies(who: &T::AccountId) -> bool {
        let (bonded, least) =
            (T::Stakes::bonded(who, Role::Validator), T::Stakes::least(Role::Validator));
        bonded >= least && T::Sessions::has_keys(who)
    }

    /// Those that qualify. Where these are fewer than two thirds of the appointed, those in office stay beside them if they are appointed
    /// and were not reported, whatever their bond: otherwise whoever bonds first after the least bond was raised would be the whole set.
    /// Where that is nobody, those in office go on, appointed ones before others. `None` at genesis, when there are none: the session
    /// pallet begins with whose keys the genesis has.
    fn next_set() -> Option<Vec<T::AccountId>> {
        let most = T::MaxValidators::get() as usize;
        let appointed: Vec<_> = T::Appointed::sorted_members().into_iter().take(most).collect();
        let qualified: Vec<_> =
            appointed.iter().filter(|who| Self::qualifies(who)).cloned().collect();
        if qualified.len() * 3 >= appointed.len() * 2 && !qualified.is_empty() {
            return Some(qualified);
        }
        let in_office = T::Sessions::in_office();
        let goes_on = |who: &T::AccountId| in_office.contains(who) && T::Sessions::has_keys(who);
        let unreported = |who: &T::AccountId| goes_on(who) && !Cleared::<T>::contains_key(who);
        let of_appointed = |may: &dyn Fn(&T::AccountId) -> bool| -> Vec<_> {
            appointed.iter().filter(|who| may(who)).cloned().collect()
        };
        let beside = of_appointed(&|who| qualified.contains(who) || unreported(who));
        [beside, of_appointed(&goes_on), in_office.clone()].into_iter().find(|set| !set.is_empty())
    }

    /// Whoever was reported in the last session was in the set for this one already: it is disabled once more. And what is too old to be
    /// reported is forgotten. As many steps as there can be validators.
    fn begin(session: SessionNumber) {
        let most = T::MaxValidators::get() as usize;
        let rows: Vec<_> = Cleared::<T>::iter().take(most).collect();
        for (who, cleared) in rows {
            if cleared.saturating_add(1) == session {
                T::Sessions::disable(&who);
            }
            if cleared.saturating_add(REPORTED_SESSIONS) < session {
                Cleared::<T>::remove(&who);
            }
        }
        T::Sessions::forget_before(session.saturating_sub(REPORTED_SESSIONS));
    }
}

impl<T: Config> SessionManager<T::AccountId> for Pallet<T> {
    fn new_session(_: SessionNumber) -> Option<Vec<T::AccountId>> {
        Self::next_set()
    }

    fn end_session(_: SessionNumber) {}

    fn start_session(session: SessionNumber) {
        Self::begin(session);
    }
}

/// Nothing but the account identifies a validator in a report: its bond is looked up when the report comes.
impl<T: Config> historical::SessionManager<T::AccountId, ()> for Pallet<T> {
    fn new_session(_: SessionNumber) -> Option<Vec<(T::AccountId, ())>> {
        Self::next_set().map(|set| set.into_iter().map(|who| (who, ())).collect())
    }

    fn end_session(_: SessionNumber) {}

    fn start_session(session: SessionNumber) {
        Self::begin(session);
    }
}
