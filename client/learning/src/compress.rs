//! Updates in fewer bytes: 4 to 32 bits per weight with a scale per tensor, the largest changes alone,
//! entropy coding, and a memory of what was left out.
//!
//! ```text
//!  trained − base + residual ──scale──► stochastic rounding ──► integers of 4…32 bits ──► bytes
//!                                                                     │
//!  residual of the next round ◄── what they do not say ◄──────────────┤
//!                                                                     ▼
//!                                          [`Update`] in the task's encoding: what is aggregated
//! ```
//!
//! The integers of a tensor share a scale `2^shift`: reading is a shift to the left, so that what comes
//! out are integers in the units of the task's [`Encoding`], and aggregation stays exact.
//!
//! The file: `DMLU`, a version, the bits, flags (1: some weights only, 2: deflated), a zero; then, perhaps
//! deflated, a shift per tensor; for some weights only, their number as 32 bits, little endian, and the
//! gaps between their indices as LEB128; then the integers in two's complement, little endian, two of 4
//! bits in a byte, the lower half first.

mod bytes;
mod residual;

use decentralml_exact::{self as exact, Encoding};
use serde::{Deserialize, Serialize};

use crate::{
    model::{ModelSpec, Parameter},
    random::{Purpose, Seed, Stream},
    update::Update,
    weights::Weights,
};
pub use residual::Residual;

/// How updates are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Codec {
    /// Bits per integer: 4, 8, 16 or 32.
    pub bits: u8,
    /// How many of 10,000 weights are sent, those with the largest changes (top-k); all without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep: Option<u16>,
    /// Whether the bytes are deflated where that makes them fewer.
    #[serde(default)]
    pub deflate: bool,
}

/// Whose draws the rounding takes: no two updates of a run share any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draw {
    /// The run's seed.
    pub run: Seed,
    /// The round.
    pub round: u32,
    /// The client's number in the run.
    pub client: u32,
}

/// A packed update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed {
    /// What is sent.
    pub bytes: Vec<u8>,
    /// What the bytes say, as everybody reads it.
    pub update: Update,
    /// How many weights are sent.
    pub sent: usize,
    /// How many of them were cut, as their change was beyond the task's clip.
    pub saturated: usize,
}

