//! A state in which thousands of trainers can commit, and the transactions with which they do.

use super::node;
use crate::chain::{Chain, Genesis, account};
use anyhow::{Context, Result, anyhow, ensure};
use codec::{Decode, Encode};
use decentralml_protocol::spec::example;
use decentralml_runtime::*;
use decentralml_traits::Draw;
use decentralml_types::{
    Balance, Role, TaskId,
    limits::MAX_TRAINERS,
    spec::{Committee, TrainerCount},
};
use frame_support::storage::{storage_prefix, unhashed};
use frame_system::AccountInfo;
use pallet_balances::AccountData;
use serde_json::{Map, Value, json};
use sp_core::{
    H256, Pair,
    bytes::{from_hex, to_hex},
    sr25519,
};
use sp_io::hashing::{blake2_256, twox_128};
use sp_runtime::generic::Era;
use std::{iter::successors, path::Path};

/// Evaluators, who are enrolled in every task.
const SEATS: u32 = 3;
/// Blocks for which trainers can commit: longer than any flood.
const TRAINING: u32 = 100_000;
const BOND: Balance = 5 * UNIT;

/// Whose rows the node begins with, beside accounts.
const PALLETS: [&str; 8] =
    ["Balances", "Participants", "Tasks", "Assignments", "Results", "Validation", "Models", "Data"];

/// A drawn trainer.
pub struct Trainer {
    pair: sr25519::Pair,
    task: TaskId,
    /// Of its next transaction.
    nonce: Nonce,
}

/// What trainers send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transaction {
    /// `results.commit`
    Commit,
    /// `balances.transfer_keep_alive`, of a planck to another trainer
    Transfer,
}

/// A chain on which every trainer of some tasks is drawn and may commit.
pub struct Prefilled {
    chain: Chain,
    pub trainers: Vec<Trainer>,
}

impl Trainer {
    fn account(&self) -> AccountId {
        AccountId::new(self.pair.public().0)
    }
}

impl Prefilled {
    /// Plays so many tasks with as many trainers as a round takes, up to their first draw: everybody bonds and enrolls by a
    /// transaction that costs its fee, in as many blocks as that takes.
    ///
    /// # Errors
    ///
    /// A transaction is refused or fails, or somebody is not drawn.
    pub fn new(tasks: u32) -> Result<Self> {
        let pair = |number| sr25519::Pair::from_seed(&(b"load", number).using_encoded(blake2_256));
        let count = tasks * MAX_TRAINERS;
        let mut trainers: Vec<Trainer> = (0..count)
            .map(|number| Trainer { pair: pair(number), task: number / MAX_TRAINERS, nonce: 0 })
            .collect();
        let sponsor = account(0);
        let rich = (0..=SEATS).map(|who| (account(who), 1_000_000 * UNIT));
        let accounts = trainers.iter().map(|who| (who.account(), 100 * UNIT)).chain(rich).collect();
        let mut chain = Chain::new(Genesis { accounts, ..Genesis::default() });

        let mut spec = Box::new(example());
        spec.rounds = 1;
        spec.target = None;
        spec.max_retries = 0;
        spec.trainers = TrainerCount { min: 3, max: MAX_TRAINERS as u16 };
        spec.committee = Committee { seats: SEATS as u8, quorum: 2 };
        spec.deadlines.training = TRAINING;
        spec.deadlines.lifetime = 10 * TRAINING;
        spec.terms.trainer_bond = BOND;
        spec.terms.evaluator_bond = BOND;
        let mut send = |who: &AccountId, call: RuntimeCall| -> Result<()> {
            let outcome = chain
                .submit(who, call)
                .map_err(|refused| anyhow!("a block refused it: {refused:?}"))?;
            outcome.result.map_err(|error| anyhow!("a call failed: {error:?}"))
        };
        let role = Role::Evaluator;
        for seat in (1..=SEATS).map(account) {
            let amount = BOND * Balance::from(tasks);
            send(&seat, pallet_participants::Call::bond { role, amount }.into())?;
        }
        for of_task in trainers.chunks(MAX_TRAINERS as usize) {
            let task = of_task[0].task;
            send(&sponsor, pallet_tasks::Call::create { spec: spec.clone() }.into())?;
            for seat in (1..=SEATS).map(account) {
                send(&seat, pallet_assignments::Call::enroll { task, role, weight: 1 }.into())?;
            }
            for who in of_task.iter().map(Trainer::account) {
                let role = Role::Trainer;
                send(&who, pallet_participants::Call::bond { role, amount: BOND }.into())?;
                send(&who, pallet_assignments::Call::enroll { task, role, weight: 1 }.into())?;
            }
        }
        chain.next_block();
        chain.next_block();
        chain.read(|| {
            for trainer in &mut trainers {
                let (who, task) = (trainer.account(), trainer.task);
                Assignments::place_in(task, 1, Draw::Trainers, &who)
                    .map_err(|error| anyhow!("a trainer is not drawn: {error:?}"))?;
                trainer.nonce = System::account_nonce(&who);
            }
            anyhow::Ok(())
        })?;
        Ok(Self { chain, trainers })
    }

