//! Counting scores, in batches.
//!
//! Two passes over the updates: the first takes the medians and their total, the second, which needs the total, updates the
//! running scores and decides. A call does one batch of the first pass, and one of the second once the first is complete, so
//! up to [`TALLY_BATCH`] updates are counted in a single call.

use crate::{
    CommitteeState, Committees, Config, Event, Histories, Pallet, Running, Shares, Sheet, Sheets,
    Stage, Standing, Tally, Trend, Verdict, Verdicts,
};
use decentralml_protocol::{
    gold::UNMEASURED,
    payout,
    verdict::{self, Finding},
};
use decentralml_traits::Evidence;
use decentralml_types::{
    CommitteeNumber, Opinion, Outcome, RoundNumber, TaskId, limits::TALLY_BATCH,
};

extern crate alloc;
use alloc::vec::Vec;

impl<T: Config> Pallet<T> {
    pub(crate) fn do_tally(
        task: TaskId,
        round: RoundNumber,
        number: CommitteeNumber,
    ) -> Option<u32> {
        let mut committee = Committees::<T>::get((task, round, number))?;
        if committee.tally.stage == Stage::Findings {
            Self::find(task, round, number, &mut committee);
        }
        if committee.tally.stage == Stage::Outcomes {
            Self::decide(task, round, number, &mut committee);
        }
        let Tally { stage, accepted, .. } = committee.tally;
        Committees::<T>::insert((task, round, number), committee);
        (stage == Stage::Done).then_some(accepted)
    }

    /// The next batch of medians.
    fn find(
        task: TaskId,
        round: RoundNumber,
        number: CommitteeNumber,
        committee: &mut CommitteeState<T::AccountId>,
    ) {
        let from = committee.tally.cursor;
        let to = from.saturating_add(TALLY_BATCH).min(committee.updates);
        let sheets: Vec<_> = committee
            .opened
            .iter()
            .map(|seat| Sheets::<T>::get((task, round, number, from / TALLY_BATCH, seat)))
            .collect();
        let said = |sheet: &Option<Sheet>, index: u32| {
            sheet.as_ref()?.get((index - from) as usize).copied()
        };
        let mut opinions: Vec<Opinion> = Vec::with_capacity(sheets.len());
        // As many as there are seats, which is within the bound.
        committee.distances.bounded_resize(sheets.len(), 0);
        committee.missed.bounded_resize(sheets.len(), 0);
        for index in from..to {
            let Some(trainer) = T::Evidence::trainer(task, round, index) else { continue };
            opinions.clear();
            opinions.extend(sheets.iter().filter_map(|sheet| said(sheet, index)));
            let finding = verdict::finding(&mut opinions);
            for (sheet, distance) in sheets.iter().zip(&mut committee.distances) {
                let far = said(sheet, index)
                    .zip(finding)
                    .map(|(said, found)| payout::distance(said, found));
                *distance = distance.saturating_add(far.unwrap_or(0));
            }
            if matches!(finding, Some(Finding::Score(_) | Finding::Nothing)) {
                for (sheet, missed) in sheets.iter().zip(&mut committee.missed) {
                    if !matches!(said(sheet, index), Some(Opinion::Score(_))) {
                        *missed = UNMEASURED;
                    }
                }
            }
            let found = match finding {
                Some(Finding::Score(score)) => Verdict::new(score, None),
                Some(Finding::Fault(fault)) => Verdict::new(0, Some(Outcome::Faulty(fault))),
                Some(Finding::Nothing) => Verdict::new(0, Some(Outcome::Rejected)),
                Some(Finding::Copied) => Verdict::new(0, Some(Outcome::Copied)),
                // The clock never lets a committee tally of which no seat has opened.
                None => Verdict::new(0, None),
            };
            committee.tally.total =
                committee.tally.total.saturating_add(verdict::worth(found.score));
            Verdicts::<T>::insert((task, round, trainer), found);
        }
        committee.tally.cursor = to;
        if to == committee.updates {
            Self::record_trend(task, round, committee.tally.total);
            committee.tally.stage = Stage::Outcomes;
            committee.tally.cursor = 0;
        }
    }

    /// The next batch of running scores and outcomes.
    fn decide(
        task: TaskId,
        round: RoundNumber,
        number: CommitteeNumber,
        committee: &mut CommitteeState<T::AccountId>,
    ) {
        let tally = &mut committee.tally;
        let to = tally.cursor.saturating_add(TALLY_BATCH).min(committee.updates);
        let mut history = Histories::<T>::get(task).unwrap_or_default();
        let trend = history.trend.map_or(0, |trend| trend.value);
        for index in tally.cursor..to {
            let Some(trainer) = T::Evidence::trainer(task, round, index) else { continue };
            let Some(found) = Verdicts::<T>::get((task, round, &trainer)) else { continue };
            let standing = Running::<T>::get(task, &trainer);
            if standing.is_none() {
                history.standings = history.standings.saturating_add(1);
            }
            let previous = standing.map_or(0, |standing| standing.before(round));
            let (running, outcome) = match found.outcome {
                Some(decided @ (Outcome::Faulty(_) | Outcome::Copied)) => (previous, decided),
                decided => {
                    let running = verdict::running(previous, found.score, trend);
                    let by_scores = || verdict::outcome(running, found.score, tally.total);
                    (running, decided.unwrap_or_else(by_scores))
                }
            };
            if let Outcome::Accepted { weight } = outcome {
                tally.accepted = tally.accepted.saturating_add(1);
                tally.weight = tally.weight.saturating_add(weight.into());
            }
            Running::<T>::insert(task, &trainer, Standing { score: running, round, previous });
            let judged = Verdict { outcome: Some(outcome), ..found };
            Verdicts::<T>::insert((task, round, &trainer), judged);
            let score = found.score;
            Self::deposit_event(Event::Judged { task, round, trainer, score, running, outcome });
        }
        Histories::<T>::insert(task, history);
        tally.cursor = to;
        if to == committee.updates {
            tally.stage = Stage::Done;
            let (weight, accepted) = (tally.weight, tally.accepted);
            Shares::<T>::mutate_exists(task, round, |row| {
                if let Some(shares) = row {
                    shares.weight = weight;
                }
            });
            Self::deposit_event(Event::Tallied { task, round, committee: number, accepted });
        }
    }

    /// Takes a round's total into the moving average, in place of what an earlier committee of the round has put there.
    fn record_trend(task: TaskId, round: RoundNumber, total: u64) {
        Histories::<T>::mutate(task, |row| {
            let history = row.get_or_insert_default();
            let previous = history.trend.and_then(|trend| trend.before(round));
            let value = verdict::trend(previous, total);
            history.trend = Some(Trend { value, round, previous });
        });
    }
}
