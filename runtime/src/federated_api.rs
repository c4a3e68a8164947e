//! What applications ask about tasks, in types that Polkadot-JS and subxt can name.

use alloc::vec::Vec;
use codec::{Codec, Decode, Encode};
use decentralml_traits::Draw;
use decentralml_types::{
    Asset, Balance, BlockNumber, Cid, CommitteeNumber, Hash, Outcome, Phase, Ppm, Role,
    RoundNumber, Score, TaskId, TaskSpec, TaskStatus, Version,
};
use pallet_results::Handover;
use pallet_tasks::Round;
use scale_info::TypeInfo;
use sp_runtime::DispatchError;

/// A task as its participants and its readers see it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct TaskView<AccountId> {
    /// Who created it.
    pub sponsor: AccountId,
    /// Everything that was fixed at its creation.
    pub spec: TaskSpec,
    /// Where it stands.
    pub status: TaskStatus,
    /// The current or last round.
    pub round: Option<RoundPosition>,
    /// The last model, and the metric attested with it.
    pub model: Option<(Version, Cid)>,
    /// See `model`.
    pub metric: Option<Ppm>,
    /// Rounds that ended with a model.
    pub settled_rounds: u32,
    /// Accounts enrolled as trainers and as evaluators.
    pub enrolled: (u32, u32),
    /// While the task enrolls: the block from which the minimum suffices for the next round to start.
    pub enrolling_until: Option<BlockNumber>,
    /// Rounds that were started, and how many may be: failed ones are repeated, but not for ever.
    pub attempts: (u32, u32),
    /// What the chain keeps of the task's funds for each round that starts, in planck.
    pub round_charge: Balance,
}

/// Where a round stands.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct RoundPosition {
    /// Its number.
    pub number: RoundNumber,
    /// Its phase.
    pub phase: Phase,
    /// The block at which the phase ends at the latest.
    pub deadline: BlockNumber,
    /// Those who can act in this phase, and those who have.
    pub expected: u32,
    /// See `expected`.
    pub acted: u32,
    /// The committee at work, or the last one.
    pub committee: CommitteeNumber,
}

/// What an account is to a task now.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct Assignment {
    /// In which role it is enrolled.
    pub role: Role,
    /// The current round.
    pub round: Option<RoundNumber>,
    /// Its place in the current draw of its role; `None` where it is not drawn, or the seed is not known yet.
    pub place: Option<u32>,
    /// The round that its bond in this task stands for now. Before it can commit in another one, its row of that round must be
    /// settled: for a trainer, by `claim`.
    pub at_risk: Option<RoundNumber>,
}

/// A revealed update.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct UpdateView<AccountId> {
    /// Whose it is.
    pub trainer: AccountId,
    /// Its bytes; in a sealed task the encrypted ones.
    pub cid: Cid,
    /// SHA2-256 of the plain update; `Some` in sealed tasks only.
    pub plain_hash: Option<Hash>,
    /// Rows its trainer says it trained on.
    pub samples: u32,
    /// The key that opens it, as its trainer handed it over last, and to which of the round's committees.
    pub handover: Option<Handover>,
    /// The committee's median score, once it is counted and no fault was found.
    pub score: Option<Score>,
    /// What became of it.
    pub outcome: Option<Outcome>,
}

/// Something that `claim` or `claim_seat` would settle with pay.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct Claim {
    /// The round it was earned in.
    pub round: RoundNumber,
    /// The committee of a seat; `None` for a trainer's update.
    pub committee: Option<CommitteeNumber>,
    /// What is paid, in the smallest unit of the task's asset.
    pub amount: Balance,
}

/// What an account can claim in some of a task's rounds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct Claims {
    /// In the order of the rounds.
    pub claims: Vec<Claim>,
    /// The first round that was not looked at; `None` where none is left.
    pub next: Option<RoundNumber>,
    /// What the task pays in.
    pub asset: Asset,
    /// What was claimed for the account and could not be paid, in the asset's smallest unit: `tasks.collect` tries again.
    pub owed: Balance,
}

/// Rounds that one call of `claimable` looks at, at most.
pub const MAX_CLAIM_ROUNDS: u32 = 256;

sp_api::decl_runtime_apis! {
    /// Tasks, assignments, results and what can be claimed.
    pub trait FederatedApi<AccountId> where AccountId: Codec {
        /// A task with its phase and deadline.
        fn task(task: TaskId) -> Option<TaskView<AccountId>>;
        /// An account's place in a draw, from 0; `None` where it is not drawn, or the seed is not known yet.
        fn place(task: TaskId, round: RoundNumber, draw: Draw, who: AccountId) -> Option<u32>;
        /// What an account is to a task now; `None` where it is not enrolled.
        fn assignment(task: TaskId, who: AccountId) -> Option<Assignment>;
        /// What became of a round: its phase, how many updates were revealed and accepted, the version that it produced or why
        /// there is none. Stays until the task is reaped.
        fn round(task: TaskId, round: RoundNumber) -> Option<Round>;
        /// The revealed updates of a round with their verdicts, in the order of the reveals: those that are not settled yet, as
        /// a claim removes its rows. Later the events `Revealed` and `Judged` tell the same.
        fn updates(task: TaskId, round: RoundNumber) -> Vec<UpdateView<AccountId>>;
        /// What an account can claim in a task: looks at up to `limit` rounds, [`MAX_CLAIM_ROUNDS`] at most, from round `from`
        /// or, without it, from the first one on. Where the answer has a `next`, go on from there.
        fn claimable(
            task: TaskId,
            who: AccountId,
            from: Option<RoundNumber>,
            limit: u32,
        ) -> Claims;
    }
    /// Calls that cost nothing when they succeed.
    pub trait FreeCallsApi<AccountId, Call> where AccountId: Codec, Call: Codec {
        /// What would become of such a call if `who` sent it now. The pool takes none that would fail, and this says why. `None` for
        /// other calls: they are not tried.
        fn rehearse(who: AccountId, call: Call) -> Option<Result<(), DispatchError>>;
    }
}
