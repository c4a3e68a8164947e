//! What a chain starts from, and what clients know of it.
#![allow(clippy::unwrap_used)]

use decentralml_runtime::{Runtime, RuntimeGenesisConfig, genesis_config_presets as presets};
use frame_support::traits::Get;
use sp_io::TestExternalities;
use sp_runtime::BuildStorage;

#[test]
fn every_preset_builds_a_chain() {
    for name in presets::preset_names() {
        chain(&name, serde_json::json!({}));
    }
    assert!(presets::get_preset(&"unknown".into()).is_none());
}

/// A chain of a preset with these changes.
fn chain(preset: &sp_genesis_builder::PresetId, changes: serde_json::Value) -> TestExternalities {
    let patch = serde_json::from_slice(&presets::get_preset(preset).unwrap()).unwrap();
    let mut config = serde_json::to_value(RuntimeGenesisConfig::default()).unwrap();
    merge(&mut config, patch);
    merge(&mut config, changes);
    let config: RuntimeGenesisConfig = serde_json::from_value(config).unwrap();
    config.build_storage().unwrap().into()
}

/// Blocks to appeal, to judge and to answer.
fn windows() -> [u32; 3] {
    [
        <Runtime as pallet_disputes::Config>::AppealWindow::get(),
        <Runtime as pallet_disputes::Config>::JudgmentPeriod::get(),
        <Runtime as pallet_challenges::Config>::AnswerPeriod::get(),
    ]
}

#[test]
fn cases_are_short_on_development_chains_and_nowhere_longer_than_bonds_stay() {
    for name in [presets::DEVELOPMENT, presets::LOCAL_TESTNET] {
        let mut chain = chain(&name.into(), serde_json::json!({}));
        chain.execute_with(|| assert_eq!(windows(), [30, 60, 30]));
    }
    let usual = [28_800, 72_000, 600];
    let live = presets::LIVE_TEMPLATE.into();
    chain(&live, serde_json::json!({})).execute_with(|| assert_eq!(windows(), usual));
    let endless = serde_json::json!({
        "settings": { "appealWindow": u32::MAX, "judgmentPeriod": u32::MAX, "answerPeriod": 9 }
    });
    chain(&live, endless).execute_with(|| {
        assert_eq!(windows(), [usual[0], usual[1], 9]);
        let unbonding = <Runtime as pallet_participants::Config>::UnbondingPeriod::get();
        assert!(unbonding > <Runtime as pallet_participants::Config>::Liability::get());
    });
}

#[test]
fn the_first_validators_of_well_known_chains_have_bonded() {
    use decentralml_types::Role;
    for (name, validators) in [(presets::DEVELOPMENT, 1), (presets::LOCAL_TESTNET, 4)] {
        chain(&name.into(), serde_json::json!({})).execute_with(|| {
            let appointed = decentralml_runtime::ValidatorMembership::members();
            assert_eq!(appointed.len(), validators);
            let bonded = appointed.iter().filter(|who| {
                let row = pallet_participants::Members::<Runtime>::get(Role::Validator, who);
                row.is_some_and(|row| {
                    row.bond >= <Runtime as pallet_participants::Config>::MinValidatorBond::get()
                })
            });
            assert_eq!(bonded.count(), validators);
        });
    }
}

#[test]
fn no_session_is_longer_than_bonds_stay_for() {
    let live = presets::LIVE_TEMPLATE.into();
    let endless = serde_json::json!({ "settings": { "epochLength": u64::MAX } });
    chain(&live, endless).execute_with(|| {
        let length = decentralml_runtime::settings::EpochLength::<Runtime>::get();
        let longest: u32 = <Runtime as pallet_validators::Config>::LongestSession::get();
        assert_eq!(length, u64::from(longest));
    });
}

#[test]
fn the_live_template_has_no_well_known_key() {
    let text =
        String::from_utf8(presets::get_preset(&presets::LIVE_TEMPLATE.into()).unwrap()).unwrap();
    for key in sp_keyring::Sr25519Keyring::well_known() {
        assert!(!text.contains(&key.to_account_id().to_string()), "{key:?}");
    }
}

#[test]
fn the_clients_metadata_is_that_of_this_runtime() {
    let current = sp_io::TestExternalities::default()
        .execute_with(|| Runtime::metadata_at_version(16).unwrap());
    let checked_in = include_bytes!("../../client/sdk/metadata.scale");
    assert!(
        *checked_in == current[..],
        "client/sdk/metadata.scale is stale: run scripts/metadata.sh"
    );
}

#[test]
fn the_pallets_constants_fit_each_other() {
    sp_io::TestExternalities::default().execute_with(|| {
        <decentralml_runtime::AllPalletsWithSystem as frame_support::traits::IntegrityTest>::integrity_test();
    });
}

fn merge(into: &mut serde_json::Value, patch: serde_json::Value) {
    match (into, patch) {
        (serde_json::Value::Object(into), serde_json::Value::Object(patch)) => {
            for (key, value) in patch {
                merge(into.entry(key).or_insert(serde_json::Value::Null), value);
            }
        }
        (into, patch) => *into = patch,
    }
}