/// Why an update cannot be packed, or bytes are not a packed update.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// A codec that makes no sense.
    #[error("a codec has 4, 8, 16 or 32 bits and keeps 1 to 10,000 of 10,000 weights")]
    Codec,
    /// Weights, or a residual, of another model.
    #[error("the weights and the residual belong to different models")]
    DifferentModels,
    /// A change that is NaN or infinite.
    #[error(transparent)]
    Exact(#[from] exact::Error),
    /// More bytes than any update of this model has.
    #[error("{found} bytes: a packed update of this model has at most {most}")]
    TooLong {
        /// The most that there can be.
        most: usize,
        /// Bytes found.
        found: usize,
    },
    /// Other bytes than the codec writes.
    #[error("not a packed update of this task: {0}")]
    Malformed(&'static str),
}

impl Codec {
    /// Refuses a codec that makes no sense.
    pub fn check(&self) -> Result<(), CodecError> {
        let keeps = self.keep.is_none_or(|keep| (1..=10_000).contains(&keep));
        if matches!(self.bits, 4 | 8 | 16 | 32) && keeps { Ok(()) } else { Err(CodecError::Codec) }
    }

    /// The largest integer of its bits.
    fn largest(&self) -> i32 {
        ((1_i64 << (self.bits - 1)) - 1) as i32
    }

    /// How many of `count` weights are sent.
    fn sent(&self, count: usize) -> usize {
        match self.keep {
            None => count,
            Some(keep) => (count as u128 * u128::from(keep)).div_ceil(10_000) as usize,
        }
    }

    /// The most bytes that a packed update of a model has: what to allow when fetching one.
    pub fn most_bytes(&self, spec: &ModelSpec) -> usize {
        bytes::HEADER + self.most_body(spec.parameters().len(), spec.parameter_count())
    }

    fn most_body(&self, tensors: usize, count: usize) -> usize {
        let sent = self.sent(count);
        let indices = if self.keep.is_some() { 4 + 5 * sent } else { 0 };
        tensors + indices + (sent * usize::from(self.bits)).div_ceil(8)
    }

    /// Packs `trained − base`, together with what earlier rounds left out; what this one leaves out
    /// goes into the residual.
    ///
    /// Rounding is stochastic, so that it is right on average: a number between two integers becomes
    /// either with a probability that its distance gives, up to 2^-32. Weight `i` takes the `i`-th
    /// number of the draw's own stream, so that no order of execution changes anything.
    ///
    /// Fails, and leaves the residual as it was, for changes that are not finite.
    pub fn pack(
        &self,
        base: &Weights,
        trained: &Weights,
        encoding: Encoding,
        draw: &Draw,
        residual: Option<&mut Residual>,
    ) -> Result<Packed, CodecError> {
        self.check()?;
        let parameters = base.parameters();
        let count = base.values().len();
        let held = residual.as_ref().map_or(count, |residual| residual.values().len());
        if trained.parameters() != parameters || held != count {
            return Err(CodecError::DifferentModels);
        }
        let unit = encoding.decode(1);
        let pairs = base.values().iter().zip(trained.values());
        let mut changes: Vec<f64> =
            pairs.map(|(&old, &new)| (f64::from(new) - f64::from(old)) / unit).collect();
        if let Some(residual) = &residual {
            for (change, rest) in changes.iter_mut().zip(residual.values()) {
                *change += f64::from(*rest) / unit;
            }
        }
        if changes.iter().any(|change| !change.is_finite()) {
            return Err(exact::Error::NotFinite.into());
        }
        let chosen = self.choose(&changes);
        let mut random = Stream::new(&draw.run, Purpose::Rounding, draw.round).at_step(draw.client);
        let mut values = vec![0; count];
        let mut shifts = Vec::with_capacity(parameters.len());
        let mut saturated = 0;
        let mut start = 0;
        for parameter in parameters {
            let range = start..start + parameter.count();
            start = range.end;
            let tensor = changes.get(range.clone()).unwrap_or_default();
            let chosen =
                |offset: usize| chosen.as_ref().is_none_or(|all| all[range.start + offset]);
            let kept = tensor.iter().enumerate().filter(|(offset, _)| chosen(*offset));
            let most = kept.fold(0_f64, |most, (_, change)| most.max(change.abs()));
            let (shift, limit) = self.scale(most, encoding.clip());
            shifts.push(shift);
            let scale = f64::from(1_u32 << shift);
            let out = values.get_mut(range.clone()).unwrap_or_default();
            for (offset, (out, change)) in out.iter_mut().zip(tensor).enumerate() {
                let draw = random.bits();
                if !chosen(offset) {
                    continue;
                }
                let scaled = change / scale;
                let floor = scaled.floor();
                let up = (scaled - floor) * (1_u64 << 32) as f64 > f64::from(draw);
                let rounded = floor + f64::from(u8::from(up));
                let bound = f64::from(limit);
                // Rounding may step over the bound; only what lies beyond it has been cut.
                saturated += usize::from(scaled.abs() > bound);
                *out = (rounded.clamp(-bound, bound) as i32) << shift;
            }
        }
        if let Some(residual) = residual {
            let pairs = changes.iter().zip(&values);
            residual.replace(pairs.map(|(change, q)| ((change - f64::from(*q)) * unit) as f32))?;
        }
        let sent = self.sent(count);
        let body = bytes::write(self, parameters, &shifts, &values, chosen.as_deref());
        let update = Update::from_values(parameters.to_vec(), values, encoding);
        Ok(Packed { bytes: body, update, sent, saturated })
    }

    /// The smallest shift with which `most` fits into the bits, and the largest integer then.
    fn scale(&self, most: f64, clip: i32) -> (u8, i32) {
        let most = most.min(f64::from(clip));
        let fits = |shift: &u8| most <= f64::from(self.largest()) * f64::from(1_u32 << shift);
        let shift = (0..=MAX_SHIFT).find(fits).unwrap_or(MAX_SHIFT);
        (shift, self.largest().min(clip >> shift))
    }

    /// Which weights are sent: those with the largest changes, of equal ones the first. `None` for all.
    fn choose(&self, changes: &[f64]) -> Option<Vec<bool>> {
        self.keep?;
        let sent = self.sent(changes.len());
        let mut order: Vec<usize> = (0..changes.len()).collect();
        let size = |index: &usize| changes.get(*index).copied().unwrap_or(0.0).abs();
        let larger = |a: &usize, b: &usize| size(b).total_cmp(&size(a)).then(a.cmp(b));
        if sent < order.len() {
            order.select_nth_unstable_by(sent, larger);
        }
        let mut chosen = vec![false; changes.len()];
        for &index in order.iter().take(sent) {
            if let Some(own) = chosen.get_mut(index) {
                *own = true;
            }
        }
        Some(chosen)
    }

    /// Reads a packed update to a model and refuses everything that [`pack`](Self::pack) would not have
    /// written, however it came to be: other bits, too long, cut off, indices that do not rise, integers
    /// beyond the clip.
    pub fn unpack(
        &self,
        bytes: &[u8],
        spec: &ModelSpec,
        encoding: Encoding,
    ) -> Result<Update, CodecError> {
        self.check()?;
        let most = self.most_bytes(spec);
        if bytes.len() > most {
            return Err(CodecError::TooLong { most, found: bytes.len() });
        }
        let parameters = spec.parameters();
        let values = bytes::read(self, bytes, &parameters, encoding.clip())?;
        Ok(Update::from_values(parameters, values, encoding))
    }
}

/// A shift to the left of the smallest integer reaches 2^30.
const MAX_SHIFT: u8 = 30;

/// How many numbers the tensors have.
fn count(parameters: &[Parameter]) -> usize {
    parameters.iter().map(Parameter::count).sum()
}

#[cfg(test)]
#[path = "compress/tests.rs"]
mod tests;
