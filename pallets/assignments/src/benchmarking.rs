//! Measures the calls where they do most.

use crate::{Call, Config, Enrollment, Pallet, Places, Seeds};
use decentralml_traits::{Draw, Roster};
use decentralml_types::{Role, TaskId};
use frame_benchmarking::v2::*;
use frame_system::RawOrigin;
use sp_runtime::traits::One;

/// What the benchmarks need of the other pallets.
pub trait BenchmarkHelper<AccountId> {
    /// A task that lacks one trainer, and starts its first round with it.
    fn task() -> TaskId;
    /// An account other than the sponsor whose bond in `role` covers an enrollment. `index` tells them apart.
    fn member(role: Role, index: u32) -> AccountId;
    /// Makes the parent block have a VRF output.
    fn set_randomness();
}

#[benchmarks]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn enroll() {
        let task = T::BenchmarkHelper::task();
        let who = T::BenchmarkHelper::member(Role::Trainer, 0);

        #[extrinsic_call]
        _(RawOrigin::Signed(who.clone()), task, Role::Trainer);

        assert!(Places::<T>::contains_key((task, Role::Trainer, &who)));
    }

    #[benchmark]
    fn leave() -> Result<(), BenchmarkError> {
        let task = T::BenchmarkHelper::task();
        let members = [0, 1].map(|index| T::BenchmarkHelper::member(Role::Trainer, index));
        for who in &members {
            Pallet::<T>::enroll(RawOrigin::Signed(who.clone()).into(), task, Role::Trainer)?;
        }
        let [leaver, moved] = members;
        Pallet::<T>::open_draw(task, u32::MAX, Draw::Trainers, 2);
        let slot = |who: &T::AccountId| {
            Places::<T>::get((task, Role::Trainer, who)).map(|Enrollment { slot, .. }| slot)
        };
        let vacated = slot(&leaver);

        #[extrinsic_call]
        _(RawOrigin::Signed(leaver.clone()), task, Role::Trainer);

        assert_eq!(slot(&leaver), None);
        assert_eq!(slot(&moved), vacated);
        Ok(())
    }

    #[benchmark]
    fn capture_seed() {
        let task = T::BenchmarkHelper::task();
        T::BenchmarkHelper::set_randomness();
        let opened = frame_system::Pallet::<T>::block_number();
        Pallet::<T>::open_draw(task, u32::MAX, Draw::Trainers, 1);
        let seed_block = opened + One::one();

        #[block]
        {
            Pallet::<T>::capture_seed(seed_block + One::one());
        }

        assert!(Seeds::<T>::get(seed_block).is_some_and(|row| row.seed.is_some()));
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
