//! `decentralml council vote`.

use super::MotionArg;
use crate::{commands::submit, context::Context, output::Out};
use clap::Args;
use color_eyre::Result;
use decentralml_sdk::call;

/// Vote on a motion. By a member, who may change its vote while the motion is open.
#[derive(Args, Debug)]
pub struct Opts {
    #[command(flatten)]
    motion: MotionArg,
    #[command(flatten)]
    vote: Vote,
}

#[derive(Args, Clone, Copy, Debug)]
#[group(required = true, multiple = false)]
struct Vote {
    /// For it.
    #[arg(long)]
    aye: bool,
    /// Against it.
    #[arg(long)]
    nay: bool,
}

/// Waits until the vote is final.
pub async fn run(opts: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let chain = context.chain().await?;
    let view = chain.best().await?;
    let motion = opts.motion.find(&view).await?;
    super::insist_on_seat(context, &view.council().await?)?;
    let aye = opts.vote.aye && !opts.vote.nay;
    submit(context, &chain, &call::vote(motion.hash, motion.index, aye), out, |_| {
        format!(
            "voted {} on motion {}: {}",
            if aye { "aye" } else { "nay" },
            motion.index,
            motion.call
        )
    })
    .await
}
