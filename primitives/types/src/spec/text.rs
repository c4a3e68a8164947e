//! Text, as people read it.

use super::Text;
use serde::{Deserialize, Deserializer, Serializer, de::Error as _, ser::Error as _};

pub fn serialize<S: Serializer>(text: &Text, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(core::str::from_utf8(text).map_err(S::Error::custom)?)
}

pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Text, D::Error> {
    let text = String::deserialize(deserializer)?;
    let length = text.len();
    Text::try_from(text.into_bytes())
        .map_err(|_| D::Error::custom(format!("text of {length} bytes, at most 64 are allowed")))
}
