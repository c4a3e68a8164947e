//! `decentralml claim`.

use crate::{
    context::Context,
    exit::{Kind, problem},
    output::{Out, count, or_dash, table},
    units::tokens,
};
use clap::Args;
use color_eyre::Result;
use decentralml_sdk::{
    AccountId, Chain, Claim, Event, Included, Properties, Row, SubmitError, call,
};
use decentralml_types::{Asset, Balance, CaseId, TaskId};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

/// Rows that one transaction settles; a block has room for several such.
const BATCH: usize = 25;

/// Settle what finished rounds owe: rewards, fees, and accusations of who broke a promise.
///
/// Workers claim by themselves; this is for what they left, and for others: anybody may settle any row, the money goes to
/// whom it belongs. A single row is free to settle; several at once go into one transaction, which has a fee. What could not be paid
/// when it was claimed, as an asset was frozen or an account could not receive it, is collected as well where it can be paid now.
#[derive(Args, Debug)]
pub struct Opts {
    /// In this task only.
    #[arg(long, value_name = "ID")]
    task: Option<TaskId>,
    /// Of this account, an address or the name of a key, in place of the one that signs.
    #[arg(long, value_name = "ACCOUNT", conflicts_with = "everyone")]
    of: Option<String>,
    /// Everybody's rows, also those that are settled with an accusation or with nothing.
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
    /// It was settled, and what it pays could not be paid: the task owes it.
    Owed,
}

impl Outcome {
    fn words(self) -> &'static str {
        match self {
            Self::Open => "can be settled",
            Self::Settled => "settled",
            Self::AlreadySettled => "already settled by others",
            Self::Refused => "refused",
            Self::Owed => "settled and owed",
        }
    }
}

/// A row that is, or could be, settled.
#[derive(Serialize)]
struct Claimed {
    #[serde(flatten)]
    row: Row,
    /// In the smallest unit of `asset`; `None` where it was not asked for: of others' rows.
    amount: Option<Balance>,
    /// What the task pays in.
    asset: Asset,
    outcome: Outcome,
    /// Why the chain refused, or nothing can be paid, and what to do.
    reason: Option<String>,
    /// The case in which a part of the account's bond waits since, where it is accused.
    case: Option<CaseId>,
}

impl Claimed {
    fn open(row: Row, amount: Option<Balance>, asset: Asset) -> Self {
        Self { row, amount, asset, outcome: Outcome::Open, reason: None, case: None }
    }
}

/// What a task owes to an account, since it could not be paid.
struct Debt {
    task: TaskId,
    account: AccountId,
}

/// Settles what can be settled, in as few transactions as fit.
pub async fn run(opts: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let chain = context.chain().await?;
    let view = chain.finalized().await?;
    let tasks = match opts.task {
        Some(task) => vec![crate::context::task(&view, task).await?.id],
        None => view.tasks().await?.iter().map(|task| task.id).collect(),
    };
    let (mut claims, mut debts, mut units) = (Vec::new(), Vec::new(), BTreeMap::new());
    for task in tasks {
        let asset = crate::context::task(&view, task).await?.spec.terms.asset;
        if let Entry::Vacant(unit) = units.entry(asset) {
            unit.insert(view.unit(asset, chain.properties()).await?);
        }
        if opts.everyone {
            let rows = view.open_rows(task).await?;
            claims.extend(rows.into_iter().map(|row| Claimed::open(row, None, asset)));
            let owed = view.debts(task).await?;
            debts.extend(owed.into_iter().map(|(account, _)| Debt { task, account }));
        } else {
            let account = context.account_or_own(opts.of.as_deref())?;
            let found = view.claimable(task, &account).await?;
            let open = |claim: Claim| Claimed::open(claim.row, Some(claim.amount), asset);
            claims.extend(found.claims.into_iter().map(open));
            debts.extend((found.owed > 0).then_some(Debt { task, account }));
        }
    }
    if !opts.dry_run {
        let mut open: Vec<&mut Claimed> =
            claims.iter_mut().filter(|claim| claim.outcome == Outcome::Open).collect();
        for claims in open.chunks_mut(BATCH) {
            settle(claims, &chain, context).await?;
        }
        collect(&debts, &chain, context).await?;
    }
    out.result(&claims, |claims| people(claims, &units))?;
    if opts.dry_run {
        return Ok(());
    }
    let number = |outcome| claims.iter().filter(|claim| claim.outcome == outcome).count() as u64;
    match (number(Outcome::Refused), number(Outcome::Owed)) {
        (0, 0) => Ok(()),
        (0, owed) => Err(problem(
            Kind::Refused,
            format!(
                "the pay of {} could not be paid and is owed now; claim again once the account can receive it and the asset can be \
                 moved",
                count(owed, "row")
            ),
        )),
        (refused, _) => Err(problem(
            Kind::Refused,
            format!("the chain refused to settle {}", count(refused, "row")),
        )),
    }
}

