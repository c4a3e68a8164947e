//! What a trainer sends: the change of every weight as an integer.

use ::safetensors::Dtype;
use decentralml_exact::{self as exact, Encoding};

use crate::{
    malformed::Malformed,
    model::{ModelSpec, Parameter},
    safetensors,
    updates::width,
    weights::Weights,
};

/// The change of a model's weights, in units of `2^-f`, in the order of [`ModelSpec::parameters`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    parameters: Vec<Parameter>,
    values: Vec<i32>,
    encoding: Encoding,
}

/// Why an update cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError {
    /// The two sets of weights belong to different models.
    #[error("the base and the trained weights belong to different models")]
    DifferentModels,
    /// A number that cannot be encoded, or a bound that makes no sense.
    #[error(transparent)]
    Exact(#[from] exact::Error),
}

impl Update {
    /// Encodes `trained − base`: the difference in `f64`, then [`Encoding::encode`].
    pub fn from_delta(
        base: &Weights,
        trained: &Weights,
        encoding: Encoding,
    ) -> Result<Self, UpdateError> {
        if base.parameters() != trained.parameters() {
            return Err(UpdateError::DifferentModels);
        }
        let changes = base.values().iter().zip(trained.values());
        let changes = changes.map(|(&old, &new)| f64::from(new) - f64::from(old));
        Self::from_changes(base.parameters().to_vec(), changes, encoding)
    }

    /// Encodes changes, as many as the parameters have numbers.
    pub(crate) fn from_changes(
        parameters: Vec<Parameter>,
        changes: impl Iterator<Item = f64>,
        encoding: Encoding,
    ) -> Result<Self, UpdateError> {
        let values = changes.map(|change| encoding.encode(change)).collect::<Result<_, _>>()?;
        Ok(Self { parameters, values, encoding })
    }

    /// The update that changes nothing.
    pub fn zero(spec: &ModelSpec, encoding: Encoding) -> Self {
        let parameters = spec.parameters();
        let values = vec![0; spec.parameter_count()];
        Self { parameters, values, encoding }
    }

    /// The same update with the opposite sign: what a hostile trainer sends in tests and the demo.
    pub fn negated(mut self) -> Self {
        // The clip is symmetric: no value is the smallest integer of its type.
        self.values.iter_mut().for_each(|q| *q = -*q);
        self
    }

    /// The canonical safetensors file with elements of 8, 16 or 32 bits (8 for an encoding of 4): equal updates give equal
    /// bytes, hence an equal CID.
    pub fn to_bytes(&self) -> Vec<u8> {
        let width = width(self.encoding);
        // Values lie within the clip, which fits into the width: the low bytes say it all.
        let body = self.values.iter().flat_map(|q| q.to_le_bytes().into_iter().take(width));
        safetensors::write(&self.parameters, dtype(self.encoding), body)
    }

    /// Reads an update to a model and refuses everything that [`to_bytes`](Self::to_bytes) would not
    /// have written: another shape or type, too long, cut off, not canonical, beyond the clip.
    pub fn from_bytes(
        bytes: &[u8],
        spec: &ModelSpec,
        encoding: Encoding,
    ) -> Result<Self, Malformed> {
        let parameters = spec.parameters();
        let body = safetensors::read(bytes, &parameters, dtype(encoding))?;
        let values: Vec<i32> = match encoding.bits() {
            4 | 8 => body.iter().map(|&byte| i32::from(byte as i8)).collect(),
            16 => body.as_chunks().0.iter().map(|q| i32::from(i16::from_le_bytes(*q))).collect(),
            _ => body.as_chunks().0.iter().map(|q| i32::from_le_bytes(*q)).collect(),
        };
        let outside = values.iter().enumerate().find(|(_, q)| encoding.check(**q).is_err());
        if let Some((index, &value)) = outside {
            let (name, index) = safetensors::locate(&parameters, index);
            return Err(Malformed::OutOfClip { name, index, value, clip: encoding.clip() });
        }
        Ok(Self { parameters, values, encoding })
    }

    /// How many bytes [`to_bytes`](Self::to_bytes) gives for any update of this model: what to allow
    /// when fetching one.
    pub fn byte_length(spec: &ModelSpec, encoding: Encoding) -> usize {
        safetensors::length(&spec.parameters(), dtype(encoding))
    }

    /// An update of known integers, in the order of `parameters`; they have been checked.
    pub(crate) fn from_values(
        parameters: Vec<Parameter>,
        values: Vec<i32>,
        encoding: Encoding,
    ) -> Self {
        Self { parameters, values, encoding }
    }

    /// How many weights are at the clip: where the change was larger, it was cut.
    pub fn at_clip(&self) -> usize {
        self.values.iter().filter(|q| q.abs() == self.encoding.clip()).count()
    }

    /// Whether the update changes nothing.
    pub fn is_zero(&self) -> bool {
        self.values.iter().all(|&q| q == 0)
    }

    /// The squared Euclidean norm, in units of `2^-2f`.
    pub fn norm_squared(&self) -> u128 {
        exact::norm_squared(&self.values)
    }

    /// The Euclidean norm in units of a weight, for people to read.
    pub fn norm(&self) -> f64 {
        (self.norm_squared() as f64).sqrt() * self.encoding.decode(1)
    }

    /// Shrinks the update to a norm of at most `bound`, in units of `2^-f`, exactly.
    pub fn clip_norm(&mut self, bound: u64) -> Result<(), UpdateError> {
        Ok(exact::clip_norm(&mut self.values, bound)?)
    }

