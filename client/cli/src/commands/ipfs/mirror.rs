//! `decentralml ipfs mirror`.
//!
//! ```text
//!  chain ── versions, layers ──► plan ◄── names of pins ── store
//!                                 │
//!                 pin what is released, mend what is not whole, let go of what was recalled
//! ```

mod health;
mod plan;
#[cfg(test)]
mod tests;

use crate::{
    context::Context,
    daemon::{DaemonOpts, StopRequest},
    exit::{Kind, problem},
    output::{Out, count},
    transfer::Bar,
    units::Size,
};
use clap::Args;
use color_eyre::Result;
use decentralml_sdk::{Chain, ModelStatus, View};
use decentralml_storage::Storage;
use decentralml_types::{BlockNumber, Cid, TaskId};
use decentralml_worker::keepers_of;
use health::Health;
use plan::{Named, Names, Plan};
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    time::Duration,
};
use tokio::time::{Instant, sleep};

/// Between two looks at the chain.
const PAUSE: Duration = Duration::from_secs(10);

/// How long what could not be had is left alone.
const RETRY: Duration = Duration::from_secs(60);

/// Keep all released models of the chain pinned in the store, with the layers that they are to be run with.
///
/// Those that are there already are pinned where they are; others come from the store itself (a Kubo asks its peers), from the
/// gateways that `--source` names, or from the hosts that the sponsors and evaluators of their tasks have announced; blocks that had come
/// when this was killed are not fetched again. What is pinned is looked at, too: every minute whether all of it is there, at the start and every
/// hour block by block by its hash (of a Kubo: whether it has each block); what is missing or corrupt is fetched again. A model that the council recalls is let go of, where this command has pinned it: its pins are called
/// `released model TASK/VERSION, chain …` and `layers of task TASK, chain …`. What somebody else has pinned under another name is left alone. Goes on
/// until Ctrl-C is pressed; with --json the last state is printed at the end.
#[derive(Args, Debug)]
pub struct Opts {
    /// Stop when all that is released now is there; fails if something is not.
    #[arg(long)]
    once: bool,
    /// Bytes of a model at most; larger ones are passed over.
    #[arg(long, default_value = "1 GiB", value_name = "SIZE")]
    max_bytes: Size,
    #[command(flatten)]
    daemon: DaemonOpts,
}

/// Tasks whose announced hosts are asked, the latest ones.
const MAX_TASKS: usize = 32;

/// Where it stands.
#[derive(Default, Serialize)]
struct Standing {
    /// The finalized block that it was last held against.
    block: BlockNumber,
    /// What is to be kept and is pinned.
    kept: Vec<Named>,
    /// What is to be kept and could not be had.
    failed: Vec<Failed>,
    /// Pins made since the start.
    pinned: u64,
    /// Blocks of pinned files that were missing or corrupt and were fetched again since the start.
    mended: u64,
    /// Pins taken away since the start.
    unpinned: u64,
}

#[derive(Serialize)]
struct Failed {
    #[serde(flatten)]
    named: Named,
    why: String,
}

/// Looks again and again, until it is stopped.
pub async fn run(opts: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let chain = context.chain().await?;
    let storage = context.storage().await?;
    let mut stop = StopRequest::listen(opts.daemon)?;
    let mut mirror = Mirror {
        names: Names::new(&chain.genesis()),
        storage,
        max_bytes: opts.max_bytes.0,
        health: Health::default(),
        layers: BTreeMap::new(),
        later: BTreeMap::new(),
        standing: Standing::default(),
    };
    loop {
        let look = async { mirror.look(context, &chain, out).await };
        let looked = tokio::select! {
            looked = look => looked,
            () = stop.wait() => break,
        };
        match looked {
            Ok(()) if opts.once => break,
            Err(error) if opts.once => return Err(error),
            Ok(()) => {}
            // The output is gone, and with it whoever wanted to know.
            Err(error) if error.is::<crate::output::Unwritten>() => return Err(error),
            Err(error) => tracing::warn!(error = format!("{error:#}"), "looks again later"),
        }
        tokio::select! {
            () = sleep(PAUSE) => {}
            () = stop.wait() => break,
        }
    }
    let standing = &mirror.standing;
    if opts.once || out.json() {
        out.result(standing, people)?;
    }
    if opts.once && !standing.failed.is_empty() {
        let missing = count(standing.failed.len() as u64, "file");
        let what = "name a gateway that has them with --source, or a larger --max-bytes";
        return Err(problem(Kind::NoStore, format!("{missing} could not be had; {what}")));
    }
    Ok(())
}

fn people(standing: &Standing) -> String {
    let Standing { block, kept, failed, pinned, mended, unpinned } = standing;
    format!(
        "block {block}: {} kept, {} missing; {pinned} pinned, {} mended and {unpinned} let go of",
        count(kept.len() as u64, "file"),
        failed.len(),
        count(*mended, "block"),
    )
}

