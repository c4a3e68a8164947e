//! What all requests of a host share: whom it lets in, which uploads it remembers, how many go on at a time.

use super::{
    Authorization, Grant, HostLimits, MAX_UPDATES, Statement,
    admission::AnyAdmission,
    fault::Fault,
    shelf::{Shelf, is_label},
    upload::{Seat, Upload},
};
use crate::{Store, StoreError};
use axum::http::{HeaderMap, header};
use decentralml_types::Cid;
use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::spawn_blocking,
    time::timeout,
};

/// Uploads of which it is known how far they are while nobody goes on with them. Of others it is found out again.
const PARKED: usize = 32;

type Table = HashMap<Seat, Vec<Arc<Upload>>>;

/// See above.
#[derive(Debug)]
pub(super) struct Desk {
    store: Arc<Store>,
    shelf: Shelf,
    pub limits: HostLimits,
    admission: Box<dyn AnyAdmission>,
    asking: Semaphore,
    slots: Arc<Semaphore>,
    table: Mutex<Table>,
    requests: AtomicU64,
}

impl Desk {
    pub fn new(store: Arc<Store>, limits: HostLimits, admission: Box<dyn AnyAdmission>) -> Self {
        Self {
            shelf: Shelf::new(store.clone()),
            store,
            limits,
            admission,
            asking: Semaphore::new(limits.admissions),
            slots: Arc::new(Semaphore::new(limits.uploads)),
            table: Mutex::default(),
            requests: AtomicU64::new(0),
        }
    }

    pub fn store(&self) -> &Arc<Store> {
        &self.store
    }

    pub fn shelf(&self) -> &Shelf {
        &self.shelf
    }

    /// Lets a request in that is about this CID.
    pub async fn admit(&self, cid: &Cid, head: &HeaderMap) -> Result<(Statement, Grant), Fault> {
        let header = head.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let Authorization { statement, signature } =
            Authorization::parse(header.unwrap_or_default())?;
        if statement.cid != *cid {
            let message = format!("the statement is about {} and not about {cid}", statement.cid);
            return Err(Fault::request(message));
        }
        let _asking = self
            .asking
            .try_acquire()
            .map_err(|_| Fault::busy("too many requests are being checked"))?;
        let asked =
            timeout(self.limits.admission_timeout, self.admission.ask(&statement, &signature));
        let grant = asked.await.map_err(|_| Fault::busy("the chain did not answer in time"))??;
        if !is_label(&grant.label) {
            tracing::error!(label = grant.label, "a label under which nothing can be kept");
            return Err(Fault::failed());
        }
        if statement.bytes > grant.max_bytes {
            return Err(Fault::too_large(grant.max_bytes));
        }
        Ok((statement, grant))
    }

    /// Whether it is kept under this label.
    pub async fn has(self: &Arc<Self>, cid: Cid, label: &str) -> Result<bool, Fault> {
        let (desk, label) = (self.clone(), label.to_owned());
        working(move || Ok(desk.shelf.has(&cid, &label)?)).await
    }

    /// The upload that a statement is about, which is remembered from now on.
    pub async fn open(
        self: &Arc<Self>,
        statement: &Statement,
        label: &str,
    ) -> Result<Arc<Upload>, Fault> {
        let (desk, account) = (self.clone(), statement.account);
        let kept_under = label.to_owned();
        let kept = working(move || Ok(desk.shelf.taken(&kept_under, &account)?)).await?;
        self.remember(statement, label, &kept)
    }

    /// With what the account has handed over already, a process before this one included.
    fn remember(
        &self,
        statement: &Statement,
        label: &str,
        kept: &BTreeSet<Cid>,
    ) -> Result<Arc<Upload>, Fault> {
        let Statement { task, round, account, cid, .. } = *statement;
        let seat = (task, round, account);
        let now = self.requests.fetch_add(1, Ordering::Relaxed);
        let mut table = self.lock();
        let known = table.get(&seat).map(Vec::as_slice).unwrap_or_default();
        if let Some(upload) = known.iter().find(|upload| upload.cid == cid) {
            upload.heard.store(now, Ordering::Relaxed);
            return Ok(upload.clone());
        }
        let mut used = kept.clone();
        used.extend(known.iter().map(|upload| upload.cid));
        if !used.contains(&cid) && used.len() >= MAX_UPDATES {
            return Err(Fault::another_update(MAX_UPDATES));
        }
        if table.values().map(Vec::len).sum::<usize>() >= self.limits.remembered {
            make_room(&mut table)?;
        }
        let upload = Arc::new(Upload::new(&self.store, cid, seat, label.into()));
        upload.heard.store(now, Ordering::Relaxed);
        table.entry(seat).or_default().push(upload.clone());
        Ok(upload)
    }

    /// A place among those that go on at a time.
    pub fn slot(&self) -> Result<OwnedSemaphorePermit, Fault> {
        let slot = self.slots.clone().try_acquire_owned();
        slot.map_err(|_| Fault::busy("too many uploads at a time"))
    }

    /// Bounds what is known of uploads that nobody goes on with.
    pub fn trim(&self) {
        let table = self.lock();
        let mut parked: Vec<_> =
            table.values().flatten().filter(|upload| upload.is_parked()).collect();
        if parked.len() > PARKED {
            parked.sort_by_key(|upload| upload.heard.load(Ordering::Relaxed));
            parked[..parked.len() - PARKED].iter().for_each(|upload| upload.forget());
        }
    }

    /// See [`Keeper::release`](super::Keeper::release).
    pub fn release(&self, label: &str) -> Result<usize, StoreError> {
        self.lock().retain(|_, uploads| {
            uploads.retain(|upload| {
                let other = upload.label != label;
                if !other {
                    upload.release();
                }
                other
            });
            !uploads.is_empty()
        });
        self.shelf.release(label)
    }

    /// The labels of what is remembered.
    pub fn labels(&self) -> BTreeSet<String> {
        self.lock().values().flatten().map(|upload| upload.label.clone()).collect()
    }

    /// No panic leaves the table half changed.
    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives up the upload that nothing has been heard of for longest and that nobody is at.
fn make_room(table: &mut Table) -> Result<(), Fault> {
    let idle = table.values().flatten().filter(|upload| upload.is_idle());
    let oldest = idle.min_by_key(|upload| upload.heard.load(Ordering::Relaxed)).cloned();
    let oldest = oldest.ok_or_else(|| Fault::busy("too many uploads have begun"))?;
    if let Some(uploads) = table.get_mut(&oldest.seat) {
        uploads.retain(|upload| !Arc::ptr_eq(upload, &oldest));
        if uploads.is_empty() {
            table.remove(&oldest.seat);
        }
    }
    Ok(())
}

/// Runs what touches the disk where it may block.
pub(super) async fn working<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    spawn_blocking(work).await.unwrap_or_else(|_| Err(Fault::failed()))
}
