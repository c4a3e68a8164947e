//! `decentralml model`: versions, files, quality; in and out of other programs.

mod evaluate;
mod export;
mod fetch;
mod import;
mod inspect;
mod list;
mod predict;
mod show;
mod source;

pub use fetch::check_target;

use crate::{
    context::Context,
    exit::{Kind, problem},
    output::{Out, count},
};
use clap::Subcommand;
use color_eyre::Result;
use decentralml_sdk::{ModelStatus, ModelVersion, View};
use decentralml_types::{TaskId, Version};

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    List(list::Opts),
    Show(show::Opts),
    Fetch(fetch::Opts),
    Evaluate(Box<evaluate::Opts>),
    Predict(Box<predict::Opts>),
    Inspect(inspect::Opts),
    Export(export::Opts),
    Import(import::Opts),
}

/// Does what was asked for.
pub async fn run(command: Command, context: &Context, out: &mut Out<'_>) -> Result<()> {
    match command {
        Command::List(opts) => list::run(opts, context, out).await,
        Command::Show(opts) => show::run(opts, context, out).await,
        Command::Fetch(opts) => fetch::run(opts, context, out).await,
        Command::Evaluate(opts) => evaluate::run(*opts, context, out).await,
        Command::Predict(opts) => predict::run(*opts, context, out).await,
        Command::Inspect(opts) => inspect::run(opts, context, out).await,
        Command::Export(opts) => export::run(opts, context, out).await,
        Command::Import(opts) => import::run(opts, context, out).await,
    }
}

/// A version that must be there.
pub async fn version(view: &View, task: TaskId, version: Version) -> Result<ModelVersion> {
    view.model(task, version).await?.ok_or_else(|| {
        problem(
            Kind::NotFound,
            format!(
                "task {task} has no version {version} of its model; `decentralml model list --task {task}` shows those that \
                 there are"
            ),
        )
    })
}

/// A version, or the latest one.
async fn version_or_last(
    view: &View,
    task: TaskId,
    number: Option<Version>,
) -> Result<ModelVersion> {
    let number = match number {
        Some(number) => number,
        None => view
            .last_version(task)
            .await?
            .ok_or_else(|| problem(Kind::NotFound, format!("task {task} has no model yet")))?,
    };
    version(view, task, number).await
}

/// A status for people.
fn status(status: &ModelStatus) -> String {
    match status {
        ModelStatus::Candidate => "candidate".to_owned(),
        ModelStatus::Released { at } => format!("released (block {at})"),
        ModelStatus::Recalled { at, reason } => format!("recalled (block {at}): {reason}"),
    }
}

/// What a version was made of.
fn origin(model: &ModelVersion) -> String {
    let parent = match model.parent {
        Some(parent) => format!("version {parent}"),
        None => "the task's first weights".to_owned(),
    };
    format!("{parent} and {} of round {}", count(model.updates, "update"), model.round)
}
