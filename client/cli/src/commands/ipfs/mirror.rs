//! `decentralml ipfs mirror`.
//!
//! ```text
//!  chain ── versions, layers ──► plan ◄── names of pins ── store
//!                                 │
//!                 pin what is released, let go of what was recalled
//! ```

mod hold;
mod plan;

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
use hold::Holder;
use plan::{Named, Names, Plan};
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    fs,
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
/// gateways that `--source` names, or from the hosts that the sponsors and evaluators of their tasks have announced; what was fetched
/// in part when this was killed is gone on with. A model that the council recalls is let go of, where this command has pinned it: its pins are called
/// `released model TASK/VERSION` and `layers of task TASK`. What somebody else has pinned under another name is left alone. Goes on
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
    let state = &context.settings.state;
    fs::create_dir_all(state)?;
    let holder = Holder::new(&storage, opts.max_bytes.0, state)?;
    let mut mirror = Mirror {
        names: Names::new(&chain.genesis()),
        storage,
        holder,
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
    let Standing { block, kept, failed, pinned, unpinned } = standing;
    format!(
        "block {block}: {} kept, {} missing; {pinned} pinned and {unpinned} let go of",
        count(kept.len() as u64, "file"),
        failed.len()
    )
}

struct Mirror {
    names: Names,
    storage: Storage,
    holder: Holder,
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
        let sources = match plan.pin.is_empty() {
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
        let mut failed = Vec::new();
        let mut kept = plan.kept;
        for named in plan.pin {
            let was_told = self.standing.failed.iter().position(|f| f.named.cid == named.cid);
            if let Some(told) = was_told
                && self.later.get(&named.cid).is_some_and(|later| Instant::now() < *later)
            {
                failed.push(self.standing.failed.swap_remove(told));
                continue;
            }
            let bar = bar(&named.name);
            let held = self.holder.keep(&named, sources, &bar).await;
            drop(bar);
            match held {
                Ok(()) => {
                    self.later.remove(&named.cid);
                    self.standing.pinned += 1;
                    out.line(&format!("keeps {}, {}", named.cid, named.name))?;
                    kept.push(named);
                }
                Err(error) => {
                    let why = format!("{error:#}");
                    if was_told.is_none() {
                        tracing::warn!(cid = %named.cid, name = named.name, why, "could not be had; tries again");
                    }
                    self.later.insert(named.cid, Instant::now() + RETRY);
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::commands::data::testing::store;
    use decentralml_storage::unixfs::canonical_cid;
    use plan::tests::{model, recalled, released};

    fn mirror(storage: &Storage, folder: &std::path::Path) -> Mirror {
        Mirror {
            names: Names::new(&[0xab; 32]),
            storage: storage.clone(),
            holder: Holder::new(storage, 1 << 20, folder).unwrap(),
            layers: BTreeMap::new(),
            later: BTreeMap::new(),
            standing: Standing::default(),
        }
    }

    async fn follow(mirror: &mut Mirror, models: &[decentralml_sdk::ModelVersion]) -> String {
        let pins = mirror.storage.named_pins().await.unwrap();
        let plan = Plan::new(&mirror.names, models, &mirror.layers, &pins);
        let mut said = Vec::new();
        let storage = mirror.storage.clone();
        let out = &mut Out::new(&mut said, false);
        mirror.carry_out(plan, &storage, |_| Bar::hidden(), out).await.unwrap();
        String::from_utf8(said).unwrap()
    }

    #[tokio::test]
    async fn a_released_model_is_kept_until_it_is_recalled() {
        let (folder, own, storage) = store().await;
        let [weights, layers] = [b"weights".to_vec(), b"layers".to_vec()];
        let [cid, layers_cid] = [canonical_cid(&weights), canonical_cid(&layers)];
        let mut mirror = mirror(&storage, folder.path());
        mirror.layers.insert(7, Some(layers_cid));
        for bytes in [weights, layers] {
            let added = storage.add(bytes).await.unwrap();
            storage.unpin(&added.cid).await.unwrap();
        }

        let said = follow(&mut mirror, &[model(7, 1, cid, released())]).await;
        assert!(said.contains("released model 7/1") && said.contains("layers of task 7"), "{said}");
        assert_eq!((mirror.standing.pinned, mirror.standing.kept.len()), (2, 2));
        own.gc(|_| {}).unwrap();
        assert_eq!(storage.fetch(&cid, 100).await.unwrap(), b"weights");
        assert_eq!(follow(&mut mirror, &[model(7, 1, cid, released())]).await, "", "no news");

        let said = follow(&mut mirror, &[model(7, 1, cid, recalled())]).await;
        assert!(said.contains("recalled"), "{said}");
        assert_eq!((mirror.standing.unpinned, mirror.standing.kept.len()), (2, 0));
        assert!(storage.pins().await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn what_cannot_be_had_is_told_once_and_tried_again_later() {
        let (folder, _own, storage) = store().await;
        let cid = canonical_cid(b"somewhere else");
        let mut mirror = mirror(&storage, folder.path());
        let models = [model(7, 1, cid, released())];
        follow(&mut mirror, &models).await;
        assert_eq!((mirror.standing.failed.len(), mirror.standing.pinned), (1, 0));
        let when = *mirror.later.get(&cid).unwrap();
        storage.add(b"somewhere else".to_vec()).await.unwrap();
        storage.unpin(&cid).await.unwrap();
        follow(&mut mirror, &models).await;
        assert_eq!(mirror.standing.failed.len(), 1, "too early");
        assert_eq!(*mirror.later.get(&cid).unwrap(), when);
        mirror.later.clear();
        follow(&mut mirror, &models).await;
        assert_eq!((mirror.standing.failed.len(), mirror.standing.pinned), (0, 1));
    }
}
