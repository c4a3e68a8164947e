//! Measures the calls where they do most.

use crate::{Call, Committees, Config, Histories, Pallet, Running, Seats, Standing, TALLY_BATCH};
use decentralml_traits::Judgment;
use decentralml_types::{
    Cid, Codec, Hash, Opinion, Opinions, Phase, RoundNumber, Salt, TaskId,
    commitment::ScoresCommitment,
    limits::{MAX_SEATS, MAX_TRAINERS},
};
use frame_benchmarking::v2::*;
use frame_support::{BoundedVec, dispatch::RawOrigin};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::traits::Zero;

extern crate alloc;
use alloc::vec::Vec;

const SALT: Salt = [5; 32];

/// A round in phase Scoring.
pub struct Scene<AccountId> {
    /// The task.
    pub task: TaskId,
    /// Its current round.
    pub round: RoundNumber,
    /// Trainers, all of which have revealed, in the order of their reveals.
    pub trainers: Vec<AccountId>,
    /// Drawn seats of the first committee, bonded, which is open for all updates.
    pub seats: Vec<AccountId>,
}

/// What the benchmarks need of the other pallets.
pub trait BenchmarkHelper<AccountId> {
    /// A round of this many trainers and seats, in phase Scoring with its committee's seed known, [`Judgment::open`] called and
    /// nothing scored. The task's quorum is at most `seats`.
    fn scoring(trainers: u32, seats: u32) -> Scene<AccountId>;
    /// A round past Revealing, and a trainer that committed and did not reveal.
    fn unrevealed() -> (TaskId, RoundNumber, AccountId);
    /// Puts the task's current round into `phase`, where it is not there already, and touches nothing else.
    fn enter(task: TaskId, round: RoundNumber, phase: Phase);
    /// Makes the task gone.
    fn remove(task: TaskId);
}

fn opinions_on(updates: u32) -> Opinions {
    let opinions: Vec<_> = (0..updates).map(|index| Opinion::Score(i64::from(index) + 1)).collect();
    BoundedVec::truncate_from(opinions)
}

fn hash_of<T: Config>(scene: &Scene<T::AccountId>, seat: &T::AccountId, on: &Opinions) -> Hash {
    let genesis = frame_system::Pallet::<T>::block_hash(BlockNumberFor::<T>::zero()).into();
    ScoresCommitment {
        genesis,
        task: scene.task,
        round: scene.round,
        committee: 0,
        account: seat,
        opinions: on,
        salt: SALT,
    }
    .hash()
}

/// Lets `seats` commit to their scores.
fn commit<T: Config>(
    scene: &Scene<T::AccountId>,
    seats: &[T::AccountId],
) -> Result<Opinions, BenchmarkError> {
    let on = opinions_on(scene.trainers.len() as u32);
    for seat in seats {
        let hash = hash_of::<T>(scene, seat, &on);
        Pallet::<T>::do_commit_scores(seat, scene.task, scene.round, hash)?;
    }
    Ok(on)
}

/// Lets all seats commit to their scores and open them.
fn score<T: Config>(scene: &Scene<T::AccountId>) -> Result<(), BenchmarkError> {
    let on = commit::<T>(scene, &scene.seats)?;
    T::BenchmarkHelper::enter(scene.task, scene.round, Phase::Verdict);
    for seat in &scene.seats {
        Pallet::<T>::do_open_scores(seat, scene.task, scene.round, &on, SALT)?;
    }
    T::BenchmarkHelper::enter(scene.task, scene.round, Phase::Tallying);
    Ok(())
}

fn first_and_others<AccountId: Clone>(
    seats: &[AccountId],
) -> Result<(AccountId, &[AccountId]), BenchmarkError> {
    let (first, others) = seats.split_first().ok_or("the committee has no seats")?;
    Ok((first.clone(), others))
}

