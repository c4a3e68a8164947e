//! The council, and who may change the council and the validators.

use crate::{configs::system::RuntimeBlockWeights, *};
use frame_support::{
    parameter_types,
    traits::{ConstU32, EitherOfDiverse},
    weights::Weight,
};
use frame_system::EnsureRoot;
use pallet_collective::{EnsureProportionAtLeast, EnsureProportionMoreThan};
use sp_runtime::Perbill;

/// The council's collective and its list of members.
pub type CouncilInstance = pallet_collective::Instance1;
/// The list of validators.
pub type ValidatorInstance = pallet_membership::Instance2;

/// Members that the council can have.
pub type MaxCouncilors = ConstU32<100>;

/// More than half of the council.
pub type CouncilMajority = EitherOfDiverse<
    EnsureRoot<AccountId>,
    EnsureProportionMoreThan<AccountId, CouncilInstance, 1, 2>,
>;
/// Two thirds of the council.
pub type CouncilTwoThirds = EitherOfDiverse<
    EnsureRoot<AccountId>,
    EnsureProportionAtLeast<AccountId, CouncilInstance, 2, 3>,
>;

parameter_types! {
    /// How long a motion is open, in blocks: a week of six-second blocks.
    pub const MotionDuration: BlockNumber = 100_800;
    pub MaxProposalWeight: Weight = Perbill::from_percent(50) * RuntimeBlockWeights::get().max_block;
}

impl pallet_collective::Config<CouncilInstance> for Runtime {
    type RuntimeOrigin = RuntimeOrigin;
    type Proposal = RuntimeCall;
    type RuntimeEvent = RuntimeEvent;
    type MotionDuration = MotionDuration;
    type MaxProposals = ConstU32<100>;
    type MaxMembers = MaxCouncilors;
    type DefaultVote = pallet_collective::PrimeDefaultVote;
    type WeightInfo = pallet_collective::weights::SubstrateWeight<Runtime>;
    type SetMembersOrigin = EnsureRoot<AccountId>;
    type MaxProposalWeight = MaxProposalWeight;
    type DisapproveOrigin = CouncilTwoThirds;
    type KillOrigin = CouncilTwoThirds;
    type Consideration = ();
}

impl pallet_membership::Config<pallet_membership::Instance1> for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type AddOrigin = CouncilTwoThirds;
    type RemoveOrigin = CouncilTwoThirds;
    type SwapOrigin = CouncilTwoThirds;
    type ResetOrigin = CouncilTwoThirds;
    type PrimeOrigin = CouncilTwoThirds;
    type MembershipInitialized = Council;
    type MembershipChanged = Council;
    type MaxMembers = MaxCouncilors;
    type WeightInfo = pallet_membership::weights::SubstrateWeight<Runtime>;
}

impl pallet_membership::Config<ValidatorInstance> for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type AddOrigin = CouncilTwoThirds;
    type RemoveOrigin = CouncilTwoThirds;
    type SwapOrigin = CouncilTwoThirds;
    type ResetOrigin = CouncilTwoThirds;
    type PrimeOrigin = CouncilTwoThirds;
    // The pallet of validators reads the list at the end of each session.
    type MembershipInitialized = ();
    type MembershipChanged = ();
    type MaxMembers = ConstU32<100>;
    type WeightInfo = pallet_membership::weights::SubstrateWeight<Runtime>;
}
