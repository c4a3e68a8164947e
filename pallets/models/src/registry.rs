//! Recording, releasing, recalling and pruning versions.

use crate::{
    Config, Error, Event, LastReleased, LastVersion, ModelVersion, Pallet, Release, Versions,
};
use decentralml_traits::{Clock, NewModel, Registry};
use decentralml_types::{BlockNumber, TaskId, Version, spec::Text};
use frame_support::{dispatch::DispatchResult, ensure, traits::Get};
use sp_runtime::traits::BlockNumberProvider;

impl<T: Config> Pallet<T> {
    pub(crate) fn do_release(task: TaskId, version: Version) -> DispatchResult {
        let mut model = Versions::<T>::get(task, version).ok_or(Error::<T>::UnknownVersion)?;
        ensure!(model.status == Release::Candidate, Error::<T>::NotACandidate);
        model.status = Release::Released { at: Self::now() };
        let cid = model.cid;
        Versions::<T>::insert(task, version, model);
        LastReleased::<T>::mutate(task, |last| *last = Some(last.unwrap_or_default().max(version)));
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
        ensure!(T::Clock::status(task).is_none(), Error::<T>::TaskExists);
        let due = model.recorded_at.saturating_add(T::CandidatePeriod::get());
        ensure!(Self::now() >= due, Error::<T>::TooEarly);
        let is_lineage = LastReleased::<T>::get(task).is_some_and(|released| version < released);
        ensure!(!is_lineage, Error::<T>::Lineage);
        Versions::<T>::remove(task, version);
        // Ids of tasks are never used again, so nothing can be counted on from here.
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
    /// Versions are numbered up to the last one, follow their parents, and those that were released are marked.
    pub fn do_try_state() -> Result<(), sp_runtime::TryRuntimeError> {
        for (task, version, model) in Versions::<T>::iter() {
            let last = LastVersion::<T>::get(task).unwrap_or_default();
            ensure!(version > 0 && version <= last, "a version beyond the last one");
            ensure!(model.parent.is_none_or(|parent| parent < version), "a parent after its child");
            let released = LastReleased::<T>::get(task).unwrap_or_default();
            ensure!(
                model.status == Release::Candidate || version <= released,
                "a released version is not marked"
            );
        }
        for (task, released) in LastReleased::<T>::iter() {
            let model = Versions::<T>::get(task, released).ok_or("a released version is gone")?;
            ensure!(model.status != Release::Candidate, "a candidate is marked as released");
        }
        for task in LastVersion::<T>::iter_keys() {
            let some = Versions::<T>::iter_key_prefix(task).next().is_some();
            ensure!(some, "a count of versions was left behind");
        }
        Ok(())
    }
}
