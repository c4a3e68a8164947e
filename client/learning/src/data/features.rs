//! Rows without labels, a few at a time, for files of any length.

use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
};

use ::csv::StringRecord;

use super::{
    DataError, RowProblem,
    csv::split,
    files::{io_error, open},
    idx::{self, looks_like_idx},
    npy::{self, looks_like_npy},
};

/// Bytes of a line of CSV at most.
const MAX_LINE: u64 = 64 << 20;

/// What rows of CSV may have beside features; it is left out.
#[derive(Clone, Debug, Default)]
pub struct Beside {
    /// Columns at the end: a label, or quantities.
    pub columns: usize,
    /// Name of the label's column, wherever it is. The first line is then a header that must have it.
    pub label: Option<String>,
    /// Labels that are texts.
    pub names: Vec<String>,
}

/// The rows of a CSV file, of an NPY array or of IDX images, which may be gzipped; read as they are asked
/// for.
pub struct FeatureRows {
    source: BufReader<Box<dyn Read>>,
    name: String,
    columns: usize,
    scale: f32,
    layout: Layout,
    read: u64,
}

enum Layout {
    /// Columns at the end that are not features may be there, or not.
    Csv {
        beside: Beside,
        /// The label's column, where the header has named it.
        label: Option<usize>,
        line: u64,
        first: bool,
    },
    Array {
        kind: npy::Kind,
        rows: u64,
    },
}

impl Beside {
    /// Whether the first line is a header: as in files with labels, no field is a number, or one is the label
    /// column's name.
    fn is_header(&self, record: &StringRecord, file: &str) -> Result<bool, DataError> {
        let header = record.iter().all(|field| field.trim().parse::<f64>().is_err());
        match &self.label {
            Some(name) if self.column(record).is_none() => Err(DataError::NoLabelColumn {
                file: file.to_owned(),
                name: name.clone(),
                option: "--label-column",
                columns: if header {
                    record.iter().collect::<Vec<_>>().join(", ")
                } else {
                    "no names, as the first line is a row of numbers".to_owned()
                },
            }),
            Some(_) => Ok(true),
            None => Ok(header),
        }
    }

    fn column(&self, record: &StringRecord) -> Option<usize> {
        let name = self.label.as_ref()?;
        record.iter().position(|field| field.trim() == name)
    }

    /// Whether a field can be a label or a quantity, or the place of one that nobody knows.
    fn may_be(&self, field: &str) -> bool {
        let named = || self.names.iter().any(|name| name == field);
        field.is_empty() || field.parse::<f64>().is_ok() || named()
    }
}

impl FeatureRows {
    /// Opens a file of rows of `columns` features. Rows of CSV may have more `beside` them. Features are multiplied by `scale`: if not given by
    /// 1/255 for images and arrays of unsigned bytes, and by 1 elsewhere.
    pub fn open(
        path: &Path,
        columns: usize,
        beside: Beside,
        scale: Option<f32>,
    ) -> Result<Self, DataError> {
        let name = path.display().to_string();
        if path.is_dir() {
            return Err(DataError::UnlabeledFormat { file: name });
        }
        let mut source = open(path)?;
        let start = source.fill_buf().map_err(|error| io_error(path, error))?;
        let (is_idx, is_npy) = (looks_like_idx(start), looks_like_npy(start));
        let (layout, plain) = if is_idx || is_npy {
            let (kind, shape) = match is_idx {
                true => (npy::Kind::BYTES, idx::read_shape(&mut source, &name)?),
                false => npy::read_header(&mut source, &name)?,
            };
            let width = shape.iter().skip(1).try_fold(1_usize, |all, &size| all.checked_mul(size));
            if width != Some(columns) {
                let problem = format!(
                    "rows of shape {:?}, the model takes {columns} numbers",
                    shape.get(1..).unwrap_or_default()
                );
                return Err(DataError::Malformed { file: name, problem });
            }
            let rows = shape.first().map_or(0, |&rows| rows as u64);
            let plain = if kind == npy::Kind::BYTES { 1.0 / 255.0 } else { 1.0 };
            (Layout::Array { kind, rows }, plain)
        } else if [".csv", ".csv.gz"].iter().any(|ending| name.to_lowercase().ends_with(ending)) {
            (Layout::Csv { beside, label: None, line: 0, first: true }, 1.0)
        } else {
            return Err(DataError::UnlabeledFormat { file: name });
        };
        Ok(Self { source, name, columns, scale: scale.unwrap_or(plain), layout, read: 0 })
    }

