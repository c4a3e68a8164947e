//! How people take part in a round.

use super::{ACCOUNTS, FAR, KEEPER, SALT, World, name};
use crate::fuzz::step::{Way, Which, Who};
use codec::Encode;
use decentralml_protocol::dag::sample;
use decentralml_runtime::*;
use decentralml_types::{
    Cid, Codec, CommitteeNumber, Opinion, Opinions, Phase, Role, RoundNumber, TaskId,
    commitment::{ScoresCommitment, UpdateCommitment},
};
use pallet_tasks::{Round, Tasks};

/// How a round goes: honestly before phase `from`, and from it on otherwise; not beyond phase `until`.
pub(super) struct Play {
    pub from: u8,
    pub absent: u16,
    pub deviant: u16,
    pub way: Way,
    pub until: Option<u8>,
}

impl Play {
    /// Everybody is honest.
    pub(super) fn honest(until: Option<u8>) -> Self {
        Self { from: u8::MAX, absent: 0, deviant: 0, way: Way::Honest, until }
    }
}

impl World {
    pub(super) fn join(
        &mut self,
        from: Who,
        trainers: u8,
        evaluators: u8,
        which: Which,
    ) -> Result<(), String> {
        let task = self.task(which);
        let Some(row) = self.chain.read(|| Tasks::<Runtime>::get(task)) else { return Ok(()) };
        let sponsor = self.sponsor(task);
        let others =
            (0..ACCOUNTS).map(|more| (from + more) % ACCOUNTS).filter(|who| *who != sponsor);
        let roles = std::iter::repeat_n(Role::Evaluator, evaluators.into())
            .chain(std::iter::repeat_n(Role::Trainer, trainers.into()));
        for (who, role) in others.zip(roles) {
            // Of all classes, where the task has them.
            let weight = (1 << (who % 5)).min(row.spec.terms.draw.cap());
            let amount = row.spec.stake(role, weight);
            let member =
                self.chain.read(|| pallet_participants::Members::<Runtime>::get(role, name(who)));
            if member.is_none_or(|member| member.unengaged() < amount) {
                // As much as the task asks and more, where that is enough for the role.
                let least = self.chain.read(pallet_parameters::Current::<Runtime>::get);
                let amount = (amount + UNIT).max(least.min_bond(role));
                self.call(who, pallet_participants::Call::bond { role, amount })?;
            }
            let needs_key = row.spec.custody.sealed && role == Role::Evaluator;
            let has_key = self
                .chain
                .read(|| pallet_participants::EncryptionKeys::<Runtime>::contains_key(name(who)));
            if needs_key && !has_key {
                let key = Some([who + 20; 32]);
                self.call(who, pallet_participants::Call::set_encryption_key { key })?;
            }
            self.call(who, pallet_assignments::Call::enroll { task, role, weight })?;
        }
        Ok(())
    }

    pub(super) fn everybody(
        &mut self,
        which: Which,
        absent: u16,
        deviant: u16,
        way: Way,
    ) -> Result<(), String> {
        let task = self.task(which);
        let Some((number, before)) = self.current(task) else { return Ok(()) };
        if matches!(before.phase, Phase::Training | Phase::Scoring) {
            self.blocks(2)?;
        }
        let mut acting: Vec<Who> = (0..ACCOUNTS).filter(|who| absent >> who & 1 == 0).collect();
        // Trainers first: they hand keys over in the phase that the last seat's commitment ends.
        let trains = |who: &Who| {
            pallet_assignments::Places::<Runtime>::contains_key((task, Role::Trainer, name(*who)))
        };
        self.chain.read(|| acting.sort_by_cached_key(|who| !trains(who)));
        for who in acting {
            let own = if deviant >> who & 1 == 1 { way } else { Way::Honest };
            // Everybody does one phase, not what comes after it.
            match self.current(task) {
                Some((now, round)) if (now, round.phase) == (number, before.phase) => {
                    self.act(who, task, own)?;
                }
                _ => break,
            }
        }
        Ok(())
    }

    /// A round, as far as it goes so.
    pub(super) fn round(&mut self, which: Which, play: Play) -> Result<(), String> {
        let task = self.task(which);
        let Some((number, _)) = self.current(task) else { return Ok(()) };
        // Both committees of a round pass through four phases.
        for _ in 0..12 {
            let Some(before) = self.live(task, number) else { return Ok(()) };
            let phase = before.phase as u8;
            if play.until == Some(phase) {
                return Ok(());
            }
            if phase >= play.from {
                self.everybody(which, play.absent, play.deviant, play.way)?;
            } else {
                self.everybody(which, 0, 0, Way::Honest)?;
            }
            let after = self.live(task, number).map(|round| (round.phase, round.committee));
            if after == Some((before.phase, before.committee)) {
                self.due(KEEPER, which)?;
            }
        }
        Ok(())
    }

