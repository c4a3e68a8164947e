//! Settings: flags over the environment over one TOML file over defaults.

mod token;

use crate::{
    exit::{Kind, OfKind, problem},
    units::{Amount, Size, Weight},
};
use clap::Args;
use color_eyre::Result;
use decentralml_learning::{Precision, device::Choice};
use decentralml_storage::SourceUrl;
use serde::{Deserialize, Serialize};
use std::{
    env,
    net::SocketAddr,
    path::{Path, PathBuf},
};
use token::{STORE_TOKEN_FILE, has_token};

pub use token::{TokenVariable, first_line};

/// Where a node of this machine listens.
const CHAIN: &str = "ws://127.0.0.1:9944";
/// Where a store of this machine listens: Kubo's port, and that of `decentralml ipfs daemon`.
const STORE: &str = "http://127.0.0.1:5001";

/// The flags that every command has, each with its environment variable.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Settings")]
pub struct Flags {
    /// The configuration file [default: $XDG_CONFIG_HOME/decentralml/config.toml, if it is there].
    #[arg(long, global = true, value_name = "FILE", env = "DECENTRALML_CONFIG")]
    pub config: Option<PathBuf>,
    /// URL of the chain's RPC [default: ws://127.0.0.1:9944].
    #[arg(long, global = true, value_name = "URL", env = "DECENTRALML_CHAIN")]
    pub chain: Option<String>,
    /// URL of the IPFS store's RPC [default: http://127.0.0.1:5001].
    #[arg(long, global = true, value_name = "URL", env = "DECENTRALML_STORE")]
    pub store: Option<String>,
    /// File whose first line is the token that the store asks for. DECENTRALML_STORE_TOKEN, the token itself, takes its place.
    #[arg(long, global = true, value_name = "FILE", env = STORE_TOKEN_FILE)]
    pub store_token_file: Option<PathBuf>,
    /// URL of a gateway that is asked for what the store does not have; may be given more than once, and is not trusted.
    #[arg(
        long = "source",
        global = true,
        value_name = "URL",
        env = "DECENTRALML_SOURCES",
        value_delimiter = ','
    )]
    pub sources: Vec<SourceUrl>,
    /// Which key of the keystore signs. Without this flag DECENTRALML_SURI, the URI or phrase of a key itself, comes before a
    /// name that the environment or the configuration file gives.
    #[arg(long, global = true, value_name = "NAME", env = "DECENTRALML_ACCOUNT")]
    pub account: Option<String>,
    /// Whether `account` is from the command line.
    #[arg(skip)]
    pub account_is_flag: bool,
    /// Folder of the encrypted keys [default: $XDG_DATA_HOME/decentralml/keys].
    #[arg(long, global = true, value_name = "FOLDER", env = "DECENTRALML_KEYSTORE")]
    pub keystore: Option<PathBuf>,
    /// File with the passphrase of the key; it is asked for on the terminal without one.
    #[arg(long, global = true, value_name = "FILE", env = "DECENTRALML_PASSPHRASE_FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// Folder where daemons keep what they must not forget [default: $XDG_STATE_HOME/decentralml].
    #[arg(long, global = true, value_name = "FOLDER", env = "DECENTRALML_STATE")]
    pub state: Option<PathBuf>,
    /// What is logged to standard error, such as `info` or `warn,decentralml_worker=debug`.
    #[arg(long, global = true, value_name = "FILTER", env = "DECENTRALML_LOG")]
    pub log: Option<String>,
    /// Print the result as one JSON document (amounts in planck), and errors and logs as JSON lines.
    #[arg(long, global = true)]
    pub json: bool,
}

/// The configuration file. `config.example.toml` shows every key.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct File {
    chain: Option<String>,
    store: Option<String>,
    store_token_file: Option<PathBuf>,
    sources: Vec<String>,
    allow_private_hosts: Option<bool>,
    account: Option<String>,
    keystore: Option<PathBuf>,
    passphrase_file: Option<PathBuf>,
    state: Option<PathBuf>,
    log: Option<String>,
    ipfs: Ipfs,
    trainer: Trainer,
    evaluator: Evaluator,
    host: Host,
}

/// Table `[ipfs]`: the embedded store.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ipfs {
    pub listen: Option<SocketAddr>,
    pub token_file: Option<PathBuf>,
    pub gateway: Option<SocketAddr>,
    pub folder: Option<PathBuf>,
    pub max_storage: Option<Size>,
}

/// Table `[trainer]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Trainer {
    pub data: Option<PathBuf>,
    pub labels: Option<PathBuf>,
    pub label_column: Option<String>,
    pub classes: Option<usize>,
    pub class_names: Vec<String>,
    pub quantities: usize,
    pub group_column: Option<String>,
    pub steps: Option<usize>,
    pub vocabulary: Option<String>,
    pub skip_rows: usize,
    pub scale: Option<f32>,
    pub max_rows: Option<usize>,
    pub max_bytes: Option<Size>,
    pub max_bond: Option<Amount>,
    pub weight: Option<Weight>,
    pub own_store: Option<Size>,
    pub device: Option<Choice>,
    pub precision: Option<Precision>,
}

