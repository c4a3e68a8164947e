use core::fmt;

/// Why a number, an encoding or a set of updates is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// An encoding has 4, 8, 16 or 32 bits.
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
    /// More updates than a rule with distances takes.
    Updates {
        /// Updates present.
        found: usize,
        /// Updates that it takes.
        max: usize,
    },
    /// More weights than distances are taken over, [`MAX_LENGTH`](crate::MAX_LENGTH).
    Long(u64),
    /// Too few updates to bear that many hostile ones.
    Hostile {
        /// Hostile updates to bear.
        hostile: usize,
        /// Updates present.
        updates: usize,
        /// Updates needed.
        needed: usize,
    },
    /// A number of updates, or values, to keep that is zero or too large.
    Choose {
        /// How many were to be kept.
        count: usize,
        /// How many there are to choose from.
        max: usize,
    },
    /// A bucket has 1 to [`MAX_BUCKET`](crate::MAX_BUCKET) updates.
    Bucket(usize),
    /// Not every number below the number of updates once.
    Permutation,
    /// A rule takes 1 to [`MAX_STEPS`](crate::MAX_STEPS) steps.
    Steps(u8),
    /// The radius of centered clipping is zero.
    Radius,
    /// The rule has to see all weights of the updates first.
    Survey,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bits(bits) => write!(f, "an encoding has 4, 8, 16 or 32 bits, not {bits}"),
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
            Self::Updates { found, max } => {
                write!(f, "{found} updates: a rule with distances takes at most {max}")
            }
            Self::Long(length) => {
                write!(f, "{length} weights: distances are taken over at most 2^32")
            }
            Self::Hostile { hostile, updates, needed } => write!(
                f,
                "{updates} updates: to bear {hostile} hostile ones, the rule needs {needed}"
            ),
            Self::Choose { count, max } => write!(f, "{count} to keep: must be in 1..={max}"),
            Self::Bucket(size) => {
                write!(f, "a bucket of {size} updates: must be in 1..={}", crate::MAX_BUCKET)
            }
            Self::Permutation => {
                f.write_str("the permutation does not name every update exactly once")
            }
            Self::Steps(steps) => write!(f, "{steps} steps: must be in 1..={}", crate::MAX_STEPS),
            Self::Radius => f.write_str("a clipping radius of zero lets no update through"),
            Self::Survey => f.write_str("the rule has to see all weights before the first result"),
        }
    }
}

impl core::error::Error for Error {}
