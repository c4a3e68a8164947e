//! Every call of ours with arguments as participants send them, signed as they travel.
#![allow(dead_code)]

use codec::Encode;
use decentralml_protocol::dag::{MAX_LEAF, MAX_NODE, MAX_PATH};
use decentralml_runtime::*;
use decentralml_types::{
    Balance, Cid, Codec, Opinion, Opinions, Role, TaskSpec, Url, Urls,
    host::{MAX_HOSTS, MAX_URL},
    limits::{MAX_TRAINERS, TALLY_BATCH},
    spec::Text,
};
use frame_support::dispatch::{DispatchInfo, GetDispatchInfo};
use sp_runtime::generic::Era;

const CID: Cid = Cid { codec: Codec::DagPb, digest: [1; 32] };
const SALT: [u8; 32] = [2; 32];
const HASH: [u8; 32] = [3; 32];

fn account() -> AccountId {
    AccountId::new([7; 32])
}

fn opinions(updates: u32) -> Opinions {
    Opinions::truncate_from((0..updates).map(|index| Opinion::Score(index.into())).collect())
}

/// As many and as long hosts as an account may announce.
fn urls() -> Urls {
    let mut url = b"https://".to_vec();
    url.resize(MAX_URL as usize, b'x');
    Urls::truncate_from(vec![Url::truncate_from(url); MAX_HOSTS as usize])
}

/// The calls of our pallets with the names that the metadata gives them.
pub fn ours() -> Vec<(&'static str, &'static str, RuntimeCall)> {
    let (task, round, role, amount) = (1, 1, Role::Trainer, UNIT);
    let spec = Box::new(decentralml_protocol::spec::example());
    vec![
        ("Participants", "bond", pallet_participants::Call::bond { role, amount }.into()),
        ("Participants", "unbond", pallet_participants::Call::unbond { role, amount }.into()),
        ("Participants", "withdraw", pallet_participants::Call::withdraw { role }.into()),
        ("Participants", "set_hosts", pallet_participants::Call::set_hosts { urls: urls() }.into()),
        (
            "Participants",
            "set_encryption_key",
            pallet_participants::Call::set_encryption_key { key: Some([9; 32]) }.into(),
        ),
        (
            "Participants",
            "forget",
            pallet_participants::Call::forget { role, account: account() }.into(),
        ),
        ("Tasks", "create", pallet_tasks::Call::create { spec }.into()),
        ("Tasks", "fund", pallet_tasks::Call::fund { task, pay: amount, charges: amount }.into()),
        ("Tasks", "pause", pallet_tasks::Call::pause { task }.into()),
        ("Tasks", "resume", pallet_tasks::Call::resume { task }.into()),
        ("Tasks", "cancel", pallet_tasks::Call::cancel { task }.into()),
        ("Tasks", "advance", pallet_tasks::Call::advance { task }.into()),
        ("Tasks", "reap", pallet_tasks::Call::reap { task, limit: 100 }.into()),
        ("Tasks", "collect", pallet_tasks::Call::collect { task, account: account() }.into()),
        ("Tasks", "write_off", pallet_tasks::Call::write_off { task, account: account() }.into()),
        (
            "Assignments",
            "enroll",
            pallet_assignments::Call::enroll { task, role, weight: 1 }.into(),
        ),
        ("Assignments", "leave", pallet_assignments::Call::leave { task, role }.into()),
        (
            "Assignments",
            "dismiss",
            pallet_assignments::Call::dismiss { task, role, who: account() }.into(),
        ),
        ("Results", "commit", pallet_results::Call::commit { task, round, hash: HASH }.into()),
        (
            "Results",
            "reveal",
            pallet_results::Call::reveal {
                task,
                round,
                cid: CID,
                plain_hash: Some(HASH),
                samples: 100,
                salt: SALT,
            }
            .into(),
        ),
        (
            "Results",
            "hand_over",
            pallet_results::Call::hand_over { task, round, committee: 0, keys: CID }.into(),
        ),
        (
            "Validation",
            "commit_scores",
            pallet_validation::Call::commit_scores { task, round, committee: 0, hash: HASH }.into(),
        ),
        ("Validation", "open_scores", open_scores(MAX_TRAINERS)),
        (
            "Validation",
            "attest",
            pallet_validation::Call::attest {
                task,
                round,
                cid: CID,
                metric: 900_000,
                state: Some(CID),
            }
            .into(),
        ),
        (
            "Validation",
            "claim",
            pallet_validation::Call::claim { task, round, account: account() }.into(),
        ),
        (
            "Validation",
            "claim_seat",
            pallet_validation::Call::claim_seat { task, round, committee: 0, account: account() }
                .into(),
        ),
        (
            "Validation",
            "forget",
            pallet_validation::Call::forget { task, account: account() }.into(),
        ),
        (
            "Parameters",
            "set_parameters",
            pallet_parameters::Call::set_parameters {
                parameters: <Runtime as pallet_parameters::Config>::Initial::get(),
            }
            .into(),
        ),
        ("Models", "release", pallet_models::Call::release { task, version: 1 }.into()),
        (
            "Models",
            "recall",
            pallet_models::Call::recall {
                task,
                version: 1,
                reason: Text::truncate_from([b'x'; 64].to_vec()),
            }
            .into(),
        ),
        ("Models", "prune", pallet_models::Call::prune { task, version: 1 }.into()),
        (
            "Data",
            "register",
            pallet_data::Call::register { cid: CID, plain_hash: HASH, size: 1 << 30 }.into(),
        ),
        (
            "Data",
            "grant",
            pallet_data::Call::grant { cid: CID, account: account(), envelope: CID }.into(),
        ),
        ("Data", "revoke", pallet_data::Call::revoke { cid: CID, account: account() }.into()),
        ("Disputes", "appeal", pallet_disputes::Call::appeal { case: 1 }.into()),
        ("Disputes", "vote", pallet_disputes::Call::vote { case: 1, guilty: true }.into()),
        ("Disputes", "conclude", pallet_disputes::Call::conclude { case: 1 }.into()),
        ("Data", "retire", pallet_data::Call::retire { cid: CID }.into()),
        (
            "Challenges",
            "challenge",
            pallet_challenges::Call::challenge {
                task,
                round,
                trainer: account(),
                path: pallet_challenges::Path::truncate_from(vec![1; MAX_PATH]),
            }
            .into(),
        ),
        ("Challenges", "answer", longest_answer()),
        (
            "Challenges",
            "conclude",
            pallet_challenges::Call::conclude { task, round, trainer: account() }.into(),
        ),
        ("Golds", "announce", pallet_golds::Call::announce { task, round, seal: [1; 32] }.into()),
        ("Golds", "reveal", reveal_gold()),
        ("Golds", "conclude", pallet_golds::Call::conclude { task, round }.into()),
    ]
}

