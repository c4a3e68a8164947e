//! PNG (ISO/IEC 15948) of every depth and color type, interlaced or not, within the bounds that its header
//! states: nothing else of a file is believed.

use std::io::Read;

use flate2::{Crc, bufread::ZlibDecoder};

use super::Pixels;

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Columns and rows of the passes of an interlaced image: first column and row, steps between them.
const ADAM7: [[usize; 4]; 7] = [
    [0, 0, 8, 8],
    [4, 0, 8, 8],
    [0, 4, 4, 8],
    [2, 0, 4, 4],
    [0, 2, 2, 4],
    [1, 0, 2, 2],
    [0, 1, 1, 2],
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Color {
    Gray,
    Rgb,
    Palette,
    GrayAlpha,
    RgbAlpha,
}

impl Color {
    /// Numbers of a pixel in the file.
    fn samples(self) -> usize {
        match self {
            Self::Gray | Self::Palette => 1,
            Self::GrayAlpha => 2,
            Self::Rgb => 3,
            Self::RgbAlpha => 4,
        }
    }

    /// Numbers of a pixel without transparency, indices looked up.
    fn channels(self) -> usize {
        match self {
            Self::Gray | Self::GrayAlpha => 1,
            Self::Rgb | Self::Palette | Self::RgbAlpha => 3,
        }
    }
}

/// What a file says of its image.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub(super) height: usize,
    pub(super) width: usize,
    depth: usize,
    color: Color,
    interlaced: bool,
}

impl Header {
    pub(super) fn channels(&self) -> usize {
        self.color.channels()
    }

    fn bytes_of_row(&self, width: usize) -> usize {
        (width * self.color.samples() * self.depth).div_ceil(8)
    }
}

/// Whether a file says that it is a PNG.
pub(super) fn is(bytes: &[u8]) -> bool {
    bytes.starts_with(SIGNATURE)
}

/// Reads the header alone.
pub(super) fn header(bytes: &[u8]) -> Result<Header, String> {
    let mut chunks = Chunks(bytes.get(SIGNATURE.len()..).unwrap_or_default());
    let (kind, data) = chunks.next()?;
    let (b"IHDR", Ok(&[a, b, c, d, e, f, g, h, depth, color, compression, filter, interlace])) =
        (kind, <&[u8; 13]>::try_from(data))
    else {
        return Err("no PNG header where it should be".to_owned());
    };
    let color = match (color, depth) {
        (0, 1 | 2 | 4 | 8 | 16) => Color::Gray,
        (2, 8 | 16) => Color::Rgb,
        (3, 1 | 2 | 4 | 8) => Color::Palette,
        (4, 8 | 16) => Color::GrayAlpha,
        (6, 8 | 16) => Color::RgbAlpha,
        _ => return Err(format!("no PNG has color type {color} with {depth} bits")),
    };
    if compression != 0 || filter != 0 || interlace > 1 {
        return Err("a PNG of a kind that is not defined".to_owned());
    }
    let (width, height) = (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]));
    Ok(Header {
        // More than any limit allows where it does not fit.
        height: usize::try_from(height).unwrap_or(usize::MAX),
        width: usize::try_from(width).unwrap_or(usize::MAX),
        depth: usize::from(depth),
        color,
        interlaced: interlace == 1,
    })
}

/// Decodes an image whose height and width the caller has found small enough.
///
/// Numbers of less or more than 8 bits are scaled to 8; transparency is dropped.
pub(super) fn decode(bytes: &[u8]) -> Result<Pixels, String> {
    let header = header(bytes)?;
    let mut chunks = Chunks(bytes.get(SIGNATURE.len()..).unwrap_or_default());
    let mut palette: &[[u8; 3]] = &[];
    let mut packed = Vec::new();
    loop {
        match chunks.next()? {
            (b"IEND", _) => break,
            (b"IHDR", _) => {}
            (b"PLTE", data) => {
                let (colors, rest) = data.as_chunks();
                if !rest.is_empty() || colors.len() > 256 {
                    return Err("a palette that is none".to_owned());
                }
                palette = colors;
            }
            // At most the file's own size in all.
            (b"IDAT", data) => packed.extend_from_slice(data),
            // The case of the first letter tells what may be ignored.
            (kind, _) if kind[0].is_ascii_lowercase() => {}
            (kind, _) => {
                let kind = String::from_utf8_lossy(kind);
                return Err(format!("a part `{}` that no PNG has", kind.escape_debug()));
            }
        }
    }
    let mut unpacked = ZlibDecoder::new(packed.as_slice());
    let Header { height, width, color, .. } = header;
    let mut values = vec![0; height * width * color.channels()];
    let whole = [[0, 0, 1, 1]];
    let passes: &[[usize; 4]] = if header.interlaced { &ADAM7 } else { &whole };
    for &[left, top, right, down] in passes {
        let columns = width.saturating_sub(left).div_ceil(right);
        let rows = height.saturating_sub(top).div_ceil(down);
        if columns == 0 {
            continue;
        }
        let mut last = vec![0; header.bytes_of_row(columns)];
        let mut line = vec![0; last.len() + 1];
        for row in (top..height).step_by(down).take(rows) {
            let cut = |error: std::io::Error| format!("its pixels cannot be read: {error}");
            unpacked.read_exact(&mut line).map_err(cut)?;
            let Some((filter, bytes)) = line.split_first_mut() else { continue };
            unfilter(*filter, bytes, &last, (color.samples() * header.depth).div_ceil(8))?;
            last.copy_from_slice(bytes);
            let out = values.chunks_exact_mut(color.channels()).skip(row * width + left);
            for (column, out) in out.step_by(right).take(columns).enumerate() {
                pixel(&header, palette, bytes, column, out)?;
            }
        }
    }
    Ok(Pixels { height, width, channels: color.channels(), values })
}

