//! Weights that are named by a file or a CID, and the layers that they belong to.

use super::fetch::check_target;
use crate::{
    aside::WriteError,
    context::Context,
    daemon::unless_stopped,
    exit::{Kind, OfKind, problem},
    task_file::read_model,
    transfer::to_memory,
};
use color_eyre::Result;
use decentralml_learning::{ModelSpec, model::READY};
use decentralml_onnx::{MAX_FILE, declared, import_limit, load};
use decentralml_types::Cid;
use std::path::Path;

/// Reads a file of weights into memory, or fetches a CID from the store. With layers, not more is read than such weights could have.
pub async fn read(context: &Context, name: &str, layers: Option<&ModelSpec>) -> Result<Vec<u8>> {
    let limit = layers.map_or(MAX_FILE, import_limit);
    let path = Path::new(name);
    if path.exists() {
        return load(path, limit).of_kind(Kind::Data);
    }
    let Ok(cid) = name.parse::<Cid>() else {
        let message = format!(
            "`{name}` is neither a file nor a CID; name a file of weights (safetensors or ONNX), or its CID"
        );
        return Err(problem(Kind::NotFound, message));
    };
    let fetching = async {
        let storage = context.storage().await?;
        to_memory(context, &storage, &cid, limit, "fetching the model").await
    };
    unless_stopped(fetching, "run it again to go on with what was fetched").await
}

/// Whether a file can go there, before anything is fetched or computed.
pub fn check_out(target: &Path, force: bool) -> Result<()> {
    check_target(target)?;
    match !force && target.symlink_metadata().is_ok() {
        true => written(Err(WriteError::Exists(target.display().to_string()))),
        false => Ok(()),
    }
}

/// Whether a file was written: one that is there already is the caller's to decide on.
pub fn written<T>(result: std::result::Result<T, WriteError>) -> Result<T> {
    match result {
        Err(error @ WriteError::Exists(_)) => Err(problem(Kind::Usage, error.to_string())),
        other => Ok(other?),
    }
}

/// The layers of a file (TOML or JSON), or of a ready model.
pub fn layers(name: &Path) -> Result<ModelSpec> {
    match name.to_str().filter(|name| READY.contains(name)) {
        Some(name) => Ok(ModelSpec::named(name, None, None)?),
        None if !name.exists() => {
            let (name, ready) = (name.display(), READY.join(", "));
            let message = format!(
                "`{name}` is neither a file of layers (TOML or JSON) nor a ready model ({ready})"
            );
            Err(problem(Kind::Usage, message))
        }
        None => read_model(name),
    }
}

/// The weights, and the layers that were asked for or that the file itself declares.
pub async fn with_layers(
    context: &Context,
    name: &str,
    file: Option<&Path>,
) -> Result<(Vec<u8>, ModelSpec)> {
    let given = file.map(layers).transpose()?;
    let bytes = read(context, name, given.as_ref()).await?;
    let spec = given.or_else(|| declared(&bytes)).ok_or_else(|| {
        problem(
            Kind::Usage,
            format!("{name} does not say which layers it has: give --layers, a file (TOML or JSON) or the name of a ready model"),
        )
    })?;
    Ok((bytes, spec))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_file_that_is_there_is_replaced_only_by_force() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m");
        assert!(check_out(&path, false).is_ok());
        std::fs::write(&path, "").unwrap();
        let error = check_out(&path, false).unwrap_err();
        assert!(error.to_string().contains("give --force"), "{error}");
        assert_eq!(crate::exit::kind(&error), Kind::Usage);
        assert!(check_out(&path, true).is_ok());
        assert!(check_out(folder.path(), true).is_err());
    }

    #[test]
    fn layers_are_those_of_a_ready_model_or_of_a_file() {
        assert_eq!(layers(Path::new("mlp")).unwrap().classes(), 10);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.toml");
        std::fs::write(&path, "version = 1\ninput = [2]\nlayers = [{ dense = { units = 3 } }]")
            .unwrap();
        assert_eq!(layers(&path).unwrap().classes(), 3);
        let error = layers(&folder.path().join("none.toml")).unwrap_err();
        assert!(error.to_string().contains("none.toml` is neither a file"), "{error}");
        assert_eq!(crate::exit::kind(&error), Kind::Usage);
    }
}
