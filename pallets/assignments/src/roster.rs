//! What other pallets ask.

use crate::{Config, Pallet, Populations};
use decentralml_traits::{Draw, Roster};
use decentralml_types::{Role, RoundNumber, TaskId};
use sp_runtime::DispatchError;

impl<T: Config> Roster<T::AccountId> for Pallet<T> {
    fn enrolled(task: TaskId, role: Role) -> u32 {
        Populations::<T>::get(task, role).map_or(0, |population| population.enrolled)
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

    fn close_draw(task: TaskId, round: RoundNumber, draw: Draw) {
        Self::do_close_draw(task, round, draw);
    }

    fn hold_place(task: TaskId, role: Role, who: &T::AccountId) {
        Self::amend(task, role, who, |enrollment| {
            enrollment.open_rows = enrollment.open_rows.saturating_add(1);
        });
    }

    fn release_place(task: TaskId, role: Role, who: &T::AccountId) {
        Self::amend(task, role, who, |enrollment| {
            enrollment.open_rows = enrollment.open_rows.saturating_sub(1);
        });
    }
}