/// A call of ours by its name.
pub fn named(pallet: &str, name: &str) -> Option<RuntimeCall> {
    ours().into_iter().find(|(of, call, _)| (*of, *call) == (pallet, name)).map(|(.., call)| call)
}

fn open_scores(updates: u32) -> RuntimeCall {
    let (task, round, salt) = (1, 1, SALT);
    pallet_validation::Call::open_scores { task, round, opinions: opinions(updates), salt }.into()
}

fn reveal_gold() -> RuntimeCall {
    let label = decentralml_types::Label::Bad;
    let (task, round, trainer, secret) = (1, 1, account(), SALT);
    pallet_golds::Call::reveal { task, round, trainer, label, secret }.into()
}

/// A leaf and the nodes above it, each as long as it may be.
pub fn longest_answer() -> RuntimeCall {
    let block = |length| pallet_challenges::Bytes::truncate_from(vec![7; length]);
    let mut blocks = vec![block(MAX_NODE); MAX_PATH];
    blocks.push(block(MAX_LEAF));
    let blocks = pallet_challenges::Blocks::truncate_from(blocks);
    pallet_challenges::Call::answer { task: 1, round: 1, trainer: account(), blocks }.into()
}

/// The calls of a round in which everybody acts and nothing fails, and how often each is made.
pub fn ordinary_round(spec: &TaskSpec) -> Vec<(u32, RuntimeCall)> {
    let (trainers, seats) = (u32::from(spec.trainers.max), u32::from(spec.committee.seats));
    let of = |count, pallet, name| named(pallet, name).map(|call| (count, call));
    [
        of(trainers, "Results", "commit"),
        of(trainers, "Results", "reveal"),
        of(if spec.custody.sealed { trainers } else { 0 }, "Results", "hand_over"),
        of(trainers, "Validation", "claim"),
        of(seats, "Validation", "commit_scores"),
        Some((seats, open_scores(trainers))),
        of(seats, "Validation", "attest"),
        of(seats, "Validation", "claim_seat"),
        of(trainers.div_ceil(TALLY_BATCH), "Tasks", "advance"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What a transaction carries besides its call.
pub fn extension(nonce: Nonce, era: Era) -> TxExtension {
    (
        frame_system::AuthorizeCall::new(),
        frame_system::CheckNonZeroSender::new(),
        frame_system::CheckSpecVersion::new(),
        frame_system::CheckTxVersion::new(),
        frame_system::CheckGenesis::new(),
        frame_system::CheckEra::from(era),
        frame_system::CheckNonce::from(nonce),
        frame_system::CheckWeight::new(),
        pallet_transaction_payment::ChargeTransactionPayment::from(0),
        free_calls::CheckFreeCall,
        frame_metadata_hash_extension::CheckMetadataHash::new(false),
        frame_system::WeightReclaim::new(),
    )
}

/// A call as it travels.
pub fn signed(call: RuntimeCall) -> UncheckedExtrinsic {
    let signature = Signature::Sr25519([0; 64].into());
    UncheckedExtrinsic::new_signed(
        call,
        account().into(),
        signature,
        extension(1, Era::mortal(64, 0)),
    )
}

/// What a transaction declares to weigh, and its length in bytes.
pub fn declared(call: RuntimeCall) -> (DispatchInfo, u32) {
    let transaction = signed(call);
    (transaction.get_dispatch_info(), transaction.encoded_size() as u32)
}

/// What it costs its sender in advance, in planck.
pub fn fee(call: RuntimeCall) -> Balance {
    let (info, length) = declared(call);
    TransactionPayment::compute_fee(length, &info, 0)
}
