//! Who makes blocks, who finalizes them, and what equivocation is reported as.

use crate::{
    evidence::{BabeEvidence, GrandpaEvidence},
    implementations::{InSession, NoExposure},
    *,
};
use decentralml_protocol::slashing::REPORTED_SESSIONS;
use frame_support::{
    parameter_types,
    traits::{ConstU32, ConstU64},
    weights::{
        Weight,
        constants::{WEIGHT_REF_TIME_PER_MICROS, WEIGHT_REF_TIME_PER_NANOS},
    },
};
use frame_system::Config as SystemConfig;
use pallet_session::historical;
use sp_runtime::traits::{ConvertInto, OpaqueKeys};

parameter_types! {
    pub EpochDuration: u64 = settings::EpochLength::<Runtime>::get();
    pub ExpectedBlockTime: u64 = settings::BlockTime::<Runtime>::get();
    /// Slots for which a report stays in the pool: older ones are refused, as nobody knows any more who was in office.
    pub ReportLongevity: u64 =
        u64::from(REPORTED_SESSIONS) * settings::EpochLength::<Runtime>::get();
}

/// Validators at most.
pub type MaxAuthorities = ConstU32<100>;

/// The configuration of BABE at genesis: every slot has an author, and every block a VRF output, which draws rely on.
pub const BABE_GENESIS_EPOCH_CONFIG: sp_consensus_babe::BabeEpochConfiguration =
    sp_consensus_babe::BabeEpochConfiguration {
        c: (1, 4),
        allowed_slots: sp_consensus_babe::AllowedSlots::PrimaryAndSecondaryVRFSlots,
    };

/// What reports of equivocations weigh. The SDK measures only the check of their proofs, as we do; what it estimates of the
/// rest, it counts with the costs of a database that we do not have.
pub struct Equivocations;

/// A report with a proof that takes `proof` to check, which is done when it is let into a block and when it is executed: also proves
/// membership among the validators, files the offence, takes the validator out of office, seizes its bond, and opens the case.
/// Validators have no nominators here. Where many sign twice in one round of finality, what was filed of each is read again.
fn report(validators: u32, proof: Weight) -> Weight {
    let validators = u64::from(validators.max(100));
    let membership = 35 * WEIGHT_REF_TIME_PER_MICROS + 175 * WEIGHT_REF_TIME_PER_NANOS * validators;
    let offence = 110 * WEIGHT_REF_TIME_PER_MICROS;
    let case = 60 * WEIGHT_REF_TIME_PER_MICROS;
    Weight::from_parts(membership + offence + case, 0)
        .saturating_add(proof.saturating_mul(2))
        .saturating_add(
            <Runtime as SystemConfig>::DbWeight::get().reads_writes(30 + 2 * validators, 18),
        )
}

impl pallet_babe::WeightInfo for Equivocations {
    fn plan_config_change() -> Weight {
        <Runtime as SystemConfig>::DbWeight::get().writes(1)
    }

    fn report_equivocation(validators: u32, _nominators: u32) -> Weight {
        report(validators, weights::pallet_babe::WeightInfo::<Runtime>::check_equivocation_proof(1))
    }
}

impl pallet_grandpa::WeightInfo for Equivocations {
    // Two reads more: at which sessions the set of authorities began and ended.
    fn report_equivocation(validators: u32, _nominators: u32) -> Weight {
        let proof = weights::pallet_grandpa::WeightInfo::<Runtime>::check_equivocation_proof(1);
        report(validators, proof)
            .saturating_add(<Runtime as SystemConfig>::DbWeight::get().reads(2))
    }

    fn note_stalled() -> Weight {
        weights::pallet_grandpa::WeightInfo::<Runtime>::note_stalled()
    }
}

impl pallet_babe::Config for Runtime {
    type EpochDuration = EpochDuration;
    type ExpectedBlockTime = ExpectedBlockTime;
    type EpochChangeTrigger = pallet_babe::ExternalTrigger;
    type DisabledValidators = Session;
    type WeightInfo = Equivocations;
    type MaxAuthorities = MaxAuthorities;
    type MaxNominators = ConstU32<0>;
    type KeyOwnerProof = sp_session::MembershipProof;
    type EquivocationReportSystem = BabeEvidence;
}

impl pallet_grandpa::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type WeightInfo = Equivocations;
    type MaxAuthorities = MaxAuthorities;
    type MaxNominators = ConstU32<0>;
    type MaxSetIdSessionEntries = ConstU64<168>;
    type KeyOwnerProof = sp_session::MembershipProof;
    type EquivocationReportSystem = GrandpaEvidence;
}

impl pallet_authorship::Config for Runtime {
    type FindAuthor = pallet_session::FindAccountFromAuthorIndex<Self, Babe>;
    type EventHandler = ();
}

parameter_types! {
    /// For a validator's registered session keys.
    pub const KeyDeposit: Balance = UNIT / 10;
}

impl pallet_session::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type ValidatorId = AccountId;
    type ValidatorIdOf = ConvertInto;
    type ShouldEndSession = Babe;
    type NextSessionRotation = Babe;
    type SessionManager = historical::NoteHistoricalRoot<Self, Validators>;
    type SessionHandler = <SessionKeys as OpaqueKeys>::KeyTypeIdProviders;
    type Keys = SessionKeys;
    type DisablingStrategy = pallet_session::disabling::UpToLimitDisablingStrategy;
    type WeightInfo = pallet_session::weights::SubstrateWeight<Runtime>;
    type Currency = Balances;
    type KeyDeposit = KeyDeposit;
}

impl historical::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type FullIdentification = ();
    type FullIdentificationOf = NoExposure;
}

impl pallet_offences::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type IdentificationTuple = historical::IdentificationTuple<Self>;
    type OnOffenceHandler = Validators;
}

impl pallet_validators::Config for Runtime {
    type Appointed = ValidatorMembership;
    type Stakes = Participants;
    type Tribunal = Disputes;
    type Sessions = InSession;
    type Penalties = pallet_parameters::CurrentPenalties<Runtime>;
    type MaxValidators = MaxAuthorities;
    type LongestSession = ConstU32<{ settings::LONGEST_EPOCH as u32 }>;
    type UnbondingPeriod = crate::configs::federated::UnbondingPeriod;
}
