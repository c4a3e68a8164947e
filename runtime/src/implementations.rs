//! Small glue between pallets that belongs to none of them.

use crate::{AccountId, Historical, Runtime, RuntimeCall, Session, UncheckedExtrinsic, Vec};
use decentralml_types::SessionNumber;
use sp_runtime::traits::Convert;
use sp_staking::offence::OffenceSeverity;

/// The sessions, as the pallet of validators sees them.
pub struct InSession;

impl pallet_validators::Sessions<AccountId> for InSession {
    fn current() -> SessionNumber {
        Session::current_index()
    }

    fn in_office() -> Vec<AccountId> {
        Session::validators()
    }

    fn has_keys(who: &AccountId) -> bool {
        Session::load_keys(who).is_some()
    }

    fn disable(who: &AccountId) {
        Session::report_offence(who.clone(), OffenceSeverity::max_severity());
    }

    fn forget_before(session: SessionNumber) {
        if session > 0 {
            Historical::prune_up_to(session);
        }
    }
}

/// Nobody nominates validators: nothing but their account identifies them in a report.
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
