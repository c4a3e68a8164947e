//! The bytes of a packed update.

use std::io::{Read, Write};

use flate2::{Compression, bufread::DeflateDecoder, write::DeflateEncoder};

use super::{Codec, CodecError, MAX_SHIFT, count};
use crate::model::Parameter;

const MAGIC: [u8; 4] = *b"DMLU";
const VERSION: u8 = 1;
const SOME: u8 = 1;
const DEFLATED: u8 = 2;

/// Bytes before what may be deflated.
pub(super) const HEADER: usize = 8;

/// `values` are shifted, `[weights]`; `chosen` says which of them are sent.
pub(super) fn write(
    codec: &Codec,
    parameters: &[Parameter],
    shifts: &[u8],
    values: &[i32],
    chosen: Option<&[bool]>,
) -> Vec<u8> {
    let mut body = shifts.to_vec();
    if let Some(chosen) = chosen {
        let indices = chosen.iter().enumerate().filter(|(_, chosen)| **chosen).map(|(at, _)| at);
        let sent = codec.sent(values.len()) as u32;
        body.extend(sent.to_le_bytes());
        let mut next = 0;
        for index in indices {
            leb128((index - next) as u32, &mut body);
            next = index + 1;
        }
    }
    let counts = parameters.iter().zip(shifts);
    let shifts =
        counts.flat_map(|(parameter, shift)| std::iter::repeat_n(*shift, parameter.count()));
    let sent = values.iter().zip(shifts).enumerate();
    let sent = sent.filter(|(at, _)| chosen.is_none_or(|all| all.get(*at) == Some(&true)));
    let integers = sent.map(|(_, (value, shift))| value >> shift);
    match codec.bits {
        4 => {
            let mut half = None;
            for integer in integers {
                let low = integer as u8 & 0xf;
                match half.take() {
                    None => half = Some(low),
                    Some(first) => body.push(first | low << 4),
                }
            }
            body.extend(half);
        }
        bits => {
            let width = usize::from(bits / 8);
            body.extend(integers.flat_map(|integer| integer.to_le_bytes().into_iter().take(width)));
        }
    }
    let mut flags = if chosen.is_some() { SOME } else { 0 };
    if let Some(small) = codec.deflate.then(|| deflate(&body)).flatten() {
        flags |= DEFLATED;
        body = small;
    }
    let mut bytes = MAGIC.to_vec();
    bytes.extend([VERSION, codec.bits, flags, 0]);
    bytes.extend(body);
    bytes
}

/// The deflated bytes, where they are fewer.
fn deflate(body: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).ok()?;
    encoder.finish().ok().filter(|small| small.len() < body.len())
}

/// The integers of all weights, shifted; zero where none was sent. `bytes` are not too long.
pub(super) fn read(
    codec: &Codec,
    bytes: &[u8],
    parameters: &[Parameter],
    clip: i32,
) -> Result<Vec<i32>, CodecError> {
    let (header, body) =
        bytes.split_first_chunk::<HEADER>().ok_or(CodecError::Malformed("no header"))?;
    let [a, b, c, d, version, bits, flags, zero] = *header;
    let some = if codec.keep.is_some() { SOME } else { 0 };
    let known = [a, b, c, d] == MAGIC && version == VERSION && zero == 0;
    if !known || bits != codec.bits || flags & !DEFLATED != some {
        return Err(CodecError::Malformed("another header than the task's codec writes"));
    }
    if flags & DEFLATED == 0 {
        return read_body(codec, body, parameters, clip);
    }
    if !codec.deflate {
        return Err(CodecError::Malformed("deflated, which the task's codec does not do"));
    }
    let most = codec.most_body(parameters.len(), count(parameters));
    let mut whole = Vec::new();
    let mut decoder = DeflateDecoder::new(body);
    let read = decoder.by_ref().take(most as u64 + 1).read_to_end(&mut whole);
    if read.is_err() || whole.len() > most || decoder.total_in() != body.len() as u64 {
        return Err(CodecError::Malformed(
            "the deflated part is broken, too long, or not the last",
        ));
    }
    read_body(codec, &whole, parameters, clip)
}

