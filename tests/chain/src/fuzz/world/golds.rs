//! Gold results: what sponsors know, announce and show.

use super::{ACCOUNTS, SALT, World, calls::spec, name, play::Play};
use crate::fuzz::step::{Shape, Shown, Way, Which, Who};
use decentralml_runtime::*;
use decentralml_types::{
    Label, Opinion, Phase, Role, RoundNumber, Salt, TaskId, commitment::GoldResult,
};
use pallet_golds::Call;

/// What seats say of an update that they know to be good.
const SLANDER: Way = Way::Lie(Opinion::Score(-9_000));

/// What a sponsor has announced, and has not tried to show.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Announced {
    task: TaskId,
    round: RoundNumber,
    who: Who,
    label: Label,
}

impl World {
    /// A round of which the sponsor knows all that there is to know; one begins where none trains.
    pub(super) fn golden(
        &mut self,
        by: Who,
        first: Which,
        liars: u16,
        then: Shown,
    ) -> Result<(), String> {
        let mut which = None;
        for other in first..first + 6 {
            let task = self.task(other);
            if self.current(task).is_some_and(|(_, round)| round.phase == Phase::Training) {
                which = Some(other);
                break;
            }
        }
        let which = match which {
            Some(which) => which,
            None => {
                let spec = Box::new(spec(&Shape { golds: 4, ..Shape::ordinary() }));
                self.call(by, pallet_tasks::Call::create { spec })?;
                self.join(by, 6, 4, 0)?;
                0
            }
        };
        let task = self.task(which);
        let Some((number, _)) = self.current(task) else { return Ok(()) };
        let trains = |who: &Who| {
            pallet_assignments::Places::<Runtime>::contains_key((task, Role::Trainer, name(*who)))
        };
        let trainers: Vec<_> = self.chain.read(|| (0..ACCOUNTS).filter(trains).collect());
        for (index, who) in trainers.into_iter().enumerate() {
            // As honest seats see it; of the fourth it knows nothing.
            let label = match (index, who % 5) {
                (3, _) => Label::Blank,
                (_, 4) => Label::Bad,
                _ => Label::Good,
            };
            self.announce(which, who, label)?;
        }
        let until = (then == Shown::Cancelled).then_some(Phase::Aggregating as u8);
        let from = Phase::Scoring as u8;
        self.round(which, Play { from, absent: 0, deviant: liars, way: SLANDER, until })?;
        match then {
            Shown::All => {
                self.settle(by, task, number)?;
                self.show_golds(task, number, true)?;
                self.settle(by, task, number)?;
            }
            Shown::None => {
                self.blocks(u8::MAX.into())?;
                self.call(by, Call::conclude { task, round: number })?;
                self.show_golds(task, number, true)?;
            }
            Shown::Cancelled => {
                self.cancel(None, which)?;
                self.show_golds(task, number, true)?;
                self.settle(by, task, number)?;
                self.call(by, Call::conclude { task, round: number })?;
            }
        }
        Ok(())
    }

    pub(super) fn announce(&mut self, which: Which, who: Who, label: Label) -> Result<(), String> {
        let task = self.task(which);
        let round = self.current(task).map_or(1, |(number, _)| number);
        let gold = Announced { task, round, who, label };
        let seal = self.with(gold, |result| result.seal());
        let sponsor = self.sponsor(task);
        if self.call(sponsor, Call::announce { task, round, seal })? {
            self.golds.push(gold);
        }
        Ok(())
    }

    /// What the sponsor has announced of a round, with the right label or another.
    pub(super) fn show_golds(
        &mut self,
        task: TaskId,
        round: RoundNumber,
        right: bool,
    ) -> Result<(), String> {
        let sponsor = self.sponsor(task);
        let all: Vec<_> =
            self.golds.iter().filter(|gold| gold.is_of(task, round)).copied().collect();
        for gold in all {
            let label = match gold.label {
                label if right => label,
                Label::Good => Label::Bad,
                Label::Bad | Label::Blank => Label::Good,
            };
            let (trainer, secret) = (name(gold.who), secret(gold.who));
            if self.call(sponsor, Call::reveal { task, round, trainer, label, secret })? {
                self.golds.retain(|other| *other != gold);
            }
        }
        Ok(())
    }

    /// The salt of a commitment that is about to be made: the first mark that was announced for it, if there is any.
    pub(super) fn salt(&mut self, task: TaskId, round: RoundNumber, who: Who) -> Salt {
        let marks = |gold: &&Announced| {
            gold.is_of(task, round) && gold.who == who && gold.label != Label::Blank
        };
        let gold = self.golds.iter().find(marks).copied();
        gold.map_or(SALT, |gold| self.with(gold, |result| result.mark()))
    }

    fn with<R>(&mut self, gold: Announced, then: impl FnOnce(GoldResult<'_, AccountId>) -> R) -> R {
        let genesis = self.chain.read(|| System::block_hash(0)).into();
        let Announced { task, round, who, label } = gold;
        then(GoldResult { genesis, task, round, trainer: &name(who), label, secret: secret(who) })
    }
}

impl Announced {
    fn is_of(&self, task: TaskId, round: RoundNumber) -> bool {
        (self.task, self.round) == (task, round)
    }
}

fn secret(who: Who) -> Salt {
    [who + 100; 32]
}