/// Table `[evaluator]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Evaluator {
    pub max_bond: Option<Amount>,
    pub weight: Option<Weight>,
    pub own_store: Option<Size>,
    pub parallel_fetches: Option<usize>,
}

/// Table `[host]`: what takes updates from trainers, beside an evaluator or by itself.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Host {
    pub listen: Option<SocketAddr>,
    pub announce: Vec<String>,
    pub max_storage: Option<Size>,
}

/// What holds after all sources are put together.
#[derive(Clone, Debug, Serialize)]
pub struct Settings {
    /// The configuration file, where there is one.
    pub config: Option<PathBuf>,
    pub chain: String,
    pub store: String,
    /// Where the store's token is, unless the environment has it.
    pub store_token_file: Option<PathBuf>,
    /// Whether the token is for `store` alone: both come from the configuration file, or the store was given, too.
    #[serde(skip)]
    pub store_token_is_bound: bool,
    pub sources: Vec<String>,
    pub allow_private_hosts: bool,
    pub account: Option<String>,
    /// Whether `account` is from the command line: then it comes before a key of the environment.
    #[serde(skip)]
    pub account_is_flag: bool,
    pub keystore: PathBuf,
    pub passphrase_file: Option<PathBuf>,
    pub state: PathBuf,
    pub log: Option<String>,
    pub json: bool,
    #[serde(skip)]
    pub ipfs: Ipfs,
    #[serde(skip)]
    pub trainer: Trainer,
    #[serde(skip)]
    pub evaluator: Evaluator,
    #[serde(skip)]
    pub host: Host,
}

impl Settings {
    /// Reads the file, if there is one, and puts `flags` (and the environment, which `clap` has put into them) over it.
    ///
    /// A file that was named must be there; the default one may be missing.
    pub fn load(flags: Flags) -> Result<Self> {
        let default = folder("XDG_CONFIG_HOME", ".config").join("config.toml");
        let path = match &flags.config {
            Some(path) => Some(path.clone()),
            None => Some(default).filter(|path| path.is_file()),
        };
        let file = path.as_deref().map(read).transpose()?.unwrap_or_default();
        Ok(Self::merge(flags, path, file))
    }

    fn merge(flags: Flags, config: Option<PathBuf>, file: File) -> Self {
        // Paths of the file are meant from where the file is.
        let base = config.as_deref().and_then(Path::parent).map(Path::to_owned).unwrap_or_default();
        let beside = |path: Option<PathBuf>| path.map(|path| base.join(path));
        let data = folder("XDG_DATA_HOME", ".local/share");
        // A secret of one store is nothing to another one.
        let other_store = flags.store.is_some() && flags.store != file.store;
        let file_token = file.store_token_file.filter(|_| !other_store && !has_token());
        Self {
            store_token_is_bound: flags.store.is_some()
                || (flags.store_token_file.is_none() && file_token.is_some()),
            store_token_file: flags.store_token_file.or(beside(file_token)),
            chain: flags.chain.or(file.chain).unwrap_or_else(|| CHAIN.to_owned()),
            store: flags.store.or(file.store).unwrap_or_else(|| STORE.to_owned()),
            sources: match flags.sources.is_empty() {
                true => file.sources,
                false => flags.sources.iter().map(ToString::to_string).collect(),
            },
            allow_private_hosts: file.allow_private_hosts.unwrap_or(false),
            account: flags.account.or(file.account),
            account_is_flag: flags.account_is_flag,
            keystore: flags.keystore.or(beside(file.keystore)).unwrap_or_else(|| data.join("keys")),
            passphrase_file: flags.passphrase_file.or(beside(file.passphrase_file)),
            state: flags
                .state
                .or(beside(file.state))
                .unwrap_or_else(|| folder("XDG_STATE_HOME", ".local/state")),
            log: flags.log.or(file.log),
            json: flags.json,
            ipfs: Ipfs {
                token_file: beside(file.ipfs.token_file),
                folder: Some(beside(file.ipfs.folder).unwrap_or_else(|| data.join("ipfs"))),
                ..file.ipfs
            },
            trainer: Trainer {
                data: beside(file.trainer.data),
                labels: beside(file.trainer.labels),
                ..file.trainer
            },
            evaluator: file.evaluator,
            host: file.host,
            config,
        }
    }
}

/// Sources of bytes, as a configuration file names them.
pub fn sources(texts: &[String]) -> Result<Vec<SourceUrl>> {
    texts.iter().map(|text| text.parse().of_kind(Kind::Usage)).collect()
}

/// Reads a configuration file. Errors show the line.
fn read(path: &Path) -> Result<File> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| problem(Kind::Usage, format!("{}: {error}", path.display())))?;
    parse(&text).map_err(|error| problem(Kind::Usage, format!("{}: {error}", path.display())))
}

