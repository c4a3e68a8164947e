//! The chain of a run: its accounts, its task, and what everybody calls in each phase.

use anyhow::{Context, Result, anyhow, ensure};
use decentralml_chain::{Chain, Genesis, account, invariants::total};
use decentralml_learning::{ModelSpec, Weights};
use decentralml_runtime::*;
use decentralml_traits::Draw;
use decentralml_types::{
    Balance, Cid, CommitteeNumber, Hash, NextModel, Opinions, Outcome, Phase, Ppm, Role,
    RoundNumber, Salt, Seed, TaskId, TaskSpec, TaskStatus,
    commitment::{ScoresCommitment, UpdateCommitment},
    spec,
};
use frame_support::traits::GetCallMetadata;
use pallet_participants::Members;
use pallet_tasks::{Round, Rounds, Tasks};
use pallet_validation::Verdict;

use crate::{
    Rows, Scale,
    task::{BOND, Store, specification},
    trainers::Sent,
};

/// It pays for nothing but its own fees, and pushes rounds on.
const KEEPER: u32 = 1;
const SPONSOR: u32 = 0;
const SALT: Salt = [7; 32];
/// A revealed update as a seat finds it on the chain.
pub(crate) struct Revealed {
    pub(crate) trainer: usize,
    /// Its commitment's number in the round.
    pub(crate) committed: u32,
    pub(crate) cid: Cid,
    pub(crate) samples: u32,
}

/// What settling a row has changed for its owner.
pub(crate) struct Settled {
    /// What became of the update; `None` for seats, and where nobody judged it.
    pub(crate) outcome: Option<Outcome>,
    pub(crate) paid: Balance,
    pub(crate) slashed: Balance,
}

/// A chain with one task.
pub(crate) struct World {
    pub(crate) chain: Chain,
    pub(crate) store: Store,
    pub(crate) model: ModelSpec,
    pub(crate) spec: TaskSpec,
    pub(crate) trainers: Vec<AccountId>,
    pub(crate) seats: Vec<AccountId>,
    task: TaskId,
    genesis: Hash,
    keeper: AccountId,
    /// All money there is, in planck.
    issued: Balance,
}

impl World {
    /// A task in its first round, with everybody enrolled.
    pub(crate) fn new(scale: &Scale, rows: &Rows) -> Result<Self> {
        let trainers: Vec<AccountId> =
            (0..u32::from(scale.trainers)).map(|who| account(100 + who)).collect();
        let seats: Vec<AccountId> =
            (0..u32::from(scale.seats)).map(|who| account(1_000 + who)).collect();
        let (sponsor, keeper) = (account(SPONSOR), account(KEEPER));
        let others = [&sponsor, &keeper].into_iter().chain(&trainers).chain(&seats);
        let accounts = others.map(|who| (who.clone(), 100_000 * UNIT)).collect();
        let chain = Chain::new(Genesis { accounts, seed: scale.seed, ..Genesis::default() });
        let mut store = Store::default();
        let model = ModelSpec::mlp(
            u32::try_from(rows.training.columns())?,
            &[scale.hidden],
            u32::try_from(rows.training.classes())?,
        );
        let spec = specification(scale, rows, &model, &mut store)?;
        let (trainers, seats) = (trainers.clone(), seats.clone());
        let mut world = Self {
            chain,
            store,
            model,
            spec,
            trainers,
            seats,
            task: 0,
            genesis: Hash::default(),
            keeper,
            issued: 0,
        };
        world.genesis = world.chain.read(|| System::block_hash(0)).into();
        world.issued = world.chain.read(Balances::total_issuance);
        world.task = world.chain.read(pallet_tasks::NextTask::<Runtime>::get);
        let spec = Box::new(world.spec.clone());
        world.act(&sponsor, pallet_tasks::Call::create { spec })?;
        world.join()?;
        Ok(world)
    }

