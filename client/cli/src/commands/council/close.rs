//! `decentralml council close`.

use super::MotionArg;
use crate::{
    commands::submit,
    context::Context,
    exit::{Kind, problem},
    output::Out,
};
use clap::Args;
use color_eyre::Result;
use decentralml_sdk::call;

/// Close a motion that is decided, and execute it where it is approved. By anybody.
#[derive(Args, Debug)]
pub struct Opts {
    #[command(flatten)]
    motion: MotionArg,
}

/// Waits until it is final; fails when the motion was disapproved or could not be executed.
pub async fn run(opts: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let chain = context.chain().await?;
    let motion = opts.motion.find(&chain.best().await?).await?;
    let mut failure = None;
    submit(
        context,
        &chain,
        &call::close(motion.hash, motion.index),
        out,
        |included| match included.motion_result() {
            Some(Ok(())) => format!("motion {} is carried out: {}", motion.index, motion.call),
            Some(Err(error)) => {
                failure = Some(error);
                format!("motion {} is closed", motion.index)
            }
            None => {
                failure = Some("the chain does not say how it ended".to_owned());
                format!("motion {} is closed", motion.index)
            }
        },
    )
    .await?;
    match failure {
        None => Ok(()),
        Some(error) => Err(problem(
            Kind::Refused,
            format!("motion {} was not carried out: {error}", motion.index),
        )),
    }
}