    /// Up to `rows` rows, one after the other; none at the end of the file. Errors say where they are.
    pub fn next(&mut self, rows: usize) -> Result<Vec<f32>, DataError> {
        let mut features = Vec::new();
        for _ in 0..rows {
            let more = match self.layout {
                Layout::Csv { .. } => self.line(&mut features)?,
                Layout::Array { kind, rows } => self.item(kind, rows, &mut features)?,
            };
            if !more {
                break;
            }
            self.read += 1;
        }
        if self.read == 0 {
            return Err(DataError::Empty { file: self.name.clone() });
        }
        Ok(features)
    }

    fn io(&self, source: std::io::Error) -> DataError {
        DataError::Io { file: self.name.clone(), source }
    }

    /// One row of a CSV file, if there is one.
    fn line(&mut self, features: &mut Vec<f32>) -> Result<bool, DataError> {
        loop {
            let mut text = Vec::new();
            let read = self.source.by_ref().take(MAX_LINE).read_until(b'\n', &mut text);
            if read.map_err(|error| self.io(error))? == 0 {
                return Ok(false);
            }
            let Layout::Csv { beside, label, line, first } = &mut self.layout else {
                return Ok(false);
            };
            *line += 1;
            let (file, line) = (&self.name, *line);
            let wrong = |problem| DataError::Row { file: file.clone(), line, problem };
            if text.len() as u64 == MAX_LINE {
                return Err(wrong(RowProblem::Text(format!("a line of {MAX_LINE} bytes or more"))));
            }
            let text = text.strip_prefix(b"\xef\xbb\xbf").filter(|_| line == 1).unwrap_or(&text);
            if text.trim_ascii().is_empty() {
                continue;
            }
            let first = std::mem::replace(first, false);
            let record = split(text).map_err(wrong)?;
            if first && beside.is_header(&record, file)? {
                // Quantities are at the end, whatever their names.
                *label = beside.column(&record).filter(|_| beside.columns == 1);
                continue;
            }
            let all = self.columns + beside.columns;
            let expected = if label.is_some() { all } else { self.columns };
            if record.len() != expected && record.len() != all {
                return Err(wrong(RowProblem::Columns { expected, found: record.len() }));
            }
            let label = label.unwrap_or(self.columns);
            let is_feature = |index: usize| {
                index != label && index < self.columns + usize::from(label < self.columns)
            };
            for (index, field) in record.iter().enumerate() {
                let found = field.trim();
                let not_a_number =
                    || RowProblem::NotANumber { column: index + 1, found: found.to_owned(), first };
                if is_feature(index) {
                    match found.parse::<f32>().map(|number| number * self.scale) {
                        Ok(number) if number.is_finite() => features.push(number),
                        _ => return Err(wrong(not_a_number())),
                    }
                } else if !beside.may_be(found) {
                    // The first line may be a header of which other names are numbers: a row of it would be a wrong answer.
                    return Err(wrong(match first || beside.names.is_empty() {
                        true => not_a_number(),
                        false => {
                            RowProblem::UnknownName { column: index + 1, found: found.to_owned() }
                        }
                    }));
                }
            }
            return Ok(true);
        }
    }

    /// One item of an array, if there is one.
    fn item(
        &mut self,
        kind: npy::Kind,
        rows: u64,
        features: &mut Vec<f32>,
    ) -> Result<bool, DataError> {
        if self.read == rows {
            return Ok(false);
        }
        let length = self.columns.saturating_mul(kind.size()) as u64;
        let mut bytes = Vec::new();
        let read = self.source.by_ref().take(length).read_to_end(&mut bytes);
        if (read.map_err(|error| self.io(error))? as u64) < length {
            let problem =
                format!("cut off in row {} of {rows}; copy or download it again", self.read + 1);
            return Err(DataError::Malformed { file: self.name.clone(), problem });
        }
        let start = features.len();
        features.extend(kind.numbers(&bytes).map(|number| number as f32 * self.scale));
        let row = features.get(start..).unwrap_or_default();
        if let Some(index) = row.iter().position(|number| !number.is_finite()) {
            let problem = RowProblem::NotFinite { position: index + 1 };
            let item = usize::try_from(self.read).unwrap_or(usize::MAX);
            return Err(DataError::Item { file: self.name.clone(), item, problem });
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::{fs, path::PathBuf};

    use super::*;

    fn file(name: &str, bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        (folder, path)
    }

    fn all(path: &Path, columns: usize, beside: usize) -> Result<Vec<f32>, String> {
        all_beside(path, columns, Beside { columns: beside, ..Beside::default() })
    }

    fn all_beside(path: &Path, columns: usize, beside: Beside) -> Result<Vec<f32>, String> {
        let mut rows = FeatureRows::open(path, columns, beside, None).map_err(|e| e.to_string())?;
        let mut all = Vec::new();
        loop {
            let some = rows.next(2).map_err(|error| error.to_string())?;
            if some.is_empty() {
                return Ok(all);
            }
            assert!(some.len() <= 2 * columns);
            all.extend(some);
        }
    }

    fn npy(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        let header =
            format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}\n");
        let length = (header.len() as u16).to_le_bytes();
        [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), data].concat()
    }

