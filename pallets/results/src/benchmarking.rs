//! Measures the calls where they do most.

use crate::{Call, Commitments, Config, Pallet};
use decentralml_traits::Clock;
use decentralml_types::{Cid, Codec, Phase, RoundNumber, TaskId, commitment::UpdateCommitment};
use frame_benchmarking::v2::*;
use frame_support::dispatch::RawOrigin;
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::traits::Zero;

/// What the benchmarks need of the other pallets.
pub trait BenchmarkHelper<AccountId> {
    /// A task whose current round is in phase Training with its seed known, and the only drawn trainer: once it has acted
    /// the phase is complete.
    fn training() -> (TaskId, RoundNumber, AccountId);
    /// Puts the task's current round into `phase`, where it is not there already.
    fn enter(task: TaskId, round: RoundNumber, phase: Phase);
}

#[benchmarks]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn commit() {
        let (task, round, who) = T::BenchmarkHelper::training();

        #[extrinsic_call]
        _(RawOrigin::Signed(who.clone()), task, round, [1; 32]);

        assert!(Commitments::<T>::contains_key((task, round, &who)));
    }

    #[benchmark]
    fn reveal() -> Result<(), BenchmarkError> {
        let (task, round, who) = T::BenchmarkHelper::training();
        let view = T::Clock::round(task, round).ok_or("the task has no round")?;
        let genesis = frame_system::Pallet::<T>::block_hash(BlockNumberFor::<T>::zero());
        let committed_to = UpdateCommitment {
            genesis: genesis.into(),
            task,
            round,
            account: &who,
            base: view.base,
            cid: Cid { codec: Codec::Raw, digest: [1; 32] },
            samples: 100,
            salt: [2; 32],
        };
        let (cid, samples, salt) = (committed_to.cid, committed_to.samples, committed_to.salt);
        let hash = committed_to.hash();
        Pallet::<T>::commit(RawOrigin::Signed(who.clone()).into(), task, round, hash)
            .map_err(|error| error.error)?;
        T::BenchmarkHelper::enter(task, round, Phase::Revealing);

        #[extrinsic_call]
        _(RawOrigin::Signed(who.clone()), task, round, cid, samples, salt);

        let row = Commitments::<T>::get((task, round, &who));
        assert!(row.is_some_and(|row| row.revealed.is_some()));
        Ok(())
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
