//! The requests about uploads.

use super::{
    Grant, Statement,
    desk::{Desk, working},
    fault::{Fault, OFFSET},
    receive::{Received, linger, receive},
    upload::{Progress, Room, Turn},
};
use crate::WrittenCid;
use axum::{
    Json, Router,
    extract::{Path, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use decentralml_types::Cid;
use std::sync::Arc;
use tokio::sync::oneshot;

const COMPLETE: HeaderName = HeaderName::from_static("upload-complete");
const LIMIT: HeaderName = HeaderName::from_static("upload-limit");

/// What is under `/uploads`.
pub(super) fn router(desk: Arc<Desk>) -> Router {
    Router::new().route("/uploads/{cid}", get(look).put(put)).with_state(desk)
}

/// Says how much of an upload is here.
async fn look(
    State(desk): State<Arc<Desk>>,
    Path(cid): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let cid = parse(&cid)?;
    let (statement, grant) = desk.admit(&cid, &headers).await?;
    if desk.has(cid, &grant.label).await? {
        return Ok(described(StatusCode::OK, &cid, statement.bytes, Some(statement.bytes), true));
    }
    let mut turn = turn(&desk, &statement, &grant).await?;
    // Looking for it is as much work for the disk as an upload.
    let slot = if turn.progress.is_none() { Some(desk.slot()?) } else { None };
    let offset = find(&desk, &mut turn, Room::new(statement.bytes)).await?;
    drop((turn, slot));
    desk.trim();
    Ok(described(StatusCode::OK, &cid, offset, Some(statement.bytes), false))
}

/// Takes an upload, or the rest of one.
async fn put(
    State(desk): State<Arc<Desk>>,
    Path(cid): Path<String>,
    request: Request,
) -> Result<Response, Fault> {
    let (head, body) = request.into_parts();
    let cid = parse(&cid)?;
    let (statement, grant) = desk.admit(&cid, &head.headers).await?;
    let room = Room::new(statement.bytes);
    if desk.has(cid, &grant.label).await? {
        return Ok(described(StatusCode::OK, &cid, room.bytes, None, true));
    }
    let from = number(&head.headers, &OFFSET)?.unwrap_or(0);
    if let Some(length) = number(&head.headers, &header::CONTENT_LENGTH)?
        && from.saturating_add(length) > room.bytes
    {
        return Err(Fault::too_large(room.bytes));
    }
    let mut turn = turn(&desk, &statement, &grant).await?;
    let slot = desk.slot()?;
    let offset = find(&desk, &mut turn, room).await?;
    if from != offset {
        return Err(Fault::offset(offset, "this is not where the upload goes on"));
    }
    // In a task of its own: when the connection breaks, this future is dropped, and what has come is still to be written.
    let (answer, answered) = oneshot::channel();
    tokio::spawn(async move {
        let mut pieces = body.into_data_stream();
        let received = receive(&desk, &mut turn, room, &mut pieces).await;
        drop((turn, slot));
        desk.trim();
        let failed = received.is_err();
        let _ = answer.send(received);
        if failed {
            linger(pieces).await;
        }
    });
    match answered.await.unwrap_or_else(|_| Err(Fault::failed()))? {
        Received::Complete => Ok(described(StatusCode::CREATED, &cid, room.bytes, None, true)),
        Received::Part(offset) => Ok(described(StatusCode::ACCEPTED, &cid, offset, None, false)),
    }
}

async fn turn(desk: &Arc<Desk>, statement: &Statement, grant: &Grant) -> Result<Turn, Fault> {
    desk.open(statement, &grant.label).await?.turn(statement.expires).await
}

/// How far the upload is, which is looked for where it is not known.
async fn find(desk: &Arc<Desk>, turn: &mut Turn, room: Room) -> Result<u64, Fault> {
    if turn.progress.is_none() {
        let (store, cid) = (desk.store().clone(), turn.upload.cid);
        *turn.progress = Some(working(move || Progress::scan(&store, cid, room)).await?);
    }
    Ok(turn.progress.as_ref().map_or(0, |progress| progress.offset))
}

fn parse(text: &str) -> Result<Cid, Fault> {
    WrittenCid::parse(text).map(|cid| cid.cid()).map_err(|e| Fault::request(e.to_string()))
}

fn number(headers: &HeaderMap, name: &HeaderName) -> Result<Option<u64>, Fault> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let digits = value.to_str().ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    match digits.and_then(|text| text.parse().ok()) {
        Some(number) => Ok(Some(number)),
        None => Err(Fault::request(format!("{name} is no number"))),
    }
}

fn described(
    status: StatusCode,
    cid: &Cid,
    offset: u64,
    limit: Option<u64>,
    complete: bool,
) -> Response {
    let body =
        serde_json::json!({ "cid": cid.to_string(), "offset": offset, "complete": complete });
    let mut response = (status, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response();
    let headers = response.headers_mut();
    headers.insert(OFFSET, offset.into());
    headers.insert(COMPLETE, HeaderValue::from_static(if complete { "?1" } else { "?0" }));
    if let Some(limit) = limit
        && let Ok(limit) = HeaderValue::from_str(&format!("max-size={limit}"))
    {
        headers.insert(LIMIT, limit);
    }
    response
}
