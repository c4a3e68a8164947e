//! `dag/export`: a DAG as a CAR.

use super::super::{
    answer::Failure,
    params::Params,
    paths::{following, resolve},
};
use crate::{Store, car::Scope, outgoing};
use axum::{
    extract::{Query, State},
    http::header,
    response::{IntoResponse, Response},
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
    let headers =
        [(header::CONTENT_TYPE.as_str(), "application/vnd.ipld.car"), ("x-stream-output", "1")];
    Ok((headers, outgoing::body(car)).into_response())
}
