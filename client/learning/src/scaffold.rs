//! SCAFFOLD (Karimireddy et al. 2020, option II): control variates take the drift out of local training.
//!
//! ```text
//!  server: c ──► client i: gradients g − cᵢ + c ──► y, K steps of rate η from x
//!                cᵢ⁺ = cᵢ − c + (x − y) / (K η)
//!  server: c + |S|/N · mean of (cᵢ⁺ − cᵢ) ◄── an update in the integer codec
//! ```
//!
//! Variates are in the unit of gradients. What clients send about them is an [`Update`] with an encoding of
//! its own, aggregated like any other; a client keeps what it has sent, not what it would have liked to
//! send, so that the server's variate stays the mean of the clients'.
//!
//! Where all clients take K steps of one rate η, nothing has to be sent about variates at all. The update `u = y − x` says it:
//!
//! ```text
//!  client i: cᵢ⁺ = cᵢ − c − u / (K η)
//!  server:   c⁺ = c + |S|/N · mean of (cᵢ⁺ − cᵢ) = c + |S|/N · (−c − mean of u / (K η))
//! ```
//!
//! So rounds on a chain have [`ControlVariate::after`] and [`ControlVariate::implied`]: whoever aggregates the updates has the
//! server's next variate as well, and nobody can send a variate that does not belong to its update.

use std::{io, path::Path};

use crate::{
    Encoding,
    malformed::Malformed,
    model::ModelSpec,
    state::StateError,
    train::{LocalTraining, Optimizer, TrainOutcome},
    update::{Update, UpdateError},
    weights::{Weights, WeightsError},
};

/// A control variate: the server's `c`, or a client's `cᵢ`. One number per weight.
#[derive(Clone, Debug, PartialEq)]
pub struct ControlVariate(Weights);

