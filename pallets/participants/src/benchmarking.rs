//! Benchmarks: each call with as many unbonding amounts as an account can have.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use crate::{Call, Config, MAX_UNBONDINGS, Members, Pallet, Unbonding};
use decentralml_types::{Balance, Role};
use frame_benchmarking::v2::*;
use frame_support::traits::{Get, fungible};
use frame_system::RawOrigin;
use sp_runtime::traits::BlockNumberProvider;

const ROLE: Role = Role::Evaluator;

/// An account that has bonded the minimum `bonds` times, of which `unbonding` are on their way out.
fn member<T: Config>(bonds: u32, unbonding: u32) -> T::AccountId
where
    T::Currency: fungible::Mutate<T::AccountId>,
{
    use fungible::Mutate;
    let who: T::AccountId = whitelisted_caller();
    let minimum = T::MinEvaluatorBond::get();
    T::Currency::set_balance(&who, minimum.saturating_mul(Balance::from(bonds) + 10));
    Pallet::<T>::bond(
        RawOrigin::Signed(who.clone()).into(),
        ROLE,
        minimum.saturating_mul(bonds.into()),
    )
    .expect("funded");
    Members::<T>::mutate(ROLE, &who, |row| {
        let row = row.as_mut().expect("bonded");
        row.bond -= minimum.saturating_mul(unbonding.into());
        for index in 0..unbonding {
            row.unbonding.try_push(Unbonding { amount: minimum, at: 1 + index }).expect("few");
        }
    });
    who
}

#[benchmarks(where T::Currency: fungible::Mutate<T::AccountId>)]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn bond() {
        let who = member::<T>(MAX_UNBONDINGS + 1, MAX_UNBONDINGS);
        let amount = T::MinEvaluatorBond::get();
        #[extrinsic_call]
        _(RawOrigin::Signed(who.clone()), ROLE, amount);
        assert_eq!(Members::<T>::get(ROLE, &who).map(|row| row.bond), Some(2 * amount));
    }

    #[benchmark]
    fn unbond() {
        let who = member::<T>(MAX_UNBONDINGS, MAX_UNBONDINGS - 1);
        let amount = T::MinEvaluatorBond::get();
        #[extrinsic_call]
        _(RawOrigin::Signed(who.clone()), ROLE, amount);
        assert_eq!(Members::<T>::get(ROLE, &who).map(|row| row.bond), Some(0));
    }

    #[benchmark]
    fn withdraw() {
        let who = member::<T>(MAX_UNBONDINGS, MAX_UNBONDINGS);
        T::BlockNumberProvider::set_block_number(MAX_UNBONDINGS + 1);
        #[extrinsic_call]
        _(RawOrigin::Signed(who.clone()), ROLE);
        assert_eq!(Members::<T>::get(ROLE, &who), None);
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::externalities(), crate::mock::Test);
}