#[benchmarks]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn commit_scores() -> Result<(), BenchmarkError> {
        let scene = T::BenchmarkHelper::scoring(1, MAX_SEATS);
        let (last, others) = first_and_others(&scene.seats)?;
        commit::<T>(&scene, others)?;

        #[extrinsic_call]
        _(RawOrigin::Signed(last.clone()), scene.task, scene.round, [1; 32]);

        assert!(Seats::<T>::contains_key((scene.task, scene.round, 0, &last)));
        Ok(())
    }

    #[benchmark]
    fn open_scores(u: Linear<1, MAX_TRAINERS>) -> Result<(), BenchmarkError> {
        let scene = T::BenchmarkHelper::scoring(u, MAX_SEATS);
        let (last, others) = first_and_others(&scene.seats)?;
        let on = commit::<T>(&scene, &scene.seats)?;
        T::BenchmarkHelper::enter(scene.task, scene.round, Phase::Verdict);
        for seat in others {
            Pallet::<T>::do_open_scores(seat, scene.task, scene.round, &on, SALT)?;
        }

        #[extrinsic_call]
        _(RawOrigin::Signed(last.clone()), scene.task, scene.round, on, SALT);

        let seat = Seats::<T>::get((scene.task, scene.round, 0, &last));
        assert!(seat.is_some_and(|seat| seat.opened));
        Ok(())
    }

    #[benchmark]
    fn attest() -> Result<(), BenchmarkError> {
        let scene = T::BenchmarkHelper::scoring(1, MAX_SEATS);
        score::<T>(&scene)?;
        Pallet::<T>::tally(scene.task, scene.round, 0);
        T::BenchmarkHelper::enter(scene.task, scene.round, Phase::Aggregating);
        let who = scene.seats.first().ok_or("the committee has no seats")?.clone();
        let cid = Cid { codec: Codec::Raw, digest: [1; 32] };

        #[extrinsic_call]
        _(RawOrigin::Signed(who.clone()), scene.task, scene.round, cid, 900_000);

        let seat = Seats::<T>::get((scene.task, scene.round, 0, &who));
        assert_eq!(seat.and_then(|seat| seat.attested), Some(cid));
        Ok(())
    }

    #[benchmark]
    fn claim() {
        let (task, round, who) = T::BenchmarkHelper::unrevealed();

        #[extrinsic_call]
        _(RawOrigin::Signed(who.clone()), task, round, who.clone());

        assert!(Pallet::<T>::trainer_due(task, round, &who).is_err());
    }

    #[benchmark]
    fn claim_seat() -> Result<(), BenchmarkError> {
        let scene = T::BenchmarkHelper::scoring(MAX_TRAINERS, 1);
        score::<T>(&scene)?;
        T::BenchmarkHelper::enter(scene.task, scene.round, Phase::Settled);
        let who = scene.seats.first().ok_or("the committee has no seats")?.clone();

        #[extrinsic_call]
        _(RawOrigin::Signed(who.clone()), scene.task, scene.round, 0, who.clone());

        assert!(!Committees::<T>::contains_key((scene.task, scene.round, 0)));
        Ok(())
    }

    #[benchmark]
    fn forget() -> Result<(), BenchmarkError> {
        let scene = T::BenchmarkHelper::scoring(1, 1);
        let who = scene.trainers.first().ok_or("the round has no trainers")?.clone();
        let standing = Standing { score: 1, round: scene.round, previous: 0 };
        Running::<T>::insert(scene.task, &who, standing);
        T::BenchmarkHelper::remove(scene.task);

        #[extrinsic_call]
        _(RawOrigin::Signed(who.clone()), scene.task, who.clone());

        assert!(!Running::<T>::contains_key(scene.task, &who));
        assert!(!Histories::<T>::contains_key(scene.task));
        Ok(())
    }

    #[benchmark]
    fn tally() -> Result<(), BenchmarkError> {
        let scene = T::BenchmarkHelper::scoring(TALLY_BATCH, MAX_SEATS);
        score::<T>(&scene)?;
        let accepted;

        #[block]
        {
            accepted = <Pallet<T> as Judgment>::tally(scene.task, scene.round, 0);
        }

        assert_eq!(accepted, Some(TALLY_BATCH));
        Ok(())
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
