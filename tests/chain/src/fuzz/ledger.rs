//! What everybody should own, worked out from what our events say, and by a second reading of the rules.

use crate::{
    chain::{Chain, LEAST_OF_TOKENS, Outcome},
    invariants::{self, ensure},
};
use decentralml_runtime::*;
use decentralml_types::{
    Asset, Balance, Label, Outcome as Verdict, Role, RoundNumber, TaskId, TaskSpec,
};
use frame_support::traits::GetCallMetadata;
use std::collections::{BTreeMap, BTreeSet};

mod cases;
mod fees;
mod tokens;

use cases::Cases;
use fees::Fees;
use tokens::Tokens;

/// Calls that cost nothing where they succeed.
const FREE: &[(&str, &[&str])] = &[
    ("Results", &["commit", "reveal", "hand_over"]),
    ("Challenges", &["answer", "conclude"]),
    ("Golds", &["conclude"]),
    ("Disputes", &["conclude"]),
    ("Validation", &["commit_scores", "open_scores", "attest", "claim", "claim_seat", "forget"]),
    ("Tasks", &["advance", "collect"]),
    ("Assignments", &["dismiss"]),
    ("Participants", &["forget"]),
    ("Models", &["prune"]),
];

/// A task as the ledger remembers it.
#[derive(Clone, Debug)]
struct Known {
    sponsor: AccountId,
    deposit: Balance,
    spec: TaskSpec,
    reaped: bool,
}

/// Balances as they should be.
#[derive(Default)]
pub struct Ledger {
    owned: BTreeMap<AccountId, Balance>,
    issued: Balance,
    tasks: BTreeMap<TaskId, Known>,
    /// Weights of the accepted updates of each round, by the last count.
    weights: BTreeMap<(TaskId, RoundNumber), BTreeMap<AccountId, u64>>,
    paid: BTreeSet<(TaskId, RoundNumber, AccountId, bool)>,
    accused: BTreeMap<(TaskId, RoundNumber, AccountId, bool), u8>,
    /// What accounts weigh in draws, by task and whether they train, as they said when they enrolled last.
    heavy: BTreeMap<(TaskId, AccountId, bool), u8>,
    /// Updates that were known to be bad, and found so.
    golds: BTreeSet<(TaskId, RoundNumber, AccountId)>,
    cases: Cases,
    fees: Fees,
    tokens: Tokens,
}

impl Ledger {
    /// A ledger of these accounts and of the treasury.
    pub fn new(chain: &mut Chain, accounts: &[AccountId]) -> Self {
        let treasury = configs::TreasuryAccount::get();
        let all = accounts.iter().chain([&treasury]).cloned();
        let owned = chain.read(|| all.map(|who| (who.clone(), invariants::total(&who))).collect());
        let issued = chain.read(Balances::total_issuance);
        let tokens = Tokens::new(chain, accounts);
        Self { owned, issued, tokens, ..Default::default() }
    }

    /// Notes a transaction, and finds what is wrong with it by itself.
    pub fn note(
        &mut self,
        chain: &mut Chain,
        call: &RuntimeCall,
        outcome: &Outcome,
    ) -> Result<(), String> {
        fee(call, outcome)?;
        let (mut paid, mut rewarded) = (0, 0);
        let is_transfer = matches!(call, RuntimeCall::Balances(_));
        for event in &outcome.events {
            match event {
                RuntimeEvent::Tasks(event) => paid += self.task(chain, event)?,
                RuntimeEvent::Validation(event) => {
                    self.opened(call, event);
                    rewarded += self.verdict(event)?;
                }
                RuntimeEvent::Assignments(pallet_assignments::Event::Enrolled {
                    task,
                    role,
                    who,
                    weight,
                }) => {
                    self.heavy.insert((*task, who.clone(), *role == Role::Trainer), *weight);
                }
                RuntimeEvent::Participants(event) => self.bond(event)?,
                RuntimeEvent::Disputes(event) => self.case(event)?,
                RuntimeEvent::Challenges(event) => self.challenge(event)?,
                RuntimeEvent::Golds(event) => self.gold(event)?,
                RuntimeEvent::Assets(event) => self.tokens.note(event)?,
                RuntimeEvent::TransactionPayment(
                    pallet_transaction_payment::Event::TransactionFeePaid {
                        who, actual_fee, ..
                    },
                ) => {
                    self.take(who, *actual_fee)?;
                    self.give_treasury(*actual_fee);
                }
                RuntimeEvent::Balances(pallet_balances::Event::Transfer { from, to, amount })
                    if is_transfer =>
                {
                    self.take(from, *amount)?;
                    self.give(to, *amount);
                }
                RuntimeEvent::Balances(pallet_balances::Event::DustLost { account, amount }) => {
                    self.take(account, *amount)?;
                    self.give_treasury(*amount);
                }
                _ => {}
            }
        }
        ensure(paid == rewarded, || {
            format!("pay: the tasks have paid {paid}, and {rewarded} was rewarded")
        })
    }

