//! The tensors of an ONNX file. Field numbers are those of `onnx.proto`.

use std::collections::BTreeMap;

use super::{DType, File, Format, MAX_TENSORS, Numbers, ReadError, Tensor};
use crate::{
    proto::data_type,
    wire::{Damage, Fields},
};

/// Entries of metadata, and kinds of operators, at most.
const MAX_ENTRIES: usize = 1_024;
/// Sizes that a shape has at most.
const MAX_RANK: usize = 32;

fn damaged(damage: Damage) -> ReadError {
    ReadError::Damaged(damage.to_owned())
}

pub(super) fn read(bytes: &[u8]) -> Result<File<'_>, ReadError> {
    let mut file = File {
        format: Format::Onnx,
        tensors: Vec::new(),
        producer: None,
        opset: None,
        operators: Vec::new(),
        metadata: Vec::new(),
        graph: None,
    };
    let (mut version, mut graph) = (None, None);
    let mut producer_version = None;
    for field in Fields::of(bytes) {
        // Whatever does not even start like a model of ONNX is called a stranger, not damaged.
        let stranger = version.is_none();
        let (number, value) =
            field.map_err(|damage| if stranger { ReadError::Unknown } else { damaged(damage) })?;
        match number {
            1 => {
                let found = value.integer().map_err(|_| ReadError::Unknown)?;
                version = Some(found);
            }
            2 => file.producer = Some(value.text().map_err(damaged)?),
            3 => producer_version = Some(value.text().map_err(damaged)?),
            7 => graph = Some(value.bytes().map_err(damaged)?),
            8 => {
                let (domain, opset) = opset(value.bytes().map_err(damaged)?).map_err(damaged)?;
                if domain.is_empty() || domain == "ai.onnx" {
                    file.opset = Some(opset);
                }
            }
            14 if file.metadata.len() < MAX_ENTRIES => {
                file.metadata.push(entry(value.bytes().map_err(damaged)?).map_err(damaged)?);
            }
            _ => {}
        }
    }
    if let (Some(producer), Some(version)) = (&mut file.producer, producer_version) {
        *producer = format!("{producer} {version}").trim_end().to_owned();
    }
    // Both are required; without them it is anything that happens to be made of fields.
    let (Some(_), Some(graph)) = (version, graph) else { return Err(ReadError::Unknown) };
    read_graph(graph, &mut file)?;
    file.graph = Some(graph);
    Ok(file)
}

fn opset(message: &[u8]) -> Result<(String, u64), Damage> {
    let (mut domain, mut version) = (String::new(), 0);
    for field in Fields::of(message) {
        match field? {
            (1, value) => domain = value.text()?,
            (2, value) => version = value.integer()?,
            _ => {}
        }
    }
    Ok((domain, version))
}

fn entry(message: &[u8]) -> Result<(String, String), Damage> {
    let (mut key, mut text) = (String::new(), String::new());
    for field in Fields::of(message) {
        match field? {
            (1, value) => key = value.text()?,
            (2, value) => text = value.text()?,
            _ => {}
        }
    }
    Ok((key, text))
}

fn read_graph<'a>(graph: &'a [u8], file: &mut File<'a>) -> Result<(), ReadError> {
    let mut operators: BTreeMap<String, usize> = BTreeMap::new();
    for field in Fields::of(graph) {
        match field.map_err(damaged)? {
            (1, value) => {
                let name = operator(value.bytes().map_err(damaged)?).map_err(damaged)?;
                if operators.len() < MAX_ENTRIES || operators.contains_key(&name) {
                    *operators.entry(name).or_default() += 1;
                }
            }
            (5, value) => {
                if file.tensors.len() == MAX_TENSORS {
                    return Err(ReadError::TooMany);
                }
                file.tensors.push(tensor(value.bytes().map_err(damaged)?)?);
            }
            _ => {}
        }
    }
    file.operators = operators.into_iter().collect();
    Ok(())
}

fn operator(node: &[u8]) -> Result<String, Damage> {
    let mut name = String::new();
    for field in Fields::of(node) {
        if let (4, value) = field? {
            name = value.text()?;
        }
    }
    Ok(name)
}

