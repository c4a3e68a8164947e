//! What cases move, by a second reading of the tables in `docs/protocol.md`.

use super::{Ledger, challenges::Open};
use crate::{chain::Chain, fuzz::world::COUNCIL, invariants::ensure};
use decentralml_runtime::*;
use decentralml_types::{
    Balance, BlockNumber, CaseId, Fault, Penalty, Role, RoundNumber, Ruling, TaskId,
};
use std::collections::BTreeMap;

/// What is known of cases and challenges that are open.
#[derive(Default)]
pub(super) struct Cases {
    open: BTreeMap<CaseId, Known>,
    pub(super) challenges: BTreeMap<(TaskId, RoundNumber, AccountId), Open>,
    /// What accounts have paid for others' costs since the last case ended, by role.
    charged: BTreeMap<(AccountId, Role), Balance>,
}

/// A case.
#[derive(Clone)]
struct Known {
    accused: AccountId,
    reporter: Option<AccountId>,
    fault: Fault,
    task: TaskId,
    amount: Balance,
    /// By what the task began with.
    penalty: Penalty,
    /// What an appeal puts at stake, by what held when the case was opened.
    stake: Balance,
    /// What its loser pays the winner, by the same.
    costs: Balance,
    appealed: bool,
    /// How many find the accused guilty, and how many do not.
    votes: (usize, usize),
    /// From when on nobody can appeal or, after an appeal, vote.
    deadline: BlockNumber,
}

impl Known {
    /// What the council has made of it.
    fn ruling(&self) -> Option<Ruling> {
        let (guilty, innocent) = self.votes;
        self.appealed.then_some(match guilty.cmp(&innocent) {
            std::cmp::Ordering::Greater => Ruling::Guilty,
            std::cmp::Ordering::Less => Ruling::Freed,
            std::cmp::Ordering::Equal => Ruling::Undecided,
        })
    }

    /// Whether it may end: without an appeal when the time for it is over, otherwise as soon as most of the council agree.
    fn may_end(&self, now: BlockNumber) -> bool {
        let (guilty, innocent) = self.votes;
        now >= self.deadline || self.appealed && guilty.max(innocent) * 2 > COUNCIL.len()
    }

    /// The parts of the task and of the reporter, of whom there may be none.
    fn parts(&self) -> (Balance, Balance) {
        let part = |percent: u8| self.amount * Balance::from(percent) / 100;
        let reporter = self.reporter.as_ref().map_or(0, |_| part(self.penalty.to_reporter));
        (part(self.penalty.to_task), reporter)
    }
}

pub(super) fn is_of_trainers(fault: Fault) -> bool {
    !matches!(
        fault,
        Fault::NotOpened | Fault::WrongAggregate | Fault::Equivocated | Fault::GoldMissed
    )
}

/// Whether the chain shows the fault by itself: it stands where the council does not decide, and no reporter answers for it.
fn is_shown_by_the_chain(fault: Fault) -> bool {
    matches!(fault, Fault::NotRevealed | Fault::NotOpened | Fault::Equivocated)
}

/// What a slash or a charge can still reach.
fn left(chain: &mut Chain, who: &AccountId, role: Role) -> Balance {
    chain.read(|| {
        let member = pallet_participants::Members::<Runtime>::get(role, who);
        member.map_or(0, |member| member.slashable(System::block_number()))
    })
}

impl Ledger {
    pub(super) fn has_cases(&self) -> bool {
        !self.cases.open.is_empty()
    }

    /// What a fault costs an account, by what its task began with.
    fn due(&self, task: TaskId, who: &AccountId, fault: Fault) -> Result<Balance, String> {
        let weight = self.heavy.get(&(task, who.clone(), is_of_trainers(fault)));
        let weight = weight.ok_or_else(|| format!("case: {who} never enrolled in task {task}"))?;
        let known = self.known(task)?;
        let terms = &known.spec.terms;
        let bond = if is_of_trainers(fault) { terms.trainer_bond } else { terms.evaluator_bond };
        let percent = match fault {
            // Belongs to no task.
            Fault::Equivocated => 0,
            fault => known.penalties.of(fault).percent,
        };
        Ok(bond * Balance::from(*weight) * Balance::from(percent) / 100)
    }