    /// Whether everybody owns what it should.
    pub fn compare(&self, chain: &mut Chain) -> Result<(), String> {
        chain.read(|| {
            let issued = Balances::total_issuance();
            ensure(issued == self.issued, || {
                format!("money: {issued} is issued, and it was {}", self.issued)
            })?;
            for (who, should) in &self.owned {
                let owns = invariants::total(who);
                ensure(owns == *should, || {
                    format!("balance: {who} owns {owns}, by all events it should be {should}")
                })?;
            }
            self.tokens.compare()
        })
    }

    /// Once all tasks are gone: whether nobody else owns anything.
    pub fn compare_sum(&self) -> Result<(), String> {
        let sum: Balance = self.owned.values().sum();
        ensure(sum == self.issued, || {
            format!("money: participants and treasury own {sum} of {} in the end", self.issued)
        })
    }

    /// What a task's event moved; returns what was paid to participants.
    fn task(
        &mut self,
        chain: &mut Chain,
        event: &pallet_tasks::Event<Runtime>,
    ) -> Result<Balance, String> {
        use pallet_tasks::Event::*;
        match event {
            TaskCreated { task, sponsor, asset, pay, charges, deposit } => {
                let row = chain.read(|| pallet_tasks::Tasks::<Runtime>::get(task));
                let spec = row.ok_or("a task that was created is not there")?.spec;
                ensure(*asset == spec.terms.asset, || format!("task {task} pays in {asset:?}"))?;
                // Its account keeps the least that there must be of either.
                let least = if asset.is_native() { 0 } else { LEAST_OF_TOKENS };
                self.take(sponsor, charges + invariants::existential_deposit())?;
                self.take_of(*asset, sponsor, pay + least)?;
                self.tasks.insert(
                    *task,
                    Known { sponsor: sponsor.clone(), deposit: *deposit, spec, reaped: false },
                );
            }
            TaskFunded { who, asset, pay, charges, .. } => {
                self.take(who, *charges)?;
                self.take_of(*asset, who, *pay)?;
            }
            TaskEnded { task, refunded, charges, .. } => {
                let Known { sponsor, spec, .. } = self.known(*task)?;
                self.give(&sponsor, *charges);
                self.give_of(spec.terms.asset, &sponsor, *refunded);
            }
            Refunded { task, asset, amount } => {
                let sponsor = self.known(*task)?.sponsor;
                self.give_of(*asset, &sponsor, *amount);
            }
            TaskReaped { task, returned } => {
                let Known { sponsor, deposit, .. } = self.known(*task)?;
                if let Some(known) = self.tasks.get_mut(task) {
                    known.reaped = true;
                }
                // The deposit was the sponsor's all the time.
                self.give(&sponsor, returned - deposit);
            }
            RoundCharged { amount, .. } => self.give_treasury(*amount),
            Paid { who, asset, amount, .. } => {
                self.give_of(*asset, who, *amount);
                return Ok(*amount);
            }
            // It was earned, and is paid later, or never.
            PaymentOwed { amount, .. } => return Ok(*amount),
            Collected { who, asset, amount, .. } => self.give_of(*asset, who, *amount),
            _ => {}
        }
        Ok(0)
    }

    fn gold(&mut self, event: &pallet_golds::Event<Runtime>) -> Result<(), String> {
        use pallet_golds::Event::*;
        match event {
            GoldRevealed { task, round, trainer, label: Label::Bad, confirmed: true, .. } => {
                self.golds.insert((*task, *round, trainer.clone()));
            }
            GoldsConcluded { sponsor, forfeited, .. } => {
                self.take(sponsor, *forfeited)?;
                self.give_treasury(*forfeited);
            }
            _ => {}
        }
        Ok(())
    }

    fn opened(&mut self, call: &RuntimeCall, event: &pallet_validation::Event<Runtime>) {
        if let (
            RuntimeCall::Validation(pallet_validation::Call::open_scores { opinions, .. }),
            pallet_validation::Event::ScoresOpened { task, round, who, .. },
        ) = (call, event)
        {
            self.fees.opened((*task, *round), who, opinions);
        }
    }

