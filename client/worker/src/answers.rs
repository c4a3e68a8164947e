//! Answers to challenges, under way beside everything else: a bond is at stake, whatever phase a round is in.

use std::{collections::BTreeSet, sync::Arc};

use decentralml_sdk::View;
use decentralml_types::{BlockNumber, RoundNumber, TaskId};
use tokio::task::JoinSet;

use crate::{
    error::WorkerError,
    work::{Part, Work},
};

/// Blocks after which it is tried again to answer what could not be answered.
const AGAIN: BlockNumber = 5;

/// The answers of one task.
#[derive(Default)]
pub(crate) struct Answers {
    running: JoinSet<Result<(), WorkerError>>,
    /// The best height before which nothing is tried again.
    from: BlockNumber,
}

impl Answers {
    /// Has the challenges of these rounds answered that are open at a block, unless that is under way. There is no limit of tries: the
    /// deadlines of challenges are one.
    pub(crate) fn step<P: Part>(
        &mut self,
        work: &Arc<Work>,
        part: &Arc<P>,
        view: &View,
        task: TaskId,
        rounds: BTreeSet<RoundNumber>,
    ) {
        while let Some(ended) = self.running.try_join_next() {
            let error = match ended {
                Ok(Ok(())) => continue,
                Ok(Err(error)) => error.to_string(),
                Err(error) => error.to_string(),
            };
            self.from = view.number().saturating_add(AGAIN);
            tracing::warn!(
                task,
                error,
                "a challenge of an update is not answered, or a gold result not shown; tries again until it is too late"
            );
        }
        if rounds.is_empty() || !self.running.is_empty() || view.number() < self.from {
            return;
        }
        let (work, part, view) = (work.clone(), part.clone(), view.clone());
        self.running.spawn(async move { part.answer(&work, &view, task, &rounds).await });
    }
}
