//! What one client does in a round.

use decentralml_learning::{
    ControlVariate, Dataset, Draw, LocalTraining, Residual, Seed, TrainError, TrainOutcome,
    Trainee, Update, Weights, train_corrected, train_together,
};

use super::{Rounds, kept::Kept};
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
    /// The server's control variate, of SCAFFOLD.
    pub(super) variate: Option<&'a ControlVariate>,
    /// From 1.
    pub(super) round: u32,
    pub(super) number: u32,
    /// What it does in place of honest work.
    pub(super) hostile: Option<Hostile>,
}

/// What a client sends.
pub(super) struct Sent {
    pub(super) update: Update,
    /// The change of its control variate, of SCAFFOLD.
    pub(super) variate: Option<Update>,
    /// Mean loss in the last epoch, where it trained.
    pub(super) loss: Option<f64>,
    pub(super) bytes: u64,
    pub(super) saturated: u64,
    /// Whether it was cut to the norm bound.
    pub(super) bounded: bool,
}

/// What a client trains with.
struct Ready {
    rows: Dataset,
    kept: Kept,
    /// Of SCAFFOLD.
    correction: Option<Weights>,
}

impl Client<'_> {
    /// Whether it trains at all.
    pub(super) fn trains(&self) -> bool {
        !matches!(self.hostile, Some(Hostile::FreeRider | Hostile::Gaussian { .. }))
    }

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
            _ => {
                let ready = self.ready()?;
                let (local, correction) = (self.local(), ready.correction.as_ref());
                let observe = |_| self.rounds.proceed();
                let outcome = train_corrected(
                    spec,
                    self.base,
                    &ready.rows,
                    &local,
                    correction,
                    self.seed(),
                    observe,
                );
                self.finish(ready.kept, outcome)
            }
        }
    }

    /// [`work`](Self::work) of clients of one round that all train, as one set of tensors.
    pub(super) fn work_together(clients: &[Self]) -> Result<Vec<Option<Sent>>, SimulateError> {
        let Some(first) = clients.first() else { return Ok(Vec::new()) };
        let ready = clients.iter().map(Self::ready).collect::<Result<Vec<_>, _>>()?;
        let trainees: Vec<Trainee<'_>> = clients
            .iter()
            .zip(&ready)
            .map(|(client, Ready { rows, correction, .. })| Trainee {
                data: rows,
                correction: correction.as_ref(),
                seed: client.seed(),
            })
            .collect();
        let spec = &first.rounds.federation.spec;
        let proceed = || first.rounds.proceed();
        let outcomes = train_together(spec, first.base, &trainees, &first.local(), proceed)
            .map_err(|error| first.failed(error))?;
        let all = clients.iter().zip(ready).zip(outcomes);
        all.map(|((client, ready), outcome)| client.finish(ready.kept, outcome)).collect()
    }

    fn local(&self) -> LocalTraining {
        self.rounds.federation.file.training.in_round(self.round.saturating_sub(1))
    }

    fn seed(&self) -> Seed {
        key(self.rounds.federation.file.seed, Purpose::Training, self.round, self.number)
    }

    fn ready(&self) -> Result<Ready, SimulateError> {
        let federation = self.rounds.federation;
        let rows = federation.rows.subset(&federation.clients.indices(self.number));
        let rows = match self.hostile {
            Some(Hostile::LabelFlip) => attack::mislabeled(&rows)?,
            _ => rows,
        };
        let kept = Kept::load(self.rounds, self.number)?;
        let correction = match (&kept.variate, self.variate) {
            (Some(own), Some(server)) => Some(own.correction(server)?),
            _ => None,
        };
        Ok(Ready { rows, kept, correction })
    }

    /// Encodes what training has given; nothing where it diverged.
    fn finish(
        &self,
        mut kept: Kept,
        outcome: Result<TrainOutcome, TrainError>,
    ) -> Result<Option<Sent>, SimulateError> {
        let federation = self.rounds.federation;
        let file = &federation.file;
        let local = self.local();
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(TrainError::Diverged { .. }) => return Ok(None),
            Err(error) => return Err(self.failed(error)),
        };
        let mut variate = None;
        if let (Some(own), Some(server)) = (&kept.variate, self.variate) {
            let (change, next) =
                own.next(server, self.base, &outcome, &local, federation.variates)?;
            variate = Some(change);
            kept.variate = Some(next);
        }
        let mut trained = outcome.weights;
        if let Some(held) = &kept.momentum {
            let (mean, next) = held.next(self.base, &trained, file.worker_momentum)?;
            trained = mean;
            kept.momentum = Some(next);
        }
        if let Some(Hostile::SignFlip { factor }) = self.hostile {
            trained = attack::flipped(&federation.spec, self.base, &trained, factor)?;
        }
        let mut sent = self.encode(&trained, kept.residual.as_mut())?;
        kept.save(self.rounds, self.number, self.round)?;
        if let Some(change) = &variate {
            sent.bytes += Update::byte_length(&federation.spec, federation.variates) as u64;
            sent.saturated += change.at_clip() as u64;
        }
        Ok(Some(Sent { variate, loss: Some(outcome.loss), ..sent }))
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

    fn failed(&self, error: TrainError) -> SimulateError {
        match error {
            TrainError::Stopped => SimulateError::Stopped { round: self.round.saturating_sub(1) },
            source => SimulateError::Train { client: self.number, round: self.round, source },
        }
    }

    fn encode(
        &self,
        trained: &Weights,
        residual: Option<&mut Residual>,
    ) -> Result<Sent, SimulateError> {
        let federation = self.rounds.federation;
        let encoding = federation.encoding;
        let (mut update, bytes, saturated) = match &federation.codec {
            None => {
                let update = Update::from_delta(self.base, trained, encoding)?;
                let saturated = update.at_clip();
                (update, Update::byte_length(&federation.spec, encoding), saturated)
            }
            Some(codec) => {
                let run = key(federation.file.seed, Purpose::Rounding, 0, 0);
                let draw = Draw { run, round: self.round, client: self.number };
                let packed = codec.pack(self.base, trained, encoding, &draw, residual)?;
                (packed.update, packed.bytes.len(), packed.saturated)
            }
        };
        let mut bounded = false;
        if let Some(bound) = federation.file.aggregation.norm_bound {
            // In units of the encoding; a bound beyond 64 bits bounds nothing.
            let units = (bound / encoding.decode(1)).max(1.0) as u64;
            bounded = update.norm_squared() > u128::from(units).pow(2);
            update.clip_norm(units)?;
        }
        let (bytes, saturated) = (bytes as u64, saturated as u64);
        Ok(Sent { update, variate: None, loss: None, bytes, saturated, bounded })
    }
}
