//! What each update contributes, by Shapley values on the validation set.

use std::sync::Arc;

use decentralml_learning::{
    Coalitions, ContributionError, Dataset, Encoding, Evaluator, ModelSpec, ShapleyOptions, Update,
    Weights, shapley,
};
use decentralml_types::{Opinion, Seed};

use super::updates::Found;
use crate::{error::WorkerError, work::Stopped};

/// Why there are no opinions.
enum Ended {
    Stopped,
    Failed(ContributionError),
}

impl From<ContributionError> for Ended {
    fn from(error: ContributionError) -> Self {
        Self::Failed(error)
    }
}

/// An opinion on each of a round's updates, in their order; `None` where it was told to stop.
///
/// The denominator is the number of all revealed updates: one that cannot be had or read counts as one that changes nothing, so
/// it neither earns nor shifts what others earn, and seats that could fetch different ones still compare the same steps.
pub(super) fn judge(
    model: &ModelSpec,
    base: &Weights,
    validation: &Dataset,
    found: &[Found],
    encoding: Encoding,
    seed: Seed,
    stopped: &Stopped,
) -> Result<Option<Vec<Opinion>>, WorkerError> {
    let evaluator = Evaluator::new(model, validation)?;
    let nothing = Arc::new(Update::zero(model, encoding));
    let updates: Vec<&Update> =
        found.iter().map(|update| update.as_ref().map_or(&*nothing, |update| &**update)).collect();
    let mut coalitions = Coalitions::new(&evaluator, base, &updates)?;
    let options = ShapleyOptions::default();
    let values = shapley(updates.len(), seed, &options, |members| match stopped.get() {
        true => Err(Ended::Stopped),
        false => coalitions.utility(members).map_err(Ended::Failed),
    });
    match values {
        Ok(values) => Ok(Some(opinions(found, &values))),
        Err(Ended::Stopped) => Ok(None),
        Err(Ended::Failed(error)) => Err(error.into()),
    }
}

fn opinions(found: &[Found], values: &[i64]) -> Vec<Opinion> {
    let opinion = |(update, value): (&Found, &i64)| match update {
        Ok(_) => Opinion::Score(*value),
        Err(fault) => *fault,
    };
    found.iter().zip(values).map(opinion).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::work::StopOnDrop;
    use decentralml_learning::{LocalTraining, Optimizer, train};
    use std::ops::ControlFlow;

    /// Two classes, told apart by the sign of one feature.
    fn rows(count: usize) -> Dataset {
        let features = (0..count).map(|i| if i % 2 == 0 { 1.0 } else { -1.0 }).collect();
        Dataset::new(features, (0..count).map(|i| (i % 2) as u32).collect(), 1, 2).unwrap()
    }

    fn good_update(model: &ModelSpec, base: &Weights, encoding: Encoding) -> Update {
        let local = LocalTraining {
            epochs: 2,
            batch_size: 4,
            learning_rate: 0.1,
            optimizer: Optimizer::Sgd { momentum: 0.0 },
            weight_decay: 0.0,
        };
        let observe = |_| ControlFlow::Continue(());
        let trained = train(model, base, &rows(16), &local, [3; 32], observe).unwrap();
        Update::from_delta(base, &trained.weights, encoding).unwrap()
    }

    #[test]
    fn good_updates_score_flipped_ones_cost_and_faulty_ones_shift_nobody() {
        let model = ModelSpec::mlp(1, &[], 2);
        let base = Weights::new(&model, vec![0.0; model.parameter_count()]).unwrap();
        let encoding = Encoding::new(16, 12, 32_767).unwrap();
        let good = Arc::new(good_update(&model, &base, encoding));
        let flipped = Arc::new((*good).clone().negated());
        let zero = Arc::new(Update::zero(&model, encoding));
        let (_stop, stopped) = StopOnDrop::new();
        let judge = |found: &[Found]| {
            judge(&model, &base, &rows(10), found, encoding, [2; 32], &stopped).unwrap().unwrap()
        };

        let with_fault = judge(&[Ok(good.clone()), Ok(flipped.clone()), Err(Opinion::Unavailable)]);
        let [Opinion::Score(honest), Opinion::Score(hostile), Opinion::Unavailable] =
            with_fault[..]
        else {
            unreachable!("{with_fault:?}")
        };
        assert!(honest > 0 && hostile < 0);

        let with_free_rider = judge(&[Ok(good), Ok(flipped), Ok(zero)]);
        assert_eq!(with_free_rider[..2], with_fault[..2]);
        assert_eq!(with_free_rider[2], Opinion::Score(0));
    }

    #[test]
    fn scoring_stops_when_the_phase_is_over() {
        let model = ModelSpec::mlp(1, &[], 2);
        let base = Weights::init(&model, [1; 32]);
        let encoding = Encoding::new(16, 12, 32_767).unwrap();
        let found = [Ok(Arc::new(good_update(&model, &base, encoding)))];
        let (stop, stopped) = StopOnDrop::new();
        drop(stop);
        let judged = judge(&model, &base, &rows(4), &found, encoding, [2; 32], &stopped);
        assert_eq!(judged.unwrap(), None);
    }
}
