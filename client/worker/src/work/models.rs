//! A task's model and weights, as long as they are worked with.

use std::sync::Arc;

use decentralml_learning::{ModelSpec, Weights};
use decentralml_storage::Storage;
use decentralml_types::{Cid, TaskSpec, spec::InitialModel};

use super::{Moment, Work};
use crate::{
    error::WorkerError,
    model::{self, ModelError},
    sources,
};

/// The model of a task and the weights its round starts from; fetched once.
#[derive(Default)]
pub(crate) struct Models {
    /// By the CID of its layers: a fork may put a task with another model in the place of the one that was looked at.
    spec: Option<(Cid, Arc<ModelSpec>)>,
    base: Option<(Start, Arc<Weights>)>,
}

/// What the weights of a round's start are named by: the round's model, and, where there is none yet, what the task begins with.
type Start = (Option<Cid>, InitialModel);

impl Models {
    /// The model.
    pub(crate) async fn spec(
        &mut self,
        storage: &Storage,
        task: &TaskSpec,
    ) -> Result<Arc<ModelSpec>, ModelError> {
        if let Some((cid, spec)) = &self.spec
            && *cid == task.model
        {
            return Ok(spec.clone());
        }
        // They are of the other model's shape.
        self.base = None;
        let spec = Arc::new(model::fetch_spec(storage, task).await?);
        self.spec = Some((task.model, spec.clone()));
        Ok(spec)
    }

    /// The model and the weights that the moment's round starts from.
    pub(crate) async fn get(
        &mut self,
        work: &Work,
        moment: &Moment,
    ) -> Result<(Arc<ModelSpec>, Arc<Weights>), WorkerError> {
        let (task, base) = (&moment.task, moment.round.base);
        if let Some(known) = self.known(&task.spec, base) {
            return Ok(known);
        }
        if let Some(storage) = sources::without_hosts(work, task) {
            match self.at(storage, &task.spec, base).await {
                Err(error) if !error.is_final() => {
                    tracing::debug!(task = task.id, %error, "looks for the model at hosts");
                }
                found => return Ok(found?),
            }
        }
        let storage = sources::for_task(work, &moment.view, task).await;
        Ok(self.at(&storage, &task.spec, base).await?)
    }

    /// Both, where they are here.
    fn known(&self, task: &TaskSpec, base: Option<Cid>) -> Option<(Arc<ModelSpec>, Arc<Weights>)> {
        let (_, spec) = self.spec.as_ref().filter(|(cid, _)| *cid == task.model)?;
        let start = (base, task.initial.clone());
        let (_, weights) = self.base.as_ref().filter(|(known, _)| *known == start)?;
        Some((spec.clone(), weights.clone()))
    }

    async fn at(
        &mut self,
        storage: &Storage,
        task: &TaskSpec,
        base: Option<Cid>,
    ) -> Result<(Arc<ModelSpec>, Arc<Weights>), ModelError> {
        let spec = self.spec(storage, task).await?;
        if let Some(known) = self.known(task, base) {
            return Ok(known);
        }
        let start = (base, task.initial.clone());
        let weights = model::fetch_weights(storage, &spec, base.as_ref(), task).await?;
        let weights = Arc::new(weights);
        self.base = Some((start, weights.clone()));
        Ok((spec, weights))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{convert::tests::task_spec, model::tests::store};

    #[tokio::test(flavor = "multi_thread")]
    async fn a_task_that_takes_the_place_of_another_is_worked_on_with_its_own_model_and_seed() {
        let (_folder, _, storage) = store().await;
        let specs = [ModelSpec::mlp(4, &[5], 3), ModelSpec::mlp(4, &[6], 3)];
        let mut tasks = Vec::new();
        for spec in &specs {
            let stored = storage.add(spec.to_canonical_json().unwrap()).await.unwrap();
            tasks.push(TaskSpec { model: stored.cid, ..task_spec() });
        }
        let mut models = Models::default();
        for (task, spec) in tasks.iter().zip(&specs) {
            let (found, weights) = models.at(&storage, task, None).await.unwrap();
            assert_eq!(*found, *spec);
            assert_eq!(*weights, Weights::init(spec, [1; 32]));
        }
        let reseeded = TaskSpec { initial: InitialModel::Seed([2; 32]), ..tasks[1].clone() };
        let (_, weights) = models.at(&storage, &reseeded, None).await.unwrap();
        assert_eq!(*weights, Weights::init(&specs[1], [2; 32]));
    }
}
