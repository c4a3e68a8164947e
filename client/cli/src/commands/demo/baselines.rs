//! What the federation is compared with: the same model, trained alone by each trainer, and centrally on all rows.

use super::setup::Order;
use crate::commands::data::Parts;
use color_eyre::{Result, eyre::WrapErr};
use decentralml_learning::{Dataset, Evaluator, LocalTraining, ModelSpec, Seed, Weights, train};
use decentralml_worker::convert;
use std::ops::ControlFlow;
use tokio::task::JoinHandle;

/// Accuracy on the test part after each round's worth of training, between 0 and 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Baselines {
    /// All rows of all trainers in one place.
    pub central: Vec<f64>,
    /// Each trainer with its own rows only.
    pub alone: Vec<Vec<f64>>,
}

impl Baselines {
    /// As far as the federation came.
    fn cut(mut self, rounds: usize) -> Self {
        self.central.truncate(rounds);
        self.alone.iter_mut().for_each(|curve| curve.truncate(rounds));
        self
    }
}

/// Baselines that are being computed.
pub struct Pending(JoinHandle<Result<Baselines>>);

impl Pending {
    /// Waits for them.
    pub async fn finish(self, rounds: usize) -> Result<Baselines> {
        Ok(self.0.await.wrap_err("training alone and centrally was aborted")??.cut(rounds))
    }
}

/// Starts to compute them, while the federation mostly waits for blocks.
pub fn begin(order: &Order, parts: &Parts) -> Pending {
    let setting = Setting {
        model: order.model.clone(),
        initial: order.initial.clone(),
        local: convert::training(&order.spec),
        rounds: order.spec.rounds as usize,
    };
    let (trainers, test) = (parts.trainers.clone(), parts.test.clone());
    Pending(tokio::task::spawn_blocking(move || setting.baselines(&trainers, &test)))
}

/// What all of them have in common with the federation.
pub struct Setting {
    pub model: ModelSpec,
    pub initial: Weights,
    pub local: LocalTraining,
    pub rounds: usize,
}

impl Setting {
    /// Trains alone and centrally.
    pub fn baselines(&self, trainers: &[Dataset], test: &Dataset) -> Result<Baselines> {
        let evaluator = Evaluator::new(&self.model, test)?;
        Ok(Baselines {
            central: self.curve(&union(trainers)?, &evaluator)?,
            alone: trainers
                .iter()
                .map(|rows| self.curve(rows, &evaluator))
                .collect::<Result<_>>()?,
        })
    }

    /// As many passes over the rows as the federation's trainers make, evaluated once a round.
    fn curve(&self, rows: &Dataset, evaluator: &Evaluator) -> Result<Vec<f64>> {
        let mut weights = self.initial.clone();
        let mut curve = Vec::with_capacity(self.rounds);
        for round in 1..=self.rounds {
            let mut seed = Seed::default();
            seed[..8].copy_from_slice(&(round as u64).to_le_bytes());
            let go_on = |_| ControlFlow::Continue(());
            weights = train(&self.model, &weights, rows, &self.local, seed, go_on)?.weights;
            curve.push(evaluator.evaluate(&weights)?.accuracy);
        }
        Ok(curve)
    }
}

/// All rows in one place.
fn union(parts: &[Dataset]) -> Result<Dataset> {
    let features = parts.iter().flat_map(Dataset::features).copied().collect();
    let labels = parts.iter().flat_map(Dataset::labels).copied().collect();
    let columns = parts.iter().map(Dataset::columns).max().unwrap_or(0);
    let classes = parts.iter().map(Dataset::classes).max().unwrap_or(0);
    Ok(Dataset::new(features, labels, columns, classes)?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use decentralml_learning::{Optimizer, data::digits};

    #[test]
    fn central_training_beats_training_alone_on_skewed_rows() {
        let data = digits().unwrap();
        let parts = data.split(&[1, 1], [1; 32]);
        let (training, test) = (&parts[0], &parts[1]);
        let trainers = training.partition_dirichlet(4, 0.3, 20, [1; 32]).unwrap();
        let model = ModelSpec::mlp(64, &[16], 10);
        let setting = Setting {
            initial: Weights::init(&model, [2; 32]),
            model,
            local: LocalTraining {
                batch_size: 16,
                learning_rate: 0.05,
                optimizer: Optimizer::Sgd { momentum: 0.9 },
                ..LocalTraining::epochs(4)
            },
            rounds: 2,
        };
        let baselines = setting.baselines(&trainers, test).unwrap();
        assert_eq!(union(&trainers).unwrap().rows(), training.rows());
        let central = baselines.central[1];
        assert!(central > 0.85, "{central}");
        assert!(baselines.alone.iter().all(|curve| curve[1] < central - 0.05), "{baselines:?}");
        assert_eq!(baselines.cut(1).central.len(), 1);
    }
}