    fn join(&mut self) -> Result<()> {
        let task = self.task;
        let seats = self.seats.clone().into_iter().map(|who| (who, Role::Evaluator));
        let trainers = self.trainers.clone().into_iter().map(|who| (who, Role::Trainer));
        for (who, role) in seats.chain(trainers) {
            // Enough for a slash in every attempt, so that who is slashed can go on.
            let amount = BOND * Balance::from(self.spec.attempts() + 1);
            self.act(&who, pallet_participants::Call::bond { role, amount })?;
            self.act(&who, pallet_assignments::Call::enroll { task, role, weight: 1 })?;
        }
        Ok(())
    }

    /// A transaction that has to succeed.
    pub(crate) fn act(&mut self, who: &AccountId, call: impl Into<RuntimeCall>) -> Result<()> {
        let call = call.into();
        let of = call.get_call_metadata();
        let title = format!("{}.{}", of.pallet_name, of.function_name);
        let outcome = self.chain.submit(who, call);
        let outcome = outcome.map_err(|refused| anyhow!("{title} is refused: {refused:?}"))?;
        outcome.result.map_err(|error| anyhow!("{title} fails: {error:?}"))
    }

    /// The live round; `None` once the task goes on no more.
    pub(crate) fn live(&mut self) -> Option<(RoundNumber, Round)> {
        let task = self.task;
        self.chain.read(|| {
            let row = Tasks::<Runtime>::get(task)?;
            let number = row.current.filter(|_| row.status == TaskStatus::Running)?;
            let round = Rounds::<Runtime>::get(task, number)?;
            (!round.phase.is_final()).then_some((number, round))
        })
    }

    /// Rounds that gave a model.
    pub(crate) fn settled_rounds(&mut self) -> u32 {
        let task = self.task;
        self.chain.read(|| Tasks::<Runtime>::get(task)).map_or(0, |row| row.settled_rounds)
    }

    /// The model that the next round starts from.
    pub(crate) fn latest(&mut self) -> Result<Weights> {
        let task = self.task;
        let row = self.chain.read(|| Tasks::<Runtime>::get(task)).context("the task is gone")?;
        self.weights(row.model.map(|(_, cid)| cid))
    }

    /// The weights that a round starts from.
    pub(crate) fn weights(&self, base: Option<Cid>) -> Result<Weights> {
        match (base, &self.spec.initial) {
            (Some(cid), _) => Ok(Weights::from_bytes(self.store.get(&cid)?, &self.model)?),
            (None, spec::InitialModel::Seed(seed)) => Ok(Weights::init(&self.model, *seed)),
            (None, _) => Err(anyhow!("the round has no model to start from")),
        }
    }

    /// The two blocks until the seed of a draw is known.
    pub(crate) fn wait_for_draw(&mut self) {
        self.chain.next_block();
        self.chain.next_block();
    }

    /// Ends a phase in which somebody did not act: at its deadline.
    pub(crate) fn end_phase(&mut self, round: &Round) -> Result<()> {
        let now = self.chain.number();
        self.chain.skip(round.deadline.saturating_sub(now));
        self.advance()
    }

    /// Pushes the round on.
    pub(crate) fn advance(&mut self) -> Result<()> {
        let (keeper, task) = (self.keeper.clone(), self.task);
        self.act(&keeper, pallet_tasks::Call::advance { task })
    }

    /// A trainer commits to an update.
    pub(crate) fn commit(
        &mut self,
        trainer: usize,
        number: RoundNumber,
        round: &Round,
        sent: &Sent,
    ) -> Result<()> {
        let (genesis, task) = (self.genesis, self.task);
        let who = named(&self.trainers, trainer)?;
        let hash = UpdateCommitment {
            genesis,
            task,
            round: number,
            account: &who,
            base: round.base,
            cid: sent.cid,
            plain_hash: None,
            samples: sent.samples,
            salt: SALT,
        }
        .hash();
        self.act(&who, pallet_results::Call::commit { task, round: number, hash })
    }

