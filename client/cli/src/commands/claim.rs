//! `decentralml claim`.

mod payable;

use crate::{
    context::Context,
    exit::{Kind, problem},
    output::{Out, count, or_dash, table},
    units::tokens,
};
use clap::Args;
use color_eyre::Result;
use decentralml_sdk::{
    AccountId, Chain, Event, Included, Properties, Row, SubmitError, View, call,
};
use decentralml_types::{Balance, TaskId};
use serde::Serialize;
use std::collections::BTreeSet;

/// Rows that one transaction settles; a block has room for several such.
const BATCH: usize = 25;

/// Settle what finished rounds owe: rewards, fees, and slashes of who broke a promise.
///
/// Workers claim by themselves; this is for what they left, and for others: anybody may settle any row, the money goes to
/// whom it belongs. A single row is free to settle; several at once go into one transaction, which has a fee.
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

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    /// Nothing was sent: a dry run.
    Open,
    /// By this command.
    Settled,
    /// By somebody else, between the look and the claim.
    AlreadySettled,
    /// The chain refused, and the row is still open.
    Refused,
    /// Nothing was sent: the pay would not arrive, as it is too little for an account that does not exist.
    Unpayable,
}

impl Outcome {
    fn words(self) -> &'static str {
        match self {
            Self::Open => "can be settled",
            Self::Settled => "settled",
            Self::AlreadySettled => "already settled by others",
            Self::Refused => "refused",
            Self::Unpayable => "cannot be paid",
        }
    }
}

/// A row that is, or could be, settled.
#[derive(Serialize)]
struct Claimed {
    #[serde(flatten)]
    row: Row,
    /// Planck; `None` where it was not asked for: of others' rows.
    amount: Option<Balance>,
    outcome: Outcome,
    /// Why the chain refused, or nothing can be paid, and what to do.
    reason: Option<String>,
}

impl Claimed {
    fn open(row: Row, amount: Option<Balance>) -> Self {
        Self { row, amount, outcome: Outcome::Open, reason: None }
    }
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
    payable::mark(&mut claims, &view, &chain).await?;
    if !opts.dry_run {
        let mut open: Vec<&mut Claimed> =
            claims.iter_mut().filter(|claim| claim.outcome == Outcome::Open).collect();
        for claims in open.chunks_mut(BATCH) {
            settle(claims, &chain, context).await?;
        }
    }
    out.result(&claims, |claims| people(claims, chain.properties()))?;
    if opts.dry_run {
        return Ok(());
    }
    let number = |outcome| claims.iter().filter(|claim| claim.outcome == outcome).count() as u64;
    match (number(Outcome::Refused), number(Outcome::Unpayable)) {
        (0, 0) => Ok(()),
        (0, unpayable) => {
            Err(problem(Kind::Refused, format!("{} cannot be paid now", count(unpayable, "row"))))
        }
        (refused, _) => Err(problem(
            Kind::Refused,
            format!("the chain refused to settle {}", count(refused, "row")),
        )),
    }
}

async fn everyones(view: &View, task: TaskId) -> Result<Vec<Claimed>> {
    let rows = view.open_rows(task).await?;
    Ok(rows.into_iter().map(|row| Claimed::open(row, None)).collect())
}

async fn ones(view: &View, task: TaskId, account: &AccountId) -> Result<Vec<Claimed>> {
    let claims = view.claimable(task, account).await?;
    Ok(claims.into_iter().map(|claim| Claimed::open(claim.row, Some(claim.amount))).collect())
}

/// One transaction, and what became of its rows.
async fn settle(claims: &mut [&mut Claimed], chain: &Chain, context: &Context) -> Result<()> {
    // One call alone is free; a batch costs its fee, and saves the wait of a block for each call.
    let items = match &*claims {
        [one] => match context.submit(chain, &one.row.claim()).await {
            Ok(_) => vec![Ok(())],
            Err(report) => match report.downcast_ref() {
                Some(error @ (SubmitError::Rejected { .. } | SubmitError::Dispatch(_))) => {
                    vec![Err(error.to_string())]
                }
                _ => return Err(report),
            },
        },
        many => {
            let calls = many.iter().map(|claim| claim.row.claim()).collect();
            items(&context.submit(chain, &call::batch(calls)).await?)
        }
    };
    let mut open = Vec::new();
    if items.iter().any(|item| item.is_err()) {
        let view = chain.finalized().await?;
        for task in claims.iter().map(|claim| claim.row.task).collect::<BTreeSet<_>>() {
            open.extend(view.open_rows(task).await?);
        }
    }
    record(claims, items, &open);
    Ok(())
}

