//! The pallets of federated training and of shared data.

use crate::{
    configs::governance::{CouncilMajority, MaxCouncilors},
    *,
};
use decentralml_protocol::{payoff::Prices, slashing};
use frame_support::{
    PalletId, parameter_types,
    traits::{ConstU8, ConstU32},
};

parameter_types! {
    /// What a new chain starts with, until the council sets other numbers.
    pub const InitialParameters: decentralml_types::Parameters = decentralml_types::Parameters {
        min_trainer_bond: UNIT,
        min_evaluator_bond: UNIT,
        min_validator_bond: 100 * UNIT,
        penalties: slashing::TABLE,
        // Half of the smallest bond.
        appeal_bond: UNIT / 2,
        appeal_percent: 10,
        appeal_costs: UNIT / 10,
        // More than twice what the longest answer costs, so that who answers loses nothing by a first try that fails.
        challenge_bond: 5 * UNIT,
        // About the fee of the longest answer, of a leaf of 1 MiB and two nodes.
        answer_price: 3 * UNIT / 2,
    };
    /// What parameters are measured by; `tests/parameters.rs` compares them with the fees. An ordinary call is one that challenges, or
    /// appeals.
    pub const MeasuredBy: Prices =
        Prices { call: CallPrice::get(), answer: 5 * UNIT / 4, fee: 10 * MILLIUNIT };
    /// Four weeks of six-second blocks: longer than the longest chain of deadlines that can still slash, and than an equivocation can be
    /// reported, which the pallets check.
    pub const UnbondingPeriod: BlockNumber = 403_200;
    /// A week of six-second blocks.
    pub const ReputationPeriod: BlockNumber = 100_800;
    pub Liability: BlockNumber =
        slashing::longest_liability(AppealWindow::get(), JudgmentPeriod::get());
    pub AppealWindow: BlockNumber = settings::AppealWindow::<Runtime>::get();
    pub JudgmentPeriod: BlockNumber = settings::JudgmentPeriod::<Runtime>::get();
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
    /// For a gold result that is announced, until it is revealed.
    pub const GoldDeposit: Balance = UNIT;
    pub AnswerPeriod: BlockNumber = settings::AnswerPeriod::<Runtime>::get();
}

impl pallet_participants::Config for Runtime {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type BlockNumberProvider = System;
    type MinTrainerBond = pallet_parameters::MinTrainerBond<Runtime>;
    type MinEvaluatorBond = pallet_parameters::MinEvaluatorBond<Runtime>;
    type MinValidatorBond = pallet_parameters::MinValidatorBond<Runtime>;
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
    type Penalties = pallet_parameters::CurrentPenalties<Runtime>;
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
    type Golds = Golds;
    type Reputation = Participants;
    type Roster = Assignments;
    type Tariff = Tasks;
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
    type AppealBond = pallet_parameters::AppealBond<Runtime>;
    type AppealPercent = pallet_parameters::AppealPercent<Runtime>;
    type AppealCosts = pallet_parameters::AppealCosts<Runtime>;
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
    type Tariff = Tasks;
    type Revealed = Results;
    type Roster = Assignments;
    type Tribunal = Disputes;
    type ChallengeBond = pallet_parameters::ChallengeBond<Runtime>;
    type AnswerPrice = pallet_parameters::AnswerPrice<Runtime>;
    type AnswerPeriod = AnswerPeriod;
    type MaxChallenges = ConstU8<8>;
    type Treasury = crate::configs::TreasuryAccount;
    type WeightInfo = weights::pallet_challenges::WeightInfo<Runtime>;
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = crate::benchmark_helpers::Rounds;
}

impl pallet_golds::Config for Runtime {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type BlockNumberProvider = System;
    type Clock = Tasks;
    type Escrow = Tasks;
    type Salted = Results;
    type Assay = Validation;
    type Deposit = GoldDeposit;
    type Treasury = crate::configs::TreasuryAccount;
    type WeightInfo = weights::pallet_golds::WeightInfo<Runtime>;
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = crate::benchmark_helpers::Rounds;
}

impl pallet_parameters::Config for Runtime {
    type SetOrigin = CouncilMajority;
    type Initial = InitialParameters;
    type Prices = MeasuredBy;
    type WeightInfo = weights::pallet_parameters::WeightInfo<Runtime>;
}
