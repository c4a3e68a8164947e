//! Gold results: updates that this worker makes for the task's sponsor, whose key it has as well, so that the sponsor knows what they
//! are worth. The sponsor announces each while the round trains, and shows it once the round is over.
//!
//! What opens an announcement is on disk before it is sent, so a process that was killed shows it when it is back.

use std::collections::BTreeSet;

use decentralml_sdk::{AccountId, GoldStep, Signer, SubmitError, View, call, random_32};
use decentralml_types::{Label, RoundNumber, Salt, TaskId, commitment::GoldResult};
use serde::{Deserialize, Serialize};

use super::Trainer;
use crate::{
    conduct::named,
    error::WorkerError,
    state::{StateError, hex32},
    work::{Moment, Work},
};

/// What a trainer makes for its sponsor.
#[derive(Clone, Debug)]
pub struct Gold {
    /// The sponsor's key.
    pub sponsor: Signer,
    /// Which updates.
    pub kind: Kind,
}

/// Which updates a trainer makes for its sponsor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What it has learned.
    Good,
    /// The same with all signs turned.
    Bad,
    /// One or the other, as chance has it.
    Mixed,
}

named!(Kind {
    Good => "good",
    Bad => "bad",
    Mixed => "mixed",
});

/// What is known of an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Known {
    pub(super) label: Label,
    #[serde(with = "hex32")]
    secret: Salt,
    /// Whether its seal is on chain.
    announced: bool,
    /// Whether it can never be shown, so that its deposit is lost.
    #[serde(default)]
    lost: bool,
}

/// What the chain says where an update can be no gold result, and is an ordinary one.
const REFUSALS: [(&str, &str); 6] = [
    ("Golds", "TooMany"),
    ("Golds", "WrongPhase"),
    ("Golds", "TooLate"),
    ("Golds", "NotSponsor"),
    ("Golds", "NoRound"),
    ("Token", "FundsUnavailable"),
];

fn name(round: RoundNumber) -> String {
    format!("gold-{round}")
}

/// Has the sponsor announce the update that this worker is about to make; `None` where that is an ordinary one.
pub(super) async fn announce(
    trainer: &Trainer,
    work: &Work,
    moment: &Moment,
) -> Result<Option<Known>, WorkerError> {
    let Some(gold) = &trainer.gold else { return Ok(None) };
    let (task, round) = (moment.task.id, moment.round.number);
    if moment.task.sponsor != gold.sponsor.account() {
        let sponsor = moment.task.sponsor;
        tracing::warn!(task, %sponsor, "the task has another sponsor: its updates are ordinary ones");
        return Ok(None);
    }
    if moment.task.spec.terms.golds == 0 {
        tracing::warn!(
            task,
            "the task's terms allow no gold results: its updates are ordinary ones"
        );
        return Ok(None);
    }
    let known = match work.state.load::<Known>(task, &name(round))? {
        Some(known) => known,
        None => {
            let known = Known::any(gold.kind)?;
            work.state.save(task, &name(round), &known)?;
            known
        }
    };
    if known.announced {
        return Ok(Some(known));
    }
    let seal = known.with(gold, work, task, round, |result| result.seal());
    match work.submit_as(&gold.sponsor, call::announce_gold(task, round, seal)).await {
        Err(error) if !error.is_rejection("Golds", "AlreadyAnnounced") => {
            if REFUSALS.iter().any(|(pallet, name)| error.is_rejection(pallet, name))
                || matches!(error, SubmitError::Invalid(_))
            {
                tracing::warn!(task, round, %error, "the sponsor could not announce this update: it is an ordinary one");
                forget(work, task, round)?;
                return Ok(None);
            }
            return Err(error.into());
        }
        _ => {}
    }
    let known = Known { announced: true, ..known };
    work.state.save(task, &name(round), &known)?;
    tracing::info!(task, round, label = ?known.label, "a gold result is announced");
    Ok(Some(known))
}

