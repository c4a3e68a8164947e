//! The end of a chain: everything that began can be ended, and leaves nothing behind.

use super::{
    step::Who,
    world::{ACCOUNTS, KEEPER, World, name},
};
use crate::invariants::{self, ensure};
use decentralml_runtime::*;
use decentralml_types::{Balance, Role, TaskId, TaskStatus};
use pallet_assignments::Places;
use pallet_participants::Members;
use pallet_tasks::{Rounds, Tasks};

const ROLES: [Role; 3] = [Role::Trainer, Role::Evaluator, Role::Validator];

/// Blocks for which what cannot be paid waits, and more.
const PATIENCE: u32 = 300;

/// Periods in which the largest count fades to nothing.
const FADED: u32 = 25;

impl World {
    /// Ends all tasks, settles all rows, takes everything back, and checks that nothing is left. `cancel` says whether sponsors
    /// end their tasks, or time does.
    pub fn wind_down(&mut self, cancel: bool) -> Result<(), String> {
        // Whoever has been emptied can pay no fees.
        for who in 0..ACCOUNTS {
            let dest = name(who).into();
            let give = pallet_balances::Call::transfer_keep_alive { dest, value: 10 * UNIT };
            self.must(KEEPER, "a gift", give)?;
        }
        self.thaw_everything()?;
        self.end_tasks(cancel)?;
        self.end_challenges()?;
        self.end_golds()?;
        self.settle_rows()?;
        // Cases outlive their tasks: then sponsors get what the tasks would.
        if cancel {
            self.conclude_cases()?;
        }
        self.reap()?;
        self.conclude_cases()?;
        self.dismiss()?;
        self.withdraw()?;
        self.forget_members()?;
        self.take_back()?;
        self.prune()?;
        let left = self.chain.read(invariants::leftovers);
        ensure(left.is_empty(), || format!("the end: rows are left: {left:?}"))?;
        self.ledger.compare_sum()
    }

    fn must(&mut self, who: Who, what: &str, call: impl Into<RuntimeCall>) -> Result<(), String> {
        let done = self.call(who, call)?;
        ensure(done, || format!("the end: {what} of {who} fails"))
    }

    fn tasks(&mut self) -> Vec<TaskId> {
        let mut tasks: Vec<_> = self.chain.read(|| Tasks::<Runtime>::iter_keys().collect());
        tasks.sort_unstable();
        tasks
    }

    fn pays_in_tokens(&mut self, task: TaskId) -> bool {
        let row = self.chain.read(|| Tasks::<Runtime>::get(task));
        row.is_some_and(|row| !row.spec.terms.asset.is_native())
    }

    fn is_over(&mut self, task: TaskId) -> bool {
        let row = self.chain.read(|| Tasks::<Runtime>::get(task));
        row.is_none_or(|row| row.status.is_final())
    }

    fn end_tasks(&mut self, cancel: bool) -> Result<(), String> {
        let open: Vec<_> = self.tasks().into_iter().filter(|task| !self.is_over(*task)).collect();
        if cancel {
            for task in open {
                let sponsor = self.sponsor(task);
                self.must(sponsor, "a cancel", pallet_tasks::Call::cancel { task })?;
            }
            return Ok(());
        }
        if !open.is_empty() {
            self.blocks(u16::MAX.into())?;
        }
        for task in open {
            self.must(
                KEEPER,
                "an advance of an expired task",
                pallet_tasks::Call::advance { task },
            )?;
            let row = self.chain.read(|| Tasks::<Runtime>::get(task));
            let expired = row.is_some_and(|row| row.status == TaskStatus::Expired);
            ensure(expired, || format!("the end: task {task} outlived its lifetime"))?;
        }
        Ok(())
    }

    /// What nobody has answered, the keeper concludes when its time is over.
    fn end_challenges(&mut self) -> Result<(), String> {
        for (task, round, trainer, _, deadline) in self.challenges() {
            let now = self.chain.number();
            self.blocks((deadline + 1).saturating_sub(now))?;
            let conclude = pallet_challenges::Call::conclude { task, round, trainer };
            self.must(KEEPER, "the end of a challenge", conclude)?;
        }
        Ok(())
    }

