//! Where a task stands, in one look: for `watch` and for the demo.

use color_eyre::Result;
use decentralml_sdk::{Committee, Round, Task, View};
use decentralml_types::{BlockNumber, Phase, Role, TaskId, TaskStatus};
use serde::Serialize;

use super::{
    pace::{Attempts, Left, deadline},
    specification::metric,
};
use crate::{context, units::percent};

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
    /// Of the live phase, or of the time to enroll; `None` where nothing has a deadline.
    pub left: Option<Left>,
    pub attempts: Attempts,
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
        let block = view.number();
        let left = match deadline(&task, round.as_ref()) {
            Some(deadline) => Some(Left::until(deadline, block, view.block_time().await?)),
            None => None,
        };
        let attempts = Attempts::of(&task);
        Ok(Self { block, task, enrolled, round, committed, committee, left, attempts })
    }

    /// One sentence: where the task stands, and how long that may last.
    pub fn sentence(&self) -> String {
        let news = self.news();
        match (self.left, self.task.status) {
            (None, _) => news,
            // What is enrolled by then suffices, or is waited for.
            (Some(left), TaskStatus::Enrolling) if left.blocks == 0 => news,
            (Some(left), TaskStatus::Enrolling) => {
                format!("{news}, {} left to enroll", left.sentence())
            }
            (Some(left), _) if left.blocks == 0 => format!("{news}, its time is over"),
            (Some(left), _) => format!("{news}, at most {} left", left.sentence()),
        }
    }

    /// The part of the sentence that is not another with every block.
    pub fn news(&self) -> String {
        let spec = &self.task.spec;
        match (&self.round, self.task.status) {
            (Some(round), TaskStatus::Running) => {
                format!("round {}: {}", round.number, self.phase(round))
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
            Some(found) => {
                format!("{rounds}, {} {}", metric(&self.task.spec), percent(found))
            }
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
    use std::time::Duration;

    pub(crate) fn progress(status: TaskStatus, phase: Option<Phase>) -> Progress {
        let task = Task {
            id: 7,
            sponsor: AccountId([1; 32]),
            spec: decentralml_protocol::spec::example(),
            penalties: decentralml_protocol::slashing::TABLE,
            status,
            money: Money::default(),
            deposit: 0,
            created_at: 1,
            ended_at: None,
            enrolling_since: 50,
            settled_rounds: 2,
            failed_in_a_row: 0,
            model: None,
            metric: Some(912_300),
            state: None,
            current: phase.map(|_| 3),
        };
        let round = phase.map(|phase| Round {
            task: 7,
            number: 3,
            phase,
            deadline: 110,
            started_at: 90,
            base: None,
            state: None,
            sealed: false,
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
        let left = deadline(&task, round.as_ref());
        let left = left.map(|deadline| Left::until(deadline, 100, Duration::from_secs(6)));
        let attempts = Attempts::of(&task);
        let committee = Some(Committee {
            seats: 3,
            updates: 5,
            committed: 2,
            opened: Vec::new(),
            attestations: Vec::new(),
            accepted: 0,
        });
        let enrolled = (4, 3);
        Progress { block: 100, task, enrolled, round, committed: 5, committee, left, attempts }
    }

    #[test]
    fn a_sentence_says_who_is_waited_for() {
        let text = |status, phase| progress(status, phase).sentence();
        assert_eq!(
            text(TaskStatus::Enrolling, None),
            "enrolling: 4 of 6 trainers, 3 of 3 evaluators, 10 blocks (1 min) left to enroll"
        );
        assert_eq!(
            text(TaskStatus::Enrolling, Some(Phase::Settled)),
            "waiting for participants after round 3: 4 of 6 trainers, 3 of 3 evaluators, enough once the time to enroll is over, 10 blocks (1 min) left to enroll"
        );
        let mut waiting = progress(TaskStatus::Enrolling, Some(Phase::Void));
        (waiting.enrolled, waiting.left) = ((2, 0), Some(Left { blocks: 0, seconds: 0 }));
        assert_eq!(
            waiting.sentence(),
            "waiting for participants after round 3: at least 1 more trainer, at least 2 more evaluators"
        );
        assert_eq!(
            text(TaskStatus::Running, Some(Phase::Training)),
            "round 3: training, 5 of 6 committed, at most 10 blocks (1 min) left"
        );
        assert_eq!(
            text(TaskStatus::Running, Some(Phase::Scoring)),
            "round 3: scoring, 2 of 3 seats committed, at most 10 blocks (1 min) left"
        );
        assert_eq!(
            text(TaskStatus::Completed, Some(Phase::Settled)),
            "completed: 2 of 15 rounds, accuracy 91.23 %"
        );
    }

    #[test]
    fn a_deadline_that_has_passed_is_said_and_counting_has_none() {
        let mut late = progress(TaskStatus::Running, Some(Phase::Revealing));
        late.left = Some(Left::until(110, 112, Duration::from_secs(6)));
        assert_eq!(late.sentence(), "round 3: revealing, 5 updates open, its time is over");
        let counting = progress(TaskStatus::Running, Some(Phase::Tallying));
        assert_eq!((counting.left, counting.sentence().as_str()), (None, "round 3: tallying"));
        assert_eq!(progress(TaskStatus::Cancelled, Some(Phase::Void)).left, None);
        let paused = progress(TaskStatus::Paused, Some(Phase::Training));
        assert_eq!(paused.left, Some(Left { blocks: 10, seconds: 60 }));
    }

    #[test]
    fn json_has_everything_by_its_name() {
        let progress = progress(TaskStatus::Running, Some(Phase::Training));
        let json = serde_json::to_value(&progress).unwrap_or_default();
        let names: Vec<&String> = json.as_object().map(|o| o.keys().collect()).unwrap_or_default();
        let expected =
            ["attempts", "block", "committed", "committee", "enrolled", "left", "round", "task"];
        assert_eq!(names, expected);
        assert_eq!(json["left"], serde_json::json!({ "blocks": 10, "seconds": 60 }));
        let attempts = serde_json::json!({
            "used": 3, "allowed": 60, "failed_in_a_row": 0, "pauses_at": 4,
        });
        assert_eq!(json["attempts"], attempts);
    }

    #[test]
    fn names_read_as_words() {
        assert_eq!(words("TooFewReveals"), "too few reveals");
        assert_eq!(words("Settled"), "settled");
    }
}
