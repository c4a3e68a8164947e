//! Deposits: an owner pays for its records for as long as they stay. Each record remembers what is held for it, as the price may
//! change.

use crate::{Config, HoldReason, Pallet};
use decentralml_types::Balance;
use frame_support::{
    dispatch::DispatchResult,
    traits::{fungible::MutateHold, tokens::Precision},
};

impl<T: Config> Pallet<T> {
    pub(crate) fn hold(
        reason: HoldReason,
        owner: &T::AccountId,
        amount: Balance,
    ) -> DispatchResult {
        T::Currency::hold(&reason.into(), owner, amount)
    }

    pub(crate) fn release(
        reason: HoldReason,
        owner: &T::AccountId,
        amount: Balance,
    ) -> DispatchResult {
        T::Currency::release(&reason.into(), owner, amount, Precision::Exact).map(drop)
    }
}
