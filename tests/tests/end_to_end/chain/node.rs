//! The node by itself: what it refuses to start with, and a live chain from its template, as docs/validators.md shows it.

use anyhow::{Context, Result, ensure};
use decentralml_sdk::{Chain, Signer, SubmitError, Wait, call};
use decentralml_tests::{Process, Validator, free_port, program, run, wait_until};
use serde_json::{Value, json};
use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// `:code`, under which a chain keeps its runtime.
const CODE: &str = "0x3a636f6465";
/// What names the ports on which a node listens.
const PORT_FLAGS: [&str; 3] = ["--rpc-port", "--prometheus-port", "--port"];
const SOON: Duration = Duration::from_secs(60);
/// Blocks of a live chain come every six seconds.
const LATER: Duration = Duration::from_secs(150);

/// Runs the node to its end, and returns what it printed.
fn node(arguments: &[&str]) -> Result<String> {
    run(Command::new(program("decentralml-node")?).args(arguments))
}

/// Starts a development node that is expected to end by itself; its exit code and what it said.
async fn fails(folder: &Path, arguments: &[&str]) -> Result<(i32, String)> {
    let base = folder.join("data").display().to_string();
    let all = [&["--base-path", &base, "--no-telemetry", "--no-mdns"], arguments].concat();
    let all = all.into_iter().map(str::to_owned).collect();
    let mut node =
        Process::start("decentralml-node", all, Vec::new(), &folder.join("refused.log"))?;
    let code = wait_until("the node to give up", SOON, async || node.exited())
        .await
        .with_context(|| node.log())?;
    Ok((code, node.log()))
}

#[tokio::test]
async fn a_port_in_use_ends_the_node_and_is_named() -> Result<()> {
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let taken = taken.local_addr()?.port().to_string();
    for flag in PORT_FLAGS {
        let folder = tempfile::tempdir()?;
        let mut arguments = vec!["--dev".to_owned()];
        for other in PORT_FLAGS {
            let port = if other == flag { taken.clone() } else { free_port()?.to_string() };
            arguments.extend([other.to_owned(), port]);
        }
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let (code, said) = fails(folder.path(), &arguments).await?;
        assert_ne!(code, 0, "{flag}\n{said}");
        let last = said.lines().rfind(|line| line.starts_with("error: ")).context(said.clone())?;
        assert!(last.contains(&taken) && last.contains(flag), "{flag}\n{said}");
    }
    Ok(())
}

