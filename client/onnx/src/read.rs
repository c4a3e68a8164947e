//! Files from a disk, within a limit.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use decentralml_learning::{ModelSpec, Weights};

/// Why a file is not read.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The system does not give it.
    #[error("{file}: {source}")]
    Io {
        /// The file.
        file: String,
        /// What the system says.
        source: io::Error,
    },
    /// A folder, or the like.
    #[error("{0} is no file; name a file of weights")]
    NoFile(String),
    /// Longer than what it is to be could be.
    #[error(
        "{file} has {found} bytes: more than the {limit} that weights of this model could have; check that it is the right file"
    )]
    TooLarge {
        /// The file.
        file: String,
        /// Its length.
        found: u64,
        /// The limit.
        limit: u64,
    },
}

/// Bytes of a file of weights at most, where nobody says for which model: what protocol buffers can have.
pub const MAX_FILE: u64 = i32::MAX as u64;

/// Bytes that a file of this model's weights may have: room for other tensors, such as an optimizer's.
pub fn import_limit(spec: &ModelSpec) -> u64 {
    (Weights::byte_length(spec) as u64).saturating_mul(4).saturating_add(64 << 20)
}

/// The layers that an exported model says it has; none of a file that does not say so, or not of valid
/// ones.
pub fn declared(bytes: &[u8]) -> Option<ModelSpec> {
    let file = crate::File::read(bytes).ok()?;
    ModelSpec::from_json(file.entry("decentralml.layers")?.as_bytes()).ok()
}

/// Reads a file of `limit` bytes at most, whose length is checked before anything is read.
pub fn load(path: &Path, limit: u64) -> Result<Vec<u8>, LoadError> {
    let file = path.display().to_string();
    let failed = |source| LoadError::Io { file: file.clone(), source };
    let source = File::open(path).map_err(failed)?;
    let found = source.metadata().map_err(failed)?;
    if !found.is_file() {
        return Err(LoadError::NoFile(file));
    }
    let found = found.len();
    if found > limit {
        return Err(LoadError::TooLarge { file, found, limit });
    }
    let mut bytes = Vec::with_capacity(usize::try_from(found).unwrap_or_default());
    // One that grows meanwhile is not followed for ever.
    let read = source.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)? as u64;
    if read > limit {
        return Err(LoadError::TooLarge { file, found: read, limit });
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_exported_model_tells_its_layers() {
        let spec = ModelSpec::named("gru-char", Some(&[3]), Some(4)).unwrap();
        let weights = Weights::init(&spec, [1; 32]);
        let file = crate::export(&spec, &weights, &[]).unwrap();
        assert_eq!(declared(&file), Some(spec.clone()));
        assert!(file.len() as u64 <= import_limit(&spec));
        assert_eq!((declared(&weights.to_bytes()), declared(b"")), (None, None));
    }

    #[test]
    fn a_file_beyond_the_limit_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m");
        std::fs::write(&path, [1; 9]).unwrap();
        assert_eq!(load(&path, 9).unwrap(), [1; 9]);
        assert!(load(&path, 8).unwrap_err().to_string().contains("has 9 bytes: more than the 8"));
        assert!(matches!(load(folder.path(), 9), Err(LoadError::NoFile(_))));
        let error = load(&folder.path().join("none"), 9).unwrap_err().to_string();
        assert!(error.contains("none: No such file"), "{error}");
    }
}
