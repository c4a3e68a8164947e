//! The deposits of sponsors: held with an announcement, given back with its reveal, or lost.

use crate::{Config, HoldReason, Pallet};
use decentralml_types::Balance;
use frame_support::{
    defensive,
    dispatch::DispatchResult,
    storage::with_storage_layer,
    traits::{
        Get,
        fungible::MutateHold,
        tokens::{Fortitude, Precision, Restriction},
    },
};

impl<T: Config> Pallet<T> {
    pub(crate) fn hold(who: &T::AccountId, amount: Balance) -> DispatchResult {
        T::Currency::hold(&HoldReason::Gold.into(), who, amount)
    }

    /// Gives a deposit back. What a row says is held can be released.
    pub(crate) fn release(who: &T::AccountId, amount: Balance) {
        let reason = HoldReason::Gold.into();
        if T::Currency::release(&reason, who, amount, Precision::Exact).is_err() {
            defensive!("what a row says is held was not");
        }
    }

    /// Gives deposits to the treasury and says how much; what it cannot receive is given back.
    pub(crate) fn forfeit(who: &T::AccountId, amount: Balance) -> Balance {
        let moved = with_storage_layer(|| {
            T::Currency::transfer_on_hold(
                &HoldReason::Gold.into(),
                who,
                &T::Treasury::get(),
                amount,
                Precision::Exact,
                Restriction::Free,
                Fortitude::Force,
            )
        });
        let moved = moved.unwrap_or(0);
        if moved < amount {
            Self::release(who, amount.saturating_sub(moved));
        }
        moved
    }
}
