//! What a task file names by its CID: whether the store has it, and it is what the file takes it for.

use super::Draft;
use crate::{
    exit::{Kind, problem},
    task_file::TaskFile,
};
use color_eyre::{Result, eyre::WrapErr};
use decentralml_learning::ModelSpec;
use decentralml_storage::Storage;
use decentralml_types::TaskSpec;
use decentralml_worker::{
    WorkerError,
    model::{ModelError, fetch_validation, fetch_weights},
};

/// Fetches it all. Workers would do so in vain, and the sponsor would have paid.
pub async fn check(file: &TaskFile, draft: &Draft, storage: &Storage) -> Result<()> {
    check_weights(file, &draft.spec, &draft.model, storage).await?;
    check_validation(file, &draft.spec, &draft.model, storage).await
}

async fn check_weights(
    file: &TaskFile,
    spec: &TaskSpec,
    model: &ModelSpec,
    storage: &Storage,
) -> Result<()> {
    let Some(cid) = &file.weights else { return Ok(()) };
    match fetch_weights(storage, model, Some(cid), spec).await {
        Ok(_) => Ok(()),
        Err(error) if error.is_final() => {
            Err(problem(Kind::Data, format!("`weights`: {error}; name those of this model")))
        }
        Err(error) => Err(error)
            .wrap_err_with(|| format!("`weights`: {cid} cannot be had as weights of this model")),
    }
}

