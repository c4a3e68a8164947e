//! Connections on which the client lets wait: for a request, or for the bytes of one. They are the first to go when others need
//! their places.

use super::guarded::{Guard, guarded};
use axum::{
    BoxError,
    body::{Body, Bytes, HttpBody},
};
use hyper::body::{Frame, Incoming, SizeHint};
use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};
use tokio::sync::Notify;

/// The connections that wait, in the order in which they began to.
#[derive(Clone, Debug, Default)]
pub(super) struct Waiting(Arc<Mutex<Seats>>);

#[derive(Debug, Default)]
struct Seats {
    next: u64,
    seats: BTreeMap<u64, Leave>,
}

/// One connection.
#[derive(Clone, Debug)]
pub(super) struct Seat(Arc<Own>);

/// Ends a connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Leave(Arc<Notify>);

impl Leave {
    pub fn now(&self) {
        self.0.notify_one();
    }

    /// Ready when it is to end.
    pub async fn left(&self) {
        self.0.notified().await;
    }
}

#[derive(Debug)]
struct Own {
    waiting: Waiting,
    leave: Leave,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Its number among those that wait, if it does.
    number: Option<u64>,
    /// A request has come and is not answered yet.
    works: bool,
    /// Of that request not all bytes have come.
    reads: bool,
}

impl Waiting {
    /// A new connection, which waits for its first request.
    pub fn sit(&self) -> Seat {
        let own = Own { waiting: self.clone(), leave: Leave::default(), state: Mutex::default() };
        let seat = Seat(Arc::new(own));
        seat.now(|_| {});
        seat
    }

    /// Has the one that has waited longest leave; false where none waits.
    pub fn free_one(&self) -> bool {
        let first = lock(&self.0).seats.pop_first();
        let Some((_, leave)) = first else { return false };
        leave.now();
        true
    }
}

impl Seat {
    /// Ready when the place is needed for another.
    pub async fn left(&self) {
        self.0.leave.left().await;
    }

    /// Has it leave.
    pub fn leave(&self) -> Leave {
        self.0.leave.clone()
    }

    /// A request has come.
    pub fn work(&self) -> Work {
        self.now(|state| state.works = true);
        Work(self.clone())
    }

    fn now(&self, change: impl FnOnce(&mut State)) {
        let mut waiting = lock(&self.0.waiting.0);
        let mut state = lock(&self.0.state);
        change(&mut state);
        match (state.number, !state.works || state.reads) {
            (None, true) => {
                let number = waiting.next;
                waiting.next += 1;
                waiting.seats.insert(number, self.0.leave.clone());
                state.number = Some(number);
            }
            (Some(number), false) => {
                state.number = None;
                waiting.seats.remove(&number);
            }
            _ => {}
        }
    }
}

/// The connection has ended.
impl Drop for Own {
    fn drop(&mut self) {
        let mut waiting = lock(&self.waiting.0);
        if let Some(number) = lock(&self.state).number.take() {
            waiting.seats.remove(&number);
        }
    }
}

/// A request that is being answered; the connection waits again when this is dropped.
#[derive(Debug)]
pub(super) struct Work(Seat);

impl Work {
    /// The body of the request; while nothing of it comes the connection waits.
    pub fn reading(&self, body: Incoming) -> Body {
        Body::new(Request { body, seat: self.0.clone() })
    }

    /// Ends with the body of the answer.
    pub fn until_sent(self, body: Body) -> Body {
        guarded(body, self)
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.0.now(|state| state.works = false);
    }
}

impl Guard for Work {}

struct Request {
    body: Incoming,
    seat: Seat,
}

impl HttpBody for Request {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        self.seat.now(|state| state.reads = frame.is_pending());
        frame.map(|frame| frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        self.seat.now(|state| state.reads = false);
    }
}

/// No panic leaves a list that is half made.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use futures::FutureExt;

    #[test]
    fn who_has_waited_longest_leaves_first_and_who_works_stays() {
        let waiting = Waiting::default();
        let [first, second, third] = [(); 3].map(|()| waiting.sit());
        let work = second.work();
        let left = |seat: &Seat| seat.left().now_or_never().is_some();
        assert!(waiting.free_one());
        assert_eq!([&first, &second, &third].map(left), [true, false, false]);
        drop(third);
        assert!(!waiting.free_one(), "the one that is left works");
        second.now(|state| state.reads = true);
        assert!(waiting.free_one(), "it lets the server wait for what it announced");
        drop(work);
        drop((first, second));
        assert!(!waiting.free_one());
        assert!(lock(&waiting.0).seats.is_empty());
    }
}
