//! What `golds` asks: who was wrong about an update of which its sponsor knew what it is worth.

use crate::{Committees, Config, Pallet, Sheets, Stage, Verdicts};
use decentralml_protocol::{
    gold::{self, UNMEASURED},
    verdict::Finding,
};
use decentralml_traits::{Assay, Assayed, Clock, Evidence, EvidenceRow};
use decentralml_types::{Label, Outcome, RoundNumber, TaskId, limits::TALLY_BATCH};

impl<T: Config> Assay<T::AccountId> for Pallet<T> {
    fn assay(
        task: TaskId,
        round: RoundNumber,
        trainer: &T::AccountId,
        label: Label,
    ) -> Option<Assayed> {
        let number = T::Clock::round(task, round)?.committee;
        let key = (task, round, number);
        let counted = Committees::<T>::get(key).filter(|row| row.tally.stage == Stage::Done);
        let mut committee = counted?;
        let Some(EvidenceRow::Revealed { index }) = T::Evidence::row(task, round, trainer) else {
            return None;
        };
        let mut verdict = Verdicts::<T>::get((task, round, trainer))?;
        let total = committee.tally.total;
        if !gold::confirms(label, found(verdict.score, verdict.outcome?), total) {
            return Some(Assayed::default());
        }
        verdict.gold = label == Label::Bad;
        Verdicts::<T>::insert((task, round, trainer), verdict);

        let mut assayed = Assayed { confirmed: true, missed: 0 };
        let (batch, position) = (index / TALLY_BATCH, (index % TALLY_BATCH) as usize);
        for (seat, missed) in committee.opened.iter().zip(&mut committee.missed) {
            let sheet = Sheets::<T>::get((task, round, number, batch, seat));
            let said = sheet.as_ref().and_then(|sheet| sheet.get(position).copied());
            if *missed != UNMEASURED && said.is_some_and(|said| gold::misses(label, said, total)) {
                *missed = missed.saturating_add(1);
                assayed.missed = assayed.missed.saturating_add(1);
            }
        }
        Committees::<T>::insert(key, committee);
        Some(assayed)
    }
}

/// What was found of an update, from what is kept of it.
fn found(score: decentralml_types::Score, outcome: Outcome) -> Finding {
    match outcome {
        Outcome::Faulty(fault) => Finding::Fault(fault),
        Outcome::Copied => Finding::Copied,
        Outcome::Accepted { .. } | Outcome::Rejected => Finding::Score(score),
    }
}
