//! The canonical form of tensors in bytes: safetensors with sorted names, one element type, no
//! metadata, a header without white space that is padded with spaces to a multiple of 8 bytes.
//!
//! Given the model, the header is known in advance, byte by byte. Reading is therefore a comparison;
//! a stranger's header is parsed only to say what is wrong with it.

use std::fmt::Write;

use ::safetensors::{Dtype, tensor::Metadata};

use crate::{malformed::Malformed, model::Parameter};

/// The eight bytes of the header's length, and the header.
fn header(parameters: &[Parameter], dtype: Dtype) -> Vec<u8> {
    let mut json = String::from("{");
    let mut offset = 0;
    for (index, parameter) in parameters.iter().enumerate() {
        let end = offset + parameter.count() * dtype.bitsize() / 8;
        let separator = if index == 0 { "" } else { "," };
        let shape: Vec<String> = parameter.shape.iter().map(usize::to_string).collect();
        // Names are made of letters, digits and dots: nothing to escape. A String never fails.
        let _ = write!(
            json,
            r#"{separator}"{}":{{"dtype":"{dtype}","shape":[{}],"data_offsets":[{offset},{end}]}}"#,
            parameter.name,
            shape.join(","),
        );
        offset = end;
    }
    json.push('}');
    let length = json.len().next_multiple_of(8);
    let mut bytes = (length as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(json.as_bytes());
    bytes.resize(8 + length, b' ');
    bytes
}

fn body_length(parameters: &[Parameter], dtype: Dtype) -> usize {
    parameters.iter().map(Parameter::count).sum::<usize>() * dtype.bitsize() / 8
}

/// The length of a file with these tensors, in bytes.
pub(crate) fn length(parameters: &[Parameter], dtype: Dtype) -> usize {
    header(parameters, dtype).len() + body_length(parameters, dtype)
}

/// Writes the tensors; `body` are all their numbers, in the order of the parameters, little endian.
pub(crate) fn write(
    parameters: &[Parameter],
    dtype: Dtype,
    body: impl IntoIterator<Item = u8>,
) -> Vec<u8> {
    let mut bytes = header(parameters, dtype);
    bytes.reserve(body_length(parameters, dtype));
    bytes.extend(body);
    bytes
}

/// Checks that `bytes` are exactly these tensors in canonical form, and gives their numbers' bytes.
pub(crate) fn read<'a>(
    bytes: &'a [u8],
    parameters: &[Parameter],
    dtype: Dtype,
) -> Result<&'a [u8], Malformed> {
    let header = header(parameters, dtype);
    let expected = header.len() + body_length(parameters, dtype);
    let found = bytes.len();
    match bytes.strip_prefix(header.as_slice()) {
        Some(body) if found == expected => Ok(body),
        Some(_) if found < expected => Err(Malformed::Truncated { expected, found }),
        Some(_) => Err(Malformed::TooLong { expected, found }),
        None => Err(explain(bytes, parameters, dtype, expected, header.len())),
    }
}

/// Why a file whose header is not the expected one is refused.
fn explain(
    bytes: &[u8],
    parameters: &[Parameter],
    dtype: Dtype,
    expected: usize,
    header_length: usize,
) -> Malformed {
    let truncated = Malformed::Truncated { expected, found: bytes.len() };
    let Some((length, rest)) = bytes.split_first_chunk::<8>() else {
        return truncated;
    };
    let length = u64::from_le_bytes(*length);
    // Nobody needs a much longer header than the canonical one: do not parse what may be huge.
    if length > (4 * header_length + 4_096) as u64 {
        return Malformed::Header(format!("it announces a header of {length} bytes"));
    }
    let Some(json) = rest.get(..length as usize) else {
        return truncated;
    };
    let metadata: Metadata = match serde_json::from_slice(json) {
        Ok(metadata) => metadata,
        Err(error) => return Malformed::Header(error.to_string()),
    };
    for parameter in parameters {
        let name = parameter.name.clone();
        let Some(info) = metadata.info(&name) else {
            return Malformed::Missing(name);
        };
        if info.dtype != dtype {
            let found = info.dtype.to_string();
            return Malformed::Dtype { name, expected: dtype_name(dtype), found };
        }
        if info.shape != parameter.shape {
            let expected = parameter.shape.clone();
            return Malformed::Shape { name, expected, found: info.shape.clone() };
        }
    }
    let strangers = metadata.offset_keys().into_iter();
    match strangers.into_iter().find(|name| parameters.iter().all(|known| known.name != *name)) {
        Some(name) => Malformed::Unexpected(name),
        None => Malformed::NotCanonical,
    }
}

fn dtype_name(dtype: Dtype) -> &'static str {
    match dtype {
        Dtype::I8 => "I8",
        Dtype::I16 => "I16",
        Dtype::I32 => "I32",
        _ => "F32",
    }
}

/// Where the number at a flat index belongs: its tensor's name and its index in there.
pub(crate) fn locate(parameters: &[Parameter], mut index: usize) -> (String, usize) {
    for parameter in parameters {
        if index < parameter.count() {
            return (parameter.name.clone(), index);
        }
        index -= parameter.count();
    }
    (String::new(), index)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use ::safetensors::{SafeTensors, serialize, tensor::TensorView};

    use super::*;
    use crate::model::ModelSpec;

    #[test]
    fn the_canonical_form_is_what_the_safetensors_crate_writes() {
        for spec in [ModelSpec::mlp(3, &[2; 6], 4), ModelSpec::mlp(5, &[], 2)] {
            let parameters = spec.parameters();
            let body: Vec<u8> =
                (0..body_length(&parameters, Dtype::F32)).map(|i| i as u8).collect();
            let ours = write(&parameters, Dtype::F32, body.iter().copied());
            let mut rest = body.as_slice();
            let views: Vec<_> = parameters
                .iter()
                .map(|p| {
                    let (data, tail) = rest.split_at(p.count() * 4);
                    rest = tail;
                    (&p.name, TensorView::new(Dtype::F32, p.shape.clone(), data).unwrap())
                })
                .collect();
            assert_eq!(ours, serialize(views, None).unwrap());
            assert_eq!(SafeTensors::deserialize(&ours).unwrap().len(), parameters.len());
        }
    }
}