fn parse(text: &str) -> Result<File> {
    toml::from_str(text).of_kind(Kind::Usage)
}

/// Our folder under a base directory of the XDG specification.
fn folder(variable: &str, fallback: &str) -> PathBuf {
    let base = env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || env::var_os("HOME").map(PathBuf::from).unwrap_or_default().join(fallback);
    base.unwrap_or_else(home).join("decentralml")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const FILE: &str = r#"
        chain = "ws://file:1"
        account = "from-file"
        keystore = "keys"
        [trainer]
        data = "rows.csv"
        max_bond = "7 DML"
    "#;

    #[test]
    fn flags_come_before_the_file_and_the_file_before_defaults() {
        let flags = Flags { chain: Some("ws://flag:1".to_owned()), ..Flags::default() };
        let path = Some(PathBuf::from("/etc/dml/config.toml"));
        let settings = Settings::merge(flags, path, parse(FILE).unwrap());
        assert_eq!(settings.chain, "ws://flag:1");
        assert_eq!(settings.account.as_deref(), Some("from-file"));
        assert_eq!(settings.store, STORE);
        assert_eq!(settings.trainer.max_bond, Some("7 DML".parse().unwrap()));
    }

    #[test]
    fn paths_in_the_file_are_meant_from_its_folder() {
        let path = Some(PathBuf::from("/etc/dml/config.toml"));
        let settings = Settings::merge(Flags::default(), path, parse(FILE).unwrap());
        assert_eq!(settings.keystore, Path::new("/etc/dml/keys"));
        assert_eq!(settings.trainer.data.as_deref(), Some(Path::new("/etc/dml/rows.csv")));
    }

    #[test]
    fn a_mistake_in_the_file_names_its_line() {
        let error = parse("chain = \"ws://x\"\ncahin = 1").unwrap_err().to_string();
        assert!(error.contains("line 2") && error.contains("cahin"), "{error}");
        let error = parse("[trainer]\nmax_bond = \"lots\"").unwrap_err().to_string();
        assert!(error.contains("line 2") && error.contains("no amount"), "{error}");
        let error = parse("[evaluator]\nweight = 3").unwrap_err().to_string();
        assert!(error.contains("line 2") && error.contains("3 is no weight"), "{error}");
    }

    #[test]
    fn a_file_that_was_named_must_be_there() {
        let flags = Flags { config: Some("/nowhere/c.toml".into()), ..Flags::default() };
        let error = Settings::load(flags).unwrap_err();
        assert_eq!(crate::exit::kind(&error), Kind::Usage);
        assert!(error.to_string().contains("/nowhere/c.toml"));
    }

    #[test]
    fn the_example_shows_every_key_and_its_values_are_the_defaults() {
        let example = include_str!("../../../config.example.toml");
        parse(example).unwrap();
        // Every key is there, commented out; with the comments of keys removed it is a file that can be used.
        let all: String = example
            .lines()
            .map(|line| line.strip_prefix("#").filter(|rest| rest.contains(" = ")).unwrap_or(line))
            .fold(String::new(), |text, line| text + line + "\n");
        let file = parse(&all).unwrap();
        assert_eq!(file.chain.as_deref(), Some(CHAIN));
        assert_eq!(file.store.as_deref(), Some(STORE));
        for part in [
            file.account.is_some(),
            file.keystore.is_some(),
            file.passphrase_file.is_some(),
            file.state.is_some(),
            file.log.is_some(),
            file.ipfs.listen.is_some() && file.ipfs.folder.is_some(),
            file.ipfs.token_file.is_some() && file.ipfs.max_storage.is_some(),
            file.ipfs.gateway.is_some() && file.store_token_file.is_some(),
            file.trainer.data.is_some() && file.trainer.labels.is_some(),
            file.trainer.label_column.is_some() && file.trainer.classes.is_some(),
            !file.trainer.class_names.is_empty() && file.trainer.group_column.is_some(),
            file.trainer.steps.is_some() && file.trainer.vocabulary.is_some(),
            file.trainer.quantities > 0 && file.trainer.skip_rows > 0,
            file.trainer.scale.is_some() && file.trainer.max_rows.is_some(),
            file.trainer.max_bytes.is_some() && file.trainer.max_bond.is_some(),
            file.trainer.weight == Some(Weight(1)) && file.evaluator.weight == Some(Weight(1)),
            file.trainer.own_store.is_some() && file.evaluator.own_store.is_some(),
            file.trainer.device == Some(Choice::Cpu),
            file.trainer.precision == Some(Precision::Single),
            !file.sources.is_empty() && file.allow_private_hosts == Some(false),
            file.host.listen.is_some() && !file.host.announce.is_empty(),
            file.host.max_storage.is_some(),
            file.evaluator.max_bond.is_some() && file.evaluator.parallel_fetches.is_some(),
        ] {
            assert!(part, "a key is missing in config.example.toml");
        }
    }
}
