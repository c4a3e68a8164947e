//! A task's model and its validation set, from the store.

use decentralml_learning::{
    self as learning, ControlVariate, Dataset, ModelSpec, ServerOptimizer, ServerState, Weights,
    data,
};
use decentralml_storage::Storage;
use decentralml_types::{
    Cid, TaskSpec,
    spec::{InitialModel, Objective},
};

use crate::{error::WorkerError, wire::Wire};

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
    /// The rows of this account do not suit it.
    #[error("the rows do not suit the task's model: {0}")]
    Rows(learning::SpecError),
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
    /// The task's counts of updates make no sense.
    #[error("the task's counts of updates cannot be used: {0}")]
    Counts(String),
    /// Bytes that are no state of the task's server.
    #[error("{cid} holds no state of the task's server: {problem}")]
    State {
        /// What was to be a state.
        cid: Cid,
        /// What is wrong.
        problem: learning::Malformed,
    },
    /// The state before the first round cannot be made.
    #[error("the task's server optimizer cannot be used: {0}")]
    Server(#[from] learning::ServerError),
    /// The task's limit is below the length that updates of its model have.
    #[error("an update of the task's model has {needed} bytes, and the task allows {allowed}")]
    NoUpdateFits {
        /// What every update has, or, where updates are packed, what one has at most.
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

/// How many bytes every update of a model has in this task; where updates are packed, what one has at most.
pub fn update_length(model: &ModelSpec, spec: &TaskSpec) -> Result<u64, ModelError> {
    Ok(Wire::of(spec)?.most_bytes(model))
}

/// Refuses a task in which no update of its model may be as long as it is.
pub fn check_update_length(model: &ModelSpec, spec: &TaskSpec) -> Result<(), ModelError> {
    let (needed, allowed) = (update_length(model, spec)?, spec.max_update_bytes);
    if needed > allowed {
        return Err(ModelError::NoUpdateFits { needed, allowed });
    }
    Ok(())
}

/// Refuses rows that the model would take for something else: under other names, or with numbers that are no tokens.
pub fn check_rows(model: &ModelSpec, rows: &Dataset) -> Result<(), ModelError> {
    model.check_rows(rows).map_err(ModelError::Rows)
}

/// Fetches a task's list of layers and checks that it suits the task's objective.
pub async fn fetch_spec(storage: &Storage, spec: &TaskSpec) -> Result<ModelSpec, ModelError> {
    let bytes = storage.fetch(&spec.model, MAX_MODEL_SPEC).await?;
    let model = ModelSpec::from_canonical_json(&bytes)?;
    check_objective(&model, &spec.objective).map_err(ModelError::Objective)?;
    Ok(model)
}

/// Refuses a model that does not suit what is learned: of labels, or tokens, or quantities.
pub fn check_objective(
    model: &ModelSpec,
    objective: &Objective,
) -> Result<(), learning::SpecError> {
    match *objective {
        Objective::Classification { features, classes } => {
            model.check_data(features as usize, classes as usize)
        }
        Objective::Regression { features, quantities } => {
            model.check_quantities(features as usize, quantities as usize)
        }
    }
}

/// Why rows do not suit what is learned; `None` where they do.
pub fn unfit(objective: &Objective, rows: &Dataset) -> Option<String> {
    let (columns, features) = (rows.columns(), objective.features());
    if columns != features as usize {
        return Some(format!("its rows have {features} features, the data's {columns}"));
    }
    match (objective, rows.quantities()) {
        (Objective::Classification { .. }, 1..) => {
            Some("its rows have labels, the data's have quantities".to_owned())
        }
        (Objective::Classification { classes, .. }, 0) if rows.classes() > *classes as usize => {
            let known = rows.classes();
            Some(format!("it tells {classes} classes apart, the data has {known}"))
        }
        (Objective::Regression { quantities, .. }, 0) => Some(format!(
            "it predicts quantities, the data has labels; say how many of the last columns are quantities, with --quantities \
             {quantities}"
        )),
        (Objective::Regression { quantities, .. }, found) if found != *quantities as usize => {
            Some(format!("it predicts {quantities} quantities of a row, the data has {found}"))
        }
        _ => None,
    }
}

/// How a CSV file of rows for an objective is read: numbers with the label, or the quantities, last.
pub fn csv_options(objective: &Objective) -> data::CsvOptions {
    match *objective {
        Objective::Classification { classes, .. } => {
            data::CsvOptions { classes: Some(classes as usize), ..Default::default() }
        }
        Objective::Regression { quantities, .. } => {
            data::CsvOptions { quantities: quantities as usize, ..Default::default() }
        }
    }
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

/// The state of the server's optimizer that a round starts from: that in `state`, or, where that is `None`, the one before the first
/// round.
pub async fn fetch_state(
    storage: &Storage,
    model: &ModelSpec,
    state: Option<&Cid>,
    optimizer: &ServerOptimizer,
) -> Result<ServerState, ModelError> {
    let Some(cid) = state else { return Ok(optimizer.start(model)?) };
    let length = ServerState::byte_length(optimizer, model) as u64;
    let bytes = storage.fetch(cid, length).await?;
    ServerState::from_bytes(&bytes, optimizer, model)
        .map_err(|problem| ModelError::State { cid: *cid, problem })
}

/// The server's control variate that a round starts from: that in `state`, or, where that is `None`, the one before the first round.
pub async fn fetch_variate(
    storage: &Storage,
    model: &ModelSpec,
    state: Option<&Cid>,
) -> Result<ControlVariate, ModelError> {
    let Some(cid) = state else { return Ok(ControlVariate::zero(model)) };
    let bytes = storage.fetch(cid, Weights::byte_length(model) as u64).await?;
    ControlVariate::from_bytes(&bytes, model)
        .map_err(|problem| ModelError::State { cid: *cid, problem })
}

/// A task's validation set: rows that have the task's number of classes at most, or of quantities exactly.
pub async fn fetch_validation(storage: &Storage, spec: &TaskSpec) -> Result<Dataset, WorkerError> {
    let bytes = storage.fetch(&spec.validation_set, spec.max_validation_bytes).await?;
    let options = csv_options(&spec.objective);
    let source = format!("the validation set {}", spec.validation_set);
    Ok(data::read_csv(bytes.as_slice(), &source, &options)?)
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::convert::{self, tests::task_spec};
    use decentralml_learning::Update;
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

    #[test]
    fn packed_updates_may_be_as_long_as_any_can_be() {
        let model = ModelSpec::mlp(4, &[5], 3);
        let mut spec = TaskSpec { encoding: convert::tests::packed(), ..task_spec() };
        let most = update_length(&model, &spec).unwrap();
        assert_eq!(most, convert::codec(&spec).unwrap().unwrap().most_bytes(&model) as u64);
        spec.max_update_bytes = most;
        check_update_length(&model, &spec).unwrap();
        spec.max_update_bytes = most - 1;
        assert!(check_update_length(&model, &spec).is_err());
    }

    #[test]
    fn rows_and_models_suit_an_objective_or_say_why_not() {
        let labels = Dataset::new(vec![1.0; 6], vec![0, 2], 3, 3).unwrap();
        let quantities = Dataset::with_quantities(vec![1.0; 6], vec![0.5; 4], 3, 2).unwrap();
        let classes = |classes| Objective::Classification { features: 3, classes };
        let numbers = |quantities| Objective::Regression { features: 3, quantities };
        let why = |objective: Objective, rows| unfit(&objective, rows).unwrap();
        assert_eq!(unfit(&classes(3), &labels), None);
        assert_eq!(unfit(&numbers(2), &quantities), None);
        assert!(why(classes(2), &labels).contains("2 classes apart, the data has 3"));
        assert!(why(classes(9), &quantities).contains("have quantities"));
        assert!(why(numbers(2), &labels).contains("--quantities 2"));
        assert!(why(numbers(1), &quantities).contains("the data has 2"));
        let narrow = Objective::Regression { features: 4, quantities: 2 };
        assert!(why(narrow, &quantities).contains("4 features, the data's 3"));

        let model = ModelSpec::mlp(3, &[], 2);
        check_objective(&model, &classes(2)).unwrap();
        assert!(check_objective(&model, &numbers(2)).is_err());
        let model = model.with_task(learning::Task::Regression);
        check_objective(&model, &numbers(2)).unwrap();
        assert!(check_objective(&model, &classes(2)).is_err());
        assert!(check_objective(&model, &numbers(1)).is_err());
        let csv = "1,2,3,0.5,-1\n";
        let read = data::read_csv(csv.as_bytes(), "rows", &csv_options(&numbers(2))).unwrap();
        assert_eq!((read.columns(), read.quantities_of(0)), (3, &[0.5, -1.0][..]));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_variate_is_read_back_and_one_of_another_model_is_refused() {
        let (_folder, _, storage) = store().await;
        let model = ModelSpec::mlp(4, &[5], 3);
        let first = fetch_variate(&storage, &model, None).await.unwrap();
        assert_eq!(first, ControlVariate::zero(&model));
        let cid = storage.add(Weights::init(&model, [1; 32]).to_bytes()).await.unwrap().cid;
        let found = fetch_variate(&storage, &model, Some(&cid)).await.unwrap();
        assert_eq!(found.values(), Weights::init(&model, [1; 32]).values());
        let smaller = ModelSpec::mlp(4, &[4], 3);
        let other = storage.add(Weights::init(&smaller, [1; 32]).to_bytes()).await.unwrap().cid;
        let error = fetch_variate(&storage, &model, Some(&other)).await.unwrap_err();
        assert!(matches!(error, ModelError::State { cid, .. } if cid == other), "{error:?}");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_state_is_read_back_and_one_of_another_optimizer_is_refused() {
        let (_folder, _, storage) = store().await;
        let model = ModelSpec::mlp(4, &[5], 3);
        let momentum = ServerOptimizer::DiLoCo { rate: 0.7, momentum: 0.9 };
        let first = fetch_state(&storage, &model, None, &momentum).await.unwrap();
        assert_eq!(first, momentum.start(&model).unwrap());
        let bytes = first.to_bytes(&momentum, &model).unwrap();
        let cid = storage.add(bytes).await.unwrap().cid;
        assert_eq!(fetch_state(&storage, &model, Some(&cid), &momentum).await.unwrap(), first);
        let plain = ServerOptimizer::FedAvg { rate: 0.5 };
        let error = fetch_state(&storage, &model, Some(&cid), &plain).await.unwrap_err();
        assert!(error.is_final(), "{error:?}");
        let other = storage.add(vec![7; 40]).await.unwrap().cid;
        let error = fetch_state(&storage, &model, Some(&other), &momentum).await.unwrap_err();
        assert!(matches!(error, ModelError::State { cid, .. } if cid == other), "{error:?}");
    }
}