    /// Nor what sponsors have not shown.
    fn end_golds(&mut self) -> Result<(), String> {
        let mut waiting: Vec<_> =
            self.chain.read(|| pallet_golds::Golds::<Runtime>::iter_keys().collect());
        waiting.sort_unstable();
        if !waiting.is_empty() {
            self.blocks(u8::MAX.into())?;
        }
        for (task, round) in waiting {
            let conclude = pallet_golds::Call::conclude { task, round };
            self.must(KEEPER, "the end of gold results", conclude)?;
        }
        Ok(())
    }

    /// Of three cases one waits for its end, one is judged by nobody, and one by two of three, now guilty, now innocent.
    fn judge_some(&mut self) -> Result<(), String> {
        for case in self.cases() {
            let vote = Some(case % 2 == 0);
            match case % 3 {
                0 => {}
                1 => self.judge_case(case, [None; 3])?,
                _ => self.judge_case(case, [vote, None, vote])?,
            }
        }
        Ok(())
    }

    fn conclude_cases(&mut self) -> Result<(), String> {
        for case in self.cases() {
            self.conclude_in_time(case)?;
        }
        Ok(())
    }

    /// What can be claimed is claimed at once, and the rest when the time to claim is over.
    fn settle_rows(&mut self) -> Result<(), String> {
        for _ in 0..2 {
            for task in self.tasks() {
                let rounds: Vec<_> = self.chain.read(|| {
                    Rounds::<Runtime>::iter_prefix(task)
                        .filter(|(_, round)| round.open_rows > 0)
                        .map(|(number, _)| number)
                        .collect()
                });
                for round in rounds {
                    self.settle(KEEPER, task, round)?;
                    self.judge_some()?;
                }
            }
            self.blocks(300)?;
        }
        Ok(())
    }

    fn reap(&mut self) -> Result<(), String> {
        for task in self.tasks() {
            let standing: Vec<_> = self
                .chain
                .read(|| pallet_validation::Running::<Runtime>::iter_key_prefix(task).collect());
            for account in standing {
                let forget = pallet_validation::Call::forget { task, account };
                self.must(KEEPER, "a forget", forget)?;
            }
            let owed: Vec<_> =
                self.chain.read(|| pallet_tasks::Owed::<Runtime>::iter_key_prefix(task).collect());
            for account in owed {
                let collect = pallet_tasks::Call::collect { task, account: account.clone() };
                // All have had a gift, so they can be paid now, in native tokens.
                if !self.pays_in_tokens(task) {
                    self.must(KEEPER, "a collection", collect)?;
                } else if !self.call(KEEPER, collect)? {
                    self.blocks(PATIENCE)?;
                    let write_off = pallet_tasks::Call::write_off { task, account };
                    self.must(KEEPER, "a write-off", write_off)?;
                }
            }
            let reap = || pallet_tasks::Call::reap { task, limit: 200 };
            if !self.pays_in_tokens(task) || !self.call(KEEPER, reap())? {
                self.blocks(PATIENCE)?;
                self.must(KEEPER, "a reap", reap())?;
            }
            let gone = !self.chain.read(|| Tasks::<Runtime>::contains_key(task));
            ensure(gone, || format!("the end: task {task} cannot be reaped"))?;
        }
        Ok(())
    }

    fn dismiss(&mut self) -> Result<(), String> {
        let enrolled: Vec<_> = self.chain.read(|| Places::<Runtime>::iter_keys().collect());
        for (task, role, who) in enrolled {
            let dismiss = pallet_assignments::Call::dismiss { task, role, who };
            self.must(KEEPER, "a dismissal", dismiss)?;
        }
        Ok(())
    }

