//! What a run file must say. Errors name the field.

use decentralml_learning::{Optimizer, Rule, TrainError};

use super::{Cohort, Counting, Hostile, Mixing, RunFile};
use crate::{SimulateError, attack::MAX_CROWD};

impl RunFile {
    /// Refuses what makes no sense, before anything is read or trained.
    pub fn check(&self) -> Result<(), SimulateError> {
        let wrong = |field, problem: &str| Err(SimulateError::field(field, problem));
        if self.name.len() > 100 || self.name.starts_with('.') || self.name.contains(['/', '\\']) {
            return wrong("name", "at most 100 bytes, without slashes and no dot at the start");
        }
        if self.clients == 0 {
            return wrong("clients", "at least one is needed");
        }
        match self.clients_per_round {
            Cohort::Count(count) if count == 0 || count > self.clients => {
                return Err(SimulateError::field(
                    "clients_per_round",
                    format!(
                        "{count} of {}: must be at least 1, and not more than `clients`",
                        self.clients
                    ),
                ));
            }
            Cohort::Share(share) if !(share > 0.0 && share <= 1.0) => {
                return wrong("clients_per_round", "a share must be above 0, up to 1.0");
            }
            _ => {}
        }
        if self.rounds == 0 {
            return wrong("rounds", "at least one is needed");
        }
        if self.evaluate_every == 0 {
            return wrong("evaluate_every", "at least 1: after every round");
        }
        if self.target.is_some_and(|target| !(target.is_finite() && target >= 0.0)) {
            return wrong("target", "must be an accuracy such as 0.95, or an error");
        }
        if self.partition.is_some() && self.rows_per_client.is_some() {
            return wrong(
                "rows_per_client",
                "takes the place of `partition`: leave one of them out",
            );
        }
        self.check_model_and_data()?;
        self.training.validate().map_err(|error| match error {
            TrainError::Setting { name, problem } => {
                SimulateError::field("training", format!("{name}: {problem}"))
            }
            other => SimulateError::field("training", other.to_string()),
        })?;
        if self.scaffold && !matches!(self.training.optimizer, Optimizer::Sgd { .. }) {
            return wrong("scaffold", "goes with `training.optimizer = \"sgd\"` only");
        }
        if !(0.0..1.0).contains(&self.worker_momentum) {
            return wrong("worker_momentum", "must be at least 0 and below 1");
        }
        self.check_aggregation()?;
        self.encoding.exact()?;
        self.encoding.codec()?;
        self.check_attack()
    }

    fn check_model_and_data(&self) -> Result<(), SimulateError> {
        let wrong = |field, problem: &str| Err(SimulateError::field(field, problem));
        let model = &self.model;
        match (&model.name, &model.file) {
            (Some(_), None) => {}
            (None, Some(_)) if model.rows.is_some() => {
                return wrong("model.rows", "stand in the `file` of the layers: move them there");
            }
            (None, Some(_)) if model.input.is_none() && model.outputs.is_none() => {}
            (None, Some(_)) => return wrong("model", "`input` and `outputs` go with `name`"),
            _ => {
                return wrong("model", "give either `name`, such as \"2nn\", or `file`");
            }
        }
        let data = &self.data;
        if data.test_labels.is_some() && data.test.is_none() {
            return wrong("data.test_labels", "give `test`, whose labels they are");
        }
        if data.held_out.is_some() && data.test.is_some() {
            return wrong("data.held_out", "goes without `test`: leave one of them out");
        }
        if data.held_out.is_some_and(|share| !(share > 0.0 && share < 1.0)) {
            return wrong("data.held_out", "must be a share above 0 and below 1");
        }
        if data.rows == Some(0) {
            return wrong("data.rows", "at least one is needed");
        }
        Ok(())
    }

