//! Results: tables and sentences for people, or one JSON document.

use color_eyre::Result;
use comfy_table::{CellAlignment, Row, Table, presets};
use serde::Serialize;
use std::{
    error::Error,
    fmt,
    io::{self, Write},
};

/// What was to be read could not be written.
#[derive(Debug)]
pub struct Unwritten(io::Error);

impl Unwritten {
    /// Whether whoever read it, `head` for example, has seen enough.
    pub fn is_broken_pipe(&self) -> bool {
        self.0.kind() == io::ErrorKind::BrokenPipe
    }
}

impl fmt::Display for Unwritten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the result cannot be written")
    }
}

impl Error for Unwritten {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

/// Where a command's result goes. Progress and logs go to standard error, so that this is all there is to read.
pub struct Out<'a> {
    writer: &'a mut dyn Write,
    json: bool,
}

impl<'a> Out<'a> {
    /// Writes to `writer`: JSON if `json`, text for people otherwise.
    pub fn new(writer: &'a mut dyn Write, json: bool) -> Self {
        Self { writer, json }
    }

    /// Whether the result is to be JSON.
    pub fn json(&self) -> bool {
        self.json
    }

    /// Writes the command's result: `value` as JSON, or what `people` says. Amounts in JSON are in planck.
    pub fn result<T: Serialize + ?Sized>(
        &mut self,
        value: &T,
        people: impl FnOnce(&T) -> String,
    ) -> Result<()> {
        let mut text = if self.json {
            serde_json::to_string_pretty(value)?
        } else {
            people(value).trim_end().to_owned()
        };
        text.push('\n');
        self.bytes(text.as_bytes())
    }

    /// A line on the way to the result; people see it at once, JSON has no place for it.
    pub fn line(&mut self, text: &str) -> Result<()> {
        if self.json { Ok(()) } else { self.bytes(format!("{text}\n").as_bytes()) }
    }

    /// Bytes as they are, whatever the format of results.
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<()> {
        self.writer.write_all(bytes).and_then(|()| self.writer.flush()).map_err(Unwritten)?;
        Ok(())
    }
}

/// A table without lines but one under its header.
pub fn table<R: Into<Row>>(header: R, rows: impl IntoIterator<Item = R>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header).add_rows(rows);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.trim_fmt()
}

/// [`table`] with all columns but the first one aligned at the right: for numbers.
pub fn number_table<R: Into<Row>>(header: R, rows: impl IntoIterator<Item = R>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header).add_rows(rows);
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if index > 0 {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.trim_fmt()
}

/// Names and values, one pair a line.
pub fn pairs(rows: &[(&str, String)]) -> String {
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let lines: Vec<String> =
        rows.iter().map(|(name, value)| format!("{name:width$}  {value}")).collect();
    lines.join("\n")
}

/// A value, or a dash where there is none.
pub fn or_dash<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

/// `1 block`, `2 blocks`.
pub fn count(number: impl Into<u64>, noun: &str) -> String {
    let number = number.into();
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn written(json: bool) -> String {
        let mut bytes = Vec::new();
        let mut out = Out::new(&mut bytes, json);
        out.line("connecting").unwrap();
        out.result(&vec![1, 2], |numbers| format!("{} numbers\n\n", numbers.len())).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn json_is_one_document_and_nothing_else() {
        let value: serde_json::Value = serde_json::from_str(&written(true)).unwrap();
        assert_eq!(value, serde_json::json!([1, 2]));
        assert_eq!(written(false), "connecting\n2 numbers\n");
    }

    #[test]
    fn balances_beyond_64_bits_are_written_whole() {
        let mut bytes = Vec::new();
        Out::new(&mut bytes, true).result(&u128::MAX, |_| String::new()).unwrap();
        assert_eq!(String::from_utf8(bytes).unwrap().trim(), u128::MAX.to_string());
    }

    #[test]
    fn pairs_are_aligned() {
        assert_eq!(pairs(&[("a", "1".into()), ("bcd", "2".into())]), "a    1\nbcd  2");
        assert_eq!(count(1_u32, "block") + ", " + &count(0_u32, "block"), "1 block, 0 blocks");
    }

    #[test]
    fn a_table_has_its_header_and_rows() {
        let text = table(vec!["task", "status"], [vec!["7", "running"]]);
        assert_eq!(text, "task  status\n7     running");
        let text = number_table(vec!["who", "has"], [vec!["a", "1"], vec!["b", "100"]]);
        assert_eq!(text, "who  has\na      1\nb    100");
    }
}
