//! What each update contributes, by Shapley values on the validation set.

use std::io;

use decentralml_learning::{
    Coalitions, ContributionError, Dataset, Encoding, Evaluator, ModelSpec, Parameter,
    ShapleyOptions, Updates, Weights, shapley, updates::Part,
};
use decentralml_types::{Opinion, Seed, limits::MAX_SCORE};

use super::updates::Found;
use crate::error::WorkerError;

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

/// An opinion on each of a round's updates, in their order; `None` where `stopped` said so between two coalitions.
///
/// The denominator is the number of all revealed updates: one that cannot be had or read, or is a copy, counts as one that changes nothing, so
/// it neither earns nor shifts what others earn, and seats that could fetch different ones still compare the same steps.
pub fn judge(
    model: &ModelSpec,
    base: &Weights,
    validation: &Dataset,
    found: &[Found],
    encoding: Encoding,
    seed: Seed,
    stopped: impl Fn() -> bool,
) -> Result<Option<Vec<Opinion>>, WorkerError> {
    let evaluator = Evaluator::new(model, validation)?;
    let updates = Revealed::new(model, encoding, found);
    let mut coalitions = Coalitions::new(&evaluator, base, &updates)?;
    let options = ShapleyOptions::default();
    let values = shapley(updates.count(), seed, &options, |members| match stopped() {
        true => Err(Ended::Stopped),
        false => coalitions.utility(members).map_err(Ended::Failed),
    });
    match values {
        Ok(values) => Ok(Some(opinions(found, &values))),
        Err(Ended::Stopped) => Ok(None),
        Err(Ended::Failed(error)) => Err(error.into()),
    }
}

/// All revealed updates of a round; those that cannot be had or read, and copies, change nothing.
pub(super) struct Revealed<'a> {
    parameters: Vec<Parameter>,
    encoding: Encoding,
    found: &'a [Found],
}

impl<'a> Revealed<'a> {
    pub(super) fn new(model: &ModelSpec, encoding: Encoding, found: &'a [Found]) -> Self {
        Self { parameters: model.parameters(), encoding, found }
    }
}

impl Updates for Revealed<'_> {
    fn count(&self) -> usize {
        self.found.len()
    }

    fn kind(&self, update: usize) -> Option<(&[Parameter], Encoding)> {
        self.found.get(update).map(|found| match found {
            Ok(file) => (file.parameters(), file.encoding()),
            Err(_) => (self.parameters.as_slice(), self.encoding),
        })
    }

    fn read(&self, update: usize, start: usize, out: &mut [i32]) -> io::Result<()> {
        match self.found.get(update) {
            Some(Ok(file)) => file.read(start, out),
            _ => {
                out.fill(0);
                Ok(())
            }
        }
    }

    fn open(&self, update: usize) -> io::Result<Box<dyn Part + '_>> {
        match self.found.get(update) {
            Some(Ok(file)) => Ok(Box::new(file.open()?)),
            _ => Ok(Box::new(NoChange)),
        }
    }
}

/// An update all of zeros.
struct NoChange;

impl Part for NoChange {
    fn read(&mut self, _: usize, out: &mut [u8]) -> io::Result<()> {
        out.fill(0);
        Ok(())
    }
}

fn opinions(found: &[Found], values: &[i64]) -> Vec<Opinion> {
    let opinion = |(update, value): (&Found, &i64)| match update {
        Ok(_) => Opinion::Score((*value).clamp(-MAX_SCORE, MAX_SCORE)),
        Err(fault) => *fault,
    };
    found.iter().zip(values).map(opinion).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use decentralml_learning::{LocalTraining, Update, UpdateFile, train};
    use std::{ops::ControlFlow, path::Path};

    /// Two classes, told apart by the sign of one feature.
    fn rows(count: usize) -> Dataset {
        let features = (0..count).map(|i| if i % 2 == 0 { 1.0 } else { -1.0 }).collect();
        Dataset::new(features, (0..count).map(|i| (i % 2) as u32).collect(), 1, 2).unwrap()
    }

    fn good_update(model: &ModelSpec, base: &Weights, encoding: Encoding) -> Update {
        let local = LocalTraining { batch_size: 4, learning_rate: 0.1, ..LocalTraining::epochs(2) };
        let observe = |_| ControlFlow::Continue(());
        let trained = train(model, base, &rows(16), &local, [3; 32], observe).unwrap();
        Update::from_delta(base, &trained.weights, encoding).unwrap()
    }

    fn stored(folder: &Path, name: &str, update: &Update) -> UpdateFile {
        UpdateFile::write(&folder.join(name), update).unwrap()
    }

    #[test]
    fn a_score_beyond_what_the_chain_takes_is_cut() {
        let folder = tempfile::tempdir().unwrap();
        let encoding = Encoding::new(16, 12, 32_767).unwrap();
        let zero = Update::zero(&ModelSpec::mlp(1, &[], 2), encoding);
        let found = vec![Ok(stored(folder.path(), "zero", &zero)); 4];
        let scores = opinions(&found, &[i64::MAX, MAX_SCORE, -MAX_SCORE - 1, i64::MIN]);
        let expected = [MAX_SCORE, MAX_SCORE, -MAX_SCORE, -MAX_SCORE].map(Opinion::Score);
        assert_eq!(scores, expected);
        assert_eq!(opinions(&[Err(Opinion::Malformed)], &[i64::MAX]), [Opinion::Malformed]);
    }

    #[test]
    fn weights_that_overflow_are_worth_a_blind_guess_and_never_no_number() {
        // One feature of 1e30 times weights of up to 2^31: logits beyond any f32.
        let model = ModelSpec::mlp(1, &[], 2);
        let rows = Dataset::new(vec![1e30, -1e30], vec![0, 1], 1, 2).unwrap();
        let base = Weights::new(&model, vec![0.0, 0.0, 3e38, -3e38]).unwrap();
        let encoding = Encoding::new(32, 0, i32::MAX).unwrap();
        let trained = Weights::new(&model, vec![0.0, 0.0, 1e9, -1e9]).unwrap();
        let zero = Weights::new(&model, vec![0.0; 4]).unwrap();
        let update = Update::from_delta(&zero, &trained, encoding).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let found = [Ok(stored(folder.path(), "wild", &update)), Err(Opinion::Unavailable)];
        let judged = judge(&model, &base, &rows, &found, encoding, [2; 32], || false);
        assert_eq!(judged.unwrap().unwrap(), [Opinion::Score(0), Opinion::Unavailable]);
    }

    #[test]
    fn good_updates_score_flipped_ones_cost_and_faulty_ones_shift_nobody() {
        let model = ModelSpec::mlp(1, &[], 2);
        let base = Weights::new(&model, vec![0.0; model.parameter_count()]).unwrap();
        let encoding = Encoding::new(16, 12, 32_767).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let good = good_update(&model, &base, encoding);
        let flipped = stored(folder.path(), "flipped", &good.clone().negated());
        let zero = stored(folder.path(), "zero", &Update::zero(&model, encoding));
        let good = stored(folder.path(), "good", &good);
        let judge = |found: &[Found]| {
            judge(&model, &base, &rows(10), found, encoding, [2; 32], || false).unwrap().unwrap()
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
        let folder = tempfile::tempdir().unwrap();
        let found = [Ok(stored(folder.path(), "good", &good_update(&model, &base, encoding)))];
        let judged = judge(&model, &base, &rows(4), &found, encoding, [2; 32], || true);
        assert_eq!(judged.unwrap(), None);
    }
}