    fn check_aggregation(&self) -> Result<(), SimulateError> {
        let wrong = |field, problem: String| Err(SimulateError::Field { field, problem });
        let aggregation = &self.aggregation;
        aggregation
            .server
            .check()
            .map_err(|error| SimulateError::field("aggregation.server", error.to_string()))?;
        if aggregation.norm_bound.is_some_and(|bound| !(bound.is_finite() && bound > 0.0)) {
            return wrong("aggregation.norm_bound", "must be a positive number".to_owned());
        }
        let counts = aggregation.count != Counting::Equal;
        if counts && (aggregation.rule != Rule::Mean || aggregation.before != Mixing::Nothing) {
            let problem = "other than \"equal\" goes with `rule = \"mean\"` and no `before` only";
            return wrong("aggregation.count", problem.to_owned());
        }
        if let Counting::Samples { cap: 0 } | Counting::Nova { cap: 0 } = aggregation.count {
            return wrong("aggregation.count", "a cap must be at least one row".to_owned());
        }
        let cohort = self.cohort() as usize;
        // What the rule gets.
        let (entering, told) = match aggregation.before {
            Mixing::Buckets { size } if !(1..=64).contains(&size) => {
                return wrong("aggregation.before", "a bucket has 1 to 64 updates".to_owned());
            }
            Mixing::Buckets { size } => {
                let buckets = cohort.div_ceil(size);
                (buckets, format!("{buckets} buckets of {cohort} clients come out of a round"))
            }
            Mixing::NearestNeighbors { hostile } if hostile.saturating_mul(2) >= cohort => {
                let problem =
                    format!("{hostile} hostile of {cohort} clients: must be fewer than half");
                return wrong("aggregation.before", problem);
            }
            _ => (cohort, format!("{cohort} clients take part in a round")),
        };
        let needs = |needed: usize, rule: &str| match entering >= needed {
            true => Ok(()),
            false => wrong(
                "aggregation.rule",
                format!("{rule} needs {needed} updates, but {told}: raise `clients_per_round`"),
            ),
        };
        let bear = |hostile: usize, factor: usize| hostile.saturating_mul(factor).saturating_add(3);
        match aggregation.rule {
            Rule::TrimmedMean { k } => {
                needs(k.saturating_mul(2).saturating_add(1), "this trimming")
            }
            Rule::Krum { hostile } => needs(bear(hostile, 2), "Krum"),
            Rule::MultiKrum { hostile, kept } => {
                needs(bear(hostile, 2), "Krum")?;
                let most = entering.saturating_sub(hostile);
                match (1..=most).contains(&kept) {
                    true => Ok(()),
                    false => wrong("aggregation.rule", format!("`kept` must be 1 to {most}")),
                }
            }
            Rule::Bulyan { hostile } => needs(bear(hostile, 4), "Bulyan"),
            _ => Ok(()),
        }
    }

    fn check_attack(&self) -> Result<(), SimulateError> {
        let wrong = |field, problem: &str| Err(SimulateError::field(field, problem));
        let Some(attack) = &self.attack else { return Ok(()) };
        if !(0.0..=1.0).contains(&attack.share) {
            return wrong("attack.share", "must be a share from 0 to 1");
        }
        let finite = |number: f64| number.is_finite() && number > 0.0;
        match attack.kind {
            Hostile::SignFlip { factor } if !finite(factor) => {
                wrong("attack.kind.sign_flip.factor", "must be a positive number")
            }
            Hostile::InnerProduct { factor } if !finite(factor) => {
                wrong("attack.kind.inner_product.factor", "must be a positive number")
            }
            Hostile::Gaussian { deviation } if !finite(deviation) => {
                wrong("attack.kind.gaussian.deviation", "must be a positive number")
            }
            Hostile::Alie { deviations: Some(deviations) } if !finite(deviations) => {
                wrong("attack.kind.alie.deviations", "must be a positive number")
            }
            Hostile::MinMax if self.cohort() > MAX_CROWD => Err(SimulateError::field(
                "attack.kind",
                format!(
                    "min_max compares every update with every other: at most {MAX_CROWD} \
                     `clients_per_round`"
                ),
            )),
            kind if kind.is_informed() && self.hostile() >= self.clients => {
                wrong("attack.share", "this attack needs honest clients to look at")
            }
            _ => Ok(()),
        }
    }
}
