//! Blocks as they come in, and what becomes of a daemon when none do.
//!
//! After 30 seconds without a best block a warning asks whether the node is running. It is repeated after twice the time, and so
//! on; after an hour the daemon ends with [`WorkerError::NoBlocks`], so that whoever runs it learns that nothing is earned. That
//! holds for best blocks only: finality may stand still for longer while too few validators are there.

use std::{pin::pin, time::Duration};

use decentralml_sdk::{Blocks, ReadError, View};
use decentralml_types::Hash;
use futures::{Stream, StreamExt};
use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};

use crate::error::WorkerError;

/// How long no best block may come.
const PATIENCE: Patience =
    Patience { warning: Duration::from_secs(30), end: Duration::from_secs(60 * 60) };

/// Passes blocks on.
pub(crate) struct Feed {
    /// The node's address.
    pub(crate) url: String,
    pub(crate) best: (Blocks, watch::Sender<View>),
    pub(crate) finalized: (Blocks, watch::Sender<View>),
}

impl Feed {
    /// Ends where no best block has come for too long: see the module.
    pub(crate) async fn run(self) -> WorkerError {
        let (best, sender) = self.best;
        let pass = |view| drop(sender.send_replace(view));
        tokio::select! {
            error = watch_over(PATIENCE, &self.url, stream(best), head, pass) => error,
            error = pass_all(self.finalized) => error,
        }
    }
}

/// What tells one block from another.
fn head(view: &View) -> Hash {
    view.hash()
}

fn stream(blocks: Blocks) -> impl Stream<Item = Result<View, ReadError>> {
    futures::stream::unfold(blocks, |mut blocks| async move {
        let next = blocks.next().await;
        Some((next, blocks))
    })
}

/// Passes finalized blocks on. Never ends.
async fn pass_all((mut blocks, sender): (Blocks, watch::Sender<View>)) -> WorkerError {
    loop {
        match blocks.next().await {
            Ok(view) => drop(sender.send_replace(view)),
            Err(error) => tracing::warn!(%error, "no finalized blocks: waiting for the node"),
        }
    }
}

/// Passes blocks on until no new one has come for too long. A node says again what its best block is whenever the connection is
/// renewed: that is nothing new.
async fn watch_over<Block, Head: PartialEq>(
    patience: Patience,
    url: &str,
    blocks: impl Stream<Item = Result<Block, ReadError>>,
    head: impl Fn(&Block) -> Head,
    mut pass: impl FnMut(Block),
) -> WorkerError {
    let mut blocks = pin!(blocks);
    let mut silence = Silence::new(patience, Instant::now());
    let mut known = None;
    loop {
        match timeout_at(silence.alarm(), blocks.next()).await {
            Ok(Some(Ok(block))) if known == Some(head(&block)) => {}
            Ok(Some(Ok(block))) => {
                known = Some(head(&block));
                if let Some(lasted) = silence.broken(Instant::now()) {
                    tracing::info!(url, "blocks come again, after {} s", lasted.as_secs());
                }
                pass(block);
            }
            Ok(Some(Err(error))) => tracing::debug!(%error, "no best blocks"),
            Ok(None) => return ReadError::Ended.into(),
            Err(_) => {}
        }
        match silence.at(Instant::now()) {
            Step::Wait => {}
            Step::Warn(lasted) => {
                let seconds = lasted.as_secs();
                tracing::warn!("no block for {seconds} s: is the node at {url} running?");
            }
            Step::End => {
                let minutes = patience.end.as_secs() / 60;
                return WorkerError::NoBlocks { url: url.to_owned(), minutes };
            }
        }
    }
}

/// For how long no block may come.
#[derive(Clone, Copy, Debug)]
struct Patience {
    /// Until the first warning; each further one comes after twice the time.
    warning: Duration,
    /// Until the end.
    end: Duration,
}

/// What to do about a silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Nothing yet, or nothing again.
    Wait,
    /// Say that it lasts, and for how long already.
    Warn(Duration),
    /// Give up.
    End,
}

/// The time since the last block.
#[derive(Debug)]
struct Silence {
    patience: Patience,
    since: Instant,
    /// When to warn next, from the beginning of the silence.
    next: Duration,
}

impl Silence {
    fn new(patience: Patience, since: Instant) -> Self {
        Self { patience, since, next: patience.warning }
    }

    /// When something is to be done, unless a block comes before.
    fn alarm(&self) -> Instant {
        self.since + self.next.min(self.patience.end)
    }

