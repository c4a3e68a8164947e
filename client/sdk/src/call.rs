//! The calls of the chain, one function each. What they cost, hold and slash is in the pallets' documentation, which
//! Polkadot-JS shows too.

mod assets;
mod data;
mod disputes;
mod golds;
mod participants;

pub use assets::{create_asset, mint_asset, set_asset_metadata, transfer_asset};
pub use data::{grant_content, register_content, retire_content, revoke_content};
pub use disputes::{answer, appeal, challenge, conclude_case, conclude_challenge, judge};
pub use golds::{announce_gold, conclude_golds, reveal_gold};
pub use participants::{bond, forget_member, set_encryption_key, set_hosts, unbond, withdraw};

use std::fmt;

use decentralml_types::{
    Balance, Cid, CommitteeNumber, Hash, NextModel, Opinions, Parameters, Ppm, Role, RoundNumber,
    Salt, TaskId, TaskSpec, Version, limits::MAX_TEXT,
};
use subxt::{
    Metadata,
    ext::scale_encode::EncodeAsType,
    utils::{H256, Static},
};

use crate::{
    AccountId, SessionKeys,
    api::{self, runtime_types as types},
};

/// Bytes of a council's proposal, at most.
const MAX_PROPOSAL: u32 = 1 << 16;
/// What executing a council's proposal may take: 100 ms and 1 MiB of proof.
const MAX_PROPOSAL_WEIGHT: (u64, u64) = (100_000_000_000, 1 << 20);

/// Something to be signed and submitted. It prints as `Pallet::call`.
#[derive(Clone)]
pub struct Call {
    name: &'static str,
    inner: api::Call,
    takes: Option<Balance>,
    moves: bool,
}

impl Call {
    fn new(name: &'static str, inner: api::Call) -> Self {
        Self { name, inner, takes: None, moves: false }
    }

    fn taking(self, amount: Option<Balance>) -> Self {
        Self { takes: amount, moves: self.moves || amount.is_some(), ..self }
    }

    fn moving(self, moves: bool) -> Self {
        Self { moves, ..self }
    }

    /// What it moves or holds of its signer's, beside the fee, in planck; `None` where only the chain knows.
    pub(crate) fn takes(&self) -> Option<Balance> {
        self.takes
    }

    /// Whether it moves or holds its signer's money in amounts that the signer chose.
    pub(crate) fn moves_money(&self) -> bool {
        self.moves
    }

    /// The call as `Pallet::call`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The call's bytes for a chain of these metadata.
    pub(crate) fn encode(&self, metadata: &Metadata) -> Result<Vec<u8>, String> {
        self.inner
            .encode_as_type(metadata.outer_enums().call_enum_ty(), metadata.types())
            .map_err(|error| error.to_string())
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.inner)
    }
}

/// A text longer than the chain stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} bytes of text: at most {MAX_TEXT} are stored")]
pub struct TextTooLong(pub usize);

/// Creates a task and pays all its rounds in advance. Check the spec with `decentralml_protocol::spec::check` first.
pub fn create_task(spec: TaskSpec) -> Call {
    tasks("Tasks::create", api::tasks::Call::create { spec: Box::new(Static(spec)) }).moving(true)
}

/// Adds money to a task: `pay` for rounds, in the smallest unit of what it pays in, and `charges` for free calls, in planck.
/// `native` says whether the task pays in the chain's own token.
pub fn fund(task: TaskId, pay: Balance, charges: Balance, native: bool) -> Call {
    let takes = if native { pay.saturating_add(charges) } else { charges };
    tasks("Tasks::fund", api::tasks::Call::fund { task, pay, charges }).taking(Some(takes))
}

/// Pays what a task owes to an account because it could not be paid when it was claimed. By anybody; free where it is paid.
pub fn collect(task: TaskId, account: &AccountId) -> Call {
    tasks("Tasks::collect", api::tasks::Call::collect { task, account: *account })
}

/// Gives up what a task that is long over owes to an account. By anybody.
pub fn write_off(task: TaskId, account: &AccountId) -> Call {
    tasks("Tasks::write_off", api::tasks::Call::write_off { task, account: *account })
}

/// Starts no further round. By the sponsor.
pub fn pause(task: TaskId) -> Call {
    tasks("Tasks::pause", api::tasks::Call::pause { task })
}

/// Goes on with a paused task. By the sponsor.
pub fn resume(task: TaskId) -> Call {
    tasks("Tasks::resume", api::tasks::Call::resume { task })
}

/// Ends a task for good and returns what was not earned. By the sponsor.
pub fn cancel(task: TaskId) -> Call {
    tasks("Tasks::cancel", api::tasks::Call::cancel { task })
}

