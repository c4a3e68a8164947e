//! Measures the calls where they do most.

use crate::{
    Attestation, Call, Committees, Config, Histories, Pallet, Running, Seats, Shares, Standing,
    Verdict, Verdicts,
};
use decentralml_traits::{Clock, Judgment};
use decentralml_types::{
    Cid, Codec, Fault, Hash, NextModel, Opinion, Opinions, Outcome, Phase, RoundNumber, Salt,
    TaskId,
    commitment::ScoresCommitment,
    limits::{MAX_SEATS, MAX_TRAINERS, MIN_SEATS, TALLY_BATCH},
};
use frame_benchmarking::v2::*;
use frame_support::{BoundedVec, dispatch::RawOrigin};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::traits::Zero;

extern crate alloc;
use alloc::vec::Vec;

/// Rows into which a seat's scores of the largest round are divided.
const MAX_SHEETS: u32 = MAX_TRAINERS.div_ceil(TALLY_BATCH);
const SALT: Salt = [5; 32];
const ATTESTATION: Attestation = Attestation {
    next: NextModel {
        cid: Cid { codec: Codec::DagPb, digest: [1; 32] },
        state: Some(Cid { codec: Codec::DagPb, digest: [2; 32] }),
    },
    metric: 900_000,
};

/// A round in phase Scoring.
pub struct Scene<AccountId> {
    /// The task.
    pub task: TaskId,
    /// Its current round.
    pub round: RoundNumber,
    /// Trainers, all of which have revealed, in the order of their reveals.
    pub trainers: Vec<AccountId>,
    /// Drawn seats of the first committee, bonded: all that it has.
    pub seats: Vec<AccountId>,
}

/// What the benchmarks need of the other pallets.
pub trait BenchmarkHelper<AccountId> {
    /// A round of this many trainers and at least `MIN_SEATS` seats, in phase Scoring with its committee's seed known,
    /// [`Judgment::open`] called for all updates and nothing scored. The task can pay for, and has enrolled enough for, the
    /// round after it.
    fn scoring(trainers: u32, seats: u32) -> Scene<AccountId>;
    /// A void round of a task that is over, whose only row is that of a trainer which committed and did not reveal, though
    /// phase Revealing ran to its end.
    fn unrevealed() -> (TaskId, RoundNumber, AccountId);
    /// Puts the task's current round into `phase`, where it is not there already, with its deadline ahead, and touches nothing
    /// else.
    fn enter(task: TaskId, round: RoundNumber, phase: Phase);
    /// Gives the task a final status, and touches nothing else.
    fn end(task: TaskId);
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
        Pallet::<T>::do_commit_scores(seat, scene.task, scene.round, 0, hash)?;
    }
    Ok(on)
}

/// Lets all seats commit to their scores and open them, and counts these.
fn tally<T: Config>(scene: &Scene<T::AccountId>) -> Result<(), BenchmarkError> {
    let on = commit::<T>(scene, &scene.seats)?;
    T::BenchmarkHelper::enter(scene.task, scene.round, Phase::Verdict);
    for seat in &scene.seats {
        Pallet::<T>::do_open_scores(seat, scene.task, scene.round, &on, SALT)?;
    }
    T::BenchmarkHelper::enter(scene.task, scene.round, Phase::Tallying);
    for _ in 0..2 * MAX_TRAINERS.div_ceil(TALLY_BATCH) {
        <Pallet<T> as Judgment>::tally(scene.task, scene.round, 0);
    }
    T::BenchmarkHelper::enter(scene.task, scene.round, Phase::Aggregating);
    Ok(())
}

/// Lets `seats` attest the same model.
fn attest_by<T: Config>(
    scene: &Scene<T::AccountId>,
    seats: &[T::AccountId],
) -> Result<(), BenchmarkError> {
    for seat in seats {
        Pallet::<T>::do_attest(seat, scene.task, scene.round, ATTESTATION)?;
    }
    Ok(())
}

