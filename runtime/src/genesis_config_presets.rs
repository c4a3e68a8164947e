//! The chains that can be started by name.
//!
//! | Preset | Validators | Block time | Council | To appeal, judge, answer |
//! | --- | --- | --- | --- | --- |
//! | `development` | Alice | 1 s | Alice, Bob, Charlie | 30, 60, 30 blocks |
//! | `local_testnet` | Alice, Bob, Charlie, Dave | 1 s | Alice, Bob, Charlie | 30, 60, 30 blocks |
//! | `live_template` | none: the operators put in their own keys | 6 s | none | 28,800, 72,000, 600 blocks |

use crate::{
    AccountId, BalancesConfig, CouncilMembershipConfig, ParticipantsConfig, RuntimeGenesisConfig,
    SessionConfig, SessionKeys, SettingsConfig, UNIT, ValidatorMembershipConfig,
    configs::{BABE_GENESIS_EPOCH_CONFIG, TreasuryAccount},
};
use alloc::{vec, vec::Vec};
use decentralml_types::{Balance, Role};
use frame_support::{BoundedVec, build_struct_json_patch};
use serde_json::Value;
use sp_genesis_builder::PresetId;
use sp_keyring::{Ed25519Keyring, Sr25519Keyring};

/// One validator.
pub const DEVELOPMENT: &str = sp_genesis_builder::DEV_RUNTIME_PRESET;
/// Four validators.
pub const LOCAL_TESTNET: &str = sp_genesis_builder::LOCAL_TESTNET_RUNTIME_PRESET;
/// A chain without well-known keys, to be filled in.
pub const LIVE_TEMPLATE: &str = "live_template";

/// What each well-known account owns on chains that are not live.
const ENDOWMENT: Balance = 1_000_000 * UNIT;
/// What of it each validator has bonded: the least.
const VALIDATOR_BOND: Balance = 100 * UNIT;

/// The genesis patch of a preset as JSON; `None` where there is no such preset.
pub fn get_preset(id: &PresetId) -> Option<Vec<u8>> {
    let patch = match id.as_ref() {
        DEVELOPMENT => well_known(vec![Sr25519Keyring::Alice], 60),
        LOCAL_TESTNET => well_known(
            vec![
                Sr25519Keyring::Alice,
                Sr25519Keyring::Bob,
                Sr25519Keyring::Charlie,
                Sr25519Keyring::Dave,
            ],
            20,
        ),
        LIVE_TEMPLATE => live_template(),
        _ => return None,
    };
    Some(alloc::string::ToString::to_string(&patch).into_bytes())
}

/// All presets.
pub fn preset_names() -> Vec<PresetId> {
    vec![DEVELOPMENT.into(), LOCAL_TESTNET.into(), LIVE_TEMPLATE.into()]
}

/// A chain of well-known keys with a block each second.
fn well_known(validators: Vec<Sr25519Keyring>, epoch_length: u64) -> Value {
    let accounts: Vec<AccountId> =
        Sr25519Keyring::well_known().map(|key| key.to_account_id()).collect();
    let council = [Sr25519Keyring::Alice, Sr25519Keyring::Bob, Sr25519Keyring::Charlie]
        .map(|k| k.to_account_id());
    let mut balances: Vec<(AccountId, Balance)> =
        accounts.into_iter().map(|account| (account, ENDOWMENT)).collect();
    balances.push((TreasuryAccount::get(), UNIT));
    build_struct_json_patch!(RuntimeGenesisConfig {
        settings: SettingsConfig {
            block_time: 1_000,
            epoch_length,
            // Short enough to watch a case to its end.
            appeal_window: 30,
            judgment_period: 60,
            answer_period: 30,
        },
        balances: BalancesConfig { balances },
        babe: pallet_babe::GenesisConfig { epoch_config: BABE_GENESIS_EPOCH_CONFIG },
        council_membership: CouncilMembershipConfig {
            members: BoundedVec::truncate_from(council.to_vec())
        },
        validator_membership: ValidatorMembershipConfig {
            members: BoundedVec::truncate_from(
                validators.iter().map(|key| key.to_account_id()).collect::<Vec<_>>()
            ),
        },
        participants: ParticipantsConfig {
            bonds: validators
                .iter()
                .map(|key| (Role::Validator, key.to_account_id(), VALIDATOR_BOND))
                .collect::<Vec<_>>(),
        },
        session: SessionConfig {
            keys: validators
                .iter()
                .map(|key| (key.to_account_id(), key.to_account_id(), session_keys(*key)))
                .collect::<Vec<_>>(),
        },
    })
}

fn session_keys(key: Sr25519Keyring) -> SessionKeys {
    // Both keyrings name the same people in the same order.
    let grandpa = match key {
        Sr25519Keyring::Alice => Ed25519Keyring::Alice,
        Sr25519Keyring::Bob => Ed25519Keyring::Bob,
        Sr25519Keyring::Charlie => Ed25519Keyring::Charlie,
        _ => Ed25519Keyring::Dave,
    };
    SessionKeys { babe: key.public().into(), grandpa: grandpa.public().into() }
}

/// Everything that is not a key. Operators add balances, the council, validators, their session keys and their bonds.
fn live_template() -> Value {
    build_struct_json_patch!(RuntimeGenesisConfig {
        settings: SettingsConfig { block_time: 6_000, epoch_length: 600 },
        balances: BalancesConfig { balances: vec![(TreasuryAccount::get(), UNIT)] },
        babe: pallet_babe::GenesisConfig { epoch_config: BABE_GENESIS_EPOCH_CONFIG },
    })
}
