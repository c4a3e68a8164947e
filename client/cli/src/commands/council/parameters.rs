//! `decentralml council parameters`.

use crate::{
    context::Context,
    output::{Out, pairs, table},
    units::tokens,
};
use clap::Args;
use color_eyre::Result;
use decentralml_protocol::slashing::FAULTS;
use decentralml_sdk::Properties;
use decentralml_types::Parameters;

/// Show what the council may set: least bonds, what faults cost, what appeals and challenges put at stake.
#[derive(Args, Debug)]
pub struct Opts {}

/// Reads the best block.
pub async fn run(_: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let chain = context.chain().await?;
    let parameters = chain.best().await?.parameters().await?;
    out.result(&parameters, |parameters| people(parameters, chain.properties()))
}

fn people(parameters: &Parameters, token: &Properties) -> String {
    let amount = |planck| tokens(planck, token);
    let head = pairs(&[
        ("least bond of a trainer", amount(parameters.min_trainer_bond)),
        ("least bond of an evaluator", amount(parameters.min_evaluator_bond)),
        ("least bond of a validator", amount(parameters.min_validator_bond)),
        (
            "at stake in an appeal",
            format!(
                "{} % of what was seized, {} at least",
                parameters.appeal_percent,
                amount(parameters.appeal_bond)
            ),
        ),
        ("costs of who is freed", amount(parameters.appeal_costs)),
        ("at stake in a challenge", amount(parameters.challenge_bond)),
        ("of it for an answer", amount(parameters.answer_price)),
    ]);
    let rows = FAULTS.map(|fault| {
        let penalty = parameters.penalties.of(fault);
        let parts = [penalty.percent, penalty.to_task, penalty.to_reporter, penalty.to_treasury()];
        let parts = parts.map(|percent| format!("{percent} %"));
        [vec![format!("{fault:?}")], parts.to_vec()].concat()
    });
    let header = ["fault", "of the bond", "to the task", "to the reporter", "to the treasury"];
    format!("{head}\n\n{}", table(header.map(str::to_owned).to_vec(), rows))
}

#[cfg(test)]
mod tests {
    use super::*;
    use decentralml_protocol::slashing::TABLE;

    #[test]
    fn people_see_every_amount_and_every_fault() {
        let token = Properties { symbol: "DML".to_owned(), decimals: 0, ss58: 42 };
        let parameters = Parameters {
            min_trainer_bond: 11,
            min_evaluator_bond: 12,
            min_validator_bond: 18,
            penalties: TABLE,
            appeal_bond: 13,
            appeal_percent: 14,
            appeal_costs: 15,
            challenge_bond: 16,
            answer_price: 17,
        };
        let text = people(&parameters, &token);
        for part in
            ["11 DML", "12 DML", "13 DML at least", "14 %", "15 DML", "16 DML", "17 DML", "18 DML"]
        {
            assert!(text.contains(part), "{part} in {text}");
        }
        for fault in FAULTS {
            assert!(text.contains(&format!("{fault:?}")), "{fault:?} in {text}");
        }
    }
}
