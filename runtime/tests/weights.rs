//! What calls weigh: never nothing, and within a block.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "support/calls.rs"]
mod calls;

use decentralml_runtime::*;
use frame_support::{dispatch::DispatchClass, traits::GetCallMetadata, weights::Weight};
use std::{any::TypeId, collections::BTreeSet};

const OURS: [&str; 6] = ["Participants", "Tasks", "Assignments", "Results", "Validation", "Models"];

/// Whether a pallet's weights are the placeholder that is right in mocks only.
macro_rules! placeholder {
    ($($pallet:ident: $config:path),* $(,)?) => {
        [$((
            stringify!($pallet),
            TypeId::of::<<Runtime as $config>::WeightInfo>() == TypeId::of::<()>(),
        )),*]
    };
}

#[test]
fn nothing_that_can_be_dispatched_has_a_placeholder_for_its_weights() {
    let mut placeholders: Vec<(&str, bool)> = placeholder!(
        Timestamp: pallet_timestamp::Config,
        Babe: pallet_babe::Config,
        Session: pallet_session::Config,
        Grandpa: pallet_grandpa::Config,
        Utility: pallet_utility::Config,
        Balances: pallet_balances::Config,
        Council: pallet_collective::Config<configs::CouncilInstance>,
        CouncilMembership: pallet_membership::Config<pallet_membership::Instance1>,
        ValidatorMembership: pallet_membership::Config<configs::ValidatorInstance>,
        Participants: pallet_participants::Config,
        Tasks: pallet_tasks::Config,
        Assignments: pallet_assignments::Config,
        Results: pallet_results::Config,
        Validation: pallet_validation::Config,
        Models: pallet_models::Config,
    )
    .to_vec();
    let unit = TypeId::of::<()>();
    let system = [
        TypeId::of::<<Runtime as frame_system::Config>::SystemWeightInfo>(),
        TypeId::of::<<Runtime as frame_system::Config>::ExtensionsWeightInfo>(),
        TypeId::of::<<Runtime as pallet_transaction_payment::Config>::WeightInfo>(),
    ];
    placeholders.push(("System", system.contains(&unit)));

    let looked_at: BTreeSet<&str> = placeholders.iter().map(|(pallet, _)| *pallet).collect();
    let with_calls: BTreeSet<&str> = RuntimeCall::get_module_names()
        .iter()
        .filter(|pallet| !RuntimeCall::get_call_names(pallet).is_empty())
        .copied()
        .collect();
    assert_eq!(looked_at, with_calls, "every pallet with calls is looked at");
    for (pallet, placeholder) in placeholders {
        assert!(!placeholder, "{pallet}");
    }
}

#[test]
fn every_call_of_ours_fits_into_a_block() {
    chain(|| {
        let limits = <Runtime as frame_system::Config>::BlockWeights::get();
        let most = limits.get(DispatchClass::Normal).max_extrinsic.unwrap();
        let mut seen = BTreeSet::new();
        for (pallet, name, call) in calls::ours() {
            let weight = calls::declared(call).0.call_weight;
            assert!(weight.all_lt(most), "{pallet}.{name} weighs {weight}");
            assert!(weight.all_gt(Weight::zero()), "{pallet}.{name} weighs {weight}");
            seen.insert((pallet, name));
        }
        for pallet in OURS {
            for name in RuntimeCall::get_call_names(pallet) {
                assert!(seen.contains(&(pallet, *name)), "{pallet}.{name}");
            }
        }
    });
}

/// The largest round there is commits within a minute of six-second blocks, whatever else happens.
#[test]
fn ten_blocks_take_the_commitments_of_the_largest_round() {
    chain(|| {
        let limits = <Runtime as frame_system::Config>::BlockWeights::get();
        let normal = limits.get(DispatchClass::Normal);
        let commit = calls::declared(calls::named("Results", "commit").unwrap()).0.total_weight();
        let whole = commit.saturating_add(normal.base_extrinsic).saturating_mul(256);
        assert!(whole.all_lte(normal.max_total.unwrap().saturating_mul(10)), "{whole}");
    });
}

fn chain(test: impl FnOnce()) {
    sp_io::TestExternalities::default().execute_with(test);
}
