//! Chain and store; whose rows are whose; the task.

use super::{
    OwnStore,
    cast::{CONDUCTS, Cast, Person},
    processes::Processes,
};
use crate::{
    commands::{
        data::{Division, Parts, divide},
        ipfs::daemon::Listening,
        task::create::{Cost, Draft, draft},
    },
    config::TokenVariable,
    context::warn_if_readable,
    exit::{Kind, problem},
    output::Out,
    task_file::{Hex, TaskFile},
    units::{Share, tokens},
};
use color_eyre::{Result, eyre::WrapErr};
use decentralml_learning::{
    ModelSpec, Weights,
    data::{digits, write_csv_file},
};
use decentralml_sdk::{Chain, ConnectError, Wait, call};
use decentralml_storage::Storage;
use decentralml_types::{Balance, Seed, TaskId, TaskSpec};
use decentralml_worker::evaluator::Conduct;
use std::{cmp::Reverse, fs, net::TcpListener, path::Path, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::{ChildStdout, Command},
    time::{Instant, sleep},
};

/// The task that everybody can read, and create too.
const TASK: &str = include_str!("../../../examples/digits.toml");

/// What each participant has at the start, in whole tokens: more than the bond and the fees.
const POCKET_MONEY: Balance = 12;

/// How the digits are divided.
fn division(seed: u64) -> Division {
    Division {
        trainers: CONDUCTS.len(),
        alpha: 0.5,
        minimum: 20,
        validation: Share(150_000),
        test: Share(200_000),
        seed: seed_of(seed),
    }
}

/// A number as the seed of whatever is drawn: the division of the rows, the first weights.
fn seed_of(number: u64) -> Seed {
    let mut seed = Seed::default();
    seed[..8].copy_from_slice(&number.to_le_bytes());
    seed
}

/// How long the first block may take.
const FIRST_BLOCK: Duration = Duration::from_secs(60);
/// How long the store may take to listen.
const STORE_START: Duration = Duration::from_secs(20);

/// Starts chain and store, and connects to them.
pub async fn start(
    node: &Path,
    given: Option<&OwnStore>,
    folder: &Path,
    processes: &Processes,
    out: &mut Out<'_>,
) -> Result<(Chain, Storage)> {
    let url = start_node(node, folder, processes)?;
    let storage = match given {
        Some(OwnStore { url, token, .. }) => {
            let storage = Storage::connect_as(url, token.as_ref(), Default::default()).await?;
            if token.is_some() {
                warn_if_readable(&storage);
            }
            storage
        }
        None => start_store(folder, processes).await?,
    };
    let chain = first_block(&url).await?;
    out.line(&format!("chain    {} at {url}", chain.name()))?;
    out.line(&format!("store    {}", storage.url()))?;
    Ok((chain, storage))
}

fn start_node(node: &Path, folder: &Path, processes: &Processes) -> Result<String> {
    let (rpc, network) = (free_port()?, free_port()?);
    let mut command = Processes::own()?;
    command
        .args(["keep", "--"])
        .arg(node)
        .args(["--dev", "--no-mdns", "--no-prometheus", "--no-telemetry", "--base-path"])
        .arg(folder.join("chain"))
        // The events of all blocks are read at the end, to see where the money went.
        .args(["--state-pruning", "archive"])
        .args(["--rpc-port", &rpc.to_string()])
        .args(["--listen-addr", &format!("/ip4/127.0.0.1/tcp/{network}")]);
    drain(processes.start("node", command)?);
    Ok(format!("ws://127.0.0.1:{rpc}"))
}

/// A port that nobody listens on. Somebody may take it before the node does; then the node says so and ends.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

async fn start_store(folder: &Path, processes: &Processes) -> Result<Storage> {
    let mut command = Processes::own()?;
    command
        .args(["ipfs", "daemon", "--json", "--stop-on-eof", "--listen", "127.0.0.1:0", "--folder"])
        .arg(folder.join("store"));
    let mut output = BufReader::new(processes.start("store", command)?);
    let mut text = String::new();
    let listening = async {
        // The document ends with the line that closes its brace.
        while !text.ends_with("}\n") && output.read_line(&mut text).await? > 0 {}
        Ok::<Listening, color_eyre::Report>(serde_json::from_str(&text)?)
    };
    let listening = tokio::time::timeout(STORE_START, listening).await;
    let Ok(Ok(listening)) = listening else {
        return Err(problem(Kind::NoStore, "the store did not say where it listens"));
    };
    drain(output.into_inner());
    Ok(Storage::connect(&listening.url).await?)
}

/// Reads on, so that the process never waits for a reader.
fn drain(mut output: ChildStdout) {
    tokio::spawn(async move {
        let mut buffer = [0; 4096];
        while matches!(output.read(&mut buffer).await, Ok(1..)) {}
    });
}

/// Connects as soon as the node answers, and waits for its first block.
async fn first_block(url: &str) -> Result<Chain> {
    let deadline = Instant::now() + FIRST_BLOCK;
    loop {
        let failure = match Chain::connect(url).await {
            Ok(chain) if chain.best().await?.number() > 0 => return Ok(chain),
            Ok(_) => problem(Kind::NoChain, "the chain makes no blocks"),
            Err(
                error @ (ConnectError::OtherChain { .. } | ConnectError::MetadataMismatch { .. }),
            ) => {
                return Err(error.into());
            }
            Err(error) => error.into(),
        };
        if Instant::now() > deadline {
            return Err(failure);
        }
        sleep(Duration::from_millis(250)).await;
    }
}