    /// A trainer reveals what it has committed to.
    pub(crate) fn reveal(&mut self, trainer: usize, round: RoundNumber, sent: &Sent) -> Result<()> {
        let who = named(&self.trainers, trainer)?;
        let reveal = pallet_results::Call::reveal {
            task: self.task,
            round,
            cid: sent.cid,
            plain_hash: None,
            samples: sent.samples,
            salt: SALT,
        };
        self.act(&who, reveal)
    }

    /// The revealed updates, in their order.
    pub(crate) fn reveals(&mut self, round: RoundNumber) -> Result<Vec<Revealed>> {
        let task = self.task;
        let accounts = self.chain.read(|| {
            (0..)
                .map_while(|index| pallet_results::Reveals::<Runtime>::get((task, round, index)))
                .collect::<Vec<_>>()
        });
        let row = |who: AccountId| {
            let key = (task, round, who.clone());
            let row = self.chain.read(|| pallet_results::Commitments::<Runtime>::get(key));
            let row = row.context("a reveal without its row")?;
            let (_, update) = row.revealed.context("a reveal without its update")?;
            let trainer = self.trainers.iter().position(|other| *other == who);
            let trainer = trainer.context("a reveal of a stranger")?;
            let committed = row.number;
            Ok(Revealed { trainer, committed, cid: update.cid, samples: update.samples })
        };
        accounts.into_iter().map(row).collect()
    }

    /// The seed of a committee's draw.
    pub(crate) fn seed(&mut self, round: RoundNumber, committee: CommitteeNumber) -> Result<Seed> {
        let task = self.task;
        let seed = self.chain.read(|| {
            let open = pallet_assignments::Draws::<Runtime>::get((
                task,
                round,
                Draw::Committee(committee),
            ))?;
            pallet_assignments::Seeds::<Runtime>::get(open.seed_block)?.seed
        });
        seed.context("the committee's draw has no seed yet")
    }

    /// What a seat has committed to.
    pub(crate) fn committed(
        &mut self,
        seat: usize,
        round: RoundNumber,
        committee: CommitteeNumber,
    ) -> Result<Option<Hash>> {
        let key = (self.task, round, committee, named(&self.seats, seat)?);
        let row = self.chain.read(|| pallet_validation::Seats::<Runtime>::get(key));
        Ok(row.map(|row| row.commitment))
    }

    /// A seat commits to opinions.
    pub(crate) fn commit_scores(
        &mut self,
        seat: usize,
        round: RoundNumber,
        committee: CommitteeNumber,
        opinions: &Opinions,
    ) -> Result<()> {
        let account = &named(&self.seats, seat)?;
        let (genesis, task, salt) = (self.genesis, self.task, SALT);
        let commitment =
            ScoresCommitment { genesis, task, round, committee, account, opinions, salt };
        self.commit_hash(seat, round, committee, commitment.hash())
    }

    /// A seat commits to a hash, whatever is behind it.
    pub(crate) fn commit_hash(
        &mut self,
        seat: usize,
        round: RoundNumber,
        committee: CommitteeNumber,
        hash: Hash,
    ) -> Result<()> {
        let (who, task) = (named(&self.seats, seat)?, self.task);
        self.act(&who, pallet_validation::Call::commit_scores { task, round, committee, hash })
    }

    /// A seat opens its opinions.
    pub(crate) fn open(
        &mut self,
        seat: usize,
        round: RoundNumber,
        opinions: Opinions,
    ) -> Result<()> {
        let (who, task) = (named(&self.seats, seat)?, self.task);
        self.act(&who, pallet_validation::Call::open_scores { task, round, opinions, salt: SALT })
    }

    /// A seat attests the next model.
    pub(crate) fn attest(
        &mut self,
        seat: usize,
        round: RoundNumber,
        next: NextModel,
        metric: Ppm,
    ) -> Result<()> {
        let (who, task) = (named(&self.seats, seat)?, self.task);
        let NextModel { cid, state } = next;
        self.act(&who, pallet_validation::Call::attest { task, round, cid, metric, state })
    }

