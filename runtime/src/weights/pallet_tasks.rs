//! Estimates until `scripts/weights.sh` has measured `pallet_tasks`.

use core::marker::PhantomData;
use frame_support::weights::Weight;

/// The pallet's own estimates.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> ::pallet_tasks::WeightInfo for WeightInfo<T> {
    fn create() -> Weight {
        <() as ::pallet_tasks::WeightInfo>::create()
    }

    fn fund() -> Weight {
        <() as ::pallet_tasks::WeightInfo>::fund()
    }

    fn pause() -> Weight {
        <() as ::pallet_tasks::WeightInfo>::pause()
    }

    fn resume() -> Weight {
        <() as ::pallet_tasks::WeightInfo>::resume()
    }

    fn cancel() -> Weight {
        <() as ::pallet_tasks::WeightInfo>::cancel()
    }

    fn advance_tally() -> Weight {
        <() as ::pallet_tasks::WeightInfo>::advance_tally()
    }

    fn advance_settle() -> Weight {
        <() as ::pallet_tasks::WeightInfo>::advance_settle()
    }

    fn reap(n: u32) -> Weight {
        <() as ::pallet_tasks::WeightInfo>::reap(n)
    }
}
