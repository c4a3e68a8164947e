//! Where a task and its round stand.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// The phase of a round. Phases only go forward, with one exception: a redrawn committee starts again at [`Phase::Scoring`].
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
    Serialize,
    Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Drawn trainers train and commit to their updates.
    Training,
    /// Commitments are opened: CID and sample count become known.
    Revealing,
    /// Seats measure contributions and commit to their scores.
    Scoring,
    /// Scores are opened.
    Verdict,
    /// Scores are counted: medians, running scores, the accepted set. Anybody may push the count on.
    Tallying,
    /// Seats attest the CID of the next model.
    Aggregating,
    /// The next model stands and rewards can be claimed.
    Settled,
    /// The round failed: nobody is paid, and only provable faults are punished.
    Void,
}

impl Phase {
    /// Whether the round is over.
    pub const fn is_final(self) -> bool {
        matches!(self, Phase::Settled | Phase::Void)
    }
}

/// Why a round, or one committee of it, failed.
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
pub enum Failure {
    /// Fewer trainers than the task's minimum committed in time.
    TooFewCommitments,
    /// Fewer trainers than the task's minimum opened their commitments.
    TooFewReveals,
    /// Fewer seats than the quorum committed to scores.
    TooFewScores,
    /// Fewer seats than the quorum opened their scores.
    TooFewOpenings,
    /// No update has a positive running score.
    NothingAccepted,
    /// No CID of the next model was attested by the quorum.
    NoAgreement,
    /// The sponsor cancelled the task.
    Cancelled,
    /// The task's lifetime ended.
    Expired,
}

/// The life of a task.
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
pub enum TaskStatus {
    /// Participants enroll; no round is in progress.
    Enrolling,
    /// A round is in progress.
    Running,
    /// No new round starts until the sponsor resumes.
    Paused,
    /// All rounds are done, or the target metric was reached.
    Completed,
    /// Ended by its sponsor.
    Cancelled,
    /// Its lifetime ended before its rounds did.
    Expired,
}

impl TaskStatus {
    /// Whether no further round can start, ever.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Cancelled | Self::Expired)
    }
}