/// What became of each call of a batch, in their order.
fn items(included: &Included) -> Vec<std::result::Result<(), String>> {
    let of_utility = included.events.iter().filter(|event| event.pallet == "Utility");
    let item = |event: &Event| match event.name.as_str() {
        "ItemCompleted" => Some(Ok(())),
        "ItemFailed" => Some(Err(event.fields["error"].to_string())),
        _ => None,
    };
    of_utility.filter_map(item).collect()
}

/// A claim that failed although its row is gone came too late; one whose row is `open` was refused.
fn record(claims: &mut [&mut Claimed], items: Vec<std::result::Result<(), String>>, open: &[Row]) {
    for (claim, item) in claims.iter_mut().zip(items) {
        (claim.outcome, claim.reason) = match item {
            Ok(()) => (Outcome::Settled, None),
            Err(reason) if open.contains(&claim.row) => (Outcome::Refused, Some(reason)),
            Err(_) => (Outcome::AlreadySettled, None),
        };
    }
}

fn people(claims: &[Claimed], token: &Properties) -> String {
    if claims.is_empty() {
        return "nothing to claim".to_owned();
    }
    let rows = claims.iter().map(|claim| {
        vec![
            claim.row.task.to_string(),
            claim.row.round.to_string(),
            claim.row.committee.map_or("trainer", |_| "seat").to_owned(),
            claim.row.account.to_string(),
            or_dash(claim.amount.map(|amount| tokens(amount, token))),
            match &claim.reason {
                Some(reason) => format!("{}: {reason}", claim.outcome.words()),
                None => claim.outcome.words().to_owned(),
            },
        ]
    });
    let header = ["task", "round", "as", "account", "amount", "outcome"];
    let all = [
        Outcome::Open,
        Outcome::Settled,
        Outcome::AlreadySettled,
        Outcome::Refused,
        Outcome::Unpayable,
    ];
    let sums: Vec<String> = all
        .into_iter()
        .map(|outcome| (outcome, claims.iter().filter(|claim| claim.outcome == outcome).count()))
        .filter(|(_, count)| *count > 0)
        .map(|(outcome, count)| format!("{count} {}", outcome.words()))
        .collect();
    let total = count(claims.len() as u64, "row");
    format!("{}\n\n{total}: {}", table(header.map(str::to_owned).to_vec(), rows), sums.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn claims() -> Vec<Claimed> {
        let row = |round| Row { task: 1, round, account: AccountId([7; 32]), committee: None };
        (1..=3).map(|round| Claimed::open(row(round), Some(5))).collect()
    }

    fn included(names: &[&str]) -> Included {
        let event = |name: &&str| Event {
            pallet: if *name == "RewardPaid" { "Validation" } else { "Utility" }.to_owned(),
            name: (*name).to_owned(),
            fields: json!({ "error": "NothingToClaim" }),
        };
        let events = names.iter().map(event).collect();
        Included { block: [0; 32], number: 1, extrinsic: [0; 32], events, fee: 0 }
    }

    #[test]
    fn what_others_settled_is_told_apart_from_what_was_refused() {
        let batch = included(&[
            "RewardPaid",
            "ItemCompleted",
            "ItemFailed",
            "ItemFailed",
            "BatchCompleted",
        ]);
        let mut claims = claims();
        let open = [claims[2].row];
        record(&mut claims.iter_mut().collect::<Vec<_>>(), items(&batch), &open);
        let outcomes: Vec<Outcome> = claims.iter().map(|claim| claim.outcome).collect();
        assert_eq!(outcomes, [Outcome::Settled, Outcome::AlreadySettled, Outcome::Refused]);
        assert!(claims[0].reason.is_none() && claims[1].reason.is_none());
        let json = serde_json::to_value(&claims).unwrap_or_default();
        assert_eq!(json[1]["outcome"], "already_settled");
        assert_eq!(json[2]["reason"], "\"NothingToClaim\"");

        let token = Properties { symbol: "DML".to_owned(), decimals: 0, ss58: 42 };
        let text = people(&claims, &token);
        let last = "3 rows: 1 settled, 1 already settled by others, 1 refused";
        assert_eq!(text.lines().last(), Some(last));
    }

    #[test]
    fn a_dry_run_settles_nothing() {
        let token = Properties { symbol: "DML".to_owned(), decimals: 0, ss58: 42 };
        assert!(people(&claims(), &token).ends_with("3 rows: 3 can be settled"));
        assert_eq!(people(&[], &token), "nothing to claim");
    }
}