    /// Whether as much was taken out of a bond as the fault costs, or all that there was.
    pub(super) fn taken(
        &self,
        chain: &mut Chain,
        task: TaskId,
        who: &AccountId,
        fault: Fault,
        amount: Balance,
    ) -> Result<(), String> {
        let due = self.due(task, who, fault)?;
        let role = if is_of_trainers(fault) { Role::Trainer } else { Role::Evaluator };
        let left = left(chain, who, role);
        ensure(amount == due || amount < due && left == 0, || {
            format!(
                "slash: {who} is to lose {amount} for {fault:?}, it costs {due}, {left} are left"
            )
        })
    }

    pub(super) fn bond(
        &mut self,
        chain: &mut Chain,
        event: &pallet_participants::Event<Runtime>,
    ) -> Result<(), String> {
        use pallet_participants::Event::*;
        match event {
            Bonded { who, role, .. } | Unbonded { who, role, .. } => {
                self.bonded(chain, who, *role)?;
            }
            // Who gets the other parts, the case says.
            Slashed { who, amount, to_harmed, to_reporter, .. } => {
                self.take(who, *amount)?;
                self.give_treasury(amount - to_harmed - to_reporter);
            }
            Charged { who, role, amount, to } => {
                self.take(who, *amount)?;
                self.give(to, *amount);
                *self.cases.charged.entry((who.clone(), *role)).or_default() += amount;
            }
            _ => {}
        }
        Ok(())
    }

    pub(super) fn case(
        &mut self,
        chain: &mut Chain,
        event: &pallet_disputes::Event<Runtime>,
    ) -> Result<(), String> {
        use pallet_disputes::Event::*;
        match event {
            Opened { case, accused, fault, task, amount, reporter, deadline, .. } => {
                self.taken(chain, *task, accused, *fault, *amount)?;
                ensure(*amount > 0, || format!("case: {case} is about nothing"))?;
                let penalty = self.known(*task)?.penalties.of(*fault);
                let now = self.settings.present.penalties.of(*fault);
                self.settings.saw("by old penalties", penalty.percent != now.percent);
                let (stake, costs) = self.settings.appeal(*amount);
                let known = Known {
                    accused: accused.clone(),
                    reporter: reporter.clone(),
                    fault: *fault,
                    task: *task,
                    amount: *amount,
                    penalty,
                    stake,
                    costs,
                    appealed: false,
                    votes: (0, 0),
                    deadline: *deadline,
                };
                let first = self.cases.open.insert(*case, known).is_none();
                ensure(first, || format!("case: {case} was opened twice"))?;
            }
            Appealed { case, bond, deadline } => {
                let known = self.open(*case)?;
                (known.appealed, known.deadline) = (true, *deadline);
                let stake = known.stake;
                ensure(*bond == stake, || {
                    format!("case: an appeal puts {bond} at stake, and {stake} was to be")
                })?;
            }
            Voted { case, guilty, .. } => {
                let votes = &mut self.open(*case)?.votes;
                *(if *guilty { &mut votes.0 } else { &mut votes.1 }) += 1;
            }
            Executed { case, ruling, amount, to_harmed, to_reporter, bond_lost, .. } => {
                let known = self.concluded(chain, *case, *ruling, *amount)?;
                let stands = match ruling {
                    None | Some(Ruling::Guilty) => true,
                    Some(Ruling::Undecided) => is_shown_by_the_chain(known.fault),
                    Some(Ruling::Freed) => false,
                };
                ensure(stands, || format!("case: {:?} is executed with {ruling:?}", known.fault))?;
                let should = known.parts();
                ensure((*to_harmed, *to_reporter) == should, || {
                    format!("case: {to_harmed} and {to_reporter} of {amount}, not {should:?}")
                })?;
                self.give_harmed(known.task, *to_harmed)?;
                let is_lost = *ruling == Some(Ruling::Guilty);
                let lost = if is_lost { known.stake } else { 0 };
                ensure(*bond_lost == lost, || {
                    format!("case: {bond_lost} of the appeal is lost, it should be {lost}")
                })?;
                self.take(&known.accused, lost)?;
                let costs = known.reporter.as_ref().map_or(0, |_| known.costs.min(lost));
                if let Some(reporter) = &known.reporter {
                    self.give(reporter, to_reporter + costs);
                }
                self.give_treasury(lost - costs);
                let now = self.settings.present.penalties.of(known.fault);
                let parts = |penalty: Penalty| (penalty.to_task, penalty.to_reporter);
                self.settings.saw("by old parts", parts(now) != parts(known.penalty));
                let (stake, _) = self.settings.appeal(*amount);
                self.settings.saw("by old stake", is_lost && stake != known.stake);
            }
            Freed { case, ruling, amount, costs, .. } => {
                let known = self.concluded(chain, *case, *ruling, *amount)?;
                let falls = match ruling {
                    None | Some(Ruling::Guilty) => false,
                    Some(Ruling::Undecided) => !is_shown_by_the_chain(known.fault),
                    Some(Ruling::Freed) => true,
                };
                ensure(falls, || format!("case: {:?} falls with {ruling:?}", known.fault))?;
                let is_owed = *ruling == Some(Ruling::Freed);
                let owed = if is_owed { known.costs } else { 0 };
                self.pay_costs(chain, &known, owed, *costs)?;
                let (_, now) = self.settings.appeal(*amount);
                self.settings.saw("by old costs", is_owed && now != known.costs);
            }
            _ => {}
        }
        Ok(())
    }