    /// What a committee found of a trainer's update, and what became of it.
    pub(crate) fn verdict(
        &mut self,
        trainer: usize,
        round: RoundNumber,
    ) -> Result<Option<Verdict>> {
        let key = (self.task, round, named(&self.trainers, trainer)?);
        Ok(self.chain.read(|| pallet_validation::Verdicts::<Runtime>::get(key)))
    }

    /// What became of a trainer's update.
    pub(crate) fn outcome(
        &mut self,
        trainer: usize,
        round: RoundNumber,
    ) -> Result<Option<Outcome>> {
        Ok(self.verdict(trainer, round)?.and_then(|row| row.outcome))
    }

    /// Settles a trainer's row, if it has one.
    pub(crate) fn claim(&mut self, trainer: usize, round: RoundNumber) -> Result<Option<Settled>> {
        let (who, task) = (named(&self.trainers, trainer)?, self.task);
        let key = (task, round, who.clone());
        if !self.chain.read(|| pallet_results::Commitments::<Runtime>::contains_key(key)) {
            return Ok(None);
        }
        let outcome = self.outcome(trainer, round)?;
        let claim = pallet_validation::Call::claim { task, round, account: who.clone() };
        self.settle(&who, Role::Trainer, outcome, claim).map(Some)
    }

    /// Settles a seat's row, if it has one.
    pub(crate) fn claim_seat(
        &mut self,
        seat: usize,
        round: RoundNumber,
        committee: CommitteeNumber,
    ) -> Result<Option<Settled>> {
        if self.committed(seat, round, committee)?.is_none() {
            return Ok(None);
        }
        let (who, task) = (named(&self.seats, seat)?, self.task);
        let account = who.clone();
        let claim = pallet_validation::Call::claim_seat { task, round, committee, account };
        self.settle(&who, Role::Evaluator, None, claim).map(Some)
    }

    fn settle(
        &mut self,
        who: &AccountId,
        role: Role,
        outcome: Option<Outcome>,
        claim: impl Into<RuntimeCall>,
    ) -> Result<Settled> {
        let (bond, rest) = self.owns(who, role);
        let keeper = self.keeper.clone();
        self.act(&keeper, claim)?;
        let (bond_after, rest_after) = self.owns(who, role);
        let paid = rest_after.checked_sub(rest).context("a claim costs who is paid")?;
        let slashed = bond.checked_sub(bond_after).context("a claim raises a bond")?;
        Ok(Settled { outcome, paid, slashed })
    }

    /// The bond of an account, and all else that it owns but for what was seized of that bond.
    fn owns(&mut self, who: &AccountId, role: Role) -> (Balance, Balance) {
        self.chain.read(|| {
            let row = Members::<Runtime>::get(role, who);
            let (bond, seized) = row.map_or((0, 0), |row| (row.bond, row.disputed));
            (bond, total(who).saturating_sub(bond).saturating_sub(seized))
        })
    }

    /// Every invariant of the runtime, and that no money came or went.
    pub(crate) fn check(&mut self) -> Result<()> {
        self.chain.check().map_err(|why| anyhow!(why))?;
        let (issued, now) = (self.issued, self.chain.read(Balances::total_issuance));
        ensure!(issued == now, "{issued} planck were issued, {now} are left");
        Ok(())
    }

    /// Whether the phase is over that a round was in.
    pub(crate) fn has_moved(&mut self, number: RoundNumber, round: &Round) -> bool {
        let before = (number, round.phase, round.committee);
        self.live().is_none_or(|(number, round)| (number, round.phase, round.committee) != before)
    }

    /// Whether a round has ended with a model.
    pub(crate) fn is_settled(&mut self, number: RoundNumber) -> bool {
        let task = self.task;
        let round = self.chain.read(|| Rounds::<Runtime>::get(task, number));
        round.is_some_and(|round| round.phase == Phase::Settled)
    }
}

fn named(accounts: &[AccountId], number: usize) -> Result<AccountId> {
    accounts.get(number).cloned().with_context(|| format!("there is no account {number}"))
}
