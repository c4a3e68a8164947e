//! The task of a run, and where its bytes lie.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use decentralml_learning::ModelSpec;
use decentralml_protocol::spec::example;
use decentralml_runtime::UNIT;
use decentralml_storage::unixfs::canonical_cid;
use decentralml_types::{Balance, Cid, TaskSpec, spec};

use crate::{Rows, Scale, rows::csv};

/// For a round's updates.
const REWARD: Balance = 100 * UNIT;
/// For a seat of a round.
const FEE: Balance = UNIT;
/// What a role puts at risk.
pub(crate) const BOND: Balance = 5 * UNIT;

/// Bytes by their CID, in place of IPFS.
#[derive(Default)]
pub(crate) struct Store(BTreeMap<Cid, Vec<u8>>);

impl Store {
    /// Keeps bytes.
    pub(crate) fn add(&mut self, bytes: Vec<u8>) -> Cid {
        let cid = canonical_cid(&bytes);
        self.0.insert(cid, bytes);
        cid
    }

    /// Bytes that were kept.
    pub(crate) fn get(&self, cid: &Cid) -> Result<&[u8]> {
        self.0.get(cid).map(Vec::as_slice).with_context(|| format!("{cid} is not in the store"))
    }
}

/// A task of this scale; what it names by CID is in `store`.
pub(crate) fn specification(
    scale: &Scale,
    rows: &Rows,
    model: &ModelSpec,
    store: &mut Store,
) -> Result<TaskSpec> {
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&scale.seed.to_le_bytes());
    // Two thirds of the seats, as the protocol asks for.
    let quorum = (2 * scale.seats).div_ceil(3);
    let example = example();
    Ok(TaskSpec {
        model: store.add(model.to_canonical_json()?),
        initial: spec::InitialModel::Seed(seed),
        objective: spec::Objective::Classification {
            features: u32::try_from(model.features())?,
            classes: u32::try_from(model.classes())?,
        },
        training: spec::LocalTraining {
            work: spec::Work::Epochs(scale.epochs),
            batch_size: scale.batch,
            ..example.training
        },
        encoding: spec::Encoding::plain(16, 13, 32_767),
        validation_set: store.add(csv(&rows.scoring)?),
        rounds: scale.rounds,
        target: None,
        trainers: spec::TrainerCount { min: scale.trainers / 2, max: scale.trainers },
        committee: spec::Committee { seats: scale.seats, quorum },
        terms: spec::Terms {
            reward_per_round: REWARD,
            fee_per_seat: FEE,
            trainer_bond: BOND,
            evaluator_bond: BOND,
            ..example.terms
        },
        ..example
    })
}