    #[test]
    fn csv_is_read_with_and_without_what_is_beside_the_features() {
        let (_folder, path) = file("rows.csv", b"a,b,label\n1,2,0\n\n3,4,1\n5,6,0\n");
        assert_eq!(all(&path, 2, 1).unwrap(), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert_eq!(all(&path, 3, 1).unwrap().len(), 9);
        let error = all(&path, 4, 1).unwrap_err();
        assert!(error.contains("line 2: 3 columns, expected 4"), "{error}");
        let (_folder, path) = file("rows.csv", b"1,2\n3,x\n");
        let error = all(&path, 2, 1).unwrap_err();
        assert!(error.contains("line 2: column 2: expected a number, found `x`"), "{error}");
        let (_folder, path) = file("rows.csv", b"a,b\n");
        assert!(all(&path, 2, 1).unwrap_err().contains("no rows"));
    }

    #[test]
    fn a_header_with_numbers_is_no_row() {
        let (_folder, path) = file("rows.csv", b"0,1,label\n5,6,0\n");
        let error = all(&path, 2, 1).unwrap_err();
        assert!(error.contains("line 1: column 3: expected a number, found `label`"), "{error}");
        assert!(error.contains("--label-column"), "{error}");
        let named = |name: &str| Beside {
            columns: 1,
            label: Some(name.to_owned()),
            names: vec!["cat".to_owned()],
        };
        assert_eq!(all_beside(&path, 2, named("label")).unwrap(), [5.0, 6.0]);
        let error = all_beside(&path, 2, named("digit")).unwrap_err();
        assert!(error.contains("there is no column `digit`"), "{error}");
        // Wherever the column is.
        let (_folder, path) = file("rows.csv", b"kind,a,b\ncat,5,6\n");
        assert_eq!(all_beside(&path, 2, named("kind")).unwrap(), [5.0, 6.0]);
        let (_folder, path) = file("rows.csv", b"a,kind,b\n5,cat,6\n7,8\n");
        let error = all_beside(&path, 2, named("kind")).unwrap_err();
        assert!(error.contains("line 3: 2 columns, expected 3"), "{error}");
        // Rows whose labels are texts, or not known.
        let beside = || Beside { label: None, ..named("") };
        for rows in [&b"1,2,cat\n3,4,cat\n"[..], b"1,2,\n3,4,\n", b"1,2,-1\n3,4,0\n"] {
            let (_folder, path) = file("rows.csv", rows);
            assert_eq!(all_beside(&path, 2, beside()).unwrap(), [1.0, 2.0, 3.0, 4.0]);
        }
        // What stands beside the features of any line is looked at: a column too many would go unnoticed.
        let (_folder, path) = file("rows.csv", b"1,2,cat\n3,4,dog\n");
        let error = all_beside(&path, 2, beside()).unwrap_err();
        assert!(error.contains("line 2: column 3") && error.contains("dog"), "{error}");
        let error = all(&path, 2, 1).unwrap_err();
        assert!(error.contains("line 1: column 3: expected a number, found `cat`"), "{error}");
    }

    #[test]
    fn arrays_are_read_item_by_item() {
        let (_folder, path) = file("x.npy", &npy("|u1", "3, 1, 2", &[0, 255, 51, 0, 255, 255]));
        assert_eq!(all(&path, 2, 0).unwrap(), [0.0, 1.0, 51.0 * (1.0 / 255.0), 0.0, 1.0, 1.0]);
        assert!(all(&path, 3, 0).unwrap_err().contains("rows of shape [1, 2], the model takes 3"));
        let numbers: Vec<u8> = [1.5_f64, -2.0].iter().flat_map(|x| x.to_le_bytes()).collect();
        let (_folder, path) = file("x.npy", &npy("<f8", "2, 1", &numbers));
        assert_eq!(all(&path, 1, 0).unwrap(), [1.5, -2.0]);
        let (_folder, path) = file("x.npy", &npy("<f8", "2, 1", &numbers[..12]));
        assert!(all(&path, 1, 0).unwrap_err().contains("cut off in row 2 of 2"));
        let (_folder, path) = file("images", &[0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 1, 255, 0]);
        assert_eq!(all(&path, 1, 0).unwrap(), [1.0, 0.0]);
        let (_folder, path) = file("rows.parquet", b"PAR1");
        assert!(all(&path, 1, 0).unwrap_err().contains("unknown format"));
    }
}
