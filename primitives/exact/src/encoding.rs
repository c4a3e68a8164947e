use crate::{Error, MAX_FRACTION_BITS};

/// How a change of a weight becomes an integer: `q = clamp(round(delta · 2^f), ±R)`.
///
/// All trainers of a task share one encoding, so that their integers can be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Encoding {
    bits: u8,
    fraction_bits: u8,
    clip: i32,
}

impl Encoding {
    /// An encoding of `bits` (4, 8, 16 or 32) per weight with `fraction_bits` behind the binary point
    /// (at most [`MAX_FRACTION_BITS`]) and integers in `±clip` (at most `2^(bits − 1) − 1`: the range
    /// is symmetric, so that an update can always be negated).
    pub const fn new(bits: u8, fraction_bits: u8, clip: i32) -> Result<Self, Error> {
        let max = match bits {
            4 => 7,
            8 => i8::MAX as i32,
            16 => i16::MAX as i32,
            32 => i32::MAX,
            _ => return Err(Error::Bits(bits)),
        };
        if fraction_bits > MAX_FRACTION_BITS {
            return Err(Error::FractionBits(fraction_bits));
        }
        if clip < 1 || clip > max {
            return Err(Error::Clip { clip, max });
        }
        Ok(Self { bits, fraction_bits, clip })
    }

    /// Bits per weight: 4, 8, 16 or 32.
    pub const fn bits(&self) -> u8 {
        self.bits
    }

    /// Bits behind the binary point: the unit is `2^-fraction_bits`.
    pub const fn fraction_bits(&self) -> u8 {
        self.fraction_bits
    }

    /// The largest magnitude of an integer, `R`.
    pub const fn clip(&self) -> i32 {
        self.clip
    }

    /// Encodes one change of a weight, rounding half to even.
    ///
    /// Fails with [`Error::NotFinite`] for NaN and infinities; everything else is clamped to `±R`.
    pub fn encode(&self, delta: f64) -> Result<i32, Error> {
        if !delta.is_finite() {
            return Err(Error::NotFinite);
        }
        // Exact: a product with a power of two changes the exponent only. It may overflow to an
        // infinity, which the clamp takes care of.
        let scaled = delta * power_of_two(self.fraction_bits);
        let clip = f64::from(self.clip);
        if scaled >= clip {
            return Ok(self.clip);
        }
        if scaled <= -clip {
            return Ok(-self.clip);
        }
        // |scaled| < 2^31: the truncation and the remainder are exact, so the tie is seen exactly.
        let whole = scaled as i64;
        let rest = scaled - whole as f64;
        let odd = whole % 2 != 0;
        let rounded = if rest > 0.5 || (rest == 0.5 && odd) {
            whole + 1
        } else if rest < -0.5 || (rest == -0.5 && odd) {
            whole - 1
        } else {
            whole
        };
        // |rounded| ≤ clip, as |scaled| < clip and clip is an integer.
        Ok(rounded as i32)
    }

    /// The change that an integer stands for, `q · 2^-f`, exactly.
    pub fn decode(&self, q: i32) -> f64 {
        f64::from(q) / power_of_two(self.fraction_bits)
    }

    /// Refuses an integer that no encoder of this encoding can have produced.
    pub fn check(&self, q: i32) -> Result<(), Error> {
        if q.unsigned_abs() <= self.clip.unsigned_abs() { Ok(()) } else { Err(Error::OutOfClip(q)) }
    }
}

/// `2^exponent` for an exponent of at most 62.
pub(crate) fn power_of_two(exponent: u8) -> f64 {
    (1_u64 << exponent.min(62)) as f64
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn encodings() -> impl Strategy<Value = Encoding> {
        (prop_oneof![Just(4_u8), Just(8), Just(16), Just(32)], 0..=MAX_FRACTION_BITS).prop_flat_map(
            |(bits, f)| {
                let max = ((1_i64 << (bits - 1)) - 1) as i32;
                (1..=max).prop_map(move |clip| Encoding::new(bits, f, clip).unwrap())
            },
        )
    }

    #[test]
    fn contradictory_encodings_are_refused() {
        assert_eq!(Encoding::new(12, 4, 100), Err(Error::Bits(12)));
        assert_eq!(Encoding::new(16, 31, 100), Err(Error::FractionBits(31)));
        assert_eq!(Encoding::new(4, 4, 8), Err(Error::Clip { clip: 8, max: 7 }));
        assert_eq!(Encoding::new(8, 4, 128), Err(Error::Clip { clip: 128, max: 127 }));
        assert_eq!(Encoding::new(8, 4, 0), Err(Error::Clip { clip: 0, max: 127 }));
        assert!(Encoding::new(32, 30, i32::MAX).is_ok());
    }

    #[test]
    fn ties_go_to_the_even_integer() {
        let encoding = Encoding::new(16, 0, 100).unwrap();
        let encoded = [-3.5, -2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.5].map(|d| encoding.encode(d));
        assert_eq!(encoded, [-4, -2, -2, 0, 0, 2, 2, 4].map(Ok));
    }

    #[test]
    fn numbers_beyond_the_clip_saturate_and_infinities_are_refused() {
        let encoding = Encoding::new(8, 4, 127).unwrap();
        assert_eq!(encoding.encode(f64::MAX), Ok(127));
        assert_eq!(encoding.encode(-f64::MAX), Ok(-127));
        assert_eq!(encoding.encode(f64::MIN_POSITIVE), Ok(0));
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(encoding.encode(bad), Err(Error::NotFinite));
        }
    }

    proptest! {
        #[test]
        fn encode_after_decode_is_the_identity(encoding in encodings(), any in any::<i32>()) {
            let q = any.clamp(-encoding.clip(), encoding.clip());
            prop_assert_eq!(encoding.encode(encoding.decode(q)), Ok(q));
        }

        #[test]
        fn an_encoded_number_is_in_the_clip_and_within_half_a_unit(
            encoding in encodings(),
            delta in -10_000.0..10_000.0_f64,
        ) {
            let q = encoding.encode(delta).unwrap();
            prop_assert!(encoding.check(q).is_ok());
            let scaled = delta * power_of_two(encoding.fraction_bits());
            if scaled.abs() <= f64::from(encoding.clip()) {
                prop_assert!((scaled - f64::from(q)).abs() <= 0.5);
            }
        }

        #[test]
        fn rounding_agrees_with_the_standard_library(delta in -1e9..1e9_f64) {
            let encoding = Encoding::new(32, 0, i32::MAX).unwrap();
            prop_assert_eq!(f64::from(encoding.encode(delta).unwrap()), delta.round_ties_even());
        }

        #[test]
        fn negating_the_change_negates_the_integer(encoding in encodings(), delta in any::<f32>()) {
            let delta = f64::from(delta);
            prop_assume!(delta.is_finite());
            prop_assert_eq!(encoding.encode(-delta).unwrap(), -encoding.encode(delta).unwrap());
        }
    }
}
