//! `decentralml explain`.

mod words;

use crate::{
    context::{Context, spinner},
    exit::{Kind, problem},
    output::{Out, count, number_table, table},
    units::tokens,
};
use clap::Args;
use color_eyre::{Report, Result};
use decentralml_sdk::{
    Properties,
    explain::{Amounts, Cause, Entry, ExplainError, Explanation},
};
use decentralml_types::{Asset, RoundNumber, TaskId};

/// Explain what became of an account in a round, from the chain alone: drawn or not, accepted or not, paid or slashed.
///
/// Each step is told with its block and the numbers that decided, which are computed again by the rules of the protocol, and each change of
/// the account's balance meanwhile with its cause. Fails where a number is not the chain's, or the causes do not add up to the
/// balance. The rows by which a round is decided go when it is settled, so the node has to keep old states: one that runs with
/// `--state-pruning archive` explains all rounds, any other those of its last blocks.
#[derive(Args, Debug)]
pub struct Opts {
    /// Number of the task.
    task: TaskId,
    /// Number of the round; every attempt has its own.
    round: RoundNumber,
    /// An address, or the name of a key.
    #[arg(value_name = "WHO")]
    who: String,
}

/// Reads finalized blocks.
pub async fn run(opts: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let account = context.account(&opts.who)?;
    let chain = context.chain().await?;
    let reading = spinner("reading the chain's past …");
    let on =
        |states: u64| reading.set_message(format!("reading the chain's past: {states} states"));
    let explained = chain.explain(opts.task, opts.round, &account, on).await;
    reading.finish_and_clear();
    let explained = explained.map_err(of_kind)?;
    let native = chain.properties();
    let unit = chain.finalized().await?.unit(explained.asset, native).await?;
    out.result(&explained, |explained| people(explained, native, &unit))?;
    if explained.holds() {
        return Ok(());
    }
    Err(problem(Kind::Other, complaint(&explained, native, &unit)))
}

fn of_kind(error: ExplainError) -> Report {
    let kind = match &error {
        ExplainError::NoTask(_) | ExplainError::NoRound { .. } | ExplainError::NoAccount(_) => {
            Kind::NotFound
        }
        ExplainError::Forgotten { .. } | ExplainError::Read(_) => Kind::NoChain,
        ExplainError::TooMany => Kind::Other,
    };
    problem(kind, error.to_string())
}

fn people(explained: &Explanation, native: &Properties, unit: &Properties) -> String {
    let Explanation { task, round, account, from, until, .. } = explained;
    let mut text = format!("{account} in round {round} of task {task}\n\n");
    let steps = explained
        .steps
        .iter()
        .map(|step| vec![step.block.to_string(), words::sentence(step, account, native, unit)]);
    text += &table(vec!["block".to_owned(), "what happened".to_owned()], steps);
    let standing = match (explained.phase.is_final(), explained.over) {
        (_, true) => format!("It is settled since block {until}."),
        (true, false) => format!(
            "The round is over, but not all of this account is settled as of block {until}: more may follow."
        ),
        (false, false) => format!("The round is not over as of block {until}: more will follow."),
    };
    text += &format!("\n\n{standing}\n\n");
    let blocks = format!("from block {from} to block {until}");
    if explained.money.is_empty() {
        text += &format!("Its balance did not change {blocks}.\n");
    } else {
        text += &format!("Its balance {blocks}:\n\n{}\n", money(explained, native, unit));
    }
    let checks = count(explained.checks.len() as u64, "number");
    text += &match explained.holds() {
        true => format!(
            "\nThe sum is the difference of the balance, exactly. {checks} computed again: equal to the chain's."
        ),
        false => format!("\n{}", complaint(explained, native, unit)),
    };
    text
}

fn money(explained: &Explanation, native: &Properties, unit: &Properties) -> String {
    let asset = matches!(explained.asset, Asset::Id(_));
    let row = |block: String, cause: &str, by: &str, change: Amounts| {
        let mut row = vec![block, cause.to_owned(), by.to_owned()];
        row.push(signed(change.free, native));
        row.push(signed(change.held, native));
        if asset {
            row.push(signed(change.asset, unit));
        }
        row
    };
    let entry = |entry: &Entry| {
        let by = if entry.by.is_empty() { "-" } else { &entry.by };
        row(entry.block.to_string(), cause(entry.cause), by, entry.change)
    };
    let mut rows: Vec<Vec<String>> = explained.money.iter().map(entry).collect();
    let sums = &explained.sums;
    for (name, sum) in [
        ("this round", sums.round),
        ("the task", sums.task),
        ("other rounds", sums.other_rounds),
        ("fees", sums.fees),
        ("other", sums.other),
        ("unexplained", sums.unexplained),
    ] {
        if !sum.is_zero() {
            rows.push(row("sum".to_owned(), name, "", sum));
        }
    }
    rows.push(row("all".to_owned(), "", "", sums.difference));
    let mut header = vec!["block", "of", "by", "free", "held"];
    if asset {
        header.push("pay");
    }
    number_table(header.into_iter().map(str::to_owned).collect::<Vec<_>>(), rows)
}

