//! Steps that are a call, or a few that belong together.

use super::{ACCOUNTS, KEEPER, World, name};
use crate::fuzz::{
    coverage::ours,
    step::{Amount, Shape, Step, Who},
};
use codec::Decode;
use decentralml_protocol::{gold, spec::example};
use decentralml_runtime::*;
use decentralml_types::{
    Asset, Balance, Cid, Codec, TaskSpec, Url, Urls,
    spec::{Chances, Committee, Custody, Deadlines, Terms, TrainerCount},
};

impl World {
    /// Steps that are one call.
    pub(super) fn single(&mut self, step: &Step) -> (Who, RuntimeCall) {
        use pallet_assignments::Call as Assignments;
        use pallet_data::Call as Data;
        use pallet_participants::Call as Participants;
        use pallet_tasks::Call as Tasks;
        use pallet_validation::Call as Validation;
        match step.clone() {
            Step::Claim { by, task, round, who } => {
                let task = self.task(task);
                let round = self.number(task, round);
                (by, Validation::claim { task, round, account: name(who) }.into())
            }
            Step::ClaimSeat { by, task, round, committee, who } => {
                let task = self.task(task);
                let round = self.number(task, round);
                (by, Validation::claim_seat { task, round, committee, account: name(who) }.into())
            }
            Step::Forget { by, task, who } => {
                (by, Validation::forget { task: self.task(task), account: name(who) }.into())
            }
            Step::Reap { by, task, limit } => {
                (by, Tasks::reap { task: self.task(task), limit: limit.into() }.into())
            }
            Step::Fund { who, task, amount } => {
                let amount = self.worth(amount, name(who));
                (who, Tasks::fund { task: self.task(task), pay: amount, charges: 0 }.into())
            }
            Step::Collect { by, task, who } => {
                let (task, account) = self.creditor(task, who);
                (by, Tasks::collect { task, account }.into())
            }
            Step::WriteOff { by, task, who } => {
                let (task, account) = self.creditor(task, who);
                (by, Tasks::write_off { task, account }.into())
            }
            Step::Pause { who, task } => {
                let task = self.task(task);
                (who.unwrap_or_else(|| self.sponsor(task)), Tasks::pause { task }.into())
            }
            Step::Resume { who, task } => {
                let task = self.task(task);
                (who.unwrap_or_else(|| self.sponsor(task)), Tasks::resume { task }.into())
            }
            Step::Bond { who, role, amount } => {
                let amount = self.worth(amount, name(who));
                (who, Participants::bond { role, amount }.into())
            }
            Step::Unbond { who, role, amount } => {
                let bond = self.bond(who, role);
                (who, Participants::unbond { role, amount: part(amount, bond) }.into())
            }
            Step::Withdraw { who, role } => (who, Participants::withdraw { role }.into()),
            Step::Enroll { who, task, role, weight } => {
                (who, Assignments::enroll { task: self.task(task), role, weight }.into())
            }
            Step::Leave { who, task, role } => {
                (who, Assignments::leave { task: self.task(task), role }.into())
            }
            Step::Dismiss { by, who, task, role } => {
                (by, Assignments::dismiss { task: self.task(task), role, who: name(who) }.into())
            }
            Step::ForgetMember { by, who, role } => {
                (by, Participants::forget { role, account: name(who) }.into())
            }
            Step::Hosts { who, count } => {
                (who, Participants::set_hosts { urls: urls(count) }.into())
            }
            Step::Key { who, key } => {
                let key = (key > 0).then_some([key + 8; 32]);
                (who, Participants::set_encryption_key { key }.into())
            }
            Step::Register { who, cid } => {
                (who, Data::register { cid: content(cid), plain_hash: [1; 32], size: 1 }.into())
            }
            Step::Grant { who, cid, to } => {
                let mut registered = pallet_data::Contents::<Runtime>::iter_keys();
                let cid = self.chain.read(|| registered.next()).unwrap_or_else(|| content(cid));
                let (who, envelope) = (self.owner(cid, who), content(0xff));
                let has_key = |who: &Who| {
                    pallet_participants::EncryptionKeys::<Runtime>::contains_key(name(*who))
                };
                let to = self.chain.read(|| (to..ACCOUNTS).find(has_key)).unwrap_or(to);
                (who, Data::grant { cid, account: name(to), envelope }.into())
            }
            Step::Revoke { who, cid, to } => {
                let mut granted = pallet_data::Grants::<Runtime>::iter_keys();
                let granted = self.chain.read(|| granted.next());
                let (cid, account) = granted.unwrap_or_else(|| (content(cid), name(to)));
                (self.owner(cid, who), Data::revoke { cid, account }.into())
            }
            Step::Retire { who, cid } => {
                let cid = content(cid);
                (self.owner(cid, who), Data::retire { cid }.into())
            }
            Step::Appeal { who, case } => {
                let case = self.case(case);
                (
                    who.unwrap_or_else(|| self.accused(case)),
                    pallet_disputes::Call::appeal { case }.into(),
                )
            }
            Step::Vote { who, case, guilty } => {
                (who, pallet_disputes::Call::vote { case: self.case(case), guilty }.into())
            }
            Step::Conclude { by, case } => {
                (by, pallet_disputes::Call::conclude { case: self.case(case) }.into())
            }
            Step::EndGolds { by, task, round } => {
                let task = self.task(task);
                let round = self.number(task, round);
                (by, pallet_golds::Call::conclude { task, round }.into())
            }
            Step::Prune { by, task, version } => {
                let version = u32::from(version) + 1;
                (by, pallet_models::Call::prune { task: self.task(task), version }.into())
            }
            Step::Transfer { from, to, amount } => {
                let value = self.worth(amount, name(from));
                let dest = name(to).into();
                (from, pallet_balances::Call::transfer_allow_death { dest, value }.into())
            }
            Step::Empty { from, to } => {
                let dest = name(to).into();
                (from, pallet_balances::Call::transfer_all { dest, keep_alive: false }.into())
            }
            // The others are more than one call; see `step`.
            _ => (KEEPER, frame_system::Call::remark { remark: Vec::new() }.into()),
        }
    }

