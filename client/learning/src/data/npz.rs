//! NumPy's archives: `.npz`, a ZIP file of arrays, stored or deflated.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::Path,
};

use flate2::{Crc, read::DeflateDecoder};

use super::{
    BadRows, DataError, Dataset, Limits,
    npy::{self, Array, Meaning},
};

/// Bytes of the table of contents at most.
const MAX_TABLE: u64 = 1 << 20;
/// What the arrays of features and of labels may be called.
const FEATURES: [&str; 6] = ["x", "features", "images", "data", "x_train", "arr_0"];
const TARGETS: [&str; 7] = ["y", "labels", "targets", "target", "label", "y_train", "arr_1"];

/// Whether a file starts like a ZIP file.
pub(super) fn looks_like_zip(start: &[u8]) -> bool {
    start.starts_with(b"PK\x03\x04")
}

/// One file of an archive.
struct Entry {
    name: String,
    method: u16,
    checksum: u32,
    packed: u64,
    size: u64,
    /// Where its own header starts.
    start: u64,
}

/// Reads the two arrays of an archive: one called `x`, `features`, `images` or `data`, and one called
/// `y`, `labels` or `targets`.
pub(super) fn read_npz(
    path: &Path,
    meaning: &Meaning,
    limits: Limits,
    bad: &mut BadRows,
) -> Result<Dataset, DataError> {
    let name = path.display().to_string();
    let mut archive = Archive { file: File::open(path).map_err(|e| io_error(&name, e))?, name };
    let entries = archive.entries()?;
    let find = |names: &[&str]| {
        names.iter().find_map(|name| {
            entries.iter().find(|entry| {
                entry
                    .name
                    .strip_suffix(".npy")
                    .is_some_and(|found| found.eq_ignore_ascii_case(name))
            })
        })
    };
    let (Some(features), Some(targets)) = (find(&FEATURES), find(&TARGETS)) else {
        let names: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).take(20).collect();
        return Err(archive.wrong(format!(
            "it has {}; save it with `numpy.savez(file, x=features, y=labels)`",
            names.join(", ")
        )));
    };
    let features = archive.array(features, limits)?;
    let targets = archive.array(targets, limits)?;
    npy::rows(&features, &targets, meaning, bad)
}

struct Archive {
    file: File,
    name: String,
}

impl Archive {
    fn wrong(&self, problem: String) -> DataError {
        DataError::Malformed { file: self.name.clone(), problem }
    }

    fn damaged(&self) -> DataError {
        self.wrong("damaged, or not an NPZ archive; copy or download it again".to_owned())
    }

    fn at(&mut self, place: u64, bytes: &mut [u8]) -> Result<(), DataError> {
        let read = self.file.seek(SeekFrom::Start(place)).and_then(|_| self.file.read_exact(bytes));
        read.map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => self.damaged(),
            _ => io_error(&self.name, error),
        })
    }

    /// The table of contents, which stands at the end.
    fn entries(&mut self) -> Result<Vec<Entry>, DataError> {
        const END: usize = 22;
        let length = self.file.metadata().map_err(|e| io_error(&self.name, e))?.len();
        // The end has a comment of up to 65,535 bytes.
        let tail = length.min(END as u64 + 65_535);
        let mut bytes = vec![0; tail as usize];
        self.at(length - tail, &mut bytes)?;
        let end = bytes.windows(END).rposition(|window| window.starts_with(b"PK\x05\x06"));
        let end = end.and_then(|at| bytes.get(at..at + END)).ok_or_else(|| self.damaged())?;
        let (size, start) = (u64::from(le32(end, 12)), u64::from(le32(end, 16)));
        if size > MAX_TABLE || start.saturating_add(size) > length {
            return Err(self.damaged());
        }
        let mut table = vec![0; size as usize];
        self.at(start, &mut table)?;
        let mut entries = Vec::new();
        let mut rest = table.as_slice();
        while let Some(fixed) = rest.get(..46).filter(|fixed| fixed.starts_with(b"PK\x01\x02")) {
            let lengths = [28, 30, 32].map(|at| usize::from(le16(fixed, at)));
            let name = rest.get(46..46 + lengths[0]).ok_or_else(|| self.damaged())?;
            entries.push(Entry {
                name: String::from_utf8_lossy(name).into_owned(),
                method: le16(fixed, 10),
                checksum: le32(fixed, 16),
                packed: u64::from(le32(fixed, 20)),
                size: u64::from(le32(fixed, 24)),
                start: u64::from(le32(fixed, 42)),
            });
            rest = rest.get(46 + lengths.iter().sum::<usize>()..).ok_or_else(|| self.damaged())?;
        }
        Ok(entries)
    }

    fn array(&mut self, entry: &Entry, limits: Limits) -> Result<Array, DataError> {
        let name = format!("{}, {}", self.name, entry.name);
        let all = u64::from(u32::MAX);
        if entry.size == all || entry.packed == all || entry.start == all {
            return Err(
                self.wrong(format!("{} has more than 4 GiB; give smaller files", entry.name))
            );
        }
        if entry.size > limits.bytes {
            return Err(DataError::TooLarge { file: name, limit: limits.bytes, unit: "bytes" });
        }
        let mut header = [0; 30];
        self.at(entry.start, &mut header)?;
        if !header.starts_with(b"PK\x03\x04") {
            return Err(self.damaged());
        }
        let names = u64::from(le16(&header, 26)) + u64::from(le16(&header, 28));
        let start = entry.start + 30 + names;
        self.file.seek(SeekFrom::Start(start)).map_err(|e| io_error(&self.name, e))?;
        let packed = (&self.file).take(entry.packed);
        let mut source: Box<dyn Read> = match entry.method {
            0 => Box::new(packed),
            8 => Box::new(DeflateDecoder::new(packed)),
            other => {
                return Err(self.wrong(format!(
                    "{} is packed by method {other}: stored and deflated ones are read",
                    entry.name
                )));
            }
        };
        // One byte more than announced would be one too many.
        let mut checked = Checked { source: source.by_ref().take(entry.size + 1), crc: Crc::new() };
        let array = npy::read_array(&mut checked, &name, limits)?;
        match checked.crc.sum() == entry.checksum && u64::from(checked.crc.amount()) == entry.size {
            true => Ok(array),
            false => Err(self.damaged()),
        }
    }
}

/// Sums up what goes through.
struct Checked<R> {
    source: R,
    crc: Crc,
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(bytes)?;
        self.crc.update(bytes.get(..read).unwrap_or_default());
        Ok(read)
    }
}

fn io_error(name: &str, source: io::Error) -> DataError {
    DataError::Io { file: name.to_owned(), source }
}

fn le16(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).and_then(|b| b.try_into().ok()).map_or(0, u16::from_le_bytes)
}

fn le32(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_le_bytes)
}
