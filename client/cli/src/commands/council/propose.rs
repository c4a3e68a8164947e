//! `decentralml council propose`.

mod parameters;

use crate::{
    commands::{hex, model, submit},
    context::Context,
    exit::{Kind, OfKind, problem},
    output::Out,
};
use clap::Subcommand;
use color_eyre::Result;
use decentralml_sdk::{Call, Chain, ModelStatus, ModelVersion, Properties, Proposal, View, call};
use decentralml_types::{Balance, Parameters, TaskId, Version};
use serde_json::{Value, json};

/// Propose something to the council. By a member, whose own vote is still to be given.
#[derive(Debug, Subcommand)]
pub enum Motion {
    /// Release a version of a model: the council stands behind its use.
    Release {
        /// Number of the task.
        task: TaskId,
        /// Version of its model.
        version: Version,
    },
    /// Recall a released version.
    Recall {
        /// Number of the task.
        task: TaskId,
        /// Version of its model.
        version: Version,
        /// Why, in at most 64 bytes.
        reason: String,
    },
    /// Put an account on the list of validators; it validates from a later session on.
    AddValidator {
        /// An address, or the name of a key.
        #[arg(value_name = "ACCOUNT")]
        who: String,
    },
    /// Take an account off the list of validators.
    RemoveValidator {
        /// An address, or the name of a key.
        #[arg(value_name = "ACCOUNT")]
        who: String,
    },
    /// Set other parameters: those named here, within what keeps honest play the best reply.
    Parameters(Box<parameters::Change>),
}

/// What the chain says of parameters.
struct Settings {
    now: Parameters,
    call_price: Balance,
    token: Properties,
}

impl Settings {
    async fn read(chain: &Chain, view: &View) -> Result<Self> {
        let call_price = chain.constants().await?.call_price;
        Ok(Self { now: view.parameters().await?, call_price, token: chain.properties().clone() })
    }

    fn with(&self, change: &parameters::Change) -> Result<Parameters> {
        change.apply(&self.now, self.call_price, &self.token)
    }
}

impl Motion {
    fn call(&self, context: &Context, settings: &Settings) -> Result<Call> {
        Ok(match self {
            Self::Release { task, version } => call::release(*task, *version),
            Self::Recall { task, version, reason } => {
                call::recall(*task, *version, reason).of_kind(Kind::Usage)?
            }
            Self::AddValidator { who } => call::add_validator(&context.account(who)?),
            Self::RemoveValidator { who } => call::remove_validator(&context.account(who)?),
            Self::Parameters(change) => call::set_parameters(&settings.with(change)?),
        })
    }

    /// The arguments of its call, as those of an open motion are shown.
    fn arguments(&self, context: &Context, settings: &Settings) -> Result<Value> {
        Ok(match self {
            Self::Release { task, version } => json!({ "task": task, "version": version }),
            Self::Recall { task, version, reason } => {
                json!({ "task": task, "version": version, "reason": hex(reason.as_bytes()) })
            }
            Self::AddValidator { who } | Self::RemoveValidator { who } => {
                json!({ "who": { "Id": hex(&context.account(who)?.0) } })
            }
            Self::Parameters(change) => {
                json!({ "parameters": serde_json::to_value(settings.with(change)?)? })
            }
        })
    }

    /// Refuses a decision that the chain would not carry out, whatever the votes: a version is released once, and recalled once.
    fn can_follow(&self, model: &ModelVersion) -> Result<()> {
        let why = match (self, &model.status) {
            (Self::Release { .. }, ModelStatus::Released { at }) => {
                format!("is released already, since block {at}")
            }
            (Self::Release { .. }, ModelStatus::Recalled { at, reason }) => format!(
                "was recalled in block {at} ({reason}), after which it cannot be released again; propose another version"
            ),
            (Self::Recall { .. }, ModelStatus::Candidate) => {
                "is not released, so there is nothing to recall".to_owned()
            }
            (Self::Recall { .. }, ModelStatus::Recalled { at, reason }) => {
                format!("is recalled already, since block {at} ({reason})")
            }
            _ => return Ok(()),
        };
        let ModelVersion { task, version, .. } = model;
        Err(problem(Kind::Refused, format!("version {version} of task {task} {why}")))
    }

    /// Ayes that the chain asks for: more than half for models and parameters, two thirds for validators.
    fn threshold(&self, members: usize) -> u32 {
        match self {
            Self::Release { .. } | Self::Recall { .. } | Self::Parameters(_) => majority(members),
            Self::AddValidator { .. } | Self::RemoveValidator { .. } => {
                u32::try_from((2 * members).div_ceil(3)).unwrap_or(u32::MAX)
            }
        }
    }
}

/// More than half.
pub fn majority(members: usize) -> u32 {
    u32::try_from(members / 2 + 1).unwrap_or(u32::MAX)
}

