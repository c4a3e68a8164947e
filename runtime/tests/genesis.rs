//! What a chain starts from, and what clients know of it.
#![allow(clippy::unwrap_used)]

use decentralml_runtime::{Runtime, RuntimeGenesisConfig, genesis_config_presets as presets};
use sp_runtime::BuildStorage;

#[test]
fn every_preset_builds_a_chain() {
    for name in presets::preset_names() {
        let patch: serde_json::Value =
            serde_json::from_slice(&presets::get_preset(&name).unwrap()).unwrap();
        let mut config = serde_json::to_value(RuntimeGenesisConfig::default()).unwrap();
        merge(&mut config, patch);
        let config: RuntimeGenesisConfig = serde_json::from_value(config).unwrap();
        config.build_storage().unwrap();
    }
    assert!(presets::get_preset(&"unknown".into()).is_none());
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