    /// Checks what a verdict led to; returns what was rewarded.
    fn verdict(&mut self, event: &pallet_validation::Event<Runtime>) -> Result<Balance, String> {
        use pallet_validation::Event::*;
        match event {
            Judged { task, round, trainer, score, outcome, .. } => {
                self.fees.counted((*task, *round), trainer, *score);
                let weights = self.weights.entry((*task, *round)).or_default();
                weights.remove(trainer);
                if let Verdict::Accepted { weight } = outcome {
                    weights.insert(trainer.clone(), *weight);
                }
            }
            Rewarded { task, round, who, role, amount } => {
                let trains = *role == Role::Trainer;
                let first = self.paid.insert((*task, *round, who.clone(), trains));
                ensure(first, || {
                    format!("pay: {who} was paid twice as {role:?} in {task}/{round}")
                })?;
                let should = self.share(*task, *round, who, *role)?;
                ensure(*amount == should, || {
                    format!(
                        "pay: {who} got {amount} as {role:?} in {task}/{round}, {should} is its share"
                    )
                })?;
                return Ok(*amount);
            }
            Accused { task, round, who, role, fault, amount } => {
                let most = self.most(*task, who, *fault)?;
                ensure(*amount <= most, || {
                    format!("slash: {who} is to lose {amount} for {fault:?}, {most} at most")
                })?;
                let trains = *role == Role::Trainer;
                ensure(trains == cases::is_of_trainers(*fault), || {
                    format!("slash: {who} is accused as {role:?} of {fault:?}")
                })?;
                let times = self.accused.entry((*task, *round, who.clone(), trains)).or_default();
                *times += 1;
                // A round has two committees at most, and an account may fail in both.
                let often = if trains { 1 } else { 2 };
                ensure(*times <= often, || format!("slash: {who} is accused {times} times"))?;
            }
            _ => {}
        }
        Ok(0)
    }

    /// What somebody is to get, worked out anew: ⌊reward × weight / sum of weights⌋, or a part of the fee.
    fn share(
        &self,
        task: TaskId,
        round: RoundNumber,
        who: &AccountId,
        role: Role,
    ) -> Result<Balance, String> {
        let terms = self.known(task)?.spec.terms;
        if role == Role::Evaluator {
            let due = self.fees.due((task, round), who, terms.fee_per_seat);
            return due.ok_or_else(|| format!("pay: {who} has opened no scores of {task}/{round}"));
        }
        let weights = self.weights.get(&(task, round)).ok_or("pay: nothing was accepted")?;
        if !weights.contains_key(who) && self.golds.contains(&(task, round, who.clone())) {
            return Ok(terms.reward_per_round / Balance::from(self.known(task)?.spec.trainers.max));
        }
        let weight = Balance::from(*weights.get(who).ok_or("pay: the update was not accepted")?);
        let sum: Balance = weights.values().map(|weight| Balance::from(*weight)).sum();
        let product =
            terms.reward_per_round.checked_mul(weight).ok_or("pay: a reward beyond u128")?;
        Ok(product / sum)
    }

    fn known(&self, task: TaskId) -> Result<Known, String> {
        self.tasks.get(&task).cloned().ok_or_else(|| format!("task {task} was never created"))
    }

    // Accounts of tasks are proved by `try_state` and by the sum, so they are not followed.
    fn give(&mut self, who: &AccountId, amount: Balance) {
        if let Some(owned) = self.owned.get_mut(who) {
            *owned += amount;
        }
    }

    fn give_of(&mut self, asset: Asset, who: &AccountId, amount: Balance) {
        match asset {
            Asset::Native => self.give(who, amount),
            Asset::Id(id) => self.tokens.give(id, who, amount),
        }
    }

    fn take_of(&mut self, asset: Asset, who: &AccountId, amount: Balance) -> Result<(), String> {
        match asset {
            Asset::Native => self.take(who, amount),
            Asset::Id(id) => self.tokens.take(id, who, amount),
        }
    }

    fn give_treasury(&mut self, amount: Balance) {
        self.give(&configs::TreasuryAccount::get(), amount);
    }

    fn take(&mut self, who: &AccountId, amount: Balance) -> Result<(), String> {
        if let Some(owned) = self.owned.get_mut(who) {
            *owned = owned
                .checked_sub(amount)
                .ok_or_else(|| format!("balance: {who} lost {amount}, and owned {owned}"))?;
        }
        Ok(())
    }
}

/// A free call costs nothing where it succeeds, and everything else the fee.
fn fee(call: &RuntimeCall, outcome: &Outcome) -> Result<(), String> {
    let name = call.get_call_metadata();
    let is_free = FREE
        .iter()
        .any(|(pallet, calls)| *pallet == name.pallet_name && calls.contains(&name.function_name));
    let free = is_free && outcome.result.is_ok();
    // The SDK lets each member of the council vote once for nothing.
    let voted = name.pallet_name == "Council" && outcome.result.is_ok();
    ensure(voted || free == (outcome.fee == 0), || {
        let (pallet, call) = (name.pallet_name, name.function_name);
        format!("fee: {pallet}.{call} cost {} and ended {:?}", outcome.fee, outcome.result)
    })
}
