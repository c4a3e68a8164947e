//! Follows the rounds of the task until it is over.

use super::cast::Cast;
use crate::{
    commands::task::progress::{Progress, round_state},
    context::spinner,
    exit::{Kind, problem},
    output::{Out, or_dash},
    units::percent,
};
use color_eyre::Result;
use decentralml_sdk::{AccountId, Chain, Round, Verdict, View};
use decentralml_types::{Cid, Outcome, Phase, Ppm, RoundNumber, TaskId, TaskStatus, Version};
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

/// A round that is over.
#[derive(Clone, Debug, Serialize)]
pub struct RoundResult {
    pub round: RoundNumber,
    /// `settled`, or why it is void.
    pub state: String,
    pub version: Option<Version>,
    pub cid: Option<Cid>,
    /// Accuracy on the validation set, as the committee attested it.
    pub metric: Option<Ppm>,
    pub accepted: Vec<AccountId>,
    pub rejected: Vec<AccountId>,
    pub seconds: f64,
}

/// The updates that were revealed.
pub type Updates = BTreeSet<Cid>;

/// Shows the rounds as they go, a line for each when it is over: with the accuracy on the evaluators' rows.
pub async fn follow(
    task: TaskId,
    chain: &Chain,
    cast: &Cast,
    out: &mut Out<'_>,
) -> Result<(Vec<RoundResult>, Updates)> {
    out.line("\nround  evaluators'  time   accepted                  rejected")?;
    let mut follower =
        Follower { task, verdicts: BTreeMap::new(), results: Vec::new(), updates: Updates::new() };
    let mut blocks = chain.best_blocks().await?;
    let mut round_start = Instant::now();
    let bar = spinner("");
    loop {
        let view = blocks.next().await?;
        let progress = Progress::read(&view, task).await?;
        bar.set_message(progress.sentence());
        for result in follower.ended(&view, &progress, &mut round_start).await? {
            let line = result.line(cast);
            bar.suspend(|| out.line(&line))?;
        }
        match progress.task.status {
            TaskStatus::Completed => break,
            TaskStatus::Enrolling | TaskStatus::Running => {}
            TaskStatus::Paused | TaskStatus::Cancelled | TaskStatus::Expired => {
                return Err(problem(
                    Kind::Other,
                    format!("the task did not get to its end: {}", progress.sentence()),
                ));
            }
        }
    }
    bar.finish_and_clear();
    Ok((follower.results, follower.updates))
}

struct Follower {
    task: TaskId,
    /// Verdicts are on chain from the tally until they are claimed.
    verdicts: BTreeMap<RoundNumber, Vec<(AccountId, Verdict)>>,
    results: Vec<RoundResult>,
    /// On chain for as long as the verdicts.
    updates: Updates,
}

impl Follower {
    /// The rounds that have ended since it was asked last.
    async fn ended(
        &mut self,
        view: &View,
        progress: &Progress,
        start: &mut Instant,
    ) -> Result<Vec<RoundResult>> {
        let Some(current) = progress.task.current else {
            *start = Instant::now();
            return Ok(Vec::new());
        };
        let mut ended = Vec::new();
        let first = self.results.last().map_or(1, |result| result.round + 1);
        for number in first..=current {
            let Some(round) = view.round(self.task, number).await? else { continue };
            if matches!(round.phase, Phase::Aggregating | Phase::Settled) {
                self.remember(view, number).await?;
            }
            if !round.phase.is_final() {
                break;
            }
            let seconds = start.elapsed().as_secs_f64();
            *start = Instant::now();
            let result = self.result(view, &round, seconds).await?;
            self.results.push(result.clone());
            ended.push(result);
        }
        Ok(ended)
    }

    async fn remember(&mut self, view: &View, round: RoundNumber) -> Result<()> {
        let reveals = view.reveals(self.task, round).await?;
        self.updates.extend(reveals.into_iter().map(|reveal| reveal.cid));
        let verdicts = view.verdicts(self.task, round).await?;
        let known = self.verdicts.get(&round).map_or(0, Vec::len);
        // Rows disappear as they are claimed: the fullest list is the true one.
        if verdicts.len() > known {
            self.verdicts.insert(round, verdicts);
        }
        Ok(())
    }