fn cause(cause: Cause) -> &'static str {
    match cause {
        Cause::Round => "this round",
        Cause::Task => "the task",
        Cause::OtherRound => "another round",
        Cause::Fee => "a fee",
        Cause::Other => "other",
        Cause::Unexplained => "unexplained",
    }
}

/// What is wrong.
fn complaint(explained: &Explanation, native: &Properties, unit: &Properties) -> String {
    let mut faults: Vec<String> = explained
        .checks
        .iter()
        .filter(|check| !check.holds)
        .map(|check| {
            let (block, what) = (check.block, check.what);
            format!(
                "{what} in block {block}: computed {}, the chain says {}",
                check.computed, check.chain
            )
        })
        .collect();
    let missing = explained.sums.missing();
    if !missing.is_zero() {
        let Amounts { free, held, asset } = missing;
        let mut parts = vec![
            format!("{} free", signed(free, native)),
            format!("{} held", signed(held, native)),
        ];
        if matches!(explained.asset, Asset::Id(_)) {
            parts.push(signed(asset, unit));
        }
        faults.push(format!(
            "what no event of the chain explains of the balance: {}",
            parts.join(", ")
        ));
    }
    format!("it does not add up: {}", faults.join("; "))
}

/// A change with its sign.
fn signed(change: i128, unit: &Properties) -> String {
    let amount = tokens(change.unsigned_abs(), unit);
    match change.signum() {
        1 => format!("+{amount}"),
        -1 => format!("-{amount}"),
        _ => "0".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use decentralml_sdk::{
        AccountId,
        explain::{Check, Sums},
    };
    use decentralml_types::Phase;

    fn explanation(missing: i128) -> Explanation {
        let change = Amounts { free: 5, held: 0, asset: 0 };
        let (by, moved) = ("Tasks.Paid".to_owned(), "Balances.Transfer".to_owned());
        let difference = Amounts { free: 5 + missing, held: 0, asset: 0 };
        Explanation {
            task: 7,
            round: 2,
            account: AccountId([1; 32]),
            asset: Asset::Native,
            from: 9,
            until: 20,
            over: true,
            phase: Phase::Settled,
            failure: None,
            steps: Vec::new(),
            money: vec![Entry { block: 19, cause: Cause::Round, by, moved, change }],
            sums: Sums { round: change, difference, ..Sums::default() },
            checks: Vec::new(),
        }
    }

    fn token() -> Properties {
        Properties { symbol: "DML".to_owned(), decimals: 0, ss58: 42 }
    }

    #[test]
    fn a_sum_that_is_not_the_balance_is_said_with_what_is_missing() {
        assert!(explanation(0).holds());
        let text = people(&explanation(0), &token(), &token());
        assert!(text.contains("+5 DML") && text.contains("exactly"), "{text}");
        let wrong = explanation(-3);
        assert!(!wrong.holds());
        let text = people(&wrong, &token(), &token());
        assert!(text.contains("does not add up") && text.contains("-3 DML free"), "{text}");
    }

    #[test]
    fn a_number_that_is_not_the_chains_is_named() {
        let mut wrong = explanation(0);
        let (computed, chain) = ("4".to_owned(), "5".to_owned());
        wrong.checks.push(Check { block: 19, what: "pay", computed, chain, holds: false });
        assert!(!wrong.holds());
        let text = complaint(&wrong, &token(), &token());
        assert!(text.contains("pay in block 19: computed 4, the chain says 5"), "{text}");
    }

    #[test]
    fn what_is_not_there_is_no_failure_of_the_chain() {
        let kind = |error| crate::exit::kind(&of_kind(error));
        assert_eq!(kind(ExplainError::NoTask(3)), Kind::NotFound);
        let missing = ExplainError::NoRound { task: 3, round: 9, last: Some(2) };
        assert!(missing.to_string().contains("its last is 2"), "{missing}");
        assert_eq!(kind(missing), Kind::NotFound);
    }
}
