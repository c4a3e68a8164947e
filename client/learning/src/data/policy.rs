use super::DataError;

/// Messages that are kept of skipped rows; the others are only counted.
const KEPT: usize = 100;

/// What becomes of rows that cannot be used: each is an error, or so many are skipped.
#[derive(Debug, Default)]
pub struct BadRows {
    allowed: usize,
    count: usize,
    messages: Vec<String>,
}

impl BadRows {
    /// Skips up to `allowed` rows; with 0, the first that cannot be used is an error.
    pub fn skip_up_to(allowed: usize) -> Self {
        Self { allowed, ..Self::default() }
    }

    /// Counts a row as skipped, or gives the error back where no more may be.
    pub(super) fn found(&mut self, error: DataError) -> Result<(), DataError> {
        if self.allowed == 0 {
            return Err(error);
        }
        if self.count == self.allowed {
            return Err(DataError::TooManyBad { allowed: self.allowed, next: Box::new(error) });
        }
        self.count += 1;
        if self.messages.len() < KEPT {
            self.messages.push(error.to_string());
        }
        Ok(())
    }

    /// How many were skipped.
    pub fn count(&self) -> usize {
        self.count
    }

    /// File, line and reason of those that were skipped first: at most a hundred.
    pub fn messages(&self) -> &[String] {
        &self.messages
    }
}
