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

use decentralml_exact::Encoding;

use crate::{model::Parameter, update::Update};

/// A round's updates, in their order.
pub trait Updates {
    /// How many there are.
    fn count(&self) -> usize;

    /// The names and shapes of an update's tensors, and its encoding; `None` from [`count`](Self::count) on.
    fn kind(&self, update: usize) -> Option<(&[Parameter], Encoding)>;

    /// Fills `out` with an update's integers from the weight `start` on, in units of `2^-f`.
    fn read(&self, update: usize, start: usize, out: &mut [i32]) -> io::Result<()>;
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
        // Opened each time: a round has more updates than a process may have open files.
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(self.body + (start * width) as u64))?;
        let mut bytes = vec![0; out.len() * width];
        file.read_exact(&mut bytes)?;
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
        Ok(())
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
}

/// Bytes of a number.
fn width(encoding: Encoding) -> usize {
    usize::from(encoding.bits() / 8)
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
