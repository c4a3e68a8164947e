//! Keys: to which bytes for an account are encrypted.

use crate::{Config, EncryptionKey, EncryptionKeys, Error, Event, HoldReason, Pallet};
use decentralml_traits::Keyring;
use decentralml_types::{PublicKey, encryption::is_usable};
use frame_support::{dispatch::DispatchResult, ensure, traits::Get};
use sp_runtime::TryRuntimeError;

impl<T: Config> Pallet<T> {
    pub(crate) fn do_set_encryption_key(
        who: T::AccountId,
        new: Option<PublicKey>,
    ) -> DispatchResult {
        let before = EncryptionKeys::<T>::get(&who);
        let old = before.map(|row| row.key);
        ensure!(new.is_none_or(|key| is_usable(&key)), Error::<T>::InvalidKey);
        ensure!(new.is_some() || old.is_some(), Error::<T>::NoKey);
        ensure!(new != old, Error::<T>::SameKey);
        let held = before.map_or(0, |row| row.deposit);
        let deposit = if new.is_some() { T::KeyDeposit::get() } else { 0 };
        Self::adjust_deposit(HoldReason::KeyDeposit, &who, held, deposit)?;
        match new {
            Some(key) => {
                let since = Self::now();
                EncryptionKeys::<T>::insert(&who, EncryptionKey { key, since, deposit });
            }
            None => EncryptionKeys::<T>::remove(&who),
        }
        Self::deposit_event(Event::EncryptionKeySet { who, old, new });
        Ok(())
    }

    /// What is held for keys is what their rows say, and every key could have been registered.
    pub(crate) fn try_keys() -> Result<(), TryRuntimeError> {
        let now = Self::now();
        for (who, row) in EncryptionKeys::<T>::iter() {
            Self::try_deposit(HoldReason::KeyDeposit, &who, row.deposit)?;
            ensure!(is_usable(&row.key), "a key that nobody can be safe with");
            ensure!(row.since <= now, "a key from the future");
        }
        Ok(())
    }
}

impl<T: Config> Keyring<T::AccountId> for Pallet<T> {
    fn key(who: &T::AccountId) -> Option<PublicKey> {
        EncryptionKeys::<T>::get(who).map(|row| row.key)
    }
}
