//! Registering and retiring content.

use crate::{Config, Content, Contents, Error, Event, HoldReason, Pallet};
use decentralml_types::{BlockNumber, Cid};
use frame_support::{dispatch::DispatchResult, ensure, traits::Get};
use sp_runtime::traits::BlockNumberProvider;

impl<T: Config> Pallet<T> {
    pub(crate) fn do_register(
        owner: T::AccountId,
        cid: Cid,
        plain_hash: [u8; 32],
        size: u64,
    ) -> DispatchResult {
        ensure!(!Contents::<T>::contains_key(cid), Error::<T>::AlreadyRegistered);
        let deposit = T::ContentDeposit::get();
        Self::hold(HoldReason::ContentDeposit, &owner, deposit)?;
        let content = Content { owner: owner.clone(), plain_hash, size, grants: 0, deposit };
        Contents::<T>::insert(cid, content);
        Self::deposit_event(Event::Registered { cid, owner, plain_hash, size });
        Ok(())
    }

    pub(crate) fn do_retire(who: T::AccountId, cid: Cid) -> DispatchResult {
        let content = Self::owned(&who, cid)?;
        ensure!(content.grants == 0, Error::<T>::StillGranted);
        Self::release(HoldReason::ContentDeposit, &who, content.deposit)?;
        Contents::<T>::remove(cid);
        Self::deposit_event(Event::Retired { cid, owner: who });
        Ok(())
    }

    /// The content of this CID, if it is `who`'s.
    pub(crate) fn owned(who: &T::AccountId, cid: Cid) -> Result<Content<T::AccountId>, Error<T>> {
        let content = Contents::<T>::get(cid).ok_or(Error::<T>::UnknownContent)?;
        ensure!(content.owner == *who, Error::<T>::NotOwner);
        Ok(content)
    }

    pub(crate) fn now() -> BlockNumber {
        T::BlockNumberProvider::current_block_number()
    }
}
