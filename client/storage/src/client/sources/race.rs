//! One block from several sources: who is asked, when the next one is asked too, and what is said when nobody has it.
//!
//! The source with the least to do for its speed is asked. Where a patience passes in which next to nothing comes, or another
//! source would be done sooner, that one is asked as well and the first good answer counts; a third one takes the place of
//! one that stands still. So a block is in memory twice at most while it is on its way.

use super::{Source, Walk};
use crate::{
    Block, MAX_BLOCK,
    client::{
        Error,
        call::Connection,
        gateway::Fault,
        receive::{Gauge, PATIENCE, Want, stalled},
    },
};
use futures::future::{BoxFuture, select_all};
use std::{fmt::Write, sync::Arc, time::Duration};
use tokio::time::{Instant, sleep, timeout};

/// Patiences in an idle time-out.
const PATIENCES: u32 = 15;

/// Shortest patience.
const LEAST_PATIENCE: Duration = Duration::from_millis(10);

/// Bytes within a patience that are progress. A source that gives less would not be done with a block in the time that a
/// block may take.
const PROGRESS: u64 = MAX_BLOCK as u64 / (PATIENCE * PATIENCES) as u64;

/// Requests for the same block under way.
const AT_A_TIME: usize = 2;

/// How many times sooner another source has to be done to be asked as well.
const SOONER: f64 = 2.0;

/// Longest wait for a source that pauses, where there is no other.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Gateways whose words an error repeats, and characters of each.
const MAX_NAMED: usize = 8;
const MAX_WORDS: usize = 200;

/// The search for one block.
pub(super) struct Race<'a> {
    walk: &'a Walk,
    want: Want,
    heard: Vec<Heard>,
    running: Vec<Running>,
}

/// What a source has said about the block.
#[derive(Default)]
struct Heard {
    times: u32,
    /// It has given its last word.
    done: bool,
    error: Option<Error>,
}

/// A request under way.
struct Running {
    source: usize,
    started: Instant,
    gauge: Arc<Gauge>,
    /// Bytes that had come when it was last looked at.
    seen: u64,
    moves: bool,
    /// That it is slow has been put down.
    slow: bool,
    answer: BoxFuture<'static, Result<Block, Fault>>,
}

/// A source that may be asked.
struct Choice {
    source: usize,
    pause: Option<Duration>,
}

impl<'a> Race<'a> {
    pub fn new(walk: &'a Walk, want: Want) -> Self {
        let heard = walk.sources.list.iter().map(|_| Heard::default()).collect();
        Self { walk, want, heard, running: Vec::new() }
    }

    pub async fn run(mut self) -> Result<Block, Error> {
        let patience = (self.source(0).config().idle_timeout / PATIENCES).max(LEAST_PATIENCE);
        loop {
            if self.running.is_empty() {
                let Some(Choice { source, pause }) = self.choose() else {
                    return Err(self.verdict());
                };
                // What was not asked for this block is worth a question, however it has done before.
                if let Some(pause) = pause.filter(|_| self.heard[source].times > 0) {
                    sleep(pause.min(LONGEST_WAIT)).await;
                }
                self.start(source);
            }
            let answers = self.running.iter_mut().map(|running| &mut running.answer);
            let answered = timeout(patience, select_all(answers)).await;
            match answered.map(|(answer, position, _)| (answer, position)) {
                Ok((answer, position)) => {
                    let ended = self.running.remove(position);
                    if let Some(verdict) = self.ended(ended, answer) {
                        if let (Ok(block), Some(store)) = (&verdict, self.corrupt()) {
                            heal(store, block).await;
                        }
                        return verdict;
                    }
                    // Those that are left have been too slow already: no patience for them again.
                    if !self.running.is_empty() && self.running.iter().all(|running| running.slow) {
                        self.ask_another();
                    }
                }
                Err(_) => self.look(),
            }
        }
    }