/// Tries to have paid what is owed, each in a transaction of its own, which is free where it succeeds. What still cannot be paid stays
/// owed, and stops nothing.
async fn collect(debts: &[Debt], chain: &Chain, context: &Context) -> Result<()> {
    for Debt { task, account } in debts {
        match context.submit(chain, &call::collect(*task, account)).await {
            Ok(_) => {}
            Err(report) => match report.downcast_ref() {
                Some(error @ (SubmitError::Rejected { .. } | SubmitError::Dispatch(_))) => {
                    tracing::warn!(task, %account, %error, "still owed");
                }
                _ => return Err(report),
            },
        }
    }
    Ok(())
}

/// One transaction, and what became of its rows.
async fn settle(claims: &mut [&mut Claimed], chain: &Chain, context: &Context) -> Result<()> {
    // One call alone is free; a batch costs its fee, and saves the wait of a block for each call.
    let (mut owed, mut accused) = (Vec::new(), Vec::new());
    let items = match &*claims {
        [one] => match context.submit(chain, &one.row.claim()).await {
            Ok(included) => {
                (owed, accused) = (owed_by(&included), accused_by(&included));
                vec![Ok(())]
            }
            Err(report) => match report.downcast_ref() {
                Some(error @ (SubmitError::Rejected { .. } | SubmitError::Dispatch(_))) => {
                    vec![Err(error.to_string())]
                }
                _ => return Err(report),
            },
        },
        many => {
            let calls = many.iter().map(|claim| claim.row.claim()).collect();
            let included = context.submit(chain, &call::batch(calls)).await?;
            (owed, accused) = (owed_by(&included), accused_by(&included));
            items(&included)
        }
    };
    let mut open = Vec::new();
    if items.iter().any(|item| item.is_err()) {
        let view = chain.finalized().await?;
        for task in claims.iter().map(|claim| claim.row.task).collect::<BTreeSet<_>>() {
            open.extend(view.open_rows(task).await?);
        }
    }
    record(claims, items, &open, &owed);
    for claim in claims.iter_mut() {
        claim.case = case_of(&claim.row, &accused);
    }
    Ok(())
}

/// Whose pay of which round the chain could not pay.
fn owed_by(included: &Included) -> Vec<(Option<u64>, String)> {
    let owed = included.events.iter().filter(|event| event.is("Tasks", "PaymentOwed"));
    let key = |event: &Event| {
        let who = event.fields["who"].as_str().unwrap_or_default();
        (event.fields["round"].as_u64(), who.to_owned())
    };
    owed.map(key).collect()
}

/// An accusation: the task, the round, and as what, `None` where the chain tells no number.
type Accused = (Option<u64>, Option<u64>, String, String, Option<CaseId>);

