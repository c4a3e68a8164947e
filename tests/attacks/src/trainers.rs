//! What trainers send.

use std::ops::ControlFlow;

use anyhow::{Context, Result};
use codec::Encode;
use decentralml_learning::{Dataset, Draw, Seed, Update, Weights, train_corrected};
use decentralml_protocol::draw;
use decentralml_simulator::{Hostile, attack};
use decentralml_types::Cid;
use decentralml_worker::{
    convert,
    wire::{Wire, Written},
};

use crate::{
    Attack, Cell, Rows, Scale,
    cell::{IDLE, SCALE, WORST},
    rows::marked,
    world::World,
};

/// What one trainer has sent in a round.
pub(crate) struct Sent {
    pub(crate) cid: Cid,
    pub(crate) samples: u32,
    /// Whether it is meant to harm, or to be paid for nothing.
    pub(crate) attacks: bool,
}

/// All trainers of a run. The first ones are hostile: which rows they have is random anyway.
pub(crate) struct Trainers {
    attack: Attack,
    parts: Vec<Dataset>,
    hostile: usize,
    seed: Seed,
    /// Settled rounds after which sleepers attack.
    wakes: u32,
    /// What replayers have sent first.
    first: Vec<Option<Cid>>,
}

/// A round as trainers see it.
struct Turn<'a> {
    world: &'a World,
    wire: Wire,
    base: &'a Weights,
    round: u32,
    settled: u32,
}

impl Trainers {
    pub(crate) fn new(cell: &Cell, scale: &Scale, rows: &Rows) -> Result<Self> {
        let seed = draw::key(&[0; 32], &(b"attacks", scale.seed).encode());
        let count = usize::from(scale.trainers);
        let partition = cell.division.partition();
        let parts = rows.training.partition(&partition, count, draw::key(&seed, b"parts"))?;
        let parts = parts.iter().map(|rows_of| rows.training.subset(rows_of)).collect();
        Ok(Self {
            attack: cell.attack,
            parts,
            hostile: scale.hostile(cell.percent),
            seed,
            wakes: scale.rounds / 2,
            first: vec![None; count],
        })
    }

    /// Whether a trainer is hostile.
    pub(crate) fn is_hostile(&self, trainer: usize) -> bool {
        trainer < self.hostile
    }

    /// What everybody sends in a round; nothing where `stopped` says so meanwhile.
    pub(crate) fn work(
        &mut self,
        world: &mut World,
        base: &Weights,
        round: u32,
        stopped: &dyn Fn() -> bool,
    ) -> Result<Option<Vec<Sent>>> {
        let settled = world.settled_rounds();
        let turn = Turn { wire: Wire::of(&world.spec)?, world, base, round, settled };
        let mut honest = Vec::with_capacity(self.parts.len());
        for trainer in self.hostile..self.parts.len() {
            if stopped() {
                return Ok(None);
            }
            honest.push(self.honest(&turn, trainer)?);
        }
        let seen: Vec<&Update> = honest.iter().map(|written| &written.update).collect();
        let hostile = (0..self.hostile)
            .map(|trainer| self.hostile(&turn, trainer, &seen))
            .collect::<Result<Vec<_>>>()?;
        let all = hostile.into_iter().chain(honest.into_iter().map(|written| (written, false)));
        let mut sent = Vec::with_capacity(self.parts.len());
        for (trainer, (written, attacks)) in all.enumerate() {
            let cid = world.store.add(written.bytes);
            if let Some(first) = self.first.get_mut(trainer) {
                first.get_or_insert(cid);
            }
            let samples = u32::try_from(self.part(trainer)?.rows())?;
            sent.push(Sent { cid, samples, attacks });
        }
        Ok(Some(sent))
    }

    fn part(&self, trainer: usize) -> Result<&Dataset> {
        self.parts.get(trainer).with_context(|| format!("there is no trainer {trainer}"))
    }

    fn honest(&self, turn: &Turn<'_>, trainer: usize) -> Result<Written> {
        let trained = self.train(turn, trainer, self.part(trainer)?)?;
        self.write(turn, &trained)
    }

    fn train(&self, turn: &Turn<'_>, trainer: usize, rows: &Dataset) -> Result<Weights> {
        let local = convert::training(&turn.world.spec, turn.settled);
        let seed = draw::key(&self.seed, &(b"shuffle", turn.round, trainer as u32).encode());
        let go_on = |_| ControlFlow::Continue(());
        let outcome =
            train_corrected(&turn.world.model, turn.base, rows, &local, None, seed, go_on)?;
        Ok(outcome.weights)
    }

