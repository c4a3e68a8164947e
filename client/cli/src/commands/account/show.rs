//! `decentralml account show`.

use crate::{
    context::Context,
    output::{Out, count, pairs},
    units::tokens,
};
use clap::Args;
use color_eyre::Result;
use decentralml_sdk::{AccountBalance, AccountId, Member, Properties};
use decentralml_types::{BlockNumber, Role};
use serde::Serialize;

/// Show an account: balance, holds, bonds and what is being unbonded.
#[derive(Args, Debug)]
pub struct Opts {
    /// An address, or the name of a key [default: the key that signs].
    #[arg(value_name = "ACCOUNT")]
    who: Option<String>,
}

#[derive(Serialize)]
struct Account {
    account: AccountId,
    balance: AccountBalance,
    trainer: Option<Member>,
    evaluator: Option<Member>,
    /// Block at which this was read.
    block: BlockNumber,
}

/// Reads the finalized state.
pub async fn run(opts: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let account = context.account_or_own(opts.who.as_deref())?;
    let chain = context.chain().await?;
    let view = chain.finalized().await?;
    let shown = Account {
        balance: view.balance(&account).await?,
        trainer: view.member(Role::Trainer, &account).await?,
        evaluator: view.member(Role::Evaluator, &account).await?,
        block: view.number(),
        account,
    };
    out.result(&shown, |account| people(account, chain.properties()))
}

fn people(shown: &Account, token: &Properties) -> String {
    let Account { account, balance, trainer, evaluator, block } = shown;
    let mut rows = vec![
        ("address", account.to_string()),
        ("free", tokens(balance.free, token)),
        ("held", tokens(balance.reserved, token)),
    ];
    for (reason, amount) in &balance.holds {
        rows.push(("  of it", format!("{} as {reason}", tokens(*amount, token))));
    }
    for (role, member) in [("trainer", trainer), ("evaluator", evaluator)] {
        let Some(member) = member else { continue };
        let text = format!(
            "bond {}, {} of it at risk in tasks, {}",
            tokens(member.bond, token),
            tokens(member.engaged, token),
            count(member.faults, "fault"),
        );
        rows.push((role, text));
        if member.disputed > 0 {
            let seized = tokens(member.disputed, token);
            let text =
                format!("{seized} seized, until `decentralml case list --of {account}` is empty");
            rows.push(("", text));
        }
        for (amount, at) in &member.unbonding {
            let when = match at.checked_sub(*block) {
                None | Some(0) => "can be withdrawn".to_owned(),
                Some(blocks) => format!("unbonds in {}", count(blocks, "block")),
            };
            rows.push(("", format!("{} {when}", tokens(*amount, token))));
        }
    }
    pairs(&rows)
}
