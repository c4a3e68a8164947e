//! Floods a real node, and measures what calls of a round touch and rounds leave. See `scripts/load.sh`.

use anyhow::{Context, Result, bail, ensure};
use clap::Parser;
use decentralml_chain::{
    capacity::{Remains, Row, calls, permanent},
    load::{Flood, Node, Prefilled, Room, Transaction, flood, room},
};
use serde_json::{Value, json};
use std::{fs, path::PathBuf, thread, time::Duration};

/// Picoseconds in a microsecond.
const MICROSECOND: f64 = 1_000_000.0;
/// Commitments that are wanted in a six-second block.
const WANTED: u64 = 5_000;
/// Bytes that a round may leave.
const PERMANENT: i64 = 300;
/// How often a call is made for the median of its time.
const REPEATS: usize = 101;

#[derive(Parser)]
struct Opts {
    /// Minutes that each flood may take.
    #[arg(long, default_value_t = 5)]
    minutes: u64,
    /// Tasks whose first round has drawn 256 trainers each.
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=200))]
    tasks: u32,
    /// Milliseconds between blocks.
    #[arg(long, default_value_t = 6_000, value_parser = clap::value_parser!(u64).range(500..=60_000))]
    block_time: u64,
    /// Connections that send at a time.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    connections: u16,
    /// Accounts of each role that are enrolled where calls are compared.
    #[arg(long, value_delimiter = ',', default_value = "10,1000,100000")]
    enrolled: Vec<u32>,
    /// Floods with transfers alone.
    #[arg(long, conflicts_with = "no_flood")]
    transfers_only: bool,
    /// Starts no node: only what is measured in process.
    #[arg(long)]
    no_flood: bool,
    /// The node's program; by default the one beside this program.
    #[arg(long)]
    node: Option<PathBuf>,
    /// Where results go.
    #[arg(long, default_value = "out")]
    out: PathBuf,
}

