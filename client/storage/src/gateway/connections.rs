//! Connections, and how many of them.

use super::{Limits, doors::Doors, stalled::Stalling, waiting::Waiting};
use axum::Router;
use hyper::{
    Request,
    body::Incoming,
    server::conn::http1,
    service::{Service, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use std::{future::Future, pin::pin, sync::Arc, time::Duration};
use tokio::{
    net::TcpListener,
    sync::{AcquireError, OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};

/// Time that requests in flight have after the shutdown signal.
const GRACE: Duration = Duration::from_secs(10);

/// Bytes that are kept of a request's head, and of what follows it, before it is refused.
const MAX_HEAD: usize = 32 << 10;

/// What those are told who have too many connections.
const CROWDED: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

/// Time after which one more connection is asked to make room: who worked before may be waiting by now.
const ASK_AGAIN: Duration = Duration::from_millis(100);

/// Answers on a listener until `shutdown` is ready.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) {
    serve_with(listener, router, limits, MAX_HEAD, shutdown).await;
}

/// [`serve`], for heads of requests of up to `max_head` bytes, which is also what is read in one go.
pub(crate) async fn serve_with(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    max_head: usize,
    shutdown: impl Future<Output = ()>,
) {
    let places = Arc::new(Semaphore::new(limits.connections));
    let waiting = Waiting::default();
    let doors = Doors::new(limits.connections_per_address);
    let graceful = GracefulShutdown::new();
    let mut shutdown = pin!(shutdown);
    loop {
        // One that has no place yet; others wait in the queue of the system, which has an end too.
        let accepted = async {
            let accepted = listener.accept().await;
            let place = place(&places, &waiting).await;
            (place, accepted)
        };
        let (place, accepted) = tokio::select! {
            accepted = accepted => accepted,
            () = &mut shutdown => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            // For instance too many open files: those that are open have to end first.
            Err(error) => {
                tracing::warn!(%error, "a connection could not be taken");
                sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let Some(door) = doors.enter(peer.ip()) else {
            // Fits into the buffer of a new connection; if not, it is closed without a word.
            let _ = stream.try_write(CROWDED);
            continue;
        };
        // Without it the end of an answer may wait for an acknowledgment; it is no error to go on so.
        let _ = stream.set_nodelay(true);
        let seat = waiting.sit();
        let answers = TowerToHyperService::new(router.clone());
        let seated = seat.clone();
        let service = service_fn(move |mut request: Request<Incoming>| {
            let work = seated.work();
            request.extensions_mut().insert(seated.leave());
            let answer = answers.call(request.map(|body| work.reading(body)));
            async move { answer.await.map(|answer| answer.map(|body| work.until_sent(body))) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.header_timeout)
            .max_buf_size(max_head)
            .serve_connection(TokioIo::new(Stalling::new(stream, limits.stall_timeout)), service);
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            let ended = tokio::select! {
                ended = connection => ended,
                () = seat.left() => Ok(()),
            };
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection has ended early");
            }
            // In this order: whoever gets the place may be from the same address.
            drop(door);
            drop(place);
        });
    }
    drop(listener);
    if timeout(GRACE, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests that did not end in time were left behind");
    }
}

/// A place for one more connection, in the end that of the one that has waited longest for a request.
async fn place(
    places: &Arc<Semaphore>,
    waiting: &Waiting,
) -> Result<OwnedSemaphorePermit, AcquireError> {
    loop {
        if let Ok(place) = places.clone().try_acquire_owned() {
            return Ok(place);
        }
        waiting.free_one();
        if let Ok(place) = timeout(ASK_AGAIN, places.clone().acquire_owned()).await {
            return place;
        }
    }
}
