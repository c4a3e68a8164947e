//! How the pallets meet. None depends on another: each asks through one of these traits, and the runtime ties them together.
//!
//! ```text
//!   participants ── Bonds ──────────► assignments, results, validation, disputes
//!   participants ── Stakes ─────────► validators
//!   participants ── Reputation ─────► assignments, validation, disputes
//!   participants ── Keyring ────────► assignments, data
//!   assignments ─── Roster ─────────► tasks, results, validation, disputes, challenges
//!   results ─────── Evidence ───────► tasks, validation
//!   validation ──── Judgment ───────► tasks
//!   results ─────── Revealed ───────► challenges
//!   challenges ──── Challenges ─────► validation
//!   results ─────── Salted ─────────► golds
//!   validation ──── Assay ──────────► golds
//!   golds ───────── Golds ──────────► validation
//!   disputes ────── Tribunal ───────► validation, challenges, validators
//!   models ──────── Registry ───────► tasks
//!   tasks ───────── Clock, Escrow ──► assignments, results, validation, disputes, challenges, golds
//!   tasks ───────── Tariff ─────────► validation, challenges
//! ```

#![cfg_attr(not(feature = "std"), no_std)]

mod challenges;
mod golds;
mod reputation;

pub use challenges::{Challenged, Challenges, Revealed};
pub use golds::{Assay, Assayed, Golds, Salted};
pub use reputation::Reputation;

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use decentralml_types::{
    Balance, BlockNumber, Cid, CommitteeNumber, Failure, Fault, NextModel, Penalties, Penalty,
    Phase, Ppm, PublicKey, Role, RoundNumber, SessionNumber, TaskId, TaskSpec, TaskStatus, Version,
};
use scale_info::TypeInfo;
use sp_runtime::{DispatchError, DispatchResult};

/// Bonds, as `participants` keeps them.
pub trait Bonds<AccountId> {
    /// Puts `amount` of the bond at risk. Fails where the free part of the bond does not cover it.
    fn engage(who: &AccountId, role: Role, amount: Balance) -> DispatchResult;
    /// Takes `amount` out of risk again.
    fn disengage(who: &AccountId, role: Role, amount: Balance);
    /// Fails where slashes have left less in the bond than what is at risk: such an account must top up before it acts.
    fn ensure_covered(who: &AccountId, role: Role) -> DispatchResult;
    /// Takes up to `amount` out of the bond, what is unbonding included, and says how much that was. It stays held, but covers nothing
    /// and cannot leave until it is given back or forfeited. Counts as a fault where it takes anything.
    fn seize(who: &AccountId, role: Role, amount: Balance) -> Balance;
    /// Gives `amount` of what was seized back: into the bond or, where the account has left, as free funds. The fault no longer counts.
    fn give_back(who: &AccountId, role: Role, amount: Balance);
    /// Gives `amount` of what was seized to others, and says what reached them. Cannot fail: what a receiver cannot have goes to the
    /// treasury, and what the treasury cannot have is burned.
    fn forfeit(
        who: &AccountId,
        role: Role,
        amount: Balance,
        receivers: Receivers<AccountId>,
    ) -> Forfeited;
    /// Pays up to `amount` of the bond to `to`, whom its owner has accused wrongly, and says how much that was. Counts as a fault
    /// where it pays anything.
    fn charge(who: &AccountId, role: Role, amount: Balance, to: &AccountId) -> Balance;
    /// What is seized of an account's bond.
    fn seized(who: &AccountId, role: Role) -> Balance;
    /// The least that a role can put at risk, in planck.
    fn minimum(role: Role) -> Balance;
}

/// How large bonds are, as `participants` keeps them.
pub trait Stakes<AccountId> {
    /// What an account has bonded for a role, without what is unbonding or was seized.
    fn bonded(who: &AccountId, role: Role) -> Balance;
    /// What a slash can reach: what is bonded, and what is unbonding and not due.
    fn slashable(who: &AccountId, role: Role) -> Balance;
    /// The least that an account bonds for the role.
    fn least(role: Role) -> Balance;
}

/// Who gets what of forfeited funds, in planck. The rest goes to the treasury.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receivers<AccountId> {
    /// The harmed side, where there is one.
    pub harmed: Option<(AccountId, Balance)>,
    /// Whoever has shown the fault, where somebody has.
    pub reporter: Option<(AccountId, Balance)>,
}

/// What of forfeited funds has arrived, in planck.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forfeited {
    /// At the harmed side.
    pub to_harmed: Balance,
    /// At the reporter.
    pub to_reporter: Balance,
}

/// Cases against participants, as `disputes` keeps them.
pub trait Tribunal<AccountId> {
    /// Opens a case and takes what is at stake out of the accused's bond; says how much that was. It is less than the charge
    /// names where the bond does not cover it. Where there is nothing to take, no case is opened. Cannot fail.
    fn accuse(charge: Charge<AccountId>) -> Balance;
}

