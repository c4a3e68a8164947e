//! Reports of equivocations, whose proofs are checked before they enter the pool.
//!
//! The SDK's own systems look there only at whether the key was a validator's, and check the signatures when the report is executed:
//! a report that proves nothing would take its room in a block first. And they take as many reports as a validator signs
//! equivocations, of rounds that never were too, though only the first one costs it anything: whoever is
//! [cleared](pallet_validators::Cleared) could fill the state with them for nothing.

use crate::{
    AccountId, Hash, Header, Historical, Offences, Runtime, Validators, configs::ReportLongevity,
};
use decentralml_types::BlockNumber;
use frame_support::traits::KeyOwnerProofSystem;
use sp_runtime::{
    DispatchError, KeyTypeId,
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

/// Whether what the owner of a key did in the session of its proof has been reported.
fn is_cleared(key_type: KeyTypeId, key: &[u8], proof: &MembershipProof) -> bool {
    let owner = Historical::check_proof((key_type, key), proof.clone());
    owner.is_some_and(|(who, ())| Validators::is_cleared(&who, proof.session))
}

fn of_blocks((blocks, proof): &Blocks) -> bool {
    is_cleared(sp_consensus_babe::KEY_TYPE, blocks.offender.as_ref(), proof)
}

fn of_votes((votes, proof): &Votes) -> bool {
    is_cleared(sp_consensus_grandpa::KEY_TYPE, votes.offender().as_ref(), proof)
}

fn fresh(is_cleared: bool) -> Result<(), TransactionValidityError> {
    if is_cleared { Err(InvalidTransaction::Stale.into()) } else { Ok(()) }
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
        fresh(of_blocks(&evidence))?;
        OfBabe::check_evidence(evidence)
    }

    fn process_evidence(
        reporter: Option<AccountId>,
        evidence: Blocks,
    ) -> Result<(), DispatchError> {
        if of_blocks(&evidence) {
            return Err(pallet_babe::Error::<Runtime>::DuplicateOffenceReport.into());
        }
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
        fresh(of_votes(&evidence))?;
        OfGrandpa::check_evidence(evidence)
    }

    fn process_evidence(reporter: Option<AccountId>, evidence: Votes) -> Result<(), DispatchError> {
        if of_votes(&evidence) {
            return Err(pallet_grandpa::Error::<Runtime>::DuplicateOffenceReport.into());
        }
        OfGrandpa::process_evidence(reporter, evidence)
    }
}
