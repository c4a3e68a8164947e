//! What calls weigh and cost: measured for all that can be dispatched, within a block, and paid for where they are free.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "support/calls.rs"]
mod calls;

use decentralml_runtime::*;
use decentralml_types::{
    TaskSpec,
    limits::{MAX_SEATS, MAX_TRAINERS, TALLY_BATCH},
    spec::Committee,
};
use frame_support::{
    dispatch::DispatchClass,
    traits::{Get, GetCallMetadata, StorageInfoTrait},
    weights::Weight,
};
use std::{
    any::TypeId,
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

const OURS: [&str; 11] = [
    "Participants",
    "Tasks",
    "Assignments",
    "Results",
    "Validation",
    "Models",
    "Data",
    "Disputes",
    "Challenges",
    "Golds",
    "Parameters",
];

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
fn whatever_can_be_dispatched_has_measured_weights() {
    let mut placeholders: Vec<(&str, bool)> = placeholder!(
        Timestamp: pallet_timestamp::Config,
        Babe: pallet_babe::Config,
        Session: pallet_session::Config,
        Grandpa: pallet_grandpa::Config,
        Utility: pallet_utility::Config,
        Balances: pallet_balances::Config,
        Assets: pallet_assets::Config,
        Council: pallet_collective::Config<configs::CouncilInstance>,
        CouncilMembership: pallet_membership::Config<pallet_membership::Instance1>,
        ValidatorMembership: pallet_membership::Config<configs::ValidatorInstance>,
        Participants: pallet_participants::Config,
        Tasks: pallet_tasks::Config,
        Assignments: pallet_assignments::Config,
        Results: pallet_results::Config,
        Validation: pallet_validation::Config,
        Models: pallet_models::Config,
        Data: pallet_data::Config,
        Disputes: pallet_disputes::Config,
        Challenges: pallet_challenges::Config,
        Golds: pallet_golds::Config,
        Parameters: pallet_parameters::Config,
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

/// What `scripts/weights.sh` writes counts the rows that a benchmark has touched, which no estimate knows.
#[test]
fn our_weights_files_are_measured() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/weights");
    let mut measured = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains("Made by `scripts/weights.sh`"), "{}", path.display());
        assert!(!text.contains("<() as"), "{}", path.display());
        measured += 1;
    }
    // BABE's and GRANDPA's checks of proofs as well.
    assert_eq!(measured, OURS.len() + 2);
}

/// A call that weighs more in one case than in another has a function for each. That each function has a benchmark, and says of rows
/// read and written what that counts, is what `scripts/weights.sh --check` looks at.
#[test]
fn every_call_of_ours_has_a_function_in_its_pallets_file() {
    for pallet in OURS {
        let file = format!("src/weights/pallet_{}.rs", pallet.to_lowercase());
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(&file)).unwrap();
        for call in RuntimeCall::get_call_names(pallet) {
            let functions = [format!("fn {call}("), format!("fn {call}_")];
            assert!(functions.iter().any(|function| text.contains(function)), "{call} in {file}");
        }
    }
}

#[test]
fn the_weight_of_every_call_of_ours_is_not_its_pallets_estimate() {
    use pallet_assignments::WeightInfo as _;
    use pallet_challenges::WeightInfo as _;
    use pallet_data::WeightInfo as _;
    use pallet_disputes::WeightInfo as _;
    use pallet_golds::WeightInfo as _;
    use pallet_models::WeightInfo as _;
    use pallet_parameters::WeightInfo as _;
    use pallet_participants::WeightInfo as _;
    use pallet_results::WeightInfo as _;
    use pallet_tasks::WeightInfo as _;
    use pallet_validation::WeightInfo as _;

    /// Pairs of a function's weight here and in the mocks.
    macro_rules! compare {
        ($($pallet:ident: $($call:ident($($size:expr)?)),*);* $(;)?) => {
            [$($((
                concat!(stringify!($pallet), ".", stringify!($call)),
                <Runtime as $pallet::Config>::WeightInfo::$call($($size)?),
                <() as $pallet::WeightInfo>::$call($($size)?),
            )),*),*]
        };
    }
    let pairs = compare!(
        pallet_participants: bond(), unbond(), withdraw(), set_hosts(), set_encryption_key(), forget();
        pallet_tasks: create(), fund(), pause(), resume(), cancel(), advance_tally(),
            advance_tally_between(), advance_settle(), reap(10), collect(), write_off();
        pallet_assignments: enroll(), leave(), dismiss(), capture_seed();
        pallet_results: commit(), commit_last(), reveal(), reveal_last(), hand_over();
        pallet_validation: commit_scores(), open_scores(2), attest(), claim_unrevealed(),
            claim_faulty(), claim_seat(), forget();
        pallet_models: release(), recall(), prune();
        pallet_data: register(), grant(), revoke(), retire();
        pallet_disputes: appeal(), vote(), conclude_guilty(), conclude_freed();
        pallet_challenges: challenge(), answer(1_000), conclude();
        pallet_golds: announce(), reveal(), conclude();
        pallet_parameters: set_parameters();
    );
    for (call, here, estimate) in pairs {
        assert_ne!(here, estimate, "{call}");
    }
}