    /// All integers, in the order of [`ModelSpec::parameters`], in units of `2^-f`.
    pub fn values(&self) -> &[i32] {
        &self.values
    }

    /// Names and shapes, sorted by name.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// The encoding of the integers.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }
}

fn dtype(encoding: Encoding) -> Dtype {
    match encoding.bits() {
        4 | 8 => Dtype::I8,
        16 => Dtype::I16,
        _ => Dtype::I32,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::testing::fold;

    fn spec() -> ModelSpec {
        ModelSpec::mlp(6, &[4], 3)
    }

    fn encoding(bits: u8) -> Encoding {
        Encoding::new(bits, 6, 100).unwrap()
    }

    fn update(bits: u8) -> Update {
        let base = Weights::init(&spec(), [1; 32]);
        let trained = Weights::init(&spec(), [2; 32]);
        Update::from_delta(&base, &trained, encoding(bits)).unwrap()
    }

    #[test]
    fn an_update_survives_its_bytes_at_every_width() {
        for bits in [8, 16, 32] {
            let update = update(bits);
            assert!(!update.is_zero());
            assert!(update.values().iter().any(|&q| q < 0));
            let bytes = update.to_bytes();
            assert_eq!(bytes.len(), Update::byte_length(&spec(), encoding(bits)));
            assert_eq!(Update::from_bytes(&bytes, &spec(), encoding(bits)).unwrap(), update);
            let negated = update.clone().negated();
            assert_eq!(
                Update::from_bytes(&negated.to_bytes(), &spec(), encoding(bits)).unwrap(),
                negated
            );
        }
    }

    #[test]
    fn malformed_bytes_are_told_apart() {
        let bytes = update(16).to_bytes();
        let expected = bytes.len();
        let read = |bytes: &[u8]| Update::from_bytes(bytes, &spec(), encoding(16)).unwrap_err();
        assert_eq!(
            read(&bytes[..expected - 2]),
            Malformed::Truncated { expected, found: expected - 2 }
        );
        assert_eq!(
            read(&[bytes.as_slice(), b"more"].concat()),
            Malformed::TooLong { expected, found: expected + 4 }
        );
        assert!(matches!(
            read(&update(8).to_bytes()),
            Malformed::Dtype { expected: "I16", found, .. } if found == "I8"
        ));
        assert!(matches!(
            read(&Weights::init(&spec(), [0; 32]).to_bytes()),
            Malformed::Dtype { found, .. } if found == "F32"
        ));
        let other = Update::zero(&ModelSpec::mlp(6, &[5], 3), encoding(16)).to_bytes();
        assert!(matches!(read(&other), Malformed::Shape { name, .. } if name == "layers.0.bias"));
        let mut wild = bytes.clone();
        wild[expected - 2..].copy_from_slice(&101_i16.to_le_bytes());
        let name = "layers.2.weight".to_owned();
        assert_eq!(read(&wild), Malformed::OutOfClip { name, index: 11, value: 101, clip: 100 });
        wild[expected - 2..].copy_from_slice(&i16::MIN.to_le_bytes());
        assert!(matches!(read(&wild), Malformed::OutOfClip { value: -32_768, .. }));
    }

    #[test]
    fn a_clip_that_cuts_is_counted() {
        let base = Weights::init(&spec(), [1; 32]);
        let trained = Weights::init(&spec(), [2; 32]);
        let wide = Update::from_delta(&base, &trained, Encoding::new(32, 6, 1_000).unwrap());
        assert_eq!(wide.unwrap().at_clip(), 0);
        let narrow = Encoding::new(4, 6, 7).unwrap();
        let update = Update::from_delta(&base, &trained, narrow).unwrap();
        assert!(update.at_clip() > 10 && update.values().iter().all(|q| q.abs() <= 7));
        assert_eq!(Update::from_bytes(&update.to_bytes(), &spec(), narrow).unwrap(), update);
    }

    const GOLDEN: [u64; 3] =
        [12_321_140_790_456_578_170, 15_000_629_542_848_449_759, 1_891_508_264_684_251_073];

    #[test]
    fn the_bytes_of_updates_are_the_golden_ones() {
        let folds = [8, 16, 32].map(|bits| fold(&update(bits).to_bytes()));
        assert_eq!(folds, GOLDEN, "existing tasks name updates by these bytes");
    }

    #[test]
    fn equal_weights_give_the_zero_update() {
        let weights = Weights::init(&spec(), [1; 32]);
        let update = Update::from_delta(&weights, &weights, encoding(8)).unwrap();
        assert!(update.is_zero() && update.norm_squared() == 0);
        assert_eq!(update, Update::zero(&spec(), encoding(8)));
    }

    #[test]
    fn updates_between_different_models_are_refused() {
        let base = Weights::init(&spec(), [1; 32]);
        let other = Weights::init(&ModelSpec::mlp(6, &[5], 3), [1; 32]);
        assert!(matches!(
            Update::from_delta(&base, &other, encoding(8)),
            Err(UpdateError::DifferentModels)
        ));
    }

    #[test]
    fn a_clipped_update_is_shorter_and_can_still_be_sent() {
        let mut update = update(16);
        update.clip_norm(50).unwrap();
        assert!(update.norm_squared() <= 2_500 && !update.is_zero());
        assert!(update.norm() <= 50.0 / 64.0);
        assert!(Update::from_bytes(&update.to_bytes(), &spec(), encoding(16)).is_ok());
    }
}
