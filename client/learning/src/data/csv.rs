use std::io::{self, BufRead, BufReader, Read, Write};

use ::csv::{ErrorKind, ReaderBuilder, StringRecord, WriterBuilder};

use super::{DataError, Dataset, Limits, RowProblem};

/// Whether the first line names the columns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Header {
    /// It does if none of its fields is a number, or one of them is the label column's name.
    #[default]
    Auto,
    /// It does.
    Present,
    /// It is a row like the others.
    Absent,
}

/// How a CSV file is to be understood.
#[derive(Clone, Debug)]
pub struct CsvOptions {
    /// Name of the label's column; the last column if not given. A name needs a header.
    pub label: Option<String>,
    /// Whether there is a header.
    pub header: Header,
    /// Every feature is multiplied by it, for example 1/255 for pixels.
    pub scale: f32,
    /// Number of classes; one more than the largest label if not given.
    pub classes: Option<usize>,
    /// What may be read.
    pub limits: Limits,
}

impl Default for CsvOptions {
    fn default() -> Self {
        Self {
            label: None,
            header: Header::Auto,
            scale: 1.0,
            classes: None,
            limits: Limits::default(),
        }
    }
}

/// Without a number of classes, a larger label is a mistake: more likely a quantity than a class.
const MAX_LABEL: u64 = 65_535;

/// Reads labeled rows of numbers, separated by commas. `name` is what errors call the source.
///
/// Every row must have the same number of columns, one of which is the label: a whole number from
/// 0. Errors name the line and the column.
pub fn read_csv(source: impl Read, name: &str, options: &CsvOptions) -> Result<Dataset, DataError> {
    let limit = options.limits.bytes;
    let too_large = |limit, unit| DataError::TooLarge { file: name.to_owned(), limit, unit };
    // One byte more than allowed, to tell the end of the file from the limit.
    let mut source = BufReader::new(source.take(limit.saturating_add(1)));
    let mut rows = Rows::new(name, options);
    let mut text = Vec::new();
    let mut bytes = 0;
    for line in 1.. {
        text.clear();
        let read = source.read_until(b'\n', &mut text);
        let read = read.map_err(|source| DataError::Io { file: name.to_owned(), source })?;
        bytes += read as u64;
        if bytes > limit {
            return Err(too_large(limit, "bytes"));
        }
        if read == 0 {
            break;
        }
        // Spreadsheets mark UTF-8 with these bytes at the start.
        let text = text.strip_prefix(b"\xef\xbb\xbf").filter(|_| line == 1).unwrap_or(&text);
        if text.trim_ascii().is_empty() {
            continue;
        }
        rows.push(&split(text).map_err(|problem| rows.wrong(line, problem))?, line)?;
        if rows.labels.len() > options.limits.rows {
            return Err(too_large(options.limits.rows as u64, "rows"));
        }
    }
    rows.finish()
}

/// The fields of one line. Line by line, so that line numbers are exact: no number needs a field
/// that spans lines.
fn split(line: &[u8]) -> Result<StringRecord, RowProblem> {
    let mut reader =
        ReaderBuilder::new().has_headers(false).buffer_capacity(line.len()).from_reader(line);
    let mut record = StringRecord::new();
    match reader.read_record(&mut record) {
        Ok(_) => Ok(record),
        Err(error) => Err(RowProblem::Text(match error.kind() {
            ErrorKind::Utf8 { err, .. } => {
                format!("column {}: not text in UTF-8; save the file as UTF-8", err.field() + 1)
            }
            _ => error.to_string(),
        })),
    }
}

/// Writes the rows with the label as the last column and without a header; numbers in the shortest
/// form that reads back as the same `f32`.
pub fn write_csv(data: &Dataset, target: impl Write, name: &str) -> Result<(), DataError> {
    let failed = |source| DataError::Io { file: name.to_owned(), source };
    let mut writer = WriterBuilder::new().has_headers(false).from_writer(target);
    for (features, label) in (0..data.rows()).filter_map(|index| data.row(index)) {
        let fields = features.iter().map(f32::to_string).chain([label.to_string()]);
        writer.write_record(fields).map_err(|error| failed(system_error(error)))?;
    }
    writer.flush().map_err(failed)
}

/// What the system says, with its kind: as a cause of another error nobody would recognize a full disk.
fn system_error(error: ::csv::Error) -> io::Error {
    match error.into_kind() {
        ErrorKind::Io(error) => error,
        other => io::Error::other(format!("the row cannot be written: {other:?}")),
    }
}

/// The rows read so far.
struct Rows<'a> {
    name: &'a str,
    options: &'a CsvOptions,
    /// Columns per row and the label's index, once the first line is known.
    layout: Option<(usize, usize)>,
    first: bool,
    features: Vec<f32>,
    labels: Vec<u32>,
}

