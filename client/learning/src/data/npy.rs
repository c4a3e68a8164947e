//! NumPy's arrays: `.npy`, of numbers in row-major order.

use std::io::Read;

use super::{BadRows, DataError, Dataset, Limits, RowProblem};

/// Bytes of a header at most; those that NumPy writes have about a hundred.
const MAX_HEADER: usize = 1 << 16;
const MAGIC: &[u8] = b"\x93NUMPY";
/// What to do about a file that is damaged.
const AGAIN: &str = "copy or download it again";

/// An array as it lies in the file.
pub(super) struct Array {
    name: String,
    shape: Vec<usize>,
    kind: Kind,
    bytes: Vec<u8>,
}

/// The type of an array's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    class: u8,
    size: usize,
    big_endian: bool,
}

/// Whether a file starts like a `.npy` file.
pub(super) fn looks_like_npy(start: &[u8]) -> bool {
    start.starts_with(MAGIC)
}

/// Reads what comes before an array's numbers: their type and shape.
pub(super) fn read_header(
    mut source: impl Read,
    name: &str,
) -> Result<(Kind, Vec<usize>), DataError> {
    let wrong = |problem: String| DataError::Malformed { file: name.to_owned(), problem };
    let mut exact = |bytes: &mut [u8]| {
        source.read_exact(bytes).map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => {
                wrong(format!("the file ends within its header; {AGAIN}"))
            }
            _ => DataError::Io { file: name.to_owned(), source: error },
        })
    };
    let mut start = [0; 8];
    exact(&mut start)?;
    let [magic @ .., major, _] = start;
    if magic != *MAGIC {
        return Err(wrong("not an NPY file; save it with `numpy.save`".to_owned()));
    }
    let length = match major {
        1 => {
            let mut length = [0; 2];
            exact(&mut length)?;
            usize::from(u16::from_le_bytes(length))
        }
        2 | 3 => {
            let mut length = [0; 4];
            exact(&mut length)?;
            u32::from_le_bytes(length) as usize
        }
        other => return Err(wrong(format!("NPY version {other}: versions 1 to 3 are read"))),
    };
    if length > MAX_HEADER {
        return Err(wrong(format!("a header of {length} bytes: at most {MAX_HEADER} are read")));
    }
    let mut header = vec![0; length];
    exact(&mut header)?;
    let header = String::from_utf8_lossy(&header).into_owned();
    parse(&header).map_err(wrong)
}

/// Reads an array; nothing is allocated for what a header only promises.
pub(super) fn read_array(
    mut source: impl Read,
    name: &str,
    limits: Limits,
) -> Result<Array, DataError> {
    let wrong = |problem: String| DataError::Malformed { file: name.to_owned(), problem };
    let (kind, shape) = read_header(&mut source, name)?;
    let too_large = |limit, unit| DataError::TooLarge { file: name.to_owned(), limit, unit };
    if shape.first().is_some_and(|&rows| rows > limits.rows) {
        return Err(too_large(limits.rows as u64, "rows"));
    }
    let length = shape
        .iter()
        .chain([&kind.size])
        .try_fold(1_u64, |product, &size| product.checked_mul(size as u64))
        .filter(|&length| length <= limits.bytes)
        .ok_or_else(|| too_large(limits.bytes, "bytes"))?;
    let mut bytes = Vec::new();
    let io = |source| DataError::Io { file: name.to_owned(), source };
    let read = source.by_ref().take(length).read_to_end(&mut bytes).map_err(io)? as u64;
    if read < length {
        return Err(wrong(format!("cut off: {read} of {length} bytes; {AGAIN}")));
    }
    if source.read(&mut [0]).map_err(io)? != 0 {
        return Err(wrong(format!("bytes follow the {length} that its header announces; {AGAIN}")));
    }
    Ok(Array { name: name.to_owned(), shape, kind, bytes })
}

