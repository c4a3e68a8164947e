//! How many requests are answered at a time, and who goes when there is one more.
//!
//! A reader that takes just more than what is asked of everybody could stay for days, and a hundred of those would keep all others
//! out. So the slowest has to go, once it has had its turn; it may come again, and go on from where it was. Who takes a megabyte a second
//! is no such reader, whatever it fetches.

use super::{
    answer::Refusal,
    guarded::{Guard, guarded},
    waiting::Leave,
};
use axum::{
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout},
};

/// Bytes a second for which nobody has to go.
const FAST: f64 = (1 << 20) as f64;

/// Longest wait for the turn of one that has been told to go.
const PATIENCE: Duration = Duration::from_secs(5);

/// The turns of a gateway.
#[derive(Clone, Debug)]
pub(super) struct Turns {
    free: Arc<Semaphore>,
    taken: Arc<Mutex<Taken>>,
    /// How long each is for its owner alone.
    sure: Duration,
}

#[derive(Debug, Default)]
struct Taken {
    next: u64,
    paces: BTreeMap<u64, Pace>,
}

/// How fast a reader is.
#[derive(Debug)]
struct Pace {
    since: Instant,
    meter: Arc<Meter>,
    leave: Leave,
}

impl Pace {
    /// Bytes a second, of one that has had its turn and is slow: in the time in which it did not wait for us.
    fn slow(&self, sure: Duration) -> Option<f64> {
        let time = self.since.elapsed().saturating_sub(self.meter.waited());
        let rate = self.meter.bytes.load(Ordering::Relaxed) as f64 / time.as_secs_f64();
        (time >= sure && rate < FAST).then_some(rate)
    }
}

/// What a reader took, and how long it waited for it.
#[derive(Debug)]
struct Meter {
    bytes: AtomicU64,
    /// Since when it waits now, if it does, and how long it has waited before.
    waiting: Mutex<(Option<Instant>, Duration)>,
}

impl Meter {
    /// Of one that waits for the answer to begin.
    fn new() -> Self {
        let waiting = Mutex::new((Some(Instant::now()), Duration::ZERO));
        Self { bytes: AtomicU64::new(0), waiting }
    }

    fn waited(&self) -> Duration {
        let (since, before) = *self.lock();
        before + since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    fn set_waiting(&self, is: bool) {
        let mut waiting = self.lock();
        match (waiting.0, is) {
            (None, true) => waiting.0 = Some(Instant::now()),
            (Some(since), false) => *waiting = (None, waiting.1 + since.elapsed()),
            _ => {}
        }
    }

    fn lock(&self) -> MutexGuard<'_, (Option<Instant>, Duration)> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A turn, until it is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    turns: Turns,
    number: u64,
    meter: Arc<Meter>,
    _permit: OwnedSemaphorePermit,
}

impl Turns {
    pub fn new(count: usize, sure: Duration) -> Self {
        Self { free: Arc::new(Semaphore::new(count)), taken: Arc::default(), sure }
    }

