//! `decentralml asset show`.

use super::{asset, state};
use crate::{
    context::Context,
    output::{Out, pairs},
    units::tokens,
};
use clap::Args;
use color_eyre::Result;
use decentralml_sdk::{AccountId, AssetRecord, Properties};
use decentralml_types::Balance;
use serde::Serialize;

/// Show a token: how much there is, and who has power over it.
#[derive(Args, Debug)]
pub struct Opts {
    /// The token's number.
    asset: u32,
    /// Show what this account has of it as well, an address or the name of a key.
    #[arg(long, value_name = "ACCOUNT")]
    of: Option<String>,
}

#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    asset: AssetRecord,
    /// Whose balance was asked for, and what it is in the smallest unit.
    balance: Option<(AccountId, Balance)>,
}

/// Reads the best block.
pub async fn run(opts: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let of = opts.of.as_deref().map(|who| context.account(who)).transpose()?;
    let chain = context.chain().await?;
    let view = chain.best().await?;
    let asset = asset(&view, opts.asset).await?;
    let balance = match of {
        Some(who) => Some((who, view.asset_balance(asset.id, &who).await?)),
        None => None,
    };
    let unit = asset.unit(chain.properties());
    out.result(&Shown { asset, balance }, |shown| people(shown, &unit))
}

fn people(shown: &Shown, unit: &Properties) -> String {
    let asset = &shown.asset;
    let mut rows = vec![
        ("asset", asset.id.to_string()),
        ("name", asset.name.clone()),
        ("symbol", asset.symbol.clone()),
        ("state", state(asset.state).to_owned()),
        ("supply", format!("{}, more by {}", tokens(asset.supply, unit), asset.issuer)),
        ("minimum", format!("{} in an account, or nothing", tokens(asset.minimum, unit))),
        ("held by", crate::output::count(asset.accounts, "account")),
        ("taken away by", asset.admin.to_string()),
        ("frozen by", asset.freezer.to_string()),
        ("destroyed by", asset.owner.to_string()),
    ];
    if let Some((who, balance)) = &shown.balance {
        rows.push(("balance", format!("{} has {}", who, tokens(*balance, unit))));
    }
    pairs(&rows)
}
