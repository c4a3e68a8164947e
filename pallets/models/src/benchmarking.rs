//! Benchmarks: every call on versions whose texts are as long as they may be.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use crate::{Call, Config, LastVersion, ModelVersion, Pallet, Release, Versions};
use decentralml_types::{Cid, Codec, TaskId, Version, limits::MAX_TEXT, spec::Text};
use frame_benchmarking::v2::*;
use frame_support::traits::{EnsureOrigin, Get};
use frame_system::RawOrigin;
use sp_runtime::traits::BlockNumberProvider;

/// A task that was never created, as one that is gone.
const TASK: TaskId = TaskId::MAX;
const VERSION: Version = 1;

fn text() -> Text {
    Text::truncate_from([b'x'; MAX_TEXT as usize].to_vec())
}

fn version<T: Config>(status: Release) {
    let model = ModelVersion {
        cid: Cid { codec: Codec::DagPb, digest: [7; 32] },
        parent: None,
        round: 1,
        metric: 950_000,
        updates: 256,
        license: text(),
        recorded_at: 0,
        status,
    };
    Versions::<T>::insert(TASK, VERSION, model);
    LastVersion::<T>::insert(TASK, VERSION);
}

#[benchmarks]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn release() -> Result<(), BenchmarkError> {
        version::<T>(Release::Candidate);
        let origin =
            T::ReleaseOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;
        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, TASK, VERSION);
        assert!(
            Versions::<T>::get(TASK, VERSION)
                .is_some_and(|model| matches!(model.status, Release::Released { .. }))
        );
        Ok(())
    }

    #[benchmark]
    fn recall() -> Result<(), BenchmarkError> {
        version::<T>(Release::Candidate);
        let origin =
            T::ReleaseOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;
        Pallet::<T>::release(origin.clone(), TASK, VERSION)?;
        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, TASK, VERSION, text());
        assert!(
            Versions::<T>::get(TASK, VERSION)
                .is_some_and(|model| matches!(model.status, Release::Recalled { .. }))
        );
        Ok(())
    }

    #[benchmark]
    fn prune() {
        version::<T>(Release::Candidate);
        T::BlockNumberProvider::set_block_number(T::CandidatePeriod::get());
        #[extrinsic_call]
        _(RawOrigin::Signed(whitelisted_caller()), TASK, VERSION);
        assert!(!LastVersion::<T>::contains_key(TASK));
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::externalities(), crate::mock::Test);
}
