//! Slashing: what a fault takes, and where it goes.

use crate::{Config, Event, Members, Pallet};
use decentralml_traits::Slashed;
use decentralml_types::{Balance, Role};
use frame_support::{
    storage::with_storage_layer,
    traits::{
        Get,
        fungible::MutateHold,
        tokens::{Fortitude, Precision, Restriction},
    },
};
use sp_runtime::DispatchError;

impl<T: Config> Pallet<T> {
    /// Takes up to `amount`: half for `harmed`, the rest for the treasury, which gets all where nobody is named. Never fails:
    /// what `harmed` cannot receive goes to the treasury, and what the treasury cannot receive is burned, so that no receiver
    /// can save a culprit.
    pub(crate) fn do_slash(
        who: &T::AccountId,
        role: Role,
        amount: Balance,
        harmed: Option<&T::AccountId>,
    ) -> Slashed {
        let Some(mut member) = Members::<T>::get(role, who) else { return Slashed::default() };
        let now = Self::now();
        let due = amount.min(member.slashable(now));
        let to_harmed = harmed.map_or(0, |harmed| Self::give(who, role, harmed, due / 2));
        let rest = due - to_harmed;
        let to_treasury = Self::give(who, role, &T::Treasury::get(), rest);
        let burned = Self::burn(who, role, rest - to_treasury);

        let total = to_harmed.saturating_add(to_treasury).saturating_add(burned);
        member.take(total, now);
        member.faults = member.faults.saturating_add(1);
        Self::put(role, who, member);
        Self::deposit_event(Event::Slashed { who: who.clone(), role, amount: total, to_harmed });
        Slashed { total, to_harmed }
    }

    /// Moves `amount` of a bond to an account: all of it or, where that account cannot receive it, nothing.
    fn give(who: &T::AccountId, role: Role, to: &T::AccountId, amount: Balance) -> Balance {
        if amount == 0 {
            return 0;
        }
        let given = with_storage_layer(|| -> Result<Balance, DispatchError> {
            T::Currency::transfer_on_hold(
                &Self::hold_reason(role),
                who,
                to,
                amount,
                Precision::Exact,
                Restriction::Free,
                Fortitude::Force,
            )
        });
        given.unwrap_or(0)
    }

    fn burn(who: &T::AccountId, role: Role, amount: Balance) -> Balance {
        if amount == 0 {
            return 0;
        }
        let burned = with_storage_layer(|| -> Result<Balance, DispatchError> {
            T::Currency::burn_held(
                &Self::hold_reason(role),
                who,
                amount,
                Precision::BestEffort,
                Fortitude::Force,
            )
        });
        burned.unwrap_or(0)
    }
}
