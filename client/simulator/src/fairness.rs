//! How good the final model is for each client.

use decentralml_learning::{Task, Weights, evaluate};
use serde::{Deserialize, Serialize};

use crate::{Federation, SimulateError, round::Threads};

/// The final model on the own rows of honest clients, each counting the same. The measure is the
/// accuracy, in `0..=1`; of a regression it is the mean squared error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fairness {
    /// Clients looked at.
    pub clients: usize,
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation.
    pub deviation: f64,
    /// The mean of the tenth that fares worst, at least one client.
    pub worst_tenth: f64,
    /// What 0, 5, 10, …, 100 % of the clients do not exceed, 21 numbers.
    pub quantiles: Vec<f64>,
}

impl Fairness {
    /// Evaluates the model for as many clients as the run file says; nothing where that is none.
    pub(crate) fn measure(
        federation: &Federation,
        model: &Weights,
        threads: &Threads,
    ) -> Result<Option<Self>, SimulateError> {
        let all = federation.clients.count();
        let wanted = federation.file.fairness_clients.min(all);
        let client = |place: u32| (u64::from(place) * u64::from(all) / u64::from(wanted)) as u32;
        let chosen: Vec<u32> =
            (0..wanted).map(client).filter(|&client| !federation.is_hostile(client)).collect();
        let is_regression = federation.spec.task == Task::Regression;
        let measured = threads.each(chosen.len(), |place| {
            let client = chosen.get(place).copied().unwrap_or_default();
            let rows = federation.rows.subset(&federation.clients.indices(client));
            let metrics = evaluate(&federation.spec, model, &rows)?;
            Ok(if is_regression { metrics.loss } else { metrics.accuracy })
        })?;
        Ok(Self::of(measured, is_regression))
    }

    fn of(mut measured: Vec<f64>, smaller_is_better: bool) -> Option<Self> {
        measured.sort_by(f64::total_cmp);
        let clients = measured.len();
        let last = clients.checked_sub(1)?;
        let mean = measured.iter().sum::<f64>() / clients as f64;
        let square = measured.iter().map(|x| (x - mean).powi(2)).sum::<f64>();
        let tenth = clients.div_ceil(10);
        let worst: f64 = match smaller_is_better {
            true => measured.iter().rev().take(tenth).sum(),
            false => measured.iter().take(tenth).sum(),
        };
        let quantile = |step: usize| {
            let place = (step * last) as f64 / 20.0;
            let at = |place: f64| measured.get(place as usize).copied().unwrap_or(mean);
            let (below, above) = (at(place.floor()), at(place.ceil()));
            below + (above - below) * place.fract()
        };
        Some(Self {
            clients,
            mean,
            deviation: (square / clients as f64).sqrt(),
            worst_tenth: worst / tenth as f64,
            quantiles: (0..=20).map(quantile).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn quantiles_lie_between_the_worst_and_the_best() {
        let fairness = Fairness::of(vec![0.4, 0.0, 1.0, 0.2], false).unwrap();
        assert_eq!((fairness.clients, fairness.mean), (4, 0.4));
        let quantiles = &fairness.quantiles;
        assert_eq!((quantiles[0], quantiles[20]), (0.0, 1.0));
        assert!((quantiles[10] - 0.3).abs() < 1e-12, "{quantiles:?}");
        assert!(quantiles.is_sorted() && quantiles.len() == 21);
        assert_eq!(fairness.worst_tenth, 0.0);
        assert_eq!(Fairness::of(vec![0.1, 3.0], true).unwrap().worst_tenth, 3.0);
        assert!(Fairness::of(Vec::new(), false).is_none());
    }
}
