//! One host: what it has, and the rest of it to there.

use super::{HandSettings, Parcel, STEP, Target, fault::OFFSET, parcel::Broken};
use crate::{
    client::{AGENT, Http},
    outgoing,
};
use axum::{
    body::Body,
    http::{HeaderMap, Method, Request, Response, StatusCode, header},
};
use futures::StreamExt;
use serde::Deserialize;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::time::{sleep, timeout};

/// Bytes of an answer that are read.
const MAX_ANSWER: usize = 4096;

/// Characters that are repeated of what a host says.
const MAX_SAID: usize = 300;

/// Why a host does not hold what it was to hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// Nothing answers, or the connection broke again and again.
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
    /// It takes too little in too long a time.
    #[error("it took less than {STEP} bytes, or did not answer, in {seconds} s")]
    Stalled {
        /// The limit.
        seconds: u64,
    },
    /// It has no time now, nor had it later.
    #[error("it is busy: {message}")]
    Busy {
        /// What it says.
        message: String,
        /// Seconds after which it wants to be asked again.
        after: Option<u64>,
    },
    /// It stopped in the middle, or goes on from elsewhere.
    #[error("it did not go on: {0}")]
    Interrupted(String),
    /// It says no.
    #[error("it refuses ({status}, {kind}): {message}")]
    Refused {
        /// Of HTTP.
        status: u16,
        /// The kind of its error, see [`host`](crate::host).
        kind: String,
        /// What it says.
        message: String,
    },
    /// It knows nothing of updates: a gateway, perhaps, which only gives.
    #[error("it takes no updates (status {status})")]
    NoHost {
        /// Of HTTP.
        status: u16,
    },
    /// It is no host of this kind.
    #[error("it does not answer like a host: {0}")]
    Protocol(String),
    /// The statement is about something else than what is handed over.
    #[error("its statement names another CID or fewer bytes than there are")]
    Statement,
    /// It is in the list twice, with its account.
    #[error("it is in the list of hosts already, with the same account")]
    Twice,
    /// The own store cannot give a block.
    #[error("the own store cannot be read: {0}")]
    Source(String),
}

impl HostError {
    /// Whether it may be another time.
    pub(super) fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Unreachable(_) | Self::Stalled { .. } | Self::Busy { .. } | Self::Interrupted(_)
        )
    }
}

/// How far an attempt is, for whoever looks at it from outside.
#[derive(Debug, Default)]
pub(super) struct Meter {
    /// Bytes that the host said it has.
    pub confirmed: AtomicU64,
    /// Bytes that it has or that the network took.
    pub position: AtomicU64,
}

/// What a host answers, of both kinds.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Said {
    offset: Option<u64>,
    complete: bool,
    error: String,
    message: String,
}

/// Asks a host what it has and sends the rest, once.
pub(super) async fn hand(
    http: &Http,
    settings: &HandSettings,
    target: &Target,
    parcel: &Arc<Parcel>,
    meter: &Meter,
) -> Result<(), HostError> {
    let request = request(Method::GET, target, parcel)?;
    let request = request.body(Body::empty()).map_err(|e| HostError::Protocol(e.to_string()))?;
    let answer = within(settings.answer_timeout, http.send(request)).await?;
    let (status, said) = read(settings.answer_timeout, answer).await?;
    let offset = match status {
        StatusCode::OK if said.complete => return Ok(()),
        StatusCode::OK => said.offset.ok_or_else(|| protocol("without an offset"))?,
        _ => return Err(protocol("a success of another kind")),
    };
    let broken = Broken::default();
    let pieces =
        parcel.from(offset, &broken).ok_or_else(|| protocol("an offset within a block"))?;
    meter.confirmed.store(offset, Ordering::Relaxed);
    meter.position.store(offset, Ordering::Relaxed);

    let left = parcel.bytes() - offset;
    let sent = Arc::new(AtomicU64::new(0));
    let counter = sent.clone();
    let body = outgoing::body(pieces).into_data_stream().inspect(move |piece| {
        if let Ok(piece) = piece {
            counter.fetch_add(piece.len() as u64, Ordering::Relaxed);
        }
    });
    let request = self::request(Method::PUT, target, parcel)?
        .header(OFFSET, offset)
        .header(header::CONTENT_LENGTH, left)
        .header(header::CONTENT_TYPE, "application/vnd.ipld.car; version=1; order=dfs; dups=n")
        .body(Body::from_stream(body))
        .map_err(|e| HostError::Protocol(e.to_string()))?;
    let sending = async {
        let answer = http.send(request).await.map_err(HostError::Unreachable)?;
        read(settings.answer_timeout, answer).await
    };
    let answer = tokio::select! {
        answer = sending => answer,
        error = watch(settings, meter, offset, left, &sent) => Err(error),
    };
    if let Some(why) = broken.get() {
        return Err(HostError::Source(why.clone()));
    }
    match answer? {
        (StatusCode::OK | StatusCode::CREATED, said) if said.complete => Ok(()),
        (StatusCode::ACCEPTED, _) => {
            Err(HostError::Interrupted("it has not got everything".into()))
        }
        _ => Err(protocol("a success of another kind")),
    }
}

