//! `dag/stat`: blocks and bytes of DAGs.

use super::super::{
    answer::{Failure, emitted},
    params::Params,
    paths::resolve_all,
};
use crate::{
    Store,
    car::{BlockWalk, Scope},
};
use axum::{
    extract::{Query, State},
    response::Response,
};
use serde::{Serialize, Serializer};
use std::{collections::HashSet, sync::Arc};

/// Blocks between two lines of progress. Kubo writes one on each.
const STRIDE: u64 = 1000;

#[derive(Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Summary {
    #[serde(skip_serializing_if = "is_zero")]
    unique_blocks: u64,
    total_size: u64,
    #[serde(skip_serializing_if = "is_zero")]
    shared_size: u64,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "ratio")]
    ratio: Option<f32>,
    dag_stats: Vec<DagStat>,
}

#[derive(Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
struct DagStat {
    cid: String,
    size: u64,
    num_blocks: u64,
}

/// Every block counts once for each root that it is under, and is unique under the first of them.
pub(crate) async fn stat(
    State(store): State<Arc<Store>>,
    Query(params): Query<Params>,
) -> Result<Response, Failure> {
    let progress = params.flag("progress")?.unwrap_or(true);
    let paths = params.some_paths("root")?;
    let roots = resolve_all(&store, paths).await?;
    emitted::<Summary>(move |emit| {
        let mut unique = HashSet::new();
        let mut all = Summary::default();
        for root in roots {
            all.dag_stats.push(DagStat { cid: root.to_string(), size: 0, num_blocks: 0 });
            for next in BlockWalk::new(&store, &[root], Scope::All) {
                let (cid, block) = next?;
                let size = block.data().len() as u64;
                if unique.insert(cid.cid()) {
                    all.total_size += size;
                } else {
                    all.shared_size += size;
                }
                let Some(stat) = all.dag_stats.last_mut() else { continue };
                stat.size += size;
                stat.num_blocks += 1;
                if progress && stat.num_blocks % STRIDE == 0 && !emit(&all) {
                    return Ok(());
                }
            }
        }
        all.unique_blocks = unique.len() as u64;
        let ratio = (all.total_size + all.shared_size) as f64 / all.total_size as f64;
        // An empty block has no ratio to anything.
        all.ratio = Some(ratio as f32).filter(|ratio| ratio.is_finite());
        emit(&all);
        Ok(())
    })
    .await
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// A whole number without a fraction, as Go writes it.
fn ratio<S: Serializer>(ratio: &Option<f32>, serializer: S) -> Result<S::Ok, S::Error> {
    match ratio {
        Some(ratio) if ratio.fract() == 0.0 => serializer.serialize_u64(*ratio as u64),
        ratio => ratio.serialize(serializer),
    }
}
