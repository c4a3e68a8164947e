//! A model's weights, their canonical bytes, and their initialization from a seed.

use ::safetensors::Dtype;
use rayon::prelude::*;

use crate::{
    malformed::Malformed,
    model::{Draws, ModelSpec, Parameter, Start},
    random::{Purpose, Seed, Stream},
    safetensors,
};

/// The weights of a model: finite `f32` numbers in the order of [`ModelSpec::parameters`].
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    parameters: Vec<Parameter>,
    values: Vec<f32>,
}

/// Why numbers are not the weights of a model.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// Another count of numbers than the model has.
    #[error("{found} weights, the model has {expected}")]
    Count {
        /// Numbers that the model has.
        expected: usize,
        /// Numbers given.
        found: usize,
    },
    /// NaN or infinite: training has diverged, or a model is broken.
    #[error("tensor `{name}`, number {index}: not finite")]
    NotFinite {
        /// The tensor.
        name: String,
        /// Index within the tensor, in row-major order.
        index: usize,
    },
}

impl Weights {
    /// The weights `values`, all tensors one after the other in the order of
    /// [`ModelSpec::parameters`], each in row-major order.
    pub fn new(spec: &ModelSpec, values: Vec<f32>) -> Result<Self, WeightsError> {
        Self::from_parts(spec.parameters(), values)
    }

    pub(crate) fn from_parts(
        parameters: Vec<Parameter>,
        values: Vec<f32>,
    ) -> Result<Self, WeightsError> {
        let expected = parameters.iter().map(Parameter::count).sum();
        if values.len() != expected {
            return Err(WeightsError::Count { expected, found: values.len() });
        }
        if let Some(index) = not_finite(&values) {
            let (name, index) = safetensors::locate(&parameters, index);
            return Err(WeightsError::NotFinite { name, index });
        }
        Ok(Self { parameters, values })
    }

    /// A model's worth of zeros.
    pub(crate) fn zero(spec: &ModelSpec) -> Self {
        let parameters = spec.parameters();
        let count = parameters.iter().map(Parameter::count).sum();
        Self { parameters, values: vec![0.0; count] }
    }

    /// Fresh weights, bit-exact on every machine: draws of ChaCha20 and single IEEE operations.
    ///
    /// The weights of dense layers and convolutions are uniform in `±√(6 / inputs)` before a ReLU or
    /// GELU (He et al. 2015) and in `±√(6 / (inputs + outputs))` elsewhere (Glorot and Bengio 2010);
    /// `docs/models.md` has the other layers'. Gains are one, biases and offsets zero.
    pub fn init(spec: &ModelSpec, seed: Seed) -> Self {
        let (mut parameters, mut values) = (Vec::new(), Vec::new());
        for tensor in spec.started() {
            let count = tensor.parameter.count();
            match tensor.start {
                Start::Zeros => values.extend(std::iter::repeat_n(0.0, count)),
                Start::Ones => values.extend(std::iter::repeat_n(1.0, count)),
                Start::Uniform { limit, stream } => {
                    // A stream per tensor: its draws do not depend on how many others need.
                    let mut stream = match stream {
                        Draws::Layer(layer) => Stream::new(&seed, Purpose::Initialize, layer),
                        Draws::Tensor(tensor) => Stream::new(&seed, Purpose::Tensor, tensor),
                    };
                    values.extend((0..count).map(|_| (2.0 * stream.unit_f32() - 1.0) * limit));
                }
            }
            parameters.push(tensor.parameter);
        }
        Self { parameters, values }
    }

    /// The canonical safetensors file: equal weights give equal bytes, hence an equal CID.
    pub fn to_bytes(&self) -> Vec<u8> {
        let body = self.values.iter().flat_map(|value| value.to_le_bytes());
        safetensors::write(&self.parameters, Dtype::F32, body)
    }

    /// Reads the weights of a model and refuses everything that [`to_bytes`](Self::to_bytes) would
    /// not have written.
    pub fn from_bytes(bytes: &[u8], spec: &ModelSpec) -> Result<Self, Malformed> {
        let parameters = spec.parameters();
        let body = safetensors::read(bytes, &parameters, Dtype::F32)?;
        let values: Vec<f32> =
            body.as_chunks().0.iter().map(|number| f32::from_le_bytes(*number)).collect();
        if let Some(index) = not_finite(&values) {
            let (name, index) = safetensors::locate(&parameters, index);
            return Err(Malformed::NotFinite { name, index });
        }
        Ok(Self { parameters, values })
    }

    /// How many bytes [`to_bytes`](Self::to_bytes) gives for any weights of this model: what to allow
    /// when fetching them.
    pub fn byte_length(spec: &ModelSpec) -> usize {
        safetensors::length(&spec.parameters(), Dtype::F32)
    }

    /// All numbers, in the order of [`ModelSpec::parameters`].
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Names and shapes, sorted by name.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// The tensors one by one: name, shape, numbers in row-major order.
    pub fn tensors(&self) -> impl Iterator<Item = (&Parameter, &[f32])> {
        let mut rest = self.values.as_slice();
        self.parameters.iter().map(move |parameter| {
            let (tensor, tail) = rest.split_at(parameter.count());
            rest = tail;
            (parameter, tensor)
        })
    }

