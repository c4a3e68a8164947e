//! Giving bytes to hosts before the chain is told of them: see `custody.hosts` of a task.

use std::{sync::Arc, time::Duration};

use decentralml_storage::{
    SourceUrl, Store, StoreError,
    host::{Authorization, Handed, Handing, HostError, Parcel, ParcelError, Statement, Target},
    seal::max_sealed_bytes,
};
use decentralml_types::{BlockNumber, Cid};
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout},
};

use crate::{
    common::Upload,
    error::WorkerError,
    sources,
    work::{Moment, Work},
};

/// Blocks for which a statement holds, at most: few enough that it is of no use later, and many enough for a large update.
const LIFETIME: BlockNumber = 600;
/// The pause after the first attempt that did not reach enough hosts; it doubles, up to the second.
const PAUSES: (Duration, Duration) = (Duration::from_secs(3), Duration::from_secs(60));
/// How long hosts are offered what has to go on chain with or without them.
const OFFER: Duration = Duration::from_secs(10);
/// How often it is told how far it is.
const TELL: Duration = Duration::from_secs(10);

/// Hands what is under a CID to as many hosts as the task asks for, and says whether they hold it: only then may it be committed
/// to. Tries again as long as the phase lasts. `false` says that the phase ended; to have committed to nothing costs nothing.
pub(crate) async fn hand_over(
    work: &Work,
    moment: &Moment,
    cid: &Cid,
) -> Result<bool, WorkerError> {
    let wanted = moment.task.spec.custody.hosts as usize;
    if wanted == 0 {
        return Ok(true);
    }
    tokio::select! {
        held = until_held(work, moment, cid, wanted) => held.map(|()| true),
        () = work.phase_over(moment) => {
            tracing::warn!(
                task = moment.task.id, round = moment.round.number, %cid,
                "the phase ended before {wanted} hosts held the update: it is not committed to, which costs nothing"
            );
            Ok(false)
        }
    }
}

/// Offers hosts what goes on chain whether they take it or not, once and for [`OFFER`] at most: the key of a sealed update, which costs
/// the bond if it is not handed over. What no host holds the seats look for elsewhere.
pub(crate) async fn offer(work: &Work, moment: &Moment, cid: &Cid) {
    let wanted = moment.task.spec.custody.hosts as usize;
    if wanted == 0 {
        return;
    }
    let (task, round) = (moment.task.id, moment.round.number);
    let offered = async {
        let parcel = Arc::new(parcel(work, moment, cid).await?);
        Ok::<_, WorkerError>(attempt(work, moment, &parcel, wanted).await.len())
    };
    match timeout(OFFER, offered).await {
        Ok(Ok(holders)) if holders >= wanted => {}
        Ok(Ok(holders)) => {
            tracing::warn!(task, round, %cid, holders, wanted, "too few hosts hold the file with the key")
        }
        Ok(Err(error)) => {
            tracing::warn!(task, round, %cid, %error, "the file with the key was given to no host")
        }
        Err(_) => {
            tracing::warn!(task, round, %cid, wanted, "the hosts did not take the file with the key in time")
        }
    }
}

async fn until_held(
    work: &Work,
    moment: &Moment,
    cid: &Cid,
    wanted: usize,
) -> Result<(), WorkerError> {
    let (task, round) = (moment.task.id, moment.round.number);
    let parcel = Arc::new(parcel(work, moment, cid).await?);
    let mut pause = PAUSES.0;
    loop {
        let holders = attempt(work, moment, &parcel, wanted).await;
        if holders.len() >= wanted {
            return Ok(());
        }
        tracing::warn!(
            task, round, holders = holders.len(), wanted, again_in = ?pause,
            "too few hosts hold the update: without them it is not committed to"
        );
        sleep(pause).await;
        pause = (pause * 2).min(PAUSES.1);
        // Some may have been announced since.
        work.sources.forget();
    }
}

/// Asks the hosts once; returns those that hold it.
async fn attempt(
    work: &Work,
    moment: &Moment,
    parcel: &Arc<Parcel>,
    wanted: usize,
) -> Vec<SourceUrl> {
    let (task, round, cid) = (moment.task.id, moment.round.number, parcel.cid());
    let targets = targets(work, moment, parcel).await.unwrap_or_else(|error| {
        tracing::warn!(task, round, %error, "the hosts of the task could not be read");
        Vec::new()
    });
    let asked = targets.len();
    tracing::info!(task, round, %cid, bytes = parcel.bytes(), wanted, asked, "hands the file to hosts");
    let mut told = Told::new();
    let mut shown = Shown::new(work.uploads.as_ref());
    let tell = |at: Handing| {
        told.tell(task, round, at);
        shown.at(Upload { task, round, at });
    };
    let Handed { holders, failed, .. } = work.hands.hand_to(parcel, &targets, wanted, tell).await;
    for (host, error) in &failed {
        match error {
            // It is of use to others, and no fault.
            HostError::NoHost { .. } if work.sources.is_new_gateway(host) => {
                tracing::info!(task, round, %host, %error, "an announced place is a gateway only");
            }
            HostError::NoHost { .. } => {}
            error => {
                tracing::warn!(task, round, %host, %error, "a host does not hold the file");
            }
        }
    }
    if holders.len() >= wanted {
        let hosts: Vec<&str> = holders.iter().map(SourceUrl::as_str).collect();
        tracing::info!(task, round, %cid, hosts = hosts.join(", "), "hosts hold the file");
    }
    holders
}