/// Why control variates do not fit a round.
#[derive(Debug, thiserror::Error)]
pub enum ScaffoldError {
    /// Adam's steps do not say what the gradient was.
    #[error("SCAFFOLD takes the gradient from the way that training went: use the optimizer sgd")]
    Optimizer,
    /// More clients in a round than there are, or none.
    #[error("{participating} clients of {clients} in a round")]
    Clients {
        /// Clients whose changes came.
        participating: usize,
        /// Clients in all.
        clients: usize,
    },
    /// Weights or variates of another model.
    #[error("the weights and the control variates belong to different models")]
    DifferentModels,
    /// A change that cannot be sent.
    #[error(transparent)]
    Update(#[from] UpdateError),
    /// A variate that is NaN or infinite.
    #[error(transparent)]
    Weights(#[from] WeightsError),
}

impl ControlVariate {
    /// The variate before the first round.
    pub fn zero(spec: &ModelSpec) -> Self {
        Self(Weights::zero(spec))
    }

    /// One number per weight, in the order of [`ModelSpec::parameters`].
    pub fn values(&self) -> &[f32] {
        self.0.values()
    }

    /// What this client adds to its gradients, `c − cᵢ`, for
    /// [`train_corrected`](crate::train::train_corrected).
    pub fn correction(&self, server: &Self) -> Result<Weights, ScaffoldError> {
        self.check(&server.0)?;
        let pairs = server.values().iter().zip(self.values());
        Ok(self.0.with_values(pairs.map(|(c, own)| c - own).collect())?)
    }

    /// A client's end of a round: what it sends, `cᵢ⁺ − cᵢ` in `encoding`, and its next variate.
    ///
    /// `base` and `outcome` are the training's, which was corrected by
    /// [`correction`](Self::correction) with the same `server`; `local` is what was done in this round
    /// ([`LocalTraining::in_round`]). With momentum, K is [`LocalTraining::effective_steps`].
    ///
    /// This variate is unchanged: who saves the next one once the update is out can repeat the round after
    /// a crash.
    pub fn next(
        &self,
        server: &Self,
        base: &Weights,
        outcome: &TrainOutcome,
        local: &LocalTraining,
        encoding: Encoding,
    ) -> Result<(Update, Self), ScaffoldError> {
        if !matches!(local.optimizer, Optimizer::Sgd { .. }) {
            return Err(ScaffoldError::Optimizer);
        }
        [&server.0, base, &outcome.weights].into_iter().try_for_each(|other| self.check(other))?;
        let way = local.way(outcome.steps);
        let ends = base.values().iter().zip(outcome.weights.values());
        let means = ends.map(|(x, y)| (f64::from(*x) - f64::from(*y)) / way);
        // cᵢ⁺ − cᵢ, without cᵢ, which cancels out.
        let changes = means.zip(server.values()).map(|(mean, c)| mean - f64::from(*c));
        let parameters = self.0.parameters().to_vec();
        let update = Update::from_changes(parameters, changes, encoding)?;
        let sent = update.values().iter().map(|q| encoding.decode(*q));
        let own = sent.zip(self.values()).map(|(change, own)| (f64::from(*own) + change) as f32);
        let own = self.0.with_values(own.collect())?;
        Ok((update, Self(own)))
    }

    /// The server's end of a round: `c + |S|/N · change`, where `change` is what
    /// [`change_of`](crate::change_of) gives for the mean of what `participating` of `clients` clients
    /// sent. Single operations in a fixed order: the same bytes on every machine.
    pub fn moved(
        &self,
        change: &[f64],
        participating: usize,
        clients: usize,
    ) -> Result<Self, ScaffoldError> {
        if participating == 0 || participating > clients {
            return Err(ScaffoldError::Clients { participating, clients });
        }
        let share = participating as f64 / clients as f64;
        let pairs = self.values().iter().zip(change);
        let values = pairs.map(|(c, change)| (f64::from(*c) + share * change) as f32).collect();
        Ok(Self(self.0.with_values(values)?))
    }

    /// A client's next variate from the update that it has sent, `cᵢ − c − u / (K η)`; `way` is K η, see
    /// [`LocalTraining::way`]. The training was corrected by [`correction`](Self::correction) with the same `server`.
    ///
    /// This variate is unchanged, as in [`next`](Self::next).
    pub fn after(&self, server: &Self, sent: &Update, way: f64) -> Result<Self, ScaffoldError> {
        self.check(&server.0)?;
        if sent.parameters() != self.0.parameters() {
            return Err(ScaffoldError::DifferentModels);
        }
        let encoding = sent.encoding();
        let pairs = self.values().iter().zip(server.values()).zip(sent.values());
        let next = pairs.map(|((own, c), q)| {
            let change = encoding.decode(*q) / way;
            (f64::from(*own) - f64::from(*c) - change) as f32
        });
        Ok(Self(self.0.with_values(next.collect())?))
    }

    /// The server's end of a round in which only updates were sent, `c + |S|/N · (−c − change / (K η))`, where
    /// `change` is what [`change_of`](crate::change_of) gives for the updates of `participating` of `clients`
    /// clients, and `way` is K η. More than `clients` count as all. Single operations in a fixed order: the
    /// same bytes on every machine.
    pub fn implied(
        &self,
        change: &[f64],
        way: f64,
        participating: usize,
        clients: usize,
    ) -> Result<Self, ScaffoldError> {
        if change.len() != self.values().len() {
            return Err(ScaffoldError::DifferentModels);
        }
        let pairs = self.values().iter().zip(change);
        let wish: Vec<f64> = pairs.map(|(c, change)| -f64::from(*c) - change / way).collect();
        self.moved(&wish, participating.min(clients), clients)
    }

    fn check(&self, other: &Weights) -> Result<(), ScaffoldError> {
        if other.parameters() == self.0.parameters() {
            Ok(())
        } else {
            Err(ScaffoldError::DifferentModels)
        }
    }

    /// The canonical safetensors file: equal variates give equal bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.to_bytes()
    }

    /// Reads what [`to_bytes`](Self::to_bytes) has written; it has [`Weights::byte_length`] bytes.
    pub fn from_bytes(bytes: &[u8], spec: &ModelSpec) -> Result<Self, Malformed> {
        Weights::from_bytes(bytes, spec).map(Self)
    }

    /// Writes the variate to a file, whole or not at all: a crash leaves the old one or the new one.
    pub fn save(&self, path: &Path) -> io::Result<()> {
        self.0.save(path)
    }

    /// Reads a file that [`save`](Self::save) has written; no file is the variate before a first round.
    pub fn load(path: &Path, spec: &ModelSpec) -> Result<Self, StateError> {
        Ok(Weights::load(path, spec)?.map_or_else(|| Self::zero(spec), Self))
    }
}

#[cfg(test)]
#[path = "scaffold/tests.rs"]
mod tests;
