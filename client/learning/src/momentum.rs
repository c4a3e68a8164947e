//! Worker momentum: a client's changes, averaged over its rounds, so that robust rules see less noise
//! (Karimireddy, He and Jaggi 2021, "Learning from History for Byzantine Robust Optimization").

use std::{io, path::Path};

use crate::{
    malformed::Malformed,
    model::ModelSpec,
    state::StateError,
    weights::{Weights, WeightsError},
};

/// A client's mean change `m`, of the model's shapes; nothing before its first round.
///
/// It is kept from one round in which the client takes part to the next, as [`Residual`] is.
///
/// [`Residual`]: crate::Residual
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WorkerMomentum(Option<Weights>);

/// Why a change cannot be averaged.
#[derive(Debug, thiserror::Error)]
pub enum MomentumError {
    /// A share that makes no sense.
    #[error("a momentum of {0}: it must be at least 0 and below 1")]
    Beta(f64),
    /// Weights, or a momentum, of another model.
    #[error("the weights and the momentum belong to different models")]
    DifferentModels,
    /// A mean that is NaN or infinite.
    #[error(transparent)]
    Weights(#[from] WeightsError),
}

impl WorkerMomentum {
    /// One round: `m ← β m + (1 − β) (trained − base)`, and in the first round `m ← trained − base`.
    ///
    /// Gives what stands for the trained weights in everything that follows, `base + m`, and the next
    /// state. This one is unchanged: who saves the next state once the update is out can repeat the round
    /// after a crash.
    pub fn next(
        &self,
        base: &Weights,
        trained: &Weights,
        beta: f64,
    ) -> Result<(Weights, Self), MomentumError> {
        if !(0.0..1.0).contains(&beta) {
            return Err(MomentumError::Beta(beta));
        }
        let same = |other: &Weights| other.parameters() == base.parameters();
        if !same(trained) || !self.0.as_ref().is_none_or(same) {
            return Err(MomentumError::DifferentModels);
        }
        let changes = trained.values().iter().zip(base.values());
        let changes = changes.map(|(new, old)| f64::from(*new) - f64::from(*old));
        let mean: Vec<f32> = match &self.0 {
            None => changes.map(|change| change as f32).collect(),
            Some(held) => {
                let pairs = changes.zip(held.values());
                let mean = |(change, m): (f64, &f32)| beta * f64::from(*m) + (1.0 - beta) * change;
                pairs.map(|pair| mean(pair) as f32).collect()
            }
        };
        let moved = base.values().iter().zip(&mean).map(|(w, m)| w + m).collect();
        Ok((base.with_values(moved)?, Self(Some(base.with_values(mean)?))))
    }

    /// The mean change, one number per weight; nothing before the first round.
    pub fn values(&self) -> Option<&[f32]> {
        self.0.as_ref().map(Weights::values)
    }

    /// Writes the state to a file, whole or not at all; an empty one has no file, and removes none.
    pub fn save(&self, path: &Path) -> io::Result<()> {
        self.0.as_ref().map_or(Ok(()), |held| held.save(path))
    }

    /// Reads a file that [`save`](Self::save) has written; no file is the state before a first round.
    pub fn load(path: &Path, spec: &ModelSpec) -> Result<Self, StateError> {
        Weights::load(path, spec).map(Self)
    }

    /// The canonical safetensors file; nothing before the first round.
    pub fn to_bytes(&self) -> Option<Vec<u8>> {
        self.0.as_ref().map(Weights::to_bytes)
    }

    /// Reads what [`to_bytes`](Self::to_bytes) has written.
    pub fn from_bytes(bytes: &[u8], spec: &ModelSpec) -> Result<Self, Malformed> {
        Weights::from_bytes(bytes, spec).map(|held| Self(Some(held)))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn weights(values: [f32; 2]) -> Weights {
        Weights::new(&spec(), values.to_vec()).unwrap()
    }

    fn spec() -> ModelSpec {
        ModelSpec::mlp(1, &[], 1).with_task(crate::Task::Regression)
    }

    #[test]
    fn three_rounds_are_those_by_hand() {
        let base = weights([1.0, -2.0]);
        let mut state = WorkerMomentum::default();
        for (change, expected) in
            [([4.0, 8.0], [4.0, 8.0]), ([0.0, 0.0], [3.0, 6.0]), ([7.0, -2.0], [4.0, 4.0])]
        {
            let trained = weights([1.0 + change[0], -2.0 + change[1]]);
            let (sent, next) = state.next(&base, &trained, 0.75).unwrap();
            assert_eq!(sent, weights([1.0 + expected[0], -2.0 + expected[1]]));
            assert_eq!(next.values().unwrap(), expected);
            state = next;
        }
    }

    #[test]
    fn a_file_brings_the_state_back_and_a_torn_write_leaves_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("momentum");
        let empty = WorkerMomentum::load(&path, &spec()).unwrap();
        assert_eq!(empty, WorkerMomentum::default());
        empty.save(&path).unwrap();
        assert!(!path.exists());
        let base = weights([0.0; 2]);
        let (_, state) = empty.next(&base, &weights([1.0, 2.0]), 0.9).unwrap();
        state.save(&path).unwrap();
        std::fs::write(folder.path().join("momentum.new"), b"cut o").unwrap();
        assert_eq!(WorkerMomentum::load(&path, &spec()).unwrap(), state);
        let bytes = state.to_bytes().unwrap();
        assert_eq!(WorkerMomentum::from_bytes(&bytes, &spec()).unwrap(), state);
        std::fs::write(&path, [bytes.as_slice(), &[0]].concat()).unwrap();
        assert!(matches!(WorkerMomentum::load(&path, &spec()), Err(StateError::Malformed(_))));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let state = WorkerMomentum::default();
        let base = weights([0.0; 2]);
        for beta in [-0.1, 1.0, f64::NAN] {
            assert!(matches!(state.next(&base, &base, beta), Err(MomentumError::Beta(_))));
        }
        let other = Weights::zero(&ModelSpec::mlp(2, &[], 2));
        let error = state.next(&base, &other, 0.9).unwrap_err();
        assert!(matches!(error, MomentumError::DifferentModels));
        let (far, near) = (weights([f32::MAX, 0.0]), weights([f32::MIN, 0.0]));
        assert!(matches!(state.next(&near, &far, 0.9), Err(MomentumError::Weights(_))));
    }
}
