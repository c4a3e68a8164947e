use std::io::{self, Read};

use super::{BadRows, DataError, Dataset, Limits, RowProblem};

/// The type code of unsigned bytes, the third byte of the file: the only type that is used for
/// images and labels.
const UNSIGNED_BYTE: u8 = 0x08;
/// What to do about a file that is damaged.
const AGAIN: &str = "copy or download it again";

/// Reads a pair of IDX files (the format of MNIST): images of unsigned bytes of shape
/// `[rows, …]`, which are flattened and multiplied by `scale`, and labels of shape `[rows]`.
///
/// `names` are what errors call the two. Without `classes` there is one more than the largest label.
pub fn read_idx(
    images: impl Read,
    labels: impl Read,
    names: (&str, &str),
    scale: f32,
    classes: Option<usize>,
    limits: Limits,
) -> Result<Dataset, DataError> {
    read_pair(images, labels, names, scale, classes, limits, &mut BadRows::default())
}

/// [`read_idx`], with a policy for rows that cannot be used.
pub(super) fn read_pair(
    images: impl Read,
    labels: impl Read,
    names: (&str, &str),
    scale: f32,
    classes: Option<usize>,
    limits: Limits,
    bad: &mut BadRows,
) -> Result<Dataset, DataError> {
    let (image_shape, pixels) = read_array(images, names.0, limits)?;
    let (label_shape, labels) = read_array(labels, names.1, limits)?;
    let wrong = |file: &str, problem| Err(DataError::Malformed { file: file.to_owned(), problem });
    let [rows, pixel_shape @ ..] = image_shape.as_slice() else {
        return wrong(names.0, "an array without dimensions".to_owned());
    };
    if label_shape.len() != 1 {
        let problem = format!(
            "labels have one dimension, found {}; give the file of the labels",
            label_shape.len()
        );
        return wrong(names.1, problem);
    }
    if labels.len() != *rows {
        let problem = format!(
            "{} labels for {rows} images; give the two files that belong together",
            labels.len()
        );
        return wrong(names.1, problem);
    }
    let Some(largest) = labels.iter().max() else {
        return Err(DataError::Empty { file: names.0.to_owned() });
    };
    let classes = classes.unwrap_or(usize::from(*largest) + 1);
    let columns: usize = pixel_shape.iter().product();
    let mut rows: (Vec<f32>, Vec<u32>) = (Vec::with_capacity(pixels.len()), Vec::new());
    for (item, (pixels, &label)) in pixels.chunks(columns.max(1)).zip(&labels).enumerate() {
        if usize::from(label) >= classes {
            let label = u64::from(label);
            let problem = RowProblem::LabelRange { label, classes: classes.max(1) };
            bad.found(DataError::Item { file: names.1.to_owned(), item, problem })?;
            continue;
        }
        rows.0.extend(pixels.iter().map(|&pixel| f32::from(pixel) * scale));
        rows.1.push(u32::from(label));
    }
    let data = Dataset::new(rows.0, rows.1, columns, classes)?;
    if pixel_shape.is_empty() { Ok(data) } else { data.with_shape(pixel_shape.to_vec()) }
}

/// Whether a file starts like an IDX file: two zeros, a type code, a number of dimensions.
pub(super) fn looks_like_idx(start: &[u8]) -> bool {
    matches!(start, [0, 0, 0x08..=0x0e, 1..=8, ..])
}

fn failed(name: &str, what: &str, error: io::Error) -> DataError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => {
            let problem = format!("the file ends within its {what}; {AGAIN}");
            DataError::Malformed { file: name.to_owned(), problem }
        }
        _ => DataError::Io { file: name.to_owned(), source: error },
    }
}

/// The shape of an array of unsigned bytes, the number of items first: what comes before them.
pub(super) fn read_shape(mut source: impl Read, name: &str) -> Result<Vec<usize>, DataError> {
    let idx = |problem: String| DataError::Malformed { file: name.to_owned(), problem };
    let mut magic = [0; 4];
    source.read_exact(&mut magic).map_err(|error| failed(name, "header", error))?;
    if !looks_like_idx(&magic) {
        return Err(idx(format!(
            "not an IDX file: it starts with {magic:02x?}; give the images and the labels as IDX, or a CSV file"
        )));
    }
    let [_, _, kind, dimensions] = magic;
    if kind != UNSIGNED_BYTE {
        return Err(idx(format!(
            "element type 0x{kind:02x}: only unsigned bytes (0x08) are read; convert it, or give a CSV file"
        )));
    }
    let mut shape = Vec::with_capacity(usize::from(dimensions));
    for _ in 0..dimensions {
        let mut size = [0; 4];
        source.read_exact(&mut size).map_err(|error| failed(name, "header", error))?;
        shape.push(u32::from_be_bytes(size) as usize);
    }
    Ok(shape)
}

