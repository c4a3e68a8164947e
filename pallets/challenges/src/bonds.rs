//! The bonds of challengers: held with a challenge, given back with its end, or spent on its answer.

use crate::{Challenge, Config, HoldReason, Pallet};
use decentralml_types::Balance;
use frame_support::{
    dispatch::DispatchResult,
    storage::with_storage_layer,
    traits::{
        Get,
        fungible::MutateHold,
        tokens::{Fortitude, Precision, Restriction},
    },
};
use sp_runtime::DispatchError;

impl<T: Config> Pallet<T> {
    pub(crate) fn hold(who: &T::AccountId, amount: Balance) -> DispatchResult {
        T::Currency::hold(&HoldReason::Challenge.into(), who, amount)
    }

    pub(crate) fn release(challenge: &Challenge<T::AccountId>) -> DispatchResult {
        Self::give_back(&challenge.challenger, challenge.bond)
    }

    /// Spends the bond of a challenge that was answered: the answer's price for the treasury, the rest for the trainer. Never
    /// fails, so that no receiver can undo an answer: what the trainer cannot receive goes to the treasury, and what the treasury
    /// cannot, back. Says what the trainer has got.
    pub(crate) fn award(challenge: &Challenge<T::AccountId>, trainer: &T::AccountId) -> Balance {
        let Challenge { challenger, bond, price, .. } = challenge;
        let earned = bond.saturating_sub(*price);
        let earned = Self::give(challenger, trainer, earned);
        let rest = bond.saturating_sub(earned);
        let charged = Self::give(challenger, &T::Treasury::get(), rest);
        // What is held for a challenge can be released.
        let _ = Self::give_back(challenger, rest.saturating_sub(charged));
        earned
    }

    fn give_back(who: &T::AccountId, amount: Balance) -> DispatchResult {
        T::Currency::release(&HoldReason::Challenge.into(), who, amount, Precision::Exact).map(drop)
    }

    /// Moves `amount` of a bond to an account: all of it or, where that account cannot receive it, nothing.
    fn give(from: &T::AccountId, to: &T::AccountId, amount: Balance) -> Balance {
        if amount == 0 {
            return 0;
        }
        let given = with_storage_layer(|| -> Result<Balance, DispatchError> {
            T::Currency::transfer_on_hold(
                &HoldReason::Challenge.into(),
                from,
                to,
                amount,
                Precision::Exact,
                Restriction::Free,
                Fortitude::Force,
            )
        });
        given.unwrap_or(0)
    }
}
