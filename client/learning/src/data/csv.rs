use std::{
    collections::HashMap,
    io::{self, BufRead, BufReader, Read, Write},
};

use ::csv::{ErrorKind, ReaderBuilder, StringRecord, WriterBuilder};

use super::{BadRows, DataError, Dataset, Limits, MAX_LABEL, RowProblem};

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
    /// Name of the column of the label, or of a single quantity; the last column if not given. A name needs a header.
    pub label: Option<String>,
    /// Whether there is a header.
    pub header: Header,
    /// Every feature is multiplied by it, for example 1/255 for pixels.
    pub scale: f32,
    /// Number of classes; one more than the largest label if not given.
    pub classes: Option<usize>,
    /// The classes' names, the first of which is label 0; labels are then these texts, not numbers.
    pub names: Vec<String>,
    /// How many columns are quantities to predict, in place of a label: several are at the end, of one see `label`. 0 for a label.
    pub quantities: usize,
    /// Name of a column that says which rows belong together, and is no feature. It needs a header.
    pub group: Option<String>,
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
            names: Vec::new(),
            quantities: 0,
            group: None,
            limits: Limits::default(),
        }
    }
}

/// Reads labeled rows of numbers, separated by commas. `name` is what errors call the source.
///
/// Every row must have the same number of columns, one of which is the label: a whole number from
/// 0. Errors name the line and the column.
pub fn read_csv(source: impl Read, name: &str, options: &CsvOptions) -> Result<Dataset, DataError> {
    read_rows(source, name, options, &mut BadRows::default())
}

/// [`read_csv`], with a policy for rows that cannot be used.
pub(super) fn read_rows(
    source: impl Read,
    name: &str,
    options: &CsvOptions,
    bad: &mut BadRows,
) -> Result<Dataset, DataError> {
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
        let record = split(text).map_err(|problem| rows.wrong(line, problem));
        match record.and_then(|record| rows.push(&record, line)) {
            Err(error @ DataError::Row { .. }) => bad.found(error)?,
            other => other?,
        }
        if rows.labels.len() > options.limits.rows {
            return Err(too_large(options.limits.rows as u64, "rows"));
        }
    }
    rows.finish()
}

