//! 32 bytes as hexadecimal digits.

use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

pub fn serialize<S: Serializer>(bytes: &[u8; 32], serializer: S) -> Result<S::Ok, S::Error> {
    let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    serializer.serialize_str(&text)
}

pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 32], D::Error> {
    let text = String::deserialize(deserializer)?;
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return Err(D::Error::custom("expected 64 hexadecimal digits"));
    }
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        let digits = core::str::from_utf8(digits).map_err(D::Error::custom)?;
        *byte = u8::from_str_radix(digits, 16).map_err(D::Error::custom)?;
    }
    Ok(bytes)
}
