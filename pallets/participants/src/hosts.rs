//! Hosts: where accounts offer bytes.

use crate::{Config, Error, Event, HoldReason, HostList, Hosts, Pallet};
use decentralml_types::{Balance, Urls, host::is_plain};
use frame_support::{dispatch::DispatchResult, ensure, traits::Get};
use sp_runtime::TryRuntimeError;

impl<T: Config> Pallet<T> {
    pub(crate) fn do_set_hosts(who: T::AccountId, urls: Urls) -> DispatchResult {
        ensure!(urls.iter().all(|url| is_plain(url)), Error::<T>::InvalidUrl);
        let before = Hosts::<T>::get(&who);
        ensure!(before.is_some() || !urls.is_empty(), Error::<T>::NoHosts);
        let held = before.map_or(0, |list| list.deposit);
        let deposit = Self::host_deposit(&urls);
        Self::adjust_deposit(HoldReason::HostDeposit, &who, held, deposit)?;
        if urls.is_empty() {
            Hosts::<T>::remove(&who);
        } else {
            Hosts::<T>::insert(&who, HostList { urls: urls.clone(), deposit });
        }
        Self::deposit_event(Event::HostsSet { who, urls });
        Ok(())
    }

    /// What a list of hosts costs for as long as it stays.
    fn host_deposit(urls: &Urls) -> Balance {
        let (base, per_byte) = (T::HostDepositBase::get(), T::HostDepositPerByte::get());
        urls.iter().fold(0, |sum: Balance, url| {
            let bytes = per_byte.saturating_mul(url.len() as Balance);
            sum.saturating_add(base).saturating_add(bytes)
        })
    }

    /// What is held for hosts is what their rows say, and every row could have been announced.
    pub(crate) fn try_hosts() -> Result<(), TryRuntimeError> {
        for (who, list) in Hosts::<T>::iter() {
            Self::try_deposit(HoldReason::HostDeposit, &who, list.deposit)?;
            ensure!(!list.urls.is_empty(), "an empty list of hosts was left behind");
            ensure!(list.urls.iter().all(|url| is_plain(url)), "a host is no URL");
        }
        Ok(())
    }
}