/// Ends when the host takes too little.
async fn watch(
    settings: &HandSettings,
    meter: &Meter,
    offset: u64,
    left: u64,
    sent: &AtomicU64,
) -> HostError {
    const TICK: Duration = Duration::from_millis(100);
    let (mut last, mut waited) = (0, Duration::ZERO);
    loop {
        sleep(TICK).await;
        waited += TICK;
        let now = sent.load(Ordering::Relaxed);
        meter.position.store(offset + now, Ordering::Relaxed);
        if now >= last + STEP || (now > last && now >= left) {
            (last, waited) = (now, Duration::ZERO);
        }
        // When everything is on its way it has to be written and answered yet.
        let limit = if now < left { settings.step_timeout } else { settings.answer_timeout };
        if waited >= limit {
            return stalled(limit);
        }
    }
}

fn request(
    method: Method,
    target: &Target,
    parcel: &Parcel,
) -> Result<axum::http::request::Builder, HostError> {
    let Target { url, authorization } = target;
    let builder = Request::builder()
        .method(method)
        .uri(url.upload(&parcel.cid()))
        .header(header::AUTHORIZATION, authorization.header())
        .header(header::USER_AGENT, AGENT);
    match builder.uri_ref() {
        Some(_) => Ok(builder),
        None => Err(protocol("its URL is malformed")),
    }
}

async fn within(
    limit: Duration,
    answer: impl Future<Output = Result<Response<Body>, String>>,
) -> Result<Response<Body>, HostError> {
    let answer = timeout(limit, answer).await.map_err(|_| stalled(limit))?;
    answer.map_err(HostError::Unreachable)
}

/// Reads an answer, of which a success is returned.
async fn read(limit: Duration, answer: Response<Body>) -> Result<(StatusCode, Said), HostError> {
    let status = answer.status();
    let after = retry_after(answer.headers());
    let mut pieces = answer.into_body().into_data_stream();
    let mut body = Vec::new();
    let reading = async {
        while let Some(Ok(piece)) = pieces.next().await {
            body.extend_from_slice(&piece[..piece.len().min(MAX_ANSWER - body.len())]);
            if body.len() == MAX_ANSWER {
                break;
            }
        }
    };
    timeout(limit, reading).await.map_err(|_| stalled(limit))?;
    let said: Option<Said> = serde_json::from_slice(&body).ok();
    if status.is_success() {
        return Ok((status, said.ok_or_else(|| protocol("an answer that is not JSON"))?));
    }
    let Some(said) = said.filter(|said| !said.error.is_empty()) else {
        if matches!(status, StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED) {
            return Err(HostError::NoHost { status: status.as_u16() });
        }
        let what = format!("status {}", status.as_u16());
        return Err(match status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            true => HostError::Busy { message: what, after },
            false => HostError::Protocol(what),
        });
    };
    let (kind, message) = (plain(&said.error), plain(&said.message));
    Err(match status {
        StatusCode::REQUEST_TIMEOUT | StatusCode::CONFLICT => HostError::Interrupted(message),
        StatusCode::INSUFFICIENT_STORAGE => {
            HostError::Refused { status: status.as_u16(), kind, message }
        }
        status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
            HostError::Busy { message, after }
        }
        _ => HostError::Refused { status: status.as_u16(), kind, message },
    })
}

fn retry_after(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::RETRY_AFTER)?.to_str().ok()?.parse().ok()
}

/// What somebody else says, as it may be printed.
fn plain(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(MAX_SAID).collect()
}

fn stalled(limit: Duration) -> HostError {
    HostError::Stalled { seconds: limit.as_secs() }
}

fn protocol(what: &str) -> HostError {
    HostError::Protocol(what.into())
}