/// What somebody is accused of.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Charge<AccountId> {
    /// Whose bond is at stake.
    pub accused: AccountId,
    /// Which of its bonds.
    pub role: Role,
    /// For what.
    pub fault: Fault,
    /// What it costs, and who gets it: by the task or, where there is none, by the parameters when it was reported.
    pub penalty: Penalty,
    /// What the fault costs, in planck: `slashing::amount` of the bond that is at risk.
    pub amount: Balance,
    /// Where it happened.
    pub scene: Scene,
    /// Who has shown the fault, where somebody has; it gets its part of the slash. Where its word is the proof, it pays the costs if the
    /// council frees the accused.
    pub reporter: Option<AccountId>,
}

/// Where a fault happened.
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
pub enum Scene {
    /// In a round of a task.
    Round {
        /// The task.
        task: TaskId,
        /// The round.
        round: RoundNumber,
    },
    /// In a session of the validators.
    Session(SessionNumber),
}

impl Scene {
    /// The task, where it is one's.
    pub const fn task(self) -> Option<TaskId> {
        match self {
            Scene::Round { task, .. } => Some(task),
            Scene::Session(_) => None,
        }
    }
}

/// Keys that bytes are encrypted to, as `participants` keeps them.
pub trait Keyring<AccountId> {
    /// The key of an account now; `None` where it has registered none.
    fn key(who: &AccountId) -> Option<PublicKey>;
}

/// What is drawn in a round.
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
)]
pub enum Draw {
    /// The trainers of the round.
    Trainers,
    /// A committee of the round.
    Committee(CommitteeNumber),
}

impl Draw {
    /// From whom it is drawn.
    pub const fn role(self) -> Role {
        match self {
            Draw::Trainers => Role::Trainer,
            Draw::Committee(_) => Role::Evaluator,
        }
    }
}

/// Enrollment and draws, as `assignments` keeps them.
pub trait Roster<AccountId> {
    /// Accounts that are enrolled now.
    fn enrolled(task: TaskId, role: Role) -> u32;
    /// Whether an account is enrolled now.
    fn is_enrolled(task: TaskId, role: Role, who: &AccountId) -> bool;
    /// What an account has put at risk in a task, in planck: the bond that the task asks for, times its weight in draws. Nothing where it
    /// is not enrolled, as whoever has a row to be settled is.
    fn engaged(task: TaskId, role: Role, who: &AccountId) -> Balance;
    /// Freezes the population of a draw and asks for its seed, which nobody knows yet. Returns how many places are drawn:
    /// `places`, or fewer where fewer are enrolled.
    fn open_draw(task: TaskId, round: RoundNumber, draw: Draw, places: u32) -> u32;
    /// The place of an account in a draw, from 0. Fails while the seed is unknown, and for accounts that are not drawn.
    fn place(
        task: TaskId,
        round: RoundNumber,
        draw: Draw,
        who: &AccountId,
    ) -> Result<u32, DispatchError>;
    /// Fails where there is no such draw, and while its seed is unknown: then nobody knows yet who is drawn.
    fn ensure_drawn(task: TaskId, round: RoundNumber, draw: Draw) -> DispatchResult;
    /// Forgets a draw. Does nothing where there is none.
    fn close_draw(task: TaskId, round: RoundNumber, draw: Draw);
    /// Notes that an account has a row in `round` to be settled, so it cannot leave the task, and that its bond now stands for
    /// that round. Fails where the bond still stands for another one: a bond covers the faults of one round at a time.
    fn hold_place(task: TaskId, round: RoundNumber, role: Role, who: &AccountId) -> DispatchResult;
    /// The round that an account's bond stands for.
    fn at_risk(task: TaskId, role: Role, who: &AccountId) -> Option<RoundNumber>;
    /// Notes that nothing which the account did in `round` can be slashed any more.
    fn clear_place(task: TaskId, round: RoundNumber, role: Role, who: &AccountId);
    /// Notes that what the account did in `round`, where a row of it is open, may be slashed again. Fails where the bond stands for
    /// another round.
    fn expose_place(
        task: TaskId,
        round: RoundNumber,
        role: Role,
        who: &AccountId,
    ) -> DispatchResult;
    /// Notes that a row of `round` was settled; it clears the place as well.
    fn release_place(task: TaskId, round: RoundNumber, role: Role, who: &AccountId);
}

/// Updates, as `results` keeps them.
pub trait Evidence<AccountId> {
    /// Trainers that committed, and of them those that revealed.
    fn counts(task: TaskId, round: RoundNumber) -> EvidenceCounts;
    /// The trainer of the update revealed as number `index`, from 0.
    fn trainer(task: TaskId, round: RoundNumber, index: u32) -> Option<AccountId>;
    /// Removes an account's row and says what it was; `None` where there is none.
    fn take(task: TaskId, round: RoundNumber, who: &AccountId) -> Option<EvidenceRow>;
    /// An account's row.
    fn row(task: TaskId, round: RoundNumber, who: &AccountId) -> Option<EvidenceRow>;
}