    /// Too few are left for the next round, so the task waits for others.
    pub(super) fn desert(&mut self, which: Which) -> Result<(), String> {
        let task = self.task(which);
        for who in 0..ACCOUNTS {
            let enrolled = (task, Role::Evaluator, name(who));
            if self.chain.read(|| pallet_assignments::Places::<Runtime>::contains_key(enrolled)) {
                let role = Role::Evaluator;
                self.call(who, pallet_assignments::Call::leave { task, role })?;
            }
        }
        self.round(which, Play::honest(None))
    }

    fn live(&mut self, task: TaskId, number: RoundNumber) -> Option<Round> {
        let (now, round) = self.current(task)?;
        (now == number && !round.phase.is_final()).then_some(round)
    }

    pub(super) fn due(&mut self, who: Who, which: Which) -> Result<(), String> {
        let task = self.task(which);
        let now = self.chain.number();
        let row = self.chain.read(|| Tasks::<Runtime>::get(task));
        let deadline = match (self.current(task), row) {
            (Some((_, round)), _) if !round.phase.is_final() => round.deadline,
            (_, Some(row)) => row.enrolling_since + row.spec.deadlines.enrolling,
            _ => now,
        };
        self.blocks(deadline.saturating_sub(now).min(FAR))?;
        self.call(who, pallet_tasks::Call::advance { task })?;
        Ok(())
    }

    pub fn settle(&mut self, by: Who, task: TaskId, round: RoundNumber) -> Result<(), String> {
        for account in (0..ACCOUNTS).map(name) {
            let key = (task, round, account.clone());
            if self.chain.read(|| pallet_results::Commitments::<Runtime>::contains_key(key)) {
                self.call(
                    by,
                    pallet_validation::Call::claim { task, round, account: account.clone() },
                )?;
            }
            for committee in [1, 0] {
                let key = (task, round, committee, account.clone());
                if self.chain.read(|| pallet_validation::Seats::<Runtime>::contains_key(key)) {
                    let account = account.clone();
                    let call =
                        pallet_validation::Call::claim_seat { task, round, committee, account };
                    self.call(by, call)?;
                }
            }
        }
        Ok(())
    }