/// Refuses a call that an open motion proposes already: the chain would do so for a fee.
fn insist_on_new(call: &Call, arguments: &Value, open: &[Proposal]) -> Result<()> {
    let name = call.name().replace("::", ".");
    let same = |motion: &&Proposal| {
        let Some((pallet_and_call, fields)) = motion.call.split_once(' ') else { return false };
        pallet_and_call == name
            && serde_json::from_str(fields).is_ok_and(|fields: Value| fields == *arguments)
    };
    let Some(Proposal { index, .. }) = open.iter().find(same) else { return Ok(()) };
    Err(problem(
        Kind::Refused,
        format!(
            "motion {index} proposes that already: `decentralml council vote {index} --aye` is a vote for it, and `decentralml \
             council close {index}` ends it"
        ),
    ))
}

/// Waits until the motion is final.
pub async fn run(motion: Motion, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let chain = context.chain().await?;
    let view = chain.best().await?;
    let settings = Settings::read(&chain, &view).await?;
    let proposed = motion.call(context, &settings)?;
    let members = view.council().await?;
    if members.is_empty() {
        return Err(problem(Kind::Refused, "this chain's council has no members"));
    }
    if let Motion::Release { task, version } | Motion::Recall { task, version, .. } = &motion {
        motion.can_follow(&model::version(&view, *task, *version).await?)?;
    }
    super::insist_on_seat(context, &members)?;
    let arguments = motion.arguments(context, &settings)?;
    insist_on_new(&proposed, &arguments, &view.proposals().await?)?;
    let threshold = motion.threshold(members.len());
    submit(context, &chain, &call::propose(threshold, &proposed), out, |included| {
        match included.proposal() {
            Some((_, index)) => format!(
                "motion {index} is open: {proposed}, needs {threshold} of {} ayes; `decentralml council vote {index} --aye`",
                members.len()
            ),
            None => format!("{proposed} was executed at once"),
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use decentralml_types::{Cid, Codec};

    fn model(status: ModelStatus) -> ModelVersion {
        ModelVersion {
            task: 3,
            version: 12,
            cid: Cid { codec: Codec::Raw, digest: [1; 32] },
            parent: None,
            round: 12,
            metric: 950_000,
            updates: 4,
            license: "Apache-2.0".to_owned(),
            recorded_at: 40,
            status,
        }
    }

    #[test]
    fn a_version_is_released_once_and_only_what_is_released_is_recalled() {
        let release = Motion::Release { task: 3, version: 12 };
        let recall = Motion::Recall { task: 3, version: 12, reason: "a leak".to_owned() };
        let released = ModelStatus::Released { at: 57 };
        let recalled = ModelStatus::Recalled { at: 60, reason: "a bug".to_owned() };
        for (motion, status, refusal) in [
            (&release, ModelStatus::Candidate, None),
            (&release, released.clone(), Some("is released already, since block 57")),
            (&release, recalled.clone(), Some("was recalled in block 60 (a bug)")),
            (&recall, ModelStatus::Candidate, Some("is not released")),
            (&recall, released, None),
            (&recall, recalled, Some("is recalled already, since block 60 (a bug)")),
        ] {
            let result = motion.can_follow(&model(status));
            let kind = result.as_ref().err().map(crate::exit::kind);
            assert_eq!(kind, refusal.map(|_| Kind::Refused), "{refusal:?}");
            let text = result.err().map(|error| error.to_string()).unwrap_or_default();
            let start = format!("version 12 of task 3 {}", refusal.unwrap_or_default());
            assert!(refusal.is_none() || text.starts_with(&start), "{text}");
        }
    }

    #[test]
    fn what_an_open_motion_proposes_is_not_proposed_again() {
        let shown = |call: &str| Proposal {
            hash: [1; 32],
            index: 7,
            threshold: 2,
            ayes: Vec::new(),
            nays: Vec::new(),
            end: 100,
            call: call.to_owned(),
        };
        let open = |call: &str| {
            let arguments = json!({ "task": 3, "version": 12 });
            insist_on_new(&call::release(3, 12), &arguments, &[shown("(gone)"), shown(call)])
        };
        for other in [
            r#"Models.release {"task":3,"version":11}"#,
            r#"Models.recall {"task":3,"version":12}"#,
            r#"Models.release {"task":3,"version":12,"reason":"0x61"}"#,
            "Models.release",
        ] {
            assert!(open(other).is_ok(), "{other}");
        }
        let refused = open(r#"Models.release {"version":12,"task":3}"#).err();
        assert_eq!(refused.as_ref().map(crate::exit::kind), Some(Kind::Refused));
        let text = refused.map(|error| error.to_string()).unwrap_or_default();
        assert!(text.contains("`decentralml council vote 7 --aye`"), "{text}");
    }

    #[test]
    fn thresholds_are_what_the_chain_asks_for() {
        let release = Motion::Release { task: 0, version: 1 };
        let add = Motion::AddValidator { who: String::new() };
        for (members, half, two_thirds) in [(1, 1, 1), (3, 2, 2), (4, 3, 3), (5, 3, 4), (9, 5, 6)] {
            assert_eq!(release.threshold(members), half, "{members}");
            assert_eq!(add.threshold(members), two_thirds, "{members}");
        }
    }
}
