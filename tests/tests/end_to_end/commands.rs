//! Commands that need no training, each in its place in a story, and what they print with `--json`.

use anyhow::{Context, Result};
use decentralml_sdk::{Signer, Wait, call};
use decentralml_tests::{
    BOND, EVALUATORS, LONG, SPONSOR, System, TOKEN, program, run, run_json, wait_until,
};
use decentralml_types::{Phase, Role, TaskId};
use serde_json::{Value, json};
use std::{fs, path::PathBuf, process::Command};

/// The data of the one event of that name in what a transaction has done.
fn event<'a>(done: &'a Value, pallet: &str, name: &str) -> &'a Value {
    let events = done["events"].as_array().expect("a list of events");
    let found = events.iter().filter(|event| event["pallet"] == pallet && event["name"] == name);
    let [one] = found.collect::<Vec<_>>()[..] else { panic!("{pallet}.{name} in {done:#}") };
    &one["fields"]
}

/// What a command says that is refused before anything is submitted, with its exit code.
fn refused(system: &System, uri: &str, arguments: &[&str]) -> Result<(Option<i32>, String)> {
    let output = system.command(uri)?.args(arguments).output()?;
    Ok((output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned()))
}

/// An amount in an event, which is text where it is large.
fn amount(field: &Value) -> u128 {
    let text = field.as_str().map_or_else(|| field.to_string(), str::to_owned);
    text.parse().unwrap_or_else(|_| panic!("{field} is no amount"))
}

/// Somebody whose key is in a keystore, not in the environment.
struct Owner<'a> {
    system: &'a System,
    keystore: PathBuf,
    passphrase: PathBuf,
}

impl<'a> Owner<'a> {
    fn new(system: &'a System) -> Result<Self> {
        let passphrase = system.folder().join("passphrase");
        fs::write(&passphrase, "correct horse battery staple\n")?;
        Ok(Self { system, keystore: system.folder().join("keys"), passphrase })
    }

    fn command(&self, arguments: &[&str]) -> Result<Command> {
        let mut command = Command::new(program("decentralml")?);
        command
            .env_remove("DECENTRALML_SURI")
            .env("DECENTRALML_CHAIN", self.system.chain.url())
            .env("DECENTRALML_KEYSTORE", &self.keystore)
            .env("DECENTRALML_PASSPHRASE_FILE", &self.passphrase)
            .args(arguments);
        Ok(command)
    }

