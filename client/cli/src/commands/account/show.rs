//! `decentralml account show`.

use crate::{
    context::Context,
    output::{Out, count, pairs},
    units::tokens,
};
use clap::Args;
use color_eyre::Result;
use decentralml_protocol::reputation;
use decentralml_sdk::{AccountBalance, AccountId, Member, Properties};
use decentralml_types::{BlockNumber, Role, reputation::Record};
use serde::Serialize;

/// Show an account: balance, holds, bonds, what is being unbonded, and how it has acted in its roles.
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
    trainer: Option<Standing>,
    evaluator: Option<Standing>,
    validator: Option<Standing>,
    /// Block at which this was read.
    block: BlockNumber,
}

/// An account in a role.
#[derive(Serialize)]
struct Standing {
    #[serde(flatten)]
    member: Member,
    /// What its record amounts to now, from 0 to 1,000.
    score: u16,
}

/// Reads the finalized state.
pub async fn run(opts: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let account = context.account_or_own(opts.who.as_deref())?;
    let chain = context.chain().await?;
    let view = chain.finalized().await?;
    let period = view.reputation_period()?;
    let standing = |member: Member| {
        let member = Member { record: reputation::decayed(member.record, period), ..member };
        Standing { score: member.score(period), member }
    };
    let shown = Account {
        balance: view.balance(&account).await?,
        trainer: view.member(Role::Trainer, &account).await?.map(standing),
        evaluator: view.member(Role::Evaluator, &account).await?.map(standing),
        validator: view.member(Role::Validator, &account).await?.map(standing),
        block: view.number(),
        account,
    };
    out.result(&shown, |account| people(account, chain.properties()))
}

fn people(shown: &Account, token: &Properties) -> String {
    let Account { account, balance, trainer, evaluator, validator, block } = shown;
    let mut rows = vec![
        ("address", account.to_string()),
        ("free", tokens(balance.free, token)),
        ("held", tokens(balance.reserved, token)),
    ];
    for (reason, amount) in &balance.holds {
        rows.push(("  of it", format!("{} as {reason}", tokens(*amount, token))));
    }
    let roles = [("trainer", trainer), ("evaluator", evaluator), ("validator", validator)];
    for (role, member) in roles {
        let Some(Standing { member, score }) = member else { continue };
        let text = format!(
            "bond {}, {} of it at risk in tasks, {}",
            tokens(member.bond, token),
            tokens(member.engaged, token),
            count(member.faults, "fault"),
        );
        rows.push((role, text));
        rows.push(("", format!("reputation {score} of 1000: {}", counts(&member.record))));
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

/// The counts of a record as it has decayed, to one place.
fn counts(record: &Record) -> String {
    let Record { accepted, rejected, absent, slashed, .. } = *record;
    let parts =
        [(accepted, "accepted"), (rejected, "rejected"), (absent, "absent"), (slashed, "slashed")];
    let part = |(count, name): (u32, &str)| {
        format!("{:.1} {name}", f64::from(count) / f64::from(reputation::ONE))
    };
    parts.map(part).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_told_in_whole_entries_and_tenths() {
        let record = Record { accepted: 8 * reputation::ONE, slashed: 128, ..Record::default() };
        assert_eq!(counts(&record), "8.0 accepted, 0.0 rejected, 0.0 absent, 0.5 slashed");
    }
}
