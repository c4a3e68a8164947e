//! Table `[encoding]`.

use crate::units::Share;
use decentralml_types::spec::{Encoding, MILLION, Rounding};
use serde::Deserialize;

/// Updates on the wire; what is left out goes with the rest.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wire {
    pub bits: Option<u8>,
    pub fraction_bits: Option<u8>,
    pub clip: Option<u32>,
    pub rounding: Option<RoundingName>,
    pub keep: Option<Share>,
    pub error_feedback: Option<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RoundingName {
    Nearest,
    Stochastic,
}

impl Wire {
    /// Where the file says nothing: 16 bits, rounded to the nearest unless something needs it to be stochastic; changes of up to 2
    /// (8 bits), 8 (16 bits) or 2,048 (32 bits) in units of `2^-6`, `2^-12` or `2^-20`, packed ones of up to 128 in units of `2^-20`.
    pub fn on_chain(self) -> Encoding {
        let bits = self.bits.unwrap_or(16);
        let keep = self.keep.map_or(MILLION, |share| share.0);
        let error_feedback = self.error_feedback.unwrap_or(false);
        let needs = bits == 4 || keep < MILLION || error_feedback;
        let rounding = match self.rounding {
            Some(RoundingName::Nearest) => Rounding::Nearest,
            Some(RoundingName::Stochastic) => Rounding::Stochastic,
            None if needs => Rounding::Stochastic,
            None => Rounding::Nearest,
        };
        let (fraction_bits, clip) = match (rounding, bits) {
            (Rounding::Stochastic, _) => (20, (1 << 27) - 1),
            (Rounding::Nearest, 8) => (6, i8::MAX as u32),
            (Rounding::Nearest, 32) => (20, i32::MAX as u32),
            (Rounding::Nearest, _) => (12, i16::MAX as u32),
        };
        Encoding {
            bits,
            fraction_bits: self.fraction_bits.unwrap_or(fraction_bits),
            clip: self.clip.unwrap_or(clip),
            rounding,
            keep,
            error_feedback,
        }
    }
}