    /// A turn for a request on a connection, in the end that of the slowest reader; `None` where all are fast or new.
    async fn enter(&self, leave: Leave) -> Option<Turn> {
        let permit = match self.free.clone().try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) if self.free_one() => {
                timeout(PATIENCE, self.free.clone().acquire_owned()).await.ok()?.ok()?
            }
            Err(_) => return None,
        };
        let mut taken = self.lock();
        let number = taken.next;
        taken.next += 1;
        let meter = Arc::new(Meter::new());
        let pace = Pace { since: Instant::now(), meter: meter.clone(), leave };
        taken.paces.insert(number, pace);
        Some(Turn { turns: self.clone(), number, meter, _permit: permit })
    }

    /// Has the slowest reader leave; false where none is slow.
    fn free_one(&self) -> bool {
        let mut taken = self.lock();
        let slow = taken
            .paces
            .iter()
            .filter_map(|(number, pace)| pace.slow(self.sure).map(|rate| (rate, *number)));
        let slowest = slow.min_by(|(a, _), (b, _)| a.total_cmp(b));
        // It is told once: the next one finds another.
        let Some(pace) = slowest.and_then(|(_, number)| taken.paces.remove(&number)) else {
            return false;
        };
        pace.leave.now();
        true
    }

    /// No panic leaves a table that is half made.
    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Guard for Turn {
    fn passed(&self, bytes: usize) {
        self.meter.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    fn waited_for(&self, is: bool) {
        self.meter.set_waiting(is);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.turns.lock().paces.remove(&self.number);
    }
}

/// Answers with status 503 when too many others are being answered that are not slow.
pub(super) async fn take(State(turns): State<Turns>, request: Request, next: Next) -> Response {
    let leave = request.extensions().get::<Leave>().cloned().unwrap_or_default();
    answer(turns.enter(leave).await, request, next).await
}

/// Lets requests wait for their turn, for some time.
pub(crate) async fn queue(
    State((turns, patience)): State<(Arc<Semaphore>, Duration)>,
    request: Request,
    next: Next,
) -> Response {
    let turn = timeout(patience, turns.acquire_owned()).await;
    answer(turn.ok().and_then(Result::ok), request, next).await
}

async fn answer(turn: Option<impl Guard>, request: Request, next: Next) -> Response {
    let Some(turn) = turn else {
        let refusal = Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "too many requests at a time");
        return ([(header::RETRY_AFTER, "1")], refusal).into_response();
    };
    // It is somebody's turn until the answer has been sent.
    next.run(request).await.map(|body| guarded(body, turn))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use futures::FutureExt;

    const SURE: Duration = Duration::from_secs(10);

    #[tokio::test]
    async fn the_slowest_goes_once_it_has_had_its_turn_and_who_is_fast_stays() {
        let turns = Turns::new(3, SURE);
        let leaves = [(); 3].map(|()| Leave::default());
        let mut taken = Vec::new();
        for (leave, bytes) in leaves.iter().zip([20 << 20, 2000, 1000]) {
            let turn = turns.enter(leave.clone()).await.unwrap();
            turn.passed(bytes);
            turn.waited_for(false);
            taken.push(turn);
        }
        let told = || leaves.each_ref().map(|leave| leave.left().now_or_never().is_some());
        assert!(turns.enter(Leave::default()).await.is_none(), "all are new");
        assert_eq!(told(), [false; 3]);

        for pace in turns.lock().paces.values_mut() {
            pace.since = pace.since.checked_sub(SURE).unwrap();
        }
        let mut next = Box::pin(turns.enter(Leave::default()));
        assert!((&mut next).now_or_never().is_none());
        assert_eq!(told(), [false, false, true]);
        drop(taken.pop());
        let newcomer = next.await.unwrap();

        // It does not go, and nobody else has to.
        let waits = turns.enter(Leave::default());
        assert!(waits.now_or_never().is_none());
        assert_eq!(told(), [false, true, false]);
        assert!(turns.enter(Leave::default()).await.is_none());
        assert_eq!(told(), [false; 3]);
        drop((taken, newcomer));
        assert!(turns.lock().paces.is_empty());
    }

    #[tokio::test]
    async fn who_waits_for_the_store_is_not_slow() {
        let turns = Turns::new(1, SURE);
        let turn = turns.enter(Leave::default()).await.unwrap();
        for pace in turns.lock().paces.values_mut() {
            pace.since = pace.since.checked_sub(SURE).unwrap();
            let mut waiting = pace.meter.lock();
            waiting.0 = waiting.0.and_then(|since| since.checked_sub(SURE));
        }
        assert!(turns.enter(Leave::default()).await.is_none(), "it waits for its answer");
        turn.waited_for(false);
        assert!(turns.enter(Leave::default()).await.is_none(), "it has just got it");
        for pace in turns.lock().paces.values_mut() {
            pace.since = pace.since.checked_sub(SURE).unwrap();
        }
        let next = turns.enter(Leave::default());
        assert!(next.now_or_never().is_none(), "it takes nothing, and has to go");
    }
}
