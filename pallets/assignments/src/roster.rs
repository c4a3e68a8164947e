//! What other pallets ask.

use crate::{Config, Draws, Error, Pallet, Places, Populations};
use decentralml_traits::{Draw, Roster};
use decentralml_types::{Balance, Role, RoundNumber, TaskId};
use frame_support::ensure;
use sp_runtime::{DispatchError, DispatchResult};

impl<T: Config> Roster<T::AccountId> for Pallet<T> {
    fn enrolled(task: TaskId, role: Role) -> u32 {
        Populations::<T>::get(task, role).map_or(0, |population| population.enrolled())
    }

    fn is_enrolled(task: TaskId, role: Role, who: &T::AccountId) -> bool {
        Places::<T>::contains_key((task, role, who))
    }

    fn engaged(task: TaskId, role: Role, who: &T::AccountId) -> Balance {
        Places::<T>::get((task, role, who)).map_or(0, |enrollment| enrollment.engaged)
    }

    fn open_draw(task: TaskId, round: RoundNumber, draw: Draw, places: u32) -> u32 {
        Self::do_open_draw(task, round, draw, places)
    }

    fn place(
        task: TaskId,
        round: RoundNumber,
        draw: Draw,
        who: &T::AccountId,
    ) -> Result<u32, DispatchError> {
        Self::place_in(task, round, draw, who).map_err(Into::into)
    }

    fn ensure_drawn(task: TaskId, round: RoundNumber, draw: Draw) -> DispatchResult {
        let open = Draws::<T>::get((task, round, draw)).ok_or(Error::<T>::NoSuchDraw)?;
        Self::seed_of(&open)?;
        Ok(())
    }

    fn close_draw(task: TaskId, round: RoundNumber, draw: Draw) {
        Self::do_close_draw(task, round, draw);
    }

    fn hold_place(
        task: TaskId,
        round: RoundNumber,
        role: Role,
        who: &T::AccountId,
    ) -> DispatchResult {
        Places::<T>::try_mutate((task, role, who), |row| {
            let enrollment = row.as_mut().ok_or(Error::<T>::NotEnrolled)?;
            ensure!(enrollment.hold(round), Error::<T>::StillAtRisk);
            Ok(())
        })
    }

    fn at_risk(task: TaskId, role: Role, who: &T::AccountId) -> Option<RoundNumber> {
        Places::<T>::get((task, role, who)).and_then(|enrollment| enrollment.at_risk)
    }

    fn expose_place(
        task: TaskId,
        round: RoundNumber,
        role: Role,
        who: &T::AccountId,
    ) -> DispatchResult {
        Places::<T>::try_mutate((task, role, who), |row| {
            let enrollment = row.as_mut().ok_or(Error::<T>::NotEnrolled)?;
            ensure!(enrollment.expose(round), Error::<T>::StillAtRisk);
            Ok(())
        })
    }

    fn clear_place(task: TaskId, round: RoundNumber, role: Role, who: &T::AccountId) {
        Self::amend(task, role, who, |enrollment| enrollment.clear(round));
    }

    fn release_place(task: TaskId, round: RoundNumber, role: Role, who: &T::AccountId) {
        Self::amend(task, role, who, |enrollment| enrollment.release(round));
    }
}
