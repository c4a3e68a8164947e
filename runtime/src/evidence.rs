//! Reports of equivocations, whose proofs are checked before they enter the pool.
//!
//! The SDK's own systems look there only at whether the key was a validator's, and check the signatures when the report is executed:
//! a report that proves nothing would take its room in a block first.

use crate::{AccountId, Hash, Header, Historical, Offences, Runtime, configs::ReportLongevity};
use decentralml_types::BlockNumber;
use sp_runtime::{
    DispatchError,
    transaction_validity::{InvalidTransaction, TransactionValidityError},
};
use sp_session::MembershipProof;
use sp_staking::offence::OffenceReportSystem;

type OfBabe = pallet_babe::EquivocationReportSystem<Runtime, Offences, Historical, ReportLongevity>;
type OfGrandpa =
    pallet_grandpa::EquivocationReportSystem<Runtime, Offences, Historical, ReportLongevity>;
type Blocks = (sp_consensus_babe::EquivocationProof<Header>, MembershipProof);
type Votes = (sp_consensus_grandpa::EquivocationProof<Hash, BlockNumber>, MembershipProof);

fn proven(is_proven: bool) -> Result<(), TransactionValidityError> {
    if is_proven { Ok(()) } else { Err(InvalidTransaction::BadProof.into()) }
}

/// Two blocks for one slot.
pub struct BabeEvidence;

impl OffenceReportSystem<Option<AccountId>, Blocks> for BabeEvidence {
    type Longevity = ReportLongevity;

    fn publish_evidence(evidence: Blocks) -> Result<(), ()> {
        OfBabe::publish_evidence(evidence)
    }

    fn check_evidence(evidence: Blocks) -> Result<(), TransactionValidityError> {
        proven(sp_consensus_babe::check_equivocation_proof(evidence.0.clone()))?;
        OfBabe::check_evidence(evidence)
    }

    fn process_evidence(
        reporter: Option<AccountId>,
        evidence: Blocks,
    ) -> Result<(), DispatchError> {
        OfBabe::process_evidence(reporter, evidence)
    }
}

/// Two votes in one round of finality.
pub struct GrandpaEvidence;

impl OffenceReportSystem<Option<AccountId>, Votes> for GrandpaEvidence {
    type Longevity = ReportLongevity;

    fn publish_evidence(evidence: Votes) -> Result<(), ()> {
        OfGrandpa::publish_evidence(evidence)
    }

    fn check_evidence(evidence: Votes) -> Result<(), TransactionValidityError> {
        proven(sp_consensus_grandpa::check_equivocation_proof(evidence.0.clone()))?;
        OfGrandpa::check_evidence(evidence)
    }

    fn process_evidence(reporter: Option<AccountId>, evidence: Votes) -> Result<(), DispatchError> {
        OfGrandpa::process_evidence(reporter, evidence)
    }
}
