//! Deposits: what stands for a row that its owner may keep for as long as it likes.

use crate::{Config, HoldReason, Pallet};
use decentralml_types::Balance;
use frame_support::{
    dispatch::DispatchResult,
    ensure,
    traits::{
        fungible::{InspectHold, MutateHold},
        tokens::Precision,
    },
};
use sp_runtime::TryRuntimeError;

impl<T: Config> Pallet<T> {
    /// Holds more or releases some, so that `to` is held where `from` was. A row remembers what is held for it: the price may
    /// have changed since.
    pub(crate) fn adjust_deposit(
        reason: HoldReason,
        who: &T::AccountId,
        from: Balance,
        to: Balance,
    ) -> DispatchResult {
        let reason = reason.into();
        if to > from {
            T::Currency::hold(&reason, who, to - from)?;
        } else if to < from {
            T::Currency::release(&reason, who, from - to, Precision::Exact)?;
        }
        Ok(())
    }

    pub(crate) fn try_deposit(
        reason: HoldReason,
        who: &T::AccountId,
        deposit: Balance,
    ) -> Result<(), TryRuntimeError> {
        let held = T::Currency::balance_on_hold(&reason.into(), who);
        ensure!(held == deposit, "the hold differs from the recorded deposit");
        Ok(())
    }
}
