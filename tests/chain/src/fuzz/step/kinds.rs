//! What steps are made of.

use decentralml_types::Opinion;
use serde::{Deserialize, Serialize};

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
    /// The council sets other parameters, and it is answered then.
    Amend(Setting),
    /// The round goes on to its end, and the time to answer passes.
    Silence,
    /// The sponsor cancels, and all that is settled by that is.
    Cancel,
}

/// What the council sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Setting {
    /// What a new chain begins with.
    Initial,
    /// Faults, appeals and challenges put more at stake than on a new chain, by other percentages for each.
    Strict,
    /// They put less at stake.
    Lenient,
    /// An appeal puts all at stake that was seized, and costs more than a young treasury has.
    Dear,
    /// What breaks one of the conditions of `payoff::check`, and is refused.
    Unsound(u8),
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
