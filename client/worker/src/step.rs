//! The step from the accepted updates to the next model, and what the server's optimizer remembers of it.

use decentralml_learning::{
    AggregateError, Aggregation, Clipped, ModelSpec, Seed, ServerOptimizer, ServerState, Updates,
    Weights, aggregate_with, change_of,
};
use decentralml_types::TaskSpec;

use crate::{convert, error::WorkerError};

/// How the accepted updates of a round become the next model. Equal inputs give equal bytes on every machine.
#[derive(Clone, Debug)]
pub struct Step {
    /// The norm to which each update is cut first.
    bound: Option<u64>,
    how: Aggregation,
    /// `None` where the change is added as it is.
    server: Option<ServerOptimizer>,
    /// Whether the optimizer's state is attested.
    has_state: bool,
}

impl Step {
    /// For the accepted updates of trainers that have revealed so many rows, `[updates]`. `seed` decides who shares a bucket.
    ///
    /// Fails where the specification contradicts itself.
    pub fn of(spec: &TaskSpec, samples: &[u32], seed: Seed) -> Result<Self, WorkerError> {
        Ok(Self {
            bound: convert::norm_bound(spec),
            how: convert::aggregation(spec, samples, seed)?,
            server: convert::server(spec),
            has_state: spec.aggregation.server.has_state(),
        })
    }

    /// The server's optimizer; `None` where the change is added as it is.
    pub fn server(&self) -> Option<&ServerOptimizer> {
        self.server.as_ref()
    }

    /// Whether the optimizer's state is attested, and fetched by the next round's seats.
    pub fn has_state(&self) -> bool {
        self.has_state
    }

    /// The next model, and the state after it. `state` is the one before, of [`server`](Self::server); without one, the change is
    /// added as it is.
    ///
    /// Fails where updates cannot be read, are of another model, or lead out of the range of numbers.
    pub fn take<U: Updates + ?Sized>(
        &self,
        base: &Weights,
        updates: &U,
        state: Option<ServerState>,
    ) -> Result<(Weights, Option<ServerState>), WorkerError> {
        match self.bound {
            Some(bound) => {
                let cut = Clipped::new(updates, bound).map_err(AggregateError::Read)?;
                tracing::debug!(
                    updates = updates.count(),
                    cut = cut.cut(),
                    "bounded by their norm"
                );
                self.go(base, &cut, state)
            }
            None => self.go(base, updates, state),
        }
    }

    fn go<U: Updates + ?Sized>(
        &self,
        base: &Weights,
        updates: &U,
        state: Option<ServerState>,
    ) -> Result<(Weights, Option<ServerState>), WorkerError> {
        let (Some(server), Some(mut state)) = (&self.server, state) else {
            return Ok((aggregate_with(base, updates, &self.how)?, None));
        };
        let change = change_of(base.parameters(), updates, &self.how)?;
        let next = server.apply(base, &mut state, &change)?;
        Ok((next, Some(state)))
    }

    /// The bytes of a state that is to be attested; `None` where the optimizer remembers nothing. Fails for a state of another model.
    pub fn state_bytes(
        &self,
        model: &ModelSpec,
        state: Option<&ServerState>,
    ) -> Result<Option<Vec<u8>>, WorkerError> {
        match (&self.server, state.filter(|_| self.has_state)) {
            (Some(server), Some(state)) => Ok(Some(state.to_bytes(server, model)?)),
            _ => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests;
