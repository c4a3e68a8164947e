//! What a step means where the chain stands now.

use super::step::{Amount, Leap, Step, Which, Who};
use super::{coverage::Coverage, ledger::Ledger};
use crate::chain::{Chain, Genesis, account};
use calls::{part, spec, wild};
use decentralml_runtime::*;
use decentralml_types::{
    Balance, CommitteeNumber, Opinion, Opinions, Role, RoundNumber, Salt, TaskId,
};
use frame_support::traits::GetCallMetadata;
use golds::Announced;
use pallet_tasks::{Round, Rounds, Tasks};
use play::Play;
use std::collections::BTreeMap;

mod calls;
mod council;
mod disputes;
mod golds;
mod play;
mod settings;
mod tokens;

/// Accounts that take part.
pub const ACCOUNTS: u8 = 12;
/// It pays fees for others, and never takes part.
pub const KEEPER: Who = 200;
/// Assets that tasks may pay in.
pub const TOKENS: u8 = 2;
/// Issues them, and never takes part.
pub const ISSUER: Who = 203;
/// The council.
pub const COUNCIL: [Who; 3] = [KEEPER, 201, 202];
/// The longest jump to a deadline.
const FAR: u32 = 3_000;

const SALT: [u8; 32] = [7; 32];

pub fn name(who: Who) -> AccountId {
    account(who.into())
}

/// A chain and what its participants remember.
pub struct World {
    pub chain: Chain,
    pub coverage: Coverage,
    pub ledger: Ledger,
    /// What each call came to, where somebody wants to read it.
    pub log: Option<Vec<String>>,
    /// What honest seats find of an update other than a score.
    bad: BTreeMap<(TaskId, RoundNumber, Who), Opinion>,
    /// What a seat has committed to.
    sheets: BTreeMap<(TaskId, RoundNumber, CommitteeNumber, Who), Opinions>,
    /// What sponsors have announced and not shown.
    golds: Vec<Announced>,
    /// With what trainers have salted their commitments, where not with [`SALT`].
    salts: BTreeMap<(TaskId, RoundNumber, Who), Salt>,
}

impl World {
    pub fn new(seed: u64, log: bool) -> Self {
        let rich = |who| (name(who), 100_000 * UNIT);
        // One account is poor, and one does not exist yet.
        let accounts = (0..ACCOUNTS - 2).map(|who| (name(who), 5_000 * UNIT));
        let accounts: Vec<_> = accounts
            .chain([(name(ACCOUNTS - 2), 3 * UNIT)])
            .chain(COUNCIL.map(rich))
            .chain([rich(ISSUER)])
            .collect();
        let council = COUNCIL.map(name).to_vec();
        // Nobody knows what the issuer will do.
        let owners: Vec<_> = (0..ACCOUNTS - 2).map(|who| (name(who), 1_000 * UNIT)).collect();
        let tokens = vec![(name(ISSUER), owners); usize::from(TOKENS)];
        let mut chain = Chain::new(Genesis { accounts, council, tokens, seed });
        let everybody: Vec<_> = (0..ACCOUNTS).chain(COUNCIL).chain([ISSUER]).map(name).collect();
        let ledger = Ledger::new(&mut chain, &everybody);
        let coverage = Coverage { chains: 1, ..Coverage::default() };
        World {
            chain,
            coverage,
            ledger,
            log: log.then(Vec::new),
            bad: BTreeMap::new(),
            sheets: BTreeMap::new(),
            golds: Vec::new(),
            salts: BTreeMap::new(),
        }
    }

