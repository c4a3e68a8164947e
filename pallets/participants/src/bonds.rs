//! Bonding, unbonding, and what other pallets ask of bonds.

use crate::{Config, Error, Event, HoldReason, Member, Members, Pallet, Unbonding};
use decentralml_traits::{Bonds, Forfeited, Receivers, Stakes};
use decentralml_types::{Balance, BlockNumber, Role};
use frame_support::{
    dispatch::DispatchResult,
    ensure,
    traits::{Get, fungible::MutateHold, tokens::Precision},
};
use sp_runtime::traits::BlockNumberProvider;

impl<T: Config> Pallet<T> {
    pub(crate) fn do_bond(who: T::AccountId, role: Role, amount: Balance) -> DispatchResult {
        ensure!(amount > 0, Error::<T>::ZeroAmount);
        let mut member = Members::<T>::get(role, &who).unwrap_or_default();
        member.bond = member.bond.saturating_add(amount);
        ensure!(member.bond >= Self::minimum(role), Error::<T>::BelowMinimum);
        T::Currency::hold(&Self::hold_reason(role), &who, amount)?;
        Members::<T>::insert(role, &who, member);
        Self::deposit_event(Event::Bonded { who, role, amount });
        Ok(())
    }

    pub(crate) fn do_unbond(who: T::AccountId, role: Role, amount: Balance) -> DispatchResult {
        ensure!(amount > 0, Error::<T>::ZeroAmount);
        let mut member = Members::<T>::get(role, &who).ok_or(Error::<T>::NotBonded)?;
        ensure!(amount <= member.unengaged(), Error::<T>::InsufficientBond);
        member.bond -= amount;
        ensure!(member.bond == 0 || member.bond >= Self::minimum(role), Error::<T>::BelowMinimum);
        let at = Self::now().saturating_add(T::UnbondingPeriod::get());
        match member.unbonding.last_mut().filter(|last| last.at == at) {
            Some(last) => last.amount = last.amount.saturating_add(amount),
            None => member
                .unbonding
                .try_push(Unbonding { amount, at })
                .map_err(|_| Error::<T>::TooManyUnbondings)?,
        }
        Members::<T>::insert(role, &who, member);
        Self::deposit_event(Event::Unbonded { who, role, amount, at });
        Ok(())
    }

    pub(crate) fn do_withdraw(who: T::AccountId, role: Role) -> DispatchResult {
        let mut member = Members::<T>::get(role, &who).ok_or(Error::<T>::NotBonded)?;
        let before = member.held();
        let now = Self::now();
        member.unbonding.retain(|chunk| chunk.at > now);
        let amount = before.saturating_sub(member.held());
        ensure!(amount > 0, Error::<T>::NothingDue);
        T::Currency::release(&Self::hold_reason(role), &who, amount, Precision::Exact)?;
        Self::put(role, &who, member);
        Self::deposit_event(Event::Withdrawn { who, role, amount });
        Ok(())
    }

    pub(crate) fn now() -> BlockNumber {
        T::BlockNumberProvider::current_block_number()
    }

    pub(crate) fn hold_reason(role: Role) -> T::RuntimeHoldReason {
        match role {
            Role::Trainer => HoldReason::TrainerBond,
            Role::Evaluator => HoldReason::EvaluatorBond,
            Role::Validator => HoldReason::ValidatorBond,
        }
        .into()
    }

    /// Stores a row, or removes it where it says nothing any more.
    pub(crate) fn put(role: Role, who: &T::AccountId, member: Member) {
        if member.is_empty(Self::period()) {
            Members::<T>::remove(role, who);
        } else {
            Members::<T>::insert(role, who, member);
        }
    }
}

impl<T: Config> Bonds<T::AccountId> for Pallet<T> {
    fn engage(who: &T::AccountId, role: Role, amount: Balance) -> DispatchResult {
        Members::<T>::try_mutate(role, who, |row| {
            let member = row.as_mut().ok_or(Error::<T>::NotBonded)?;
            ensure!(amount <= member.unengaged(), Error::<T>::InsufficientBond);
            // At most the bond, so it fits.
            member.engaged = member.engaged.saturating_add(amount);
            Ok(())
        })
    }

    fn disengage(who: &T::AccountId, role: Role, amount: Balance) {
        if let Some(mut member) = Members::<T>::get(role, who) {
            member.engaged = member.engaged.saturating_sub(amount);
            Self::put(role, who, member);
        }
    }

    fn ensure_covered(who: &T::AccountId, role: Role) -> DispatchResult {
        let member = Members::<T>::get(role, who).ok_or(Error::<T>::NotBonded)?;
        ensure!(member.bond >= member.engaged, Error::<T>::NotCovered);
        Ok(())
    }

    fn seize(who: &T::AccountId, role: Role, amount: Balance) -> Balance {
        Self::do_seize(who, role, amount)
    }

    fn give_back(who: &T::AccountId, role: Role, amount: Balance) {
        Self::do_give_back(who, role, amount);
    }

    fn forfeit(
        who: &T::AccountId,
        role: Role,
        amount: Balance,
        receivers: Receivers<T::AccountId>,
    ) -> Forfeited {
        Self::do_forfeit(who, role, amount, receivers)
    }

    fn charge(who: &T::AccountId, role: Role, amount: Balance, to: &T::AccountId) -> Balance {
        Self::do_charge(who, role, amount, to)
    }

    fn seized(who: &T::AccountId, role: Role) -> Balance {
        Members::<T>::get(role, who).map_or(0, |member| member.disputed)
    }

    fn minimum(role: Role) -> Balance {
        match role {
            Role::Trainer => T::MinTrainerBond::get(),
            Role::Evaluator => T::MinEvaluatorBond::get(),
            Role::Validator => T::MinValidatorBond::get(),
        }
    }
}

impl<T: Config> Stakes<T::AccountId> for Pallet<T> {
    fn bonded(who: &T::AccountId, role: Role) -> Balance {
        Members::<T>::get(role, who).map_or(0, |member| member.bond)
    }

    fn slashable(who: &T::AccountId, role: Role) -> Balance {
        let now = Self::now();
        Members::<T>::get(role, who).map_or(0, |member| member.slashable(now))
    }

    fn least(role: Role) -> Balance {
        <Self as Bonds<T::AccountId>>::minimum(role)
    }
}

impl<T: Config> Pallet<T> {
    /// What is held for every account and role, its hosts and its key is what its rows say; no row is empty or owes a withdrawal
    /// of nothing; and what is announced could be announced again.
    pub fn do_try_state() -> Result<(), sp_runtime::TryRuntimeError> {
        use frame_support::traits::fungible::InspectHold;
        for (role, who, member) in Members::<T>::iter() {
            let held = T::Currency::balance_on_hold(&Self::hold_reason(role), &who);
            ensure!(held == member.held(), "the hold differs from the recorded bond");
            ensure!(
                !member.has_left() || member.disputed > 0 || member.record.slashed > 0,
                "an empty row was left behind"
            );
            ensure!(member.record.period <= Self::period(), "a record from the future");
            ensure!(
                member.unbonding.iter().all(|chunk| chunk.amount > 0),
                "an empty amount is unbonding"
            );
            ensure!(
                member.bond >= member.engaged || member.faults > 0,
                "more is at risk than bonded, and nothing was slashed"
            );
        }
        Self::try_hosts()?;
        Self::try_keys()
    }
}