    /// An account's part of the present phase, if it has one.
    pub fn act(&mut self, who: Who, task: TaskId, way: Way) -> Result<(), String> {
        let Some((round, row)) = self.current(task) else { return Ok(()) };
        let plays =
            |role| pallet_assignments::Places::<Runtime>::contains_key((task, role, name(who)));
        let (trains, judges) = self.chain.read(|| (plays(Role::Trainer), plays(Role::Evaluator)));
        match row.phase {
            Phase::Training if trains => {
                if let Way::Lie(
                    opinion @ (Opinion::Unavailable | Opinion::Malformed | Opinion::Copied),
                ) = way
                {
                    self.bad.insert((task, round, who), opinion);
                }
                let hash = if way == Way::Blind {
                    [who; 32]
                } else {
                    self.update_hash(task, round, &row, who)
                };
                let salt = self.salt(task, round, who);
                if self.call(who, pallet_results::Call::commit { task, round, hash })? {
                    self.salts.insert((task, round, who), salt);
                }
            }
            Phase::Revealing if trains => {
                let plain_hash = row.sealed.then_some([who; 32]);
                let samples = if way == Way::Blind { 99 } else { 100 };
                let cid = update_cid(round, who);
                let reveal = pallet_results::Call::reveal {
                    task,
                    round,
                    cid,
                    plain_hash,
                    samples,
                    salt: self.salts.get(&(task, round, who)).copied().unwrap_or(SALT),
                };
                self.call(who, reveal)?;
            }
            Phase::Scoring if trains && row.sealed => {
                let (committee, keys) = (row.committee, update_cid(round, who));
                self.call(who, pallet_results::Call::hand_over { task, round, committee, keys })?;
            }
            Phase::Scoring if judges => {
                let committee = row.committee;
                let sheet = self.opinions(task, round, way);
                let hash = if way == Way::Blind {
                    [who; 32]
                } else {
                    self.scores_hash(task, round, committee, who, &sheet)
                };
                let commit =
                    pallet_validation::Call::commit_scores { task, round, committee, hash };
                if self.call(who, commit)? {
                    self.sheets.insert((task, round, committee, who), sheet);
                }
            }
            Phase::Verdict if judges => {
                let key = (task, round, row.committee, who);
                let opinions = match (self.sheets.get(&key), way) {
                    (Some(sheet), Way::Honest) => sheet.clone(),
                    _ => self.opinions(task, round, way),
                };
                self.call(
                    who,
                    pallet_validation::Call::open_scores { task, round, opinions, salt: SALT },
                )?;
            }
            Phase::Tallying => {
                self.call(who, pallet_tasks::Call::advance { task })?;
            }
            Phase::Aggregating | Phase::Settled if judges => {
                let cid = update_cid(round, if way == Way::Honest { 0xee } else { who });
                let metric =
                    if way == Way::Blind { u32::MAX } else { 500_000 + 100_000 * round.min(4) };
                let attest =
                    pallet_validation::Call::attest { task, round, cid, metric, state: None };
                self.call(who, attest)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn update_hash(&mut self, task: TaskId, round: RoundNumber, row: &Round, who: Who) -> [u8; 32] {
        let genesis = self.chain.read(|| System::block_hash(0)).into();
        let (cid, plain_hash) = (update_cid(round, who), row.sealed.then_some([who; 32]));
        let account = &name(who);
        UpdateCommitment {
            genesis,
            task,
            round,
            account,
            base: row.base,
            cid,
            plain_hash,
            samples: 100,
            salt: self.salt(task, round, who),
        }
        .hash()
    }

    fn scores_hash(
        &mut self,
        task: TaskId,
        round: RoundNumber,
        committee: CommitteeNumber,
        who: Who,
        opinions: &Opinions,
    ) -> [u8; 32] {
        let genesis = self.chain.read(|| System::block_hash(0)).into();
        ScoresCommitment {
            genesis,
            task,
            round,
            committee,
            account: &name(who),
            opinions,
            salt: SALT,
        }
        .hash()
    }

    fn opinions(&mut self, task: TaskId, round: RoundNumber, way: Way) -> Opinions {
        let reveals = self.chain.read(|| {
            (0..)
                .map_while(|index| pallet_results::Reveals::<Runtime>::get((task, round, index)))
                .collect::<Vec<_>>()
        });
        let of = |trainer: &AccountId| {
            let who = (0..ACCOUNTS).find(|who| name(*who) == *trainer).unwrap_or(0);
            match way {
                Way::Lie(opinion) => opinion,
                // Every fifth trainer's data are worth less than nothing.
                _ => self.bad.get(&(task, round, who)).copied().unwrap_or(Opinion::Score(
                    if who % 5 == 4 { -3_000 } else { 1_000 * i64::from(who) + 7 },
                )),
            }
        };
        Opinions::truncate_from(reveals.iter().map(of).collect())
    }
}

/// The CID of a trainer's update.
fn update_cid(round: RoundNumber, who: Who) -> Cid {
    cid_of(if has_leaves(who) { Codec::DagPb } else { Codec::Raw }, &root(round, who))
}

/// Leaves below the root of an update that is no single one.
const LEAVES: u16 = 2;

/// Every third account's updates are a node over leaves.
pub(super) fn has_leaves(who: Who) -> bool {
    who % 3 == 1
}

fn root(round: RoundNumber, who: Who) -> Vec<u8> {
    if !has_leaves(who) {
        return leaf(round, who, 0);
    }
    let leaves = (0..LEAVES).map(|number| cid_of(Codec::Raw, &leaf(round, who, number)));
    sample::node(&leaves.collect::<Vec<_>>(), 7)
}

fn leaf(round: RoundNumber, who: Who, number: u16) -> Vec<u8> {
    (round, who, number).encode()
}

fn cid_of(codec: Codec, bytes: &[u8]) -> Cid {
    Cid { codec, digest: sp_io::hashing::sha2_256(bytes) }
}

/// The blocks that answer a challenge of a trainer's update.
pub(super) fn along(round: RoundNumber, who: Who, path: &[u16]) -> Vec<Vec<u8>> {
    let mut blocks = vec![root(round, who)];
    // What is below a leaf is answered by the node above it.
    if let [number] = path
        && *number < LEAVES
        && has_leaves(who)
    {
        blocks.push(leaf(round, who, *number));
    }
    blocks
}
