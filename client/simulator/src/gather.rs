//! A round's updates on their way into one change.
//!
//! A mean is summed up as updates come: integers, so that their order changes nothing, in the memory of
//! one model. The other rules look at several updates at once, which are kept until the last has come,
//! in memory up to [`IN_MEMORY`] and in files beyond.

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use decentralml_exact::{Sum, decode_mean};
use decentralml_learning::{
    AggregateError, Aggregation, Blend, Encoding, Parameter, Rule, Update, UpdateFile,
    aggregate::change_of, updates::Updates,
};

use crate::{SimulateError, folder};

/// Bytes that kept updates may take in memory: 256 MB.
const IN_MEMORY: usize = 256 << 20;

/// Where the updates of a round go.
pub(crate) struct Gather {
    inner: Mutex<Inner>,
    encoding: Encoding,
    /// Files of this round, where updates are kept in files.
    folder: Option<PathBuf>,
}

enum Inner {
    Summed(Sum),
    Kept(Vec<Option<Update>>),
    Filed(Vec<Option<UpdateFile>>),
}

impl Gather {
    /// Sums updates of `length` weights up.
    pub(crate) fn summing(length: usize, encoding: Encoding) -> Self {
        Self { inner: Mutex::new(Inner::Summed(Sum::new(length))), encoding, folder: None }
    }

    /// Keeps `count` updates of `length` weights; in files in `folder`, where they are too many.
    pub(crate) fn keeping(
        count: usize,
        length: usize,
        encoding: Encoding,
        folder: &Path,
    ) -> Result<Self, SimulateError> {
        Self::keeping_up_to(IN_MEMORY, count, length, encoding, folder)
    }

    fn keeping_up_to(
        limit: usize,
        count: usize,
        length: usize,
        encoding: Encoding,
        folder: &Path,
    ) -> Result<Self, SimulateError> {
        let bytes = count.saturating_mul(length).saturating_mul(size_of::<i32>());
        if bytes <= limit {
            let inner = Mutex::new(Inner::Kept(vec![None; count]));
            return Ok(Self { inner, encoding, folder: None });
        }
        std::fs::create_dir_all(folder).map_err(|error| SimulateError::file(folder, error))?;
        let inner = Mutex::new(Inner::Filed(vec![None; count]));
        Ok(Self { inner, encoding, folder: Some(folder.to_owned()) })
    }

    /// Takes the update of the client at `position` of the cohort in; a mean counts it `count` times.
    pub(crate) fn put(
        &self,
        position: usize,
        update: Update,
        count: u32,
        round: u32,
    ) -> Result<(), SimulateError> {
        // Written before the lock is taken: other threads go on meanwhile.
        let file = match &self.folder {
            Some(folder) => {
                let path = folder.join(position.to_string());
                let file = UpdateFile::write(&path, &update);
                Some(file.map_err(|error| SimulateError::file(path, error))?)
            }
            None => None,
        };
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *inner {
            Inner::Summed(sum) => {
                let added = sum.add(update.values(), count);
                added.map_err(|error| SimulateError::Aggregate { round, source: error.into() })?;
            }
            Inner::Kept(all) => {
                if let Some(place) = all.get_mut(position) {
                    *place = Some(update);
                }
            }
            Inner::Filed(all) => {
                if let Some(place) = all.get_mut(position) {
                    *place = file;
                }
            }
        }
        Ok(())
    }

    /// Has the updates that have come so far looked at, in the order of the cohort; none where they were
    /// summed up.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&dyn Updates) -> T) -> T {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        match &*inner {
            Inner::Summed(_) => look(&Vec::<&Update>::new()),
            Inner::Kept(all) => look(&all.iter().flatten().collect::<Vec<&Update>>()),
            Inner::Filed(all) => {
                let files: Vec<UpdateFile> = all.iter().flatten().cloned().collect();
                look(&Slice(&files))
            }
        }
    }

    /// The change of each weight that the updates come down to.
    pub(crate) fn change(
        self,
        parameters: &[Parameter],
        how: &Aggregation,
        round: u32,
    ) -> Result<Vec<f64>, SimulateError> {
        let fraction = self.encoding.fraction_bits();
        let failed = |source: AggregateError| SimulateError::Aggregate { round, source };
        let inner = self.inner.into_inner().unwrap_or_else(PoisonError::into_inner);
        let change = match inner {
            Inner::Summed(sum) => {
                let mean = sum.mean().map_err(|error| failed(error.into()))?;
                mean.into_iter().map(|mean| decode_mean(mean, fraction)).collect()
            }
            Inner::Kept(all) => {
                let all: Vec<&Update> = all.iter().flatten().collect();
                change_of(parameters, &all, how).map_err(failed)?
            }
            Inner::Filed(all) => {
                let files: Vec<UpdateFile> = all.into_iter().flatten().collect();
                change_of(parameters, files.as_slice(), how).map_err(failed)?
            }
        };
        match &self.folder {
            Some(path) => clear_updates(path).map(|()| change),
            None => Ok(change),
        }
    }
}

