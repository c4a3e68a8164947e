//! Benchmarks: the first announcement of a round, the last reveal about which all seats of the largest committee were asked, and as
//! many concluded as a round can have.

use crate::{Call, Config, Golds, Pallet};
use decentralml_types::{
    Balance, Hash, Label, RoundNumber, Salt, TaskId, commitment::GoldResult, limits::MAX_GOLDS,
};
use frame_benchmarking::v2::*;
use frame_support::traits::{Get, fungible};
use frame_system::{RawOrigin, pallet_prelude::BlockNumberFor};
use sp_runtime::traits::Zero;

/// What the benchmarks need of the other pallets.
pub trait BenchmarkHelper<AccountId> {
    /// A round in phase Training of a task that allows for as many gold results as any, with its sponsor and a drawn trainer.
    fn training() -> Round<AccountId>;
    /// Settles the round: the trainer has committed with this salt and revealed, and the largest committee has found its update bad, but
    /// for as many seats as can be wrong.
    fn settle(round: &Round<AccountId>, salt: Salt);
    /// Lets so many blocks pass.
    fn pass(blocks: decentralml_types::BlockNumber);
}

/// A round with somebody who announces, and somebody whose update it is.
pub struct Round<AccountId> {
    /// The task.
    pub task: TaskId,
    /// The round.
    pub round: RoundNumber,
    /// The task's sponsor.
    pub sponsor: AccountId,
    /// A drawn trainer.
    pub trainer: AccountId,
}

const SECRET: Salt = [3; 32];

fn result<T: Config>(round: &Round<T::AccountId>, label: Label) -> GoldResult<'_, T::AccountId> {
    let genesis = frame_system::Pallet::<T>::block_hash(BlockNumberFor::<T>::zero()).into();
    let Round { task, round, trainer, .. } = round;
    GoldResult { genesis, task: *task, round: *round, trainer, label, secret: SECRET }
}

fn announce<T: Config>(round: &Round<T::AccountId>, seal: Hash) -> Result<(), BenchmarkError> {
    let origin = RawOrigin::Signed(round.sponsor.clone()).into();
    Ok(Pallet::<T>::announce(origin, round.task, round.round, seal)?)
}

#[benchmarks(where T::Currency: fungible::Mutate<T::AccountId>)]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn announce() {
        let at = T::BenchmarkHelper::training();
        #[extrinsic_call]
        _(RawOrigin::Signed(at.sponsor), at.task, at.round, [1; 32]);
        assert!(Golds::<T>::contains_key(at.task, at.round));
    }

    #[benchmark]
    fn reveal() -> Result<(), BenchmarkError> {
        let at = T::BenchmarkHelper::training();
        let result = result::<T>(&at, Label::Bad);
        super::announce::<T>(&at, result.seal())?;
        T::BenchmarkHelper::settle(&at, result.mark());
        let trainer = at.trainer.clone();
        #[extrinsic_call]
        _(RawOrigin::Signed(at.sponsor.clone()), at.task, at.round, trainer, Label::Bad, SECRET);
        assert!(!Golds::<T>::contains_key(at.task, at.round));
        Ok(())
    }

    #[benchmark]
    fn conclude() -> Result<(), BenchmarkError> {
        let at = T::BenchmarkHelper::training();
        for seal in 0..MAX_GOLDS {
            super::announce::<T>(&at, [seal; 32])?;
        }
        T::BenchmarkHelper::settle(&at, SECRET);
        T::BenchmarkHelper::pass(decentralml_protocol::gold::WINDOW.saturating_add(1));
        let treasury = T::Treasury::get();
        let before = <T::Currency as fungible::Inspect<_>>::total_balance(&treasury);
        #[extrinsic_call]
        _(RawOrigin::Signed(at.trainer.clone()), at.task, at.round);
        let after: Balance = <T::Currency as fungible::Inspect<_>>::total_balance(&treasury);
        assert!(after > before && !Golds::<T>::contains_key(at.task, at.round));
        Ok(())
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::externalities(), crate::mock::Test);
}
