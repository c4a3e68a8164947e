//! `decentralml claim`.

use crate::{
    context::Context,
    output::{Out, count, or_dash, table},
    units::tokens,
};
use clap::Args;
use color_eyre::Result;
use decentralml_sdk::{AccountId, Chain, Row, View, call};
use decentralml_types::{Balance, TaskId};
use serde::Serialize;

/// Rows that one transaction settles; a block has room for several such.
const BATCH: usize = 25;

/// Settle what finished rounds owe: rewards, fees, and slashes of who broke a promise. Free where it succeeds.
///
/// Workers claim by themselves; this is for what they left, and for others: anybody may settle any row, the money goes to
/// whom it belongs.
#[derive(Args, Debug)]
pub struct Opts {
    /// In this task only.
    #[arg(long, value_name = "ID")]
    task: Option<TaskId>,
    /// Of this account, an address or the name of a key, in place of the one that signs.
    #[arg(long, value_name = "ACCOUNT", conflicts_with = "everyone")]
    of: Option<String>,
    /// Everybody's rows, also those that are settled with a slash or with nothing.
    #[arg(long)]
    everyone: bool,
    /// Only show what could be claimed.
    #[arg(long)]
    dry_run: bool,
}

/// A row that is, or could be, settled.
#[derive(Serialize)]
struct Claimed {
    #[serde(flatten)]
    row: Row,
    /// Planck; `None` where it was not asked for: of others' rows.
    amount: Option<Balance>,
}

/// Settles what can be settled, in as few transactions as fit.
pub async fn run(opts: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let chain = context.chain().await?;
    let view = chain.finalized().await?;
    let tasks = match opts.task {
        Some(task) => vec![crate::context::task(&view, task).await?.id],
        None => view.tasks().await?.iter().map(|task| task.id).collect(),
    };
    let mut claims = Vec::new();
    for task in tasks {
        claims.extend(if opts.everyone {
            everyones(&view, task).await?
        } else {
            ones(&view, task, &context.account_or_own(opts.of.as_deref())?).await?
        });
    }
    if !opts.dry_run && !claims.is_empty() {
        settle(&claims, &chain, context).await?;
    }
    let verb = if opts.dry_run { "could be settled" } else { "settled" };
    out.result(&claims, |claims| {
        if claims.is_empty() {
            return "nothing to claim".to_owned();
        }
        let rows = claims.iter().map(|claim| {
            vec![
                claim.row.task.to_string(),
                claim.row.round.to_string(),
                claim.row.committee.map_or("trainer", |_| "seat").to_owned(),
                claim.row.account.to_string(),
                or_dash(claim.amount.map(|amount| tokens(amount, chain.properties()))),
            ]
        });
        let header = ["task", "round", "as", "account", "amount"];
        let total = count(claims.len() as u64, "row");
        format!("{}\n\n{total} {verb}", table(header.map(str::to_owned).to_vec(), rows))
    })
}

async fn everyones(view: &View, task: TaskId) -> Result<Vec<Claimed>> {
    let rows = view.open_rows(task).await?;
    Ok(rows.into_iter().map(|row| Claimed { row, amount: None }).collect())
}

async fn ones(view: &View, task: TaskId, account: &AccountId) -> Result<Vec<Claimed>> {
    let claims = view.claimable(task, account).await?;
    Ok(claims
        .into_iter()
        .map(|claim| Claimed { row: claim.row, amount: Some(claim.amount) })
        .collect())
}

async fn settle(claims: &[Claimed], chain: &Chain, context: &Context) -> Result<()> {
    for rows in claims.chunks(BATCH) {
        let calls: Vec<_> = rows.iter().map(|claim| claim.row.claim()).collect();
        // One call alone is free; a batch costs its fee, and saves the wait of a block for each call.
        let call = match calls.as_slice() {
            [one] => one.clone(),
            _ => call::batch(calls),
        };
        let included = context.submit(chain, &call).await?;
        for failure in included.failed_items() {
            tracing::warn!(failure, "a claim was refused, perhaps because somebody else made it");
        }
    }
    Ok(())
}