/// Removes the files of a round's updates.
pub(crate) fn clear_updates(path: &Path) -> Result<(), SimulateError> {
    let position = |path: &Path| path.file_name()?.to_str()?.parse::<usize>().ok();
    folder::clear(path, |path| position(path).is_some())
}

/// Whether updates can be summed up as they come.
pub(crate) fn can_sum(how: &Aggregation) -> bool {
    how.rule == Rule::Mean && how.before == decentralml_learning::Before::Nothing
}

/// A slice of files behind a pointer of known size.
struct Slice<'a>(&'a [UpdateFile]);

impl Updates for Slice<'_> {
    fn count(&self) -> usize {
        self.0.count()
    }

    fn kind(&self, update: usize) -> Option<(&[Parameter], Encoding)> {
        self.0.kind(update)
    }

    fn read(&self, update: usize, start: usize, out: &mut [i32]) -> std::io::Result<()> {
        Updates::read(self.0, update, start, out)
    }

    fn open(
        &self,
        update: usize,
    ) -> std::io::Result<Box<dyn decentralml_learning::updates::Part + '_>> {
        Updates::open(self.0, update)
    }
}

/// FedNova's weights of these clients, or what is wrong with them.
pub(crate) fn nova(samples: &[u32], steps: &[u32], round: u32) -> Result<Blend, SimulateError> {
    Blend::nova(samples, steps)
        .map_err(|error| SimulateError::Aggregate { round, source: error.into() })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use decentralml_learning::{ModelSpec, Weights};

    fn updates() -> (ModelSpec, Encoding, Vec<Update>) {
        let spec = ModelSpec::mlp(8, &[6], 3);
        let encoding = Encoding::new(16, 8, i32::from(i16::MAX)).unwrap();
        let base = Weights::init(&spec, [0; 32]);
        let update =
            |seed| Update::from_delta(&base, &Weights::init(&spec, [seed; 32]), encoding).unwrap();
        let updates = (1..=5).map(update).collect();
        (spec, encoding, updates)
    }

    #[test]
    fn a_mean_that_is_summed_up_is_the_librarys_in_any_order() {
        let (spec, encoding, updates) = updates();
        let parameters = spec.parameters();
        let all: Vec<&Update> = updates.iter().collect();
        let weights = [3_u32, 1, 4, 1, 5];
        let counts = Some(Blend::new(weights.to_vec(), 14).unwrap());
        let weighted = Aggregation { counts, ..Rule::Mean.into() };
        for (how, weights) in [(Rule::Mean.into(), [1; 5]), (weighted, weights)] {
            let expected = change_of(&parameters, &all, &how).unwrap();
            for order in [[0, 1, 2, 3, 4], [3, 1, 4, 2, 0]] {
                let gather = Gather::summing(spec.parameter_count(), encoding);
                for index in order {
                    gather.put(index, updates[index].clone(), weights[index], 1).unwrap();
                }
                assert_eq!(gather.change(&parameters, &how, 1).unwrap(), expected);
            }
        }
    }

    #[test]
    fn kept_updates_stand_in_the_order_of_the_cohort_in_memory_and_in_files() {
        let (spec, encoding, updates) = updates();
        let parameters = spec.parameters();
        let all: Vec<&Update> = updates.iter().collect();
        let how = Rule::Krum { hostile: 1 }.into();
        let expected = change_of(&parameters, &all, &how).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("updates");
        for limit in [IN_MEMORY, 100] {
            let length = spec.parameter_count();
            let gather = Gather::keeping_up_to(limit, 5, length, encoding, &path).unwrap();
            for index in [4, 2, 0, 1, 3] {
                gather.put(index, updates[index].clone(), 1, 1).unwrap();
            }
            assert_eq!(gather.folder.is_some(), limit == 100);
            assert_eq!(gather.look(|all| all.count()), 5);
            assert_eq!(gather.change(&parameters, &how, 1).unwrap(), expected);
        }
        assert!(!path.exists());
    }
}