/// An array of unsigned bytes: its shape and its bytes.
fn read_array(
    mut source: impl Read,
    name: &str,
    limits: Limits,
) -> Result<(Vec<usize>, Vec<u8>), DataError> {
    let idx = |problem: String| DataError::Malformed { file: name.to_owned(), problem };
    let shape = read_shape(&mut source, name)?;
    let too_large = |limit, unit| DataError::TooLarge { file: name.to_owned(), limit, unit };
    if shape.first().is_some_and(|&rows| rows > limits.rows) {
        return Err(too_large(limits.rows as u64, "rows"));
    }
    let length = shape
        .iter()
        .try_fold(1_u64, |product, &size| product.checked_mul(size as u64))
        .filter(|&length| length <= limits.bytes)
        .ok_or_else(|| too_large(limits.bytes, "bytes"))?;
    // Reads what is there rather than allocating what a header promises.
    let mut bytes = Vec::new();
    let read = source.by_ref().take(length).read_to_end(&mut bytes);
    let read = read.map_err(|error| failed(name, "data", error))? as u64;
    if read < length {
        let item = length / shape.first().map_or(1, |&rows| rows.max(1) as u64);
        let complete = read / item.max(1);
        return Err(idx(format!(
            "cut off: {read} of {length} bytes, so item {complete} is incomplete; {AGAIN}"
        )));
    }
    match source.read(&mut [0]).map_err(|error| failed(name, "data", error))? {
        0 => Ok((shape, bytes)),
        _ => Err(idx(format!("bytes follow the {length} that its header announces; {AGAIN}"))),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Two images of 1 × 3 pixels, and their labels.
    fn images() -> Vec<u8> {
        [&[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3][..], &[0, 51, 255, 1, 2, 3]].concat()
    }

    const LABELS: [u8; 10] = [0, 0, 8, 1, 0, 0, 0, 2, 4, 1];

    fn read(images: &[u8], labels: &[u8], classes: Option<usize>) -> Result<Dataset, String> {
        let names = ("images", "labels");
        read_idx(images, labels, names, 1.0 / 255.0, classes, Limits::default())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_pair_of_files_is_read() {
        let data = read(&images(), &LABELS, None).unwrap();
        assert_eq!((data.rows(), data.columns(), data.classes()), (2, 3, 5));
        assert_eq!(data.labels(), [4, 1]);
        assert_eq!(data.row(0).unwrap().0, [0.0, 51.0 * (1.0 / 255.0), 1.0]);
        assert_eq!(read(&images(), &LABELS, Some(10)).unwrap().classes(), 10);
    }

    #[test]
    fn errors_say_what_is_wrong_with_which_file() {
        let error = |images: &[u8], labels: &[u8]| read(images, labels, None).unwrap_err();
        let good = images();
        for cut in [3, 9] {
            let text = error(&good[..cut], &LABELS);
            assert_eq!(text, "images: the file ends within its header; copy or download it again");
        }
        assert_eq!(
            error(&good[..20], &LABELS),
            "images: cut off: 4 of 6 bytes, so item 1 is incomplete; copy or download it again"
        );
        assert!(error(&[&good[..], &[0]].concat(), &LABELS).contains("bytes follow the 6"));
        assert!(error(b"\x89PNG", &LABELS).contains("not an IDX file: it starts with [89, 50"));
        assert!(error(&[0, 0, 0x0d, 3], &LABELS).contains("only unsigned bytes"));
        assert_eq!(
            error(&good, &good),
            "labels: labels have one dimension, found 3; give the file of the labels"
        );
        assert_eq!(
            error(&good, &[0, 0, 8, 1, 0, 0, 0, 1, 4]),
            "labels: 1 labels for 2 images; give the two files that belong together"
        );
        let none = [0, 0, 8, 1, 0, 0, 0, 0];
        assert!(error(&none, &none).starts_with("images: no rows; give"));
        assert_eq!(
            read(&good, &LABELS, Some(4)).unwrap_err(),
            "labels, item 0: the label 4 is out of range: there are 4 classes, from 0 to 3; set --classes to 5 or more, or correct the file"
        );
    }

    #[test]
    fn a_header_that_promises_too_much_is_refused_before_anything_is_allocated() {
        let huge = [0, 0, 8, 2, 0, 0, 0, 2, 255, 255, 255, 255];
        assert!(read(&huge, &LABELS, None).unwrap_err().contains("more than 2147483648 bytes"));
        let many = [0, 0, 8, 1, 255, 255, 255, 255];
        assert!(read(&many, &LABELS, None).unwrap_err().contains("more than 10000000 rows"));
    }
}
