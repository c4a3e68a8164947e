//! Benchmarks: every call with texts, committees and rounds as large as they may be.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use crate::{Call, Config, Debt, Owed, Pallet, Round, Rounds, Tasks};
use alloc::boxed::Box;
use decentralml_traits::{Bonds, Clock, Judgment};
use decentralml_types::{
    Asset, Balance, CommitteeNumber, Failure, Phase, Role, RoundNumber, TaskId, TaskSpec,
    TaskStatus,
    limits::{
        MAX_CUSTODY_HOSTS, MAX_ROUNDS, MAX_SEATS, MAX_TEXT, MAX_TRAINERS, MAX_WEIGHT, TALLY_BATCH,
    },
    spec::{Chances, Committee, Custody, Text, TrainerCount},
};
use frame_benchmarking::v2::*;
use frame_support::traits::{
    Get,
    fungible::{Inspect, Mutate},
};
use frame_system::RawOrigin;
use sp_runtime::traits::BlockNumberProvider;

/// Fills the other pallets for a benchmark.
pub trait BenchmarkHelper<AccountId> {
    /// A new asset that is not native, of which `owner` has far more than any task costs.
    fn asset(owner: &AccountId) -> Asset;
    /// Enrolls so many accounts of each role in a task.
    fn enroll(task: TaskId, trainers: u32, evaluators: u32);
    /// Writes `updates` revealed updates, and opened scores for all of them by each of `seats` of an open committee: scores for
    /// which the count accepts all of the updates where `accepted` is set, and none of them otherwise.
    fn judge(
        task: TaskId,
        round: RoundNumber,
        committee: CommitteeNumber,
        updates: u32,
        seats: u32,
        accepted: bool,
    );
    /// Lets these seats attest the same CID.
    fn attest(task: TaskId, round: RoundNumber, committee: CommitteeNumber, seats: u32);
}

fn spec<T: Config>() -> TaskSpec {
    let text = || Text::truncate_from([b'x'; MAX_TEXT as usize].to_vec());
    let mut spec = decentralml_protocol::spec::example();
    let unit = T::Currency::minimum_balance().max(1);
    spec.name = text();
    spec.license = text();
    spec.rounds = MAX_ROUNDS;
    spec.target = None;
    spec.custody = Custody { hosts: MAX_CUSTODY_HOSTS, sealed: true };
    spec.trainers = TrainerCount { min: 1, max: MAX_TRAINERS as u16 };
    spec.committee = Committee { seats: MAX_SEATS as u8, quorum: 21 };
    spec.terms.draw = Chances::ByBond { cap: MAX_WEIGHT };
    spec.terms.reward_per_round = unit;
    spec.terms.fee_per_seat = unit;
    spec.terms.trainer_bond = T::Bonds::minimum(Role::Trainer).max(1);
    spec.terms.evaluator_bond = T::Bonds::minimum(Role::Evaluator).max(1);
    spec
}

/// A sponsor with more than it takes, in a chain whose treasury can receive anything, and a task that pays in an asset of its own:
/// that takes more rows than the native token.
fn sponsor<T: Config>() -> (T::AccountId, TaskSpec) {
    let who: T::AccountId = whitelisted_caller();
    let mut spec = spec::<T>();
    let funds = spec.total_charges(T::CallPrice::get()).expect("fits");
    let needed = funds.saturating_add(Pallet::<T>::deposit_for(&spec));
    T::Currency::set_balance(&who, needed.saturating_mul(3));
    T::Currency::set_balance(&T::Treasury::get(), T::Currency::minimum_balance());
    spec.terms.asset = T::BenchmarkHelper::asset(&who);
    (who, spec)
}

fn task<T: Config>() -> (T::AccountId, TaskId) {
    let (who, spec) = sponsor::<T>();
    let task = crate::NextTask::<T>::get();
    Pallet::<T>::create(RawOrigin::Signed(who.clone()).into(), Box::new(spec)).expect("funded");
    (who, task)
}

/// An account without any of the task's asset, to which the task owes some of what was free.
fn creditor<T: Config>(task: TaskId, amount: Balance) -> T::AccountId {
    let who: T::AccountId = account("creditor", 0, 0);
    T::Currency::set_balance(&who, T::Currency::minimum_balance().saturating_mul(3));
    Owed::<T>::insert(task, &who, Debt { amount, since: 0 });
    Tasks::<T>::mutate(task, |row| {
        let money = &mut row.as_mut().expect("created").money;
        money.free = money.free.saturating_sub(amount);
        money.owed = amount;
    });
    who
}

fn enroll<T: Config>(task: TaskId) {
    T::BenchmarkHelper::enroll(task, MAX_TRAINERS, MAX_SEATS);
}

/// A task in its first round.
fn running<T: Config>() -> (T::AccountId, TaskId) {
    let (who, task) = task::<T>();
    enroll::<T>(task);
    Pallet::<T>::acted(task);
    assert_eq!(Tasks::<T>::get(task).map(|row| row.status), Some(TaskStatus::Running));
    (who, task)
}

/// A task in its first round, with a full committee that has opened scores of so many updates.
fn judged<T: Config>(phase: Phase, updates: u32, accepted: bool) -> (T::AccountId, TaskId) {
    let (who, task) = running::<T>();
    T::Judgment::open(task, 1, 0, MAX_SEATS, updates);
    T::BenchmarkHelper::judge(task, 1, 0, updates, MAX_SEATS, accepted);
    Rounds::<T>::mutate(task, 1, |round| {
        let round = round.as_mut().expect("live");
        round.phase = phase;
        round.seats = MAX_SEATS;
        round.updates = updates;
    });
    (who, task)
}

