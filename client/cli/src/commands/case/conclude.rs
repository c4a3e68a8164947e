//! `decentralml case conclude`.

use super::{CaseArg, is_decided};
use crate::{
    commands::submit,
    context::Context,
    exit::{Kind, problem},
    output::Out,
    units::tokens,
};
use clap::Args;
use color_eyre::Result;
use decentralml_sdk::{AccountId, Case, Included, Properties, call};
use decentralml_types::BlockNumber;

/// End a case whose time is over, or that the council has decided: the slash is executed, or the accused freed. By anybody; free.
#[derive(Args, Debug)]
pub struct Opts {
    #[command(flatten)]
    case: CaseArg,
}

/// Waits until the end is final.
pub async fn run(opts: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let chain = context.chain().await?;
    let view = chain.best().await?;
    let case = opts.case.find(&view).await?;
    if let Some(why) = undecided(&case, &view.council().await?, view.number()) {
        return Err(problem(Kind::Refused, why));
    }
    let token = chain.properties();
    submit(context, &chain, &call::conclude_case(case.case), out, |included| {
        end(&case, included, token)
    })
    .await
}

/// How it ended.
fn end(case: &Case, included: &Included, token: &Properties) -> String {
    let (number, amount) = (case.case, tokens(case.amount, token));
    if included.find("Disputes", "Executed").is_some() {
        format!("case {number}: {amount} of {} are slashed", case.accused)
    } else {
        format!("case {number}: {} is freed, and has its {amount} back", case.accused)
    }
}

/// Why a case cannot be concluded in the next block, where it cannot.
fn undecided(case: &Case, council: &[AccountId], now: BlockNumber) -> Option<String> {
    if is_decided(case, council, now) {
        return None;
    }
    let what = match case.appeal {
        None => "the accused may still appeal",
        Some(_) => "the council has not decided",
    };
    Some(format!("case {} is open: {what}; wait until block {}", case.case, case.deadline))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::case::tests::{case, council};

    #[test]
    fn a_case_is_concluded_when_it_is_decided_or_its_time_is_over() {
        let why = |case: Case, now| undecided(&case, &council(3), now).unwrap_or_default();
        assert!(why(case(None, &[]), 98).contains("may still appeal; wait until block 100"));
        assert!(why(case(Some(5), &[true, false]), 98).contains("has not decided"));
        assert_eq!(why(case(Some(5), &[true, true]), 10), "");
        assert_eq!(why(case(Some(5), &[]), 99), "");
        assert_eq!(why(case(None, &[]), 99), "");
    }
}