/// A slope below one access per unit is lost where the SDK's analysis rounds it: then a large call is weighed like a small one.
#[test]
fn a_seat_pays_for_every_sheet_that_it_writes() {
    use pallet_validation::WeightInfo as _;
    type Weights = <Runtime as pallet_validation::Config>::WeightInfo;
    let sheets = u64::from(MAX_TRAINERS.div_ceil(TALLY_BATCH));
    let more = Weights::open_scores(sheets as u32).saturating_sub(Weights::open_scores(1));
    let writes = <Runtime as frame_system::Config>::DbWeight::get().writes(sheets - 1);
    assert!(more.ref_time() >= writes.ref_time(), "{more}");
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

/// Otherwise two that challenge and answer each other would fill blocks for nothing, or answering would not pay.
#[test]
fn the_price_of_an_answer_covers_its_fee_and_its_reward_another_one() {
    chain(|| {
        let fee = calls::fee(calls::longest_answer());
        let price = <Runtime as pallet_challenges::Config>::AnswerPrice::get();
        let reward = <Runtime as pallet_challenges::Config>::ChallengeBond::get() - price;
        assert!(fee <= price && price <= 2 * fee, "{price} for {fee}");
        assert!(reward >= 2 * fee, "{reward} for {fee}");
    });
}

#[test]
fn the_longest_answer_leaves_room_for_two_more_in_its_block() {
    chain(|| {
        let (_, bytes) = calls::declared(calls::longest_answer());
        let length = <Runtime as frame_system::Config>::BlockLength::get();
        assert!(3 * bytes <= *length.max.get(DispatchClass::Normal), "{bytes}");
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

#[test]
fn a_rounds_charge_is_of_the_order_of_what_its_free_calls_would_cost() {
    let mut largest = decentralml_protocol::spec::example();
    largest.trainers.max = 256;
    largest.committee = Committee { seats: MAX_SEATS as u8, quorum: 21 };
    let mut sealed = largest.clone();
    sealed.custody.sealed = true;
    chain(|| {
        for spec in [decentralml_protocol::spec::example(), largest, sealed] {
            let (charge, fees) = charge_and_fees(&spec);
            assert!(charge >= fees / 2 && charge <= fees * 2, "{charge} for {fees}");
        }
    });
}

fn charge_and_fees(spec: &TaskSpec) -> (u128, u128) {
    let fees = calls::ordinary_round(spec)
        .into_iter()
        .map(|(count, call)| u128::from(count) * calls::fee(call))
        .sum();
    let price = <Runtime as pallet_tasks::Config>::CallPrice::get();
    (spec.round_charge(price).unwrap(), fees)
}

fn chain(test: impl FnOnce()) {
    sp_io::TestExternalities::default().execute_with(test);
}

#[test]
fn no_row_has_grown_since_its_weights_were_measured() {
    let sizes: BTreeMap<String, Option<u32>> = AllPalletsWithSystem::storage_info()
        .into_iter()
        .map(|row| {
            let names = [row.pallet_name, row.storage_name].map(String::from_utf8);
            let [pallet, storage] = names.map(Result::unwrap);
            (format!("{pallet}::{storage}"), row.max_size)
        })
        .collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/weights");
    let (mut seen, mut stale) = (0, BTreeSet::new());
    for file in fs::read_dir(folder).unwrap() {
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        for line in text.lines() {
            // Such as: // Proof: `Tasks::Tasks` (`max_values`: None, `max_size`: Some(666), added: 3141, …
            let Some((row, rest)) =
                line.trim().strip_prefix("// Proof: `").and_then(|rest| rest.split_once('`'))
            else {
                continue;
            };
            let Some((_, measured)) = rest.split_once("`max_size`: Some(") else { continue };
            let measured = measured.split(')').next().unwrap().parse().unwrap();
            seen += 1;
            if sizes.get(row) != Some(&Some(measured)) {
                stale.insert(format!("{row}: {measured}, now {:?}", sizes.get(row)));
            }
        }
    }
    assert!(seen > 100, "only {seen} rows were found");
    assert!(stale.is_empty(), "run scripts/weights.sh: {stale:?}");
}
