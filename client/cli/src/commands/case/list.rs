//! `decentralml case list`.

use super::{place, standing};
use crate::{
    context::Context,
    output::{Out, table},
    units::{role, tokens},
};
use clap::Args;
use color_eyre::Result;
use decentralml_types::TaskId;

/// List the cases that are not concluded.
#[derive(Args, Debug)]
pub struct Opts {
    /// Against this account only: an address or the name of a key.
    #[arg(long, value_name = "ACCOUNT")]
    of: Option<String>,
    /// About this task only.
    #[arg(long, value_name = "ID")]
    task: Option<TaskId>,
}

/// Reads the best block.
pub async fn run(opts: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let accused = opts.of.as_deref().map(|text| context.account(text)).transpose()?;
    let chain = context.chain().await?;
    let view = chain.best().await?;
    let (mut cases, council) = futures::try_join!(view.cases(), view.council())?;
    cases.retain(|case| {
        accused.is_none_or(|account| case.accused == account)
            && opts.task.is_none_or(|task| case.task == Some(task))
    });
    out.result(&cases, |cases| {
        if cases.is_empty() {
            return "no open cases".to_owned();
        }
        let rows = cases.iter().map(|case| {
            vec![
                case.case.to_string(),
                case.accused.to_string(),
                role(case.role).to_owned(),
                format!("{:?}", case.fault),
                place(case),
                tokens(case.amount, chain.properties()),
                standing(case, &council, view.number()),
            ]
        });
        let header = ["case", "accused", "as", "of", "where", "at stake", "standing"];
        table(header.map(str::to_owned).to_vec(), rows)
    })
}
