//! Where a task stands, in one look: for `watch` and for the demo.

use color_eyre::Result;
use decentralml_sdk::{Committee, Round, Task, View};
use decentralml_types::{BlockNumber, Phase, Role, TaskId, TaskStatus};
use serde::Serialize;

use crate::{context, output::count, units::percent};

/// A task, its current round, and who has acted in it.
#[derive(Clone, Debug, Serialize)]
pub struct Progress {
    pub block: BlockNumber,
    pub task: Task,
    /// Accounts enrolled as trainers and as evaluators.
    pub enrolled: (u32, u32),
    pub round: Option<Round>,
    /// Updates that trainers have committed to in this round.
    pub committed: u32,
    pub committee: Option<Committee>,
}

impl Progress {
    /// Reads it from one block.
    pub async fn read(view: &View, id: TaskId) -> Result<Self> {
        let task = context::task(view, id).await?;
        let enrolled =
            (view.enrolled(id, Role::Trainer).await?, view.enrolled(id, Role::Evaluator).await?);
        let round = match task.current {
            Some(number) => view.round(id, number).await?,
            None => None,
        };
        let (mut committed, mut committee) = (0, None);
        if let Some(round) = &round {
            if round.phase == Phase::Training {
                committed = view.commitments(id, round.number).await?.len() as u32;
            }
            if matches!(round.phase, Phase::Scoring | Phase::Verdict | Phase::Aggregating) {
                committee = view.committee(id, round.number, round.committee).await?;
            }
        }
        Ok(Self { block: view.number(), task, enrolled, round, committed, committee })
    }

    /// One sentence.
    pub fn sentence(&self) -> String {
        let spec = &self.task.spec;
        match (&self.round, self.task.status) {
            (Some(round), TaskStatus::Running) => {
                let left = round.deadline.saturating_sub(self.block);
                format!(
                    "round {}: {}, at most {} left",
                    round.number,
                    self.phase(round),
                    count(left, "block")
                )
            }
            (None, TaskStatus::Enrolling) => format!(
                "enrolling: {} of {} trainers, {} of {} evaluators",
                self.enrolled.0, spec.trainers.max, self.enrolled.1, spec.committee.seats
            ),
            (Some(round), TaskStatus::Enrolling) => {
                format!("waiting for participants after round {}: {}", round.number, self.missing())
            }
            (_, status) => format!("{}: {}", status_name(status), self.summary()),
        }
    }

    fn phase(&self, round: &Round) -> String {
        let committee = self.committee.as_ref();
        let attested = committee
            .map(|c| c.attestations.iter().map(|a| a.metrics.len()).sum::<usize>())
            .unwrap_or(0);
        let opened = committee.map_or(0, |c| c.opened.len());
        match round.phase {
            Phase::Training => {
                format!("training, {} of {} committed", self.committed, round.places)
            }
            Phase::Revealing => format!("revealing, {} updates open", round.updates),
            Phase::Scoring => format!(
                "scoring, {} of {} seats committed",
                committee.map_or(0, |c| c.committed),
                round.seats
            ),
            Phase::Verdict => format!("verdict, {opened} of {} seats open", round.seats),
            Phase::Tallying => "tallying".to_owned(),
            Phase::Aggregating => {
                format!("aggregating, {attested} of {opened} seats attested")
            }
            Phase::Settled => "settled".to_owned(),
            Phase::Void => "void".to_owned(),
        }
    }

    /// What a task that has begun lacks to go on.
    fn missing(&self) -> String {
        let spec = &self.task.spec;
        let (trainers, evaluators) = self.enrolled;
        let least = [
            (u32::from(spec.trainers.min).saturating_sub(trainers), "trainer"),
            (u32::from(spec.committee.quorum).saturating_sub(evaluators), "evaluator"),
        ];
        let lacking: Vec<String> = least
            .into_iter()
            .filter(|(number, _)| *number > 0)
            .map(|(number, noun)| {
                format!("at least {number} more {noun}{}", if number == 1 { "" } else { "s" })
            })
            .collect();
        match lacking.as_slice() {
            // Enough for a round, but not full: it starts when the time to enroll is over.
            [] => format!(
                "{trainers} of {} trainers, {evaluators} of {} evaluators, enough once the time to enroll is over",
                spec.trainers.max, spec.committee.seats
            ),
            lacking => lacking.join(", "),
        }
    }

