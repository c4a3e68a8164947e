//! A round's updates, a part at a time: those in memory, or those in files.
//!
//! Nothing that scores or aggregates updates needs more of them at once than one whole update or one
//! chunk of each. Kept in files, any number of updates is worked on in the memory of a few models.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    sync::Arc,
};

use decentralml_exact::{self as exact, Encoding};
use rayon::prelude::*;

use crate::{model::Parameter, update::Update};

/// A round's updates, in their order; several threads may read them.
pub trait Updates: Sync {
    /// How many there are.
    fn count(&self) -> usize;

    /// The names and shapes of an update's tensors, and its encoding; `None` from [`count`](Self::count) on.
    fn kind(&self, update: usize) -> Option<(&[Parameter], Encoding)>;

    /// Fills `out` with an update's integers from the weight `start` on, in units of `2^-f`.
    fn read(&self, update: usize, start: usize, out: &mut [i32]) -> io::Result<()>;

    /// One update, opened to be read in several parts.
    fn open(&self, update: usize) -> io::Result<Box<dyn Part + '_>>;
}

/// One update's integers as little-endian bytes of the encoding's width, a part at a time.
pub trait Part {
    /// Fills `out`, whole integers, from the weight `start` on.
    fn read(&mut self, start: usize, out: &mut [u8]) -> io::Result<()>;
}

/// The integers of an update in memory.
struct Values<'a> {
    values: &'a [i32],
    width: usize,
}

impl Part for Values<'_> {
    fn read(&mut self, start: usize, out: &mut [u8]) -> io::Result<()> {
        let count = out.len() / self.width;
        let values = self.values.get(start..).and_then(|values| values.get(..count));
        let values = values.ok_or_else(beyond)?;
        // Values lie within the clip, which fits into the width: the low bytes say it all.
        match self.width {
            1 => out.iter_mut().zip(values).for_each(|(out, q)| *out = *q as u8),
            2 => {
                let cells = out.as_chunks_mut().0.iter_mut().zip(values);
                cells.for_each(|(out, q)| *out = (*q as i16).to_le_bytes());
            }
            _ => {
                let cells = out.as_chunks_mut().0.iter_mut().zip(values);
                cells.for_each(|(out, q)| *out = q.to_le_bytes());
            }
        }
        Ok(())
    }
}

/// The updates' encoding, `None` where there are no updates; or the first of them that has another one than the first, or
/// belongs to another model.
pub(crate) fn encoding<U: Updates + ?Sized>(
    updates: &U,
    parameters: &[Parameter],
) -> Result<Option<Encoding>, usize> {
    let first = updates.kind(0).map(|(_, encoding)| encoding);
    for index in 0..updates.count() {
        match updates.kind(index) {
            Some((own, encoding)) if own == parameters && Some(encoding) == first => {}
            _ => return Err(index),
        }
    }
    Ok(first)
}

impl Updates for [&Update] {
    fn count(&self) -> usize {
        self.len()
    }

    fn kind(&self, update: usize) -> Option<(&[Parameter], Encoding)> {
        self.get(update).map(|update| (update.parameters(), update.encoding()))
    }

    fn read(&self, update: usize, start: usize, out: &mut [i32]) -> io::Result<()> {
        let values = self.get(update).and_then(|update| update.values().get(start..));
        let values = values.and_then(|values| values.get(..out.len())).ok_or_else(beyond)?;
        out.copy_from_slice(values);
        Ok(())
    }

    fn open(&self, update: usize) -> io::Result<Box<dyn Part + '_>> {
        let update = self.get(update).ok_or_else(beyond)?;
        Ok(Box::new(Values { values: update.values(), width: width(update.encoding()) }))
    }
}

impl Updates for Vec<&Update> {
    fn count(&self) -> usize {
        self.as_slice().count()
    }

    fn kind(&self, update: usize) -> Option<(&[Parameter], Encoding)> {
        self.as_slice().kind(update)
    }

    fn read(&self, update: usize, start: usize, out: &mut [i32]) -> io::Result<()> {
        self.as_slice().read(update, start, out)
    }

    fn open(&self, update: usize) -> io::Result<Box<dyn Part + '_>> {
        let update = self.get(update).ok_or_else(beyond)?;
        Ok(Box::new(Values { values: update.values(), width: width(update.encoding()) }))
    }
}

