//! The pallets of federated training and of shared data.

use crate::{
    configs::governance::{CouncilMajority, MaxCouncilors},
    *,
};
use decentralml_protocol::slashing;
use frame_support::{
    PalletId, parameter_types,
    traits::{ConstU8, ConstU32},
};

parameter_types! {
    pub const MinTrainerBond: Balance = UNIT;
    pub const MinEvaluatorBond: Balance = UNIT;
    /// Four weeks of six-second blocks: longer than the longest chain of deadlines that can still slash, which the pallet checks.
    pub const UnbondingPeriod: BlockNumber = 403_200;
    /// A week of six-second blocks.
    pub const ReputationPeriod: BlockNumber = 100_800;
    pub Liability: BlockNumber =
        slashing::longest_liability(AppealWindow::get(), JudgmentPeriod::get());
    pub AppealWindow: BlockNumber = settings::AppealWindow::<Runtime>::get();
    pub JudgmentPeriod: BlockNumber = settings::JudgmentPeriod::<Runtime>::get();
    /// Half of the smallest bond.
    pub const AppealBond: Balance = UNIT / 2;
    pub const AppealCosts: Balance = UNIT / 10;
    /// For each host that an account announces, and each byte of its URL: 22.8 thousandths of a token for the longest.
    pub const HostDepositBase: Balance = 10 * MILLIUNIT;
    pub const HostDepositPerByte: Balance = MILLIUNIT / 10;
    /// For an encryption key.
    pub const KeyDeposit: Balance = 10 * MILLIUNIT;
    pub const TasksPalletId: PalletId = PalletId(*b"dml/task");
    /// For a task's own record and its rounds'.
    pub const DepositBase: Balance = UNIT / 10;
    /// For a row that one participant leaves in one round.
    pub const DepositPerRow: Balance = MILLIUNIT / 10;
    /// For each call of a round that costs its sender nothing: about what such calls would cost on the average, which
    /// `cargo run --example weights` prints.
    pub const CallPrice: Balance = 9 * MILLIUNIT;
    /// A candidate stays on chain for at least thirty days of six-second blocks after its task is gone.
    pub const CandidatePeriod: BlockNumber = 432_000;
    /// For registered content.
    pub const ContentDeposit: Balance = UNIT / 10;
    /// For each account to which content is granted.
    pub const GrantDeposit: Balance = 10 * MILLIUNIT;
    /// For demanding a block of an update: more than twice what the longest answer costs, so that who answers loses nothing by
    /// a first try that fails.
    pub const ChallengeBond: Balance = 5 * UNIT;
    /// What the treasury gets for an answer: about the fee of the longest one, of a leaf of 1 MiB and two nodes.
    pub const AnswerPrice: Balance = 3 * UNIT / 2;
    pub AnswerPeriod: BlockNumber = settings::AnswerPeriod::<Runtime>::get();
}

impl pallet_participants::Config for Runtime {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type BlockNumberProvider = System;
    type MinTrainerBond = MinTrainerBond;
    type MinEvaluatorBond = MinEvaluatorBond;
    type UnbondingPeriod = UnbondingPeriod;
    type Liability = Liability;
    type ReputationPeriod = ReputationPeriod;
    type HostDepositBase = HostDepositBase;
    type HostDepositPerByte = HostDepositPerByte;
    type KeyDeposit = KeyDeposit;
    type Treasury = crate::configs::TreasuryAccount;
    type WeightInfo = weights::pallet_participants::WeightInfo<Runtime>;
}

impl pallet_tasks::Config for Runtime {
    type Currency = Balances;
    type Funds = crate::configs::Funds;
    type RuntimeHoldReason = RuntimeHoldReason;
    type BlockNumberProvider = System;
    type PalletId = TasksPalletId;
    type DepositBase = DepositBase;
    type DepositPerRow = DepositPerRow;
    type CallPrice = CallPrice;
    type Treasury = crate::configs::TreasuryAccount;
    type Bonds = Participants;
    type Roster = Assignments;
    type Evidence = Results;
    type Judgment = Validation;
    type Registry = Models;
    type WeightInfo = weights::pallet_tasks::WeightInfo<Runtime>;
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = crate::benchmark_helpers::Rounds;
}

impl pallet_assignments::Config for Runtime {
    type Bonds = Participants;
    type Clock = Tasks;
    type Keyring = Participants;
    type Reputation = Participants;
    type Randomness = pallet_babe::ParentBlockRandomness<Runtime>;
    type MaxEnrolled = ConstU32<{ u32::MAX }>;
    type WeightInfo = weights::pallet_assignments::WeightInfo<Runtime>;
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = crate::benchmark_helpers::Rounds;
}

impl pallet_results::Config for Runtime {
    type Bonds = Participants;
    type Clock = Tasks;
    type Escrow = Tasks;
    type Roster = Assignments;
    type WeightInfo = weights::pallet_results::WeightInfo<Runtime>;
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = crate::benchmark_helpers::Rounds;
}

impl pallet_validation::Config for Runtime {
    type Bonds = Participants;
    type Challenges = Challenges;
    type Clock = Tasks;
    type Escrow = Tasks;
    type Evidence = Results;
    type Reputation = Participants;
    type Roster = Assignments;
    type Tribunal = Disputes;
    type WeightInfo = weights::pallet_validation::WeightInfo<Runtime>;
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = crate::benchmark_helpers::Rounds;
}

impl pallet_disputes::Config for Runtime {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type BlockNumberProvider = System;
    type Bonds = Participants;
    type Clock = Tasks;
    type Escrow = Tasks;
    type Reputation = Participants;
    type Roster = Assignments;
    type Council = CouncilMembership;
    type AppealWindow = AppealWindow;
    type JudgmentPeriod = JudgmentPeriod;
    type AppealBond = AppealBond;
    type AppealCosts = AppealCosts;
    type MaxVotes = MaxCouncilors;
    type Treasury = crate::configs::TreasuryAccount;
    type WeightInfo = weights::pallet_disputes::WeightInfo<Runtime>;
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = crate::benchmark_helpers::Rounds;
}

impl pallet_models::Config for Runtime {
    type Clock = Tasks;
    type BlockNumberProvider = System;
    type ReleaseOrigin = CouncilMajority;
    type CandidatePeriod = CandidatePeriod;
    type WeightInfo = weights::pallet_models::WeightInfo<Runtime>;
}

impl pallet_data::Config for Runtime {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type BlockNumberProvider = System;
    type Keyring = Participants;
    type ContentDeposit = ContentDeposit;
    type GrantDeposit = GrantDeposit;
    type WeightInfo = weights::pallet_data::WeightInfo<Runtime>;
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = crate::benchmark_helpers::Rounds;
}

impl pallet_challenges::Config for Runtime {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type BlockNumberProvider = System;
    type Clock = Tasks;
    type Revealed = Results;
    type Tribunal = Disputes;
    type ChallengeBond = ChallengeBond;
    type AnswerPrice = AnswerPrice;
    type AnswerPeriod = AnswerPeriod;
    type MaxChallenges = ConstU8<8>;
    type Treasury = crate::configs::TreasuryAccount;
    type WeightInfo = weights::pallet_challenges::WeightInfo<Runtime>;
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = crate::benchmark_helpers::Rounds;
}