#[tokio::test]
async fn the_live_template_has_no_known_key_and_gives_no_chain_before_it_names_validators()
-> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut template = Template::new(folder.path())?;
    let refused = template.raw().expect_err("the state of a chain without validators");
    let refused = format!("{refused:#}");
    assert!(refused.contains("names no validators"), "{refused}");
    assert!(refused.contains("`session`, `keys`"), "what is to be filled in: {refused}");
    let chain = folder.path().join("plain.json").display().to_string();
    let [rpc, network] = [free_port()?.to_string(), free_port()?.to_string()];
    let arguments = ["--chain", &chain, "--rpc-port", &rpc, "--port", &network, "--no-prometheus"];
    let (code, said) = fails(folder.path(), &arguments).await?;
    assert_ne!(code, 0, "{said}");
    let last = said.lines().rfind(|line| line.starts_with("error: ")).context(said.clone())?;
    assert!(last.contains("names no validators") && !said.contains("panicked"), "{said}");

    let [account, babe, grandpa] =
        [generate("sr25519")?, generate("sr25519")?, generate("ed25519")?];
    template.add_validator(&account, &babe, &grandpa);
    let raw = template.raw()?;
    let mut spec: Value = serde_json::from_str(&fs::read_to_string(&raw)?)?;
    // The runtime's code brings the presets of development chains, which name those keys; its state must not.
    let state = spec["genesis"]["raw"]["top"].as_object_mut().context("a raw genesis")?;
    state.remove(CODE).context("the runtime's code")?;
    let text = spec.to_string();
    for name in ["Alice", "Bob", "Charlie", "Dave", "Eve", "Ferdie", "One", "Two"] {
        for (scheme, uri) in [
            ("sr25519", format!("//{name}")),
            ("sr25519", format!("//{name}//stash")),
            ("ed25519", format!("//{name}")),
        ] {
            let key = node(&["key", "inspect", "--scheme", scheme, "--output-type", "json", &uri])?;
            let key: Value = serde_json::from_str(&key)?;
            let public = key["publicKey"].as_str().context("a public key")?.to_owned();
            assert!(!text.contains(public.trim_start_matches("0x")), "{scheme} {uri}");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_chain_of_own_keys_makes_blocks_and_finalizes_them() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut template = Template::new(folder.path())?;
    let mut accounts = Vec::new();
    let mut secrets = Vec::new();
    for _ in 0..2 {
        let [account, babe, grandpa] =
            [generate("sr25519")?, generate("sr25519")?, generate("ed25519")?];
        template.add_validator(&account, &babe, &grandpa);
        accounts.push(account);
        secrets.push((babe.secret, grandpa.secret));
    }
    let chain = template.raw()?.display().to_string();
    let mut network: Vec<Validator> = Vec::new();
    for (name, (babe, grandpa)) in ["first", "second"].into_iter().zip(&secrets) {
        let base = folder.path().join(name).display().to_string();
        for (kind, scheme, secret) in [("babe", "sr25519", babe), ("gran", "ed25519", grandpa)] {
            let insert = ["key", "insert", "--base-path", &base, "--chain", &chain];
            let which = ["--key-type", kind, "--scheme", scheme, "--suri", secret];
            node(&[&insert[..], &which].concat())?;
        }
        // Nodes of live chains do not dial private addresses by themselves.
        let arguments = ["--validator", "--allow-private-ip"];
        network.push(Validator::join(folder.path(), &chain, name, &arguments, &network)?);
    }

    let url = &network[1].url;
    let chain = wait_until("the second node", SOON, async || Ok(Some(Chain::connect(url).await?)))
        .await
        .with_context(|| network[1].process.log())?;
    wait_until("two final blocks", LATER, async || {
        Ok((chain.finalized().await?.number() >= 2).then_some(()))
    })
    .await
    .with_context(|| network.iter().map(|node| node.process.log()).collect::<String>())?;

    assert!(!chain.is_development());
    let view = chain.finalized().await?;
    let named: Vec<String> = view.validators().await?.iter().map(ToString::to_string).collect();
    assert_eq!(named, accounts.iter().map(|own| own.address.clone()).collect::<Vec<_>>());
    assert_eq!(view.listed_validators().await?.len(), 2);
    let owner = Signer::from_uri(&accounts[0].secret)?;
    let gift = call::transfer(&view.validators().await?[1], 7);
    chain.submit(&owner, &gift, Wait::InBlock).await?;
    let known = Signer::from_uri("//Alice")?;
    let refused = chain.submit(&known, &call::transfer(&owner.account(), 7), Wait::InBlock).await;
    ensure!(matches!(refused, Err(SubmitError::DevelopmentKey)), "{refused:?}");
    Ok(())
}

#[tokio::test]
async fn a_node_that_only_follows_gets_no_session_keys() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let follower = Validator::join(folder.path(), "dev", "follower", &[], &[])?;
    wait_until("the node", SOON, async || Ok(Some(Chain::connect(&follower.url).await?))).await?;
    let refused = run(Command::new(program("decentralml")?)
        .args(["validator", "keys", "--chain", &follower.url])
        .env("DECENTRALML_SURI", "//Alice"));
    let said = format!("{:#}", refused.expect_err("keys for a node that does not validate"));
    assert!(said.contains("start it with --validator"), "{said}");
    let keys = fs::read_dir(folder.path().join("follower/chains/decentralml_dev/keystore"))?;
    assert_eq!(keys.count(), 0, "the node has made keys all the same");
    Ok(())
}

/// A key of a validator-to-be.
struct Key {
    secret: String,
    address: String,
}

fn generate(scheme: &str) -> Result<Key> {
    let printed = node(&["key", "generate", "--scheme", scheme, "--output-type", "json"])?;
    let printed: Value = serde_json::from_str(&printed)?;
    let field = |name: &str| printed[name].as_str().map(str::to_owned).context("a generated key");
    Ok(Key { secret: field("secretPhrase")?, address: field("ss58Address")? })
}

/// The specification of a live chain before its keys are filled in.
struct Template {
    specification: Value,
    folder: PathBuf,
}

impl Template {
    fn new(folder: &Path) -> Result<Self> {
        let names = ["--preset", "live_template", "--name", "Own Chain", "--id", "own"];
        let printed = node(&[&["chain-spec"], &names[..]].concat())?;
        Ok(Self { specification: serde_json::from_str(&printed)?, folder: folder.into() })
    }

    fn add_validator(&mut self, account: &Key, babe: &Key, grandpa: &Key) {
        let account = &account.address;
        let keys = json!({ "babe": babe.address, "grandpa": grandpa.address });
        self.add("balances", "balances", json!([account, 1_000_000_000_000_000_u64]));
        self.add("session", "keys", json!([account, account, keys]));
        self.add("validatorMembership", "members", json!(account));
        self.add("participants", "bonds", json!(["validator", account, 100_000_000_000_000_u64]));
        self.add("councilMembership", "members", json!(account));
    }

    fn add(&mut self, pallet: &str, list: &str, item: Value) {
        let patch = &mut self.specification["genesis"]["runtimeGenesis"]["patch"];
        let list = &mut patch[pallet][list];
        match list.as_array_mut() {
            Some(items) => items.push(item),
            None => *list = json!([item]),
        }
    }

    /// The file that all nodes share; beside it `plain.json`, from which it is made.
    fn raw(&self) -> Result<PathBuf> {
        let [plain, raw] = ["plain.json", "raw.json"].map(|name| self.folder.join(name));
        fs::write(&plain, serde_json::to_vec(&self.specification)?)?;
        let export = ["export-chain-spec", "--raw", "--chain", &plain.display().to_string()];
        fs::write(&raw, node(&export)?)?;
        Ok(raw)
    }
}