async fn check_validation(
    file: &TaskFile,
    spec: &TaskSpec,
    model: &ModelSpec,
    storage: &Storage,
) -> Result<()> {
    let Some(cid) = &file.validation.cid else { return Ok(()) };
    let what = || format!("[validation]: {cid} cannot be had as rows");
    let rows = match fetch_validation(storage, spec).await {
        Ok(rows) => rows,
        // Whether the store or the file is to blame is the same question as with a model.
        Err(WorkerError::Storage(error)) => {
            return Err(ModelError::from(error)).wrap_err_with(what);
        }
        Err(error) => return Err(error).wrap_err_with(what),
    };
    let features = spec.objective.features();
    if rows.columns() != features as usize {
        let found = rows.columns();
        let message = format!(
            "[validation]: {cid}: {found} features in a row, but [objective] says {features}"
        );
        return Err(problem(Kind::Data, message));
    }
    let suit = model.check_rows(&rows);
    suit.map_err(|error| problem(Kind::Data, format!("[validation]: {cid}: {error}")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{commands::data::testing::store, exit, task_file::Stored};
    use decentralml_learning::{Weights, data};
    use decentralml_sdk::Properties;
    use decentralml_storage::Cid;

    fn example() -> TaskFile {
        let mut file = TaskFile::parse(include_str!("../../../../examples/digits.toml")).unwrap();
        file.validation.file = None;
        file.seed = None;
        file
    }

    fn spec(file: &TaskFile, model: &ModelSpec) -> TaskSpec {
        let token = Properties { symbol: "DML".to_owned(), decimals: 12, ss58: 42 };
        let any = file.validation.cid.or(file.weights).unwrap();
        file.spec(model, Stored { model: any, validation_set: any }, [0; 32], &token, &token)
            .unwrap()
    }

    async fn weights(storage: &Storage, cid: Cid) -> Result<()> {
        let file = TaskFile { weights: Some(cid), ..example() };
        let model = file.model_spec().unwrap();
        check_weights(&file, &spec(&file, &model), &model, storage).await
    }

    async fn validation(storage: &Storage, cid: Cid) -> Result<()> {
        validation_of(example(), storage, cid).await
    }

    async fn validation_of(mut file: TaskFile, storage: &Storage, cid: Cid) -> Result<()> {
        file.validation.cid = Some(cid);
        let model = file.model_spec().unwrap();
        check_validation(&file, &spec(&file, &model), &model, storage).await
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn first_weights_are_there_and_are_those_of_the_model() {
        let (_folder, _store, storage) = store().await;
        let model = example().model_spec().unwrap();
        let good = storage.add(Weights::init(&model, [1; 32]).to_bytes()).await.unwrap().cid;
        weights(&storage, good).await.unwrap();

        let longer = ModelSpec::mlp(64, &[129], 10);
        let longer = storage.add(Weights::init(&longer, [1; 32]).to_bytes()).await.unwrap().cid;
        let shorter = ModelSpec::mlp(64, &[127], 10);
        let shorter = storage.add(Weights::init(&shorter, [1; 32]).to_bytes()).await.unwrap().cid;
        for cid in [longer, shorter] {
            let error = weights(&storage, cid).await.unwrap_err();
            assert!(error.to_string().contains("`weights`"), "{error}");
            assert_eq!(exit::kind(&error), exit::Kind::Data, "{error:?}");
        }
        let missing = Cid { digest: [7; 32], ..good };
        let error = weights(&storage, missing).await.unwrap_err();
        assert_eq!(exit::kind(&error), exit::Kind::NoStore);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_validation_set_is_there_and_suits_the_objective() {
        let (_folder, _store, storage) = store().await;
        let mut rows = Vec::new();
        data::write_csv(&data::digits().unwrap().subset(&[0, 1, 2]), &mut rows, "rows").unwrap();
        let good = storage.add(rows.clone()).await.unwrap().cid;
        validation(&storage, good).await.unwrap();

        let narrow = storage.add(b"1,2,0\n".to_vec()).await.unwrap().cid;
        let error = validation(&storage, narrow).await.unwrap_err();
        assert!(error.to_string().contains("2 features"), "{error}");
        assert_eq!(exit::kind(&error), exit::Kind::Data);
        // Its label is beyond the ten classes.
        let last = rows.iter().rposition(|byte| *byte == b',').unwrap();
        let beyond = [&rows[..=last], b"10\n"].concat();
        let beyond = storage.add(beyond).await.unwrap().cid;
        let error = validation(&storage, beyond).await.unwrap_err();
        assert_eq!(exit::kind(&error), exit::Kind::Data, "{error:?}");
        let mut file = example();
        file.validation.cid = Some(good);
        let model = file.model_spec().unwrap();
        let narrow = TaskSpec { max_validation_bytes: 10, ..spec(&file, &model) };
        let error = check_validation(&file, &narrow, &model, &storage).await.unwrap_err();
        assert_eq!(exit::kind(&error), exit::Kind::Data, "longer than allowed: {error:?}");
        let missing = validation(&storage, Cid { digest: [7; 32], ..good }).await.unwrap_err();
        assert!(missing.to_string().contains("[validation]"), "{missing}");
        assert_eq!(exit::kind(&missing), exit::Kind::NoStore);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_named_set_with_a_row_that_the_model_cannot_take_is_refused_by_that_row() {
        let (_folder, _store, storage) = store().await;
        let texts = || {
            let mut file = example();
            file.objective.features = 2;
            file.objective.classes = Some(3);
            file.model.input = Some(vec![2]);
            file.model.layers = None;
            file.model.name = Some("gru-char".to_owned());
            file.max_update_size = None;
            file
        };
        let good = storage.add(b"0,1,2\n2,0,1\n".to_vec()).await.unwrap().cid;
        validation_of(texts(), &storage, good).await.unwrap();
        for (rows, named) in [("0,1,2\n2,3,1\n", "3 is no token"), ("0,1,2\n2,0.5,1\n", "0.5")] {
            let bad = storage.add(rows.as_bytes().to_vec()).await.unwrap().cid;
            let error = validation_of(texts(), &storage, bad).await.unwrap_err();
            let text = error.to_string();
            assert!(text.contains("row 2, number 2") && text.contains(named), "{text}");
            assert_eq!(exit::kind(&error), exit::Kind::Data);
        }

        let regression = || {
            let example = include_str!("../../../../examples/regression.toml");
            let mut file = TaskFile::parse(example).unwrap();
            file.validation.file = None;
            file
        };
        let good = storage.add(b"1,2,3,4,5,6,7,8,5.5\n".to_vec()).await.unwrap().cid;
        validation_of(regression(), &storage, good).await.unwrap();
        for rows in ["1,2,3,4,5,6,7,8\n", "1,2,3,4,5,6,7,8,5.5\n1,2,3,4,5,6,7,8,inf\n"] {
            let bad = storage.add(rows.as_bytes().to_vec()).await.unwrap().cid;
            let error = validation_of(regression(), &storage, bad).await.unwrap_err();
            assert_eq!(exit::kind(&error), exit::Kind::Data, "{error:?}");
        }
    }
}
