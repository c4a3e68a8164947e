//! The step from the accepted updates to the next model, and what the server remembers of it.

use decentralml_learning::{
    AggregateError, Aggregation, Clipped, ControlVariate, ModelSpec, Seed, ServerOptimizer,
    ServerState, Updates, Weights, add_change, aggregate_with, change_of,
};
use decentralml_types::TaskSpec;

use crate::{
    convert::{self, Scaffold},
    error::WorkerError,
};

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
    scaffold: Option<Scaffold>,
    participating: usize,
}

/// What the server remembers from round to round. At most one of both is attested: the protocol takes no SCAFFOLD with an optimizer that
/// has a state.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// Of the server's optimizer; `None` where the change is added as it is.
    pub server: Option<ServerState>,
    /// The server's control variate; `None` without SCAFFOLD.
    pub variate: Option<ControlVariate>,
}

impl Step {
    /// For the accepted updates of trainers that have revealed so many rows, `[updates]`, in a round that so many settled ones have
    /// preceded. `seed` decides who shares a bucket.
    ///
    /// Fails where the specification contradicts itself.
    pub fn of(
        spec: &TaskSpec,
        settled: u32,
        samples: &[u32],
        seed: Seed,
    ) -> Result<Self, WorkerError> {
        Ok(Self {
            bound: convert::norm_bound(spec),
            how: convert::aggregation(spec, settled, samples, seed)?,
            server: convert::server(spec),
            has_state: spec.aggregation.server.has_state(),
            scaffold: convert::scaffold(spec, settled),
            participating: samples.len(),
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

    /// Whether the server has a control variate, which is attested.
    pub fn has_variate(&self) -> bool {
        self.scaffold.is_some()
    }

    /// What the server remembers before the first round. Fails where the optimizer's numbers make no sense.
    pub fn start(&self, model: &ModelSpec) -> Result<State, WorkerError> {
        Ok(State {
            server: self.server.as_ref().map(|server| server.start(model)).transpose()?,
            variate: self.has_variate().then(|| ControlVariate::zero(model)),
        })
    }

    /// The next model, and the state after it. `state` is the one before; without one of [`server`](Self::server), the change is
    /// added as it is.
    ///
    /// Fails where updates cannot be read, are of another model, or lead out of the range of numbers.
    pub fn take<U: Updates + ?Sized>(
        &self,
        base: &Weights,
        updates: &U,
        state: State,
    ) -> Result<(Weights, State), WorkerError> {
        match self.bound {
            Some(bound) => {
                let cut = Clipped::new(updates, bound).map_err(AggregateError::Read)?;
                tracing::info!(updates = updates.count(), cut = cut.cut(), "bounded by their norm");
                self.go(base, &cut, state)
            }
            None => self.go(base, updates, state),
        }
    }

    fn go<U: Updates + ?Sized>(
        &self,
        base: &Weights,
        updates: &U,
        state: State,
    ) -> Result<(Weights, State), WorkerError> {
        let State { server, variate } = state;
        let server = self.server.as_ref().zip(server);
        let variate = self.scaffold.as_ref().zip(variate);
        if server.is_none() && variate.is_none() {
            return Ok((aggregate_with(base, updates, &self.how)?, State::default()));
        }
        // Once for all that follows from it: reading the updates is what takes long.
        let change = change_of(base.parameters(), updates, &self.how)?;
        let implied = |(Scaffold { way, clients }, variate): (&Scaffold, ControlVariate)| {
            variate.implied(&change, *way, self.participating, *clients)
        };
        let variate = variate.map(implied).transpose()?;
        let Some((optimizer, mut server)) = server else {
            return Ok((add_change(base, &change)?, State { server: None, variate }));
        };
        let next = optimizer.apply(base, &mut server, &change)?;
        Ok((next, State { server: Some(server), variate }))
    }

    /// The bytes of a state that is to be attested; `None` where the server remembers nothing. Fails for a state of another model.
    pub fn state_bytes(
        &self,
        model: &ModelSpec,
        state: &State,
    ) -> Result<Option<Vec<u8>>, WorkerError> {
        if let Some(variate) = &state.variate {
            return Ok(Some(variate.to_bytes()));
        }
        match (&self.server, state.server.as_ref().filter(|_| self.has_state)) {
            (Some(server), Some(state)) => Ok(Some(state.to_bytes(server, model)?)),
            _ => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests;