/// Gives everybody something to bond and to pay fees with.
pub async fn fund(chain: &Chain, cast: &Cast) -> Result<()> {
    let amount = POCKET_MONEY * 10_u128.pow(chain.properties().decimals.into());
    let transfers = cast.earners().map(|person| call::transfer(&person.account(), amount));
    let call = call::batch_all(transfers.collect());
    chain.submit(&cast.faucet.signer, &call, Wait::Finalized).await?;
    Ok(())
}

/// Divides the embedded digits.
pub fn parts(seed: u64) -> Result<Parts> {
    let mut parts = divide(&digits()?, &division(seed))?;
    // What the last two have is lost to the federation: they send nothing that is of use.
    parts.trainers.sort_by_key(|part| Reverse(part.rows()));
    Ok(parts)
}

/// Writes the rows of trainers and evaluators. The test part is in no file: nobody but the demo sees it.
pub fn write(parts: &Parts, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    for (number, part) in (1..).zip(&parts.trainers) {
        write_csv_file(part, &folder.join(format!("trainer-{number}.csv")))?;
    }
    write_csv_file(&parts.validation, &folder.join("validation.csv"))?;
    Ok(())
}

/// The example task, with first weights of this seed.
pub fn task_file(seed: u64) -> Result<TaskFile> {
    let mut file = TaskFile::parse(TASK)?;
    file.seed = Some(Hex(seed_of(seed)));
    Ok(file)
}

/// The first weights of that task.
pub fn initial(model: &ModelSpec, seed: u64) -> Weights {
    Weights::init(model, seed_of(seed))
}

/// A task that is ready to be created, and what is known of it in this process.
pub struct Order {
    draft: Draft,
    pub spec: TaskSpec,
    pub model: ModelSpec,
    pub initial: Weights,
}

/// Puts the task together from the file, which has the first weights of this seed.
pub async fn order(
    mut file: TaskFile,
    seed: u64,
    chain: &Chain,
    folder: &Path,
    parts: &Parts,
) -> Result<Order> {
    file.validation.file = Some(folder.join("data/validation.csv"));
    let model = file.model_spec()?;
    model.check_data(parts.test.columns(), parts.test.classes())?;
    let draft = draft(&file, chain).await?;
    let spec = draft.spec.clone();
    Ok(Order { initial: initial(&model, seed), draft, spec, model })
}

/// Starts trainers and evaluators, which get the store's token by this variable. They will find the task by themselves.
pub fn start_workers(
    chain: &Chain,
    storage: &Storage,
    token: Option<&TokenVariable>,
    cast: &Cast,
    folder: &Path,
    processes: &Processes,
    out: &mut Out<'_>,
) -> Result<()> {
    let worker = |person: &Person, role: &str, name: &str| -> Result<Command> {
        let mut command = Processes::own()?;
        command
            .env(crate::keys::SURI, &person.uri)
            .envs(token.map(|(name, value)| (*name, value)))
            .args([role, "run", "--any", "--stop-on-eof"])
            .args(["--chain", chain.url(), "--store", storage.url(), "--state"])
            .arg(folder.join("workers").join(name));
        Ok(command)
    };
    for ((number, person), conduct) in (1..).zip(&cast.trainers).zip(CONDUCTS) {
        let name = format!("trainer-{number}");
        let mut command = worker(person, "trainer", &name)?;
        command.arg("--data").arg(folder.join(format!("data/trainer-{number}.csv")));
        command.args(["--classes", "10", "--conduct", conduct.name()]);
        drain(processes.start(&name, command)?);
    }
    for (number, person) in (1..).zip(&cast.evaluators) {
        let name = format!("evaluator-{number}");
        let mut command = worker(person, "evaluator", &name)?;
        command.args(["--conduct", Conduct::Honest.name()]);
        drain(processes.start(&name, command)?);
    }
    out.line(&format!(
        "workers  {} trainers (5 is hostile, 6 a free-rider) and {} evaluators, each a process of its own",
        cast.trainers.len(),
        cast.evaluators.len()
    ))
}

/// The task of the demo, once it is on chain.
pub struct DemoTask {
    pub id: TaskId,
    pub cost: Cost,
    pub model: ModelSpec,
    /// What its creation cost in fees, in planck.
    pub fee: Balance,
}

/// The sponsor creates and funds the task.
pub async fn create(
    order: Order,
    chain: &Chain,
    storage: &Storage,
    cast: &Cast,
    out: &mut Out<'_>,
) -> Result<DemoTask> {
    let (cost, rounds, target) = (order.draft.cost, order.spec.rounds, order.spec.target);
    let (id, included) = order
        .draft
        .create(storage, chain, &cast.sponsor.signer)
        .await
        .wrap_err("the sponsor cannot create the task")?;
    let token = chain.properties();
    out.line(&format!(
        "task     {id}: handwritten digits, {} for each of up to {rounds} rounds, target {}",
        tokens(cost.round, token),
        crate::output::or_dash(target.map(crate::units::percent)),
    ))?;
    Ok(DemoTask { id, cost, model: order.model, fee: included.fee })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_demos_task_fits_its_data_and_nobody_gets_the_test_part() {
        let folder = tempfile::tempdir().unwrap();
        let parts = parts(1).unwrap();
        write(&parts, folder.path()).unwrap();
        let model = task_file(1).unwrap().model_spec().unwrap();
        model.check_data(parts.test.columns(), parts.test.classes()).unwrap();
        assert_eq!(parts.trainers.len(), 6);
        assert!(parts.trainers.iter().all(|part| part.rows() >= 20));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 7);
    }
}
