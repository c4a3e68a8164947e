/// Why data cannot be read or divided. Errors in files say where they are.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The file cannot be read or written.
    #[error("{file}: {source}{}", remedy(.source))]
    Io {
        /// The file.
        file: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// None of the formats that are read.
    #[error(
        "{file}: unknown format. Give a CSV file (.csv, .csv.gz) with a label column, a pair of IDX or NPY files \
         (features and labels, may be gzipped), an NPZ archive of both, a text (.txt), or a folder that has a folder \
         of PNG and JPEG images for each class"
    )]
    UnknownFormat {
        /// The file.
        file: String,
    },
    /// None of the formats of rows without labels.
    #[error(
        "{file}: unknown format. Give the rows as CSV (.csv, .csv.gz), as an NPY array of shape [rows, …], or as IDX \
         images; all may be gzipped"
    )]
    UnlabeledFormat {
        /// The file.
        file: String,
    },
    /// No rows.
    #[error(
        "{file}: no rows; give a file with some: numbers and a label each, or images and labels"
    )]
    Empty {
        /// The file.
        file: String,
    },
    /// Beyond a limit of [`Limits`](super::Limits).
    #[error("{file}: more than {limit} {unit}; raise the limit or give a smaller file")]
    TooLarge {
        /// The file.
        file: String,
        /// The limit.
        limit: u64,
        /// `rows` or `bytes`.
        unit: &'static str,
    },
    /// The label column is not in the header.
    #[error(
        "{file}: there is no column `{name}`; the header has: {columns}. Name one of them with {option}, or leave the \
         option out where the label is the last column"
    )]
    NoLabelColumn {
        /// The file.
        file: String,
        /// Column asked for.
        name: String,
        /// The option that names it.
        option: &'static str,
        /// Columns present.
        columns: String,
    },
    /// A row that cannot be used.
    #[error("{file}, line {line}: {problem}")]
    Row {
        /// The file.
        file: String,
        /// Line in the file, from 1.
        line: u64,
        /// What is wrong with it.
        problem: RowProblem,
    },
    /// A label of an IDX file that cannot be used.
    #[error("{file}, item {item}: {problem}")]
    Item {
        /// The file.
        file: String,
        /// Index of the item, from 0.
        item: usize,
        /// What is wrong with it.
        problem: RowProblem,
    },
    /// A file that is not what it is taken for, or not one of the supported kind.
    #[error("{file}: {problem}")]
    Malformed {
        /// The file.
        file: String,
        /// What is wrong with it.
        problem: String,
    },
    /// An image that cannot be used.
    #[error("{file}: {problem}")]
    Image {
        /// The file.
        file: String,
        /// What is wrong with it.
        problem: String,
    },
    /// More rows that cannot be used than may be skipped.
    #[error("more than {allowed} rows cannot be used; this is the next: {next}")]
    TooManyBad {
        /// How many may be skipped.
        allowed: usize,
        /// The first one beyond.
        next: Box<DataError>,
    },
    /// Features, labels, columns and classes that contradict each other.
    #[error("{0}")]
    Shape(String),
    /// Parts, or a minimum per part, that the rows are too few for.
    #[error("{rows} rows cannot be divided into {parts} parts of at least {minimum} each")]
    TooFewRows {
        /// Rows to divide.
        rows: usize,
        /// Parts asked for.
        parts: usize,
        /// Rows that each part needs.
        minimum: usize,
    },
    /// A way to divide rows that contradicts itself or the rows.
    #[error("{0}")]
    Partition(String),
    /// The concentration of a Dirichlet distribution is not a positive number.
    #[error("alpha is {0}: it must be a positive number, for example 0.5")]
    Alpha(f64),
}

/// What is wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RowProblem {
    /// A missing column, or one too many.
    #[error("{found} columns, expected {expected}; give every row the same, separated by commas")]
    Columns {
        /// Columns of the first row or the header.
        expected: usize,
        /// Columns of this row.
        found: usize,
    },
    /// A feature that is not a finite number.
    #[error("column {column}: expected a number, found `{found}`{}", hint(*.first))]
    NotANumber {
        /// Column, from 1.
        column: usize,
        /// Its text.
        found: String,
        /// Whether this is the file's first line, which may be meant as a header.
        first: bool,
    },
    /// A label that is not a whole number.
    #[error(
        "column {column}: expected a label, which is a whole number from 0, found `{found}`{}",
        hint(*.first)
    )]
    NotALabel {
        /// Column, from 1.
        column: usize,
        /// Its text.
        found: String,
        /// Whether this is the file's first line, which may be meant as a header.
        first: bool,
    },
    /// A label that is not below the number of classes.
    #[error(
        "the label {label} is out of range: there are {classes} classes, from 0 to {}; set --classes to {} or more, or \
         correct the file",
        .classes - 1,
        .label.saturating_add(1)
    )]
    LabelRange {
        /// The label.
        label: u64,
        /// Classes, at least one.
        classes: usize,
    },
    /// A label that is none of the classes' names.
    #[error(
        "column {column}: `{found}` is none of the classes' names; correct the row, or name the class"
    )]
    UnknownName {
        /// Column, from 1.
        column: usize,
        /// Its text.
        found: String,
    },
    /// A character that the vocabulary lacks.
    #[error(
        "the character {found:?} is not in the vocabulary; remove it, or declare a vocabulary that has it"
    )]
    Character {
        /// The character.
        found: char,
    },
    /// A number of an array that is not finite.
    #[error("number {position}: not finite; correct or remove the row")]
    NotFinite {
        /// Place in the row, from 1.
        position: usize,
    },
    /// A label of an array that is not a whole number from 0.
    #[error(
        "expected a label, which is a whole number from 0, found {found}; correct or remove the row"
    )]
    FractionalLabel {
        /// The number.
        found: String,
    },
    /// Bytes that are not text.
    #[error("{0}")]
    Text(String),
}

fn hint(first: bool) -> &'static str {
    if first {
        "; correct it, or, if this line is a header, name its label column with --label-column"
    } else {
        "; correct or remove the row"
    }
}

/// What to do about a file that cannot be read or written.
fn remedy(error: &std::io::Error) -> &'static str {
    match error.kind() {
        std::io::ErrorKind::NotFound => "; check the path",
        std::io::ErrorKind::PermissionDenied => "; check its permissions",
        std::io::ErrorKind::UnexpectedEof | std::io::ErrorKind::InvalidData => {
            "; the file is damaged or cut off: copy or download it again"
        }
        _ => "",
    }
}
