//! Enrolling and leaving.

use crate::{Config, Enrollment, Error, NextDraw, Pallet, Places, Populations, Slots};
use decentralml_protocol::draw;
use decentralml_traits::{Bonds, Clock, Keyring, Reputation};
use decentralml_types::{Role, TaskId, TaskStatus};
use frame_support::{ensure, traits::Get};
use sp_runtime::DispatchResult;

impl<T: Config> Pallet<T> {
    pub(crate) fn do_enroll(
        who: &T::AccountId,
        task: TaskId,
        role: Role,
        weight: u8,
    ) -> DispatchResult {
        let spec = T::Clock::spec(task).ok_or(Error::<T>::UnknownTask)?;
        let status = T::Clock::status(task).ok_or(Error::<T>::UnknownTask)?;
        ensure!(!status.is_final(), Error::<T>::TaskOver);
        ensure!(T::Clock::sponsor(task).as_ref() != Some(who), Error::<T>::SponsorCannotEnroll);
        ensure!(!Places::<T>::contains_key((task, role, who)), Error::<T>::AlreadyEnrolled);
        let other_role = other(role).ok_or(Error::<T>::NoPartInTasks)?;
        ensure!(
            !Places::<T>::contains_key((task, other_role, who)),
            Error::<T>::EnrolledInOtherRole
        );
        let class = draw::class_of(weight).filter(|_| weight <= spec.terms.draw.cap());
        let class = class.ok_or(Error::<T>::WrongWeight)?;
        let reads = spec.custody.sealed && role == Role::Evaluator;
        ensure!(!reads || T::Keyring::key(who).is_some(), Error::<T>::NoEncryptionKey);
        let score = T::Reputation::score(who, role);
        ensure!(score >= spec.terms.min_reputation, Error::<T>::ReputationTooLow);
        let mut population = Populations::<T>::get(task, role).unwrap_or_default();
        ensure!(population.enrolled() < T::MaxEnrolled::get(), Error::<T>::Full);

        let engaged = spec.stake(role, weight);
        T::Bonds::engage(who, role, engaged)?;
        let slot = population.of(class);
        let enrollment = Enrollment {
            class,
            slot,
            since: NextDraw::<T>::get(),
            earlier: None,
            engaged,
            open_rows: 0,
            at_risk: None,
        };
        Places::<T>::insert((task, role, who), enrollment);
        Slots::<T>::insert((task, role, class, slot), who);
        population.set(class, slot.saturating_add(1));
        Populations::<T>::insert(task, role, population);
        Ok(())
    }

    pub(crate) fn do_leave(who: &T::AccountId, task: TaskId, role: Role) -> DispatchResult {
        let enrollment = Places::<T>::get((task, role, who)).ok_or(Error::<T>::NotEnrolled)?;
        ensure!(enrollment.open_rows == 0, Error::<T>::NotSettled);

        Places::<T>::remove((task, role, who));
        Self::vacate(task, role, enrollment.class, enrollment.slot);
        T::Bonds::disengage(who, role, enrollment.engaged);
        Ok(())
    }

    pub(crate) fn do_dismiss(who: &T::AccountId, task: TaskId, role: Role) -> DispatchResult {
        let over = T::Clock::status(task).is_none_or(TaskStatus::is_final);
        ensure!(over, Error::<T>::TaskNotOver);
        Self::do_leave(who, task, role)
    }

    /// Changes an account's enrollment, where there is one.
    pub(crate) fn amend(
        task: TaskId,
        role: Role,
        who: &T::AccountId,
        change: impl FnOnce(&mut Enrollment),
    ) {
        Places::<T>::mutate_exists((task, role, who), |row| row.as_mut().map(change));
    }

    /// Gives up a slot: the account in the last one of its class moves there, so that no slot is ever empty.
    fn vacate(task: TaskId, role: Role, class: u8, slot: u32) {
        let mut population = Populations::<T>::get(task, role).unwrap_or_default();
        let last = population.of(class).saturating_sub(1);
        if let Some(moved) = Slots::<T>::take((task, role, class, last))
            && last != slot
        {
            Self::amend(task, role, &moved, |enrollment| {
                enrollment.move_to(slot, population.latest, NextDraw::<T>::get());
            });
            Slots::<T>::insert((task, role, class, slot), moved);
        }
        population.set(class, last);
        if population.enrolled() == 0 {
            Populations::<T>::remove(task, role);
        } else {
            Populations::<T>::insert(task, role, population);
        }
    }
}

/// The other role in tasks; `None` for what has no part in them.
const fn other(role: Role) -> Option<Role> {
    match role {
        Role::Trainer => Some(Role::Evaluator),
        Role::Evaluator => Some(Role::Trainer),
        Role::Validator => None,
    }
}
