//! The command line: `decentralml-node [OPTIONS]` runs a node, its subcommands look after its data.

use std::path::PathBuf;

use clap::{CommandFactory, FromArgMatches, Parser, builder::PossibleValuesParser};
use sc_cli::{RunCmd, SubstrateCli};
use sc_service::ChainType;

use crate::{chain_spec, command};

/// Upper bound of the cache of state, in bytes. The chain's state is small; the SDK's gibibyte suits far larger ones.
const TRIE_CACHE_BYTES: &str = "67108864";

/// The whole command line.
#[derive(Debug, Parser)]
pub struct Cli {
    /// What to do instead of running a node.
    #[command(subcommand)]
    pub subcommand: Option<Subcommand>,

    #[command(flatten)]
    pub run: RunCmd,

    /// The runtime (WebAssembly) with which the chains `dev` and `local` begin.
    ///
    /// Without it: `decentralml_runtime.compact.compressed.wasm` beside this program, or where a build of the workspace
    /// leaves it. A chain specification in JSON carries its own.
    #[arg(long, global = true, value_name = "WASM", env = "DECENTRALML_RUNTIME")]
    pub runtime: Option<PathBuf>,
}

impl Cli {
    /// Reads the arguments of this process; prints help or what is wrong with them, and ends it, where that is due.
    pub fn from_process() -> Self {
        let command = Self::command()
            .mut_arg("trie_cache_size", |argument| argument.default_value(TRIE_CACHE_BYTES));
        let matches = Self::setup_command(command).get_matches();
        Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
    }
}

/// What the program does besides running a node.
#[derive(Debug, clap::Subcommand)]
#[allow(clippy::large_enum_variant, reason = "one value in the life of the process")]
pub enum Subcommand {
    /// Generate, inspect and insert keys.
    #[command(subcommand)]
    Key(sc_cli::KeySubcommand),

    /// Make a chain specification from a runtime and one of its genesis presets.
    ChainSpec(ChainSpecCmd),

    /// Print the specification of `dev`, `local` or a file, as it is or with the raw genesis state.
    ExportChainSpec(sc_cli::ExportChainSpecCmd),

    /// Execute a stored block again and check it.
    CheckBlock(sc_cli::CheckBlockCmd),

    /// Write blocks to a file.
    ExportBlocks(sc_cli::ExportBlocksCmd),

    /// Write the state of a block as a chain specification.
    ExportState(sc_cli::ExportStateCmd),

    /// Read blocks from a file.
    ImportBlocks(sc_cli::ImportBlocksCmd),

    /// Delete the chain's data.
    PurgeChain(sc_cli::PurgeChainCmd),

    /// Take back the latest blocks that are not final.
    Revert(sc_cli::RevertCmd),

    /// Print the database's best, genesis and finalized block.
    ChainInfo(sc_cli::ChainInfoCmd),
}

/// Makes a chain specification in JSON on standard output. The preset `live_template` gives one for a live chain: put
/// your own keys into it, then `export-chain-spec --raw --chain <FILE>` makes the file that all nodes share.
#[derive(Debug, clap::Args)]
pub struct ChainSpecCmd {
    /// The runtime's genesis preset, for example `development`, `local_testnet` or `live_template`.
    #[arg(long)]
    pub preset: String,

    /// The chain's name for people.
    #[arg(long)]
    pub name: String,

    /// The chain's name for programs: it names the folder of the database.
    #[arg(long)]
    pub id: String,

    /// What kind of chain it is. Nodes of a live one do not dial private addresses.
    #[arg(long, default_value = "live", value_parser = chain_types())]
    pub chain_type: String,

    /// Write the genesis state itself, not the values that it is made from.
    #[arg(long)]
    pub raw: bool,
}

fn chain_types() -> PossibleValuesParser {
    PossibleValuesParser::new(["development", "local", "live"])
}

impl ChainSpecCmd {
    /// Prints the specification.
    ///
    /// # Errors
    ///
    /// No runtime is found, it has no such preset, or the raw state that is asked for would have no validators.
    pub fn run(&self, cli: &Cli) -> sc_cli::Result<()> {
        let chain_type = match self.chain_type.as_str() {
            "development" => ChainType::Development,
            "local" => ChainType::Local,
            _ => ChainType::Live,
        };
        let code = chain_spec::runtime_code(cli.runtime.as_deref())?;
        let spec = chain_spec::from_preset(&code, &self.preset, &self.name, &self.id, chain_type);
        let json =
            if self.raw { chain_spec::raw_json(Box::new(spec))? } else { spec.as_json(false)? };
        command::print(&json)
    }
}