    /// A call of somebody's, and everything that has to hold after it. True where it succeeded.
    pub fn call(&mut self, who: Who, call: impl Into<RuntimeCall>) -> Result<bool, String> {
        let call = call.into();
        let of = call.get_call_metadata();
        let title = format!("{}.{}", of.pallet_name, of.function_name);
        let outcome = self.chain.submit(&name(who), call.clone());
        if let Some(log) = &mut self.log {
            let text = match &outcome {
                Ok(outcome) => format!("{:?}, fee {}", outcome.result, outcome.fee),
                Err(refused) => format!("refused: {refused:?}"),
            };
            log.push(format!("  {who:>3} {title}: {text}"));
        }
        let outcome = outcome.ok();
        self.coverage.call(&title, outcome.as_ref());
        if let Some(outcome) = &outcome {
            self.ledger
                .note(&mut self.chain, &call, outcome)
                .map_err(|why| format!("{why} (after {title})"))?;
            self.ledger.seen().into_iter().for_each(|what| self.coverage.happened(what));
        }
        self.check().map_err(|why| format!("{why} (after {title})"))?;
        Ok(outcome.is_some_and(|outcome| outcome.result.is_ok()))
    }

    pub fn check(&mut self) -> Result<(), String> {
        self.chain.check()?;
        self.ledger.compare(&mut self.chain)
    }

    /// So many blocks, of which the first two are made one by one, as draws wait for them.
    pub fn blocks(&mut self, count: u32) -> Result<(), String> {
        for _ in 0..count.min(2) {
            self.block(1)?;
        }
        if count > 2 {
            self.block(count - 2)?;
        }
        Ok(())
    }

    fn block(&mut self, skip: u32) -> Result<(), String> {
        self.chain.skip(skip);
        self.coverage.blocks += 1;
        self.coverage.operations += 1;
        self.check().map_err(|why| format!("{why} (after a block)"))
    }