    fn summary(&self) -> String {
        let rounds = format!("{} of {} rounds", self.task.settled_rounds, self.task.spec.rounds);
        match self.task.metric {
            Some(metric) => format!("{rounds}, accuracy {}", percent(metric)),
            None => rounds,
        }
    }
}

/// A task's status for people: one that has begun and enrolls again waits.
pub fn task_status(task: &Task) -> &'static str {
    match (task.status, task.current) {
        (TaskStatus::Enrolling, Some(_)) => "waiting",
        (status, _) => status_name(status),
    }
}

/// A status for people.
fn status_name(status: TaskStatus) -> &'static str {
    match status {
        TaskStatus::Enrolling => "enrolling",
        TaskStatus::Running => "running",
        TaskStatus::Paused => "paused",
        TaskStatus::Completed => "completed",
        TaskStatus::Cancelled => "cancelled",
        TaskStatus::Expired => "expired",
    }
}

/// How a round ended, or where it is.
pub fn round_state(round: &Round) -> String {
    match (round.phase, round.failure) {
        (Phase::Void, Some(failure)) => format!("void: {}", words(&format!("{failure:?}"))),
        (phase, _) => words(&format!("{phase:?}")),
    }
}

/// `TooFewReveals` as `too few reveals`.
fn words(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !text.is_empty() {
            text.push(' ');
        }
        text.extend(letter.to_lowercase());
    }
    text
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use decentralml_sdk::{AccountId, Money};

    pub(crate) fn progress(status: TaskStatus, phase: Option<Phase>) -> Progress {
        let task = Task {
            id: 7,
            sponsor: AccountId([1; 32]),
            spec: decentralml_protocol::spec::example(),
            status,
            money: Money { free: 0, reserved: 0, unclaimed: 0 },
            deposit: 0,
            created_at: 1,
            enrolling_since: 1,
            settled_rounds: 2,
            failed_in_a_row: 0,
            model: None,
            metric: Some(912_300),
            current: phase.map(|_| 3),
        };
        let round = phase.map(|phase| Round {
            task: 7,
            number: 3,
            phase,
            deadline: 110,
            started_at: 90,
            base: None,
            committee: 0,
            places: 6,
            seats: 3,
            updates: 5,
            accepted: 0,
            pot: 0,
            open_rows: 0,
            ended_at: None,
            failure: None,
            model: None,
        });
        let committee = Some(Committee {
            seats: 3,
            updates: 5,
            committed: 2,
            opened: Vec::new(),
            attestations: Vec::new(),
            accepted: 0,
        });
        Progress { block: 100, task, enrolled: (4, 3), round, committed: 5, committee }
    }

    #[test]
    fn a_sentence_says_who_is_waited_for() {
        let text = |status, phase| progress(status, phase).sentence();
        assert_eq!(
            text(TaskStatus::Enrolling, None),
            "enrolling: 4 of 6 trainers, 3 of 3 evaluators"
        );
        assert_eq!(
            text(TaskStatus::Enrolling, Some(Phase::Settled)),
            "waiting for participants after round 3: 4 of 6 trainers, 3 of 3 evaluators, enough once the time to enroll is over"
        );
        let mut waiting = progress(TaskStatus::Enrolling, Some(Phase::Void));
        waiting.enrolled = (2, 0);
        assert_eq!(
            waiting.sentence(),
            "waiting for participants after round 3: at least 1 more trainer, at least 2 more evaluators"
        );
        assert_eq!(
            text(TaskStatus::Running, Some(Phase::Training)),
            "round 3: training, 5 of 6 committed, at most 10 blocks left"
        );
        assert_eq!(
            text(TaskStatus::Running, Some(Phase::Scoring)),
            "round 3: scoring, 2 of 3 seats committed, at most 10 blocks left"
        );
        assert_eq!(
            text(TaskStatus::Completed, Some(Phase::Settled)),
            "completed: 2 of 15 rounds, accuracy 91.23 %"
        );
    }

    #[test]
    fn names_read_as_words() {
        assert_eq!(words("TooFewReveals"), "too few reveals");
        assert_eq!(words("Settled"), "settled");
    }
}
