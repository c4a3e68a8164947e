//! `decentralml model evaluate`.

use super::version_or_last;
use crate::{
    commands::data::DataOpts,
    context::{self, Context},
    daemon::unless_stopped,
    exit::{Kind, problem},
    output::{Out, pairs},
    transfer::to_memory,
};
use clap::Args;
use color_eyre::Result;
use decentralml_learning::{
    Dataset, Metrics, ModelSpec, Task as Purpose, Weights, data::read_csv, evaluate,
};
use decentralml_sdk::Task;
use decentralml_storage::Storage;
use decentralml_types::{Cid, TaskId, Version};
use decentralml_worker::model::csv_options;
use serde::Serialize;
use std::{fs, path::PathBuf};

/// Bytes of a model's description at most; the largest has a few kilobytes.
const MAX_SPEC: u64 = 1 << 20;

/// Measure a model on rows: those of a file, or the task's own validation set.
#[derive(Args, Debug)]
pub struct Opts {
    /// Number of the task. It names layers and validation set; for a task that is gone give --layers and --data.
    #[arg(required_unless_present_all = ["file", "layers"])]
    task: Option<TaskId>,
    /// Version of its model [default: the latest].
    #[arg(requires = "task")]
    version: Option<Version>,
    /// Weights in a file (safetensors) in place of those of a version.
    #[arg(long, value_name = "FILE", conflicts_with = "version")]
    file: Option<PathBuf>,
    /// The model's layers in a file (TOML or JSON).
    #[arg(long, value_name = "FILE")]
    layers: Option<PathBuf>,
    #[command(flatten)]
    data: DataOpts,
}

#[derive(Serialize)]
struct Evaluation {
    cid: Option<Cid>,
    #[serde(flatten)]
    metrics: Metrics,
}

/// Fetches what it needs and runs the model on all rows.
pub async fn run(opts: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let left = "run it again to go on with what was fetched";
    let (cid, spec, weights, data) = unless_stopped(gather(&opts, context), left).await?;
    let metrics = evaluate(&spec, &weights, &data)?;
    let unit = if spec.task == Purpose::NextToken { "token" } else { "row" };
    out.result(&Evaluation { cid, metrics }, |evaluation| {
        let percent = |share: f64| format!("{:.2} %", share * 100.0);
        let mut rows = vec![("rows", metrics.rows.to_string())];
        match metrics.mse {
            Some(mse) => {
                rows.extend(metrics.r2.map(|share| ("R²", percent(share))));
                rows.push(("mean squared error", format!("{mse:.6}")));
            }
            None => {
                rows.insert(0, ("accuracy", percent(metrics.accuracy)));
                rows.insert(1, ("loss", format!("{:.4} nats a {unit}", metrics.loss)));
            }
        }
        rows.extend(metrics.balanced_accuracy.map(|share| ("balanced accuracy", percent(share))));
        rows.extend(metrics.f1.map(|share| ("F1", percent(share))));
        rows.extend(metrics.perplexity.map(|tokens| ("perplexity", format!("{tokens:.3} tokens"))));
        if let Some(cid) = evaluation.cid {
            rows.insert(0, ("CID", cid.to_string()));
        }
        pairs(&rows)
    })
}

/// Model and rows.
async fn gather(
    opts: &Opts,
    context: &Context,
) -> Result<(Option<Cid>, ModelSpec, Weights, Dataset)> {
    let source = Source::find(opts, context).await?;
    let spec = source.layers(opts).await?;
    let (cid, weights) = source.weights(opts, context, &spec).await?;
    let data = source.rows(opts, context).await?;
    Ok((cid, spec, weights, data))
}

/// What is to be given for a task that was reaped, and where that can be had.
fn gone(task: TaskId, without_rows: bool) -> String {
    let rows = match without_rows {
        true => " Its validation set is not named any more either: give --data <FILE> too.",
        false => "",
    };
    format!(
        "task {task} is gone, and with it the name of its model's layers: the record of a version on chain names its weights \
         only. Give --layers <FILE>: TOML with a `version` and, as in the file from which the task was created, `input` and `layers`, or the \
         JSON that `decentralml ipfs cat <CID> --out layers.json` fetches, where `spec.model` of the transaction \
         Tasks.create is the CID.{rows}"
    )
}

/// Chain and store, where they are needed: with two files they are not.
struct Source {
    task: Option<Task>,
    cid: Option<Cid>,
    storage: Option<Storage>,
}

impl Source {
    async fn find(opts: &Opts, context: &Context) -> Result<Self> {
        let Some(id) = opts.task else { return Ok(Self { task: None, cid: None, storage: None }) };
        let chain = context.chain().await?;
        let view = chain.finalized().await?;
        let cid = match opts.file {
            Some(_) => None,
            None => Some(version_or_last(&view, id, opts.version).await?.cid),
        };
        // The task may be gone; its models stay.
        let task = match view.task(id).await? {
            None if opts.layers.is_none() && id < view.next_task().await? => {
                return Err(problem(Kind::NotFound, gone(id, opts.data.data.is_none())));
            }
            None if opts.layers.is_none() => Some(context::task(&view, id).await?),
            found => found,
        };
        let storage = context.storage_for_task(&chain, &view, task.as_ref()).await?;
        Ok(Self { task, cid, storage: Some(storage) })
    }

    fn storage(&self) -> Result<&Storage> {
        self.storage.as_ref().ok_or_else(|| problem(Kind::Usage, "name the task"))
    }

    async fn layers(&self, opts: &Opts) -> Result<ModelSpec> {
        match (&opts.layers, &self.task) {
            (Some(path), _) => crate::task_file::read_model(path),
            (None, Some(task)) => {
                let bytes = self.storage()?.fetch(&task.spec.model, MAX_SPEC).await?;
                Ok(ModelSpec::from_canonical_json(&bytes)?)
            }
            (None, None) => Err(problem(Kind::Usage, "name the task, or give --layers")),
        }
    }

    async fn weights(
        &self,
        opts: &Opts,
        context: &Context,
        spec: &ModelSpec,
    ) -> Result<(Option<Cid>, Weights)> {
        let bytes = match (&opts.file, self.cid) {
            (Some(path), _) => fs::read(path)
                .map_err(|error| problem(Kind::Data, format!("{}: {error}", path.display())))?,
            (None, Some(cid)) => {
                let most = Weights::byte_length(spec) as u64;
                to_memory(context, self.storage()?, &cid, most, "fetching the model").await?
            }
            (None, None) => return Err(problem(Kind::Usage, "name the task, or give --file")),
        };
        Ok((self.cid, Weights::from_bytes(&bytes, spec)?))
    }

    async fn rows(&self, opts: &Opts, context: &Context) -> Result<Dataset> {
        let (None, Some(task)) = (&opts.data.data, &self.task) else { return opts.data.read() };
        let spec = &task.spec;
        let (cid, most) = (&spec.validation_set, spec.max_validation_bytes);
        let bytes = to_memory(context, self.storage()?, cid, most, "fetching the rows").await?;
        let options = csv_options(&spec.objective);
        let name = spec.validation_set.to_string();
        Ok(read_csv(bytes.as_slice(), &name, &options)?)
    }
}