fn phase_of<T: Config>(task: TaskId) -> Option<(RoundNumber, Phase)> {
    Pallet::<T>::current(task)
}

#[benchmarks]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn create() {
        let (who, spec) = sponsor::<T>();
        let spec = Box::new(spec);
        let task = crate::NextTask::<T>::get();
        #[extrinsic_call]
        _(RawOrigin::Signed(who), spec);
        assert!(Tasks::<T>::contains_key(task));
    }

    #[benchmark]
    fn fund() {
        let (who, task) = task::<T>();
        let before = Tasks::<T>::get(task).map(|row| row.money.free);
        #[extrinsic_call]
        _(RawOrigin::Signed(who), task, 1, 1);
        assert_eq!(Tasks::<T>::get(task).map(|row| row.money.free - 1), before);
    }

    #[benchmark]
    fn pause() {
        let (who, task) = running::<T>();
        #[extrinsic_call]
        _(RawOrigin::Signed(who), task);
        assert_eq!(Tasks::<T>::get(task).map(|row| row.status), Some(TaskStatus::Paused));
    }

    #[benchmark]
    fn resume() {
        let (who, task) = task::<T>();
        Pallet::<T>::pause(RawOrigin::Signed(who.clone()).into(), task).expect("enrolling");
        enroll::<T>(task);
        #[extrinsic_call]
        _(RawOrigin::Signed(who), task);
        assert_eq!(phase_of::<T>(task), Some((1, Phase::Training)));
    }

    #[benchmark]
    fn cancel() {
        let (who, task) = running::<T>();
        #[extrinsic_call]
        _(RawOrigin::Signed(who), task);
        assert_eq!(phase_of::<T>(task), Some((1, Phase::Void)));
    }

    #[benchmark]
    fn advance_tally() {
        let (who, task) = judged::<T>(Phase::Tallying, TALLY_BATCH, false);
        #[extrinsic_call]
        advance(RawOrigin::Signed(who), task);
        let failure = Rounds::<T>::get(task, 1).and_then(|round| round.failure);
        assert_eq!(failure, Some(Failure::NothingAccepted));
        assert_eq!(phase_of::<T>(task), Some((2, Phase::Training)));
    }

    #[benchmark]
    fn advance_tally_between() {
        let (who, task) = judged::<T>(Phase::Tallying, 2 * TALLY_BATCH, true);
        let origin = RawOrigin::Signed(who.clone());
        Pallet::<T>::advance(origin.into(), task).expect("scores are to be counted");
        #[extrinsic_call]
        advance(RawOrigin::Signed(who), task);
        assert_eq!(phase_of::<T>(task), Some((1, Phase::Tallying)));
    }

    #[benchmark]
    fn advance_settle() {
        let (who, task) = judged::<T>(Phase::Aggregating, MAX_TRAINERS, true);
        T::BenchmarkHelper::attest(task, 1, 0, MAX_SEATS);
        #[extrinsic_call]
        advance(RawOrigin::Signed(who), task);
        assert_eq!(Tasks::<T>::get(task).map(|row| row.settled_rounds), Some(1));
        assert_eq!(phase_of::<T>(task), Some((2, Phase::Training)));
    }

    #[benchmark]
    fn reap(n: Linear<1, 256>) {
        let (who, task) = task::<T>();
        Pallet::<T>::cancel(RawOrigin::Signed(who.clone()).into(), task).expect("not over");
        // Scores that were counted leave something behind, which goes with the task.
        T::Judgment::open(task, 1, 0, 0, 0);
        for number in 1..=n {
            let round = Round {
                phase: Phase::Void,
                deadline: 0,
                started_at: 0,
                base: None,
                state: None,
                sealed: true,
                committee: 0,
                places: 0,
                seats: 0,
                updates: 0,
                accepted: 0,
                pot: 0,
                open_rows: 0,
                ended_at: Some(0),
                failure: Some(Failure::TooFewCommitments),
                model: None,
            };
            Rounds::<T>::insert(task, number, round);
        }
        let anybody: T::AccountId = account("anybody", 0, 0);
        #[extrinsic_call]
        _(RawOrigin::Signed(anybody), task, n);
        assert!(!Tasks::<T>::contains_key(task));
    }

    #[benchmark]
    fn collect() {
        let (who, task) = task::<T>();
        let creditor = creditor::<T>(task, spec::<T>().terms.reward_per_round);
        #[extrinsic_call]
        _(RawOrigin::Signed(who), task, creditor.clone());
        assert!(!Owed::<T>::contains_key(task, &creditor));
    }

    #[benchmark]
    fn write_off() {
        let (who, task) = task::<T>();
        let amount = spec::<T>().terms.reward_per_round;
        let creditor = creditor::<T>(task, amount);
        Pallet::<T>::cancel(RawOrigin::Signed(who.clone()).into(), task).expect("not over");
        Tasks::<T>::mutate(task, |row| {
            let row = row.as_mut().expect("cancelled");
            // So that nobody has to be waited for.
            row.spec.deadlines.claiming = 0;
            row.ended_at = Some(0);
        });
        T::BlockNumberProvider::set_block_number(1);
        #[extrinsic_call]
        _(RawOrigin::Signed(who), task, creditor.clone());
        assert!(!Owed::<T>::contains_key(task, &creditor));
        let money = Tasks::<T>::get(task).map(|row| row.money);
        assert_eq!(money, Some(Default::default()), "it went to the sponsor");
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::externalities(), crate::mock::Test);
}
