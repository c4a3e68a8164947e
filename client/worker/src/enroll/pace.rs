//! When something is asked for again that others may make possible.

use decentralml_types::BlockNumber;

use crate::{error::WorkerError, tries::AGAIN};

/// When enrolling is tried again that others may make possible: the store alone, or money that is not there, keeps it from
/// happening. That is no failure to be counted: it costs nothing, however long it lasts.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    next: BlockNumber,
    told: Option<String>,
}

impl Pace {
    /// Whether to try at a block.
    pub(crate) fn is_due(&self, now: BlockNumber) -> bool {
        now >= self.next
    }

    /// Puts the next attempt off where an error is of that kind. Says whether it is.
    pub(crate) fn put_off(&mut self, now: BlockNumber, error: &WorkerError) -> bool {
        let passes = error.may_pass();
        if passes {
            self.next = now.saturating_add(AGAIN);
        }
        passes
    }

    /// Whether an error says something else than the one before it.
    pub(crate) fn is_news(&mut self, error: &WorkerError) -> bool {
        let text = error.to_string();
        let known = self.told.as_ref() == Some(&text);
        self.told = Some(text);
        !known
    }
}
