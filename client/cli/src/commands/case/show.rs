//! `decentralml case show`.

use super::{CaseArg, place, standing};
use crate::{
    context::Context,
    output::{Out, or_dash, pairs},
    units::{role, tokens},
};
use clap::Args;
use color_eyre::Result;

/// Show a case: who is accused of what, what is at stake, and who has voted how.
#[derive(Args, Debug)]
pub struct Opts {
    #[command(flatten)]
    case: CaseArg,
}

/// Reads the best block.
pub async fn run(opts: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let chain = context.chain().await?;
    let view = chain.best().await?;
    let case = opts.case.find(&view).await?;
    let council = view.council().await?;
    let token = chain.properties();
    out.result(&case, |case| {
        let mut rows = vec![
            ("case", case.case.to_string()),
            ("accused", format!("{}, as {}", case.accused, role(case.role))),
            ("of", format!("{:?} in {}", case.fault, place(case))),
            ("at stake", tokens(case.amount, token)),
            ("reporter", or_dash(case.reporter)),
            ("sponsor", or_dash(case.sponsor)),
            ("appeal", or_dash(case.appeal.map(|bond| tokens(bond, token)))),
            ("standing", standing(case, &council, view.number())),
        ];
        for (who, guilty) in &case.votes {
            rows.push(("vote", format!("{who}: {}", super::vote::word(*guilty))));
        }
        pairs(&rows)
    })
}
