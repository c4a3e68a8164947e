//! A task with many enrolled accounts, and rounds of it.

mod dispute;

use crate::chain::{Chain, Genesis, account};
use anyhow::{Context, Result, ensure};
use decentralml_protocol::spec::example;
use decentralml_runtime::*;
use decentralml_traits::Draw;
use decentralml_types::{
    Balance, Cid, Codec, CommitteeNumber, Opinion, Opinions, Phase, Role, RoundNumber, TaskId,
    commitment::{ScoresCommitment, UpdateCommitment},
    spec::{Committee, TrainerCount},
};
use sp_io::hashing::sha2_256;

/// Trainers that a round draws.
pub const PLACES: u16 = 8;
/// Seats of a committee, and how many of them settle a round.
const SEATS: u8 = 3;
const QUORUM: u8 = 2;
/// Blocks in which what a round owes can be claimed.
pub const CLAIMING: u32 = 50;
const BOND: Balance = 10 * UNIT;
const SALT: [u8; 32] = [7; 32];

/// Looks at a call before it is made.
pub type See<'a> = dyn FnMut(&mut Chain, &'static str, &AccountId, &RuntimeCall) -> Result<()> + 'a;

/// A task in which as many trainers as evaluators are enrolled.
pub struct Federation {
    pub chain: Chain,
    task: TaskId,
    enrolled: u32,
}

/// A round whose committee is drawn, and who has revealed an update in it.
struct Opened {
    round: RoundNumber,
    trainers: Vec<AccountId>,
}

/// A settled round, and who had a part in it.
pub struct Played {
    pub round: RoundNumber,
    trainers: Vec<AccountId>,
    seats: Vec<AccountId>,
    committee: CommitteeNumber,
}

impl Federation {
    /// A task in its first round, whose draw is known. Everybody has bonded and enrolled by calls of its own.
    ///
    /// # Errors
    ///
    /// Fewer are enrolled than a round draws.
    pub fn new(enrolled: u32) -> Result<Self> {
        ensure!(enrolled >= PLACES.into(), "a round draws {PLACES} trainers: enroll as many");
        let ordinary = (0..2 * enrolled).chain([Self::newcomer(enrolled)]);
        let accounts = ordinary.map(|who| (account(who), 100 * UNIT));
        let accounts = accounts.chain([(Self::sponsor(enrolled), 1_000_000 * UNIT)]);
        let council = Self::council(enrolled);
        let accounts = accounts.chain(council.iter().map(|who| (who.clone(), UNIT))).collect();
        let chain = Chain::new(Genesis { accounts, council, ..Genesis::default() });
        let mut this = Self { chain, task: 0, enrolled };

        let mut spec = example();
        spec.target = None;
        spec.trainers = TrainerCount { min: 3, max: PLACES };
        spec.committee = Committee { seats: SEATS, quorum: QUORUM };
        spec.deadlines.training = 1_000;
        spec.deadlines.claiming = CLAIMING;
        this.task = this.chain.read(pallet_tasks::NextTask::<Runtime>::get);
        let sponsor = Self::sponsor(enrolled);
        this.chain.dispatch(&sponsor, pallet_tasks::Call::create { spec: Box::new(spec) })?;
        // The first seats make the task complete, and it begins: all trainers must be in by then.
        for (role, first) in [(Role::Trainer, 0), (Role::Evaluator, enrolled)] {
            for number in first..first + enrolled {
                for call in this.join(role) {
                    this.chain.dispatch(&account(number), call)?;
                }
                // Millions of events are no part of any state that is measured. To forget them takes a look at everything that is
                // not in the tree yet, so seldom, and with little that is not.
                if number % 1_000 == 0 {
                    this.chain.forget_events()?;
                }
            }
        }
        this.draw();
        ensure!(this.round()?.1.phase == Phase::Training, "the first round has not begun");
        Ok(this)
    }

    fn sponsor(enrolled: u32) -> AccountId {
        account(2 * enrolled)
    }

    const fn newcomer(enrolled: u32) -> u32 {
        2 * enrolled + 1
    }

    fn council(enrolled: u32) -> Vec<AccountId> {
        let first = Self::newcomer(enrolled) + 1;
        (first..first + 3).map(account).collect()
    }