    /// The costs of who was freed: from the bonds of the reporter, where it answers for its word, as an evaluator's first, and then from
    /// the treasury, as far as it has them and lives on.
    fn pay_costs(
        &mut self,
        chain: &mut Chain,
        known: &Known,
        owed: Balance,
        paid: Balance,
    ) -> Result<(), String> {
        let mut charged = std::mem::take(&mut self.cases.charged);
        let reporter = known.reporter.as_ref().filter(|_| !is_shown_by_the_chain(known.fault));
        let mut rest = owed;
        for (who, role) in
            reporter.into_iter().flat_map(|who| [(who, Role::Evaluator), (who, Role::Trainer)])
        {
            let part = charged.remove(&(who.clone(), role)).unwrap_or(0);
            let left = left(chain, who, role);
            ensure(part == rest || part < rest && left == 0, || {
                format!("case: a reporter paid {part} of {rest} as {role:?}, and has {left} left")
            })?;
            self.settings.saw("costs of a reporter", part > 0);
            rest -= part;
        }
        ensure(charged.is_empty(), || format!("case: others paid costs: {charged:?}"))?;
        let treasury = configs::TreasuryAccount::get();
        let owns = self.owned.get(&treasury).copied().unwrap_or(0);
        let last = rest.min(owns.saturating_sub(crate::invariants::existential_deposit()));
        self.settings.saw("costs of the treasury", last > 0);
        self.settings.saw("costs beyond the treasury", last < rest);
        let should = owed - rest + last;
        ensure(paid == should, || {
            format!("case: who was freed got {paid} for its costs, {should} were due")
        })?;
        self.give(&known.accused, last);
        self.take(&treasury, last)
    }

    fn open(&mut self, case: CaseId) -> Result<&mut Known, String> {
        self.cases.open.get_mut(&case).ok_or_else(|| format!("case: {case} is not open"))
    }

    /// A case that has ended about all that was at stake, as those who have voted wanted.
    fn concluded(
        &mut self,
        chain: &mut Chain,
        case: CaseId,
        ruling: Option<Ruling>,
        amount: Balance,
    ) -> Result<Known, String> {
        let known = self.cases.open.remove(&case).ok_or("case: one that was never opened")?;
        ensure(known.amount == amount, || {
            format!("case: {amount} are decided on, {} were at stake", known.amount)
        })?;
        let should = known.ruling();
        ensure(ruling == should && known.may_end(chain.number()), || {
            format!("case: it ended with {ruling:?}, by the votes it is {should:?}")
        })?;
        Ok(known)
    }

    /// Accounts of tasks are not followed; of a task that is gone, the sponsor gets its part.
    fn give_harmed(&mut self, task: TaskId, amount: Balance) -> Result<(), String> {
        let known = self.known(task)?;
        if known.reaped {
            self.give(&known.sponsor, amount);
        }
        Ok(())
    }
}
