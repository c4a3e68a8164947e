//! With which state, name and runtime a chain begins.

use std::{env, fs, path::Path};

use codec::Decode;
use sc_chain_spec::GenesisConfigBuilderRuntimeCaller;
use sc_executor::WasmExecutor;
use sc_service::{ChainSpec as _, ChainType, GenericChainSpec, Properties};
use serde_json::json;
use sp_consensus_grandpa::AuthorityList;
use sp_core::{
    storage::{Storage, well_known_keys},
    traits::{CallContext, CodeExecutor, RuntimeCode, WrappedRuntimeCode},
};
use sp_genesis_builder::{DEV_RUNTIME_PRESET, LOCAL_TESTNET_RUNTIME_PRESET};

/// What a build of the runtime leaves behind, relative to the folder of the programs: first where an installation
/// puts it, then where Cargo does.
const RUNTIME_PLACES: [&str; 2] = [
    "decentralml_runtime.compact.compressed.wasm",
    "wbuild/decentralml-runtime/decentralml_runtime.compact.compressed.wasm",
];

/// A specification without extensions: the SDK's own format.
pub type ChainSpec = GenericChainSpec;

/// Whether the genesis state is made at once or only when somebody asks for it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Genesis {
    /// Now, for a node that is about to run. Left to the SDK, the runtime would be compiled once more for it, which
    /// takes seconds.
    State,
    /// Later, if at all: the specification says from which preset.
    Preset,
}

/// The chain that `--chain` names: `dev`, `local` (also when nothing is named), or the path of a specification in JSON.
///
/// # Errors
///
/// A sentence for people: the file cannot be read, or no runtime is found for a built-in chain.
pub fn load(id: &str, runtime: Option<&Path>, genesis: Genesis) -> Result<ChainSpec, String> {
    let (preset, name, id, chain_type) = match id {
        "dev" => (
            DEV_RUNTIME_PRESET,
            "DecentralML Development",
            "decentralml_dev",
            ChainType::Development,
        ),
        "" | "local" => (
            LOCAL_TESTNET_RUNTIME_PRESET,
            "DecentralML Local Testnet",
            "decentralml_local",
            ChainType::Local,
        ),
        path => {
            return ChainSpec::from_json_file(path.into()).map_err(|error| {
                format!(
                    "{error}. A chain is `dev`, `local` or the path of a chain specification in JSON."
                )
            });
        }
    };
    let code = runtime_code(runtime)?;
    let mut spec = from_preset(&code, preset, name, id, chain_type);
    if genesis == Genesis::State {
        spec.set_storage(state(code, preset)?);
    }
    Ok(spec)
}

/// The genesis state that the runtime makes of a preset, the runtime itself included.
fn state(code: Vec<u8>, preset: &str) -> Result<Storage, String> {
    let mut state = GenesisConfigBuilderRuntimeCaller::<()>::new(&code)
        .get_storage_for_named_preset(Some(&preset.to_owned()))?;
    state.top.insert(well_known_keys::CODE.to_vec(), code);
    Ok(state)
}

/// A specification as the JSON that all nodes share, with its raw genesis state.
///
/// # Errors
///
/// The genesis cannot be built, or names no validators: nodes would refuse the file, whose hash is the chain's identity.
pub fn raw_json(mut spec: Box<dyn sc_service::ChainSpec>) -> Result<String, String> {
    let genesis = spec.build_storage()?;
    insist_on_voters(&voters(genesis.clone())?)?;
    spec.set_storage(genesis);
    spec.as_json(true)
}

/// The voters with which a chain begins, as its runtime tells them.
fn voters(genesis: Storage) -> Result<AuthorityList, String> {
    const QUESTION: &str = "GrandpaApi_grandpa_authorities";
    let code = genesis
        .top
        .get(well_known_keys::CODE)
        .ok_or("the chain specification has no runtime, the `code` of its genesis")?;
    let code = WrappedRuntimeCode(code.clone().into());
    // There is one call, so nothing is cached under the hash.
    let runtime = RuntimeCode { code_fetcher: &code, hash: Vec::new(), heap_pages: None };
    let executor = WasmExecutor::<sp_io::SubstrateHostFunctions>::builder().build();
    // The SDK's state in memory, whatever its name says.
    let mut state = sp_io::TestExternalities::new(genesis);
    let (answer, _) =
        executor.call(&mut state.ext(), &runtime, QUESTION, &[], CallContext::Offchain);
    let answer =
        answer.map_err(|error| format!("the runtime does not answer {QUESTION}: {error}"))?;
    AuthorityList::decode(&mut &answer[..])
        .map_err(|error| format!("the runtime's answer to {QUESTION} cannot be read: {error}"))
}

/// A chain that begins without validators has no first block.
///
/// # Errors
///
/// There are none; the sentence says what the specification lacks.
pub fn insist_on_voters(voters: &AuthorityList) -> Result<(), String> {
    if voters.is_empty() {
        return Err(
            "the chain specification names no validators: put their accounts and session keys under `session`, `keys` of its \
             genesis, as docs/validators.md shows"
                .into(),
        );
    }
    Ok(())
}

/// A specification whose genesis is one of the runtime's presets. The preset is looked up when the genesis is built.
pub fn from_preset(
    code: &[u8],
    preset: &str,
    name: &str,
    id: &str,
    chain_type: ChainType,
) -> ChainSpec {
    ChainSpec::builder(code, None)
        .with_name(name)
        .with_id(id)
        .with_chain_type(chain_type)
        .with_protocol_id("decentralml")
        .with_properties(properties())
        .with_genesis_config_preset_name(preset)
        .build()
}

/// How wallets show amounts and addresses: one unit is 10^12 planck, addresses have Substrate's generic prefix.
fn properties() -> Properties {
    let mut properties = Properties::new();
    properties.insert("tokenSymbol".into(), json!("DML"));
    properties.insert("tokenDecimals".into(), json!(12));
    properties.insert("ss58Format".into(), json!(42));
    properties
}

/// The runtime's WebAssembly: the given file, or the first that lies beside this program.
///
/// # Errors
///
/// A sentence for people that names the places which were searched.
pub fn runtime_code(given: Option<&Path>) -> Result<Vec<u8>, String> {
    let read = |path: &Path| {
        fs::read(path)
            .map_err(|error| format!("cannot read the runtime {}: {error}", path.display()))
    };
    if let Some(path) = given {
        return read(path);
    }
    let program = env::current_exe()
        .map_err(|error| format!("cannot tell where this program lies: {error}"))?;
    let folder = program.parent().unwrap_or(Path::new("."));
    let [installed, built] = RUNTIME_PLACES.map(|place| folder.join(place));
    if installed.is_file() {
        return read(&installed);
    }
    if built.is_file() {
        return read(&built);
    }
    Err(format!(
        "no runtime found. Name the WebAssembly file with --runtime or DECENTRALML_RUNTIME, or put it at {} or at {}, \
         or give --chain a specification in JSON, which carries its own.",
        installed.display(),
        built.display(),
    ))
}
