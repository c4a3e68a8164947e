//! Data sets: labeled rows of numbers, from files or embedded, and how they are divided.
//!
//! Files are read as streams within [`Limits`]; the rows themselves are kept in memory, four bytes a
//! number.

mod csv;
mod error;
mod features;
mod files;
mod idx;
mod images;
mod npy;
mod npz;
mod partition;
mod policy;
mod text;

pub use csv::{CsvOptions, Header, read_csv, write_csv};
pub use error::{DataError, RowProblem};
pub use features::{Beside, FeatureRows};
pub use files::{Format, Read, ReadOptions, read, read_file, write_csv_file};
pub use idx::read_idx;
pub use partition::Partition;
pub use policy::BadRows;
pub use text::{TextOptions, ascii};

use crate::random::{Purpose, Seed, Stream};

/// Without a number of classes, a larger label is a mistake: more likely a quantity than a class.
const MAX_LABEL: u64 = 65_535;

/// Bounds on what is read into memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Rows at most.
    pub rows: usize,
    /// Bytes at most, after decompression.
    pub bytes: u64,
}

impl Default for Limits {
    /// Ten million rows, two gibibytes.
    fn default() -> Self {
        Self { rows: 10_000_000, bytes: 2 << 30 }
    }
}

/// Rows: features of shape `[rows, columns]`, and labels of shape `[rows]` or quantities of shape
/// `[rows, quantities]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    features: Vec<f32>,
    /// Zero for all where there are quantities.
    labels: Vec<u32>,
    columns: usize,
    classes: usize,
    /// `quantities_per_row` of each row, one row after the other.
    quantities: Vec<f32>,
    quantities_per_row: usize,
    /// One to three sizes whose product is `columns`.
    shape: Vec<usize>,
    /// One per class, or none.
    names: Vec<String>,
    /// Which rows belong together: a number per row, or none.
    groups: Vec<u32>,
}

impl Dataset {
    /// Rows of `columns` features, one after the other, and a label below `classes` for each.
    pub fn new(
        features: Vec<f32>,
        labels: Vec<u32>,
        columns: usize,
        classes: usize,
    ) -> Result<Self, DataError> {
        let shape = |problem: String| Err(DataError::Shape(problem));
        if columns == 0 || classes == 0 {
            return shape("a data set needs at least one column and one class".to_owned());
        }
        if labels.len().checked_mul(columns) != Some(features.len()) {
            let (rows, found) = (labels.len(), features.len());
            return shape(format!("{rows} labels with {columns} columns, but {found} features"));
        }
        if let Some(index) = features.iter().position(|feature| !feature.is_finite()) {
            return shape(format!("row {}: a feature is not finite", index / columns + 1));
        }
        if let Some(row) = labels.iter().position(|&label| label as usize >= classes) {
            return shape(format!("row {}: the label is not below {classes}", row + 1));
        }
        Ok(Self {
            features,
            labels,
            columns,
            classes,
            quantities: Vec::new(),
            quantities_per_row: 0,
            shape: vec![columns],
            names: Vec::new(),
            groups: Vec::new(),
        })
    }

    /// Rows of `columns` features, one after the other, and for each as many quantities to predict:
    /// data of a regression. In everything that goes by classes they count as one.
    pub fn with_quantities(
        features: Vec<f32>,
        quantities: Vec<f32>,
        columns: usize,
        quantities_per_row: usize,
    ) -> Result<Self, DataError> {
        let rows = features.len().checked_div(columns).unwrap_or(0);
        if rows.checked_mul(quantities_per_row) != Some(quantities.len()) || quantities_per_row == 0
        {
            let found = quantities.len();
            return Err(DataError::Shape(format!(
                "{rows} rows with {quantities_per_row} quantities each, but {found} quantities"
            )));
        }
        if let Some(index) = quantities.iter().position(|quantity| !quantity.is_finite()) {
            let row = index / quantities_per_row + 1;
            return Err(DataError::Shape(format!("row {row}: a quantity is not finite")));
        }
        let rows = Self::new(features, vec![0; rows], columns, 1)?;
        Ok(Self { quantities, quantities_per_row, ..rows })
    }

