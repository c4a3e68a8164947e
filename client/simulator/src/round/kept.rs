//! What a client keeps from one of its rounds to the next.

use decentralml_learning::{
    ControlVariate, Malformed, ModelSpec, Residual, Weights, WorkerMomentum,
};

use super::Rounds;
use crate::{RunFile, SimulateError};

/// Only what the run's algorithm needs is there.
pub(super) struct Kept {
    /// What its updates have left out.
    pub(super) residual: Option<Residual>,
    /// Its control variate, of SCAFFOLD.
    pub(super) variate: Option<ControlVariate>,
    /// The mean of its changes.
    pub(super) momentum: Option<WorkerMomentum>,
}

impl Kept {
    /// What a client has before its first round.
    fn first(file: &RunFile, spec: &ModelSpec) -> Self {
        Self {
            residual: file.encoding.error_feedback.then(|| Residual::zero(spec)),
            variate: file.scaffold.then(|| ControlVariate::zero(spec)),
            momentum: (file.worker_momentum > 0.0).then(WorkerMomentum::default),
        }
    }

    /// What this client has.
    pub(super) fn load(rounds: &Rounds<'_>, client: u32) -> Result<Self, SimulateError> {
        let (file, spec) = (&rounds.federation.file, &rounds.federation.spec);
        let first = Self::first(file, spec);
        let parts = first.parts();
        if parts == 0 {
            return Ok(first);
        }
        // Each part has as many numbers as the model, under the same names.
        let size = Weights::byte_length(spec);
        match rounds.states.load(client, (parts * size) as u64)? {
            None => Ok(first),
            Some(bytes) => first
                .read(&bytes, size, spec)
                .map_err(|source| SimulateError::Malformed { path: rounds.folder.state(), source }),
        }
    }

    fn parts(&self) -> usize {
        let parts = [self.residual.is_some(), self.variate.is_some(), self.momentum.is_some()];
        parts.into_iter().filter(|part| *part).count()
    }

    fn read(self, bytes: &[u8], size: usize, spec: &ModelSpec) -> Result<Self, Malformed> {
        // What is missing is an empty part, which is refused.
        let mut parts = bytes.chunks(size.max(1));
        let mut next = || parts.next().unwrap_or_default();
        Ok(Self {
            residual: match self.residual {
                Some(_) => Some(Residual::from_bytes(next(), spec)?),
                None => None,
            },
            variate: match self.variate {
                Some(_) => Some(ControlVariate::from_bytes(next(), spec)?),
                None => None,
            },
            momentum: match self.momentum {
                Some(_) => Some(WorkerMomentum::from_bytes(next(), spec)?),
                None => None,
            },
        })
    }

    /// Keeps it for the client's next round.
    pub(super) fn save(
        &self,
        rounds: &Rounds<'_>,
        client: u32,
        round: u32,
    ) -> Result<(), SimulateError> {
        if self.parts() == 0 {
            return Ok(());
        }
        let parts = [
            self.residual.as_ref().map(Residual::to_bytes),
            self.variate.as_ref().map(ControlVariate::to_bytes),
            self.momentum.as_ref().and_then(WorkerMomentum::to_bytes),
        ];
        let bytes: Vec<u8> = parts.into_iter().flatten().flatten().collect();
        rounds.states.save(client, round, &bytes)
    }
}
