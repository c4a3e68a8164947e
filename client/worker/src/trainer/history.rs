//! What an update goes on from: what this trainer's earlier ones have handed on, and the server's control variate.

use decentralml_learning::{ControlVariate, Draw, ModelSpec, Residual, Weights, WorkerMomentum};

use super::carried;
use crate::{
    convert::{self, Scaffold},
    error::WorkerError,
    variate,
    wire::{Wire, Written},
    work::{Moment, Work},
};

/// Before [`write`](Self::write) what a round's update goes on from, and after it what the next one does. What the task does not ask for is
/// `None`.
#[derive(Default)]
pub(super) struct History {
    /// What the updates have left out.
    residual: Option<Residual>,
    momentum: Option<Momentum>,
    variates: Option<Variates>,
}

/// The mean of this trainer's changes.
struct Momentum {
    held: WorkerMomentum,
    /// What a round leaves of it.
    beta: f64,
}

/// Control variates.
struct Variates {
    server: ControlVariate,
    own: ControlVariate,
    scaffold: Scaffold,
    /// The longest update that seats take as it is, where the task has such a bound.
    bound: Option<u64>,
}

impl History {
    /// Of a round.
    pub(super) async fn before(
        work: &Work,
        moment: &Moment,
        model: &ModelSpec,
        wire: &Wire,
    ) -> Result<Self, WorkerError> {
        let spec = &moment.task.spec;
        let mut history = Self::default();
        if wire.has_feedback() {
            history.residual = Some(carried::before(work, moment, model).await?);
        }
        if let Some(beta) = convert::worker_momentum(spec) {
            let held = carried::before(work, moment, model).await?;
            history.momentum = Some(Momentum { held, beta });
        }
        if let Some(scaffold) = convert::scaffold(spec, moment.task.settled_rounds) {
            let server = variate::of_server(work, moment, model).await?;
            let own = carried::before(work, moment, model).await?;
            let bound = convert::norm_bound(spec);
            history.variates = Some(Variates { server, own, scaffold, bound });
        }
        Ok(history)
    }

    /// What is added to every gradient; `None` without SCAFFOLD.
    pub(super) fn correction(&self) -> Result<Option<Weights>, WorkerError> {
        let correction = |all: &Variates| all.own.correction(&all.server);
        Ok(self.variates.as_ref().map(correction).transpose()?)
    }

    /// Writes the update of a model that was trained from `base`, as [`Wire::write`] does, in the order of the simulator: the mean with earlier
    /// changes, then what they have left out. `flips`: with the sign of an attacker.
    pub(super) fn write(
        &mut self,
        wire: &Wire,
        base: &Weights,
        mut trained: Weights,
        draw: &Draw,
        flips: bool,
    ) -> Result<Written, WorkerError> {
        if let Some(Momentum { held, beta }) = &mut self.momentum {
            (trained, *held) = held.next(base, &trained, *beta)?;
        }
        let (from, to) = if flips { (&trained, base) } else { (base, &trained) };
        let written = wire.write(from, to, draw, self.residual.as_mut())?;
        if let Some(Variates { server, own, scaffold, bound }) = &mut self.variates {
            *own = variate::after(own, server, &written.update, scaffold, *bound)?;
        }
        Ok(written)
    }

    /// Keeps what the next update goes on from. Once it returns, that survives a crash.
    pub(super) async fn keep(self, work: &Work, moment: &Moment) -> Result<(), WorkerError> {
        if let Some(residual) = self.residual {
            carried::keep(work, moment, residual).await?;
        }
        if let Some(Momentum { held, .. }) = self.momentum {
            carried::keep(work, moment, held).await?;
        }
        if let Some(Variates { own, .. }) = self.variates {
            carried::keep(work, moment, own).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{
        convert::tests::{packed, task_spec},
        trainer::carried::Carried,
    };
    use decentralml_types::{TaskSpec, spec};

    fn model() -> ModelSpec {
        ModelSpec::mlp(6, &[40], 3)
    }

    fn weights(seed: u8) -> Weights {
        Weights::init(&model(), [seed; 32])
    }

    fn draw(round: u32) -> Draw {
        Draw { run: [4; 32], round, client: 0 }
    }

    /// Of a task with a momentum of one half, before its first round.
    fn first(encoding: spec::Encoding) -> (Wire, History) {
        let mut task = TaskSpec { encoding, ..task_spec() };
        task.training.worker_momentum = 500_000;
        decentralml_protocol::spec::check(&task).unwrap();
        let wire = Wire::of(&task).unwrap();
        let beta = convert::worker_momentum(&task).unwrap();
        let residual = wire.has_feedback().then(|| Residual::zero(&model()));
        let momentum = Some(Momentum { held: WorkerMomentum::default(), beta });
        (wire, History { residual, momentum, variates: None })
    }

    #[test]
    fn updates_of_three_rounds_are_means_of_changes_with_what_was_left_out() {
        let (wire, mut history) = first(packed());
        let (mut momentum, mut residual) = (WorkerMomentum::default(), Residual::zero(&model()));
        for round in 1..=3 {
            let (base, trained) = (weights(9), weights(round));
            let draw = draw(round.into());
            let (mean, next) = momentum.next(&base, &trained, 0.5).unwrap();
            momentum = next;
            let expected = wire.write(&base, &mean, &draw, Some(&mut residual)).unwrap();
            let found = history.write(&wire, &base, trained, &draw, false).unwrap();
            assert_eq!(found.bytes, expected.bytes, "in round {round}");
        }
        assert_eq!(history.residual.unwrap(), residual);
        assert_eq!(history.momentum.unwrap().held, momentum);
    }

    #[test]
    fn a_trainer_that_was_killed_between_two_rounds_sends_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("momentum");
        let (wire, mut history) = first(spec::Encoding::plain(16, 12, 32_767));
        history.write(&wire, &weights(9), weights(1), &draw(1), false).unwrap();
        let (_, mut again) = first(spec::Encoding::plain(16, 12, 32_767));
        let anew = again.write(&wire, &weights(9), weights(2), &draw(2), false).unwrap();
        std::fs::write(&path, Carried::to_bytes(&history.momentum.as_ref().unwrap().held)).unwrap();
        again.momentum.as_mut().unwrap().held = Carried::load(&path, &model()).unwrap();
        let next = |mut history: History| {
            history.write(&wire, &weights(9), weights(2), &draw(2), false).unwrap().bytes
        };
        let sent = next(history);
        assert_eq!(next(again), sent);
        assert_ne!(sent, anew.bytes, "the first round is in it");
    }

    #[test]
    fn a_flipped_update_is_the_honest_one_with_the_other_sign() {
        let encoding = spec::Encoding::plain(16, 12, 32_767);
        let of = |flips| {
            let (wire, mut history) = first(encoding);
            let write = |history: &mut History, seed| {
                history.write(&wire, &weights(9), weights(seed), &draw(1), flips).unwrap()
            };
            write(&mut history, 1);
            write(&mut history, 2).update.values().to_vec()
        };
        let opposite: Vec<i32> = of(true).iter().map(|q| -q).collect();
        assert_eq!(opposite, of(false));
    }
}
