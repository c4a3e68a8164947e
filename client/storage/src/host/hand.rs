//! An update to several hosts, until enough of them hold it.

use super::{
    Authorization, HostError, Parcel, STEP,
    call::{Meter, hand},
};
use crate::{SourceUrl, client::Http};
use futures::{StreamExt, stream::FuturesUnordered};
use std::{
    collections::{HashSet, VecDeque},
    fmt,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::time::{Instant, MissedTickBehavior, interval};

/// How often it is told how far it is, and looked whose pause is over.
const TICK: Duration = Duration::from_millis(200);

/// Limits of a [`HostClient`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HandSettings {
    /// Hosts that are sent to at a time, at most; there is one more than are missing.
    pub parallel: usize,
    /// Attempts in a row that may fail, for one host, without [`STEP`] bytes more than it ever had.
    pub attempts: u32,
    /// The pause after the first of them; it doubles, up to `longest_pause`.
    pub first_pause: Duration,
    /// Also for what a host asks for with `Retry-After`.
    pub longest_pause: Duration,
    /// Longest wait for a connection.
    pub connect_timeout: Duration,
    /// Longest silence of the host's machine, after which another connection is tried. TCP itself, after a cut, would go on only
    /// when about twice the time has passed that the cut lasted. On Linux a host that takes nothing for so long is silent, too.
    pub silence_timeout: Duration,
    /// Longest time in which a host takes less than [`STEP`] bytes.
    pub step_timeout: Duration,
    /// Longest wait for an answer. A host may have to look through what it has.
    pub answer_timeout: Duration,
}

impl Default for HandSettings {
    fn default() -> Self {
        Self {
            parallel: 3,
            attempts: 6,
            first_pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(5),
            silence_timeout: Duration::from_secs(20),
            step_timeout: Duration::from_secs(30),
            answer_timeout: Duration::from_secs(60),
        }
    }
}

/// A host, and what makes it take the update.
///
/// Anybody can announce anybody's URL, so several targets may name the same place with different accounts: only the account whose host
/// it is gets something there, as a host takes no statement that names another one. An account may have several places, too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Where it is: what it announced on the chain.
    pub url: SourceUrl,
    /// The statement that names it, signed.
    pub authorization: Authorization,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handing {
    /// Bytes that the hosts have that are furthest, as many of them as are wanted. It falls when a host gives up.
    pub done: u64,
    /// Bytes that they are to have.
    pub total: u64,
    /// Hosts that hold all of it.
    pub holders: usize,
}

/// What has become of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Handed {
    /// Hosts that hold all of it, in the order in which they said so. No two of them have the account or the place in common.
    pub holders: Vec<SourceUrl>,
    /// Those that do not, and why.
    pub failed: Vec<(SourceUrl, HostError)>,
    /// Those that were not needed any more, as there were enough, or as their account or their place holds it already; some may have
    /// a part.
    pub unneeded: Vec<SourceUrl>,
}

impl Target {
    /// Whose host it is said to be.
    fn owner(&self) -> &[u8; 32] {
        &self.authorization.statement.host
    }

    /// Whether both cannot count as holders: one machine behind two names is one holder, and so is one account at two places.
    fn excludes(&self, other: &Self) -> bool {
        self.owner() == other.owner() || self.url.base() == other.url.base()
    }
}

/// Hands updates to hosts. One for a process is enough: it keeps connections.
pub struct HostClient {
    http: Http,
    settings: HandSettings,
}

impl fmt::Debug for HostClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostClient").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// A host that does not hold it yet.
#[derive(Debug)]
struct Job<'a> {
    target: &'a Target,
    meter: Arc<Meter>,
    /// Attempts that have failed in a row.
    failures: u32,
    /// The most that the host ever had.
    best: u64,
    not_before: Instant,
}

impl HostClient {
    /// A client with these limits.
    pub fn new(settings: HandSettings) -> Self {
        Self { http: Http::new(settings.connect_timeout, settings.silence_timeout), settings }
    }