    /// Other numbers for the same model.
    pub(crate) fn with_values(&self, values: Vec<f32>) -> Result<Self, WeightsError> {
        Self::from_parts(self.parameters.clone(), values)
    }
}

/// The place of the first value that is not finite.
fn not_finite(values: &[f32]) -> Option<usize> {
    // Without a branch for each value, in one of many chunks that threads share.
    let bad = |values: &[f32]| values.iter().fold(false, |bad, value| bad | !value.is_finite());
    let chunk = values.par_chunks(CHECKED).position_first(bad)?;
    let values = values.get(chunk * CHECKED..)?;
    values.iter().position(|value| !value.is_finite()).map(|index| chunk * CHECKED + index)
}

/// Values that a thread checks at a time.
const CHECKED: usize = 16 << 10;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::testing::fold;

    fn spec() -> ModelSpec {
        ModelSpec::mlp(64, &[32], 10)
    }

    #[test]
    fn initial_weights_are_the_golden_ones() {
        let bytes = Weights::init(&spec(), [1; 32]).to_bytes();
        assert_eq!(
            fold(&bytes),
            16_722_911_543_470_376_454,
            "every node must start from the same bytes"
        );
    }

    #[test]
    fn initial_weights_follow_the_seed_and_the_layers_limits() {
        let weights = Weights::init(&spec(), [1; 32]);
        assert_ne!(weights, Weights::init(&spec(), [2; 32]));
        for (parameter, tensor) in weights.tensors() {
            let largest = tensor.iter().fold(0_f32, |max, value| max.max(value.abs()));
            let limit = match parameter.name.as_str() {
                "layers.0.weight" => (6_f32 / 64.0).sqrt(),
                "layers.2.weight" => (6_f32 / 42.0).sqrt(),
                _ => 0.0,
            };
            assert!(largest <= limit && largest >= 0.9 * limit, "{}", parameter.name);
        }
    }

    #[test]
    fn two_saves_are_equal_and_reading_back_is_exact() {
        let weights = Weights::init(&spec(), [3; 32]);
        let bytes = weights.to_bytes();
        assert_eq!(bytes, weights.clone().to_bytes());
        assert_eq!(Weights::from_bytes(&bytes, &spec()).unwrap(), weights);
    }

    #[test]
    fn bytes_that_are_not_this_models_weights_are_refused() {
        let bytes = Weights::init(&spec(), [3; 32]).to_bytes();
        let read = |bytes: &[u8]| Weights::from_bytes(bytes, &spec()).unwrap_err();
        let expected = bytes.len();

        for found in [0, 7, 100, expected - 1] {
            assert_eq!(read(&bytes[..found]), Malformed::Truncated { expected, found });
        }
        let longer = [bytes.as_slice(), &[0]].concat();
        assert_eq!(read(&longer), Malformed::TooLong { expected, found: expected + 1 });

        let mut nan = bytes.clone();
        nan[expected - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
        let name = "layers.2.weight".to_owned();
        assert_eq!(read(&nan), Malformed::NotFinite { name, index: 319 });

        let other = Weights::init(&ModelSpec::mlp(64, &[31], 10), [3; 32]).to_bytes();
        assert!(matches!(read(&other), Malformed::Shape { expected, .. } if expected == [32]));
        let deeper = Weights::init(&ModelSpec::mlp(64, &[32, 10], 10), [3; 32]).to_bytes();
        assert!(matches!(read(&deeper), Malformed::Unexpected(name) if name == "layers.4.bias"));
        let shallow = Weights::init(&ModelSpec::mlp(64, &[], 32), [3; 32]).to_bytes();
        assert!(matches!(read(&shallow), Malformed::Missing(name) if name == "layers.2.bias"));

        assert!(matches!(read(&[b'x'; 5_000]), Malformed::Header(_)));
        let mut broken = bytes.clone();
        broken[8] = b'[';
        assert!(matches!(read(&broken), Malformed::Header(_)));
        let mut spaced = bytes.clone();
        let end = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        let brace = bytes[..end].iter().rposition(|&byte| byte == b'}').unwrap();
        if brace + 1 < end {
            spaced.swap(brace, brace + 1);
        } else {
            spaced.splice(end..end, *b"        ");
            spaced[..8].copy_from_slice(&(end as u64).to_le_bytes());
        }
        assert_eq!(read(&spaced), Malformed::NotCanonical);
    }

    #[test]
    fn numbers_that_do_not_fit_are_refused() {
        let count = spec().parameter_count();
        assert!(matches!(
            Weights::new(&spec(), vec![0.0; count + 1]),
            Err(WeightsError::Count { .. })
        ));
        let mut values = vec![0.0; count];
        values[10] = f32::INFINITY;
        let error = Weights::new(&spec(), values).unwrap_err();
        assert_eq!(error.to_string(), "tensor `layers.0.bias`, number 10: not finite");
    }
}
