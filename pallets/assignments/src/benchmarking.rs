//! Measures the calls where they do most.

use crate::{Call, Config, Enrollment, Pallet, Places, Seeds};
use decentralml_traits::{Draw, Roster};
use decentralml_types::{
    Role, TaskId,
    limits::{MAX_SEATS, MAX_WEIGHT},
};
use frame_benchmarking::v2::*;
use frame_system::RawOrigin;
use sp_runtime::traits::One;

/// What the benchmarks need of the other pallets.
pub trait BenchmarkHelper<AccountId> {
    /// A sealed task that draws by bond with the largest cap. It has one trainer and lacks one of `MAX_SEATS` evaluators, of all
    /// weights, and starts its first round with that one.
    fn task() -> TaskId;
    /// An account other than the sponsor whose bond in `role` covers an enrollment with the largest weight. `index` tells them apart; those below
    /// `MAX_SEATS` may be enrolled already. It has an encryption key.
    fn member(role: Role, index: u32) -> AccountId;
    /// Ends the task for good.
    fn end(task: TaskId);
    /// Makes the parent block have a VRF output.
    fn set_randomness();
}

/// A task with two trainers more. A draw is open, so that the second remembers its slot when it moves into the first one's.
fn two_enrolled<T: Config>() -> Result<(TaskId, [T::AccountId; 2]), BenchmarkError> {
    let task = T::BenchmarkHelper::task();
    let members =
        [MAX_SEATS, MAX_SEATS + 1].map(|index| T::BenchmarkHelper::member(Role::Trainer, index));
    for who in &members {
        let origin = RawOrigin::Signed(who.clone());
        Pallet::<T>::enroll(origin.into(), task, Role::Trainer, MAX_WEIGHT)?;
    }
    Pallet::<T>::open_draw(task, u32::MAX, Draw::Trainers, 2);
    Ok((task, members))
}

fn slot<T: Config>(task: TaskId, who: &T::AccountId) -> Option<u32> {
    Places::<T>::get((task, Role::Trainer, who)).map(|Enrollment { slot, .. }| slot)
}

#[benchmarks]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn enroll() {
        let task = T::BenchmarkHelper::task();
        let who = T::BenchmarkHelper::member(Role::Evaluator, MAX_SEATS);

        #[extrinsic_call]
        _(RawOrigin::Signed(who.clone()), task, Role::Evaluator, MAX_WEIGHT);

        assert!(Places::<T>::contains_key((task, Role::Evaluator, &who)));
    }

    #[benchmark]
    fn leave() -> Result<(), BenchmarkError> {
        let (task, [leaver, moved]) = two_enrolled::<T>()?;
        let vacated = slot::<T>(task, &leaver);

        #[extrinsic_call]
        _(RawOrigin::Signed(leaver.clone()), task, Role::Trainer);

        assert_eq!(slot::<T>(task, &leaver), None);
        assert_eq!(slot::<T>(task, &moved), vacated);
        Ok(())
    }

    #[benchmark]
    fn dismiss() -> Result<(), BenchmarkError> {
        let (task, [dismissed, moved]) = two_enrolled::<T>()?;
        let vacated = slot::<T>(task, &dismissed);
        T::BenchmarkHelper::end(task);
        let caller: T::AccountId = whitelisted_caller();

        #[extrinsic_call]
        _(RawOrigin::Signed(caller), task, Role::Trainer, dismissed.clone());

        assert_eq!(slot::<T>(task, &dismissed), None);
        assert_eq!(slot::<T>(task, &moved), vacated);
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