/// How many trainers have acted in a round.
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
)]
pub struct EvidenceCounts {
    /// Trainers that committed.
    pub committed: u32,
    /// Trainers that revealed.
    pub revealed: u32,
}

/// What a trainer has done in a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EvidenceRow {
    /// Committed, and not revealed.
    Committed,
    /// Revealed as number `index`.
    Revealed {
        /// Position among the round's reveals.
        index: u32,
    },
}

/// Committees and their verdicts, as `validation` keeps them.
pub trait Judgment {
    /// Opens a committee of `seats` for `updates` revealed updates.
    fn open(task: TaskId, round: RoundNumber, committee: CommitteeNumber, seats: u32, updates: u32);
    /// How far a committee is.
    fn progress(task: TaskId, round: RoundNumber, committee: CommitteeNumber) -> JudgmentProgress;
    /// Counts the next batch of scores; bounded work. Says how many updates are accepted once all are counted.
    fn tally(task: TaskId, round: RoundNumber, committee: CommitteeNumber) -> Option<u32>;
    /// Forgets a task that is about to go. False where standings of its trainers are left, which somebody must forget first.
    fn close(task: TaskId) -> bool;
}

/// How far a committee is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JudgmentProgress {
    /// Seats that committed to scores.
    pub committed: u32,
    /// Seats that opened them.
    pub opened: u32,
    /// Seats that attested a next model.
    pub attested: u32,
    /// Seats behind the next model with most attestations.
    pub agreeing: u32,
    /// That one, with the median of the metrics attested with it.
    pub leading: Option<(NextModel, Ppm)>,
}

/// Model versions, as `models` keeps them.
pub trait Registry {
    /// Records the model of a settled round and returns its version.
    fn record(model: NewModel) -> Version;
}

/// What `tasks` knows of a new model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewModel {
    /// The task that trained it.
    pub task: TaskId,
    /// The round it comes from.
    pub round: RoundNumber,
    /// Its weights.
    pub cid: Cid,
    /// The version it was trained from; `None` for the first.
    pub parent: Option<Version>,
    /// The metric that the committee attested.
    pub metric: Ppm,
    /// Updates in it.
    pub updates: u32,
}

/// Tasks and the phases of their rounds, as `tasks` keeps them.
pub trait Clock<AccountId> {
    /// The specification of a task.
    fn spec(task: TaskId) -> Option<TaskSpec>;
    /// Who created it.
    fn sponsor(task: TaskId) -> Option<AccountId>;
    /// Where it stands.
    fn status(task: TaskId) -> Option<TaskStatus>;
    /// The current or last round and its phase; `None` before the first.
    fn current(task: TaskId) -> Option<(RoundNumber, Phase)>;
    /// A round's record.
    fn round(task: TaskId, round: RoundNumber) -> Option<RoundView>;
    /// To be called at the end of every protocol call: moves the round on where everybody has acted, and says
    /// whether it has. Bounded work.
    fn acted(task: TaskId) -> bool;
}

/// What other pallets see of a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoundView {
    /// Its phase.
    pub phase: Phase,
    /// The model it started from; `None` where the weights come from the seed.
    pub base: Option<Cid>,
    /// Whether the task is sealed: updates are encrypted, and only the committee can read them.
    pub sealed: bool,
    /// The committee at work, or the last one.
    pub committee: CommitteeNumber,
    /// Why it failed; `Some` in [`Phase::Void`] only.
    pub failure: Option<Failure>,
    /// Whether its phase's deadline has passed: whoever acts now is too late, and `advance` moves the round on.
    pub due: bool,
    /// Whether the time to claim has passed.
    pub claims_expired: bool,
    /// The block in which it was over.
    pub ended_at: Option<BlockNumber>,
}

/// What faults cost, as `tasks` keeps it for each of them: what governance sets later counts for later tasks.
pub trait Tariff {
    /// Those under which a task was created.
    fn penalties(task: TaskId) -> Option<Penalties>;
}

/// A task's money, as `tasks` keeps it. What a settled round owes is set aside when it settles.
pub trait Escrow<AccountId> {
    /// The sub-account that holds a task's money.
    fn account(task: TaskId) -> AccountId;
    /// A row of this round exists and will be settled.
    fn row_opened(task: TaskId, round: RoundNumber);
    /// A row was settled and `amount` of what the round owes, in the task's asset, goes to `who`, or is noted as owed to it where
    /// it cannot be paid; 0 is a settlement without pay. The last row of a round returns what is left of it to the task.
    fn row_settled(
        task: TaskId,
        round: RoundNumber,
        who: &AccountId,
        amount: Balance,
    ) -> DispatchResult;
    /// `amount` of slashed funds, native as bonds are, has arrived in the sub-account.
    fn recovered(task: TaskId, amount: Balance);
}
