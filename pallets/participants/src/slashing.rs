//! Slashing: what a fault takes, where it waits, and where it goes.

use crate::{Config, Event, Members, Pallet};
use decentralml_traits::{Forfeited, Receivers};
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
    /// Takes up to `amount` out of the bond and what is unbonding. The reason of the hold stays: giving it another one takes a release
    /// and a hold, of which the second could fail, and no account may escape by that.
    pub(crate) fn do_seize(who: &T::AccountId, role: Role, amount: Balance) -> Balance {
        let Some(mut member) = Members::<T>::get(role, who) else { return 0 };
        let now = Self::now();
        let seized = amount.min(member.slashable(now));
        if seized == 0 {
            return 0;
        }
        member.take(seized, now);
        member.disputed = member.disputed.saturating_add(seized);
        member.faults = member.faults.saturating_add(1);
        Self::put(role, who, member);
        Self::deposit_event(Event::Seized { who: who.clone(), role, amount: seized });
        seized
    }

    /// An account that has left the role would have nothing to unbond: it gets free funds. Not so a validator, which is in office for a
    /// session or two after all of its bond was seized, and has to answer for them.
    pub(crate) fn do_give_back(who: &T::AccountId, role: Role, amount: Balance) {
        let Some(mut member) = Members::<T>::get(role, who) else { return };
        let amount = amount.min(member.disputed);
        let answers = role == Role::Validator;
        let freed = !answers && member.has_left() && Self::release(who, role, amount);
        if !freed {
            member.bond = member.bond.saturating_add(amount);
        }
        member.disputed -= amount;
        member.faults = member.faults.saturating_sub(1);
        Self::put(role, who, member);
        Self::deposit_event(Event::GivenBack { who: who.clone(), role, amount });
    }

    /// Never fails: what a receiver cannot have goes to the treasury, and what the treasury cannot have is burned, so that no receiver
    /// can save a culprit.
    pub(crate) fn do_forfeit(
        who: &T::AccountId,
        role: Role,
        amount: Balance,
        receivers: Receivers<T::AccountId>,
    ) -> Forfeited {
        let Some(mut member) = Members::<T>::get(role, who) else { return Forfeited::default() };
        let due = amount.min(member.disputed);
        let mut rest = due;
        let mut give = |receiver: Option<(T::AccountId, Balance)>| {
            let given = receiver.map_or(0, |(to, part)| Self::give(who, role, &to, part.min(rest)));
            rest -= given;
            given
        };
        let to_harmed = give(receivers.harmed);
        let to_reporter = give(receivers.reporter);
        let to_treasury = give(Some((T::Treasury::get(), due)));
        let burned = Self::burn(who, role, rest);

        let amount = to_harmed
            .saturating_add(to_reporter)
            .saturating_add(to_treasury)
            .saturating_add(burned);
        member.disputed -= amount;
        Self::put(role, who, member);
        let who = who.clone();
        Self::deposit_event(Event::Slashed { who, role, amount, to_harmed, to_reporter });
        Forfeited { to_harmed, to_reporter }
    }

    pub(crate) fn do_charge(
        who: &T::AccountId,
        role: Role,
        amount: Balance,
        to: &T::AccountId,
    ) -> Balance {
        let Some(mut member) = Members::<T>::get(role, who) else { return 0 };
        let now = Self::now();
        let paid = Self::give(who, role, to, amount.min(member.slashable(now)));
        if paid > 0 {
            member.take(paid, now);
            member.faults = member.faults.saturating_add(1);
            Self::put(role, who, member);
            let (who, to) = (who.clone(), to.clone());
            Self::deposit_event(Event::Charged { who, role, amount: paid, to });
        }
        paid
    }

    /// Frees `amount` of a bond, and says whether that could be.
    fn release(who: &T::AccountId, role: Role, amount: Balance) -> bool {
        let reason = Self::hold_reason(role);
        with_storage_layer(|| T::Currency::release(&reason, who, amount, Precision::Exact)).is_ok()
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
