use core::fmt;

/// Why a number, an encoding or a set of updates is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// An encoding has 8, 16 or 32 bits.
    Bits(u8),
    /// More fraction bits than [`MAX_FRACTION_BITS`](crate::MAX_FRACTION_BITS).
    FractionBits(u8),
    /// The clip must lie in `1..=2^(bits − 1) − 1`.
    Clip {
        /// The refused clip, in units of `2^-f`.
        clip: i32,
        /// The largest one that the bits can hold.
        max: i32,
    },
    /// A change of a weight is NaN or infinite.
    NotFinite,
    /// An integer lies outside of `±clip`.
    OutOfClip(i32),
    /// There is nothing to aggregate.
    Empty,
    /// An update, or the output, has another number of weights than the rest.
    Length {
        /// Weights expected.
        expected: usize,
        /// Weights found.
        found: usize,
    },
    /// Trimming would leave no value: `2k` must be below the number of updates.
    Trim {
        /// Values to drop at each end.
        k: usize,
        /// Updates present.
        updates: usize,
    },
    /// A weight of zero, another number of weights than updates, or a total above
    /// [`MAX_TOTAL_WEIGHT`](crate::MAX_TOTAL_WEIGHT).
    Weights,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bits(bits) => write!(f, "an encoding has 8, 16 or 32 bits, not {bits}"),
            Self::FractionBits(bits) => {
                write!(f, "{bits} fraction bits: at most {}", crate::MAX_FRACTION_BITS)
            }
            Self::Clip { clip, max } => write!(f, "a clip of {clip}: must be in 1..={max}"),
            Self::NotFinite => f.write_str("a change of a weight is not a finite number"),
            Self::OutOfClip(q) => write!(f, "{q} is outside of the clip"),
            Self::Empty => f.write_str("no updates to aggregate"),
            Self::Length { expected, found } => {
                write!(f, "an update has {found} weights, expected {expected}")
            }
            Self::Trim { k, updates } => {
                write!(f, "trimming {k} at each end leaves nothing of {updates} updates")
            }
            Self::Weights => {
                f.write_str("one positive weight per update is needed, with a total below 2^31")
            }
        }
    }
}

impl core::error::Error for Error {}
