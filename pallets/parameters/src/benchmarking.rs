//! Benchmarks: parameters that hold, so that every condition is looked at.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use crate::{Call, Config, Current, Pallet};
use frame_benchmarking::v2::*;
use frame_support::traits::{EnsureOrigin, Get};

#[benchmarks]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn set_parameters() -> Result<(), BenchmarkError> {
        let origin =
            T::SetOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;
        let mut parameters = T::Initial::get();
        parameters.appeal_percent = 7;
        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, parameters);
        assert_eq!(Current::<T>::get(), parameters);
        Ok(())
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::externalities(), crate::mock::Test);
}