/// What a message of a tensor may have.
#[derive(Default)]
struct Parts<'a> {
    name: String,
    shape: Vec<usize>,
    kind: u64,
    raw: Option<&'a [u8]>,
    floats: Vec<f32>,
    halves: Vec<u16>,
    elsewhere: bool,
}

impl<'a> Parts<'a> {
    fn read(message: &'a [u8]) -> Result<Self, Damage> {
        let mut parts = Self::default();
        for field in Fields::of(message) {
            match field? {
                (1, value) => {
                    for size in value.integers() {
                        let size = usize::try_from(size?).ok().filter(|&size| size < 1 << 48);
                        parts.shape.push(size.ok_or("a tensor with an impossible size")?);
                        if parts.shape.len() > MAX_RANK {
                            return Err("a tensor with too many dimensions");
                        }
                    }
                }
                (2, value) => parts.kind = value.integer()?,
                (4, value) => match value {
                    crate::wire::Value::Four(bytes) => {
                        parts.floats.push(f32::from_le_bytes(bytes));
                    }
                    packed => {
                        let (floats, rest) = packed.bytes()?.as_chunks();
                        if !rest.is_empty() {
                            return Err("a list of floats that ends within one");
                        }
                        parts.floats.extend(floats.iter().map(|bytes| f32::from_le_bytes(*bytes)));
                    }
                },
                // Floats of 16 bits lie in the list of 32-bit integers, as their bits.
                (5, value) if is_half(parts.kind) || parts.kind == 0 => {
                    for bits in value.integers() {
                        let bits = u16::try_from(bits?);
                        parts.halves.push(bits.map_err(|_| "a float of 16 bits has more")?);
                    }
                }
                (8, value) => parts.name = value.text()?,
                (9, value) => parts.raw = Some(value.bytes()?),
                (14, value) => parts.elsewhere = value.integer()? == 1,
                _ => {}
            }
        }
        Ok(parts)
    }
}

fn is_half(kind: u64) -> bool {
    kind == data_type::FLOAT16 as u64 || kind == data_type::BFLOAT16 as u64
}

fn tensor(message: &[u8]) -> Result<Tensor<'_>, ReadError> {
    let Parts { name, shape, kind, raw, floats, halves, elsewhere, .. } =
        Parts::read(message).map_err(damaged)?;
    if elsewhere {
        return Err(ReadError::Elsewhere(name));
    }
    let dtype = match i32::try_from(kind).unwrap_or_default() {
        data_type::FLOAT => DType::F32,
        data_type::FLOAT16 => DType::F16,
        data_type::BFLOAT16 => DType::Bf16,
        other => DType::Other(type_name(other)),
    };
    let numbers = match (raw, is_half(kind)) {
        (Some(raw), _) => Numbers::Raw(raw),
        (None, true) => Numbers::Halves(halves),
        (None, false) => Numbers::Floats(floats),
    };
    let tensor = Tensor { name, shape, dtype, numbers };
    let count = tensor.shape.iter().try_fold(1_usize, |all, &size| all.checked_mul(size));
    let width = if tensor.dtype == DType::F32 { 4 } else { 2 };
    let expected = count.and_then(|count| count.checked_mul(width));
    if tensor.is_float() && expected != Some(tensor.bytes()) {
        let (name, shape, found) = (&tensor.name, &tensor.shape, tensor.bytes());
        let problem = format!("tensor `{name}` of shape {shape:?} has {found} bytes");
        return Err(ReadError::Damaged(problem));
    }
    Ok(tensor)
}

/// What `TensorProto.DataType` calls the types that are not read.
fn type_name(kind: i32) -> String {
    let name = match kind {
        2 => "u8",
        3 => "i8",
        4 => "u16",
        5 => "i16",
        6 => "i32",
        7 => "i64",
        8 => "string",
        9 => "bool",
        11 => "f64",
        12 => "u32",
        13 => "u64",
        14 => "c64",
        15 => "c128",
        other => return format!("type {other}"),
    };
    name.to_owned()
}