/// Settles a round that all seats have attested, and ends the task.
fn finish<T: Config>(scene: &Scene<T::AccountId>) -> Result<(), BenchmarkError> {
    attest_by::<T>(scene, &scene.seats)?;
    T::Clock::acted(scene.task);
    T::BenchmarkHelper::enter(scene.task, scene.round, Phase::Settled);
    T::BenchmarkHelper::end(scene.task);
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
        _(RawOrigin::Signed(last.clone()), scene.task, scene.round, 0, [1; 32]);

        assert!(Seats::<T>::contains_key((scene.task, scene.round, 0, &last)));
        Ok(())
    }

    #[benchmark]
    fn open_scores(s: Linear<1, MAX_SHEETS>) -> Result<(), BenchmarkError> {
        let scene = T::BenchmarkHelper::scoring(s * TALLY_BATCH, MAX_SEATS);
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
        tally::<T>(&scene)?;
        let (last, others) = first_and_others(&scene.seats)?;
        attest_by::<T>(&scene, others)?;
        let Attestation { next: NextModel { cid, state }, metric } = ATTESTATION;

        #[extrinsic_call]
        _(RawOrigin::Signed(last.clone()), scene.task, scene.round, cid, metric, state);

        let seat = Seats::<T>::get((scene.task, scene.round, 0, &last));
        assert_eq!(seat.and_then(|seat| seat.attested), Some(ATTESTATION.next));
        Ok(())
    }

    #[benchmark]
    fn claim_unrevealed() {
        let (task, round, who) = T::BenchmarkHelper::unrevealed();

        #[extrinsic_call]
        claim(RawOrigin::Signed(who.clone()), task, round, who.clone());

        assert!(Pallet::<T>::trainer_due(task, round, &who).is_err());
    }

    #[benchmark]
    fn claim_faulty() -> Result<(), BenchmarkError> {
        let scene = T::BenchmarkHelper::scoring(1, MIN_SEATS);
        tally::<T>(&scene)?;
        let who = scene.trainers.first().ok_or("the round has no trainers")?.clone();
        let faulty = Verdict::new(0, Some(Outcome::Faulty(Fault::Malformed)));
        Verdicts::<T>::insert((scene.task, scene.round, &who), faulty);
        finish::<T>(&scene)?;
        for seat in &scene.seats {
            Pallet::<T>::do_claim_seat(seat, scene.task, scene.round, 0)?;
        }

        #[extrinsic_call]
        claim(RawOrigin::Signed(who.clone()), scene.task, scene.round, who.clone());

        assert!(!Verdicts::<T>::contains_key((scene.task, scene.round, &who)));
        assert!(!Shares::<T>::contains_key(scene.task, scene.round));
        Ok(())
    }

    #[benchmark]
    fn claim_seat() -> Result<(), BenchmarkError> {
        let scene = T::BenchmarkHelper::scoring(MAX_TRAINERS, MAX_SEATS);
        tally::<T>(&scene)?;
        finish::<T>(&scene)?;
        for trainer in &scene.trainers {
            Pallet::<T>::do_claim(trainer, scene.task, scene.round)?;
        }
        let (last, others) = first_and_others(&scene.seats)?;
        for seat in others {
            Pallet::<T>::do_claim_seat(seat, scene.task, scene.round, 0)?;
        }

        #[extrinsic_call]
        _(RawOrigin::Signed(last.clone()), scene.task, scene.round, 0, last.clone());

        assert!(!Committees::<T>::contains_key((scene.task, scene.round, 0)));
        Ok(())
    }

    #[benchmark]
    fn forget() -> Result<(), BenchmarkError> {
        let scene = T::BenchmarkHelper::scoring(1, MIN_SEATS);
        let who = scene.trainers.first().ok_or("the round has no trainers")?.clone();
        let standing = Standing { score: 1, round: scene.round, previous: 0 };
        Running::<T>::insert(scene.task, &who, standing);
        Histories::<T>::mutate(scene.task, |row| row.get_or_insert_default().standings = 1);
        T::BenchmarkHelper::end(scene.task);

        #[extrinsic_call]
        _(RawOrigin::Signed(who.clone()), scene.task, who.clone());

        assert!(!Running::<T>::contains_key(scene.task, &who));
        assert!(!Histories::<T>::contains_key(scene.task));
        assert!(!Committees::<T>::contains_key((scene.task, scene.round, 0)));
        Ok(())
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