/// Type and shape from the dictionary that a header is.
fn parse(header: &str) -> Result<(Kind, Vec<usize>), String> {
    let field = |name: &str| {
        let start = header.find(&format!("'{name}':"))? + name.len() + 3;
        header.get(start..).map(str::trim_start)
    };
    let missing = |name: &str| format!("its header has no `{name}`; {AGAIN}");
    let descr = field("descr").ok_or_else(|| missing("descr"))?;
    let descr = descr.strip_prefix('\'').and_then(|rest| rest.split('\'').next());
    let descr = descr.ok_or("an array of records; give one of plain numbers")?;
    let order = field("fortran_order").ok_or_else(|| missing("fortran_order"))?;
    let shape = field("shape").ok_or_else(|| missing("shape"))?;
    let shape = shape.strip_prefix('(').and_then(|rest| rest.split(')').next());
    let sizes = shape.ok_or_else(|| missing("shape"))?.split(',').map(str::trim);
    let shape = sizes
        .filter(|size| !size.is_empty())
        .map(|size| size.parse().map_err(|_| format!("`{size}` is no size; {AGAIN}")))
        .collect::<Result<Vec<usize>, String>>()?;
    if shape.is_empty() || shape.len() > 8 {
        return Err(format!("an array of {} dimensions: 1 to 8 are read", shape.len()));
    }
    if order.starts_with("True") && shape.len() > 1 {
        return Err("in column-major order; save it with `numpy.ascontiguousarray`".to_owned());
    }
    let unknown = || {
        format!(
            "elements of type `{descr}`: integers, booleans and floats of 2 to 8 bytes are read; convert it with `astype`"
        )
    };
    let (&[order, class], size) = descr.as_bytes().split_first_chunk::<2>().ok_or_else(unknown)?;
    let size = match size {
        [size @ b'1'..=b'8'] => usize::from(size - b'0'),
        _ => return Err(unknown()),
    };
    match (class, size) {
        (b'f', 2 | 4 | 8) | (b'i' | b'u', 1 | 2 | 4 | 8) | (b'b', 1) => {}
        _ => return Err(unknown()),
    }
    Ok((Kind { class, size, big_endian: order == b'>' }, shape))
}

impl Array {
    /// Numbers per item along the first dimension.
    fn width(&self) -> usize {
        self.shape.iter().skip(1).product()
    }

    fn numbers(&self) -> impl Iterator<Item = f64> {
        self.kind.numbers(&self.bytes)
    }
}

impl Kind {
    /// Unsigned bytes: pixels.
    pub(super) const BYTES: Self = Self { class: b'u', size: 1, big_endian: false };

    /// Bytes of an element.
    pub(super) fn size(self) -> usize {
        self.size
    }

    pub(super) fn numbers(self, bytes: &[u8]) -> impl Iterator<Item = f64> {
        bytes.chunks_exact(self.size).map(move |bytes| self.number(bytes))
    }

    fn number(self, bytes: &[u8]) -> f64 {
        let mut wide = [0; 8];
        // To the most significant end, so that a shift extends the sign.
        let order: &mut dyn Iterator<Item = &u8> =
            if self.big_endian { &mut bytes.iter().rev() } else { &mut bytes.iter() };
        for (wide, byte) in wide.iter_mut().skip(8 - self.size).zip(order) {
            *wide = *byte;
        }
        let shift = 64 - 8 * self.size;
        let bits = u64::from_le_bytes(wide);
        match (self.class, self.size) {
            (b'f', 8) => f64::from_bits(bits),
            (b'f', 4) => f64::from(f32::from_bits((bits >> shift) as u32)),
            (b'f', _) => half((bits >> shift) as u16),
            (b'i', _) => (bits as i64 >> shift) as f64,
            _ => (bits >> shift) as f64,
        }
    }
}

/// A number of IEEE's binary16.
fn half(bits: u16) -> f64 {
    let sign = if bits >> 15 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 1_023));
    match exponent {
        0 => sign * fraction * 2_f64.powi(-24),
        31 if fraction == 0.0 => sign * f64::INFINITY,
        31 => f64::NAN,
        _ => sign * (1_024.0 + fraction) * 2_f64.powi(exponent - 25),
    }
}