impl<'a> Rows<'a> {
    fn new(name: &'a str, options: &'a CsvOptions) -> Self {
        Self { name, options, layout: None, first: true, features: Vec::new(), labels: Vec::new() }
    }

    fn wrong(&self, line: u64, problem: RowProblem) -> DataError {
        DataError::Row { file: self.name.to_owned(), line, problem }
    }

    fn push(&mut self, record: &StringRecord, line: u64) -> Result<(), DataError> {
        let first = std::mem::replace(&mut self.first, false);
        let (columns, label) = match self.layout {
            Some(layout) => layout,
            None => {
                let header = self.is_header(record);
                let layout = (record.len(), self.label_column(record, header)?);
                self.layout = Some(layout);
                if header {
                    return Ok(());
                }
                layout
            }
        };
        if record.len() != columns || columns < 2 {
            let expected = columns.max(2);
            return Err(self.wrong(line, RowProblem::Columns { expected, found: record.len() }));
        }
        for (index, field) in record.iter().enumerate() {
            let field = field.trim();
            let column = index + 1;
            if index == label {
                match self.label(field) {
                    Ok(label) => self.labels.push(label),
                    Err(Some(problem)) => return Err(self.wrong(line, problem)),
                    Err(None) => {
                        let found = field.to_owned();
                        let problem = RowProblem::NotALabel { column, found, first };
                        return Err(self.wrong(line, problem));
                    }
                }
            } else {
                match field.parse::<f32>().map(|number| number * self.options.scale) {
                    Ok(number) if number.is_finite() => self.features.push(number),
                    _ => {
                        let found = field.to_owned();
                        let problem = RowProblem::NotANumber { column, found, first };
                        return Err(self.wrong(line, problem));
                    }
                }
            }
        }
        Ok(())
    }

    fn is_header(&self, record: &StringRecord) -> bool {
        match self.options.header {
            Header::Present => true,
            Header::Absent => false,
            Header::Auto => {
                let label = self.options.label.as_deref();
                record.iter().any(|field| Some(field.trim()) == label)
                    || record.iter().all(|field| field.trim().parse::<f64>().is_err())
            }
        }
    }

    fn label_column(&self, record: &StringRecord, header: bool) -> Result<usize, DataError> {
        let Some(wanted) = &self.options.label else {
            return Ok(record.len().saturating_sub(1));
        };
        let found = record.iter().position(|column| header && column.trim() == wanted);
        found.ok_or_else(|| DataError::NoLabelColumn {
            file: self.name.to_owned(),
            name: wanted.clone(),
            columns: if header {
                record.iter().collect::<Vec<_>>().join(", ")
            } else {
                "no names, as the first line is a row of numbers".to_owned()
            },
        })
    }

    /// The label, or what is wrong with its range, or nothing if it is no whole number.
    fn label(&self, field: &str) -> Result<u32, Option<RowProblem>> {
        let label: u64 = field.parse().map_err(|_| None)?;
        let classes = self.options.classes.unwrap_or(MAX_LABEL as usize + 1);
        if label >= classes as u64 {
            return Err(Some(RowProblem::LabelRange { label, classes: classes.max(1) }));
        }
        u32::try_from(label).map_err(|_| None)
    }

