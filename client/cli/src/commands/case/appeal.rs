//! `decentralml case appeal`.

use super::{CaseArg, left};
use crate::{
    commands::submit,
    context::Context,
    exit::{Kind, problem},
    output::Out,
};
use clap::Args;
use color_eyre::Result;
use decentralml_sdk::{AccountId, Case, call};
use decentralml_types::BlockNumber;

/// Appeal to the council against an accusation. By the accused; a bond is held, and lost where the council finds it guilty.
#[derive(Args, Debug)]
pub struct Opts {
    #[command(flatten)]
    case: CaseArg,
}

/// Waits until the appeal is final.
pub async fn run(opts: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let chain = context.chain().await?;
    let view = chain.best().await?;
    let case = opts.case.find(&view).await?;
    let own = context.account_or_own(None)?;
    if let Some(why) = refused(&case, &own, view.number()) {
        return Err(problem(Kind::Refused, why));
    }
    submit(context, &chain, &call::appeal(case.case), out, |_| {
        format!("appealed in case {}: the council judges", case.case)
    })
    .await
}

/// Why the chain would refuse an appeal in the next block, for a fee.
fn refused(case: &Case, own: &AccountId, now: BlockNumber) -> Option<String> {
    let number = case.case;
    if case.accused != *own {
        return Some(format!("{own} is not the accused of case {number}: {} is", case.accused));
    }
    if case.appeal.is_some() {
        return Some(format!("the accused has appealed in case {number} already"));
    }
    (left(case, now) == 0)
        .then(|| format!("the time to appeal in case {number} was over at block {}", case.deadline))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::case::tests::case;

    #[test]
    fn only_the_accused_appeals_once_and_in_time() {
        let [accused, other] = [1, 2].map(|byte| AccountId([byte; 32]));
        let why = |appeal, own, now| refused(&case(appeal, &[]), own, now).unwrap_or_default();
        assert_eq!(why(None, &accused, 98), "");
        assert!(why(None, &accused, 99).contains("over at block 100"));
        assert!(why(None, &other, 10).contains("is not the accused"));
        assert!(why(Some(5), &accused, 10).contains("already"));
    }
}
