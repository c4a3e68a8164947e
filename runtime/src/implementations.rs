//! Small glue between pallets that belongs to none of them.

use crate::{
    AccountId, Runtime, RuntimeCall, Session, UncheckedExtrinsic, ValidatorMembership, Vec,
};
use pallet_session::{SessionManager, historical};
use sp_runtime::traits::Convert;
use sp_staking::SessionIndex;

/// The validators of the session after next: everybody on the council's list who has registered session keys.
///
/// An empty answer leaves the validators as they are, so a mistaken vote cannot stop the chain.
pub struct ValidatorsByMembership;

impl SessionManager<AccountId> for ValidatorsByMembership {
    fn new_session(_: SessionIndex) -> Option<Vec<AccountId>> {
        let validators: Vec<AccountId> = ValidatorMembership::members()
            .into_iter()
            .filter(|validator| Session::load_keys(validator).is_some())
            .collect();
        (!validators.is_empty()).then_some(validators)
    }

    fn end_session(_: SessionIndex) {}

    fn start_session(_: SessionIndex) {}
}

impl historical::SessionManager<AccountId, ()> for ValidatorsByMembership {
    fn new_session(index: SessionIndex) -> Option<Vec<(AccountId, ())>> {
        <Self as SessionManager<AccountId>>::new_session(index)
            .map(|validators| validators.into_iter().map(|validator| (validator, ())).collect())
    }

    fn end_session(_: SessionIndex) {}

    fn start_session(_: SessionIndex) {}
}

/// Validators are appointed, not elected by stake: nothing but their account identifies them in a report.
pub struct NoExposure;

impl Convert<AccountId, Option<()>> for NoExposure {
    fn convert(_: AccountId) -> Option<()> {
        Some(())
    }
}

impl<Call> frame_system::offchain::CreateTransactionBase<Call> for Runtime
where
    RuntimeCall: From<Call>,
{
    type Extrinsic = UncheckedExtrinsic;
    type RuntimeCall = RuntimeCall;
}

/// Reports of equivocations are submitted by validators without a signature.
impl<Call> frame_system::offchain::CreateBare<Call> for Runtime
where
    RuntimeCall: From<Call>,
{
    fn create_bare(call: RuntimeCall) -> UncheckedExtrinsic {
        UncheckedExtrinsic::new_bare(call)
    }
}