/// Moves a task on where time has passed or scores are to be counted. By anybody; free when it moves something.
pub fn advance(task: TaskId) -> Call {
    tasks("Tasks::advance", api::tasks::Call::advance { task })
}

/// Removes up to `limit` records of a task that is over, and finally the task itself. By anybody.
pub fn reap(task: TaskId, limit: u32) -> Call {
    tasks("Tasks::reap", api::tasks::Call::reap { task, limit })
}

/// Takes part in a task, with so many times the bond that it asks for: 1, or up to its cap where it draws by bond.
pub fn enroll(task: TaskId, role: Role, weight: u8) -> Call {
    let call = api::assignments::Call::enroll { task, role: Static(role), weight };
    Call::new("Assignments::enroll", api::Call::Assignments(call))
}

/// Takes part in a task no more.
pub fn leave(task: TaskId, role: Role) -> Call {
    let call = api::assignments::Call::leave { task, role: Static(role) };
    Call::new("Assignments::leave", api::Call::Assignments(call))
}

/// Commits to an update; see `decentralml_types::commitment::UpdateCommitment`.
pub fn commit(task: TaskId, round: RoundNumber, hash: Hash) -> Call {
    let call = api::results::Call::commit { task, round, hash };
    Call::new("Results::commit", api::Call::Results(call))
}

/// Opens the commitment to an update. `plain_hash` is the SHA2-256 of the plain one in sealed tasks, and `None` in others.
pub fn reveal(
    task: TaskId,
    round: RoundNumber,
    cid: Cid,
    plain_hash: Option<Hash>,
    samples: u32,
    salt: Salt,
) -> Call {
    let cid = Static(cid);
    let call = api::results::Call::reveal { task, round, cid, plain_hash, samples, salt };
    Call::new("Results::reveal", api::Call::Results(call))
}

/// Hands the key of a sealed update over to a committee: `keys` is a file with it, encrypted to those of the committee's seats. By
/// the update's trainer; free.
pub fn hand_over(task: TaskId, round: RoundNumber, committee: CommitteeNumber, keys: Cid) -> Call {
    let keys = Static(keys);
    let call = api::results::Call::hand_over { task, round, committee, keys };
    Call::new("Results::hand_over", api::Call::Results(call))
}

/// Commits to the opinions of a seat; see `decentralml_types::commitment::ScoresCommitment`.
pub fn commit_scores(
    task: TaskId,
    round: RoundNumber,
    committee: CommitteeNumber,
    hash: Hash,
) -> Call {
    validation(
        "Validation::commit_scores",
        api::validation::Call::commit_scores { task, round, committee, hash },
    )
}

/// Opens the opinions of a seat, in the order of the reveals.
pub fn open_scores(task: TaskId, round: RoundNumber, opinions: Opinions, salt: Salt) -> Call {
    let opinions = types::bounded_collections::bounded_vec::BoundedVec(
        opinions.into_inner().into_iter().map(Static).collect(),
    );
    let call = api::validation::Call::open_scores { task, round, opinions, salt };
    validation("Validation::open_scores", call)
}

/// Attests the next model, with the state of the server's optimizer after it, and its metric.
pub fn attest(task: TaskId, round: RoundNumber, next: NextModel, metric: Ppm) -> Call {
    let (cid, state) = (Static(next.cid), next.state.map(Static));
    let call = api::validation::Call::attest { task, round, cid, metric, state };
    validation("Validation::attest", call)
}

/// Settles a trainer's part in a round: its pay, or an accusation. By anybody.
pub fn claim(task: TaskId, round: RoundNumber, account: &AccountId) -> Call {
    let call = api::validation::Call::claim { task, round, account: *account };
    validation("Validation::claim", call)
}

/// Settles a seat of a round: its fee, or an accusation. By anybody.
pub fn claim_seat(
    task: TaskId,
    round: RoundNumber,
    committee: CommitteeNumber,
    account: &AccountId,
) -> Call {
    let call = api::validation::Call::claim_seat { task, round, committee, account: *account };
    validation("Validation::claim_seat", call)
}

/// Removes what is remembered of a trainer in a task that is over. By anybody; free.
pub fn forget(task: TaskId, account: &AccountId) -> Call {
    let call = api::validation::Call::forget { task, account: *account };
    validation("Validation::forget", call)
}

/// Releases a version of a model. By the council: put it into [`propose`].
pub fn release(task: TaskId, version: Version) -> Call {
    Call::new("Models::release", api::Call::Models(api::models::Call::release { task, version }))
}

/// Recalls a released version. By the council: put it into [`propose`].
pub fn recall(task: TaskId, version: Version, reason: &str) -> Result<Call, TextTooLong> {
    if reason.len() > MAX_TEXT as usize {
        return Err(TextTooLong(reason.len()));
    }
    let reason = types::bounded_collections::bounded_vec::BoundedVec(reason.as_bytes().to_vec());
    let call = api::models::Call::recall { task, version, reason };
    Ok(Call::new("Models::recall", api::Call::Models(call)))
}

