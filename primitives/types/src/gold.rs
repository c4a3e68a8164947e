//! Gold results: updates of which somebody knew beforehand what they are worth.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// What is known of a gold result.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
    Serialize,
    Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Label {
    /// It makes the model better.
    Good,
    /// It makes the model worse.
    Bad,
    /// There is no such update: it was announced so that nobody can tell how many there are.
    Blank,
}
