//! Recording, releasing, recalling and pruning versions.

use crate::{Config, Error, Event, LastVersion, ModelVersion, Pallet, Release, Versions};
use decentralml_traits::{Clock, NewModel, Registry};
use decentralml_types::{BlockNumber, TaskId, TaskStatus, Version, spec::Text};
use frame_support::{dispatch::DispatchResult, ensure, traits::Get};
use sp_runtime::traits::BlockNumberProvider;

impl<T: Config> Pallet<T> {
    pub(crate) fn do_release(task: TaskId, version: Version) -> DispatchResult {
        let mut model = Versions::<T>::get(task, version).ok_or(Error::<T>::UnknownVersion)?;
        ensure!(model.status == Release::Candidate, Error::<T>::NotACandidate);
        model.status = Release::Released { at: Self::now() };
        let cid = model.cid;
        Versions::<T>::insert(task, version, model);
        Self::deposit_event(Event::Released { task, version, cid });
        Ok(())
    }

    pub(crate) fn do_recall(task: TaskId, version: Version, reason: Text) -> DispatchResult {
        let mut model = Versions::<T>::get(task, version).ok_or(Error::<T>::UnknownVersion)?;
        ensure!(matches!(model.status, Release::Released { .. }), Error::<T>::NotReleased);
        let is_text = !reason.is_empty() && core::str::from_utf8(&reason).is_ok();
        ensure!(is_text, Error::<T>::InvalidReason);
        model.status = Release::Recalled { at: Self::now(), reason: reason.clone() };
        Versions::<T>::insert(task, version, model);
        Self::deposit_event(Event::Recalled { task, version, reason });
        Ok(())
    }

    pub(crate) fn do_prune(task: TaskId, version: Version) -> DispatchResult {
        let model = Versions::<T>::get(task, version).ok_or(Error::<T>::UnknownVersion)?;
        ensure!(model.status == Release::Candidate, Error::<T>::NotACandidate);
        let is_over = T::Clock::status(task).is_none_or(TaskStatus::is_final);
        ensure!(is_over, Error::<T>::TaskNotOver);
        let due = model.recorded_at.saturating_add(T::CandidatePeriod::get());
        ensure!(Self::now() >= due, Error::<T>::TooEarly);
        // Every version descends from the one before it. A later one that is still a candidate may be released some day.
        let has_child = Versions::<T>::contains_key(task, version.saturating_add(1));
        ensure!(!has_child, Error::<T>::Lineage);
        Versions::<T>::remove(task, version);
        // A task that is over has no further version, and its id is never used again, so nothing can be counted on from here.
        if Versions::<T>::iter_key_prefix(task).next().is_none() {
            LastVersion::<T>::remove(task);
        }
        Self::deposit_event(Event::Pruned { task, version });
        Ok(())
    }

    fn now() -> BlockNumber {
        T::BlockNumberProvider::current_block_number()
    }
}

impl<T: Config> Registry for Pallet<T> {
    fn record(model: NewModel) -> Version {
        let NewModel { task, round, cid, parent, metric, updates } = model;
        // A task has at most as many versions as rounds, and rounds are counted in the same type.
        let version = LastVersion::<T>::get(task).unwrap_or_default().saturating_add(1);
        let license = T::Clock::spec(task).map(|spec| spec.license).unwrap_or_default();
        let recorded_at = Self::now();
        let status = Release::Candidate;
        LastVersion::<T>::insert(task, version);
        Versions::<T>::insert(
            task,
            version,
            ModelVersion { cid, parent, round, metric, updates, license, recorded_at, status },
        );
        Self::deposit_event(Event::Recorded { task, version, cid, parent, round, metric });
        version
    }
}

impl<T: Config> Pallet<T> {
    /// Versions are numbered up to the last one, and the lineage of each is complete.
    pub fn do_try_state() -> Result<(), sp_runtime::TryRuntimeError> {
        for (task, version, model) in Versions::<T>::iter() {
            let last = LastVersion::<T>::get(task).unwrap_or_default();
            ensure!(version > 0 && version <= last, "a version beyond the last one");
            if let Some(parent) = model.parent {
                ensure!(parent < version, "a parent after its child");
                ensure!(Versions::<T>::contains_key(task, parent), "a parent is gone");
            }
        }
        for task in LastVersion::<T>::iter_keys() {
            let some = Versions::<T>::iter_key_prefix(task).next().is_some();
            ensure!(some, "a count of versions was left behind");
        }
        Ok(())
    }
}