/// Removes a candidate of a task that is gone. By anybody.
pub fn prune(task: TaskId, version: Version) -> Call {
    Call::new("Models::prune", api::Call::Models(api::models::Call::prune { task, version }))
}

/// Sets what governance may set, all of it. By the council: put it into [`propose`].
pub fn set_parameters(parameters: &Parameters) -> Call {
    let call = api::parameters::Call::set_parameters { parameters: Static(*parameters) };
    Call::new("Parameters::set_parameters", api::Call::Parameters(call))
}

/// Puts an account on the list of validators. By the council: put it into [`propose`].
pub fn add_validator(account: &AccountId) -> Call {
    let call = api::validator_membership::Call::add_member { who: (*account).into() };
    Call::new("ValidatorMembership::add_member", api::Call::ValidatorMembership(call))
}

/// Takes an account off the list of validators. By the council: put it into [`propose`].
pub fn remove_validator(account: &AccountId) -> Call {
    let call = api::validator_membership::Call::remove_member { who: (*account).into() };
    Call::new("ValidatorMembership::remove_member", api::Call::ValidatorMembership(call))
}

/// Registers the signer's session keys, for which the chain holds a deposit; `proof` is what [`Chain::rotate_session_keys`]
/// gave with them.
///
/// [`Chain::rotate_session_keys`]: crate::Chain::rotate_session_keys
pub fn set_session_keys(keys: &SessionKeys, proof: Vec<u8>) -> Call {
    let call = api::session::Call::set_keys { keys: keys.into(), proof };
    Call::new("Session::set_keys", api::Call::Session(call))
}

/// Sends money, in planck. The sender stays alive.
pub fn transfer(to: &AccountId, amount: Balance) -> Call {
    let call = api::balances::Call::transfer_keep_alive { dest: (*to).into(), value: amount };
    Call::new("Balances::transfer_keep_alive", api::Call::Balances(call)).taking(Some(amount))
}

/// Proposes a call of up to 64 KiB to the council, to be executed with `threshold` ayes. By a member.
pub fn propose(threshold: u32, call: &Call) -> Call {
    let call = api::council::Call::propose {
        threshold,
        proposal: Box::new(call.inner.clone()),
        length_bound: MAX_PROPOSAL,
    };
    Call::new("Council::propose", api::Call::Council(call))
}

/// Votes on a proposal. By a member.
pub fn vote(proposal: Hash, index: u32, approve: bool) -> Call {
    let call = api::council::Call::vote { proposal: H256(proposal), index, approve };
    Call::new("Council::vote", api::Call::Council(call))
}

/// Closes a proposal that is decided, and executes it where it is approved. By anybody.
pub fn close(proposal: Hash, index: u32) -> Call {
    let (ref_time, proof_size) = MAX_PROPOSAL_WEIGHT;
    let call = api::council::Call::close {
        proposal_hash: H256(proposal),
        index,
        proposal_weight_bound: types::sp_weights::weight_v2::Weight { ref_time, proof_size },
        length_bound: MAX_PROPOSAL,
    };
    Call::new("Council::close", api::Call::Council(call))
}

/// Many calls in one transaction; one that fails does not stop the others. See [`crate::Included::failed_items`].
pub fn batch(calls: Vec<Call>) -> Call {
    let (takes, moves) = sum(&calls);
    let call = api::utility::Call::force_batch { calls: inner(calls) };
    Call::new("Utility::force_batch", api::Call::Utility(call)).taking(takes).moving(moves)
}

/// Many calls in one transaction: all or none.
pub fn batch_all(calls: Vec<Call>) -> Call {
    let (takes, moves) = sum(&calls);
    let call = api::utility::Call::batch_all { calls: inner(calls) };
    Call::new("Utility::batch_all", api::Call::Utility(call)).taking(takes).moving(moves)
}

/// What those calls take that say so, and whether any moves money.
fn sum(calls: &[Call]) -> (Option<Balance>, bool) {
    let takes = calls.iter().filter_map(Call::takes).reduce(Balance::saturating_add);
    (takes, calls.iter().any(Call::moves_money))
}

fn inner(calls: Vec<Call>) -> Vec<api::Call> {
    calls.into_iter().map(|call| call.inner).collect()
}

fn tasks(name: &'static str, call: api::tasks::Call) -> Call {
    Call::new(name, api::Call::Tasks(call))
}

fn validation(name: &'static str, call: api::validation::Call) -> Call {
    Call::new(name, api::Call::Validation(call))
}
