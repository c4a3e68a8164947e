//! `decentralml validator status`.

use super::report;
use crate::{
    commands::hex,
    context::Context,
    output::{Out, or_dash, pairs},
    units::tokens,
};
use clap::Args;
use color_eyre::Result;
use decentralml_sdk::{AccountId, NodeState, Properties, SessionKeys, ValidatorError};
use decentralml_types::{Balance, BlockNumber, Role};
use serde::Serialize;

/// Show how a validator stands: its node, its session keys, its bond, the council's list, this session and the next.
#[derive(Args, Debug)]
pub struct Opts {
    /// An address, or the name of a key [default: the key that signs].
    #[arg(value_name = "ACCOUNT")]
    who: Option<String>,
}

#[derive(Serialize)]
struct Status {
    account: AccountId,
    node: NodeState,
    best: BlockNumber,
    finalized: BlockNumber,
    /// Registered on the chain.
    keys: Option<SessionKeys>,
    /// Whether the node has the secret ones; unknown where it says that to its own machine only.
    node_has_keys: Option<bool>,
    /// What it has bonded as a validator, in planck.
    bond: Balance,
    /// What it needs, in planck.
    least_bond: Balance,
    /// On the council's list.
    listed: bool,
    /// In this session.
    now: bool,
    /// In the next one.
    next: bool,
}

/// Reads the finalized block.
pub async fn run(opts: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let account = context.account_or_own(opts.who.as_deref())?;
    let chain = context.chain().await?;
    let view = chain.finalized().await?;
    let keys = view.session_keys(&account).await?;
    let node_has_keys = match &keys {
        None => None,
        Some(keys) => match chain.has_session_keys(keys).await {
            Ok(has) => Some(has),
            Err(ValidatorError::Afar { .. }) => None,
            Err(error) => return Err(report(error)),
        },
    };
    let status = Status {
        account,
        node: chain.node_state().await?,
        best: chain.best().await?.number(),
        finalized: view.number(),
        keys,
        node_has_keys,
        bond: view.member(Role::Validator, &account).await?.map_or(0, |member| member.bond),
        least_bond: view.parameters().await?.min_validator_bond,
        listed: view.listed_validators().await?.contains(&account),
        now: view.validators().await?.contains(&account),
        next: view.next_validators().await?.contains(&account),
    };
    out.result(&status, |status| people(status, chain.properties()))
}

fn people(status: &Status, token: &Properties) -> String {
    let yes = |is: bool| if is { "yes" } else { "no" }.to_owned();
    let keys =
        status.keys.map(|keys| format!("babe {}, grandpa {}", hex(&keys.babe), hex(&keys.grandpa)));
    let table = pairs(&[
        ("account", status.account.to_string()),
        ("node validates", yes(status.node.validator)),
        ("node has caught up", yes(!status.node.syncing)),
        ("peers", status.node.peers.to_string()),
        ("best block", status.best.to_string()),
        ("finalized block", status.finalized.to_string()),
        ("session keys", or_dash(keys)),
        ("node has them", or_dash(status.node_has_keys.map(yes))),
        ("bond", format!("{} of {}", tokens(status.bond, token), tokens(status.least_bond, token))),
        ("on the council's list", yes(status.listed)),
        ("validator now", yes(status.now)),
        ("validator next session", yes(status.next)),
    ]);
    match advice(status, token) {
        Some(advice) => format!("{table}\n\n{advice}"),
        None => table,
    }
}

/// The next thing to do, if there is one.
fn advice(status: &Status, token: &Properties) -> Option<String> {
    if !status.node.validator {
        Some("This node only follows: start it with --validator.".to_owned())
    } else if status.keys.is_none() {
        Some("Register session keys with `decentralml validator keys`.".to_owned())
    } else if status.node_has_keys == Some(false) {
        Some(
            "Another node has these session keys. Where this one is to validate, run `decentralml validator keys`."
                .to_owned(),
        )
    } else if status.bond < status.least_bond {
        let missing = tokens(status.least_bond - status.bond, token);
        Some(format!("Bond {missing} more with `decentralml account bond validator`."))
    } else if !status.listed {
        Some(format!(
            "A member of the council proposes it with `decentralml council propose add-validator {}`.",
            status.account
        ))
    } else if !status.next && !status.now {
        Some("It validates from a later session on.".to_owned())
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> Properties {
        Properties { symbol: "DML".to_owned(), decimals: 0, ss58: 42 }
    }

    fn validating() -> Status {
        Status {
            account: AccountId([7; 32]),
            node: NodeState { validator: true, syncing: false, peers: 3 },
            best: 12,
            finalized: 10,
            keys: Some(SessionKeys { babe: [1; 32], grandpa: [2; 32] }),
            node_has_keys: Some(true),
            bond: 100,
            least_bond: 100,
            listed: true,
            now: true,
            next: true,
        }
    }

    #[test]
    fn the_next_thing_to_do_is_said_and_nothing_where_all_is_done() {
        assert_eq!(advice(&validating(), &token()), None);
        let missing: [(Status, &str); 6] = [
            (
                Status {
                    node: NodeState { validator: false, syncing: false, peers: 0 },
                    ..validating()
                },
                "--validator",
            ),
            (Status { keys: None, node_has_keys: None, ..validating() }, "validator keys"),
            (Status { node_has_keys: Some(false), ..validating() }, "Another node"),
            (Status { bond: 40, ..validating() }, "Bond 60 DML more"),
            (Status { listed: false, ..validating() }, "add-validator"),
            (Status { now: false, next: false, ..validating() }, "later session"),
        ];
        for (status, words) in missing {
            let advice = advice(&status, &token()).unwrap_or_default();
            assert!(advice.contains(words), "{advice}");
        }
    }

    #[test]
    fn keys_that_nobody_can_ask_for_are_a_dash() {
        let text = people(&Status { node_has_keys: None, ..validating() }, &token());
        assert!(text.contains("node has them           -"), "{text}");
    }
}