    fn join(&self, role: Role) -> [RuntimeCall; 2] {
        [
            pallet_participants::Call::bond { role, amount: BOND }.into(),
            pallet_assignments::Call::enroll { task: self.task, role, weight: 1 }.into(),
        ]
    }

    /// Two blocks, after which the draw that was opened before them is known.
    fn draw(&mut self) {
        self.chain.next_block();
        self.chain.next_block();
    }

    fn round(&mut self) -> Result<(RoundNumber, pallet_tasks::Round)> {
        let task = self.task;
        self.chain
            .read(|| {
                let number = pallet_tasks::Tasks::<Runtime>::get(task)?.current?;
                Some((number, pallet_tasks::Rounds::<Runtime>::get(task, number)?))
            })
            .context("the task has no round")
    }

    fn drawn(&mut self, round: RoundNumber, draw: Draw) -> Vec<AccountId> {
        let task = self.task;
        let first = match draw.role() {
            Role::Trainer => 0,
            // Nothing is drawn from validators.
            Role::Evaluator | Role::Validator => self.enrolled,
        };
        let everybody = (first..first + self.enrolled).map(account);
        let is_drawn = |who: &AccountId| Assignments::place_in(task, round, draw, who).is_ok();
        self.chain.read(|| everybody.filter(is_drawn).collect())
    }

    /// Shows how somebody bonds and enrolls, and how the owner of a slot in the middle leaves. Nobody does in the end.
    ///
    /// # Errors
    ///
    /// What is shown fails.
    pub fn join_and_leave(&mut self, see: &mut See<'_>) -> Result<()> {
        let (task, role) = (self.task, Role::Trainer);
        let who = account(Self::newcomer(self.enrolled));
        let [bond, enroll] = self.join(role);
        see(&mut self.chain, "participants.bond", &who, &bond)?;
        self.chain.dispatch(&who, bond)?;
        see(&mut self.chain, "assignments.enroll", &who, &enroll)?;
        let leave = pallet_assignments::Call::leave { task, role }.into();
        see(&mut self.chain, "assignments.leave", &account(0), &leave)
    }