/// What the arrays are to be taken for.
pub(super) struct Meaning {
    pub(super) scale: Option<f32>,
    pub(super) classes: Option<usize>,
    /// Quantities per row; 0 for labels.
    pub(super) quantities: usize,
}

/// Rows from two arrays: features of shape `[rows, …]`, and labels of shape `[rows]` or quantities of
/// shape `[rows, quantities]`. Unsigned bytes are multiplied by 1/255 where no scale is given.
pub(super) fn rows(
    features: &Array,
    targets: &Array,
    meaning: &Meaning,
    bad: &mut BadRows,
) -> Result<Dataset, DataError> {
    let wrong = |array: &Array, problem: String| {
        Err(DataError::Malformed { file: array.name.clone(), problem })
    };
    let rows = features.shape.first().copied().unwrap_or(0);
    if targets.shape.first() != Some(&rows) {
        let found = targets.shape.first().copied().unwrap_or(0);
        return wrong(
            targets,
            format!("{found} labels for {rows} rows; give the two that belong together"),
        );
    }
    let per_row = meaning.quantities.max(1);
    if targets.width() != per_row {
        let found = targets.width();
        return wrong(
            targets,
            format!("{found} numbers per row, expected {per_row}; give an array of the labels"),
        );
    }
    let columns = features.width();
    if rows == 0 || columns == 0 {
        return Err(DataError::Empty { file: features.name.clone() });
    }
    let plain = if features.kind == Kind::BYTES { 1.0 / 255.0 } else { 1.0 };
    let scale = meaning.scale.unwrap_or(plain);
    let (mut values, mut labels, mut quantities) = (Vec::new(), Vec::new(), Vec::new());
    let (mut numbers, mut wanted) = (features.numbers(), targets.numbers());
    for item in 0..rows {
        let start = values.len();
        values.extend(numbers.by_ref().take(columns).map(|number| number as f32 * scale));
        let own: Vec<f64> = wanted.by_ref().take(per_row).collect();
        let row = values.get(start..).unwrap_or_default();
        let problem = match row.iter().position(|number| !number.is_finite()) {
            Some(index) => Some((&features.name, RowProblem::NotFinite { position: index + 1 })),
            None => target_problem(&own, meaning).map(|problem| (&targets.name, problem)),
        };
        if let Some((file, problem)) = problem {
            values.truncate(start);
            bad.found(DataError::Item { file: file.clone(), item, problem })?;
            continue;
        }
        match meaning.quantities {
            0 => labels.extend(own.iter().map(|&label| label as u32)),
            _ => quantities.extend(own.iter().map(|&quantity| quantity as f32)),
        }
    }
    if values.is_empty() {
        return Err(DataError::Empty { file: features.name.clone() });
    }
    let data = match meaning.quantities {
        0 => {
            let largest = labels.iter().max().map_or(0, |&label| label as usize);
            Dataset::new(values, labels, columns, meaning.classes.unwrap_or(largest + 1))?
        }
        per_row => Dataset::with_quantities(values, quantities, columns, per_row)?,
    };
    let shape: Vec<usize> = features.shape.iter().skip(1).copied().collect();
    if shape.is_empty() { Ok(data) } else { data.with_shape(shape) }
}

fn target_problem(own: &[f64], meaning: &Meaning) -> Option<RowProblem> {
    if meaning.quantities > 0 {
        let bad = own.iter().position(|&number| !(number as f32).is_finite());
        return bad.map(|index| RowProblem::NotFinite { position: index + 1 });
    }
    let label = own.first().copied().unwrap_or(f64::NAN);
    let classes = meaning.classes.unwrap_or(super::MAX_LABEL as usize + 1);
    if !(label >= 0.0 && label.fract() == 0.0) {
        return Some(RowProblem::FractionalLabel { found: label.to_string() });
    }
    let large = label >= classes as f64;
    large.then(|| RowProblem::LabelRange { label: label as u64, classes: classes.max(1) })
}

#[cfg(test)]
#[path = "npy/tests.rs"]
mod tests;
