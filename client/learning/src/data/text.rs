//! Plain text: one token per character, and rows for predicting the next.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Read},
};

use super::{BadRows, DataError, Dataset, Limits, RowProblem};

/// The characters of a text where no others are declared: the end of a line, and what ASCII prints.
pub fn ascii() -> String {
    std::iter::once('\n').chain(' '..='~').collect()
}

/// How a text becomes rows.
#[derive(Clone, Debug)]
pub struct TextOptions {
    /// Tokens per row.
    pub steps: usize,
    /// The characters: the token of the first is 0.
    pub vocabulary: String,
    /// What may be read.
    pub limits: Limits,
}

/// Reads a text in UTF-8: every row has `steps` characters, and the one after them as its label, with
/// which the next row starts. What is left at the end and fills no row is dropped. An end of line is
/// `\n`, however the file writes it. Errors name the line.
///
/// A row with a character that the vocabulary lacks cannot be used.
pub(super) fn read_text(
    source: impl Read,
    name: &str,
    options: &TextOptions,
    bad: &mut BadRows,
) -> Result<Dataset, DataError> {
    let TextOptions { steps, vocabulary, limits } = options;
    let wrong = |problem: String| DataError::Malformed { file: name.to_owned(), problem };
    let tokens: HashMap<char, u32> = vocabulary.chars().zip(0..).collect();
    let classes = vocabulary.chars().count();
    if *steps == 0 || classes < 2 || tokens.len() != classes {
        return Err(wrong(
            "a text needs at least one step, and a vocabulary of two or more different characters"
                .to_owned(),
        ));
    }
    let mut source = BufReader::new(source.take(limits.bytes.saturating_add(1)));
    let mut rows =
        Rows { steps: *steps, row: Vec::new(), features: Vec::new(), labels: Vec::new() };
    let (mut text, mut bytes) = (Vec::new(), 0);
    for line in 1.. {
        text.clear();
        let read = source.read_until(b'\n', &mut text);
        bytes += read.map_err(|source| DataError::Io { file: name.to_owned(), source })? as u64;
        if bytes > limits.bytes {
            let limit = limits.bytes;
            return Err(DataError::TooLarge { file: name.to_owned(), limit, unit: "bytes" });
        }
        if text.is_empty() {
            break;
        }
        if text.ends_with(b"\r\n") {
            text.truncate(text.len() - 2);
            text.push(b'\n');
        }
        let row = |problem| DataError::Row { file: name.to_owned(), line, problem };
        let characters = std::str::from_utf8(&text).map_err(|_| {
            row(RowProblem::Text("not text in UTF-8; save the file as UTF-8".to_owned()))
        })?;
        for character in characters.chars() {
            let token = tokens.get(&character).copied().ok_or((line, character));
            if let Some((line, found)) = rows.push(token) {
                let problem = RowProblem::Character { found };
                bad.found(DataError::Row { file: name.to_owned(), line, problem })?;
            }
        }
        if rows.labels.len() > limits.rows {
            let limit = limits.rows as u64;
            return Err(DataError::TooLarge { file: name.to_owned(), limit, unit: "rows" });
        }
    }
    if rows.labels.is_empty() {
        return Err(DataError::Empty { file: name.to_owned() });
    }
    let names = vocabulary.chars().map(|character| character.to_string()).collect();
    Dataset::new(rows.features, rows.labels, *steps, classes)?.with_names(names)
}

/// A token, or the line and the character that is none.
type Token = Result<u32, (u64, char)>;

struct Rows {
    steps: usize,
    /// The row that is being filled.
    row: Vec<Token>,
    features: Vec<f32>,
    labels: Vec<u32>,
}

impl Rows {
    /// Takes the next token. Where it fills a row, that row is kept, or the first character is
    /// returned for which it cannot be.
    fn push(&mut self, token: Token) -> Option<(u64, char)> {
        if self.row.len() < self.steps {
            self.row.push(token);
            return None;
        }
        // It is this row's label, and the next row's first token.
        let row = std::mem::replace(&mut self.row, vec![token]);
        let start = self.features.len();
        for token in row {
            match token {
                Ok(token) => self.features.push(token as f32),
                Err(bad) => {
                    self.features.truncate(start);
                    return Some(bad);
                }
            }
        }
        match token {
            Ok(label) => self.labels.push(label),
            Err(bad) => {
                self.features.truncate(start);
                return Some(bad);
            }
        }
        None
    }
}

#[cfg(test)]
#[path = "text/tests.rs"]
mod tests;
