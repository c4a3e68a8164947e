//! Calls that cost nothing when they succeed, and how the pool keeps out those that would fail.
//!
//! A free call that fails costs its fee, so nobody fills blocks with such calls for nothing. But it would take room in the pool and in
//! blocks that a round needs. So nodes rehearse a free call before they take it, and again whenever they look at what they hold: they
//! execute it on the state of their best block, and undo what it did. Blocks do not: what an author puts into one is executed once.

use crate::{RuntimeCall, RuntimeOrigin};
use codec::{Decode, DecodeWithMemTracking, Encode};
use frame_support::{
    dispatch::DispatchResult,
    storage::{TransactionOutcome, with_transaction},
    weights::Weight,
};
use scale_info::TypeInfo;
use sp_runtime::{
    impl_tx_ext_default,
    traits::{DispatchInfoOf, Dispatchable, TransactionExtension, ValidateResult},
    transaction_validity::{InvalidTransaction, TransactionSource},
};

/// Why the pool refuses a free call that would fail: `InvalidTransaction::Custom` with this number. `FreeCallsApi::rehearse` tells the error.
pub const WOULD_FAIL: u8 = 1;

/// Whether a call costs nothing when it succeeds.
pub const fn is_free(call: &RuntimeCall) -> bool {
    match call {
        RuntimeCall::Tasks(call) => {
            matches!(call, pallet_tasks::Call::advance { .. } | pallet_tasks::Call::collect { .. })
        }
        RuntimeCall::Participants(call) => {
            matches!(call, pallet_participants::Call::forget { .. })
        }
        RuntimeCall::Assignments(call) => matches!(call, pallet_assignments::Call::dismiss { .. }),
        RuntimeCall::Results(call) => matches!(
            call,
            pallet_results::Call::commit { .. }
                | pallet_results::Call::reveal { .. }
                | pallet_results::Call::hand_over { .. }
        ),
        RuntimeCall::Validation(call) => matches!(
            call,
            pallet_validation::Call::commit_scores { .. }
                | pallet_validation::Call::open_scores { .. }
                | pallet_validation::Call::attest { .. }
                | pallet_validation::Call::claim { .. }
                | pallet_validation::Call::claim_seat { .. }
                | pallet_validation::Call::forget { .. }
        ),
        RuntimeCall::Models(call) => matches!(call, pallet_models::Call::prune { .. }),
        RuntimeCall::Disputes(call) => matches!(call, pallet_disputes::Call::conclude { .. }),
        RuntimeCall::Babe(call) => matches!(call, pallet_babe::Call::report_equivocation { .. }),
        RuntimeCall::Grandpa(call) => {
            matches!(call, pallet_grandpa::Call::report_equivocation { .. })
        }
        RuntimeCall::Challenges(call) => matches!(
            call,
            pallet_challenges::Call::answer { .. } | pallet_challenges::Call::conclude { .. }
        ),
        RuntimeCall::Golds(call) => matches!(call, pallet_golds::Call::conclude { .. }),
        _ => false,
    }
}

/// What would become of a free call if it were the next one; `None` for other calls, which are not tried. Changes nothing.
pub fn rehearse(origin: RuntimeOrigin, call: RuntimeCall) -> Option<DispatchResult> {
    is_free(&call).then(|| {
        with_transaction(|| {
            let result = call.dispatch(origin);
            TransactionOutcome::Rollback(result.map(|_| ()).map_err(|failed| failed.error))
        })
    })
}

/// Keeps free calls that would fail out of the pool.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo,
)]
pub struct CheckFreeCall;

impl TransactionExtension<RuntimeCall> for CheckFreeCall {
    const IDENTIFIER: &'static str = "CheckFreeCall";
    type Implicit = ();
    type Val = ();
    type Pre = ();

    /// Nothing in a block.
    fn weight(&self, _: &RuntimeCall) -> Weight {
        Weight::zero()
    }

    fn validate(
        &self,
        origin: RuntimeOrigin,
        call: &RuntimeCall,
        _: &DispatchInfoOf<RuntimeCall>,
        _: usize,
        (): (),
        _: &impl Encode,
        source: TransactionSource,
    ) -> ValidateResult<(), RuntimeCall> {
        let in_block = source == TransactionSource::InBlock;
        if !in_block
            && is_free(call)
            && matches!(rehearse(origin.clone(), call.clone()), Some(Err(_)))
        {
            return Err(InvalidTransaction::Custom(WOULD_FAIL).into());
        }
        Ok((Default::default(), (), origin))
    }

    impl_tx_ext_default!(RuntimeCall; prepare);
}
