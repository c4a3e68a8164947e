//! What may happen.

use decentralml_types::{Label, Role};
use serde::{Deserialize, Serialize};

mod chance;
mod kinds;

pub use chance::{any_step, fate, governed, judged, opening};
pub use kinds::{Amount, Leap, Power, Setting, Shape, Shown, Then, Way};

/// One of the accounts that take part, by its number.
pub type Who = u8;
/// One of the tasks, counted from the latest backwards.
pub type Which = u8;

/// What happens next. Much of it may fail, as what participants send at the wrong time does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// A task is created.
    Create {
        who: Who,
        shape: Shape,
    },
    /// So many trainers and evaluators enroll, from this account on; whoever lacks bond or key gets them first.
    Join {
        from: Who,
        trainers: u8,
        evaluators: u8,
        task: Which,
    },
    /// Everybody does its part of the phase once draws are known, but those of the mask, which do nothing or deviate.
    Everybody {
        task: Which,
        absent: u16,
        deviant: u16,
        way: Way,
    },
    /// One account does its part of the phase.
    Act {
        who: Who,
        task: Which,
        way: Way,
    },
    /// Everybody does its part until the round is over: honestly before this phase, and from it on as in [`Step::Everybody`].
    Round {
        task: Which,
        from: u8,
        absent: u16,
        deviant: u16,
        way: Way,
    },
    /// Everybody is honest up to this phase, in which the sponsor cancels.
    CancelIn {
        task: Which,
        phase: u8,
    },
    /// All evaluators who may leave do, and the others play the round to its end.
    Desert {
        task: Which,
    },
    Advance {
        who: Who,
        task: Which,
    },
    Blocks {
        count: u8,
    },
    /// The phase's deadline passes, and somebody says so.
    Due {
        who: Who,
        task: Which,
    },
    /// A long time passes.
    Leap {
        blocks: Leap,
    },
    Claim {
        by: Who,
        task: Which,
        round: u8,
        who: Who,
    },
    ClaimSeat {
        by: Who,
        task: Which,
        round: u8,
        committee: u8,
        who: Who,
    },
    /// Everything of a round that can be settled is.
    Settle {
        by: Who,
        task: Which,
        round: u8,
    },
    Forget {
        by: Who,
        task: Which,
        who: Who,
    },
    Reap {
        by: Who,
        task: Which,
        limit: u8,
    },
    Fund {
        who: Who,
        task: Which,
        amount: Amount,
    },
    /// What could not be paid is paid now, if that is possible.
    Collect {
        by: Who,
        task: Which,
        who: Who,
    },
    /// Nobody waits any longer for what could not be paid.
    WriteOff {
        by: Who,
        task: Which,
        who: Who,
    },
    /// The issuer of an asset uses its power, on this account or on that of the latest task.
    Issuer {
        token: u8,
        power: Power,
        who: Option<Who>,
    },
    /// Everybody is honest, and the issuer of what the task pays in freezes it before it is paid, and thaws it after that; or takes away
    /// what the task has.
    Withhold {
        task: Which,
        burn: bool,
    },
    Pause {
        who: Option<Who>,
        task: Which,
    },
    Resume {
        who: Option<Who>,
        task: Which,
    },
    Cancel {
        who: Option<Who>,
        task: Which,
    },
    Bond {
        who: Who,
        role: Role,
        amount: Amount,
    },
    Unbond {
        who: Who,
        role: Role,
        amount: Amount,
    },
    Withdraw {
        who: Who,
        role: Role,
    },
    Enroll {
        who: Who,
        task: Which,
        role: Role,
        weight: u8,
    },
    Leave {
        who: Who,
        task: Which,
        role: Role,
    },
    Dismiss {
        by: Who,
        who: Who,
        task: Which,
        role: Role,
    },
    ForgetMember {
        by: Who,
        who: Who,
        role: Role,
    },
    Hosts {
        who: Who,
        count: u8,
    },
    Key {
        who: Who,
        key: u8,
    },
    Register {
        who: Who,
        cid: u8,
    },
    Grant {
        who: Who,
        cid: u8,
        to: Who,
    },
    Revoke {
        who: Who,
        cid: u8,
        to: Who,
    },
    Retire {
        who: Who,
        cid: u8,
    },
    /// The accused appeals, or somebody else does so for it.
    Appeal {
        who: Option<Who>,
        case: u8,
    },
    /// A member of the council votes, or somebody who is none.
    Vote {
        who: Who,
        case: u8,
        guilty: bool,
    },
    Conclude {
        by: Who,
        case: u8,
    },
    /// The accused appeals, these members of the council vote, and somebody concludes the case, at its deadline if need be.
    Judge {
        case: u8,
        votes: [Option<bool>; 3],
    },
    /// The council sets the chain's parameters, or tries to.
    Govern {
        setting: Setting,
    },
    /// A case as in [`Step::Judge`], before whose appeal the council sets other parameters.
    Amend {
        case: u8,
        setting: Setting,
        votes: [Option<bool>; 3],
    },
    /// In the latest task in which a round lives, from this one on, everybody is honest up to this phase, in which a block of an update is
    /// demanded.
    ChallengeIn {
        by: Who,
        task: Which,
        phase: u8,
        who: Who,
        path: Vec<u16>,
        then: Then,
    },
    /// A block of a revealed update is demanded.
    Challenge {
        by: Who,
        task: Which,
        who: Who,
        path: Vec<u16>,
    },
    /// An open challenge is answered, rightly or not.
    Answer {
        by: Who,
        challenge: u8,
        right: bool,
    },
    /// An open challenge is concluded, at its deadline if `due`.
    EndChallenge {
        by: Who,
        challenge: u8,
        due: bool,
    },
    /// In the latest task with a round that trains, from this one on, the sponsor announces what it knows of all trainers that are
    /// enrolled, these seats say the opposite, and in the end the sponsor shows it, or does not.
    Golden {
        by: Who,
        task: Which,
        liars: u16,
        then: Shown,
    },
    /// The sponsor announces a gold result in the current round.
    Announce {
        task: Which,
        who: Who,
        label: Label,
    },
    /// It shows what it has announced, rightly or not.
    ShowGolds {
        task: Which,
        round: u8,
        right: bool,
    },
    /// What was not shown is concluded.
    EndGolds {
        by: Who,
        task: Which,
        round: u8,
    },
    /// The council releases a version, or recalls it.
    Release {
        task: Which,
        version: u8,
        recall: bool,
    },
    Prune {
        by: Who,
        task: Which,
        version: u8,
    },
    Transfer {
        from: Who,
        to: Who,
        amount: Amount,
    },
    /// Everything that can leave an account does.
    Empty {
        from: Who,
        to: Who,
    },
    /// Money for a task's account that no record knows of.
    Stray {
        from: Who,
        task: Which,
        amount: Amount,
    },
    /// Free calls in a batch, which costs its fee.
    Batch {
        who: Who,
        task: Which,
        round: u8,
    },
    /// A call of ours with arguments out of these bytes.
    Wild {
        who: Who,
        pallet: u8,
        call: u8,
        bytes: Vec<u8>,
    },
}