/// An update in a file of this machine: checked before it was written, so that reading it back is reading numbers.
#[derive(Clone, Debug)]
pub struct UpdateFile {
    path: PathBuf,
    parameters: Arc<[Parameter]>,
    encoding: Encoding,
    /// Where the numbers begin, in bytes.
    body: u64,
}

impl UpdateFile {
    /// Writes an update to `path`, and replaces what is there. It is not synced: after a crash it has to be written again.
    pub fn write(path: &Path, update: &Update) -> io::Result<Self> {
        let bytes = update.to_bytes();
        std::fs::write(path, &bytes)?;
        let numbers = update.values().len() * width(update.encoding());
        Ok(Self {
            path: path.to_owned(),
            parameters: update.parameters().into(),
            encoding: update.encoding(),
            body: bytes.len().saturating_sub(numbers) as u64,
        })
    }

    /// Names and shapes, sorted by name.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// The encoding of the integers.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Fills `out` with the integers from the weight `start` on, in units of `2^-f`.
    pub fn read(&self, start: usize, out: &mut [i32]) -> io::Result<()> {
        let width = width(self.encoding);
        let mut bytes = vec![0; out.len() * width];
        // Opened each time: a round has more updates than a process may have open files.
        self.open()?.read(start, &mut bytes)?;
        decode(&bytes, width, out);
        Ok(())
    }

    /// Opens it to be read in several parts.
    pub fn open(&self) -> io::Result<impl Part + use<>> {
        let file = File::open(&self.path)?;
        Ok(Opened { file, at: 0, body: self.body, width: width(self.encoding) })
    }
}

struct Opened {
    file: File,
    /// Where the next byte comes from.
    at: u64,
    body: u64,
    width: usize,
}

impl Part for Opened {
    fn read(&mut self, start: usize, out: &mut [u8]) -> io::Result<()> {
        let start = self.body + (start * self.width) as u64;
        if start != self.at {
            self.file.seek(SeekFrom::Start(start))?;
        }
        // After an error, the place is not known.
        self.at = u64::MAX;
        self.file.read_exact(out)?;
        self.at = start + out.len() as u64;
        Ok(())
    }
}

/// Integers from their little-endian bytes.
pub(crate) fn decode(bytes: &[u8], width: usize, out: &mut [i32]) {
    match width {
        1 => {
            let values = bytes.iter().map(|&byte| i32::from(byte as i8));
            out.iter_mut().zip(values).for_each(|(out, q)| *out = q);
        }
        2 => {
            let values = bytes.as_chunks().0.iter().map(|q| i32::from(i16::from_le_bytes(*q)));
            out.iter_mut().zip(values).for_each(|(out, q)| *out = q);
        }
        _ => {
            let values = bytes.as_chunks().0.iter().map(|q| i32::from_le_bytes(*q));
            out.iter_mut().zip(values).for_each(|(out, q)| *out = q);
        }
    }
}

impl Updates for [UpdateFile] {
    fn count(&self) -> usize {
        self.len()
    }

    fn kind(&self, update: usize) -> Option<(&[Parameter], Encoding)> {
        self.get(update).map(|file| (file.parameters(), file.encoding()))
    }

    fn read(&self, update: usize, start: usize, out: &mut [i32]) -> io::Result<()> {
        self.get(update).ok_or_else(beyond)?.read(start, out)
    }

    fn open(&self, update: usize) -> io::Result<Box<dyn Part + '_>> {
        Ok(Box::new(self.get(update).ok_or_else(beyond)?.open()?))
    }
}

/// Updates cut to a norm while they are read.
pub struct Clipped<'a, U: ?Sized> {
    updates: &'a U,
    bound: u64,
    /// Of each update, rounded up, in units of `2^-f`.
    norms: Vec<u128>,
}