    fn json(&self, arguments: &[&str]) -> Result<Value> {
        run_json(&mut self.command(arguments)?)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_made_funded_bonded_and_unbonded() -> Result<()> {
    let system = System::start().await?;
    let before = system.sum_of_balances().await?;
    let owner = Owner::new(&system)?;

    let made = owner.json(&["account", "new", "worker"])?;
    let address = made["account"].as_str().context("an address")?;
    let words = made["phrase"].as_str().context("a phrase")?.split_whitespace();
    assert_eq!(words.count(), 12, "{made}");
    let listed = owner.json(&["account", "list"])?;
    assert_eq!(listed, json!([{ "name": "worker", "account": address, "problem": null }]));
    // The words are the account: whoever writes them down can come back.
    let restored = Signer::from_uri(made["phrase"].as_str().context("a phrase")?)?;
    assert_eq!(restored.account().to_string(), address);

    let sent = system.json("//Alice", &["account", "transfer", address, "10"])?;
    assert_eq!(amount(&event(&sent, "Balances", "Transfer")["amount"]), 10 * TOKEN);
    let balance = owner.json(&["account", "balance", "worker"])?;
    assert_eq!((amount(&balance["free"]), amount(&balance["reserved"])), (10 * TOKEN, 0));

    let signed = ["--account", "worker"];
    let bonded = owner.json(&[&["account", "bond", "trainer", "6"], &signed[..]].concat())?;
    assert_eq!(amount(&event(&bonded, "Participants", "Bonded")["amount"]), 6 * TOKEN);
    let unbonded =
        owner.json(&[&["account", "unbond", "trainer", "2.5 DML"], &signed[..]].concat())?;
    let fields = event(&unbonded, "Participants", "Unbonded");
    assert_eq!(amount(&fields["amount"]), 5 * TOKEN / 2);

    // Nobody else's address is meant where none is named.
    let shown = owner.json(&[&["account", "show"], &signed[..]].concat())?;
    assert_eq!(shown["account"], made["account"]);
    assert_eq!(amount(&shown["trainer"]["bond"]), 7 * TOKEN / 2);
    assert_eq!(shown["trainer"]["unbonding"], json!([[5 * TOKEN as u64 / 2, fields["at"]]]));
    assert_eq!(
        (&shown["evaluator"], amount(&shown["balance"]["reserved"])),
        (&Value::Null, 6 * TOKEN)
    );
    let fees = amount(&bonded["fee"]) + amount(&unbonded["fee"]);
    assert!(fees > 0, "{bonded:#}");
    assert_eq!(amount(&shown["balance"]["free"]), 4 * TOKEN - fees);

    // A week is more than a test has: the chain's answer is all there is to see.
    let early =
        owner.command(&[&["account", "withdraw", "trainer"], &signed[..]].concat())?.output()?;
    let said = String::from_utf8_lossy(&early.stderr);
    assert_eq!(early.status.code(), Some(5), "{said}");
    assert!(said.contains("NothingDue"), "{said}");
    assert_eq!(system.sum_of_balances().await?, before);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_is_funded_paused_advanced_claimed_and_reaped() -> Result<()> {
    const TRAINER: &str = "//T1";
    let system = System::prepared(&[&EVALUATORS[..], &[TRAINER]].concat(), 3).await?;
    let before = system.sum_of_balances().await?;
    let task = system.create_task(
        1,
        1,
        &[
            ("min = 3", "min = 1"),
            ("max_retries = 3", "max_retries = 0"),
            ("revealing = 30", "revealing = 3"),
        ],
    )?;
    let id = task.to_string();
    let sponsor = Signer::from_uri(SPONSOR)?.account().to_string();
    let tasks = system.json("//Alice", &["task", "list"])?;
    let [listed] = &tasks.as_array().context("a list")?[..] else { panic!("{tasks:#}") };
    assert_eq!((&listed["id"], &listed["sponsor"]), (&json!(task), &json!(sponsor)));
    assert_eq!(listed["status"], "enrolling");
    let funds = amount(&listed["money"]["free"]);

    let funded = system.json("//Alice", &["task", "fund", &id, "2", "--charges", "1"])?;
    let funded = event(&funded, "Tasks", "TaskFunded");
    assert_eq!((amount(&funded["pay"]), amount(&funded["charges"])), (2 * TOKEN, TOKEN));
    let paused = system.json(SPONSOR, &["task", "pause", &id])?;
    assert_eq!(event(&paused, "Tasks", "TaskPaused")["reason"], "Sponsor");
    let shown = system.json("//Alice", &["task", "show", &id])?;
    assert_eq!(shown["task"]["status"], "paused");
    assert_eq!(amount(&shown["task"]["money"]["free"]), funds + 2 * TOKEN);
    assert_eq!((&shown["rounds"], &shown["models"]), (&json!([]), &json!([])));
    let resumed = system.json(SPONSOR, &["task", "resume", &id])?;
    event(&resumed, "Tasks", "TaskResumed");

    commits_and_vanishes(&system, task, TRAINER).await?;
    let advanced = system.json("//Alice", &["task", "advance", &id])?;
    assert_eq!(event(&advanced, "Tasks", "RoundVoided")["failure"], "TooFewReveals");
    event(&advanced, "Tasks", "TaskPaused");
    assert_eq!(advanced["fee"], 0, "it has moved something");

    // The one row of the round, settled with an accusation.
    let account = Signer::from_uri(TRAINER)?.account().to_string();
    let row = |outcome: &str, case: Option<u64>| {
        json!([{ "task": task, "round": 1, "account": account, "committee": null, "amount": null,
            "asset": "native", "outcome": outcome, "reason": null, "case": case }])
    };
    let claim = ["claim", "--everyone", "--task", &id];
    let open = system.json("//Alice", &[&claim[..], &["--dry-run"]].concat())?;
    assert_eq!(open, row("open", None));
    assert_eq!(system.json("//Alice", &claim)?, row("settled", Some(0)));
    assert_eq!(system.json("//Alice", &claim)?, json!([]), "nothing is left");
    let member = system.member(Role::Trainer, TRAINER).await?;
    assert_eq!((member.faults, member.bond), (1, 0), "{member:?}");

    let shown = system.json("//Alice", &["task", "show", &id])?;
    let money = |purse: &str| amount(&shown["task"]["money"][purse]);
    let (free, charges) = (money("free"), money("charges"));
    assert_eq!(free, funds + 2 * TOKEN);
    assert!((TOKEN..).contains(&charges), "{shown:#}");
    let cancelled = system.json(SPONSOR, &["task", "cancel", &id])?;
    let ended = event(&cancelled, "Tasks", "TaskEnded");
    assert_eq!(ended["status"], "Cancelled");
    assert_eq!((amount(&ended["refunded"]), amount(&ended["charges"])), (free, charges));
    let open = system.json("//Alice", &["task", "list", "--open"])?;
    assert_eq!(open, json!([]), "a task that is over");
    let reaped = system.json("//Alice", &["task", "reap", &id])?;
    assert_eq!(event(&reaped, "Tasks", "TaskReaped")["task"], task);
    assert_eq!(system.json("//Alice", &["task", "list"])?, json!([]));
    let (code, said) = refused(&system, "//Alice", &["model", "evaluate", &id, "--file", "model"])?;
    assert!(code == Some(6) && said.contains("--layers") && said.contains("--data"), "{said}");
    assert_eq!(system.sum_of_balances().await?, before);
    Ok(())
}

/// Has the committee and the one trainer of a task enroll, and the trainer commit to something that it never opens, until its time
/// to open it is over.
async fn commits_and_vanishes(system: &System, task: TaskId, trainer: &str) -> Result<()> {
    let roles = EVALUATORS.map(|uri| (uri, Role::Evaluator));
    for (uri, role) in roles.into_iter().chain([(trainer, Role::Trainer)]) {
        let join = call::batch_all(vec![call::bond(role, BOND), call::enroll(task, role, 1)]);
        system.chain.submit(&Signer::from_uri(uri)?, &join, Wait::InBlock).await?;
    }
    let trainer = Signer::from_uri(trainer)?;
    wait_until("the trainer's commitment", LONG, async || {
        // Refused until the seed of the draw is known.
        let commit = call::commit(task, 1, [7; 32]);
        system.chain.submit(&trainer, &commit, Wait::Finalized).await?;
        Ok(Some(()))
    })
    .await?;
    wait_until("the end of the time to reveal", LONG, async || {
        let view = system.chain.best().await?;
        let round = view.round(task, 1).await?.context("round 1")?;
        assert_eq!(round.phase, Phase::Revealing, "{round:?}");
        Ok((view.number() >= round.deadline).then_some(()))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_motion_is_proposed_voted_on_and_closed() -> Result<()> {
    let system = System::start().await?;
    let account = Signer::from_uri("//Dave")?.account();
    let address = account.to_string();
    let propose = ["council", "propose", "add-validator", &address];
    let proposed = system.json("//Alice", &propose)?;
    let motion = event(&proposed, "Council", "Proposed");
    assert_eq!((&motion["proposal_index"], &motion["threshold"]), (&json!(0), &json!(2)));
    let (code, said) = refused(&system, "//Bob", &propose)?;
    assert!(code == Some(5) && said.contains("motion 0 proposes that already"), "{said}");

    for (uri, vote, votes) in
        [("//Alice", "--aye", [1, 0]), ("//Charlie", "--nay", [1, 1]), ("//Bob", "--aye", [2, 1])]
    {
        let voted = system.json(uri, &["council", "vote", "0", vote])?;
        let fields = event(&voted, "Council", "Voted");
        assert_eq!([&fields["yes"], &fields["no"]], votes.map(|count| json!(count)).each_ref());
        let (code, said) = refused(&system, uri, &["council", "vote", "0", vote])?;
        assert!(code == Some(5) && said.contains("on motion 0 already"), "{said}");
    }
    let council = system.json("//Alice", &["council", "list"])?;
    let [open] = &council["motions"].as_array().context("motions")?[..] else {
        panic!("{council:#}")
    };
    assert_eq!((&open["index"], &open["threshold"]), (&json!(0), &json!(2)));
    assert!(open["call"].as_str().is_some_and(|call| call.contains("add_member")), "{open}");
    assert_eq!(council["members"].as_array().map(Vec::len), Some(3));

    // By the hash of its call, as well as by its number; and by anybody.
    let hash = motion["proposal_hash"].as_str().context("a hash")?;
    let closed = system.json("//Eve", &["council", "close", hash])?;
    event(&closed, "Council", "Approved");
    event(&closed, "Council", "Executed");
    assert!(system.chain.finalized().await?.listed_validators().await?.contains(&account));
    assert_eq!(system.json("//Alice", &["council", "list"])?["motions"], json!([]));

    // What a motion on models looks like, with which `propose` compares its own.
    let alice = Signer::from_uri("//Alice")?;
    for (number, (call, name, arguments)) in [
        (call::release(3, 1), "Models.release", json!({ "task": 3, "version": 1 })),
        (
            call::recall(3, 1, "a leak")?,
            "Models.recall",
            json!({ "task": 3, "version": 1, "reason": "0x61206c65616b" }),
        ),
    ]
    .into_iter()
    .enumerate()
    {
        system.chain.submit(&alice, &call::propose(2, &call), Wait::InBlock).await?;
        let open = system.chain.best().await?.proposals().await?;
        let shown = open[number].call.split_once(' ').context("arguments")?;
        assert_eq!((shown.0, serde_json::from_str::<Value>(shown.1)?), (name, arguments));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_stored_pinned_and_read_back() -> Result<()> {
    let system = System::start().await?;
    let json = |arguments: &[&str]| system.json("//Alice", arguments);
    // More than one block of the store.
    let bytes: Vec<u8> = (0..600_000_u32).flat_map(u32::to_le_bytes).collect();
    let path = |name: &str| system.folder().join(name).display().to_string();
    let [file, copy] = ["file", "copy"].map(path);
    fs::write(&file, &bytes)?;

    let empty = json(&["ipfs", "stat"])?;
    assert_eq!((&empty["url"], &empty["pins"]), (&json!(system.store.url), &json!(0)));
    let cid = decentralml_storage::unixfs::canonical_cid(&bytes).to_string();
    let added = json(&["ipfs", "add", &file])?;
    assert_eq!(added, json!([{ "file": file, "cid": cid, "bytes": bytes.len() }]));
    let full = json(&["ipfs", "stat"])?;
    let more = |name: &str| full[name].as_u64().unwrap() - empty[name].as_u64().unwrap();
    assert!(more("blocks") > 2 && more("bytes") >= bytes.len() as u64, "{empty} {full}");
    assert_eq!(more("pins"), 1);

    assert_eq!(
        json(&["ipfs", "pin"])?,
        json!([{ "cid": cid, "name": "" }]),
        "what is added is pinned"
    );
    assert_eq!(json(&["ipfs", "pin", "--remove", &cid])?, json!([]));
    let named = json(&["ipfs", "pin", &cid, "--name", "rows of may"])?;
    assert_eq!(named, json!([{ "cid": cid, "name": "rows of may" }]));
    let freed = json(&["ipfs", "gc"])?;
    assert_eq!(freed["blocks"], 0, "what is pinned stays");
    let verified = json(&["ipfs", "verify"])?;
    assert!(verified["blocks"].as_u64() > Some(0) && verified["corrupt"] == 0, "{verified}");

    let written = json(&["ipfs", "cat", &cid, "--out", &copy])?;
    assert_eq!(written, json!({ "cid": cid, "file": copy, "bytes": bytes.len() }));
    assert!(fs::read(&copy)? == bytes, "other bytes");
    // Without a file it prints the bytes themselves, whatever the format of results: here text.
    fs::write(&file, "a short text")?;
    let added = json(&["ipfs", "add", &file])?;
    let short = added[0]["cid"].as_str().context("a CID")?;
    let printed = run(system.command("//Alice")?.args(["ipfs", "cat", short, "--json"]))?;
    assert_eq!(printed, "a short text");
    Ok(())
}
