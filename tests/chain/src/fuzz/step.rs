//! What may happen.

use decentralml_types::{Label, Opinion, Role};
use serde::{Deserialize, Serialize};

mod chance;

pub use chance::{any_step, fate, opening};

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

/// Where a task's specification differs from the ordinary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    pub rounds: u8,
    pub retries: u8,
    pub trainers: (u8, u8),
    pub seats: u8,
    pub sealed: bool,
    pub reward: Amount,
    pub fee: Amount,
    pub bonds: (u8, u8),
    /// The asset that it pays in; the native token where there is none.
    pub token: Option<u8>,
    /// The largest weight in draws; 1 for equal ones.
    pub cap: u8,
    /// Gold results of a round.
    pub golds: u8,
    /// Blocks of a phase.
    pub pace: u8,
    pub claiming: u8,
    pub lifetime: u16,
    pub target: bool,
}

impl Shape {
    /// A task of the usual size, in which nothing is scarce.
    pub fn ordinary() -> Self {
        Self {
            rounds: 3,
            retries: 1,
            trainers: (2, 4),
            seats: 3,
            sealed: false,
            reward: Amount::Tokens(10),
            fee: Amount::Milli(500),
            bonds: (5, 5),
            token: None,
            cap: 1,
            golds: 0,
            pace: 8,
            claiming: 50,
            lifetime: 2_000,
            target: false,
        }
    }
}

/// How an account plays its part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    Honest,
    /// Of a trainer: its bytes are what honest seats say so of. Of a seat: it says so of all updates.
    Lie(Opinion),
    /// It commits to something that it can never open.
    Blind,
}

/// What becomes of a challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Then {
    /// It is answered.
    Answer,
    /// The round goes on to its end, and the time to answer passes.
    Silence,
    /// The sponsor cancels, and all that is settled by that is.
    Cancel,
}

/// What becomes of gold results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shown {
    /// All are shown, and everybody is settled.
    All,
    /// None is shown in time.
    None,
    /// The sponsor cancels before the round is over.
    Cancelled,
}

/// What the issuer of an asset can do to whoever holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Power {
    FreezeAll,
    ThawAll,
    Freeze,
    Thaw,
    /// Neither in nor out.
    Block,
    Burn(Amount),
    Mint(Amount),
    Destroy,
}

/// How much, in terms that stay sensible whatever somebody owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Amount {
    Zero,
    Planck(u8),
    /// Thousandths of a token.
    Milli(u16),
    Tokens(u8),
    /// Percent of what there is: of a bond, or of what is free.
    Share(u8),
    Everything,
    Absurd,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Leap {
    Hundreds(u8),
    Unbonding,
    Candidates,
}