/// Has the sponsor show what it knew of updates in rounds that are over.
pub(super) async fn show(
    trainer: &Trainer,
    work: &Work,
    view: &View,
    task: TaskId,
    rounds: &BTreeSet<RoundNumber>,
) -> Result<(), WorkerError> {
    let Some(gold) = trainer.gold.as_ref().filter(|_| work.is_current(view)) else { return Ok(()) };
    for &number in rounds {
        let Some(known) = work.state.load::<Known>(task, &name(number))? else { continue };
        let Some(round) = view.round(task, number).await? else { continue };
        let seal = known.with(gold, work, task, number, |result| result.seal());
        if !known.announced || !round.phase.is_final() || !view.golds(&round).await?.contains(&seal)
        {
            continue;
        }
        match round.gold_step(view.number()) {
            GoldStep::Reveal if !known.lost => {
                let show = call::reveal_gold(
                    task,
                    number,
                    &known.of(gold, work),
                    known.label,
                    known.secret,
                );
                match work.submit_as(&gold.sponsor, show).await {
                    Ok(included) => {
                        let event = included.find("Golds", "GoldRevealed");
                        let said = |name: &str| event.map(|event| event.fields[name].to_string());
                        let (confirmed, missed) = (said("confirmed"), said("missed"));
                        tracing::info!(
                            task, round = number, label = ?known.label, confirmed, missed,
                            "a gold result is shown"
                        );
                    }
                    // Where the block at hand is an old one.
                    Err(error)
                        if error.is_rejection("Golds", "UnknownSeal")
                            || error.is_rejection("Golds", "NothingAnnounced") => {}
                    // Its update was never committed to, or not with this mark: the deposit is lost.
                    Err(error)
                        if error.is_rejection("Golds", "NoUpdate")
                            || error.is_rejection("Golds", "NotMarked") =>
                    {
                        tracing::warn!(task, round = number, %error, "this gold result cannot be shown, and its deposit is lost");
                        let lost = Known { lost: true, ..known };
                        work.state.save(task, &name(number), &lost)?;
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            GoldStep::Wait | GoldStep::Reveal => {}
            GoldStep::Conclude => {
                tracing::warn!(
                    task,
                    round = number,
                    "gold results can be shown no longer: they are concluded"
                );
                let conclude = call::conclude_golds(task, number);
                work.submit_once(conclude, &[("Golds", "NothingAnnounced")]).await?;
            }
        }
    }
    Ok(())
}

/// Forgets a round that is settled, unless its gold result is still to be shown or concluded.
pub(super) async fn settled(
    trainer: &Trainer,
    work: &Work,
    finalized: &View,
    (task, number): (TaskId, RoundNumber),
) -> Result<(), WorkerError> {
    if let Some(gold) = &trainer.gold
        && let Some(known) = work.state.load::<Known>(task, &name(number))?
        && let Some(round) = finalized.round(task, number).await?
    {
        let seal = known.with(gold, work, task, number, |result| result.seal());
        if finalized.golds(&round).await?.contains(&seal) {
            return Ok(());
        }
    }
    Ok(forget(work, task, number)?)
}

/// Removes what is kept of an update that nothing needs any more.
fn forget(work: &Work, task: TaskId, round: RoundNumber) -> Result<(), StateError> {
    work.state.remove(task, &name(round))
}

impl Known {
    /// Every second update is an ordinary one, for which a blank is announced: once it was shown that an account makes gold results, its
    /// later ones are as likely to be none.
    fn any(kind: Kind) -> Result<Self, WorkerError> {
        let secret = random_32().ok_or(WorkerError::NoRandomness)?;
        let [blank, turned, ..] = random_32().ok_or(WorkerError::NoRandomness)?;
        let label = match kind {
            _ if blank % 2 == 0 => Label::Blank,
            Kind::Good => Label::Good,
            Kind::Bad => Label::Bad,
            Kind::Mixed if turned % 2 == 0 => Label::Good,
            Kind::Mixed => Label::Bad,
        };
        Ok(Self { label, secret, announced: false, lost: false })
    }

    /// The salt of the commitment to the update; `None` of an ordinary one.
    pub(super) fn mark(
        &self,
        trainer: &Trainer,
        work: &Work,
        task: TaskId,
        round: RoundNumber,
    ) -> Option<Salt> {
        let gold = trainer.gold.as_ref().filter(|_| self.label != Label::Blank)?;
        Some(self.with(gold, work, task, round, |result| result.mark()))
    }

    /// In whose name it is announced: a blank one says nothing of the trainer.
    fn of(&self, gold: &Gold, work: &Work) -> AccountId {
        match self.label {
            Label::Good | Label::Bad => work.account(),
            Label::Blank => gold.sponsor.account(),
        }
    }

    fn with<R>(
        &self,
        gold: &Gold,
        work: &Work,
        task: TaskId,
        round: RoundNumber,
        then: impl FnOnce(GoldResult<'_, AccountId>) -> R,
    ) -> R {
        let (genesis, trainer) = (work.chain.genesis(), &self.of(gold, work));
        let Self { label, secret, .. } = *self;
        then(GoldResult { genesis, task, round, trainer, label, secret })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn kinds_are_named_and_others_are_refused() {
        for kind in Kind::ALL {
            assert_eq!(kind.to_string().parse::<Kind>().unwrap(), *kind);
        }
        assert!("gold".parse::<Kind>().unwrap_err().to_string().contains("mixed"));
    }

    #[test]
    fn what_opens_an_announcement_is_read_back_from_disk() {
        let known = Known { label: Label::Bad, secret: [7; 32], announced: true, lost: false };
        let text = serde_json::to_string(&known).unwrap();
        assert_eq!(serde_json::from_str::<Known>(&text).unwrap(), known);
        assert!(text.contains(&"07".repeat(32)), "{text}");
    }

    #[test]
    fn of_mixed_ones_some_are_good_some_bad_and_some_ordinary_and_no_two_secrets_are_the_same() {
        let many: Vec<_> = (0..64).map(|_| Known::any(Kind::Mixed).unwrap()).collect();
        for label in [Label::Good, Label::Bad, Label::Blank] {
            assert!(many.iter().any(|known| known.label == label));
        }
        let secrets: BTreeSet<_> = many.iter().map(|known| known.secret).collect();
        assert_eq!(secrets.len(), many.len());
        let bad: Vec<_> = (0..64).map(|_| Known::any(Kind::Bad).unwrap().label).collect();
        assert!(bad.contains(&Label::Bad) && !bad.contains(&Label::Good));
    }
}