impl<'a, U: Updates + ?Sized> Clipped<'a, U> {
    /// Reads all updates once for their norms. `bound` is in units of `2^-f`, and positive.
    ///
    /// What is read then is what [`Update::clip_norm`] would have made of each update.
    pub fn new(updates: &'a U, bound: u64) -> io::Result<Self> {
        if bound == 0 {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a norm bound of zero"));
        }
        let norm = |index| {
            let length = updates.kind(index).map_or(0, |(parameters, _)| {
                parameters.iter().map(Parameter::count).sum::<usize>()
            });
            let mut chunk = vec![0; length.min(NORM_CHUNK)];
            let mut squared = 0;
            for start in (0..length).step_by(NORM_CHUNK) {
                chunk.truncate(length - start);
                updates.read(index, start, &mut chunk)?;
                squared += exact::norm_squared(&chunk);
            }
            let root = squared.isqrt();
            Ok(if root * root < squared { root + 1 } else { root })
        };
        let norms = (0..updates.count()).into_par_iter().map(norm).collect::<io::Result<_>>()?;
        Ok(Self { updates, bound, norms })
    }

    /// How many updates are cut.
    pub fn cut(&self) -> usize {
        self.norms.iter().filter(|norm| **norm > u128::from(self.bound)).count()
    }

    fn clip(&self, update: usize, values: &mut [i32]) {
        let norm = self.norms.get(update).copied().unwrap_or(0);
        exact::clip_to(values, norm, self.bound);
    }
}

/// Integers that are read at a time for a norm.
const NORM_CHUNK: usize = 1 << 16;

impl<U: Updates + ?Sized> Updates for Clipped<'_, U> {
    fn count(&self) -> usize {
        self.updates.count()
    }

    fn kind(&self, update: usize) -> Option<(&[Parameter], Encoding)> {
        self.updates.kind(update)
    }

    fn read(&self, update: usize, start: usize, out: &mut [i32]) -> io::Result<()> {
        self.updates.read(update, start, out)?;
        self.clip(update, out);
        Ok(())
    }

    fn open(&self, update: usize) -> io::Result<Box<dyn Part + '_>> {
        let width = self.kind(update).map_or(4, |(_, encoding)| width(encoding));
        Ok(Box::new(ClippedPart { all: self, update, part: self.updates.open(update)?, width }))
    }
}

struct ClippedPart<'a, U: ?Sized> {
    all: &'a Clipped<'a, U>,
    update: usize,
    part: Box<dyn Part + 'a>,
    width: usize,
}

impl<U: Updates + ?Sized> Part for ClippedPart<'_, U> {
    fn read(&mut self, start: usize, out: &mut [u8]) -> io::Result<()> {
        self.part.read(start, out)?;
        let mut values = vec![0; out.len() / self.width];
        decode(out, self.width, &mut values);
        self.all.clip(self.update, &mut values);
        Values { values: &values, width: self.width }.read(0, out)
    }
}

/// Bytes of a number; four bits take a byte where they are not packed.
pub(crate) fn width(encoding: Encoding) -> usize {
    usize::from(encoding.bits() / 8).max(1)
}