    fn finish(self) -> Result<Dataset, DataError> {
        let Some(largest) = self.labels.iter().max() else {
            return Err(DataError::Empty { file: self.name.to_owned() });
        };
        let classes = self.options.classes.unwrap_or(*largest as usize + 1);
        let columns = self.features.len() / self.labels.len();
        Dataset::new(self.features, self.labels, columns, classes)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    fn read(text: &str, options: &CsvOptions) -> Result<Dataset, String> {
        read_csv(text.as_bytes(), "rows.csv", options).map_err(|error| error.to_string())
    }

    fn error(text: &str) -> String {
        read(text, &CsvOptions::default()).unwrap_err()
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_told_by_its_kind() {
        // More than a buffer, and less: the first fails at a row, the second at the end.
        for rows in [20_000, 1] {
            let data = Dataset::new(vec![0.5; rows], vec![0; rows], 1, 1).unwrap();
            let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
            match write_csv(&data, full, "rows.csv") {
                Err(DataError::Io { file, source }) => {
                    assert_eq!(source.kind(), io::ErrorKind::StorageFull, "{rows}");
                    assert_eq!(file, "rows.csv");
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn rows_are_read_with_and_without_a_header() {
        let expected = Dataset::new(vec![1.0, 2.5, -3.0, 4e-3], vec![0, 1], 2, 2).unwrap();
        let plain = CsvOptions::default();
        assert_eq!(read("1,2.5,0\n-3, 4e-3 ,1\n", &plain).unwrap(), expected);
        assert_eq!(read("a,b,label\r\n1,2.5,0\r\n\r\n-3,4e-3,1", &plain).unwrap(), expected);
        assert_eq!(read("\u{feff}1,2.5,0\n-3,4e-3,1\n", &plain).unwrap(), expected);
        let named = CsvOptions { label: Some("digit".into()), ..plain.clone() };
        assert_eq!(read("digit,a,b\n0,1,2.5\n1,-3,4e-3\n", &named).unwrap(), expected);
        let mixed = CsvOptions { label: Some("label".into()), ..plain.clone() };
        assert_eq!(read("0,1,label\n1,2.5,0\n-3,4e-3,1\n", &mixed).unwrap(), expected);
        let numbered = CsvOptions { header: Header::Present, ..plain };
        assert_eq!(read("0,1,2\n1,2.5,0\n-3,4e-3,1\n", &numbered).unwrap(), expected);
    }

    #[test]
    fn features_are_scaled_and_classes_may_be_given() {
        let options = CsvOptions { scale: 0.5, classes: Some(10), ..CsvOptions::default() };
        let data = read("1,3\n2,0\n", &options).unwrap();
        assert_eq!(data.features(), [0.5, 1.0]);
        assert_eq!(data.classes(), 10);
    }

    #[test]
    fn errors_name_the_line_and_what_was_expected() {
        assert_eq!(
            error("1,2,0\n1,0\n"),
            "rows.csv, line 2: 2 columns, expected 3; give every row the same, separated by commas"
        );
        assert!(error("1,2,0\n\n1,2,3,0\n").contains("line 3: 4 columns, expected 3"));
        assert_eq!(
            error("a,b,label\n1,2,0\n1,oops,0\n"),
            "rows.csv, line 3: column 2: expected a number, found `oops`; correct or remove the row"
        );
        assert!(error("1,2,0\n1,,0\n").contains("line 2: column 2: expected a number, found ``"));
        assert!(error("1,2,0\n1,NaN,0\n").contains("line 2: column 2: expected a number"));
        assert_eq!(
            error("1,2,0\n1,2,cat\n"),
            "rows.csv, line 2: column 3: expected a label, which is a whole number from 0, found `cat`; correct or remove the row"
        );
        assert!(error("1,2,-1\n").contains("line 1: column 3: expected a label"));
        assert!(
            error("1,x,0\n")
                .contains("if this line is a header, name its label column with --label-column")
        );
        assert!(error("1\n2\n").contains("line 1: 1 columns, expected 2"));
        assert!(error("1,70000\n").contains("label 70000 is out of range"));
        assert!(error("").starts_with("rows.csv: no rows; give a file with some"));
        assert!(error("a,b,label\n").starts_with("rows.csv: no rows"));
    }

    #[test]
    fn labels_out_of_range_are_refused() {
        let options = CsvOptions { classes: Some(2), ..CsvOptions::default() };
        assert_eq!(
            read("1,0\n1,2\n", &options).unwrap_err(),
            "rows.csv, line 2: the label 2 is out of range: there are 2 classes, from 0 to 1; set --classes to 3 or more, or correct the file"
        );
    }

    #[test]
    fn a_label_column_that_is_not_there_is_refused() {
        let options = CsvOptions { label: Some("digit".into()), ..CsvOptions::default() };
        let error = read("a,b\n1,2\n", &options).unwrap_err();
        let start = "rows.csv: there is no column `digit`; the header has: a, b. Name one of them";
        assert!(error.starts_with(start) && error.contains("--label-column"), "{error}");
        assert!(
            read("1,2\n", &options).unwrap_err().contains("the first line is a row of numbers")
        );
    }

    #[test]
    fn bytes_that_are_not_text_are_refused() {
        let error = read_csv(&b"1,0\n\xff,0\n"[..], "rows.csv", &CsvOptions::default());
        assert_eq!(
            error.unwrap_err().to_string(),
            "rows.csv, line 2: column 1: not text in UTF-8; save the file as UTF-8"
        );
    }

    #[test]
    fn the_limits_hold() {
        let limits =
            |rows, bytes| CsvOptions { limits: Limits { rows, bytes }, ..CsvOptions::default() };
        let text = "1,0\n2,1\n3,0\n";
        assert!(read(text, &limits(3, 12)).is_ok());
        assert!(read(text, &limits(2, 12)).unwrap_err().contains("more than 2 rows"));
        assert!(read(text, &limits(3, 11)).unwrap_err().contains("more than 11 bytes"));
        let endless = std::io::repeat(b'7');
        let error = read_csv(endless, "zeros", &limits(3, 1_000)).unwrap_err();
        assert!(error.to_string().contains("more than 1000 bytes"));
    }

    #[test]
    fn what_is_written_reads_back_exactly() {
        let data = super::super::digits().unwrap().subset(&[0, 5, 9]);
        let mut bytes = Vec::new();
        write_csv(&data, &mut bytes, "rows.csv").unwrap();
        let options = CsvOptions { classes: Some(10), ..CsvOptions::default() };
        assert_eq!(read_csv(bytes.as_slice(), "rows.csv", &options).unwrap(), data);
    }
}
