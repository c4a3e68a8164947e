use std::{io, path::Path};

use super::CodecError;
use crate::{malformed::Malformed, model::ModelSpec, state::StateError, weights::Weights};

/// What a client's updates have left out so far (error feedback, Karimireddy et al. 2019): it is added
/// to the next change, so that nothing is lost, only late.
#[derive(Clone, Debug, PartialEq)]
pub struct Residual(Weights);

impl Residual {
    /// Nothing was left out yet.
    pub fn zero(spec: &ModelSpec) -> Self {
        Self(Weights::zero(spec))
    }

    /// What was left out of each weight, in the order of [`ModelSpec::parameters`].
    pub fn values(&self) -> &[f32] {
        self.0.values()
    }

    /// Takes other values; fails, and keeps its own, where one is not finite.
    pub(super) fn replace(&mut self, values: impl Iterator<Item = f32>) -> Result<(), CodecError> {
        // Another count cannot be: values come from as many changes.
        let other = self.0.with_values(values.collect());
        self.0 = other.map_err(|_| decentralml_exact::Error::NotFinite)?;
        Ok(())
    }

    /// The canonical safetensors file.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.to_bytes()
    }

    /// Reads what [`to_bytes`](Self::to_bytes) has written.
    pub fn from_bytes(bytes: &[u8], spec: &ModelSpec) -> Result<Self, Malformed> {
        Weights::from_bytes(bytes, spec).map(Self)
    }

    /// Writes the residual to a file, whole or not at all: a crash leaves the old one or the new one.
    pub fn save(&self, path: &Path) -> io::Result<()> {
        self.0.save(path)
    }

    /// Reads a file that [`save`](Self::save) has written; no file is the residual of a first round.
    pub fn load(path: &Path, spec: &ModelSpec) -> Result<Self, StateError> {
        Ok(Weights::load(path, spec)?.map_or_else(|| Self::zero(spec), Self))
    }
}
