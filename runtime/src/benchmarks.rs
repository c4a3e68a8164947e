//! Which pallets `scripts/weights.sh` can measure: ours, whose weights are in [`crate::weights`], and those of the SDK, whose
//! own figures serve unless somebody wants to compare them with a machine at hand.

use crate::Runtime;

impl frame_system_benchmarking::Config for Runtime {}
impl pallet_transaction_payment::BenchmarkConfig for Runtime {}

frame_benchmarking::define_benchmarks!(
    [frame_system, SystemBench::<Runtime>]
    [frame_system_extensions, SystemExtensionsBench::<Runtime>]
    [pallet_timestamp, Timestamp]
    [pallet_babe, Babe]
    [pallet_grandpa, Grandpa]
    [pallet_utility, Utility]
    [pallet_balances, Balances]
    [pallet_assets, Assets]
    [pallet_transaction_payment, TransactionPayment]
    [pallet_collective, Council]
    [pallet_membership, CouncilMembership]
    [pallet_participants, Participants]
    [pallet_tasks, Tasks]
    [pallet_assignments, Assignments]
    [pallet_results, Results]
    [pallet_validation, Validation]
    [pallet_models, Models]
    [pallet_data, Data]
    [pallet_disputes, Disputes]
    [pallet_challenges, Challenges]
    [pallet_golds, Golds]
    [pallet_parameters, Parameters]
);