fn beyond() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "no update has that many weights")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{
        Coalitions, Dataset, Evaluator, ModelSpec, Rule, ShapleyOptions, Weights, aggregate,
        aggregate::aggregate_from, contribution::shapley,
    };

    fn spec() -> ModelSpec {
        ModelSpec::mlp(64, &[80], 10)
    }

    fn updates(count: u8, bits: u8) -> (Weights, Vec<Update>) {
        let encoding = Encoding::new(bits, 6, 127).unwrap();
        let base = Weights::init(&spec(), [0; 32]);
        let trained = (1..=count).map(|seed| Weights::init(&spec(), [seed; 32]));
        let updates =
            trained.map(|trained| Update::from_delta(&base, &trained, encoding).unwrap()).collect();
        (base, updates)
    }

    fn files(folder: &Path, updates: &[Update]) -> Vec<UpdateFile> {
        let write =
            |(index, update)| UpdateFile::write(&folder.join(format!("{index}")), update).unwrap();
        updates.iter().enumerate().map(write).collect()
    }

    #[test]
    fn a_file_gives_back_any_range_at_every_width() {
        let folder = tempfile::tempdir().unwrap();
        for bits in [8, 16, 32] {
            let (_, updates) = updates(1, bits);
            let file = files(folder.path(), &updates).remove(0);
            let values = updates[0].values();
            assert!(values.iter().any(|&q| q < 0));
            for range in [0..values.len(), 0..1, 17..4_113, values.len() - 3..values.len()] {
                let mut out = vec![0; range.len()];
                file.read(range.start, &mut out).unwrap();
                assert_eq!(out, values[range]);
            }
            let error = file.read(values.len() - 1, &mut [0; 2]).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        }
    }

    #[test]
    fn files_and_memory_give_the_same_model_to_the_last_bit() {
        let folder = tempfile::tempdir().unwrap();
        let (base, updates) = updates(5, 16);
        let files = files(folder.path(), &updates);
        let all: Vec<&Update> = updates.iter().collect();
        for rule in [Rule::Mean, Rule::TrimmedMean { k: 1 }, Rule::Median] {
            let expected = aggregate(&base, &all, rule).unwrap();
            let found = aggregate_from(&base, files.as_slice(), rule).unwrap();
            assert_eq!(found.to_bytes(), expected.to_bytes());
        }
    }

    #[test]
    fn files_and_memory_give_the_same_scores_exactly_and_by_permutations() {
        let digits = crate::data::digits().unwrap();
        let rows: Dataset = digits.subset(&(0..40).collect::<Vec<_>>());
        let evaluator = Evaluator::new(&spec(), &rows).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let options = ShapleyOptions { permutations: 3, tolerance: 0.0 };
        for count in [4, 10] {
            let (base, updates) = updates(count, 16);
            let files = files(folder.path(), &updates);
            let all: Vec<&Update> = updates.iter().collect();
            let players = updates.len();
            let mut memory = Coalitions::new(&evaluator, &base, &all).unwrap();
            let expected = shapley(players, [3; 32], &options, |who| memory.utility(who)).unwrap();
            let mut disk = Coalitions::new(&evaluator, &base, files.as_slice()).unwrap();
            let found = shapley(players, [3; 32], &options, |who| disk.utility(who)).unwrap();
            assert_eq!(found, expected);
            assert!(found.iter().any(|score| *score != 0));
        }
    }

    #[test]
    fn updates_cut_while_they_are_read_are_those_cut_in_memory() {
        let folder = tempfile::tempdir().unwrap();
        for bits in [8, 16, 32] {
            let (base, mut updates) = updates(5, bits);
            let files = files(folder.path(), &updates);
            let clipped = Clipped::new(files.as_slice(), 700).unwrap();
            assert_eq!(clipped.cut(), 5);
            updates.iter_mut().for_each(|update| update.clip_norm(700).unwrap());
            let all: Vec<&Update> = updates.iter().collect();
            for rule in [Rule::Mean, Rule::Median, Rule::Krum { hostile: 1 }] {
                let expected = aggregate(&base, &all, rule).unwrap();
                assert_eq!(aggregate_from(&base, &clipped, rule).unwrap(), expected);
            }
        }
        let (_, updates) = self::updates(1, 8);
        let all: Vec<&Update> = updates.iter().collect();
        assert!(Clipped::new(&all, 0).is_err());
        assert_eq!(Clipped::new(&all, 1 << 40).unwrap().cut(), 0);
    }

    #[test]
    fn a_file_that_is_gone_is_an_error_and_not_a_zero() {
        let folder = tempfile::tempdir().unwrap();
        let (base, updates) = updates(2, 16);
        let files = files(folder.path(), &updates);
        std::fs::remove_file(folder.path().join("1")).unwrap();
        let error = aggregate_from(&base, files.as_slice(), Rule::Mean).unwrap_err();
        assert!(matches!(error, crate::AggregateError::Read(_)), "{error}");
        let digits = crate::data::digits().unwrap();
        let evaluator = Evaluator::new(&spec(), &digits.subset(&[0, 1])).unwrap();
        let mut coalitions = Coalitions::new(&evaluator, &base, files.as_slice()).unwrap();
        assert!(matches!(
            coalitions.utility(&[true, true]),
            Err(crate::ContributionError::Read(_))
        ));
        // What was read before still counts once.
        let alone = coalitions.model(&[true, false]).unwrap();
        let mut fresh = Coalitions::new(&evaluator, &base, files.as_slice()).unwrap();
        assert_eq!(alone, fresh.model(&[true, false]).unwrap());
    }
}
