//! Updates on the wire.

use super::MILLION;
use crate::Ppm;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
#[cfg(feature = "std")]
use serde::{Deserialize, Serialize};

data! {
    /// Updates on the wire. What is aggregated are integers `q = clamp(round(delta · 2^fraction_bits), ±clip)`.
    ///
    /// Rounded to the nearest, these integers are sent as they are, at 8, 16 or 32 bits: `clip` has to fit. Rounded
    /// stochastically, they are packed: a tensor's integers share a scale, so that the largest fits `bits`, the bytes are deflated,
    /// and `clip` may have up to 31 bits.
    #[derive(Copy)]
    pub struct Encoding {
        /// Bits of an integer on the wire: 4, 8, 16 or 32; 4 only where they are packed.
        pub bits: u8,
        /// Binary digits after the point.
        pub fraction_bits: u8,
        /// Largest magnitude of an integer.
        pub clip: u32,
        /// How what lies between two integers becomes one of them.
        #[cfg_attr(feature = "std", serde(default))]
        pub rounding: Rounding,
        /// The share of weights that is sent, those with the largest changes; a multiple of 100 ppm, [`MILLION`] for all.
        #[cfg_attr(feature = "std", serde(default = "all"))]
        pub keep: Ppm,
        /// Whether a trainer adds to its next change what its last update left out (Karimireddy et al. 2019).
        #[cfg_attr(feature = "std", serde(default))]
        pub error_feedback: bool,
    }
}

data! {
    /// How what lies between two integers becomes one of them.
    #[derive(Copy, Default)]
    pub enum Rounding {
        /// The nearest, of two the even one.
        #[default]
        Nearest,
        /// Either, by chance, so that it is right on average.
        Stochastic,
    }
}

impl Encoding {
    /// Integers of so many bits, rounded to the nearest, for all weights.
    pub const fn plain(bits: u8, fraction_bits: u8, clip: u32) -> Self {
        Self {
            bits,
            fraction_bits,
            clip,
            rounding: Rounding::Nearest,
            keep: MILLION,
            error_feedback: false,
        }
    }

    /// Whether updates are packed: with a scale for each tensor, some weights only, or 4 bits.
    pub const fn is_packed(&self) -> bool {
        matches!(self.rounding, Rounding::Stochastic)
    }
}

#[cfg(feature = "std")]
const fn all() -> Ppm {
    MILLION
}