fn main() -> Result<()> {
    let opts = Opts::parse();
    let busy = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let busy = busy.split(' ').next().unwrap_or_default().to_owned();
    println!("Load of the machine's {} cores at the start: {busy}", cores());
    let mut results = json!({
        "cores": cores(),
        "load_before": busy.parse::<f64>().ok(),
        "block_milliseconds": opts.block_time,
    });
    if !opts.no_flood {
        results["floods"] = floods(&opts)?;
    }
    if !opts.transfers_only {
        results["calls"] = constant(&opts.enrolled)?;
        results["permanent"] = leftovers()?;
    }
    fs::create_dir_all(&opts.out)?;
    let file = opts.out.join("load.json");
    fs::write(&file, serde_json::to_string_pretty(&results)? + "\n")?;
    println!("Written to {}.", file.display());
    Ok(())
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// The node's program, in the folder of this one.
fn program(opts: &Opts) -> Result<PathBuf> {
    let beside = std::env::current_exe()?.with_file_name("decentralml-node");
    let program = opts.node.clone().unwrap_or(beside);
    ensure!(program.is_file(), "{} is missing: build the workspace first", program.display());
    Ok(program)
}

fn floods(opts: &Opts) -> Result<Value> {
    let program = program(opts)?;
    let folder = tempfile::tempdir()?;
    println!("Enrolling {} trainers in {} tasks …", opts.tasks * 256, opts.tasks);
    let mut prefilled = Prefilled::new(opts.tasks)?;
    let spec = folder.path().join("spec.json");
    prefilled.write(&program, opts.block_time, &spec)?;
    let node = Node::start(&program, &spec, folder.path(), 2 * prefilled.trainers.len())?;
    let genesis = node.connect()?.call("chain_getBlockHash", json!([0]))?;
    let genesis = serde_json::from_value(genesis).context("the genesis has no hash")?;

    let kinds: &[Transaction] = if opts.transfers_only {
        &[Transaction::Transfer]
    } else {
        &[Transaction::Commit, Transaction::Transfer]
    };
    let limit = Duration::from_secs(60 * opts.minutes);
    let mut results = Vec::new();
    for &kind in kinds {
        let name = match kind {
            Transaction::Commit => "results.commit",
            Transaction::Transfer => "balances.transfer_keep_alive",
        };
        let transactions = prefilled.sign(kind, genesis);
        println!("\nSending {} of {name} …", transactions.len());
        let flood = flood(&node, &transactions, opts.connections.into(), limit)?;
        let room = sp_io::TestExternalities::default().execute_with(|| room(kind));
        tell(&flood, &room);
        results.push(flood_json(name, &flood, &room));
        if let Some(refusal) = &flood.refusal {
            bail!("the node refused {}, first with: {refusal}", flood.refused);
        }
        let missing = flood.taken - flood.included();
        ensure!(missing == 0, "{missing} were in no block after {} minutes", opts.minutes);
        ensure!(flood.failed() == 0, "{} failed in blocks", flood.failed());
    }
    println!(
        "\nWanted: {WANTED} commitments in a block of six seconds by weight and by length. A block may weigh the same whatever its \
         time is: 1.5 s of the reference machine."
    );
    Ok(results.into())
}

fn tell(flood: &Flood, room: &Room) {
    println!("{} sent in {:.1} s; room in a block for", flood.taken, flood.sending);
    println!(
        "{} by weight ({:.0} µs each), for {} by length ({} bytes each)",
        room.by_weight(),
        room.weight as f64 / MICROSECOND,
        room.by_length(),
        room.bytes
    );
    println!("| Block | Transactions | Failed | Weight | Length | Authored in | Ended by |");
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    for block in &flood.blocks {
        let (took, end) = block.authored.as_ref().map_or_else(
            || ("?".into(), "?".into()),
            |authored| (format!("{} ms", authored.milliseconds), authored.end.clone()),
        );
        println!(
            "| {} | {} | {} | {:.1} % | {:.1} % | {took} | {end} |",
            block.number,
            block.transactions,
            block.failed,
            100.0 * block.weight as f64 / room.block_weight as f64,
            100.0 * block.bytes as f64 / f64::from(room.block_bytes),
        );
    }
    let fullest = flood.fullest().map_or(0, |block| block.transactions);
    let rate =
        flood.per_second().map_or("all in one block".into(), |rate| format!("{rate:.0} a second"));
    println!("{} in blocks, {fullest} in the fullest, {rate}", flood.included());
}

fn flood_json(name: &str, flood: &Flood, room: &Room) -> Value {
    let blocks: Vec<Value> = flood
        .blocks
        .iter()
        .map(|block| {
            json!({
                "number": block.number,
                "time": block.time,
                "transactions": block.transactions,
                "failed": block.failed,
                "bytes": block.bytes,
                "weight_microseconds": (block.weight as f64 / MICROSECOND).round(),
                "authored_milliseconds": block.authored.as_ref().map(|authored| authored.milliseconds),
                "ended_by": block.authored.as_ref().map(|authored| &authored.end),
            })
        })
        .collect();
    json!({
        "call": name,
        "taken": flood.taken,
        "refused": flood.refused,
        "sending_seconds": (flood.sending * 10.0).round() / 10.0,
        "included": flood.included(),
        "fullest_block": flood.fullest().map(|block| block.transactions),
        "per_second": flood.per_second().map(f64::round),
        "room_by_weight": room.by_weight(),
        "room_by_length": room.by_length(),
        "microseconds": (room.weight as f64 / MICROSECOND).round(),
        "bytes": room.bytes,
        "blocks": blocks,
    })
}

/// The same calls with few and with many enrolled.
fn constant(enrolled: &[u32]) -> Result<Value> {
    let mut columns: Vec<(u32, Vec<Row>)> = Vec::new();
    for &count in enrolled {
        println!("\nA round with {count} trainers and {count} evaluators enrolled …");
        columns.push((count, calls(count, REPEATS)?));
    }
    let (_, first) = columns.first().context("name at least one number after --enrolled")?;
    let counts: Vec<String> = enrolled.iter().map(u32::to_string).collect();
    println!("Of each call with {} enrolled:", counts.join(" / "));
    println!("| Call | Keys read | Keys written | Weight, µs | Bytes of proof | Native, µs |");
    println!("| --- | --- | --- | --- | --- | --- |");
    let mut grown = Vec::new();
    let mut rows = Vec::new();
    for (index, row) in first.iter().enumerate() {
        let of: Vec<&Row> = columns.iter().filter_map(|(_, rows)| rows.get(index)).collect();
        let same = of.iter().all(|other| {
            (other.trace.reads, other.trace.writes, other.trace.weight)
                == (row.trace.reads, row.trace.writes, row.trace.weight)
        });
        if !same {
            grown.push(row.call);
        }
        println!(
            "| {} | {} | {} | {} | {} | {} |",
            row.call,
            each(&of, |row| row.trace.reads.to_string()),
            each(&of, |row| row.trace.writes.to_string()),
            each(&of, |row| format!("{:.0}", row.trace.weight as f64 / MICROSECOND)),
            each(&of, |row| row.trace.proof_bytes.to_string()),
            each(&of, |row| format!("{:.1}", row.trace.nanoseconds as f64 / 1_000.0)),
        );
        let of = columns.iter().filter_map(|(count, rows)| Some((count, rows.get(index)?)));
        rows.push(json!({
            "call": row.call,
            "constant": same,
            "enrolled": of.map(|(count, row)| json!({
                "accounts": count,
                "reads": row.trace.reads,
                "writes": row.trace.writes,
                "declared_microseconds": (row.trace.declared as f64 / MICROSECOND).round(),
                "weight_microseconds": (row.trace.weight as f64 / MICROSECOND).round(),
                "proof_bytes": row.trace.proof_bytes,
                "native_nanoseconds": row.trace.nanoseconds,
            })).collect::<Vec<_>>(),
        }));
    }
    ensure!(grown.is_empty(), "not the same for all: {}", grown.join(", "));
    println!("Keys and weight are the same for all.");
    Ok(rows.into())
}

/// One value where all are equal, otherwise all.
fn each(rows: &[&Row], value: impl Fn(&Row) -> String) -> String {
    let mut values: Vec<String> = rows.iter().map(|row| value(row)).collect();
    values.dedup();
    values.join(" / ")
}

fn leftovers() -> Result<Value> {
    println!("\n| A round that is | leaves, bytes | Limit | of which |");
    println!("| --- | --- | --- | --- |");
    let remains = permanent()?;
    for round in &remains {
        let items: Vec<String> =
            round.items.iter().map(|left| format!("{} {}", left.item, left.bytes)).collect();
        println!("| {} | {} | {PERMANENT} | {} |", round.round, round.bytes(), items.join(", "));
    }
    let most = remains.iter().map(Remains::bytes).max().unwrap_or_default();
    ensure!(most <= PERMANENT, "a round leaves {most} bytes");
    let rounds = remains.iter().map(|round| {
        let items = round.items.iter().map(|left| (left.item.clone(), left.bytes.into()));
        json!({
            "round": round.round,
            "bytes": round.bytes(),
            "items": items.collect::<serde_json::Map<_, _>>(),
        })
    });
    Ok(rounds.collect::<Vec<_>>().into())
}
