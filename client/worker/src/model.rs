//! A task's model and its validation set, from the store.

use decentralml_learning::{self as learning, Dataset, ModelSpec, Update, Weights, data};
use decentralml_storage::Storage;
use decentralml_types::{
    Cid, TaskSpec,
    spec::{InitialModel, Objective},
};

use crate::{convert, error::WorkerError};

/// Bytes of a model's list of layers, at most.
const MAX_MODEL_SPEC: u64 = 1 << 20;

/// Why a task's model cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The store does not give it.
    #[error(transparent)]
    Storage(#[from] decentralml_storage::Error),
    /// Its layers cannot be read.
    #[error("the task's model cannot be read: {0}")]
    Spec(#[from] learning::SpecError),
    /// It does not suit what the task says is learned.
    #[error("the task's model does not suit its objective: {0}")]
    Objective(learning::SpecError),
    /// Weights that are not this model's.
    #[error("{cid} holds no weights of the task's model: {problem}")]
    Weights {
        /// What was to be weights.
        cid: Cid,
        /// What is wrong.
        problem: learning::Malformed,
    },
    /// No weights to start from: the round names none, and the task has no seed.
    #[error("the round has no model to start from")]
    NoBase,
    /// The task's encoding of updates is not one.
    #[error("the task's encoding cannot be used: {0}")]
    Encoding(String),
    /// The task's limit is below the length that every update of its model has.
    #[error("an update of the task's model has {needed} bytes, and the task allows {allowed}")]
    NoUpdateFits {
        /// What every update has.
        needed: u64,
        /// The task's limit.
        allowed: u64,
    },
}

impl ModelError {
    /// Whether it speaks against the task for good. Where it does not, the store may give the model another time.
    pub fn is_final(&self) -> bool {
        use decentralml_storage::Error;
        match self {
            Self::Storage(error) => {
                matches!(error, Error::TooLarge { .. } | Error::NotAFile { .. })
            }
            _ => true,
        }
    }
}

/// How many bytes every update of a model has in this task.
pub fn update_length(model: &ModelSpec, spec: &TaskSpec) -> Result<u64, ModelError> {
    Ok(Update::byte_length(model, convert::encoding(spec)?) as u64)
}

/// Refuses a task in which no update of its model may be as long as it is.
pub fn check_update_length(model: &ModelSpec, spec: &TaskSpec) -> Result<(), ModelError> {
    let (needed, allowed) = (update_length(model, spec)?, spec.max_update_bytes);
    if needed > allowed {
        return Err(ModelError::NoUpdateFits { needed, allowed });
    }
    Ok(())
}

/// Fetches a task's list of layers and checks that it suits the task's objective.
pub async fn fetch_spec(storage: &Storage, spec: &TaskSpec) -> Result<ModelSpec, ModelError> {
    let bytes = storage.fetch(&spec.model, MAX_MODEL_SPEC).await?;
    let model = ModelSpec::from_canonical_json(&bytes)?;
    let Objective::Classification { features, classes } = spec.objective;
    model.check_data(features as usize, classes as usize).map_err(ModelError::Objective)?;
    Ok(model)
}

/// The weights that a round starts from: those of `base`, or, where that is `None`, those that the task's seed gives.
pub async fn fetch_weights(
    storage: &Storage,
    model: &ModelSpec,
    base: Option<&Cid>,
    spec: &TaskSpec,
) -> Result<Weights, ModelError> {
    match (base, &spec.initial) {
        (Some(cid), _) => {
            let bytes = storage.fetch(cid, Weights::byte_length(model) as u64).await?;
            Weights::from_bytes(&bytes, model)
                .map_err(|problem| ModelError::Weights { cid: *cid, problem })
        }
        (None, InitialModel::Seed(seed)) => Ok(Weights::init(model, *seed)),
        (None, InitialModel::Weights(_)) => Err(ModelError::NoBase),
    }
}

/// A task's validation set: rows that have the task's number of classes at most.
pub async fn fetch_validation(storage: &Storage, spec: &TaskSpec) -> Result<Dataset, WorkerError> {
    let bytes = storage.fetch(&spec.validation_set, spec.max_validation_bytes).await?;
    let Objective::Classification { classes, .. } = spec.objective;
    let options = data::CsvOptions { classes: Some(classes as usize), ..Default::default() };
    let source = format!("the validation set {}", spec.validation_set);
    Ok(data::read_csv(bytes.as_slice(), &source, &options)?)
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::convert::tests::task_spec;
    use decentralml_storage::{Store, server::Server};
    use std::{future::pending, sync::Arc};

    /// A store that answers as long as the test's runtime lives, with its folder.
    pub(crate) async fn store() -> (tempfile::TempDir, Arc<Store>, Storage) {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::open(folder.path()).unwrap());
        let server =
            Server::bind(store.clone(), "127.0.0.1:0".parse::<std::net::SocketAddr>().unwrap())
                .await
                .unwrap();
        let url = server.url();
        tokio::spawn(server.run(pending()));
        let storage = Storage::connect(&url).await.unwrap();
        (folder, store, storage)
    }

    #[test]
    fn an_update_may_be_as_long_as_the_task_says_and_no_longer() {
        let model = ModelSpec::mlp(4, &[5], 3);
        let mut spec = task_spec();
        let update = Update::zero(&model, convert::encoding(&spec).unwrap());
        spec.max_update_bytes = update.to_bytes().len() as u64;
        check_update_length(&model, &spec).unwrap();
        spec.max_update_bytes -= 1;
        let allowed = spec.max_update_bytes;
        let error = check_update_length(&model, &spec).unwrap_err();
        assert!(
            matches!(error, ModelError::NoUpdateFits { needed, allowed: a } if needed == allowed + 1 && a == allowed),
            "{error:?}"
        );
        assert!(error.is_final());
    }
}
