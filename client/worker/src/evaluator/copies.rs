//! Which of a round's updates are copies of others, found before any is scored.

use decentralml_learning::{Distances, Encoding, ModelSpec, copies, distances};
use decentralml_types::{Opinion, Ppm};

use super::{judge::Revealed, updates::Found};
use crate::error::WorkerError;

/// The distances between all revealed updates, one that cannot be had or read being all of zeros. `None` where there is none.
///
/// Reads each once, a part at a time, whatever its CID: equal updates may come as different bytes.
pub fn apart(
    model: &ModelSpec,
    encoding: Encoding,
    found: &[Found],
) -> Result<Option<Distances>, WorkerError> {
    if found.is_empty() {
        return Ok(None);
    }
    let updates = Revealed::new(model, encoding, found);
    Ok(Some(distances(&model.parameters(), &updates)?))
}

/// The same updates, where those are `Copied` that are near one whose commitment has a lower number of `committed`.
///
/// An update that cannot be had is near nothing, so that seats which could fetch different ones may differ in what is a copy, too:
/// a majority of them has to have both.
pub fn without_copies(
    mut found: Vec<Found>,
    distances: &Distances,
    committed: &[u32],
    cosine: Ppm,
) -> Vec<Found> {
    for (update, is_copy) in found.iter_mut().zip(copies(distances, committed, cosine)) {
        if is_copy && update.is_ok() {
            *update = Err(Opinion::Copied);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use decentralml_learning::{Update, UpdateFile, Weights};
    use decentralml_types::spec::{COPY_COSINE, EQUAL_ONLY};

    #[test]
    fn later_commitments_to_the_same_change_are_copies_and_faulty_and_empty_updates_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let model = ModelSpec::mlp(1, &[], 2);
        let encoding = Encoding::new(16, 12, 32_767).unwrap();
        let base = Weights::new(&model, vec![0.0; 4]).unwrap();
        let stored = |name: &str, change: [f32; 4]| {
            let trained = Weights::new(&model, change.to_vec()).unwrap();
            let update = Update::from_delta(&base, &trained, encoding).unwrap();
            Ok(UpdateFile::write(&folder.path().join(name), &update).unwrap())
        };
        let found = vec![
            stored("copy", [1.0, 2.0, 0.0, -1.0]),
            stored("other", [1.0, 1.0, 1.0, -1.0]),
            stored("original", [1.0, 2.0, 0.0, -1.0]),
            Err(Opinion::Unavailable),
            stored("noisy", [1.0, 2.0, 0.01, -1.0]),
            stored("empty", [0.0; 4]),
            stored("empty-too", [0.0; 4]),
            stored("longer", [2.0, 4.0, 0.0, -2.0]),
        ];
        let distances = apart(&model, encoding, &found).unwrap().unwrap();
        let committed = [7, 6, 0, 1, 5, 2, 3, 4];
        let said = |cosine| {
            let found = without_copies(found.clone(), &distances, &committed, cosine);
            found.into_iter().map(|found| found.err()).collect::<Vec<_>>()
        };
        let (copied, missing) = (Some(Opinion::Copied), Some(Opinion::Unavailable));
        assert_eq!(said(COPY_COSINE), [copied, None, None, missing, copied, None, None, copied]);
        assert_eq!(said(EQUAL_ONLY), [copied, None, None, missing, None, None, None, None]);
        assert!(apart(&model, encoding, &[]).unwrap().is_none());
    }
}
