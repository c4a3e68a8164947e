//! What an account weighs in draws by bond.

use decentralml_protocol::draw;
use serde::Deserialize;
use std::str::FromStr;

/// What an account weighs in draws: 1, 2, 4, 8 or 16.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u8")]
pub struct Weight(pub u8);

impl Default for Weight {
    fn default() -> Self {
        Self(1)
    }
}

impl TryFrom<u8> for Weight {
    type Error = String;

    fn try_from(weight: u8) -> Result<Self, String> {
        match draw::class_of(weight) {
            Some(_) => Ok(Self(weight)),
            None => Err(format!("{weight} is no weight: give 1, 2, 4, 8 or 16")),
        }
    }
}

impl FromStr for Weight {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let weight = text
            .parse::<u8>()
            .map_err(|_| format!("{text} is no weight: give 1, 2, 4, 8 or 16"))?;
        weight.try_into()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_what_the_protocol_knows_is_a_weight() {
        for weight in [1, 2, 4, 8, 16] {
            assert_eq!(weight.to_string().parse::<Weight>().unwrap(), Weight(weight));
        }
        for text in ["0", "3", "32", "256", "-1", "two", ""] {
            assert!(text.parse::<Weight>().unwrap_err().contains("1, 2, 4, 8 or 16"), "{text}");
        }
    }
}