    fn write(&self, turn: &Turn<'_>, weights: &Weights) -> Result<Written> {
        // The encoding rounds to the nearest, and takes nothing from it.
        let draw = Draw { run: self.seed, round: turn.round, client: 0 };
        Ok(turn.wire.write(turn.base, weights, &draw, None)?)
    }

    /// What a hostile trainer does in a round, where [`Attack::None`] is honest work.
    fn act(&self, turn: &Turn<'_>, trainer: usize) -> Attack {
        let dealt = match self.attack {
            Attack::Mixed => Attack::MIX.get(trainer % Attack::MIX.len()).copied(),
            attack => Some(attack),
        };
        match dealt.unwrap_or(Attack::None) {
            Attack::Sleeper | Attack::Sacrifice | Attack::Idle if turn.settled < self.wakes => {
                Attack::None
            }
            Attack::Sacrifice if trainer == 0 => Attack::Sacrifice,
            Attack::Sleeper | Attack::Sacrifice => Attack::SignFlip,
            Attack::Replay if self.first.get(trainer).is_none_or(Option::is_none) => Attack::None,
            attack => attack,
        }
    }

    /// What a hostile trainer sends, who sees the honest updates of the round, and whether that is an attack.
    fn hostile(
        &self,
        turn: &Turn<'_>,
        trainer: usize,
        honest: &[&Update],
    ) -> Result<(Written, bool)> {
        let (model, base) = (&turn.world.model, turn.base);
        let rows = self.part(trainer)?;
        let flipped = |factor| -> Result<Written> {
            let trained = self.train(turn, trainer, rows)?;
            self.write(turn, &attack::flipped(model, base, &trained, factor)?)
        };
        let trained_on = |rows: &Dataset| -> Result<Written> {
            self.write(turn, &self.train(turn, trainer, rows)?)
        };
        let act = self.act(turn, trainer);
        let written = match act {
            Attack::None | Attack::Mixed | Attack::Sleeper => trained_on(rows)?,
            Attack::SignFlip => flipped(1.0)?,
            Attack::ScaledSignFlip => flipped(SCALE)?,
            Attack::Sacrifice => flipped(WORST)?,
            Attack::Idle => flipped(-IDLE)?,
            Attack::LabelFlip => trained_on(&attack::mislabeled(rows)?)?,
            Attack::Backdoor => trained_on(&marked(rows, |row| row % 2 == 0)?)?,
            Attack::ZeroUpdate => self.write(turn, base)?,
            Attack::Gaussian => {
                let own = self.honest(turn, trainer)?.update.norm();
                let deviation = own / (base.values().len() as f64).sqrt();
                let key = draw::key(&self.seed, &(b"noise", turn.round, trainer as u32).encode());
                self.write(turn, &attack::noisy(model, base, deviation, key)?)?
            }
            Attack::Alie => self.crafted(turn, Hostile::Alie { deviations: None }, honest)?,
            Attack::InnerProduct => {
                self.crafted(turn, Hostile::InnerProduct { factor: 0.5 }, honest)?
            }
            Attack::MinMax => self.crafted(turn, Hostile::MinMax, honest)?,
            Attack::Copy | Attack::Theft => {
                let of = honest.get(trainer % honest.len().max(1)).context("nobody is honest")?;
                self.sent(turn, of.to_bytes())?
            }
            Attack::Replay => {
                let first = self.first.get(trainer).copied().flatten();
                let first = first.context("there is nothing to replay")?;
                self.sent(turn, turn.world.store.get(&first)?.to_vec())?
            }
        };
        Ok((written, act != Attack::None))
    }

    fn crafted(&self, turn: &Turn<'_>, kind: Hostile, honest: &[&Update]) -> Result<Written> {
        let (model, base) = (&turn.world.model, turn.base);
        let honest = honest.to_vec();
        let sight = attack::Sight::new(&honest, base.values().len(), kind == Hostile::MinMax)?;
        let sight = sight.context("nobody is honest")?;
        let unit = turn.wire.encoding().decode(1);
        let share = [self.parts.len(), self.hostile];
        // Its randomness is of another kind of attack.
        self.write(turn, &sight.craft(model, base, unit, kind, share, Seed::default())?)
    }

    /// Bytes that somebody has made before.
    fn sent(&self, turn: &Turn<'_>, bytes: Vec<u8>) -> Result<Written> {
        let update = turn.wire.read(&bytes, &turn.world.model)?;
        Ok(Written { bytes, cut: update.at_clip(), update })
    }
}

#[cfg(test)]
#[path = "trainers/tests.rs"]
mod tests;