    fn withdraw(&mut self) -> Result<(), String> {
        // What is unbonding is let go first: a ninth amount would find no place beside eight others.
        for last in [false, true] {
            self.blocks(<Runtime as pallet_participants::Config>::UnbondingPeriod::get())?;
            for (who, role) in (0..ACCOUNTS).flat_map(|who| ROLES.map(|role| (who, role))) {
                let member = self.chain.read(|| Members::<Runtime>::get(role, name(who)));
                let Some(member) = member else { continue };
                if !member.unbonding.is_empty() {
                    self.must(who, "a withdrawal", pallet_participants::Call::withdraw { role })?;
                }
                if member.bond > 0 && !last {
                    self.may_not_keep_less(who, role, member.bond)?;
                    let amount = member.bond;
                    self.must(
                        who,
                        "an unbonding",
                        pallet_participants::Call::unbond { role, amount },
                    )?;
                }
            }
        }
        Ok(())
    }

    /// A bond is all there, or at least the least one: nothing between is left of it.
    fn may_not_keep_less(&mut self, who: Who, role: Role, bond: Balance) -> Result<(), String> {
        let least = self.chain.read(pallet_parameters::Current::<Runtime>::get).min_bond(role);
        let Some(amount) = bond.checked_sub(least.saturating_sub(1)) else { return Ok(()) };
        if least <= 1 || amount == 0 {
            return Ok(());
        }
        let unbond = pallet_participants::Call::unbond { role, amount };
        let done = self.call(who, unbond)?;
        ensure(!done, || format!("the end: {who} keeps {} as {role:?}", bond - amount))
    }

    /// Rows that remember slashes stay until these have faded.
    fn forget_members(&mut self) -> Result<(), String> {
        let kept: Vec<_> = self.chain.read(|| Members::<Runtime>::iter_keys().collect());
        if kept.is_empty() {
            return Ok(());
        }
        let period = <Runtime as pallet_participants::Config>::ReputationPeriod::get();
        self.blocks(period.saturating_mul(FADED))?;
        for (role, account) in kept {
            let forget = pallet_participants::Call::forget { role, account };
            self.must(KEEPER, "the end of a record", forget)?;
        }
        Ok(())
    }

    fn take_back(&mut self) -> Result<(), String> {
        for who in 0..ACCOUNTS {
            let account = name(who);
            if self.chain.read(|| pallet_participants::Hosts::<Runtime>::contains_key(&account)) {
                let urls = Default::default();
                self.must(who, "taking hosts back", pallet_participants::Call::set_hosts { urls })?;
            }
            if self
                .chain
                .read(|| pallet_participants::EncryptionKeys::<Runtime>::contains_key(&account))
            {
                let remove = pallet_participants::Call::set_encryption_key { key: None };
                self.must(who, "taking a key back", remove)?;
            }
            let owned: Vec<_> = self.chain.read(|| {
                pallet_data::Contents::<Runtime>::iter()
                    .filter(|(_, content)| content.owner == account)
                    .map(|(cid, _)| cid)
                    .collect()
            });
            for cid in owned {
                let readers: Vec<_> = self
                    .chain
                    .read(|| pallet_data::Grants::<Runtime>::iter_key_prefix(cid).collect());
                for account in readers {
                    self.must(who, "a revocation", pallet_data::Call::revoke { cid, account })?;
                }
                self.must(who, "a retirement", pallet_data::Call::retire { cid })?;
            }
        }
        Ok(())
    }

    fn prune(&mut self) -> Result<(), String> {
        use pallet_models::{Release, Versions};
        self.blocks(432_000)?;
        let mut versions: Vec<_> = self.chain.read(|| {
            Versions::<Runtime>::iter()
                .map(|(task, version, model)| (task, version, model.status))
                .collect()
        });
        versions.sort_unstable_by_key(|(task, version, _)| (*task, std::cmp::Reverse(*version)));
        let mut kept = None;
        for (task, version, status) in versions {
            // What a released version descends from stays.
            if status != Release::Candidate {
                kept = Some(task);
            }
            if kept != Some(task) {
                self.must(KEEPER, "a pruning", pallet_models::Call::prune { task, version })?;
            }
        }
        Ok(())
    }
}
