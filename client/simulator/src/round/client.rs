//! What one client does in a round.

use std::ops::ControlFlow;

use decentralml_learning::{Dataset, Draw, Residual, TrainError, Update, Weights, train};

use super::Rounds;
use crate::{
    SimulateError,
    attack::{self, Sight},
    file::Hostile,
    random::{Purpose, key},
};

/// A client at work.
pub(super) struct Client<'a> {
    pub(super) rounds: &'a Rounds<'a>,
    pub(super) base: &'a Weights,
    /// From 1.
    pub(super) round: u32,
    pub(super) number: u32,
    /// What it does in place of honest work.
    pub(super) hostile: Option<Hostile>,
}

/// What a client sends.
pub(super) struct Sent {
    pub(super) update: Update,
    /// Mean loss in the last epoch, where it trained.
    pub(super) loss: Option<f64>,
    pub(super) bytes: u64,
    pub(super) saturated: u64,
}

impl Client<'_> {
    /// Trains and encodes; nothing where training diverged.
    pub(super) fn work(&self) -> Result<Option<Sent>, SimulateError> {
        let federation = self.rounds.federation;
        let spec = &federation.spec;
        match self.hostile {
            Some(Hostile::FreeRider) => self.encode(self.base, None).map(Some),
            Some(Hostile::Gaussian { deviation }) => {
                let key = key(federation.file.seed, Purpose::Attack, self.round, self.number);
                let noisy = attack::noisy(spec, self.base, deviation, key)?;
                self.encode(&noisy, None).map(Some)
            }
            hostile => {
                let rows = federation.rows.subset(&federation.clients.indices(self.number));
                let rows = match hostile {
                    Some(Hostile::LabelFlip) => attack::mislabeled(&rows)?,
                    _ => rows,
                };
                let Some((trained, loss)) = self.train(&rows)? else { return Ok(None) };
                match hostile {
                    Some(Hostile::SignFlip { factor }) => {
                        let flipped = attack::flipped(spec, self.base, &trained, factor)?;
                        self.encode(&flipped, Some(loss)).map(Some)
                    }
                    _ => self.encode(&trained, Some(loss)).map(Some),
                }
            }
        }
    }

    /// What an attacker sends who has seen the honest updates; nothing changes where there are none.
    pub(super) fn craft(
        &self,
        sight: Option<&Sight>,
        kind: Hostile,
        share: [usize; 2],
    ) -> Result<Option<Sent>, SimulateError> {
        let federation = self.rounds.federation;
        let Some(sight) = sight else { return self.encode(self.base, None).map(Some) };
        let key = key(federation.file.seed, Purpose::Attack, self.round, self.number);
        let unit = federation.encoding.decode(1);
        let crafted = sight.craft(&federation.spec, self.base, unit, kind, share, key)?;
        self.encode(&crafted, None).map(Some)
    }

    fn train(&self, rows: &Dataset) -> Result<Option<(Weights, f64)>, SimulateError> {
        let federation = self.rounds.federation;
        let key = key(federation.file.seed, Purpose::Training, self.round, self.number);
        let local = federation.file.training;
        let observe = |_| match self.rounds.is_stopped() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        };
        match train(&federation.spec, self.base, rows, &local, key, observe) {
            Ok(outcome) => Ok(Some((outcome.weights, outcome.loss))),
            Err(TrainError::Diverged { .. }) => Ok(None),
            Err(TrainError::Stopped) => {
                Err(SimulateError::Stopped { round: self.round.saturating_sub(1) })
            }
            Err(source) => {
                Err(SimulateError::Train { client: self.number, round: self.round, source })
            }
        }
    }

    fn encode(&self, trained: &Weights, loss: Option<f64>) -> Result<Sent, SimulateError> {
        let federation = self.rounds.federation;
        let encoding = federation.encoding;
        let (mut update, bytes, saturated) = match &federation.codec {
            None => {
                let update = Update::from_delta(self.base, trained, encoding)?;
                let saturated = update.at_clip();
                let bytes = Update::byte_length(&federation.spec, encoding);
                (update, bytes, saturated)
            }
            Some(codec) => {
                let run = key(federation.file.seed, Purpose::Rounding, 0, 0);
                let draw = Draw { run, round: self.round, client: self.number };
                let mut residual = self.residual()?;
                let packed = codec.pack(self.base, trained, encoding, &draw, residual.as_mut())?;
                if let Some(residual) = residual {
                    self.rounds.states.save(self.number, self.round, &residual.to_bytes())?;
                }
                (packed.update, packed.bytes.len(), packed.saturated)
            }
        };
        if let Some(bound) = federation.file.aggregation.norm_bound {
            // In units of the encoding; a bound beyond 64 bits bounds nothing.
            let units = (bound / encoding.decode(1)).max(1.0) as u64;
            update.clip_norm(units)?;
        }
        Ok(Sent { update, loss, bytes: bytes as u64, saturated: saturated as u64 })
    }

    /// What the client's updates have left out so far, where it keeps that.
    fn residual(&self) -> Result<Option<Residual>, SimulateError> {
        let federation = self.rounds.federation;
        if !federation.file.encoding.error_feedback {
            return Ok(None);
        }
        let spec = &federation.spec;
        // As many numbers as the model has, under the same names.
        let most = Weights::byte_length(spec) as u64;
        match self.rounds.states.load(self.number, most)? {
            None => Ok(Some(Residual::zero(spec))),
            Some(bytes) => Residual::from_bytes(&bytes, spec).map(Some).map_err(|source| {
                SimulateError::Malformed { path: self.rounds.folder.state(), source }
            }),
        }
    }
}
