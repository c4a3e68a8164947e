//! What a row of data means to a model: how its numbers are normalized, what its classes and its
//! tokens are called.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::{SpecError, Task};

/// Bytes of a class's name at most.
const MAX_NAME: usize = 256;

/// How rows are to be understood; part of the model, and with it of the task.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowSpec {
    /// What is done to the features before the first layer sees them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub normalize: Option<Normalize>,
    /// The classes' names: the label of the first is 0. As many as the model has classes, or none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// The characters of texts: the token of the first is 0. As many as the model has tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vocabulary: Option<String>,
}

/// `(x − mean) / deviation`, one IEEE operation at a time.
///
/// A row is divided into as many equal parts as there are means, one after the other: one for all
/// numbers, one per channel of an image, one per feature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Normalize {
    /// What is subtracted.
    pub mean: Vec<Number>,
    /// What is divided by, not zero; as many as there are means.
    pub deviation: Vec<Number>,
}

/// A finite number; equal if its bits are. Minus zero is zero.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(try_from = "f32", into = "f32")]
pub struct Number(f32);

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl Eq for Number {}

impl TryFrom<f32> for Number {
    type Error = &'static str;

    fn try_from(number: f32) -> Result<Self, Self::Error> {
        // The sum turns minus zero into zero.
        if number.is_finite() { Ok(Self(number + 0.0)) } else { Err("the number is not finite") }
    }
}

impl From<Number> for f32 {
    fn from(number: Number) -> Self {
        number.0
    }
}

impl RowSpec {
    /// Whether nothing is said about the rows.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Checks it against a model of `features` inputs, `classes` outputs and, where its first layer
    /// is an embedding, so many tokens.
    pub(super) fn validate(
        &self,
        features: usize,
        classes: Option<usize>,
        tokens: Option<usize>,
    ) -> Result<(), SpecError> {
        let wrong = |problem: String| Err(SpecError::Rows(problem));
        if let Some(Normalize { mean, deviation }) = &self.normalize {
            let parts = mean.len();
            if tokens.is_some() {
                return wrong("tokens are not normalized: leave `normalize` out".to_owned());
            }
            if parts == 0 || deviation.len() != parts || !features.is_multiple_of(parts) {
                return wrong(format!(
                    "{parts} means and {} deviations for {features} features: give one each, one per channel, or one per \
                     feature",
                    deviation.len()
                ));
            }
            if deviation.iter().any(|deviation| deviation.0 == 0.0) {
                return wrong("a deviation is zero: it is divided by".to_owned());
            }
        }
        if !self.labels.is_empty() {
            if classes != Some(self.labels.len()) {
                let names = self.labels.len();
                let classes = classes.unwrap_or(0);
                return wrong(format!("{names} labels for {classes} classes: name each, or none"));
            }
            let fits = |name: &&String| (1..=MAX_NAME).contains(&name.len());
            let different: HashSet<&String> = self.labels.iter().filter(fits).collect();
            if different.len() != self.labels.len() {
                return wrong(format!("labels are different, and have 1 to {MAX_NAME} bytes"));
            }
        }
        if let Some(vocabulary) = &self.vocabulary {
            let characters = vocabulary.chars().count();
            if tokens != Some(characters) {
                let tokens = tokens.unwrap_or(0);
                return wrong(format!(
                    "{characters} characters in `vocabulary` for the {tokens} tokens of an embedding"
                ));
            }
            if vocabulary.chars().collect::<HashSet<char>>().len() != characters {
                return wrong("`vocabulary` has a character twice".to_owned());
            }
        }
        Ok(())
    }

    /// Checks that labels mean the same in data whose first classes have these names: under others,
    /// a model would learn wrong labels without a sign of it. Names that either side lacks are not
    /// compared.
    pub(super) fn check_names(&self, task: Task, names: &[String]) -> Result<(), SpecError> {
        let characters = match (task, &self.vocabulary) {
            // The label is the token after the last, and called as the character is.
            (Task::NextToken, Some(vocabulary)) => vocabulary.chars().map(String::from).collect(),
            _ => Vec::new(),
        };
        let own = if characters.is_empty() { &self.labels } else { &characters };
        match own.iter().zip(names).enumerate().find(|(_, (own, found))| own != found) {
            None => Ok(()),
            Some((label, (expected, found))) => {
                Err(SpecError::Names { label, expected: expected.clone(), found: found.clone() })
            }
        }
    }

    /// Normalizes one row in place.
    pub(crate) fn normalize(&self, row: &mut [f32]) {
        let Some(Normalize { mean, deviation }) = &self.normalize else { return };
        let part = row.len().checked_div(mean.len()).unwrap_or(0).max(1);
        for (numbers, (mean, deviation)) in row.chunks_mut(part).zip(mean.iter().zip(deviation)) {
            numbers.iter_mut().for_each(|x| *x = (*x - mean.0) / deviation.0);
        }
    }
}