    /// Writes the specification of a chain that begins with this state and with the validators of the node's `dev`, and makes a
    /// block each `block_time` milliseconds. Its blocks are counted from 0: the tasks are a little older than the chain.
    ///
    /// # Errors
    ///
    /// The node gives no specification, or the file cannot be written.
    pub fn write(&mut self, node: &Path, block_time: u64, file: &Path) -> Result<()> {
        let mut spec = node::development_spec(node)?;
        spec["name"] = json!("DecentralML Load");
        spec["id"] = json!("decentralml_load");
        let top = spec["genesis"]["raw"]["top"].as_object_mut().context("no raw specification")?;
        let rows = self.rows();
        ensure!(!rows.is_empty(), "the state is empty");
        top.extend(rows.into_iter().map(|(key, value)| (hex(&key), Value::from(hex(&value)))));
        let setting = storage_prefix(b"Settings", b"BlockTime");
        top.insert(hex(&setting), hex(&block_time.encode()).into());
        let issued = storage_prefix(b"Balances", b"TotalIssuance");
        top.insert(hex(&issued), hex(&sum_of_accounts(top)?.encode()).into());
        std::fs::write(file, serde_json::to_string(&spec)?)
            .with_context(|| format!("{} cannot be written", file.display()))
    }

    fn rows(&mut self) -> Vec<(Vec<u8>, Vec<u8>)> {
        let accounts = storage_prefix(b"System", b"Account").to_vec();
        let pallets = PALLETS.map(|pallet| twox_128(pallet.as_bytes()).to_vec());
        self.chain.read(|| {
            let of = |prefix: Vec<u8>| {
                let next = |key: &[u8]| {
                    sp_io::storage::next_key(key).filter(|key| key.starts_with(&prefix))
                };
                successors(next(&prefix), |key| next(key))
                    .filter_map(|key| Some((key.clone(), unhashed::get_raw(&key)?)))
                    .collect::<Vec<_>>()
            };
            pallets.into_iter().chain([accounts]).flat_map(of).collect()
        })
    }

    /// Everybody's next transaction of this kind, signed for the chain with this genesis. It counts as sent.
    pub fn sign(&mut self, kind: Transaction, genesis: H256) -> Vec<Vec<u8>> {
        let to: Vec<AccountId> = self.trainers.iter().map(Trainer::account).collect();
        let other = to.iter().cycle().skip(1);
        self.trainers
            .iter_mut()
            .zip(other)
            .map(|(trainer, to)| {
                let (call, extension) = (call(kind, trainer.task, to), extension(trainer.nonce));
                trainer.nonce += 1;
                let implicit = implicit(genesis);
                let payload = SignedPayload::from_raw(call.clone(), extension.clone(), implicit);
                let signature = payload.using_encoded(|payload| trainer.pair.sign(payload));
                let who = trainer.account().into();
                UncheckedExtrinsic::new_signed(call, who, signature.into(), extension).encode()
            })
            .collect()
    }
}

fn hex(bytes: &[u8]) -> String {
    to_hex(bytes, false)
}

/// All that accounts own by the rows of a genesis state.
fn sum_of_accounts(top: &Map<String, Value>) -> Result<Balance> {
    let prefix = hex(&storage_prefix(b"System", b"Account"));
    let rows = top.iter().filter(|(key, _)| key.starts_with(&prefix));
    rows.map(|(_, value)| {
        let bytes = from_hex(value.as_str().unwrap_or_default())?;
        let row = AccountInfo::<Nonce, AccountData<Balance>>::decode(&mut &bytes[..])?;
        Ok(row.data.free + row.data.reserved)
    })
    .sum()
}

/// What a trainer's commitment is to, nobody asks before it is revealed.
fn call(kind: Transaction, task: TaskId, to: &AccountId) -> RuntimeCall {
    match kind {
        Transaction::Commit => {
            pallet_results::Call::commit { task, round: 1, hash: [3; 32] }.into()
        }
        Transaction::Transfer => {
            let dest = to.clone().into();
            pallet_balances::Call::transfer_keep_alive { dest, value: 1 }.into()
        }
    }
}

/// A transaction of this kind whose signature is wrong, to look at its weight and length.
pub(super) fn unsigned(kind: Transaction) -> UncheckedExtrinsic {
    let who = account(0);
    let signature = Signature::Sr25519([0; 64].into());
    let call = call(kind, 0, &who);
    UncheckedExtrinsic::new_signed(call, who.into(), signature, extension(2))
}

fn extension(nonce: Nonce) -> TxExtension {
    (
        frame_system::AuthorizeCall::new(),
        frame_system::CheckNonZeroSender::new(),
        frame_system::CheckSpecVersion::new(),
        frame_system::CheckTxVersion::new(),
        frame_system::CheckGenesis::new(),
        frame_system::CheckEra::from(Era::Immortal),
        frame_system::CheckNonce::from(nonce),
        frame_system::CheckWeight::new(),
        pallet_transaction_payment::ChargeTransactionPayment::from(0),
        free_calls::CheckFreeCall,
        frame_metadata_hash_extension::CheckMetadataHash::new(false),
        frame_system::WeightReclaim::new(),
    )
}

/// What the signature covers beside what travels, in the order of [`extension`].
type Implicit = <TxExtension as sp_runtime::traits::TransactionExtension<RuntimeCall>>::Implicit;

fn implicit(genesis: H256) -> Implicit {
    let version = <Runtime as frame_system::Config>::Version::get();
    let (spec, transaction) = (version.spec_version, version.transaction_version);
    ((), (), spec, transaction, genesis, genesis, (), (), (), (), None, ())
}
