//! One upload: how far it is, and whose turn it is to go on with it.

use super::{MAX_PENDING, fault::Fault, most_blocks, section_length};
use crate::{
    Lease, Store, StoreError,
    car::{Preorder, Scope, encode_header},
};
use decentralml_types::{BlockNumber, Cid, RoundNumber, TaskId};
use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{OwnedMutexGuard, watch},
    time::{Instant, timeout},
};

/// Longest wait for an earlier request to end and to write what it has.
const HANDOVER: Duration = Duration::from_secs(20);

/// For how long nothing has come for a request that is taken to be dead: its connection may be one that only the host believes in.
const QUIET: Duration = Duration::from_secs(5);

/// How often that is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// Who hands over in which round.
pub(super) type Seat = (TaskId, RoundNumber, [u8; 32]);

/// What may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Room {
    pub bytes: u64,
    pub blocks: u64,
}

impl Room {
    pub fn new(bytes: u64) -> Self {
        Self { bytes, blocks: most_blocks(bytes) }
    }
}

/// How much of a DAG is in the store, without a gap from its beginning on.
#[derive(Debug)]
pub(super) struct Progress {
    pub order: Preorder,
    /// Bytes of the CAR: 0, or up to the end of a block.
    pub offset: u64,
    pub blocks: u64,
}

impl Progress {
    /// Of a DAG of which nothing is there.
    pub fn new(root: Cid) -> Self {
        let order = Preorder::new(&[root.into()], Scope::All).with_most(MAX_PENDING);
        Self { order, offset: 0, blocks: 0 }
    }

    /// Looks what is there, reading and checking all of it.
    pub fn scan(store: &Store, root: Cid, room: Room) -> Result<Self, Fault> {
        let mut progress = Self::new(root);
        let header = encode_header(&[root.into()]).len() as u64;
        while let Some(next) = progress.order.peek() {
            let block = match store.get(&next.cid()) {
                Ok(block) => block,
                Err(StoreError::NotFound(_) | StoreError::Corrupt { .. }) => break,
                Err(error) => return Err(error.into()),
            };
            let start = progress.offset.max(header);
            let end = start.saturating_add(section_length(&next, block.data().len()));
            if end > room.bytes {
                return Err(Fault::too_large(room.bytes));
            }
            if progress.blocks == room.blocks {
                return Err(Fault::too_many_blocks(room.blocks));
            }
            progress.order.pass(&block).map_err(|error| Fault::node(&next, &error))?;
            progress.offset = end;
            progress.blocks += 1;
        }
        Ok(progress)
    }

    pub fn is_complete(&mut self) -> bool {
        self.order.peek().is_none()
    }
}

/// An upload that is remembered.
#[derive(Debug)]
pub(super) struct Upload {
    pub cid: Cid,
    pub seat: Seat,
    pub label: String,
    /// When it was last heard of, in requests.
    pub heard: AtomicU64,
    released: AtomicBool,
    /// Keeps what has come, up to the pin.
    lease: Mutex<Option<Lease>>,
    /// `None` where it is not known.
    progress: Arc<tokio::sync::Mutex<Option<Progress>>>,
    holder: Mutex<Holder>,
    /// The last turn that is to end, by its number.
    ended: watch::Sender<u64>,
}

/// Whose turn it is, or was last.
#[derive(Debug, Default)]
struct Holder {
    number: u64,
    /// The last block of its statement.
    expires: BlockNumber,
    /// Since when it is waited for.
    waiting: Option<Instant>,
}

/// The turn of one request.
#[derive(Debug)]
pub(super) struct Turn {
    pub upload: Arc<Upload>,
    /// What is in it is what is in the store: it is taken out while that is not so.
    pub progress: OwnedMutexGuard<Option<Progress>>,
    ended: watch::Receiver<u64>,
    number: u64,
}

impl Upload {
    pub fn new(store: &Store, cid: Cid, seat: Seat, label: String) -> Self {
        Self {
            cid,
            seat,
            label,
            heard: AtomicU64::new(0),
            released: AtomicBool::new(false),
            lease: Mutex::new(Some(store.lease(&cid))),
            progress: Arc::default(),
            holder: Mutex::default(),
            ended: watch::Sender::new(0),
        }
    }

    /// Waits for its turn, with a statement that holds up to a block. A statement that holds longer than that of whose turn it is
    /// ends it at once, as only the account can have signed it. Any other one may be repeated by whoever has seen it, and ends
    /// only a request for which nothing comes any more.
    pub async fn turn(self: &Arc<Self>, expires: BlockNumber) -> Result<Turn, Fault> {
        let lock = self.progress.clone().lock_owned();
        tokio::pin!(lock);
        let waiting = async {
            loop {
                self.take_turn_from_others(expires);
                if let Ok(progress) = timeout(LOOK, &mut lock).await {
                    return progress;
                }
            }
        };
        let progress = timeout(HANDOVER, waiting).await;
        let progress = progress.map_err(|_| Fault::busy("an earlier request goes on with it"))?;
        let mut holder = self.holder();
        let number = holder.number + 1;
        *holder = Holder { number, expires, waiting: None };
        Ok(Turn { upload: self.clone(), progress, ended: self.ended.subscribe(), number })
    }

    fn take_turn_from_others(&self, expires: BlockNumber) {
        let holder = self.holder();
        if expires > holder.expires || holder.waiting.is_some_and(|since| since.elapsed() >= QUIET)
        {
            self.ended.send_modify(|ended| *ended = holder.number.max(*ended));
        }
    }

    /// No panic leaves it half changed.
    fn holder(&self) -> MutexGuard<'_, Holder> {
        self.holder.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it is nobody's turn.
    pub fn is_idle(&self) -> bool {
        self.progress.try_lock().is_ok()
    }

    /// Forgets how far it is, unless it is somebody's turn.
    pub fn forget(&self) {
        if let Ok(mut progress) = self.progress.try_lock() {
            *progress = None;
        }
    }

    /// Whether it is nobody's turn and known how far it is.
    pub fn is_parked(&self) -> bool {
        self.progress.try_lock().is_ok_and(|progress| progress.is_some())
    }

    /// It is pinned, and needs no lease.
    pub fn kept(&self) {
        self.lease.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Its label is released: whoever is at it is to stop.
    pub fn release(&self) {
        self.released.store(true, Ordering::SeqCst);
        self.ended.send_replace(u64::MAX);
    }

    pub fn released(&self) -> &AtomicBool {
        &self.released
    }
}

impl Turn {
    /// It is waited for more of it, or no longer.
    pub fn waiting(&self, is_waiting: bool) {
        self.upload.holder().waiting = is_waiting.then(Instant::now);
    }

    /// Ends when another request has the turn next, with what this one is to be told.
    pub async fn ended(&mut self) -> Fault {
        let number = self.number;
        // The sender lives as long as the upload.
        let _ = self.ended.wait_for(|ended| *ended >= number).await;
        match self.upload.released.load(Ordering::SeqCst) {
            true => Fault::released(),
            false => Fault::superseded(),
        }
    }
}