/// The fields of one line. Line by line, so that line numbers are exact: no number needs a field
/// that spans lines.
pub(super) fn split(line: &[u8]) -> Result<StringRecord, RowProblem> {
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

/// Writes the rows with the label, or the quantities, as the last columns and without a header; numbers in the shortest
/// form that reads back as the same `f32`.
pub fn write_csv(data: &Dataset, target: impl Write, name: &str) -> Result<(), DataError> {
    let failed = |source| DataError::Io { file: name.to_owned(), source };
    let mut writer = WriterBuilder::new().has_headers(false).from_writer(target);
    for index in 0..data.rows() {
        let Some((features, label)) = data.row(index) else { continue };
        let features = features.iter().map(f32::to_string);
        let written = match data.quantities_of(index) {
            [] => writer.write_record(features.chain([label.to_string()])),
            quantities => {
                writer.write_record(features.chain(quantities.iter().map(f32::to_string)))
            }
        };
        written.map_err(|error| failed(system_error(error)))?;
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
    /// Known from the first line on.
    layout: Option<Layout>,
    first: bool,
    features: Vec<f32>,
    labels: Vec<u32>,
    quantities: Vec<f32>,
    groups: Vec<u32>,
    /// The groups' names and numbers.
    known: HashMap<String, u32>,
}

/// What is where in a row.
#[derive(Clone, Copy)]
struct Layout {
    columns: usize,
    /// The label's column; the first of the quantities.
    label: usize,
    group: Option<usize>,
}

/// What a field is for.
enum Part {
    Feature,
    Label,
    Quantity,
    Group,
}

impl Layout {
    fn part(&self, column: usize, quantities: usize) -> Part {
        if Some(column) == self.group {
            return Part::Group;
        }
        match quantities {
            0 if column == self.label => Part::Label,
            1 if column == self.label => Part::Quantity,
            0 | 1 => Part::Feature,
            _ if column >= self.label => Part::Quantity,
            _ => Part::Feature,
        }
    }
}

impl<'a> Rows<'a> {
    fn new(name: &'a str, options: &'a CsvOptions) -> Self {
        Self {
            name,
            options,
            layout: None,
            first: true,
            features: Vec::new(),
            labels: Vec::new(),
            quantities: Vec::new(),
            groups: Vec::new(),
            known: HashMap::new(),
        }
    }

    fn wrong(&self, line: u64, problem: RowProblem) -> DataError {
        DataError::Row { file: self.name.to_owned(), line, problem }
    }

    fn push(&mut self, record: &StringRecord, line: u64) -> Result<(), DataError> {
        let first = std::mem::replace(&mut self.first, false);
        let layout = match self.layout {
            Some(layout) => layout,
            None => {
                let header = self.is_header(record);
                let layout = self.layout(record, header)?;
                self.layout = Some(layout);
                if header {
                    return Ok(());
                }
                layout
            }
        };
        let (features, quantities) = (self.features.len(), self.quantities.len());
        let added = self.add(record, layout, first);
        added.map_err(|problem| {
            // Nothing stays of a row that cannot be used.
            self.features.truncate(features);
            self.quantities.truncate(quantities);
            self.wrong(line, problem)
        })
    }

    fn add(
        &mut self,
        record: &StringRecord,
        layout: Layout,
        first: bool,
    ) -> Result<(), RowProblem> {
        let Layout { columns, .. } = layout;
        let least = 1 + self.options.quantities.max(1) + usize::from(layout.group.is_some());
        if record.len() != columns || columns < least {
            return Err(RowProblem::Columns { expected: columns.max(least), found: record.len() });
        }
        let (mut label, mut group) = (0, None);
        for (index, field) in record.iter().enumerate() {
            let field = field.trim();
            let column = index + 1;
            let number = |scale: f32| match field.parse::<f32>().map(|number| number * scale) {
                Ok(number) if number.is_finite() => Ok(number),
                _ => Err(RowProblem::NotANumber { column, found: field.to_owned(), first }),
            };
            match layout.part(index, self.options.quantities) {
                Part::Group => group = Some(field),
                Part::Feature => self.features.push(number(self.options.scale)?),
                Part::Quantity => self.quantities.push(number(1.0)?),
                Part::Label => {
                    label = self.label(field, column).map_err(|problem| {
                        let found = || field.to_owned();
                        problem.unwrap_or_else(|| RowProblem::NotALabel {
                            column,
                            found: found(),
                            first,
                        })
                    })?;
                }
            }
        }
        if let Some(group) = group {
            let next = self.known.len() as u32;
            self.groups.push(*self.known.entry(group.to_owned()).or_insert(next));
        }
        self.labels.push(label);
        Ok(())
    }

    fn is_header(&self, record: &StringRecord) -> bool {
        match self.options.header {
            Header::Present => true,
            Header::Absent => false,
            Header::Auto => {
                let names = [self.options.label.as_deref(), self.options.group.as_deref()];
                record.iter().any(|field| names.contains(&Some(field.trim())))
                    || record.iter().all(|field| field.trim().parse::<f64>().is_err())
            }
        }
    }

    fn layout(&self, record: &StringRecord, header: bool) -> Result<Layout, DataError> {
        let columns = record.len();
        let named = |option: &'static str, wanted: &String| {
            let found = record.iter().position(|column| header && column.trim() == wanted);
            found.ok_or_else(|| DataError::NoLabelColumn {
                file: self.name.to_owned(),
                name: wanted.clone(),
                option,
                columns: if header {
                    record.iter().collect::<Vec<_>>().join(", ")
                } else {
                    "no names, as the first line is a row of numbers".to_owned()
                },
            })
        };
        let group =
            self.options.group.as_ref().map(|name| named("--group-column", name)).transpose()?;
        let quantities = self.options.quantities;
        let label = match &self.options.label {
            // Of several quantities it would be one: they are the last columns.
            Some(wanted) if quantities <= 1 => named("--label-column", wanted)?,
            _ => {
                // The group's column may be the last.
                let last = columns - usize::from(group.is_some_and(|group| group + 1 == columns));
                last.saturating_sub(quantities.max(1))
            }
        };
        Ok(Layout { columns, label, group })
    }

    /// The label, or what is wrong with its range, or nothing if it is no whole number.
    fn label(&self, field: &str, column: usize) -> Result<u32, Option<RowProblem>> {
        let names = &self.options.names;
        if !names.is_empty() {
            let found = (0..).zip(names).find(|(_, name)| *name == field).map(|(label, _)| label);
            let unknown = || RowProblem::UnknownName { column, found: field.to_owned() };
            return found.ok_or_else(|| Some(unknown()));
        }
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
        let columns = self.features.len() / self.labels.len();
        let quantities = self.options.quantities;
        let data = if quantities > 0 {
            Dataset::with_quantities(self.features, self.quantities, columns, quantities)?
        } else {
            let names = &self.options.names;
            let all = if names.is_empty() { *largest as usize + 1 } else { names.len() };
            let classes = self.options.classes.unwrap_or(all).max(names.len());
            Dataset::new(self.features, self.labels, columns, classes)?.with_names(names.clone())?
        };
        if self.groups.is_empty() { Ok(data) } else { data.with_groups(self.groups) }
    }
}

#[cfg(test)]
#[path = "csv/tests.rs"]
mod tests;
