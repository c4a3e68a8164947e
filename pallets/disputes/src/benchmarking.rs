//! Benchmarks: cases with a reporter, with as many votes as a case can have.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use crate::{Ballot, Ballots, Call, Cases, Config, Pallet};
use alloc::vec::Vec;
use decentralml_traits::{Charge, Tribunal};
use decentralml_types::{Balance, CaseId, Role};
use frame_benchmarking::v2::*;
use frame_support::traits::{Get, SortedMembers, fungible::Mutate};
use frame_system::RawOrigin;

extern crate alloc;

/// What the benchmarks need of the other pallets.
pub trait BenchmarkHelper<AccountId> {
    /// Something that a bonded account can be accused of, in a task that lives, by a reporter with a bond for either role.
    fn charge() -> Charge<AccountId>;
    /// Ends the task of a charge for good, with money in it that its sponsor has yet to get back.
    fn end(charge: &Charge<AccountId>);
    /// Leaves so much of the reporter's bond for a role.
    fn leave_to(reporter: &AccountId, role: Role, amount: Balance);
}

fn signed<T: Config>(who: &T::AccountId) -> T::RuntimeOrigin {
    RawOrigin::Signed(who.clone()).into()
}

/// A council as large as there can be votes.
fn council<T: Config>() -> Vec<T::AccountId> {
    let members = T::Council::count() as u32;
    for index in members..T::MaxVotes::get() {
        T::Council::add(&account("councilor", index, 0));
    }
    T::Council::sorted_members()
}

/// A case, and its accusation.
fn accused<T: Config>() -> (CaseId, Charge<T::AccountId>) {
    let charge = T::BenchmarkHelper::charge();
    let stake = T::AppealBond::get().saturating_add(charge.amount);
    let _ = T::Currency::mint_into(&charge.accused, stake.saturating_mul(10));
    assert!(Pallet::<T>::accuse(charge.clone()) > 0, "the accused has a bond");
    (crate::NextCase::<T>::get() - 1, charge)
}

/// A case on which all but so many have voted.
fn judged<T: Config>(guilty: bool, missing: usize) -> (CaseId, Charge<T::AccountId>) {
    let (case, charge) = accused::<T>();
    Pallet::<T>::appeal(signed::<T>(&charge.accused), case).expect("rich");
    let mut ballots: Vec<_> =
        council::<T>().into_iter().map(|who| Ballot { who, guilty }).collect();
    ballots.truncate(ballots.len() - missing);
    Ballots::<T>::insert(case, frame_support::BoundedVec::truncate_from(ballots));
    (case, charge)
}

#[benchmarks]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn appeal() {
        let (case, charge) = accused::<T>();
        #[extrinsic_call]
        _(RawOrigin::Signed(charge.accused), case);
        assert!(Cases::<T>::get(case).unwrap().appeal.is_some());
    }

    #[benchmark]
    fn vote() {
        let (case, _) = judged::<T>(true, 1);
        let who = council::<T>().pop().unwrap();
        #[extrinsic_call]
        _(RawOrigin::Signed(who), case, true);
        assert_eq!(Ballots::<T>::get(case).len() as u32, T::MaxVotes::get());
    }

    /// The task is over, so its part goes on to the sponsor, and what could not be paid out before is tried again.
    #[benchmark]
    fn conclude_guilty() {
        let (case, charge) = judged::<T>(true, 0);
        T::BenchmarkHelper::end(&charge);
        #[extrinsic_call]
        conclude(RawOrigin::Signed(whitelisted_caller()), case);
        assert!(!Cases::<T>::contains_key(case));
    }

    /// Both bonds of the reporter and the treasury pay a part of the costs.
    #[benchmark]
    fn conclude_freed() {
        let (case, charge) = judged::<T>(false, 0);
        let reporter = charge.reporter.unwrap();
        for role in [Role::Trainer, Role::Evaluator] {
            T::BenchmarkHelper::leave_to(&reporter, role, T::AppealCosts::get() / 3);
        }
        let _ = T::Currency::mint_into(&T::Treasury::get(), T::AppealCosts::get() * 10);
        #[extrinsic_call]
        conclude(RawOrigin::Signed(whitelisted_caller()), case);
        assert!(!Cases::<T>::contains_key(case));
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::externalities(), crate::mock::Test);
}