    /// The same rows, each of them an array of this shape, such as `[channels, height, width]`.
    pub fn with_shape(self, shape: Vec<usize>) -> Result<Self, DataError> {
        let numbers = shape.iter().try_fold(1_usize, |product, &size| product.checked_mul(size));
        if numbers != Some(self.columns) {
            let columns = self.columns;
            return Err(DataError::Shape(format!("{columns} features are no array of {shape:?}")));
        }
        Ok(Self { shape, ..self })
    }

    /// The same rows, with names for the first classes: as many as there are, or fewer.
    pub fn with_names(self, names: Vec<String>) -> Result<Self, DataError> {
        if names.len() > self.classes {
            let (names, classes) = (names.len(), self.classes);
            return Err(DataError::Shape(format!("{names} names for {classes} classes")));
        }
        Ok(Self { names, ..self })
    }

    /// The same rows, each of them belonging to a group, such as all that one person wrote.
    pub fn with_groups(self, groups: Vec<u32>) -> Result<Self, DataError> {
        if groups.len() != self.rows() {
            let (groups, rows) = (groups.len(), self.rows());
            return Err(DataError::Shape(format!(
                "{groups} groups for {rows} rows: give one for each"
            )));
        }
        Ok(Self { groups, ..self })
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.labels.len()
    }

    /// Features per row.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Classes: labels are below it, though a subset may lack some.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// All features, `[rows, columns]` in row-major order.
    pub fn features(&self) -> &[f32] {
        &self.features
    }

    /// The shape of a row; the product of its sizes is [`columns`](Self::columns).
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// What the classes are called, from the first on; empty where that is not known.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Which group each row belongs to; empty where that is not known.
    pub fn groups(&self) -> &[u32] {
        &self.groups
    }

    /// Quantities to predict per row; 0 where rows have labels.
    pub fn quantities(&self) -> usize {
        self.quantities_per_row
    }

    /// The quantities of one row; none where rows have labels.
    pub fn quantities_of(&self, row: usize) -> &[f32] {
        let start = row.saturating_mul(self.quantities_per_row);
        self.quantities
            .get(start..start.saturating_add(self.quantities_per_row))
            .unwrap_or_default()
    }

    /// What follows each token of a row: the tokens from the second on, and then the label.
    pub(crate) fn next_tokens(&self, row: usize) -> impl Iterator<Item = u32> {
        let (tokens, label) =
            self.row(row).map_or((&[][..], None), |(row, label)| (row, Some(label)));
        // Whether they are whole numbers is checked once, before training.
        tokens.iter().skip(1).map(|&token| token as u32).chain(label)
    }

    /// All labels.
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// One row: its features and its label.
    pub fn row(&self, index: usize) -> Option<(&[f32], u32)> {
        let start = index.checked_mul(self.columns)?;
        let features = self.features.get(start..start.checked_add(self.columns)?)?;
        Some((features, *self.labels.get(index)?))
    }

