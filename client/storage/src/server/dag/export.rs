//! `dag/export`: a DAG as a CAR.

use super::super::{
    answer::{CHUNKS_OF_BYTES, Failure, streamed},
    params::Params,
    paths::{following, resolve},
};
use crate::{Store, car::Scope, outgoing};
use axum::{
    extract::{Query, State},
    response::Response,
};
use std::sync::Arc;

/// What fails before the first block is an error answer; what fails later cuts the connection.
pub(crate) async fn export(
    State(store): State<Arc<Store>>,
    Query(params): Query<Params>,
) -> Result<Response, Failure> {
    let path = params.path("root")?;
    let car = following(move || {
        let root = resolve(&store, &path)?;
        Ok(store.export_car(&[root], Scope::All)?)
    })
    .await?;
    Ok(streamed("application/vnd.ipld.car", CHUNKS_OF_BYTES, outgoing::body(car)))
}
