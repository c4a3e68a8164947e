//! What somebody keeps from round to round: a model's worth of numbers in a file that survives crashes.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use decentralml_files::{Readers, replace};

use crate::{malformed::Malformed, model::ModelSpec, weights::Weights};

/// Why a state cannot be read back.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The file cannot be read.
    #[error("a state's file: {0}")]
    File(#[from] io::Error),
    /// The file is not a state of this model.
    #[error("not a state of this model: {0}")]
    Malformed(#[from] Malformed),
}

impl Weights {
    /// Writes the canonical file, whole or not at all: a crash leaves the old one or the new one.
    pub fn save(&self, path: &Path) -> io::Result<()> {
        replace(path, Readers::Everybody, &[&self.to_bytes()])
    }

    /// Reads a file that [`save`](Self::save) has written; nothing where there is none. Never reads more
    /// than the model's size.
    pub fn load(path: &Path, spec: &ModelSpec) -> Result<Option<Self>, StateError> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        // One byte more than there can be, to see that there are more.
        let most = Self::byte_length(spec) as u64 + 1;
        let mut bytes = Vec::new();
        file.take(most).read_to_end(&mut bytes)?;
        Ok(Some(Self::from_bytes(&bytes, spec)?))
    }
}
