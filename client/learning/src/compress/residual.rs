use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::Path,
};

use ::safetensors::Dtype;

use super::CodecError;
use crate::{
    malformed::Malformed,
    model::{ModelSpec, Parameter},
    safetensors,
};

/// What a client's updates have left out so far (error feedback, Karimireddy et al. 2019): it is added
/// to the next change, so that nothing is lost, only late.
#[derive(Clone, Debug, PartialEq)]
pub struct Residual {
    parameters: Vec<Parameter>,
    values: Vec<f32>,
}

/// Why a residual cannot be read back.
#[derive(Debug, thiserror::Error)]
pub enum ResidualError {
    /// The file cannot be read or written.
    #[error("a residual's file: {0}")]
    File(#[from] io::Error),
    /// The file is not a residual of this model.
    #[error("not a residual of this model: {0}")]
    Malformed(#[from] Malformed),
}

impl Residual {
    /// Nothing was left out yet.
    pub fn zero(spec: &ModelSpec) -> Self {
        Self { parameters: spec.parameters(), values: vec![0.0; spec.parameter_count()] }
    }

    /// What was left out of each weight, in the order of [`ModelSpec::parameters`].
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Takes other values; fails, and keeps its own, where one is not finite.
    pub(super) fn replace(&mut self, values: impl Iterator<Item = f32>) -> Result<(), CodecError> {
        let values: Vec<f32> = values.collect();
        if values.iter().any(|value| !value.is_finite()) {
            return Err(decentralml_exact::Error::NotFinite.into());
        }
        self.values = values;
        Ok(())
    }

    /// The canonical safetensors file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let body = self.values.iter().flat_map(|value| value.to_le_bytes());
        safetensors::write(&self.parameters, Dtype::F32, body)
    }

    /// Reads what [`to_bytes`](Self::to_bytes) has written.
    pub fn from_bytes(bytes: &[u8], spec: &ModelSpec) -> Result<Self, Malformed> {
        let parameters = spec.parameters();
        let body = safetensors::read(bytes, &parameters, Dtype::F32)?;
        let values: Vec<f32> =
            body.as_chunks().0.iter().map(|number| f32::from_le_bytes(*number)).collect();
        if let Some(index) = values.iter().position(|value| !value.is_finite()) {
            let (name, index) = safetensors::locate(&parameters, index);
            return Err(Malformed::NotFinite { name, index });
        }
        Ok(Self { parameters, values })
    }

    /// Writes the residual to a file, whole or not at all: a crash leaves the old one or the new one.
    pub fn save(&self, path: &Path) -> io::Result<()> {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".new");
        let new = path.with_file_name(name);
        let mut file = File::create(&new)?;
        file.write_all(&self.to_bytes())?;
        file.sync_all()?;
        fs::rename(new, path)
    }

    /// Reads a file that [`save`](Self::save) has written; no file is the residual of a first round.
    pub fn load(path: &Path, spec: &ModelSpec) -> Result<Self, ResidualError> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::zero(spec)),
            Err(error) => return Err(error.into()),
        };
        // One byte more than there can be, to see that there are more.
        let most = safetensors::length(&spec.parameters(), Dtype::F32) as u64 + 1;
        let mut bytes = Vec::new();
        file.take(most).read_to_end(&mut bytes)?;
        Ok(Self::from_bytes(&bytes, spec)?)
    }
}
