//! Granting content, and revoking grants.

use crate::{Config, Contents, Error, Event, Grant, Grants, HoldReason, Pallet};
use decentralml_traits::Keyring;
use decentralml_types::Cid;
use frame_support::{dispatch::DispatchResult, ensure, traits::Get};
use sp_runtime::ArithmeticError;

impl<T: Config> Pallet<T> {
    pub(crate) fn do_grant(
        who: T::AccountId,
        cid: Cid,
        account: T::AccountId,
        envelope: Cid,
    ) -> DispatchResult {
        let mut content = Self::owned(&who, cid)?;
        ensure!(!Grants::<T>::contains_key(cid, &account), Error::<T>::AlreadyGranted);
        ensure!(T::Keyring::key(&account).is_some(), Error::<T>::NoEncryptionKey);
        content.grants = content.grants.checked_add(1).ok_or(ArithmeticError::Overflow)?;
        let deposit = T::GrantDeposit::get();
        Self::hold(HoldReason::GrantDeposit, &who, deposit)?;
        Contents::<T>::insert(cid, content);
        Grants::<T>::insert(cid, &account, Grant { envelope, since: Self::now(), deposit });
        Self::deposit_event(Event::Granted { cid, account, envelope });
        Ok(())
    }

    pub(crate) fn do_revoke(who: T::AccountId, cid: Cid, account: T::AccountId) -> DispatchResult {
        let mut content = Self::owned(&who, cid)?;
        let grant = Grants::<T>::get(cid, &account).ok_or(Error::<T>::NotGranted)?;
        content.grants = content.grants.checked_sub(1).ok_or(ArithmeticError::Underflow)?;
        Self::release(HoldReason::GrantDeposit, &who, grant.deposit)?;
        Contents::<T>::insert(cid, content);
        Grants::<T>::remove(cid, &account);
        Self::deposit_event(Event::Revoked { cid, account });
        Ok(())
    }
}
