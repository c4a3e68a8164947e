//! Model versions.

use decentralml_types::{TaskId, Version};

use super::{View, text};
use crate::{
    api::{self, models::storage as stored, runtime_types::pallet_models::types},
    error::ReadError,
    record::{ModelStatus, ModelVersion},
};

impl View {
    /// A version of a task's model.
    pub async fn model(
        &self,
        task: TaskId,
        version: Version,
    ) -> Result<Option<ModelVersion>, ReadError> {
        let versions = api::storage().models().versions();
        let row = self.get("a model version", versions, (task, version)).await?;
        Ok(row.map(|row| read(task, version, row)))
    }

    /// The versions of a task's model, or of all tasks, by task and number.
    pub async fn models(&self, task: Option<TaskId>) -> Result<Vec<ModelVersion>, ReadError> {
        let versions = api::storage().models().versions();
        let rows = match task {
            Some(task) => self.entries("model versions", versions, (task,)).await?,
            None => self.entries("model versions", versions, ()).await?,
        };
        let mut models: Vec<ModelVersion> =
            rows.into_iter().map(|((task, version), row)| read(task, version, row)).collect();
        models.sort_by_key(|model| (model.task, model.version));
        Ok(models)
    }

    /// The latest version of a task's model.
    pub async fn last_version(&self, task: TaskId) -> Result<Option<Version>, ReadError> {
        self.get("the last version", api::storage().models().last_version(), (task,)).await
    }
}

fn read(task: TaskId, version: Version, row: stored::versions::Output) -> ModelVersion {
    ModelVersion {
        task,
        version,
        cid: row.cid.0,
        parent: row.parent,
        round: row.round,
        metric: row.metric,
        updates: row.updates,
        license: text(&row.license.0),
        recorded_at: row.recorded_at,
        status: match row.status {
            types::Release::Candidate => ModelStatus::Candidate,
            types::Release::Released { at } => ModelStatus::Released { at },
            types::Release::Recalled { at, reason } => {
                ModelStatus::Recalled { at, reason: text(&reason.0) }
            }
        },
    }
}
