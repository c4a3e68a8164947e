//! What a file of weights has, whichever of the two formats it is in.

mod onnx;

use half::{bf16, f16};
use safetensors::{Dtype, SafeTensors};
use serde::Serialize;

/// Tensors of a file at most; models here have hundreds.
const MAX_TENSORS: usize = 16_384;
/// Bytes of a safetensors header at most.
const MAX_HEADER: u64 = 16 << 20;

/// Why a file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Neither of the two formats.
    #[error(
        "neither an ONNX nor a safetensors file; export the weights in one of these two formats"
    )]
    Unknown,
    /// A file that is cut off or contradicts itself.
    #[error("damaged: {0}; copy or download it again")]
    Damaged(String),
    /// A file that keeps numbers elsewhere.
    #[error(
        "tensor `{0}` has its numbers in another file: save the model as a single file (in Python, `onnx.save(model, path)` after \
         `onnx.load`)"
    )]
    Elsewhere(String),
    /// More than any model has.
    #[error("more than {MAX_TENSORS} tensors: no model here has so many")]
    TooMany,
}

/// The format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Open Neural Network Exchange.
    Onnx,
    /// Hugging Face's format of tensors.
    Safetensors,
}

/// The type of a tensor's numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DType {
    /// IEEE's binary32.
    F32,
    /// IEEE's binary16.
    F16,
    /// The upper half of a binary32.
    Bf16,
    /// One whose numbers are not read, by its name.
    #[serde(untagged)]
    Other(String),
}

impl std::fmt::Display for DType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::F32 => f.write_str("f32"),
            Self::F16 => f.write_str("f16"),
            Self::Bf16 => f.write_str("bf16"),
            Self::Other(name) => f.write_str(name),
        }
    }
}

/// A tensor of a file.
#[derive(Clone, Debug)]
pub struct Tensor<'a> {
    /// Its name, as the file has it.
    pub name: String,
    /// Its sizes; none for a single number.
    pub shape: Vec<usize>,
    /// The type of its numbers.
    pub dtype: DType,
    numbers: Numbers<'a>,
}

/// Where a tensor's numbers are. Their count fits the shape, but for types that are not read.
#[derive(Clone, Debug)]
enum Numbers<'a> {
    Raw(&'a [u8]),
    Floats(Vec<f32>),
    /// The bits of floats of 16 bits.
    Halves(Vec<u16>),
}

impl Tensor<'_> {
    /// How many numbers it has.
    pub fn count(&self) -> usize {
        self.shape.iter().fold(1, |product, &size| product.saturating_mul(size))
    }

    /// Bytes that its numbers take in the file.
    pub fn bytes(&self) -> usize {
        match &self.numbers {
            Numbers::Raw(bytes) => bytes.len(),
            Numbers::Floats(floats) => floats.len() * 4,
            Numbers::Halves(halves) => halves.len() * 2,
        }
    }

    /// Its numbers in row-major order, those of 16 bits widened exactly; nothing where the type is not
    /// one of floats.
    pub fn numbers(&self) -> Option<Vec<f32>> {
        let half = |bits: u16| match self.dtype {
            DType::F16 => Some(f16::from_bits(bits).to_f32()),
            DType::Bf16 => Some(bf16::from_bits(bits).to_f32()),
            _ => None,
        };
        match (&self.numbers, &self.dtype) {
            (Numbers::Floats(floats), DType::F32) => Some(floats.clone()),
            (Numbers::Halves(halves), _) => halves.iter().map(|&bits| half(bits)).collect(),
            (Numbers::Raw(bytes), DType::F32) => {
                Some(bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
            }
            (Numbers::Raw(bytes), _) => {
                bytes.as_chunks().0.iter().map(|bytes| half(u16::from_le_bytes(*bytes))).collect()
            }
            (Numbers::Floats(_), _) => None,
        }
    }

    /// The same tensor with rows and columns exchanged; as it is where it is no matrix of floats.
    pub(crate) fn exchanged(self) -> Self {
        let (&[rows, columns], Some(numbers)) = (self.shape.as_slice(), self.numbers()) else {
            return self;
        };
        let column = |column: usize| numbers.iter().skip(column).step_by(columns.max(1)).take(rows);
        let floats = (0..columns).flat_map(column).copied().collect();
        let (shape, numbers) = (vec![columns, rows], Numbers::Floats(floats));
        Tensor { name: self.name, shape, dtype: DType::F32, numbers }
    }

    /// Whether its numbers are read.
    pub fn is_float(&self) -> bool {
        !matches!(self.dtype, DType::Other(_))
    }
}

/// A file's tensors, and what it says of itself.
#[derive(Clone, Debug)]
pub struct File<'a> {
    /// Its format.
    pub format: Format,
    /// Its tensors: of ONNX in the order of the file, of safetensors in that of their bytes.
    pub tensors: Vec<Tensor<'a>>,
    /// The program that has written it and its version, where it says so.
    pub producer: Option<String>,
    /// The version of ONNX's operators, where it says so.
    pub opset: Option<u64>,
    /// Operators of an ONNX file with how often each is used, sorted by name.
    pub operators: Vec<(String, usize)>,
    /// What else the file says of itself, in its order.
    pub metadata: Vec<(String, String)>,
    /// The message of the graph, of ONNX.
    pub(crate) graph: Option<&'a [u8]>,
}

impl<'a> File<'a> {
    /// Reads what `bytes` have: safetensors or ONNX, told by the content.
    pub fn read(bytes: &'a [u8]) -> Result<Self, ReadError> {
        match bytes.split_first_chunk::<8>() {
            Some((length, [b'{', ..])) => safetensors(bytes, u64::from_le_bytes(*length)),
            _ => onnx::read(bytes),
        }
    }

    /// An entry of the metadata.
    pub fn entry(&self, key: &str) -> Option<&str> {
        self.metadata.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }
}

fn safetensors(bytes: &[u8], header: u64) -> Result<File<'_>, ReadError> {
    if header > MAX_HEADER || header > bytes.len() as u64 {
        return Err(ReadError::Damaged(format!("it announces a header of {header} bytes")));
    }
    let damaged = |error: safetensors::SafeTensorError| ReadError::Damaged(error.to_string());
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(damaged)?;
    let mut entries: Vec<(String, String)> = metadata
        .metadata()
        .iter()
        .flatten()
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    entries.sort();
    let file = SafeTensors::deserialize(bytes).map_err(damaged)?;
    if file.len() > MAX_TENSORS {
        return Err(ReadError::TooMany);
    }
    // By their places, which a hash map has lost.
    let names = metadata.offset_keys();
    let mut tensors = Vec::with_capacity(names.len());
    for name in names {
        let view = file.tensor(&name).map_err(damaged)?;
        let dtype = match view.dtype() {
            Dtype::F32 => DType::F32,
            Dtype::F16 => DType::F16,
            Dtype::BF16 => DType::Bf16,
            other => DType::Other(other.to_string().to_lowercase()),
        };
        let (shape, numbers) = (view.shape().to_vec(), Numbers::Raw(view.data()));
        tensors.push(Tensor { name, shape, dtype, numbers });
    }
    Ok(File {
        format: Format::Safetensors,
        tensors,
        producer: None,
        opset: None,
        operators: Vec::new(),
        metadata: entries,
        graph: None,
    })
}

#[cfg(test)]
mod tests;