    /// Hands a DAG to the targets, the first ones first, until `wanted` of them hold it or none is left. What a host has got
    /// stays there, so that the same call goes on where this one was ended, by dropping it too.
    ///
    /// Targets with the same account or the same place are tried one after the other, until one of them holds it.
    ///
    /// It does not fail: what is returned says who holds it and why others do not.
    pub async fn hand_to(
        &self,
        parcel: &Arc<Parcel>,
        targets: &[Target],
        wanted: usize,
        mut progress: impl FnMut(Handing),
    ) -> Handed {
        let mut handed = Handed::default();
        let mut waiting = self.jobs(parcel, targets, &mut handed);
        let mut left_over: Vec<&Target> = waiting.iter().map(|job| job.target).collect();
        let meters: Vec<_> = waiting.iter().map(|job| job.meter.clone()).collect();
        let mut running = FuturesUnordered::new();
        let mut busy: Vec<&Target> = Vec::new();
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut told = None;
        while handed.holders.len() < wanted && !(waiting.is_empty() && running.is_empty()) {
            let slots = self.settings.parallel.min(wanted - handed.holders.len() + 1).max(1);
            while running.len() < slots
                && let Some(job) = take_ready(&mut waiting, &busy)
            {
                busy.push(job.target);
                running.push(self.attempt(job, parcel));
            }
            tokio::select! {
                Some((job, result)) = running.next() => {
                    let target = job.target;
                    busy.retain(|other| !std::ptr::eq(*other, target));
                    match result {
                        Ok(()) => {
                            job.meter.position.store(parcel.bytes(), Ordering::Relaxed);
                            handed.holders.push(target.url.clone());
                            left_over.retain(|other| !std::ptr::eq(*other, target));
                            waiting.retain(|other| !other.target.excludes(target));
                        }
                        Err(error) => match self.again(job, &error) {
                            Ok(job) => waiting.push_back(job),
                            Err(job) => {
                                job.meter.position.store(0, Ordering::Relaxed);
                                handed.failed.push((target.url.clone(), error));
                                left_over.retain(|other| !std::ptr::eq(*other, target));
                            }
                        },
                    }
                }
                _ = tick.tick() => {}
            }
            let now = self::handing(parcel, &meters, wanted, handed.holders.len());
            if told != Some(now) {
                told = Some(now);
                progress(now);
            }
        }
        drop(running);
        handed.unneeded = left_over.into_iter().map(|target| target.url.clone()).collect();
        handed
    }

    /// A job for each target that can be one.
    fn jobs<'a>(
        &self,
        parcel: &Parcel,
        targets: &'a [Target],
        handed: &mut Handed,
    ) -> VecDeque<Job<'a>> {
        let mut known = HashSet::new();
        let mut jobs = VecDeque::new();
        for target in targets {
            let statement = &target.authorization.statement;
            let new = known.insert((target.url.base(), target.owner()));
            let error = if statement.cid != parcel.cid() || statement.bytes < parcel.bytes() {
                HostError::Statement
            } else if !new {
                HostError::Twice
            } else {
                let (meter, not_before) = (Arc::default(), Instant::now());
                jobs.push_back(Job { target, meter, failures: 0, best: 0, not_before });
                continue;
            };
            handed.failed.push((target.url.clone(), error));
        }
        jobs
    }

    async fn attempt<'a>(
        &self,
        job: Job<'a>,
        parcel: &Arc<Parcel>,
    ) -> (Job<'a>, Result<(), HostError>) {
        let result = hand(&self.http, &self.settings, job.target, parcel, &job.meter).await;
        (job, result)
    }

    /// A job whose attempt has failed, with a pause before the next one, or as an error when there is none.
    fn again<'a>(&self, mut job: Job<'a>, error: &HostError) -> Result<Job<'a>, Job<'a>> {
        let HandSettings { attempts, first_pause, longest_pause, .. } = self.settings;
        let confirmed = job.meter.confirmed.load(Ordering::Relaxed);
        if confirmed >= job.best + STEP {
            (job.best, job.failures) = (confirmed, 0);
        }
        job.failures += 1;
        tracing::debug!(host = %job.target.url, failures = job.failures, %error, "a host was not handed everything");
        if !error.is_transient() || job.failures >= attempts {
            return Err(job);
        }
        let doubled = first_pause.saturating_mul(1 << (job.failures - 1).min(16));
        let pause = match error {
            HostError::Busy { after: Some(seconds), .. } => {
                doubled.max(Duration::from_secs(*seconds))
            }
            _ => doubled,
        };
        job.not_before = Instant::now() + pause.min(longest_pause);
        Ok(job)
    }
}

/// The first job whose pause is over, and whose account and place nobody is at.
fn take_ready<'a>(waiting: &mut VecDeque<Job<'a>>, busy: &[&Target]) -> Option<Job<'a>> {
    let now = Instant::now();
    let free = |job: &Job<'_>| !busy.iter().any(|target| target.excludes(job.target));
    let ready = waiting.iter().position(|job| job.not_before <= now && free(job))?;
    waiting.remove(ready)
}

fn handing(parcel: &Parcel, meters: &[Arc<Meter>], wanted: usize, holders: usize) -> Handing {
    let wanted = wanted.min(meters.len());
    let mut positions: Vec<_> =
        meters.iter().map(|meter| meter.position.load(Ordering::Relaxed)).collect();
    positions.sort_unstable_by(|a, b| b.cmp(a));
    let done = positions.iter().take(wanted).sum();
    Handing { done, total: parcel.bytes().saturating_mul(wanted as u64), holders }
}