    async fn result(&self, view: &View, round: &Round, seconds: f64) -> Result<RoundResult> {
        let model = match round.model {
            Some(version) => view.model(self.task, version).await?,
            None => None,
        };
        let (accepted, rejected) =
            parted(self.verdicts.get(&round.number).map(Vec::as_slice).unwrap_or_default());
        Ok(RoundResult {
            round: round.number,
            state: round_state(round),
            version: round.model,
            cid: model.as_ref().map(|model| model.cid),
            metric: model.as_ref().map(|model| model.metric),
            accepted,
            rejected,
            seconds,
        })
    }
}

/// Who was accepted, and who was not.
fn parted(verdicts: &[(AccountId, Verdict)]) -> (Vec<AccountId>, Vec<AccountId>) {
    let accepted = |verdict: &Verdict| matches!(verdict.outcome, Some(Outcome::Accepted { .. }));
    let side = |wanted: bool| {
        let verdicts = verdicts.iter().filter(|(_, verdict)| accepted(verdict) == wanted);
        verdicts.map(|(account, _)| *account).collect()
    };
    (side(true), side(false))
}

impl RoundResult {
    fn line(&self, cast: &Cast) -> String {
        let names = |accounts: &[AccountId]| {
            let mut names: Vec<String> = accounts
                .iter()
                .map(|account| match cast.name(account) {
                    Some(name) => name.trim_start_matches("trainer ").to_owned(),
                    None => account.to_string(),
                })
                .collect();
            names.sort();
            names.join(", ")
        };
        if self.version.is_none() {
            return format!("{:>5}  {}  {:.0} s", self.round, self.state, self.seconds);
        }
        format!(
            "{:>5}  {:>11}  {:>3.0} s  {:<24}  {}",
            self.round,
            or_dash(self.metric.map(percent)),
            self.seconds,
            names(&self.accepted),
            names(&self.rejected)
        )
    }
}

/// Trainers whose updates were judged and never accepted.
pub fn never_accepted(rounds: &[RoundResult]) -> Vec<AccountId> {
    let accepted =
        |account: &AccountId| rounds.iter().any(|round| round.accepted.contains(account));
    let mut rejected = Vec::new();
    for account in rounds.iter().flat_map(|round| &round.rejected) {
        if !accepted(account) && !rejected.contains(account) {
            rejected.push(*account);
        }
    }
    rejected
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn round(accepted: &[u8], rejected: &[u8]) -> RoundResult {
        let accounts = |bytes: &[u8]| bytes.iter().map(|&byte| AccountId([byte; 32])).collect();
        RoundResult {
            round: 1,
            state: "settled".to_owned(),
            version: Some(1),
            cid: None,
            metric: Some(912_000),
            accepted: accounts(accepted),
            rejected: accounts(rejected),
            seconds: 11.4,
        }
    }

    #[test]
    fn rejected_is_who_was_never_accepted() {
        let rounds = [round(&[1, 2], &[3, 5, 6]), round(&[1, 3], &[5, 6, 2])];
        assert_eq!(never_accepted(&rounds), [AccountId([5; 32]), AccountId([6; 32])]);
        assert!(never_accepted(&[]).is_empty());
    }

    #[test]
    fn verdicts_are_parted_by_their_outcome() {
        let verdict =
            |byte, outcome| (AccountId([byte; 32]), Verdict { score: 1, outcome, gold: false });
        let verdicts = [
            verdict(1, Some(Outcome::Accepted { weight: 5 })),
            verdict(2, Some(Outcome::Rejected)),
            verdict(3, None),
        ];
        let (accepted, rejected) = parted(&verdicts);
        assert_eq!((accepted.len(), rejected.len()), (1, 2));
    }

    #[test]
    fn a_line_names_trainers_by_their_numbers() {
        let cast = Cast::new().unwrap();
        let mut result = round(&[], &[]);
        result.accepted = vec![cast.trainers[1].account(), cast.trainers[0].account()];
        result.rejected = vec![cast.trainers[4].account()];
        let line = result.line(&cast);
        assert!(line.contains("91.2 %") && line.contains("1, 2") && line.ends_with("5 (hostile)"));
        result.version = None;
        assert!(result.line(&cast).contains("settled"));
    }
}