    pub fn step(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Create { who, shape } => {
                let spec = Box::new(spec(shape));
                self.call(*who, pallet_tasks::Call::create { spec })?;
            }
            Step::Join { from, trainers, evaluators, task } => {
                self.join(*from, *trainers, *evaluators, *task)?;
            }
            Step::Everybody { task, absent, deviant, way } => {
                self.everybody(*task, *absent, *deviant, *way)?;
            }
            Step::Act { who, task, way } => {
                let task = self.task(*task);
                self.act(*who, task, *way)?;
            }
            Step::Round { task, from, absent, deviant, way } => {
                let (from, absent, deviant, way) = (*from, *absent, *deviant, *way);
                self.round(*task, Play { from, absent, deviant, way, until: None })?;
            }
            Step::CancelIn { task, phase } => {
                self.round(*task, Play::honest(Some(*phase)))?;
                self.cancel(None, *task)?;
            }
            Step::Desert { task } => self.desert(*task)?,
            Step::Cancel { who, task } => self.cancel(*who, *task)?,
            Step::Stray { from, task, amount } => {
                let task = self.task(*task);
                // What is sent to the account of no task is its sender's loss.
                if self.chain.read(|| Tasks::<Runtime>::contains_key(task)) {
                    let value = self.worth(*amount, name(*from));
                    let dest = decentralml_runtime::Tasks::account_of(task).into();
                    self.call(*from, pallet_balances::Call::transfer_keep_alive { dest, value })?;
                }
            }
            Step::Advance { who, task } => {
                let task = self.task(*task);
                self.call(*who, pallet_tasks::Call::advance { task })?;
            }
            Step::Blocks { count } => self.blocks((*count).into())?,
            Step::Due { who, task } => self.due(*who, *task)?,
            Step::Leap { blocks } => self.blocks(match blocks {
                Leap::Hundreds(hundreds) => 100 * u32::from(*hundreds),
                Leap::Unbonding => <Runtime as pallet_participants::Config>::UnbondingPeriod::get(),
                Leap::Candidates => 432_000,
            })?,
            Step::Settle { by, task, round } => {
                let task = self.task(*task);
                let round = self.number(task, *round);
                self.settle(*by, task, round)?;
            }
            Step::Batch { who, task, round } => {
                let task = self.task(*task);
                let round = self.number(task, *round);
                let mut calls: Vec<RuntimeCall> = vec![pallet_tasks::Call::advance { task }.into()];
                calls.extend((0..3).map(|who| {
                    pallet_validation::Call::claim { task, round, account: name(who) }.into()
                }));
                self.call(*who, pallet_utility::Call::batch { calls })?;
            }
            Step::Release { task, version, recall } => {
                let task = self.task(*task);
                self.vote(task, u32::from(*version) + 1, *recall)?;
            }
            Step::Issuer { token, power, who } => self.issuer(*token, *power, *who)?,
            Step::Withhold { task, burn } => self.withhold(*task, *burn)?,
            Step::Judge { case, votes } => self.judge(*case, None, *votes)?,
            Step::Govern { setting } => self.govern(*setting)?,
            Step::Amend { case, setting, votes } => self.judge(*case, Some(*setting), *votes)?,
            Step::ChallengeIn { by, task, phase, who, path, then } => {
                self.challenge_in(*by, *task, *phase, (*who, path), *then)?;
            }
            Step::Challenge { by, task, who, path } => {
                let task = self.task(*task);
                self.challenge(*by, task, *who, path)?;
            }
            Step::Answer { by, challenge, right } => self.answer(*by, *challenge, *right)?,
            Step::EndChallenge { by, challenge, due } => {
                self.end_challenge(*by, *challenge, *due)?;
            }
            Step::Golden { by, task, liars, then } => self.golden(*by, *task, *liars, *then)?,
            Step::Announce { task, who, label } => self.announce(*task, *who, *label)?,
            Step::ShowGolds { task, round, right } => {
                let task = self.task(*task);
                let round = self.number(task, *round);
                self.show_golds(task, round, *right)?;
            }
            Step::Wild { who, pallet, call, bytes } => {
                if let Some(call) = wild(*pallet, *call, bytes) {
                    self.call(*who, call)?;
                }
            }
            other => {
                let (who, call) = self.single(other);
                self.call(who, call)?;
            }
        }
        Ok(())
    }

    fn cancel(&mut self, who: Option<Who>, which: Which) -> Result<(), String> {
        let task = self.task(which);
        let phase = self.current(task).map(|(_, round)| round.phase);
        let who = who.unwrap_or_else(|| self.sponsor(task));
        let done = self.call(who, pallet_tasks::Call::cancel { task })?;
        if let Some(phase) = phase.filter(|phase| done && !phase.is_final()) {
            self.coverage.happened(&format!("cancelled in {phase:?}"));
        }
        Ok(())
    }

    /// The task that is so many before the latest.
    pub fn task(&mut self, which: Which) -> TaskId {
        let next = self.chain.read(pallet_tasks::NextTask::<Runtime>::get);
        next.saturating_sub(1).saturating_sub(which.into())
    }

    /// A round of a task: 0 is the current one, others count from the first.
    fn number(&mut self, task: TaskId, round: u8) -> RoundNumber {
        match round {
            0 => self.current(task).map_or(1, |(number, _)| number),
            round => round.into(),
        }
    }

    pub fn current(&mut self, task: TaskId) -> Option<(RoundNumber, Round)> {
        self.chain.read(|| {
            let number = Tasks::<Runtime>::get(task)?.current?;
            Some((number, Rounds::<Runtime>::get(task, number)?))
        })
    }

    pub fn sponsor(&mut self, task: TaskId) -> Who {
        let sponsor = self.chain.read(|| Tasks::<Runtime>::get(task)).map(|task| task.sponsor);
        (0..ACCOUNTS).find(|who| sponsor == Some(name(*who))).unwrap_or(0)
    }

    pub fn bond(&mut self, who: Who, role: Role) -> Balance {
        let member =
            self.chain.read(|| pallet_participants::Members::<Runtime>::get(role, name(who)));
        member.map_or(0, |member| member.bond)
    }

    fn worth(&mut self, amount: Amount, who: AccountId) -> Balance {
        part(amount, self.chain.read(|| System::account(who).data.free))
    }
}