    /// What is to be done at a time.
    fn at(&mut self, now: Instant) -> Step {
        let lasted = now.saturating_duration_since(self.since);
        if lasted >= self.patience.end {
            return Step::End;
        }
        if lasted < self.next {
            return Step::Wait;
        }
        // From what has passed, not from what was planned: a process that was stopped for a while warns once.
        self.next = lasted.saturating_mul(2);
        Step::Warn(lasted)
    }

    /// A block came. Says how long none had, where that was warned of.
    fn broken(&mut self, now: Instant) -> Option<Duration> {
        let lasted = now.saturating_duration_since(self.since);
        let warned = self.next > self.patience.warning;
        *self = Self::new(self.patience, now);
        warned.then_some(lasted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::stream;

    const SHORT: Patience =
        Patience { warning: Duration::from_millis(2), end: Duration::from_millis(20) };
    const URL: &str = "ws://127.0.0.1:9944";

    /// All that is done about a silence, each time its alarm rings.
    fn course(silence: &mut Silence) -> Vec<Step> {
        let mut steps = Vec::new();
        while steps.last() != Some(&Step::End) {
            let now = silence.alarm();
            steps.push(silence.at(now));
        }
        steps
    }

    #[test]
    fn warnings_come_at_growing_distances_and_the_end_after_an_hour() {
        let mut silence = Silence::new(PATIENCE, Instant::now());
        let seconds = [30, 60, 120, 240, 480, 960, 1_920];
        let mut expected: Vec<_> =
            seconds.map(|lasted| Step::Warn(Duration::from_secs(lasted))).into();
        expected.push(Step::End);
        assert_eq!(course(&mut silence), expected);
        assert_eq!(silence.alarm() - silence.since, Duration::from_secs(3_600));
    }

    #[test]
    fn a_block_ends_a_silence_and_says_so_where_it_was_warned_of() {
        let (now, second) = (Instant::now(), Duration::from_secs(1));
        let mut silence = Silence::new(PATIENCE, now);
        assert_eq!(silence.at(now + 29 * second), Step::Wait);
        assert_eq!(silence.broken(now + 29 * second), None);
        assert_eq!(silence.at(now + 58 * second), Step::Wait, "it counts from the block");
        assert_eq!(silence.at(now + 59 * second), Step::Warn(30 * second));
        assert_eq!(silence.at(now + 60 * second), Step::Wait, "it is said once");
        assert_eq!(silence.broken(now + 100 * second), Some(71 * second));
        assert_eq!(silence.at(now + 3_699 * second), Step::Warn(3_599 * second));
        assert_eq!(silence.at(now + 3_700 * second), Step::End);
    }

    #[tokio::test]
    async fn a_daemon_passes_on_what_comes_and_ends_where_nothing_does() {
        let blocks = stream::iter([1, 2, 3]).map(Ok).chain(stream::pending());
        let mut passed = Vec::new();
        let error =
            watch_over(SHORT, URL, blocks, |block| *block, |block| passed.push(block)).await;
        assert_eq!(passed, [1, 2, 3]);
        assert!(matches!(error, WorkerError::NoBlocks { minutes: 0, .. }), "{error:?}");
        assert!(error.to_string().contains(URL), "{error}");
    }

    #[tokio::test]
    async fn a_node_that_says_the_same_head_again_is_given_up_as_one_that_is_silent() {
        // As after each renewed connection to a node whose chain stands still.
        let again = stream::unfold(0, |said: u32| async move {
            tokio::time::sleep(Duration::from_millis(1)).await;
            Some((Ok(said.min(2)), said + 1))
        });
        let mut passed = Vec::new();
        let watched = watch_over(SHORT, URL, again, |block| *block, |block| passed.push(block));
        let ended = tokio::time::timeout(Duration::from_secs(60), watched).await;
        assert!(matches!(ended, Ok(WorkerError::NoBlocks { .. })), "{ended:?}");
        assert_eq!(passed, [0, 1, 2]);
    }

    #[tokio::test]
    async fn a_chain_that_comes_back_to_a_head_of_before_goes_on() {
        let blocks = stream::iter([1, 2, 2, 1, 2]).map(Ok).chain(stream::pending());
        let mut passed = Vec::new();
        watch_over(SHORT, URL, blocks, |block| *block, |block| passed.push(block)).await;
        assert_eq!(passed, [1, 2, 1, 2]);
    }

    #[tokio::test]
    async fn a_node_that_only_fails_is_given_up_as_one_that_is_silent() {
        let failures = stream::repeat_with(|| Err(ReadError::Ended));
        let mut passed: Vec<u32> = Vec::new();
        let error =
            watch_over(SHORT, URL, failures, |block| *block, |block| passed.push(block)).await;
        assert!(matches!(error, WorkerError::NoBlocks { .. }), "{error:?}");
        assert!(passed.is_empty());
    }
}
