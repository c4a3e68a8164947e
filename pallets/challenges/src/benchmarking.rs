//! Benchmarks: an answer by the longest path, through two nodes with as many links as they may have, to leaves of all lengths.

use crate::{Blocks, Call, Config, Pallet, Path, Records, Stage};
use alloc::{vec, vec::Vec};
use decentralml_protocol::dag::{MAX_LEAF, MAX_LINKS, MAX_PATH, sample};
use decentralml_types::{Balance, Cid, Codec, RoundNumber, TaskId};
use frame_benchmarking::v2::*;
use frame_support::{
    BoundedVec,
    traits::{Get, fungible},
};
use frame_system::RawOrigin;

/// What the benchmarks need of the other pallets.
pub trait BenchmarkHelper<AccountId> {
    /// A round in phase Scoring in which a trainer has revealed these bytes.
    fn revealed(cid: Cid) -> (TaskId, RoundNumber, AccountId);
    /// Lets so many blocks pass.
    fn pass(blocks: decentralml_types::BlockNumber);
}

const LAST: u16 = MAX_LINKS - 1;

/// The blocks of the longest path, whose leaf has so many bytes, and the root.
fn blocks(leaf: usize) -> (Blocks, Cid) {
    let mut blocks = vec![vec![7; leaf]];
    let mut codec = Codec::Raw;
    let mut size = MAX_LEAF as u64;
    for _ in 0..MAX_PATH {
        let below = Cid { codec, digest: sp_io::hashing::sha2_256(&blocks[0]) };
        blocks.insert(0, sample::node(&[below; MAX_LINKS as usize], size));
        codec = Codec::DagPb;
        size *= u64::from(MAX_LINKS);
    }
    let root = Cid { codec, digest: sp_io::hashing::sha2_256(&blocks[0]) };
    let blocks: Vec<_> = blocks.into_iter().map(BoundedVec::truncate_from).collect();
    (Blocks::truncate_from(blocks), root)
}

fn challenger<T: Config>() -> T::AccountId
where
    T::Currency: fungible::Mutate<T::AccountId>,
{
    use fungible::Mutate;
    let who: T::AccountId = whitelisted_caller();
    T::Currency::set_balance(&who, Balance::MAX / 4);
    who
}

type Update<T> = (TaskId, RoundNumber, <T as frame_system::Config>::AccountId);

/// An update with this root, challenged by the longest path.
fn challenged<T: Config>(root: Cid) -> Result<Update<T>, BenchmarkError>
where
    T::Currency: fungible::Mutate<T::AccountId>,
{
    let (task, round, trainer) = T::BenchmarkHelper::revealed(root);
    let origin = RawOrigin::Signed(challenger::<T>()).into();
    Pallet::<T>::challenge(origin, task, round, trainer.clone(), path())?;
    Ok((task, round, trainer))
}

fn path() -> Path {
    Path::truncate_from(vec![LAST; MAX_PATH])
}

#[benchmarks(where T::Currency: fungible::Mutate<T::AccountId>)]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn challenge() {
        let who = challenger::<T>();
        let root = Cid { codec: Codec::DagPb, digest: [1; 32] };
        let (task, round, trainer) = T::BenchmarkHelper::revealed(root);
        #[extrinsic_call]
        _(RawOrigin::Signed(who), task, round, trainer.clone(), path());
        assert!(Records::<T>::contains_key((task, round, trainer)));
    }

    /// `b` counts the leaf's bytes; those of the nodes are in the base, so an answer is weighed with a little more than it has.
    #[benchmark]
    fn answer(b: Linear<0, { MAX_LEAF as u32 }>) -> Result<(), BenchmarkError> {
        let (blocks, root) = blocks(b as usize);
        let (task, round, trainer) = challenged::<T>(root)?;
        #[extrinsic_call]
        _(RawOrigin::Signed(challenger::<T>()), task, round, trainer.clone(), blocks);
        let record = Records::<T>::get((task, round, trainer)).ok_or("the record is gone")?;
        assert_eq!(record.stage, Stage::Answered);
        Ok(())
    }

    #[benchmark]
    fn conclude() -> Result<(), BenchmarkError> {
        let root = Cid { codec: Codec::DagPb, digest: [1; 32] };
        let (task, round, trainer) = challenged::<T>(root)?;
        T::BenchmarkHelper::pass(T::AnswerPeriod::get().saturating_add(1));
        #[extrinsic_call]
        _(RawOrigin::Signed(challenger::<T>()), task, round, trainer.clone());
        let record = Records::<T>::get((task, round, trainer)).ok_or("the record is gone")?;
        assert_eq!(record.stage, Stage::Unanswered);
        Ok(())
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::externalities(), crate::mock::Test);
}