/// Hosts, each with a statement of its own that has just been signed.
async fn targets(
    work: &Work,
    moment: &Moment,
    parcel: &Parcel,
) -> Result<Vec<Target>, WorkerError> {
    let (task, round) = (moment.task.id, moment.round.number);
    let candidates = sources::candidates(work, moment).await?;
    let now = work.best.borrow().number();
    // Also beyond the deadline, after which hosts take nothing: each is to hold longer than the one before it, and so to end what
    // somebody does with that one.
    let expires = now.saturating_add(LIFETIME);
    let target = |(host, url): sources::Candidate| {
        let statement = Statement {
            genesis: work.chain.genesis(),
            task,
            round,
            account: work.account().0,
            host: host.0,
            cid: parcel.cid(),
            bytes: parcel.bytes(),
            expires,
        };
        let signature = work.signer.sign(&statement.payload()).to_vec();
        Target { url, authorization: Authorization { statement, signature } }
    };
    Ok(candidates.into_iter().map(target).collect())
}

/// What is handed over, in a store of this process.
async fn parcel(work: &Work, moment: &Moment, cid: &Cid) -> Result<Parcel, WorkerError> {
    let store = match &work.own_store {
        Some(store) => store.clone(),
        None => open_outgoing(work, moment).await?,
    };
    match read(&store, cid).await {
        Err(WorkerError::Parcel(ParcelError::Store(
            StoreError::NotFound(_) | StoreError::Corrupt { .. },
        ))) => {}
        read => return read,
    }
    // It is in the store of the settings only.
    let limit = max_sealed_bytes(moment.task.spec.max_update_bytes);
    work.storage.with_cache(store.clone()).fetch(cid, limit).await?;
    read(&store, cid).await
}

async fn read(store: &Arc<Store>, cid: &Cid) -> Result<Parcel, WorkerError> {
    let (store, cid) = (store.clone(), *cid);
    let read = tokio::task::spawn_blocking(move || Parcel::new(&store, &cid));
    Ok(read.await.map_err(|_| WorkerError::Aborted)??)
}

/// A store for what is on its way, where the account has none of its own. What an earlier update has left goes.
async fn open_outgoing(work: &Work, moment: &Moment) -> Result<Arc<Store>, WorkerError> {
    let folder = work.state.outgoing(moment.task.id);
    let open = move || {
        let store = Store::open(folder)?;
        store.gc(|_| {})?;
        Ok::<_, StoreError>(Arc::new(store))
    };
    Ok(tokio::task::spawn_blocking(open).await.map_err(|_| WorkerError::Aborted)??)
}

/// Shows how far one upload is to whoever looks, beside those of other tasks, until it ends in any way.
struct Shown<'a> {
    uploads: Option<&'a watch::Sender<Vec<Upload>>>,
    last: Option<Upload>,
}

impl<'a> Shown<'a> {
    fn new(uploads: Option<&'a watch::Sender<Vec<Upload>>>) -> Self {
        Self { uploads, last: None }
    }

    fn at(&mut self, upload: Upload) {
        let Some(uploads) = self.uploads else { return };
        uploads.send_modify(|all| match all.iter_mut().find(|other| other.is_same(&upload)) {
            Some(known) => *known = upload,
            None => all.push(upload),
        });
        self.last = Some(upload);
    }
}

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        if let (Some(uploads), Some(last)) = (self.uploads, &self.last) {
            uploads.send_modify(|all| all.retain(|other| !other.is_same(last)));
        }
    }
}

/// Tells now and then how far it is.
struct Told {
    begun: Instant,
    last: Instant,
    /// What the hosts had before.
    before: Option<u64>,
}

impl Told {
    fn new() -> Self {
        let now = Instant::now();
        Self { begun: now, last: now, before: None }
    }

    fn tell(&mut self, task: u32, round: u32, Handing { done, total, holders }: Handing) {
        // It falls where a host gives up.
        let before = done.min(*self.before.get_or_insert(done));
        self.before = Some(before);
        if self.last.elapsed() < TELL {
            return;
        }
        self.last = Instant::now();
        let percent = done.saturating_mul(100) / total.max(1);
        let rate = (done - before) / self.begun.elapsed().as_secs().max(1);
        let seconds_left = total.saturating_sub(done).checked_div(rate);
        tracing::info!(
            task,
            round,
            percent,
            bytes_per_second = rate,
            seconds_left,
            holders,
            "hands the update to hosts"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uploads_of_several_tasks_are_shown_until_each_ends_or_is_given_up() {
        let (uploads, seen) = watch::channel(Vec::new());
        let upload = |task, done| {
            let at = Handing { done, total: 2, holders: 0 };
            Upload { task, round: 3, at }
        };
        let (mut one, mut two) = (Shown::new(Some(&uploads)), Shown::new(Some(&uploads)));
        one.at(upload(1, 1));
        two.at(upload(2, 1));
        one.at(upload(1, 2));
        assert_eq!(*seen.borrow(), [upload(1, 2), upload(2, 1)]);
        drop(one);
        assert_eq!(*seen.borrow(), [upload(2, 1)]);
        drop(two);
        assert!(seen.borrow().is_empty());
        Shown::new(None).at(upload(1, 1));
    }
}
