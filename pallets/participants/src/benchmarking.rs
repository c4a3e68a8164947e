//! Benchmarks: each call with as many unbonding amounts, and as many and as long hosts, as an account can have.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use crate::{
    Call, Config, EncryptionKeys, Hosts, MAX_UNBONDINGS, Member, Members, Pallet, Unbonding,
};
use alloc::vec;
use decentralml_protocol::reputation;
use decentralml_types::{
    Balance, Role, Url, Urls,
    host::{MAX_HOSTS, MAX_URL},
    reputation::Record,
};
use frame_benchmarking::v2::*;
use frame_support::traits::{Get, fungible};
use frame_system::RawOrigin;
use sp_runtime::traits::BlockNumberProvider;

extern crate alloc;

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

/// An account that can pay for whatever it announces.
fn announcer<T: Config>() -> T::AccountId
where
    T::Currency: fungible::Mutate<T::AccountId>,
{
    use fungible::Mutate;
    let who: T::AccountId = whitelisted_caller();
    T::Currency::set_balance(&who, Balance::MAX / 4);
    who
}

/// As many hosts as there can be, of so many bytes each.
fn urls(bytes: u32) -> Urls {
    let mut url = b"/".to_vec();
    url.resize(bytes as usize, b'x');
    Urls::truncate_from(vec![Url::truncate_from(url); MAX_HOSTS as usize])
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

    #[benchmark]
    fn set_hosts() -> Result<(), BenchmarkError> {
        let who = announcer::<T>();
        Pallet::<T>::set_hosts(RawOrigin::Signed(who.clone()).into(), urls(2))?;
        #[extrinsic_call]
        _(RawOrigin::Signed(who.clone()), urls(MAX_URL));
        assert_eq!(Hosts::<T>::get(&who).map(|list| list.urls), Some(urls(MAX_URL)));
        Ok(())
    }

    #[benchmark]
    fn set_encryption_key() {
        let who = announcer::<T>();
        let key = [9; 32];
        #[extrinsic_call]
        _(RawOrigin::Signed(who.clone()), Some(key));
        assert_eq!(EncryptionKeys::<T>::get(&who).map(|row| row.key), Some(key));
    }

    #[benchmark]
    fn forget() {
        let who = member::<T>(1, 0);
        // Nothing is held for it any more, and its slash has faded.
        let slashed = Record { slashed: reputation::ONE, ..Record::default() };
        Members::<T>::insert(ROLE, &who, Member { record: slashed, ..Member::default() });
        T::BlockNumberProvider::set_block_number(T::ReputationPeriod::get().saturating_mul(9));
        #[extrinsic_call]
        _(RawOrigin::Signed(who.clone()), ROLE, who.clone());
        assert_eq!(Members::<T>::get(ROLE, &who), None);
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::externalities(), crate::mock::Test);
}