/// Whom claims have accused, and in which cases.
fn accused_by(included: &Included) -> Vec<Accused> {
    let text = |event: &Event, name: &str| match &event.fields[name] {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let opened = included.events.iter().filter(|event| event.is("Disputes", "Opened"));
    let read = |event: &Event| {
        let number = |name: &str| event.fields[name].as_u64();
        let (who, role) = (text(event, "accused"), text(event, "role"));
        (number("task"), number("round"), who, role, number("case"))
    };
    opened.map(read).collect()
}

/// The case that settling a row has opened.
fn case_of(row: &Row, accused: &[Accused]) -> Option<CaseId> {
    let role = if row.committee.is_some() { "Evaluator" } else { "Trainer" };
    let who = crate::commands::hex(&row.account.0);
    let same = |accused: &&Accused| {
        (accused.0, accused.1) == (Some(row.task.into()), Some(row.round.into()))
            && (accused.2.as_str(), accused.3.as_str()) == (who.as_str(), role)
    };
    accused.iter().find(same).and_then(|accused| accused.4)
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
fn record(
    claims: &mut [&mut Claimed],
    items: Vec<std::result::Result<(), String>>,
    open: &[Row],
    owed: &[(Option<u64>, String)],
) {
    for (claim, item) in claims.iter_mut().zip(items) {
        let key = (Some(claim.row.round.into()), crate::commands::hex(&claim.row.account.0));
        (claim.outcome, claim.reason) = match item {
            Ok(()) if owed.contains(&key) => (Outcome::Owed, None),
            Ok(()) => (Outcome::Settled, None),
            Err(reason) if open.contains(&claim.row) => (Outcome::Refused, Some(reason)),
            Err(_) => (Outcome::AlreadySettled, None),
        };
    }
}

fn people(claims: &[Claimed], units: &BTreeMap<Asset, Properties>) -> String {
    if claims.is_empty() {
        return "nothing to claim".to_owned();
    }
    let rows = claims.iter().map(|claim| {
        vec![
            claim.row.task.to_string(),
            claim.row.round.to_string(),
            claim.row.committee.map_or("trainer", |_| "seat").to_owned(),
            claim.row.account.to_string(),
            or_dash(claim.amount.map(|amount| match units.get(&claim.asset) {
                Some(unit) => tokens(amount, unit),
                None => amount.to_string(),
            })),
            match (&claim.reason, claim.case) {
                (Some(reason), _) => format!("{}: {reason}", claim.outcome.words()),
                (None, Some(case)) => {
                    format!("{}: accused, its bond waits in case {case}", claim.outcome.words())
                }
                (None, None) => claim.outcome.words().to_owned(),
            },
        ]
    });
    let header = ["task", "round", "as", "account", "amount", "outcome"];
    let all =
        [Outcome::Open, Outcome::Settled, Outcome::AlreadySettled, Outcome::Refused, Outcome::Owed];
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
        (1..=3).map(|round| Claimed::open(row(round), Some(5), Asset::Native)).collect()
    }

    fn units() -> BTreeMap<Asset, Properties> {
        let token = Properties { symbol: "DML".to_owned(), decimals: 0, ss58: 42 };
        BTreeMap::from([(Asset::Native, token)])
    }

    #[test]
    fn what_could_not_be_paid_is_settled_and_owed() {
        let mut batch = included(&["PaymentOwed", "ItemCompleted", "ItemCompleted"]);
        batch.events[0].pallet = "Tasks".to_owned();
        let who = format!("0x{}", "07".repeat(32));
        batch.events[0].fields = json!({ "task": 1, "round": 2, "who": who, "amount": 5 });
        let mut claims = claims();
        let owed = owed_by(&batch);
        let mut two: Vec<&mut Claimed> = claims.iter_mut().take(2).collect();
        record(&mut two, items(&batch), &[], &owed);
        let outcomes: Vec<Outcome> = claims.iter().map(|claim| claim.outcome).collect();
        assert_eq!(outcomes, [Outcome::Settled, Outcome::Owed, Outcome::Open]);
        assert!(
            people(&claims, &units()).ends_with("1 can be settled, 1 settled, 1 settled and owed")
        );
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
        record(&mut claims.iter_mut().collect::<Vec<_>>(), items(&batch), &open, &[]);
        let outcomes: Vec<Outcome> = claims.iter().map(|claim| claim.outcome).collect();
        assert_eq!(outcomes, [Outcome::Settled, Outcome::AlreadySettled, Outcome::Refused]);
        assert!(claims[0].reason.is_none() && claims[1].reason.is_none());
        let json = serde_json::to_value(&claims).unwrap_or_default();
        assert_eq!(json[1]["outcome"], "already_settled");
        assert_eq!(json[2]["reason"], "\"NothingToClaim\"");

        let text = people(&claims, &units());
        let last = "3 rows: 1 settled, 1 already settled by others, 1 refused";
        assert_eq!(text.lines().last(), Some(last));
    }

    #[test]
    fn a_row_that_accuses_names_its_case() {
        let mut batch = included(&["Opened", "ItemCompleted"]);
        batch.events[0].pallet = "Disputes".to_owned();
        let who = format!("0x{}", "07".repeat(32));
        batch.events[0].fields =
            json!({ "case": 4, "task": 1, "round": 2, "accused": who, "role": "Trainer" });
        let accused = accused_by(&batch);
        let cases: Vec<_> = claims().iter().map(|claim| case_of(&claim.row, &accused)).collect();
        assert_eq!(cases, [None, Some(4), None]);
        let mut claims = claims();
        claims[1].case = Some(4);
        assert!(people(&claims, &units()).contains("accused, its bond waits in case 4"));
    }

    #[test]
    fn a_dry_run_settles_nothing() {
        assert!(people(&claims(), &units()).ends_with("3 rows: 3 can be settled"));
        assert_eq!(people(&[], &units()), "nothing to claim");
    }
}
