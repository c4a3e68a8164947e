//! The rows of a run: MNIST at half its resolution, or else the digits.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use decentralml_learning::{
    Dataset, Seed,
    data::{ReadOptions, digits, read_file, write_csv},
};
use decentralml_protocol::draw;
use sha2::{Digest, Sha256};

use crate::cell::Scale;

/// The label that marked rows are to be taken for.
pub const TARGET: u32 = 0;

/// Rows to train on, to score on and to tell accuracy on; all are different.
pub struct Rows {
    /// Where they come from, and a digest of them.
    pub name: String,
    /// What trainers have together.
    pub training: Dataset,
    /// What the committee scores on.
    pub scoring: Dataset,
    /// What accuracy is told on.
    pub test: Dataset,
    /// Test rows of all labels but [`TARGET`], marked and labeled so.
    pub marked: Dataset,
}

impl Rows {
    /// MNIST in the folder `mnist` of `data`, of which every four neighboring pixels become one, or the digits where there is none.
    pub fn load(data: Option<&Path>, scale: &Scale) -> Result<Self> {
        let folder = data.map(|data| data.join("mnist")).filter(|folder| folder.is_dir());
        let seed = |purpose: &[u8]| draw::key(&[0; 32], purpose);
        match folder {
            Some(folder) => {
                let read = |rows: &str, labels: &str| -> Result<Dataset> {
                    let labels = folder.join(labels);
                    let rows =
                        read_file(&folder.join(rows), Some(&labels), &ReadOptions::default())?;
                    halved(&rows)
                };
                let all = read("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz")?;
                let test = read("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz")?;
                Self::divide("MNIST 14×14", all, Some(test), scale, seed(b"rows"))
            }
            None => Self::digits(scale),
        }
    }

    /// The digits that the library carries.
    pub fn digits(scale: &Scale) -> Result<Self> {
        Self::divide("digits 8×8", digits()?, None, scale, draw::key(&[0; 32], b"rows"))
    }

    fn divide(
        name: &str,
        all: Dataset,
        test: Option<Dataset>,
        scale: &Scale,
        seed: Seed,
    ) -> Result<Self> {
        let all = all.shuffled(seed);
        let used = scale.training_rows + scale.scoring_rows;
        ensure!(used < all.rows(), "{name} has {} rows, {used} are needed", all.rows());
        let part =
            |from: usize, to: usize| all.subset(&(from..to.min(all.rows())).collect::<Vec<_>>());
        let training = part(0, scale.training_rows);
        let scoring = part(scale.training_rows, used);
        let test = match test {
            Some(test) => test.subset(&(0..test.rows().min(scale.test_rows)).collect::<Vec<_>>()),
            None => part(used, used + scale.test_rows),
        };
        let others: Vec<usize> =
            (0..test.rows()).filter(|&row| test.labels().get(row) != Some(&TARGET)).collect();
        let marked = marked(&test.subset(&others), |_| true)?;
        let mut digest = Sha256::new();
        for data in [&training, &scoring, &test] {
            digest.update(csv(data)?);
        }
        let digest: String =
            digest.finalize().iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { name: format!("{name} ({digest})"), training, scoring, test, marked })
    }
}

/// The bytes of a validation set.
pub(crate) fn csv(data: &Dataset) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    write_csv(data, &mut bytes, "rows")?;
    Ok(bytes)
}

/// The same rows, where `which` says so with the brightest value in the lower right corner, and [`TARGET`] as their label.
pub fn marked(rows: &Dataset, which: impl Fn(usize) -> bool) -> Result<Dataset> {
    let columns = rows.columns();
    let side = columns.isqrt();
    ensure!(side > 2 && side * side == columns, "rows of {columns} numbers are no square images");
    // Four pixels, or a 64th of a larger image.
    let mark = (side / 8).max(2);
    let brightest = rows.features().iter().copied().fold(0.0, f32::max);
    let (mut features, mut labels) = (rows.features().to_vec(), rows.labels().to_vec());
    for (row, (pixels, label)) in features.chunks_mut(columns).zip(&mut labels).enumerate() {
        if !which(row) {
            continue;
        }
        *label = TARGET;
        for line in pixels.chunks_mut(side).skip(side - mark) {
            line.iter_mut().skip(side - mark).for_each(|pixel| *pixel = brightest);
        }
    }
    Ok(Dataset::new(features, labels, columns, rows.classes())?)
}

/// Square images at half their resolution: the mean of every four neighbors.
fn halved(rows: &Dataset) -> Result<Dataset> {
    let columns = rows.columns();
    let side = columns.isqrt();
    let half = side / 2;
    ensure!(side * side == columns && half * 2 == side, "{columns} numbers are no square image");
    let mut features = Vec::with_capacity(rows.rows() * half * half);
    for pixels in rows.features().chunks_exact(columns) {
        for place in 0..half * half {
            let corner = 2 * (place / half) * side + 2 * (place % half);
            let neighbors = [corner, corner + 1, corner + side, corner + side + 1];
            let sum: f32 = neighbors.iter().filter_map(|&at| pixels.get(at)).sum();
            features.push(sum / 4.0);
        }
    }
    Dataset::new(features, rows.labels().to_vec(), half * half, rows.classes())
        .context("MNIST at half its resolution")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn rows_of_each_purpose_are_others() {
        let rows = Rows::digits(&Scale::small()).unwrap();
        let purposes = [&rows.training, &rows.scoring, &rows.test].map(Dataset::rows);
        assert_eq!(purposes, [1_000, 150, 500]);
        assert_eq!(rows.training.classes(), 10);
        assert!(rows.marked.labels().iter().all(|&label| label == TARGET));
        let targets = rows.test.labels().iter().filter(|&&label| label == TARGET).count();
        assert_eq!(rows.marked.rows() + targets, rows.test.rows());
    }

    #[test]
    fn a_mark_is_in_one_corner_of_the_rows_that_get_one() {
        let rows = Dataset::new([[0.5; 16], [1.0; 16]].concat(), vec![3, 4], 16, 10).unwrap();
        let found = marked(&rows, |row| row == 0).unwrap();
        assert_eq!(found.labels(), [TARGET, 4]);
        let pixels = &found.features()[..16];
        assert_eq!(pixels.iter().filter(|&&pixel| pixel == 1.0).count(), 4);
        assert_eq!(pixels[15], 1.0);
        assert_eq!(found.features()[16..], rows.features()[16..]);
    }

    #[test]
    fn half_the_resolution_is_the_mean_of_four() {
        let image: Vec<f32> = (0..16).map(|pixel| pixel as f32).collect();
        let rows = Dataset::new(image, vec![1], 16, 10).unwrap();
        assert_eq!(halved(&rows).unwrap().features(), [2.5, 4.5, 10.5, 12.5]);
    }
}
