//! A task's model, from the store.

use decentralml_learning::{self as learning, ModelSpec, Weights};
use decentralml_storage::Storage;
use decentralml_types::{
    Cid, TaskSpec,
    spec::{InitialModel, Objective},
};

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
