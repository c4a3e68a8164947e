//! What is remembered of how an account has acted in a role.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// What counts in an account's record.
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
pub enum Conduct {
    /// An update that a settled round has accepted, or a seat that attested the model with which its round settled.
    Accepted,
    /// An update that a settled round has not accepted, without a fault.
    Rejected,
    /// A seat that opened its scores and attested nothing in the time for it.
    Absent,
    /// A fault for which a slash was executed.
    Slashed,
}

/// A record as it was when it last changed. Each count is in 256ths of one, as it has decayed by then.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
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
pub struct Record {
    /// [`Conduct::Accepted`].
    pub accepted: u32,
    /// [`Conduct::Rejected`].
    pub rejected: u32,
    /// [`Conduct::Absent`].
    pub absent: u32,
    /// [`Conduct::Slashed`].
    pub slashed: u32,
    /// The period, counted from genesis, up to which it has decayed.
    pub period: u32,
}