    /// The owner of content, mostly.
    fn owner(&mut self, cid: Cid, who: Who) -> Who {
        let row = self.chain.read(|| pallet_data::Contents::<Runtime>::get(cid));
        let is_owner = |who: &Who| row.as_ref().is_some_and(|row| row.owner == name(*who));
        let owner = (0..ACCOUNTS).find(is_owner);
        owner.filter(|_| who < ACCOUNTS - 2).unwrap_or(who)
    }
}

fn content(cid: u8) -> Cid {
    Cid { codec: Codec::DagPb, digest: [cid; 32] }
}

fn urls(count: u8) -> Urls {
    // The last of many is no URL.
    let url = |index: u8| {
        let beginning = if index == 3 { "ftp" } else { "https" };
        Url::truncate_from(format!("{beginning}://host{index}.example").into_bytes())
    };
    Urls::truncate_from((0..count).map(url).collect())
}

pub(super) fn part(amount: Amount, of: Balance) -> Balance {
    match amount {
        Amount::Zero => 0,
        Amount::Planck(planck) => planck.into(),
        Amount::Milli(milli) => Balance::from(milli) * MILLIUNIT,
        Amount::Tokens(tokens) => Balance::from(tokens) * UNIT,
        Amount::Share(percent) => of / 100 * Balance::from(percent),
        Amount::Everything => of,
        Amount::Absurd => Balance::MAX,
    }
}

pub(super) fn spec(shape: &Shape) -> TaskSpec {
    let pace = u32::from(shape.pace);
    let tokens = |tokens: u8| Balance::from(tokens) * UNIT;
    let seats = shape.seats;
    let golds = if shape.golds <= shape.trainers.1 { shape.golds } else { 0 };
    // Time to reveal them, and more.
    let least = if golds > 0 { 2 * gold::WINDOW + 1 } else { 0 };
    TaskSpec {
        custody: Custody { hosts: 0, sealed: shape.sealed },
        rounds: shape.rounds.into(),
        target: shape.target.then_some(700_000),
        max_retries: shape.retries,
        trainers: TrainerCount { min: shape.trainers.0.into(), max: shape.trainers.1.into() },
        committee: Committee { seats, quorum: (2 * seats).div_ceil(3) },
        deadlines: Deadlines {
            enrolling: 3 * pace,
            training: (2 * pace).max(least),
            revealing: pace,
            scoring: (2 * pace).max(least),
            verdict: pace,
            aggregating: pace,
            claiming: u32::from(shape.claiming).max(least),
            lifetime: shape.lifetime.into(),
        },
        terms: Terms {
            reward_per_round: part(shape.reward, UNIT),
            fee_per_seat: part(shape.fee, UNIT),
            trainer_bond: tokens(shape.bonds.0),
            evaluator_bond: tokens(shape.bonds.1),
            min_reputation: 0,
            golds,
            draw: match shape.cap {
                1 => Chances::Equal,
                cap => Chances::ByBond { cap },
            },
            asset: shape.token.map_or(Asset::Native, |token| Asset::Id(token.into())),
        },
        ..example()
    }
}

/// A call of one of our pallets with whatever arguments these bytes make, and zeros for as long as more is needed.
pub(super) fn wild(pallet: u8, call: u8, bytes: &[u8]) -> Option<RuntimeCall> {
    let ours = ours();
    let (_, index, names) = ours[usize::from(pallet) % ours.len()];
    let mut input = vec![index as u8, call % names.len() as u8];
    // Small numbers are likelier to be somebody's.
    input.extend(bytes.iter().map(|byte| if byte % 4 == 0 { *byte } else { byte & 1 }));
    input.resize(input.len() + 1_000, 0);
    RuntimeCall::decode(&mut &input[..]).ok()
}