/// One pixel of a line, in 8 bits per channel.
fn pixel(
    header: &Header,
    palette: &[[u8; 3]],
    line: &[u8],
    column: usize,
    out: &mut [u8],
) -> Result<(), String> {
    let start = column * header.color.samples();
    if header.color == Color::Palette {
        let index = usize::from(number(line, header.depth, start));
        let color = palette.get(index).ok_or("a color that its palette does not have")?;
        out.copy_from_slice(color);
        return Ok(());
    }
    for (sample, out) in (start..).zip(out) {
        let value = u32::from(number(line, header.depth, sample));
        *out = match header.depth {
            8 => value as u8,
            // 65,535 becomes 255, rounded to the nearest.
            16 => ((value + 128) / 257) as u8,
            // The largest number of 1, 2 or 4 bits divides 255.
            depth => (value * (255 / ((1 << depth) - 1))) as u8,
        };
    }
    Ok(())
}

/// A number of `depth` bits of a line.
fn number(line: &[u8], depth: usize, index: usize) -> u16 {
    let byte = |at: usize| line.get(at).copied().unwrap_or(0);
    match depth {
        16 => u16::from_be_bytes([byte(2 * index), byte(2 * index + 1)]),
        8 => u16::from(byte(index)),
        _ => {
            let bit = index * depth;
            let shift = 8 - depth - bit % 8;
            u16::from(byte(bit / 8) >> shift) & ((1 << depth) - 1)
        }
    }
}

/// Undoes a line's filter, given the line above it; `pixel` bytes lie between neighbors.
fn unfilter(filter: u8, line: &mut [u8], above: &[u8], pixel: usize) -> Result<(), String> {
    for at in 0..line.len() {
        let (a, c) = match at.checked_sub(pixel) {
            Some(left) => (line[left], above[left]),
            None => (0, 0),
        };
        let b = above[at];
        let predicted = match filter {
            0 => return Ok(()),
            1 => a,
            2 => b,
            3 => ((u16::from(a) + u16::from(b)) / 2) as u8,
            4 => paeth(a, b, c),
            _ => return Err(format!("a filter {filter} that no PNG has")),
        };
        line[at] = line[at].wrapping_add(predicted);
    }
    Ok(())
}

/// Of left, above and above left, the one nearest to left + above − above left (Paeth 1991).
fn paeth(a: u8, b: u8, c: u8) -> u8 {
    let [left, above, corner] = [a, b, c].map(i16::from);
    let estimate = left + above - corner;
    let [to_left, to_above, to_corner] =
        [left, above, corner].map(|value| (estimate - value).abs());
    if to_left <= to_above && to_left <= to_corner {
        a
    } else if to_above <= to_corner {
        b
    } else {
        c
    }
}

/// The parts of a file, one after the other.
struct Chunks<'a>(&'a [u8]);

impl<'a> Chunks<'a> {
    fn next(&mut self) -> Result<(&'a [u8; 4], &'a [u8]), String> {
        let cut = || "a PNG that was cut off".to_owned();
        let (length, rest) = self.0.split_first_chunk::<4>().ok_or_else(cut)?;
        let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| cut())?;
        let (kind, _) = rest.split_first_chunk::<4>().ok_or_else(cut)?;
        let all = length.checked_add(4).and_then(|end| rest.split_at_checked(end));
        let (part, rest) = all.ok_or_else(cut)?;
        let (sum, rest) = rest.split_first_chunk::<4>().ok_or_else(cut)?;
        let mut check = Crc::new();
        check.update(part);
        if check.sum() != u32::from_be_bytes(*sum) {
            return Err("a PNG that was damaged".to_owned());
        }
        self.0 = rest;
        Ok((kind, part.get(4..).unwrap_or_default()))
    }
}
