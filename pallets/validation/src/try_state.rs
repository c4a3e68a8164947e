//! What must hold between any two blocks.

use crate::{
    Committees, Config, Histories, Pallet, Running, Seats, Shares, Sheets, Stage, Verdicts,
};
use decentralml_protocol::gold::UNMEASURED;
use decentralml_traits::Clock;
use decentralml_types::{
    CommitteeNumber, Outcome, RoundNumber, TaskId, TaskStatus,
    limits::{MAX_GOLDS, TALLY_BATCH},
};
use frame_support::ensure;
use sp_runtime::TryRuntimeError;

extern crate alloc;
use alloc::collections::BTreeMap;

impl<T: Config> Pallet<T> {
    /// Every row belongs to a committee or a round that counts it, and shares sum to what they are divided by.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        Self::try_state_committees()?;
        Self::try_state_verdicts()?;
        Self::try_state_histories()
    }

    fn try_state_committees() -> Result<(), TryRuntimeError> {
        let mut rows = BTreeMap::<(TaskId, RoundNumber, CommitteeNumber), u32>::new();
        for ((task, round, number, who), seat) in Seats::<T>::iter() {
            *rows.entry((task, round, number)).or_default() += 1;
            let committee =
                Committees::<T>::get((task, round, number)).ok_or("a seat without committee")?;
            ensure!(
                seat.opened == committee.opened.contains(&who),
                "a seat and its committee differ on whether it has opened"
            );
            let attested = |next| committee.attestations.iter().any(|other| other.next == next);
            ensure!(seat.attested.is_none_or(attested), "an attestation is not counted");
        }
        for ((task, round, number), committee) in Committees::<T>::iter() {
            let seated = rows.get(&(task, round, number)).copied().unwrap_or_default();
            ensure!(seated == committee.rows, "a committee's rows are miscounted");
            ensure!(committee.rows <= committee.committed, "more rows than commitments");
            ensure!(
                committee.opened.len() as u32 <= committee.committed,
                "more seats have opened than committed"
            );
            ensure!(
                committee.attestations.len() <= committee.opened.len(),
                "more seats have attested than opened"
            );
            let counted = committee.tally.stage != Stage::Findings;
            let distances = if counted { committee.opened.len() } else { 0 };
            ensure!(
                (distances..=committee.opened.len()).contains(&committee.distances.len()),
                "the distances are not those of the seats that opened"
            );
            ensure!(committee.tally.cursor <= committee.updates, "the tally is past its end");
            ensure!(
                committee.missed.len() == committee.distances.len(),
                "gold results missed by seats that are not measured"
            );
            let most = |missed: &u8| *missed <= MAX_GOLDS || *missed == UNMEASURED;
            ensure!(committee.missed.iter().all(most), "more gold results missed than there are");
            let latest = Histories::<T>::get(task).and_then(|history| history.latest);
            ensure!(
                committee.rows > 0 || latest == Some((round, number)),
                "a committee that nobody will remove"
            );
        }
        for (task, round, number, batch, who) in Sheets::<T>::iter_keys() {
            let opened =
                Seats::<T>::get((task, round, number, who)).is_some_and(|seat| seat.opened);
            ensure!(opened, "scores of a seat that has not opened");
            let updates = Committees::<T>::get((task, round, number)).map_or(0, |row| row.updates);
            ensure!(batch < updates.div_ceil(TALLY_BATCH), "scores of updates that are not there");
        }
        Ok(())
    }

    fn try_state_verdicts() -> Result<(), TryRuntimeError> {
        let mut judged = BTreeMap::<(TaskId, RoundNumber), (u32, u128)>::new();
        for ((task, round, who), verdict) in Verdicts::<T>::iter() {
            ensure!(Shares::<T>::contains_key(task, round), "a verdict of a settled round");
            let (rows, weights) = judged.entry((task, round)).or_default();
            *rows += 1;
            if let Some(Outcome::Accepted { weight }) = verdict.outcome {
                *weights += u128::from(weight);
                match Running::<T>::get(task, who) {
                    Some(standing) => {
                        ensure!(standing.round >= round, "a score is older than its round");
                    }
                    None => ensure!(
                        T::Clock::status(task).is_none_or(TaskStatus::is_final),
                        "accepted without a score"
                    ),
                }
            }
        }
        for (task, round, shares) in Shares::<T>::iter() {
            ensure!(shares.rows > 0, "shares of nobody are kept");
            let (rows, weights) = judged.get(&(task, round)).copied().unwrap_or_default();
            ensure!(rows <= shares.rows, "more verdicts than updates");
            // The weight is 0 while the round is counted, or counted anew.
            ensure!(shares.weight == 0 || weights <= shares.weight, "shares exceed the whole");
        }
        Ok(())
    }

    fn try_state_histories() -> Result<(), TryRuntimeError> {
        let mut standings = BTreeMap::<TaskId, u32>::new();
        for (task, _) in Running::<T>::iter_keys() {
            *standings.entry(task).or_default() += 1;
        }
        for (task, history) in Histories::<T>::iter() {
            let counted = standings.remove(&task).unwrap_or_default();
            ensure!(counted == history.standings, "standings are miscounted");
        }
        ensure!(standings.is_empty(), "standings of a task that has no history");
        Ok(())
    }
}
