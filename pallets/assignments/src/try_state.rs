//! What must hold between any two blocks.

use crate::{Config, Draws, NextDraw, Pallet, Places, Populations, Seeds, Slots};
use decentralml_protocol::draw::{CLASSES, weight_of};
use decentralml_traits::Clock;
use decentralml_types::Role;
use frame_support::ensure;
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::TryRuntimeError;

extern crate alloc;
use alloc::collections::BTreeMap;

impl<T: Config> Pallet<T> {
    /// Slots and enrollments mirror each other without holes, weights are backed by what is at risk and within the task's cap, no bond
    /// stands for a round without a commitment, nobody has two roles in a task, and every seed is in use.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        Self::try_state_slots()?;
        Self::try_state_draws()
    }

    fn try_state_slots() -> Result<(), TryRuntimeError> {
        for ((task, role, who), enrollment) in Places::<T>::iter() {
            let owner = Slots::<T>::get((task, role, enrollment.class, enrollment.slot));
            ensure!(owner.as_ref() == Some(&who), "an enrolled account does not own its slot");
            ensure!(enrollment.since <= NextDraw::<T>::get(), "an enrollment from the future");
            let weight = weight_of(enrollment.class);
            ensure!(weight > 0, "a class that does not exist");
            if let Some(spec) = T::Clock::spec(task) {
                ensure!(weight <= spec.terms.draw.cap(), "a weight above the task's cap");
                ensure!(
                    enrollment.engaged == spec.stake(role, weight),
                    "a weight that is not backed"
                );
            }
            ensure!(
                enrollment.at_risk.is_none() || enrollment.open_rows > 0,
                "a bond stands for a round without a commitment"
            );
            let both =
                role == Role::Trainer && Places::<T>::contains_key((task, Role::Evaluator, &who));
            ensure!(!both, "an account has two roles in a task");
        }
        for ((task, role, class, slot), who) in Slots::<T>::iter() {
            ensure!(
                Places::<T>::contains_key((task, role, &who)),
                "a slot's owner is not enrolled"
            );
            let slots = Populations::<T>::get(task, role).map_or(0, |row| row.of(class));
            ensure!(slot < slots, "a slot beyond the population");
        }
        for (task, role, population) in Populations::<T>::iter() {
            ensure!(population.enrolled() > 0, "an empty population is kept");
            for class in 0..CLASSES as u8 {
                for slot in 0..population.of(class) {
                    let taken = Slots::<T>::contains_key((task, role, class, slot));
                    ensure!(taken, "a slot is empty");
                }
            }
        }
        Ok(())
    }

    fn try_state_draws() -> Result<(), TryRuntimeError> {
        let mut users = BTreeMap::<BlockNumberFor<T>, u32>::new();
        for (_, draw) in Draws::<T>::iter() {
            let population: u64 = draw.population.iter().copied().map(u64::from).sum();
            ensure!(u64::from(draw.places) <= population, "more is drawn than there is");
            ensure!(draw.number < NextDraw::<T>::get(), "a draw from the future");
            *users.entry(draw.seed_block).or_default() += 1;
        }
        let mut kept = 0;
        for (block, seed) in Seeds::<T>::iter() {
            ensure!(users.get(&block) == Some(&seed.users), "a seed's users are miscounted");
            kept += 1;
        }
        ensure!(kept == users.len(), "a draw has lost its seed");
        Ok(())
    }
}
