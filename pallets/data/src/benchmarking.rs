//! Benchmarks: every call on content that is granted to somebody else as well, where it can be.

use crate::{Call, Config, Contents, Grants, Pallet};
use decentralml_types::{Balance, Cid, Codec};
use frame_benchmarking::v2::*;
use frame_support::traits::fungible;
use frame_system::RawOrigin;

const CID: Cid = Cid { codec: Codec::DagPb, digest: [1; 32] };
const ENVELOPE: Cid = Cid { codec: Codec::Raw, digest: [3; 32] };
const PLAIN_HASH: [u8; 32] = [2; 32];
const SIZE: u64 = 1 << 40;

/// What the benchmarks need of the other pallets.
pub trait BenchmarkHelper<AccountId> {
    /// An account with an encryption key. `index` tells them apart.
    fn with_key(index: u32) -> AccountId;
}

/// An account that can pay for whatever it registers.
fn owner<T: Config>() -> T::AccountId
where
    T::Currency: fungible::Mutate<T::AccountId>,
{
    use fungible::Mutate;
    let who: T::AccountId = whitelisted_caller();
    T::Currency::set_balance(&who, Balance::MAX / 4);
    who
}

/// Content of `who`'s that is granted to so many accounts.
fn granted<T: Config>(who: &T::AccountId, accounts: u32) -> Result<(), BenchmarkError> {
    let origin = || RawOrigin::Signed(who.clone()).into();
    Pallet::<T>::register(origin(), CID, PLAIN_HASH, SIZE)?;
    for index in 0..accounts {
        Pallet::<T>::grant(origin(), CID, T::BenchmarkHelper::with_key(index), ENVELOPE)?;
    }
    Ok(())
}

fn grants<T: Config>() -> Option<u32> {
    Contents::<T>::get(CID).map(|content| content.grants)
}

#[benchmarks(where T::Currency: fungible::Mutate<T::AccountId>)]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn register() {
        let who = owner::<T>();
        #[extrinsic_call]
        _(RawOrigin::Signed(who), CID, PLAIN_HASH, SIZE);
        assert_eq!(grants::<T>(), Some(0));
    }

    #[benchmark]
    fn grant() -> Result<(), BenchmarkError> {
        let who = owner::<T>();
        granted::<T>(&who, 1)?;
        let account = T::BenchmarkHelper::with_key(1);
        #[extrinsic_call]
        _(RawOrigin::Signed(who), CID, account.clone(), ENVELOPE);
        assert!(Grants::<T>::contains_key(CID, account));
        Ok(())
    }

    #[benchmark]
    fn revoke() -> Result<(), BenchmarkError> {
        let who = owner::<T>();
        granted::<T>(&who, 2)?;
        let account = T::BenchmarkHelper::with_key(1);
        #[extrinsic_call]
        _(RawOrigin::Signed(who), CID, account);
        assert_eq!(grants::<T>(), Some(1));
        Ok(())
    }

    #[benchmark]
    fn retire() -> Result<(), BenchmarkError> {
        let who = owner::<T>();
        granted::<T>(&who, 0)?;
        #[extrinsic_call]
        _(RawOrigin::Signed(who), CID);
        assert_eq!(grants::<T>(), None);
        Ok(())
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::externalities(), crate::mock::Test);
}
