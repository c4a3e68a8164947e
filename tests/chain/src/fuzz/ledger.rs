//! What everybody should own, worked out from what our events say, and by a second reading of the rules.

use crate::{
    chain::{Chain, LEAST_OF_TOKENS, Outcome},
    invariants::{self, ensure},
};
use decentralml_runtime::*;
use decentralml_types::{Asset, Balance, Label, Penalties, Role, RoundNumber, TaskId, TaskSpec};
use frame_support::traits::GetCallMetadata;
use std::collections::{BTreeMap, BTreeSet};

mod cases;
mod challenges;
mod dues;
mod fees;
mod rounds;
mod rules;
mod settings;
mod tokens;

use cases::Cases;
use fees::Fees;
use rounds::Rounds;
use settings::Settings;
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
    /// Those that held when it was created.
    penalties: Penalties,
    over: bool,
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
    rounds: Rounds,
    settings: Settings,
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
        let now = chain.number();
        let is_transfer = matches!(call, RuntimeCall::Balances(_));
        for event in &outcome.events {
            match event {
                RuntimeEvent::Tasks(event) => {
                    self.rounds.task(event, now);
                    paid += self.task(chain, event)?;
                }
                RuntimeEvent::Results(event) => self.rounds.revealed(event),
                RuntimeEvent::Validation(event) => {
                    self.opened(call, event);
                    self.rounds.validation(event)?;
                    self.settled(call, event, now)?;
                    rewarded += self.verdict(chain, event)?;
                }
                RuntimeEvent::Assignments(pallet_assignments::Event::Enrolled {
                    task,
                    role,
                    who,
                    weight,
                }) => {
                    self.heavy.insert((*task, who.clone(), *role == Role::Trainer), *weight);
                }
                RuntimeEvent::Participants(event) => self.bond(chain, event)?,
                RuntimeEvent::Parameters(event) => self.set(event)?,
                RuntimeEvent::Disputes(event) => self.case(chain, event)?,
                RuntimeEvent::Challenges(event) => {
                    self.rounds.withheld(event);
                    self.challenge(chain, event)?;
                }
                RuntimeEvent::Golds(event) => {
                    self.rounds.gold(event)?;
                    self.gold(event)?;
                }
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
            self.settings.compare()?;
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
                self.settings.allow(&spec)?;
                // Its account keeps the least that there must be of either.
                let least = if asset.is_native() { 0 } else { LEAST_OF_TOKENS };
                self.take(sponsor, charges + invariants::existential_deposit())?;
                self.take_of(*asset, sponsor, pay + least)?;
                let known = Known {
                    sponsor: sponsor.clone(),
                    deposit: *deposit,
                    spec,
                    penalties: self.settings.present.penalties,
                    over: false,
                    reaped: false,
                };
                self.tasks.insert(*task, known);
            }
            TaskFunded { who, asset, pay, charges, .. } => {
                self.take(who, *charges)?;
                self.take_of(*asset, who, *pay)?;
            }
            TaskEnded { task, refunded, charges, .. } => {
                let Known { sponsor, spec, .. } = self.known(*task)?;
                if let Some(known) = self.tasks.get_mut(task) {
                    known.over = true;
                }
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
