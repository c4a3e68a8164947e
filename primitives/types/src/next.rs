//! What a round ends in.

use crate::Cid;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
#[cfg(feature = "std")]
use serde::{Deserialize, Serialize};

/// The next model of a task, and what the server's optimizer remembers for the round after it. Seats attest both or neither.
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
)]
#[cfg_attr(feature = "std", derive(Serialize, Deserialize))]
pub struct NextModel {
    /// The model's weights.
    pub cid: Cid,
    /// The state of the server's optimizer; `None` where it has none.
    pub state: Option<Cid>,
}

impl NextModel {
    /// A model of a task whose server's optimizer has no state.
    pub const fn stateless(cid: Cid) -> Self {
        Self { cid, state: None }
    }
}
