//! Measures the calls where they do most, in sealed tasks, and those of trainers that are not the last to act.

use crate::{Call, Commitments, Config, Handover, Pallet};
use alloc::vec::Vec;
use decentralml_traits::Clock;
use decentralml_types::{
    Cid, Codec, Hash, Phase, RoundNumber, Salt, TaskId, commitment::UpdateCommitment,
};
use frame_benchmarking::v2::*;
use frame_support::dispatch::RawOrigin;
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::traits::Zero;

extern crate alloc;

const CID: Cid = Cid { codec: Codec::Raw, digest: [1; 32] };
const PLAIN_HASH: Option<Hash> = Some([3; 32]);
const SALT: Salt = [2; 32];
const SAMPLES: u32 = 100;

/// What the benchmarks need of the other pallets.
pub trait BenchmarkHelper<AccountId> {
    /// A sealed task whose current round is in phase Training with its seed known, and the trainers drawn for it, so many: once
    /// all have acted the phase is complete.
    fn training(trainers: u32) -> (TaskId, RoundNumber, Vec<AccountId>);
    /// Puts the task's current round into `phase`, where it is not there already.
    fn enter(task: TaskId, round: RoundNumber, phase: Phase);
    /// Lets the seeds of the draws that were opened last become known.
    fn draw();
}

/// A round of two trainers in phase Training, and the first of them. The second has committed where `last` is set.
fn training<T: Config>(last: bool) -> Result<(TaskId, RoundNumber, T::AccountId), BenchmarkError> {
    let (task, round, first, second) = two::<T>()?;
    if last {
        commit_by::<T>(task, round, &second)?;
    }
    Ok((task, round, first))
}

/// A round of two trainers in phase Revealing, and the first of them. The second has revealed where `last` is set.
fn revealing<T: Config>(last: bool) -> Result<(TaskId, RoundNumber, T::AccountId), BenchmarkError> {
    let (task, round, first, second) = two::<T>()?;
    for who in [&first, &second] {
        commit_by::<T>(task, round, who)?;
    }
    T::BenchmarkHelper::enter(task, round, Phase::Revealing);
    if last {
        reveal_by::<T>(task, round, second)?;
    }
    Ok((task, round, first))
}

/// A round in phase Scoring whose committee is drawn, and one of its two trainers.
fn scoring<T: Config>() -> Result<(TaskId, RoundNumber, T::AccountId), BenchmarkError> {
    let (task, round, first) = revealing::<T>(true)?;
    reveal_by::<T>(task, round, first.clone())?;
    T::BenchmarkHelper::enter(task, round, Phase::Scoring);
    T::BenchmarkHelper::draw();
    Ok((task, round, first))
}

fn reveal_by<T: Config>(
    task: TaskId,
    round: RoundNumber,
    who: T::AccountId,
) -> Result<(), BenchmarkError> {
    let by = RawOrigin::Signed(who);
    Pallet::<T>::reveal(by.into(), task, round, CID, PLAIN_HASH, SAMPLES, SALT)
        .map_err(|error| error.error)?;
    Ok(())
}

type Two<T> = (
    TaskId,
    RoundNumber,
    <T as frame_system::Config>::AccountId,
    <T as frame_system::Config>::AccountId,
);

/// Alone, a trainer would be drawn without a single hash.
fn two<T: Config>() -> Result<Two<T>, BenchmarkError> {
    let (task, round, trainers) = T::BenchmarkHelper::training(2);
    match trainers.as_slice() {
        [first, second] => Ok((task, round, first.clone(), second.clone())),
        _ => Err("two are drawn".into()),
    }
}

fn commit_by<T: Config>(
    task: TaskId,
    round: RoundNumber,
    who: &T::AccountId,
) -> Result<(), BenchmarkError> {
    let hash = hash_of::<T>(task, round, who)?;
    Pallet::<T>::commit(RawOrigin::Signed(who.clone()).into(), task, round, hash)
        .map_err(|error| error.error)?;
    Ok(())
}

fn hash_of<T: Config>(
    task: TaskId,
    round: RoundNumber,
    who: &T::AccountId,
) -> Result<Hash, BenchmarkError> {
    let view = T::Clock::round(task, round).ok_or("the task has no round")?;
    let genesis = frame_system::Pallet::<T>::block_hash(BlockNumberFor::<T>::zero()).into();
    let to = UpdateCommitment {
        genesis,
        task,
        round,
        account: who,
        base: view.base,
        cid: CID,
        plain_hash: PLAIN_HASH,
        samples: SAMPLES,
        salt: SALT,
    };
    Ok(to.hash())
}

fn is_revealed<T: Config>(task: TaskId, round: RoundNumber, who: &T::AccountId) -> bool {
    Commitments::<T>::get((task, round, who)).is_some_and(|row| row.revealed.is_some())
}

#[benchmarks]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn commit() -> Result<(), BenchmarkError> {
        let (task, round, who) = training::<T>(false)?;

        #[extrinsic_call]
        _(RawOrigin::Signed(who.clone()), task, round, [1; 32]);

        assert!(Commitments::<T>::contains_key((task, round, &who)));
        Ok(())
    }

    #[benchmark]
    fn commit_last() -> Result<(), BenchmarkError> {
        let (task, round, who) = training::<T>(true)?;

        #[extrinsic_call]
        commit(RawOrigin::Signed(who.clone()), task, round, [1; 32]);

        assert!(Commitments::<T>::contains_key((task, round, &who)));
        Ok(())
    }

    #[benchmark]
    fn reveal() -> Result<(), BenchmarkError> {
        let (task, round, who) = revealing::<T>(false)?;

        #[extrinsic_call]
        _(RawOrigin::Signed(who.clone()), task, round, CID, PLAIN_HASH, SAMPLES, SALT);

        assert!(is_revealed::<T>(task, round, &who));
        Ok(())
    }

    #[benchmark]
    fn reveal_last() -> Result<(), BenchmarkError> {
        let (task, round, who) = revealing::<T>(true)?;

        #[extrinsic_call]
        reveal(RawOrigin::Signed(who.clone()), task, round, CID, PLAIN_HASH, SAMPLES, SALT);

        assert!(is_revealed::<T>(task, round, &who));
        Ok(())
    }

    #[benchmark]
    fn hand_over() -> Result<(), BenchmarkError> {
        let (task, round, who) = scoring::<T>()?;

        #[extrinsic_call]
        _(RawOrigin::Signed(who.clone()), task, round, 0, CID);

        let row = Commitments::<T>::get((task, round, &who));
        let update = row.and_then(|row| row.revealed).map(|(_, update)| update);
        let expected = Some(Handover { committee: 0, keys: CID });
        assert_eq!(update.and_then(|update| update.handover), expected);
        Ok(())
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