fn read_body(
    codec: &Codec,
    body: &[u8],
    parameters: &[Parameter],
    clip: i32,
) -> Result<Vec<i32>, CodecError> {
    let cut = CodecError::Malformed("cut off");
    let all = count(parameters);
    let (shifts, mut rest) = body.split_at_checked(parameters.len()).ok_or(cut)?;
    if shifts.iter().any(|shift| *shift > MAX_SHIFT) {
        return Err(CodecError::Malformed("a scale that is too large"));
    }
    let indices =
        if codec.keep.is_some() { Some(read_indices(&mut rest, codec, all)?) } else { None };
    let sent = indices.as_ref().map_or(all, Vec::len);
    let bits = usize::from(codec.bits);
    if rest.len() != (sent * bits).div_ceil(8) {
        return Err(CodecError::Malformed("another number of integers than weights"));
    }
    let integers: Vec<i32> = match codec.bits {
        4 => {
            let half = |byte: u8| i32::from((byte << 4) as i8 >> 4);
            let pairs = rest.iter().flat_map(|&byte| [half(byte), half(byte >> 4)]);
            let mut halves: Vec<i32> = pairs.collect();
            if halves.len() > sent && halves.pop() != Some(0) {
                return Err(CodecError::Malformed("something in the unused half of a byte"));
            }
            halves
        }
        8 => rest.iter().map(|&byte| i32::from(byte as i8)).collect(),
        16 => rest.as_chunks().0.iter().map(|q| i32::from(i16::from_le_bytes(*q))).collect(),
        _ => rest.as_chunks().0.iter().map(|q| i32::from_le_bytes(*q)).collect(),
    };
    let mut values = vec![0; all];
    let mut own = parameters.iter().zip(shifts).scan(0, |end, (parameter, shift)| {
        *end += parameter.count();
        Some((*end, *shift))
    });
    let (mut end, mut shift) = (0, 0);
    let places = (0..all).filter(|_| indices.is_none()).chain(indices.iter().flatten().copied());
    for (index, integer) in places.zip(integers) {
        while index >= end {
            (end, shift) = own.next().ok_or(CodecError::Malformed("an index beyond the model"))?;
        }
        let value = i64::from(integer) << shift;
        if integer < -codec.largest() || value.abs() > i64::from(clip) {
            return Err(CodecError::Malformed("an integer beyond the clip"));
        }
        if let Some(own) = values.get_mut(index) {
            *own = value as i32;
        }
    }
    Ok(values)
}

fn read_indices(rest: &mut &[u8], codec: &Codec, all: usize) -> Result<Vec<usize>, CodecError> {
    let cut = || CodecError::Malformed("cut off");
    let (sent, tail) = rest.split_first_chunk::<4>().ok_or_else(cut)?;
    let sent = u32::from_le_bytes(*sent) as usize;
    if sent != codec.sent(all) {
        return Err(CodecError::Malformed("another number of weights than the codec sends"));
    }
    *rest = tail;
    let mut indices = Vec::with_capacity(sent);
    let mut next = 0_usize;
    for _ in 0..sent {
        let index = next + read_leb128(rest).ok_or_else(cut)? as usize;
        if index >= all {
            return Err(CodecError::Malformed("an index beyond the model"));
        }
        indices.push(index);
        next = index + 1;
    }
    Ok(indices)
}

fn leb128(mut value: u32, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// A number in its shortest form, below 2^32.
fn read_leb128(rest: &mut &[u8]) -> Option<u32> {
    let mut value = 0_u64;
    for position in 0..5 {
        let (&byte, tail) = rest.split_first()?;
        *rest = tail;
        value |= u64::from(byte & 0x7f) << (7 * position);
        if byte < 0x80 {
            // A last byte of zero says nothing: the form without it is shorter.
            let shortest = byte != 0 || position == 0;
            return u32::try_from(value).ok().filter(|_| shortest);
        }
    }
    None
}