    /// One call of each account. The first and the last are shown; the last mostly ends the phase.
    fn all(
        &mut self,
        [first, last]: [&'static str; 2],
        calls: Vec<(AccountId, RuntimeCall)>,
        see: &mut See<'_>,
    ) -> Result<()> {
        let end = calls.len().saturating_sub(1);
        for (index, (who, call)) in calls.into_iter().enumerate() {
            if index == 0 || index == end {
                see(&mut self.chain, if index == 0 { first } else { last }, &who, &call)?;
            }
            self.chain.dispatch(&who, call)?;
        }
        Ok(())
    }

    /// Plays the round to its end, and beyond it until the next one's draw is known: everybody who is drawn does its part, and
    /// every seat attests.
    ///
    /// # Errors
    ///
    /// A call fails, or the round does not settle.
    pub fn play(&mut self, see: &mut See<'_>) -> Result<Played> {
        let opened = self.train(see)?;
        self.judge(opened, see)
    }

    fn genesis(&mut self) -> [u8; 32] {
        self.chain.read(|| System::block_hash(0)).into()
    }

    /// Plays the round until its committee is known.
    fn train(&mut self, see: &mut See<'_>) -> Result<Opened> {
        let task = self.task;
        let (round, row) = self.round()?;
        let genesis = self.genesis();
        let trainers = self.drawn(round, Draw::Trainers);
        let (cid, plain_hash, samples, salt) = (cid(round), None, 100, SALT);
        let commit = |account: &AccountId| {
            let base = row.base;
            let update = UpdateCommitment {
                genesis,
                task,
                round,
                account,
                base,
                cid,
                plain_hash,
                samples,
                salt,
            };
            pallet_results::Call::commit { task, round, hash: update.hash() }.into()
        };
        self.all(["results.commit", "results.commit, the last"], each(&commit, &trainers), see)?;
        let reveal = |_: &AccountId| {
            pallet_results::Call::reveal { task, round, cid, plain_hash, samples, salt }.into()
        };
        self.all(["results.reveal", "results.reveal, the last"], each(&reveal, &trainers), see)?;

        self.draw();
        Ok(Opened { round, trainers })
    }

    /// Plays the rest of it.
    fn judge(&mut self, opened: Opened, see: &mut See<'_>) -> Result<Played> {
        let (task, genesis) = (self.task, self.genesis());
        let Opened { round, trainers } = opened;
        let (cid, salt) = (cid(round), SALT);
        let committee = self.round()?.1.committee;
        let seats = self.drawn(round, Draw::Committee(committee));
        let scores = (0..trainers.len() as i64).map(|index| Opinion::Score(1_000 + index));
        let opinions = &Opinions::truncate_from(scores.collect());
        let commit = |account: &AccountId| {
            let scores =
                ScoresCommitment { genesis, task, round, committee, account, opinions, salt };
            let hash = scores.hash();
            pallet_validation::Call::commit_scores { task, round, committee, hash }.into()
        };
        let names = ["validation.commit_scores", "validation.commit_scores, the last"];
        self.all(names, each(&commit, &seats), see)?;
        let open = |_: &AccountId| {
            let opinions = opinions.clone();
            pallet_validation::Call::open_scores { task, round, opinions, salt }.into()
        };
        let names = ["validation.open_scores", "validation.open_scores, the last"];
        self.all(names, each(&open, &seats), see)?;
        self.advance("tasks.advance, which tallies", see)?;
        ensure!(self.round()?.1.phase == Phase::Aggregating, "the scores are not counted");

        let attest = |_: &AccountId| {
            pallet_validation::Call::attest { task, round, cid, metric: 900_000, state: None }
                .into()
        };
        let mut calls = each(&attest, &seats);
        let late = calls.split_off(QUORUM.into());
        self.all(["validation.attest", "validation.attest, which settles"], calls, see)?;
        for (who, call) in late {
            self.chain.dispatch(&who, call)?;
        }
        ensure!(self.round()?.0 == round + 1, "the round has not settled");
        self.draw();
        Ok(Played { round, trainers, seats, committee })
    }

    fn advance(&mut self, name: &'static str, see: &mut See<'_>) -> Result<()> {
        let who = Self::sponsor(self.enrolled);
        let call = pallet_tasks::Call::advance { task: self.task }.into();
        see(&mut self.chain, name, &who, &call)?;
        self.chain.dispatch(&who, call).map(drop)
    }

    /// Settles all rows of a round, by the sponsor's calls.
    ///
    /// # Errors
    ///
    /// A row cannot be settled yet.
    pub fn claim(&mut self, played: &Played, see: &mut See<'_>) -> Result<()> {
        let Played { round, committee, .. } = *played;
        let (task, sponsor) = (self.task, Self::sponsor(self.enrolled));
        let trainers = played.trainers.iter().cloned().map(|account| {
            let claim = pallet_validation::Call::claim { task, round, account };
            (sponsor.clone(), claim.into())
        });
        let names = ["validation.claim", "validation.claim, the last"];
        self.all(names, trainers.collect(), see)?;
        let seats = played.seats.iter().cloned().map(|account| {
            let claim = pallet_validation::Call::claim_seat { task, round, committee, account };
            (sponsor.clone(), claim.into())
        });
        let names = ["validation.claim_seat", "validation.claim_seat, the last"];
        self.all(names, seats.collect(), see)
    }

    /// Lets a round fail: nobody commits until its deadline, then somebody says so. The next round's draw is known afterwards.
    ///
    /// # Errors
    ///
    /// It is not void.
    pub fn fail(&mut self) -> Result<()> {
        let (number, row) = self.round()?;
        let now = self.chain.number();
        self.chain.skip(row.deadline.saturating_sub(now));
        self.advance("tasks.advance", &mut |_, _, _, _| Ok(()))?;
        ensure!(self.round()?.0 == number + 1, "the round is not void");
        self.draw();
        Ok(())
    }
}

fn each(
    of: &dyn Fn(&AccountId) -> RuntimeCall,
    who: &[AccountId],
) -> Vec<(AccountId, RuntimeCall)> {
    who.iter().map(|who| (who.clone(), of(who))).collect()
}

/// What a round's trainers and seats hand in: whether it is another's, nothing in here looks at.
fn bytes(round: RoundNumber) -> [u8; 4] {
    round.to_le_bytes()
}

fn cid(round: RoundNumber) -> Cid {
    Cid { codec: Codec::Raw, digest: sha2_256(&bytes(round)) }
}