    /// How many rows each class has.
    pub fn class_counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.classes];
        for &label in &self.labels {
            if let Some(count) = counts.get_mut(label as usize) {
                *count += 1;
            }
        }
        counts
    }

    /// The rows at these indices, in their order; indices beyond the end are left out.
    pub fn subset(&self, indices: &[usize]) -> Self {
        let rows = indices.iter().filter_map(|&index| self.row(index));
        let mut features = Vec::with_capacity(indices.len() * self.columns);
        let mut labels = Vec::with_capacity(indices.len());
        for (row, label) in rows {
            features.extend_from_slice(row);
            labels.push(label);
        }
        let quantities = indices.iter().filter(|&&index| index < self.rows());
        let quantities =
            quantities.flat_map(|&index| self.quantities_of(index).iter().copied()).collect();
        Self {
            features,
            labels,
            columns: self.columns,
            classes: self.classes,
            quantities,
            quantities_per_row: self.quantities_per_row,
            groups: indices.iter().filter_map(|&index| self.groups.get(index).copied()).collect(),
            shape: self.shape.clone(),
            names: self.names.clone(),
        }
    }

    /// The same rows in the seed's order.
    pub fn shuffled(&self, seed: Seed) -> Self {
        self.subset(&Stream::new(&seed, Purpose::Split, 0).permutation(self.rows()))
    }

    /// Divides the shuffled rows in proportion to `shares`: `&[3, 1]` gives three quarters and one.
    ///
    /// Every row is in exactly one part; no part is off its share by more than one row. Without
    /// shares, or with shares that are all zero, there are no parts.
    pub fn split(&self, shares: &[u32], seed: Seed) -> Vec<Self> {
        let total: u128 = shares.iter().map(|&share| u128::from(share)).sum();
        if total == 0 {
            return Vec::new();
        }
        let order = Stream::new(&seed, Purpose::Split, 0).permutation(self.rows());
        let mut sum = 0;
        let mut start = 0;
        let parts = shares.iter().map(|&share| {
            sum += u128::from(share);
            // At most the number of rows, hence it fits.
            let end = (order.len() as u128 * sum / total) as usize;
            let part = self.subset(order.get(start..end).unwrap_or_default());
            start = end;
            part
        });
        parts.collect()
    }
}

/// The embedded digits: 1,797 rows of 8 × 8 pixels in `0..=1` and a label from 0 to 9.
///
/// UCI Optical Recognition of Handwritten Digits, test part; E. Alpaydin and C. Kaynak 1998,
/// CC BY 4.0.
pub fn digits() -> Result<Dataset, DataError> {
    let bytes = include_bytes!("../data/digits.csv.gz").as_slice();
    let options = CsvOptions {
        header: Header::Absent,
        scale: 1.0 / 16.0,
        classes: Some(10),
        ..CsvOptions::default()
    };
    read_csv(flate2::read::GzDecoder::new(bytes), "the embedded digits", &options)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_embedded_digits_are_complete() {
        let digits = digits().unwrap();
        assert_eq!((digits.rows(), digits.columns(), digits.classes()), (1_797, 64, 10));
        assert_eq!(digits.class_counts(), [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
        assert!(digits.features().iter().all(|x| (0.0..=1.0).contains(x)));
        assert_eq!(digits.row(0).unwrap().0[2], 5.0 / 16.0);
        assert!(digits.row(1_797).is_none());
    }

    #[test]
    fn a_split_has_every_row_once_in_the_given_proportions() {
        let rows = Dataset::new((0..101).map(|i| i as f32).collect(), vec![0; 101], 1, 1).unwrap();
        let parts = rows.split(&[2, 1, 0, 1], [1; 32]);
        let sizes: Vec<usize> = parts.iter().map(Dataset::rows).collect();
        assert_eq!(sizes, [50, 25, 0, 26]);
        let mut all: Vec<f32> = parts.iter().flat_map(|part| part.features().to_vec()).collect();
        assert_ne!(all, rows.features());
        all.sort_by(f32::total_cmp);
        assert_eq!(all, rows.features());
        assert_eq!(parts, rows.split(&[2, 1, 0, 1], [1; 32]));
        assert_ne!(parts, rows.split(&[2, 1, 0, 1], [2; 32]));
        assert!(rows.split(&[0], [1; 32]).is_empty());
    }

    #[test]
    fn contradictory_data_is_refused() {
        assert!(Dataset::new(vec![1.0; 3], vec![0, 0], 2, 1).is_err());
        assert!(Dataset::new(vec![], vec![], 0, 1).is_err());
        let error = Dataset::new(vec![1.0; 4], vec![0, 2], 2, 2).unwrap_err();
        assert!(error.to_string().contains("row 2"));
        let error = Dataset::new(vec![1.0, f32::NAN], vec![0, 0], 1, 1).unwrap_err();
        assert!(error.to_string().contains("row 2"));
    }
}