    /// The own store, where that has the block corrupt.
    fn corrupt(&self) -> Option<&'a Connection> {
        let is_corrupt = matches!(self.heard[0].error, Some(Error::Unavailable { .. }));
        self.source(0).store().filter(|_| is_corrupt)
    }

    fn source(&self, source: usize) -> &'a Arc<Source> {
        &self.walk.sources.list[source]
    }

    /// The best of those that may still have something to say.
    fn choose(&self) -> Option<Choice> {
        let now = Instant::now();
        let standings = self.walk.standings();
        let candidates = standings.iter().enumerate().filter_map(|(source, standing)| {
            let heard = &self.heard[source];
            let done = heard.done || heard.times >= self.source(source).attempts();
            let asked = self.running.iter().any(|running| running.source == source);
            let health = self.source(source).health();
            if done || asked || standing.lied.is_some() || health.has_lied() {
                return None;
            }
            let pause = health.pause(now);
            let rank = (pause.is_some(), standing.last, health.cost());
            Some((rank, Choice { source, pause }))
        });
        // The first of equals: the own store before all others.
        let better = |a: &(bool, bool, f64), b: &(bool, bool, f64)| {
            (a.0, a.1).cmp(&(b.0, b.1)).then(a.2.total_cmp(&b.2))
        };
        candidates.min_by(|(a, _), (b, _)| better(a, b)).map(|(_, choice)| choice)
    }

    fn start(&mut self, source: usize) {
        let search = self.walk.standings()[source].search;
        let gauge = Arc::new(Gauge::default());
        self.heard[source].times += 1;
        self.running.push(Running {
            source,
            started: Instant::now(),
            gauge: gauge.clone(),
            seen: 0,
            moves: true,
            slow: false,
            answer: self.source(source).ask(self.want, search, gauge),
        });
    }

    /// Takes an answer; returns what ends the race.
    fn ended(
        &mut self,
        running: Running,
        answer: Result<Block, Fault>,
    ) -> Option<Result<Block, Error>> {
        let Running { source: index, gauge, .. } = running;
        let source = self.source(index);
        let heard = &mut self.heard[index];
        let error = match answer {
            Ok(block) => {
                source.health().gave(gauge.bytes(), gauge.elapsed().unwrap_or_default());
                self.walk.standings()[index].last = false;
                return Some(Ok(block));
            }
            Err(Fault::Missing { may_search }) => {
                let mut standings = self.walk.standings();
                let standing = &mut standings[index];
                standing.last = true;
                standing.search |= may_search;
                if may_search {
                    // The question becomes another one.
                    heard.times = 0;
                } else {
                    heard.done = true;
                }
                Error::NotFound { cid: self.want.cid, others: String::new() }
            }
            // The block is the right one: no other source has a shorter one.
            Err(Fault::Failed(error @ (Error::TooLarge { .. } | Error::NotAFile { .. }))) => {
                return Some(Err(error));
            }
            Err(Fault::Failed(error)) => {
                match &error {
                    Error::Mismatch { reason, .. } => {
                        tracing::warn!(
                            source = source.name(), cid = %self.want.cid, reason,
                            "a source gave wrong bytes; it is not asked any more"
                        );
                        self.walk.standings()[index].lied = Some(reason.clone());
                        // One's own store may be healed until the next walk, and nothing takes its place.
                        if source.store().is_none() {
                            source.health().lied();
                        }
                    }
                    // It speaks against one block only.
                    Error::Unavailable { .. } => heard.done = true,
                    error => {
                        source.health().failed(Instant::now());
                        if !error.is_transient() {
                            heard.done = true;
                        }
                    }
                }
                error
            }
        };
        tracing::debug!(source = source.name(), %error, "a source does not give a block");
        heard.error = Some(error);
        None
    }

    /// A patience has passed without an answer: asks another source if that is likely to help.
    fn look(&mut self) {
        for running in &mut self.running {
            let bytes = running.gauge.bytes();
            running.moves = bytes - running.seen >= PROGRESS;
            running.seen = bytes;
        }
        let Some(Choice { source: next, pause: None }) = self.choose() else { return };
        if self.running.iter().any(|running| running.moves) && !self.is_sooner(next) {
            return;
        }
        if self.running.len() == AT_A_TIME {
            // One that waits for its turn at a source stays: the source may be the best.
            let stands = |running: &Running| !running.moves && running.gauge.elapsed().is_some();
            let Some(position) = self.running.iter().position(stands) else { return };
            let given_up = self.running.remove(position);
            self.put_down(&given_up);
            let source = given_up.source;
            let error = stalled(self.source(source).name(), given_up.started.elapsed());
            self.heard[source].error = Some(error);
        }
        for running in &self.running {
            self.put_down(running);
        }
        for running in &mut self.running {
            running.slow = true;
        }
        self.start(next);
    }

    fn ask_another(&mut self) {
        if let Some(Choice { source, pause: None }) = self.choose() {
            self.start(source);
        }
    }

    /// Whether another source would be done much sooner than all that are asked.
    fn is_sooner(&self, next: usize) -> bool {
        let Some(expected) = self.source(next).health().expected(self.want.limit) else {
            return false;
        };
        self.running.iter().all(|running| {
            let left = self.want.limit.saturating_sub(running.seen);
            match running.gauge.elapsed() {
                // `left / (seen / elapsed)`, without a division by nothing.
                Some(elapsed) if running.moves => {
                    elapsed.as_secs_f64() * left as f64 > SOONER * expected * running.seen as f64
                }
                _ => true,
            }
        })
    }

    /// Keeps in mind that a source is slow. One that waits for its turn is not.
    fn put_down(&self, running: &Running) {
        let Some(elapsed) = running.gauge.elapsed().filter(|_| !running.slow) else { return };
        let mut health = self.source(running.source).health();
        if running.moves {
            health.saw(running.seen, elapsed);
        } else {
            health.failed(Instant::now());
        }
    }

    /// The error of the own store, by whose word one goes: of strangers any could have said anything. What they said is
    /// added, and logged.
    fn verdict(mut self) -> Error {
        let others = self.others();
        let name = self.source(0).name();
        let cid = self.want.cid;
        let own = self.heard[0].error.take().unwrap_or_else(|| {
            let lied = self.walk.standings()[0].lied.clone();
            self.want.mismatch(name, lied.unwrap_or_else(|| "it was not asked".into()))
        });
        let lack = |error: &Error| matches!(error, Error::NotFound { .. });
        if lack(&own)
            && self.heard.iter().skip(1).all(|heard| heard.error.as_ref().is_some_and(lack))
        {
            tracing::debug!(%cid, "no source has a block");
        } else {
            tracing::warn!(%cid, %own, %others, "no source gives a block");
        }
        own.and(&others)
    }

    /// What every gateway said.
    fn others(&self) -> String {
        let mut text = String::new();
        let standings = self.walk.standings();
        let all = self.heard.iter().enumerate().skip(1);
        for (index, heard) in all.clone().take(MAX_NAMED) {
            let source = self.source(index);
            let words = match &heard.error {
                Some(error) => words(error),
                None => match &standings[index].lied {
                    Some(reason) => format!("gave wrong bytes ({reason})"),
                    None if source.health().has_lied() => "gave wrong bytes before".into(),
                    None => "was not asked".into(),
                },
            };
            let words: String = words.chars().take(MAX_WORDS).collect();
            let comma = if text.is_empty() { "" } else { ", " };
            // Writing to a string does not fail.
            let _ = write!(text, "{comma}{} {words}", source.name());
        }
        let more = all.count().saturating_sub(MAX_NAMED);
        if more > 0 {
            let _ = write!(text, ", {more} more neither");
        }
        text
    }
}

/// An error as what its source, which is named before, did.
fn words(error: &Error) -> String {
    match error {
        Error::NotFound { .. } => "does not have it".into(),
        Error::Mismatch { reason, .. } => format!("gave wrong bytes ({reason})"),
        Error::Unreachable { reason, .. } => format!("cannot be reached ({reason})"),
        Error::Timeout { seconds, .. } => format!("made no progress for {seconds:.1} s"),
        Error::Protocol { reason, .. } => format!("is no gateway ({reason})"),
        other => other.to_string(),
    }
}

/// Replaces what the store has corrupt.
async fn heal(store: &Connection, block: &Block) {
    match store.put(block).await {
        Ok(()) => tracing::info!(cid = %block.cid(), "replaced a corrupt block of the store"),
        Err(error) => {
            tracing::warn!(cid = %block.cid(), %error, "a block of the store stays corrupt");
        }
    }
}