struct Mirror {
    names: Names,
    storage: Storage,
    /// Bytes of a model that are fetched at most.
    max_bytes: u64,
    health: Health,
    /// What tasks say of their layers; `None` for one that the chain has removed.
    layers: BTreeMap<TaskId, Option<Cid>>,
    /// When to try again what could not be had.
    later: BTreeMap<Cid, Instant>,
    standing: Standing,
}

impl Mirror {
    /// Makes the store what the chain says at this block, as far as that is possible now.
    async fn look(&mut self, context: &Context, chain: &Chain, out: &mut Out<'_>) -> Result<()> {
        let view = &chain.finalized().await?;
        let models = view.models(None).await?;
        let released = models.iter().filter(|m| matches!(m.status, ModelStatus::Released { .. }));
        let tasks: BTreeSet<TaskId> = released.map(|model| model.task).collect();
        for &task in &tasks {
            if let Entry::Vacant(unknown) = self.layers.entry(task) {
                unknown.insert(view.task(task).await?.map(|task| task.spec.model));
            }
        }
        let pins = self.storage.named_pins().await?;
        let plan = Plan::new(&self.names, &models, &self.layers, &pins);
        self.health.look(&self.storage).await?;
        let sources =
            match plan.pin.is_empty() && !plan.kept.iter().any(|kept| self.health.is_due(kept)) {
                true => self.storage.clone(),
                false => self.sources(context, chain, view, &tasks).await?,
            };
        let bar = |words: &str| Bar::new(context, words);
        self.carry_out(plan, &sources, bar, out).await?;
        self.standing.block = view.number();
        Ok(())
    }

    /// The store, with what has been announced for the tasks of released models.
    async fn sources(
        &self,
        context: &Context,
        chain: &Chain,
        view: &View,
        tasks: &BTreeSet<TaskId>,
    ) -> Result<Storage> {
        let mut accounts = Vec::new();
        for &task in tasks.iter().rev().take(MAX_TASKS) {
            if let Some(task) = view.task(task).await? {
                accounts.extend(keepers_of(view, &task).await?);
            }
        }
        accounts.sort();
        accounts.dedup();
        context.with_hosts(&self.storage, chain, view, &accounts).await
    }

    async fn carry_out(
        &mut self,
        plan: Plan,
        sources: &Storage,
        bar: impl Fn(&str) -> Bar,
        out: &mut Out<'_>,
    ) -> Result<()> {
        for Named { cid, name } in plan.let_go {
            self.storage.unpin(&cid).await?;
            self.standing.unpinned += 1;
            out.line(&format!("let go of {cid}, {name}: it was recalled"))?;
        }
        let (mut failed, mut kept) = (Vec::new(), Vec::new());
        let pinned = plan.kept.into_iter().map(|named| (named, true));
        for (named, is_pinned) in pinned.chain(plan.pin.into_iter().map(|named| (named, false))) {
            if is_pinned && !self.health.is_due(&named) {
                kept.push(named);
                continue;
            }
            let was_told = self.standing.failed.iter().position(|f| f.named.cid == named.cid);
            if let Some(told) = was_told
                && self.later.get(&named.cid).is_some_and(|later| Instant::now() < *later)
            {
                failed.push(self.standing.failed.swap_remove(told));
                continue;
            }
            let Named { cid, name } = &named;
            let bar = bar(name);
            let told = |at| bar.at(at);
            // A pin that is there keeps its name, whoever gave it.
            let held = match is_pinned {
                true => sources.mend(cid, self.max_bytes, &told).await,
                false => sources.keep_whole(cid, name, self.max_bytes, &told).await,
            };
            drop(bar);
            match held {
                Ok(blocks) => {
                    self.later.remove(cid);
                    self.health.is_whole(*cid);
                    if !is_pinned {
                        self.standing.pinned += 1;
                        out.line(&format!("keeps {cid}, {name}"))?;
                    } else if blocks > 0 {
                        self.standing.mended += blocks;
                        let blocks = count(blocks, "block");
                        out.line(&format!("mended {cid}, {name}: {blocks} missing or corrupt"))?;
                    }
                    kept.push(named);
                }
                Err(error) => {
                    let why = error.to_string();
                    if was_told.is_none() {
                        let what =
                            if is_pinned { "is pinned and not whole" } else { "could not be had" };
                        tracing::warn!(%cid, name, why, "{what}; tries again");
                    }
                    self.later.insert(*cid, Instant::now() + RETRY);
                    failed.push(Failed { named, why });
                }
            }
        }
        self.later.retain(|cid, _| failed.iter().any(|failed| failed.named.cid == *cid));
        self.standing.kept = kept;
        self.standing.failed = failed;
        Ok(())
    }
}
