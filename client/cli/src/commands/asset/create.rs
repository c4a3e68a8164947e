//! `decentralml asset create`.

use crate::{
    commands::submit,
    context::Context,
    exit::{Kind, OfKind},
    output::Out,
    units::{Amount, tokens},
};
use clap::Args;
use color_eyre::Result;
use decentralml_sdk::{Properties, call};

/// Create a token of your own, which tasks can pay in.
///
/// You have all power over it: to make more, to take it away, to freeze and to destroy it. The chain holds a deposit.
#[derive(Args, Debug)]
pub struct Opts {
    /// What amounts in it are followed by, such as LAB: up to 50 letters.
    symbol: String,
    /// What it is called [default: the symbol].
    #[arg(long)]
    name: Option<String>,
    /// Digits after the point of an amount.
    #[arg(long, default_value_t = 12)]
    decimals: u8,
    /// An account holds so much or nothing: less cannot be paid to one that holds none.
    #[arg(long, value_name = "AMOUNT", default_value = "1 planck")]
    minimum: Amount,
    /// Make so much at once, for yourself.
    #[arg(long, value_name = "AMOUNT")]
    mint: Option<Amount>,
}

/// Waits until it is final.
pub async fn run(opts: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let chain = context.chain().await?;
    let owner = context.signer()?.account();
    let id = chain.best().await?.next_asset().await?;
    let native = chain.properties().clone();
    let unit = Properties { symbol: opts.symbol.clone(), decimals: opts.decimals, ..native };
    let minimum = opts.minimum.planck(&unit).of_kind(Kind::Usage)?;
    let name = opts.name.as_deref().unwrap_or(&opts.symbol);
    let mut calls = vec![
        call::create_asset(id, &owner, minimum),
        call::set_asset_metadata(id, name, &opts.symbol, opts.decimals),
    ];
    let mut minted = String::new();
    if let Some(amount) = opts.mint {
        let amount = amount.planck(&unit).of_kind(Kind::Usage)?;
        calls.push(call::mint_asset(id, &owner, amount));
        minted = format!(", and you have {}", tokens(amount, &unit));
    }
    // All or nothing: should somebody else have taken the number meanwhile, the command can be given again.
    submit(context, &chain, &call::batch_all(calls), out, |_| {
        format!(
            "asset {id} is {}{minted}; a task file names it by `asset = {id}` in [terms]",
            opts.symbol
        )
    })
    .await
}
